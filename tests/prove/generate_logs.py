#!/usr/bin/env python3
"""Made-up logs of any size: `generate_logs.py FORMAT BYTES OUT [--seed N] [--gzip]`.

FORMAT: alb, vpcflow, apigateway, cloudtrail (OUT is a folder of delivery files of about 5 MB),
cloudtrail-jsonl, cloudwatch, waf, s3access, cloudfront. BYTES may end in K, M or G and is of the text,
before compression. The same seed gives the same bytes. Addresses are of the ranges for documentation,
accounts and keys AWS's own examples.

Lines come from a pool of templates with a few holes: time, client, ids. So a file has as many
distinct ids as lines, and some thousand distinct paths, agents and errors, as real logs have.
"""

import argparse
import base64
import datetime
import gzip
import json
import pathlib
import random
import sys

POOL = 4096
DAY = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
ACCOUNT = "111122223333"
REGION = "eu-central-1"
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "curl/8.5.0",
    "okhttp/4.12.0",
    "python-requests/2.31.0",
    "Go-http-client/2.0",
    "kube-probe/1.29",
]
WORDS = "orders users cart items search login export invoices health images reports sessions tokens payments refunds admin".split()
METHODS = ["GET"] * 12 + ["POST"] * 5 + ["PUT", "DELETE", "HEAD", "OPTIONS"]
STATUS = [200] * 60 + [201, 204, 301, 302, 304, 304, 400, 401, 401, 403, 404, 404, 429, 500, 502, 503, 504]


