"""CloudTrail records and the files they are delivered in."""

import json
import random
import re
from typing import Any

from .base import ACCOUNT, CLOUD_IP, FRIDAY, FUNCTION_ARN, HOUR, MINUTE, REGION, SECOND, Corpus, Event, alnum, base64_id, iso, moment, stream_rng, uuid4

# Their events happen in us-east-1, wherever the caller sits.
GLOBAL_SOURCES = {"iam.amazonaws.com", "organizations.amazonaws.com", "signin.amazonaws.com"}
STEP, INCIDENT_STEP = 4 * HOUR, 15 * MINUTE
INCIDENT_FILES = range(FRIDAY + 12 * HOUR, FRIDAY + 20 * HOUR)
Record = dict[str, Any]


class Trail:
    def __init__(self) -> None:
        self.rng = stream_rng("cloudtrail")
        self.records: list[tuple[int, Record]] = []
        self.principals: dict[str, str] = {}

    # Identities -----------------------------------------------------------------------------

    def principal(self, prefix: str, name: str) -> str:
        if name not in self.principals:
            self.principals[name] = prefix + alnum(self.rng, 17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        return self.principals[name]

    def role(self, role: str, session: str, key: str, created: int, function: bool = False) -> Record:
        principal = self.principal("AROA", role)
        identity = {
            "type": "AssumedRole", "principalId": f"{principal}:{session}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}", "accountId": ACCOUNT, "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": principal, "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "accountId": ACCOUNT, "userName": role},
                "attributes": {"creationDate": iso(created, 0), "mfaAuthenticated": "false"},
            },
        }
        if function:
            identity["inScopeOf"] = {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": FUNCTION_ARN}
        return identity

    def user(self, name: str, key: str = "", console_since: int = 0) -> Record:
        identity = {"type": "IAMUser", "principalId": self.principal("AIDA", name), "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "accountId": ACCOUNT}
        if key:
            identity["accessKeyId"] = key
        identity["userName"] = name
        if console_since:
            identity["sessionContext"] = {"attributes": {"creationDate": iso(console_since, 0), "mfaAuthenticated": "true"}}
        return identity

    # Records --------------------------------------------------------------------------------

    def call(self, time: int, identity: Record, ip: str, agent: str, action: str, params: Record | None = None,
             response: Record | None = None, read_only: bool = True, **more: Any) -> Record:
        """`action` is like 'sts:GetCallerIdentity'; `more` adds or replaces fields."""
        # CloudTrail knows no fractions of a second.
        time -= time % SECOND
        service, name = action.split(":")
        source = f"{service}.amazonaws.com"
        region = "us-east-1" if source in GLOBAL_SOURCES else REGION
        record = {
            "eventVersion": "1.11", "userIdentity": identity, "eventTime": iso(time, 0), "eventSource": source, "eventName": name,
            "awsRegion": region, "sourceIPAddress": ip, "userAgent": agent, "requestParameters": params, "responseElements": response,
            "requestID": uuid4(self.rng), "eventID": uuid4(self.rng), "readOnly": read_only, "eventType": "AwsApiCall",
            "managementEvent": True, "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        }
        if not ip.endswith(".amazonaws.com"):
            host = f"{service}.amazonaws.com" if region == "us-east-1" else f"{service}.{region}.amazonaws.com"
            record["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
        record |= more
        self.records.append((time, record))
        return record

    def s3_data(self, time: int, identity: Record, ip: str, agent: str, name: str, bucket: str, key: str, size: int) -> Record:
        """A data event of S3, with the object's key or the listing's prefix."""
        reads = name != "PutObject"
        host = f"{bucket}.s3.{REGION}.amazonaws.com"
        params = {"bucketName": bucket, "Host": host} | ({"list-type": "2", "prefix": key} if name == "ListObjects" else {"key": key})
        resources = [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"}, {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}]
        extra = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0 if reads else size,
                 "AuthenticationMethod": "AuthHeader", "x-amz-id-2": base64_id(self.rng, 56), "bytesTransferredOut": size if reads else 0}
        return self.call(time, identity, ip, f"[{agent}]", f"s3:{name}", params, None, reads, managementEvent=False, eventCategory="Data",
                         requestID=alnum(self.rng, 16), additionalEventData=extra, resources=resources,
                         tlsDetails={"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host})

    def assume_by_service(self, time: int, service: str, role: str, session: str, key: str, token: str) -> Record:
        """A service takes a role for its workload: from here a temporary key gets its name."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        return self.call(time, {"type": "AWSService", "invokedBy": service}, service, service, "sts:AssumeRole",
                         {"roleArn": arn, "roleSessionName": session}, {"credentials": {"accessKeyId": key, "sessionToken": token, "expiration": expiry(time + 12 * HOUR)}},
                         resources=[{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": arn}], sharedEventID=uuid4(self.rng))

    # Files ----------------------------------------------------------------------------------

    def keep_what_trails_saw(self, stopped: int, second_until: int, started: int) -> None:
        """While org-trail stands still only the one-region trail sees something: no data events, nothing global."""
        def seen(time: int, record: Record) -> bool:
            if not stopped < time < started:
                return True
            return time < second_until and record["awsRegion"] == REGION and record["managementEvent"]

        self.records = [(time, record) for time, record in self.records if seen(time, record)]

    def write(self, corpus: Corpus) -> None:
        self.records.sort(key=lambda entry: entry[0])
        batches: dict[tuple[str, int], list[Record]] = {}
        for time, record in self.records:
            step = INCIDENT_STEP if time in INCIDENT_FILES else STEP
            batches.setdefault((record["awsRegion"], time - time % step + step), []).append(record)
            corpus.events.append(Event("cloudtrail", "cloudtrail", time, dump(record)))
        self._repeat_some(batches)
        for (region, end), records in sorted(batches.items()):
            # Inside one object the order is not that of time.
            stream_rng(f"order:{region}:{end}").shuffle(records)
            stamp = moment(end + 5 * MINUTE)
            name = f"{ACCOUNT}_CloudTrail_{region}_{stamp:%Y%m%dT%H%MZ}_{self._suffix()}.json.gz"
            corpus.put_file(f"logs/cloudtrail/AWSLogs/{ACCOUNT}/CloudTrail/{region}/{stamp:%Y/%m/%d}/{name}", dump({"Records": records}))

    def _suffix(self) -> str:
        return alnum(self.rng, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

    def _repeat_some(self, batches: dict[tuple[str, int], list[Record]]) -> None:
        """Delivery is at-least-once: three events come again in the next file of their region."""
        keys = sorted(key for key in batches if key[0] == REGION)
        attacked = next(n for n, key in enumerate(keys) if any(r["sourceIPAddress"] == CLOUD_IP for r in batches[key]))
        for place in (3, attacked, len(keys) - 4):
            record = next((r for r in batches[keys[place]] if r["sourceIPAddress"] == CLOUD_IP), batches[keys[place]][0])
            batches[keys[place + 1]].append(record)


def dump(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def expiry(time: int) -> str:
    """STS answers with a time in the manner of Java: 'Mar 2, 2026, 6:12:33 PM'."""
    until = moment(time)
    return f"{until:%b} {until.day}, {until.year}, {(until.hour - 1) % 12 + 1}:{until:%M:%S %p}"


def cli_name(action: str) -> str:
    """'lambda:UpdateFunctionCode20150331v2' -> 'lambda.update-function-code'."""
    service, name = action.split(":")
    name = re.sub(r"\d{8}(v\d)?$", "", name)
    dashed = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    return f"{service}.{dashed}"


def pick(rng: random.Random, weighted: dict[str, int]) -> str:
    return rng.choices(list(weighted), list(weighted.values()))[0]