class Maker:
    """Random parts; one per file, so a seed means one content."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.addresses = [f"{net}.{host}" for net in ("192.0.2", "198.51.100", "203.0.113") for host in range(1, 255)]
        self.addresses += [f"2001:db8::{n:x}:{n * 7:x}" for n in range(1, 200)]
        self.inside = [f"10.0.{a}.{b}" for a in range(8) for b in range(5, 250, 7)]
        # An interface has one address.
        self.interfaces = {address: f"eni-0{self.hexes(16)}" for address in self.inside}

    def hexes(self, digits):
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def uuid_tail(self):
        return f"{self.hexes(4)}-4{self.hexes(3)}-a{self.hexes(3)}-{self.hexes(12)}"

    def path(self):
        depth = self.random.randint(1, 3)
        parts = [self.random.choice(WORDS)]
        parts += [str(self.random.randint(1, 90_000)) if self.random.random() < 0.6 else self.random.choice(WORDS) for _ in range(depth)]
        return "/" + "/".join(parts)

    def query(self):
        count = self.random.choice([0, 0, 0, 1, 2, 4])
        return "&".join(f"{self.random.choice(WORDS)}={self.hexes(self.random.choice([2, 6, 16]))}" for _ in range(count))

    def agent(self):
        return self.random.choice(AGENTS)

    def blob(self, size):
        return base64.b64encode(self.random.randbytes(size)).decode()


def escaped(text):
    return text.replace("%", "%%")


def alb(make):
    """Holes: time, client, port, root, creation time, connection."""
    pick = make.random
    name = "app/shop-%s/%s" % (pick.choice(["public", "internal"]), "50dc6c495c0c9188")
    status = pick.choice(STATUS)
    sent = pick.random() > 0.03
    target = f"{pick.choice(make.inside)}:{pick.choice([80, 8080, 8443])}" if sent else "-"
    times = "0.000 %.3f 0.000" % (pick.random() ** 3) if sent else "-1 -1 -1"
    query = make.query()
    url = f"https://shop.example.com:443{make.path()}{'?' + query if query else ''}"
    cipher = pick.choice(["TLS_AES_128_GCM_SHA256 TLSv1.3", "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2"])
    group = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/shop-{pick.choice('abcd')}/73e2d6bc24d8a067"
    fixed = escaped(
        f'{target} {times} {status} {status if sent else "-"} {pick.randint(60, 4000)} {pick.randint(100, 60000)} '
        f'"{pick.choice(METHODS)} {url} HTTP/{pick.choice(["1.1", "2.0"])}" "{make.agent()}" {cipher} {group} '
    )
    certificate = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012"
    return (
        f'{pick.choice(["https", "h2"])} %s {name} %s:%d {fixed}"Root=1-%s" "shop.example.com" "{certificate}" {pick.randint(0, 40)} %s '
        f'"{pick.choice(["forward", "waf,forward"])}" "-" "-" "{target}" "{status if sent else "-"}" "-" "-" TID_%s "-" "-" "-" {pick.choice(make.inside)}\n'
    )


def alb_fill(template, tick, make):
    bits = make.random.getrandbits
    stamp = f"{tick.second}.{bits(20) % 1000000:06d}Z"
    return template % (stamp, tick.client(), 1024 + bits(15), f"{tick.epoch:08x}-{bits(96):024x}", stamp, f"{bits(128):032x}")


def vpcflow(make):
    """Sixteen records of one second, for these lines are short. Holes: start, end of each."""
    return "".join(flow_record(make) for _ in range(16)), 16


def flow_record(make):
    pick = make.random
    inside, port = pick.choice(make.inside), pick.choice([443, 443, 443, 80, 22, 5432, 53, 3306])
    outside, high = pick.choice(make.addresses), 1024 + pick.getrandbits(15)
    protocol = 17 if port == 53 else 6
    packets = int(1 + 400 * pick.random() ** 3)
    action = "REJECT" if pick.random() < 0.1 else "ACCEPT"
    ends = f"{outside} {inside} {high} {port}" if pick.random() < 0.5 else f"{inside} {outside} {port} {high}"
    return f"2 {ACCOUNT} {make.interfaces[inside]} {ends} {protocol} {packets} {packets * pick.randint(40, 1400)} %d %d {action} OK\n"


def vpcflow_fill(template, tick, make):
    return template % ((tick.epoch, tick.epoch + 1 + make.random.getrandbits(5)) * 16)


def apigateway(make):
    """Holes: request id, extended id, client, time, epoch in ms, trace."""
    pick, status = make.random, make.random.choice(STATUS)
    latency = pick.randint(1, 900)
    item = {
        "requestId": "%s", "extendedRequestId": "%s", "ip": "%s", "caller": "-", "user": "-", "requestTime": "%s", "requestTimeEpoch": "@epoch@",
        "httpMethod": pick.choice(METHODS), "resourcePath": f"/{pick.choice(WORDS)}/{{id}}", "path": f"/prod{make.path()}", "status": str(status),
        "protocol": "HTTP/1.1", "responseLength": str(pick.randint(2, 9000)), "responseLatency": latency,
        "integrationLatency": latency - 1 if status < 500 else "-", "userAgent": make.agent(), "apiId": "abcdef1234", "stage": "prod",
        "domainName": "abcdef1234.execute-api.eu-central-1.amazonaws.com", "authorizerPrincipalId": pick.choice(["-", "user|" + make.hexes(8)]),
        "errorMessage": "-" if status < 400 else "Internal server error", "xrayTraceId": "@trace@",
    }  # fmt: skip
    text = json.dumps(item, separators=(",", ":")).replace("%s", "\0")
    return escaped(text).replace("\0", "%s").replace('"@epoch@"', "%d").replace("@trace@", "1-%s") + "\n"


def apigateway_fill(template, tick, make):
    bits = make.random.getrandbits
    request = f"{bits(32):08x}-{bits(16):04x}-4{bits(12):03x}-a{bits(12):03x}-{bits(48):012x}"
    extended = f"{bits(60):015x}="
    return template % (request, extended, tick.client(), tick.clf, tick.epoch * 1000 + bits(9), f"{tick.epoch:08x}-{bits(96):024x}")


CALLS = [
    ("s3.amazonaws.com", "GetObject", "Data", True), ("s3.amazonaws.com", "PutObject", "Data", False), ("s3.amazonaws.com", "ListBuckets", "Management", True),
    ("sts.amazonaws.com", "AssumeRole", "Management", True), ("sts.amazonaws.com", "GetCallerIdentity", "Management", True),
    ("ec2.amazonaws.com", "DescribeInstances", "Management", True), ("ec2.amazonaws.com", "RunInstances", "Management", False),
    ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", "Management", False), ("kms.amazonaws.com", "Decrypt", "Management", True),
    ("lambda.amazonaws.com", "Invoke", "Data", False), ("iam.amazonaws.com", "CreateAccessKey", "Management", False),
    ("dynamodb.amazonaws.com", "GetItem", "Data", True), ("logs.amazonaws.com", "FilterLogEvents", "Management", True),
    ("secretsmanager.amazonaws.com", "GetSecretValue", "Management", True), ("signin.amazonaws.com", "ConsoleLogin", "Management", False),
]  # fmt: skip


def parameters(make, call):
    pick = make.random
    return {
        "GetObject": {"bucketName": "shop-data", "key": make.path()[1:], "Host": "shop-data.s3.eu-central-1.amazonaws.com", "x-id": "GetObject"},
        "PutObject": {"bucketName": "shop-data", "key": make.path()[1:], "Host": "shop-data.s3.eu-central-1.amazonaws.com"},
        "AssumeRole": {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/app-{pick.choice(WORDS)}", "roleSessionName": f"i-0{make.hexes(16)}", "durationSeconds": 3600},
        "DescribeInstances": {"maxResults": 100, "instancesSet": {}, "filterSet": {"items": [{"name": "vpc-id", "valueSet": {"items": [{"value": f"vpc-0{make.hexes(16)}"}]}}]}},
        "RunInstances": {"instancesSet": {"items": [{"imageId": f"ami-0{make.hexes(16)}", "minCount": 1, "maxCount": 1}]}, "instanceType": "m6i.large", "monitoring": {"enabled": False}},
        "AuthorizeSecurityGroupIngress": {"groupId": f"sg-0{make.hexes(16)}", "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}},
        "Decrypt": {"encryptionContext": {"aws:s3:arn": "arn:aws:s3:::shop-data"}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
        "Invoke": {"functionName": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{pick.choice(WORDS)}", "invocationType": "RequestResponse"},
        "CreateAccessKey": {"userName": pick.choice(WORDS)},
        "GetItem": {"tableName": pick.choice(WORDS), "key": {"id": make.hexes(8)}},
        "FilterLogEvents": {"logGroupName": f"/aws/lambda/{pick.choice(WORDS)}", "limit": 10000},
        "GetSecretValue": {"secretId": f"prod/{pick.choice(WORDS)}"},
    }.get(call)  # fmt: skip


def cloudtrail(make):
    """Holes: time, client, request id, event id."""
    pick = make.random
    source, call, category, read = pick.choice(CALLS)
    role, session = f"app-{pick.choice(WORDS)}", f"i-0{make.hexes(16)}"
    identity = {
        "type": "AssumedRole", "principalId": f"AROAIOSFODNN7EXAMPLE1:{session}", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}", "accountId": ACCOUNT,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "principalId": "AROAIOSFODNN7EXAMPLE1", "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "accountId": ACCOUNT, "userName": role},
            "attributes": {"creationDate": "2026-03-02T00:00:00Z", "mfaAuthenticated": "false"}, "ec2RoleDelivery": "2.0",
        },
    }  # fmt: skip
    if pick.random() < 0.2:
        user = pick.choice(WORDS)
        identity = {"type": "IAMUser", "principalId": "AIDAIOSFODNN7EXAMPLE1", "arn": f"arn:aws:iam::{ACCOUNT}:user/{user}", "accountId": ACCOUNT, "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": user}
    item = {
        "eventVersion": "1.11", "userIdentity": identity, "eventTime": "%s", "eventSource": source, "eventName": call, "awsRegion": REGION,
        "sourceIPAddress": "%s", "userAgent": pick.choice(["aws-cli/2.15.0 md/awscrt#0.19.19", "Boto3/1.34.0 md/Botocore#1.34.0", "[aws-sdk-java/2.20]"] + AGENTS[:2]),
    }  # fmt: skip
    if pick.random() < 0.08:
        item |= {"errorCode": "AccessDenied", "errorMessage": f"User: {identity['arn']} is not authorized to perform: {source.split('.')[0]}:{call}"}
    item |= {"requestParameters": parameters(make, call), "responseElements": None if read else {"_return": True}}
    if category == "Data" and source.startswith("s3"):
        item["additionalEventData"] = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0, "AuthenticationMethod": "AuthHeader", "x-amz-id-2": make.blob(56), "bytesTransferredOut": pick.randint(10, 90000)}  # fmt: skip
        item["resources"] = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::shop-data/" + make.path()[1:]}, {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop-data"}]
    item |= {
        "requestID": "%s", "eventID": "%s", "readOnly": read, "eventType": "AwsApiCall", "managementEvent": category == "Management", "recipientAccountId": ACCOUNT, "eventCategory": category,
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": f"{source.split('.')[0]}.{REGION}.amazonaws.com"},
    }  # fmt: skip
    text = json.dumps(item, separators=(",", ":")).replace("%s", "\0")
    return escaped(text).replace("\0", "%s")


def cloudtrail_fill(template, tick, make):
    bits = make.random.getrandbits
    return template % (
        tick.second + "Z", tick.client(), f"{bits(64):016X}",
        f"{bits(32):08x}-{bits(16):04x}-4{bits(12):03x}-a{bits(12):03x}-{bits(48):012x}",
    )  # fmt: skip


def cloudwatch(make):
    """Export lines of one invocation of a Lambda function. Holes: id, second."""
    pick, head = make.random, "%(second)s.{:03d}Z "
    spent = pick.random() * 900
    cold = f"\tInit Duration: {pick.random() * 700:.2f} ms" if pick.random() < 0.1 else ""
    records = ["START RequestId: %(id)s Version: $LATEST\n"]
    for _ in range(pick.randint(1, 6)):
        kind = pick.random()
        if kind < 0.6:
            level = pick.choice(["INFO", "INFO", "INFO", "WARN"])
            records.append(f"%(second)s.000Z\t%(id)s\t{level}\t{make.path()} took {pick.randint(1, 900)} ms for customer {make.hexes(12)} cart={pick.randint(1, 9)}\n")
        elif kind < 0.92:
            records.append(f'{{"timestamp":"%(second)sZ","level":"INFO","message":"handled {make.path()}","logger":"root","requestId":"%(id)s","items":{pick.randint(1, 40)}}}\n')
        else:
            frames = "".join(f"    at {pick.choice(WORDS)}.{pick.choice(WORDS)} (/var/task/{pick.choice(WORDS)}.js:{pick.randint(1, 900)}:13)\n" for _ in range(pick.randint(3, 12)))
            records.append("%(second)s.000Z\t%(id)s\tERROR\tError: connection reset by peer\n" + frames)
    records.append("END RequestId: %(id)s\n")
    records.append(f"REPORT RequestId: %(id)s\tDuration: {spent:.2f} ms\tBilled Duration: {int(spent) + 1} ms\tMemory Size: 256 MB\tMax Memory Used: {pick.randint(40, 200)} MB{cold}\t\n")
    first = pick.randint(0, 900)
    return "".join(head.format(first + 7 * n) + record for n, record in enumerate(records)), len(records)


def cloudwatch_fill(template, tick, make):
    bits = make.random.getrandbits
    return template % {"second": tick.second, "id": f"{bits(32):08x}-{bits(16):04x}-4{bits(12):03x}-a{bits(12):03x}-{bits(48):012x}"}


def waf(make):
    """Holes: epoch in ms, client, trace root."""
    pick = make.random
    blocked = pick.random() < 0.1
    headers = {"Host": "shop.example.com", "User-Agent": make.agent(), "Accept": "*/*", "Accept-Encoding": "gzip, deflate, br", "X-Forwarded-Proto": "https", "Cookie": "session=" + make.hexes(32)}
    item = {
        "timestamp": "@ms@", "formatVersion": 1, "webaclId": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop/0a1b2c3d-0000-4000-8000-000000000000",
        "terminatingRuleId": "AWS-AWSManagedRulesSQLiRuleSet" if blocked else "Default_Action", "terminatingRuleType": "MANAGED_RULE_GROUP" if blocked else "REGULAR",
        "action": "BLOCK" if blocked else "ALLOW",
        "terminatingRuleMatchDetails": [{"conditionType": "SQL_INJECTION", "sensitivityLevel": "LOW", "location": "ALL_QUERY_ARGS", "matchedData": ["1", "or", "1"]}] if blocked else [],
        "httpSourceName": "ALB", "httpSourceId": f"{ACCOUNT}-app/shop-public/50dc6c495c0c9188",
        "ruleGroupList": [{"ruleGroupId": "AWS#AWSManagedRulesCommonRuleSet", "terminatingRule": None, "nonTerminatingMatchingRules": [], "excludedRules": None, "customerConfig": None}],
        "rateBasedRuleList": [], "nonTerminatingMatchingRules": [], "requestHeadersInserted": None, "responseCodeSent": None,
        "httpRequest": {
            "clientIp": "%s", "country": pick.choice(["DE", "US", "FR", "-"]), "headers": [{"name": name, "value": value} for name, value in headers.items()], "uri": make.path(), "args": make.query(),
            "httpVersion": "HTTP/2.0", "httpMethod": pick.choice(METHODS), "requestId": "1-%s", "scheme": "https", "host": "shop.example.com",
        },
        "labels": [{"name": "awswaf:managed:aws:core-rule-set:NoUserAgent_Header"}] if pick.random() < 0.3 else [],
        "ja3Fingerprint": make.hexes(32), "ja4Fingerprint": f"t13d1516h2_{make.hexes(12)}_{make.hexes(12)}", "requestBodySize": pick.randint(0, 4000), "requestBodySizeInspectedByWAF": 0,
    }  # fmt: skip
    text = json.dumps(item, separators=(",", ":")).replace("%s", "\0")
    return escaped(text).replace("\0", "%s").replace('"@ms@"', "%d") + "\n"


def waf_fill(template, tick, make):
    bits = make.random.getrandbits
    return template % (tick.epoch * 1000 + bits(9), tick.client(), f"{tick.epoch:08x}-{bits(96):024x}")


def s3access(make):
    """Holes: time, client, request id, host id."""
    pick = make.random
    operation, method = pick.choice([("REST.GET.OBJECT", "GET")] * 6 + [("REST.PUT.OBJECT", "PUT"), ("REST.HEAD.OBJECT", "HEAD"), ("REST.GET.BUCKET", "GET"), ("REST.DELETE.OBJECT", "DELETE")])
    key = make.path()[1:]
    status, error = pick.choice([("200", "-")] * 12 + [("403", "AccessDenied"), ("404", "NoSuchKey"), ("304", "-")])
    size = pick.randint(100, 9_000_000)
    owner = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
    requester = pick.choice([owner, "-", f"arn:aws:sts::{ACCOUNT}:assumed-role/app/i-0{make.hexes(16)}"])
    middle = escaped(f'{operation} {key} "{method} /{key}?x-id={method}Object HTTP/1.1" {status} {error} {size} {size} {pick.randint(1, 900)} {pick.randint(1, 90)} "-" "{make.agent()}" - ')
    return (
        f"{owner} shop-data [%s] %s {requester} %s {middle}%s= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader shop-data.s3.{REGION}.amazonaws.com TLSv1.3 - - {REGION}\n"
    )


def s3access_fill(template, tick, make):
    bits = make.random.getrandbits
    return template % (tick.clf, tick.client(), f"{bits(64):016X}", f"{bits(300):075x}")


CF_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id "
    "x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)
CF_HEAD = f"#Version: 1.0\n#Fields: {CF_FIELDS}\n"


def cloudfront(make):
    """Holes: date, time, client, request id, port."""
    pick = make.random
    result, status, size = pick.choice(["Hit", "Hit", "Miss", "RefreshHit", "Error"]), pick.choice(STATUS), pick.randint(300, 90_000)
    agent = escaped(make.agent().replace(" ", "%20"))
    taken = "%.3f" % (pick.random() ** 4)
    return (
        f"%s\t%s\tFRA56-P{pick.randint(1, 9)}\t{size}\t%s\t{pick.choice(METHODS)}\td111111abcdef8.cloudfront.net\t{make.path()}\t{status}\t-\t{agent}\t{make.query() or '-'}\t-\t{result}\t%s==\t"
        f"www.example.com\thttps\t{pick.randint(20, 900)}\t{taken}\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\t{result}\tHTTP/2.0\t-\t-\t%d\t{taken}\t{result}\ttext/html\t{size - 200}\t-\t-\n"
    )


def cloudfront_fill(template, tick, make):
    bits = make.random.getrandbits
    return template % (tick.second[:10], tick.second[11:], tick.client(), f"{bits(216):054x}", 1024 + bits(15))


class Tick:
    """The running second, and who calls in it."""

    def __init__(self, make):
        self.make, self.epoch = make, int(DAY.timestamp())
        self.step(0)

    def step(self, seconds):
        self.epoch += seconds
        when = datetime.datetime.fromtimestamp(self.epoch, datetime.timezone.utc)
        self.second = when.strftime("%Y-%m-%dT%H:%M:%S")
        self.clf = when.strftime("%d/%b/%Y:%H:%M:%S +0000")

    def client(self):
        addresses = self.make.addresses
        # A few clients call much more often than the others.
        number = self.make.random.getrandbits(20)
        return addresses[number % 16 if number & 0x30000 == 0 else number % len(addresses)]


FORMATS = {
    "alb": (alb, alb_fill),
    "vpcflow": (vpcflow, vpcflow_fill),
    "apigateway": (apigateway, apigateway_fill),
    "cloudtrail": (cloudtrail, cloudtrail_fill),
    "cloudtrail-jsonl": (cloudtrail, cloudtrail_fill),
    "cloudwatch": (cloudwatch, cloudwatch_fill),
    "waf": (waf, waf_fill),
    "s3access": (s3access, s3access_fill),
    "cloudfront": (cloudfront, cloudfront_fill),
}
HEADS = {"vpcflow": "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n", "cloudfront": CF_HEAD}


def size_of(text):
    unit = {"K": 1_000, "M": 1_000_000, "G": 1_000_000_000}.get(text[-1].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


def lines(name, size, seed):
    """(text, records in it) until `size` bytes are reached, spread over one day."""
    make = Maker(seed)
    build, fill = FORMATS[name]
    built = (build(make) for _ in range(POOL))
    pool = [each if isinstance(each, tuple) else (each, 1) for each in built]
    tick = Tick(make)
    mean = sum(len(fill(template, tick, make)) for template, _ in pool[:256]) / 256
    per_second = max(1, round(size / mean / 86_000))
    pause = 1 if size / mean > 86_000 else max(1, int(86_000 * mean / size))
    written, count, bits = 0, 0, make.random.getrandbits
    while written < size:
        if count % per_second == 0:
            tick.step(pause)
        template, records = pool[bits(12)]
        text = fill(template, tick, make)
        count += 1
        written += len(text)
        yield text, records


def opened(path, packed):
    return gzip.open(path, "wt", compresslevel=6) if packed else open(path, "w")


def generate(name, size, out, seed=1, packed=False):
    """Writes the logs; gives the number of records."""
    out, count = pathlib.Path(out), 0
    if name == "cloudtrail":
        return delivery_files(size, out, seed, packed)
    with opened(out, packed) as file:
        file.write(HEADS.get(name, ""))
        batch, end = [], "\n" if name == "cloudtrail-jsonl" else ""
        for text, records in lines(name, size, seed):
            batch.append(text)
            count += records
            if len(batch) == 2000:
                file.write(end.join(batch) + end)
                batch.clear()
        file.write(end.join(batch) + end if batch else "")
        return count


def delivery_files(size, out, seed, packed, each=5_000_000):
    """`{"Records":[…]}` files of about 5 MB, named as AWS names them."""
    out.mkdir(parents=True, exist_ok=True)
    count, held, batch, number = 0, 0, [], 0

    def flush():
        nonlocal number, held
        number += 1
        stamp = (DAY + datetime.timedelta(minutes=5 * number)).strftime("%Y%m%dT%H%MZ")
        path = out / f"{ACCOUNT}_CloudTrail_{REGION}_{stamp}_{number:016d}.json{'.gz' if packed else ''}"
        with opened(path, packed) as file:
            file.write('{"Records":[' + ",".join(batch) + "]}")
        batch.clear()
        held = 0

    for text, records in lines("cloudtrail", size, seed):
        batch.append(text)
        held += len(text)
        count += records
        if held >= each:
            flush()
    if batch:
        flush()
    return count


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("format", choices=sorted(FORMATS))
    args.add_argument("bytes", type=size_of)
    args.add_argument("out")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--gzip", action="store_true")
    asked = args.parse_args()
    print(generate(asked.format, asked.bytes, asked.out, asked.seed, asked.gzip), "records", file=sys.stderr)


if __name__ == "__main__":
    main()
