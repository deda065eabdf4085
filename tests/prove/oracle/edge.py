"""WAF, S3 server access and CloudFront logs, by formats/others.md."""

import re

from .values import AnyOf, Expect, address, clf, epoch, iso, member, number, snake, string, unquoted, url_path

S3_NAMES = """bucket_owner bucket time remote_ip requester request_id operation key request_uri http_status
error_code bytes_sent object_size total_time turn_around_time referer user_agent version_id host_id
signature_version cipher_suite authentication_type host_header tls_version access_point_arn acl_required
source_region""".split()
S3_NUMBERS = {"http_status", "bytes_sent", "object_size", "total_time", "turn_around_time"}
S3_LINE = re.compile(
    r'(\S+) (\S+) \[([^]]*)\] (\S+) (\S+) (\S+) (\S+) (\S+) (?:"(.*?)"|(-)) (\d{3}|-) (\S+) (\d+|-) (\d+|-) (\d+|-) (\d+|-)'
    r'(?: (?:"(.*?)"|(-)) (?:"(.*)"|(-)) (\S+)(.*))?'
)
REALTIME = """timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host
cs-uri-stem cs-bytes x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version
c-ip-version cs-user-agent cs-referer cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for
ssl-protocol ssl-cipher x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len
sc-range-start sc-range-end c-port x-edge-detailed-result-type c-country cs-accept-encoding cs-accept
cache-behavior-path-pattern cs-headers cs-header-names cs-headers-count primary-distribution-id
primary-distribution-dns-name origin-fbl origin-lbl asn""".split()
CONNECTION = """eventTimestamp connectionId connectionStatus clientIp clientPort serverIp distributionId
distributionTenantId tlsProtocol tlsCipher tlsHandshakeDuration tlsSni clientLeafCertSerialNumber
clientLeafCertSubject clientLeafCertIssuer clientLeafCertValidity connectionLogCustomData""".split()
CF_NUMBERS = {
    "sc-bytes", "sc-status", "cs-bytes", "time-taken", "c-port", "time-to-first-byte", "sc-content-len", "sc-range-start", "sc-range-end",
    "origin-fbl", "origin-lbl", "asn", "cs-headers-count",
}  # fmt: skip


def waf(item, _context):
    top = {snake(name): epoch(value) if name == "timestamp" else member(value) for name, value in item.items()}
    http = item.get("httpRequest") or {}
    common = {"event_time": epoch(item["timestamp"]), "source_ip": address(http.get("clientIp")), "event_action": item.get("action")}
    if string(http.get("httpMethod")):
        common["http_method"] = http["httpMethod"]
    if string(http.get("uri")) and http["uri"].startswith("/"):
        common["url_path"] = url_path(http["uri"])
    agents = [each["value"] for each in http.get("headers") or [] if each.get("name", "").lower() == "user-agent"]
    if agents:
        common["user_agent"] = agents[0]
    named = string(http.get("requestId"))
    if named and re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", named):
        common["trace_id"] = named
    elif named and named != "null":
        common["request_id"] = named
    acl = item.get("webaclId", "").split(":")
    if len(acl) > 5 and re.fullmatch(r"\d{12}", acl[4]):
        common["account_id"] = acl[4]
    return Expect(top, common)


def s3access(line, _context):
    hit = S3_LINE.match(line)
    groups = list(hit.groups())
    # Quoted fields are a bare dash where there is nothing to say: two alternatives each.
    plain = groups[:8] + [groups[8] or groups[9]] + groups[10:16]
    if groups[20] is not None:
        plain += [groups[16] or groups[17], groups[18] or groups[19], groups[20]] + (groups[21] or "").split()
    top = {}
    for name, token in zip(S3_NAMES, plain):
        if name == "time":
            top[name, "request_time"] = clf(token)
        elif name in S3_NUMBERS:
            value = number(token)
            top[name] = AnyOf(None, 0) if name == "bytes_sent" and value is None else value
        elif name == "key":
            top[name] = unquoted(token)
        elif name == "remote_ip":
            top[name] = AnyOf(string(token), address(token))
        elif name == "acl_required":
            top[name] = AnyOf(string(token), token == "Yes")
        else:
            top[name] = string(token)
    common = {"event_time": clf(plain[2]), "source_ip": address(plain[3]), "request_id": string(plain[5]), "event_action": string(plain[6])}
    common["http_status"] = number(plain[9])
    if string(plain[10]):
        common["error_code"] = plain[10]
    if string(plain[8]):
        method, _, rest = plain[8].partition(" ")
        common["http_method"] = method
        common["url_path"] = unquoted(url_path(rest.rsplit(" ", 1)[0] if " HTTP/" in rest else rest))
    if len(plain) > 16:
        common["user_agent"] = string(plain[16])
    return Expect(top, common)


def tabbed(line, known):
    """Values by AWS's names, and as top-level fields; a dict is one of version 2's JSON records."""
    values = line if isinstance(line, dict) else dict(zip(known, line.rstrip("\r\n").split("\t")))
    top = {}
    for name, token in values.items():
        if name in ("date", "time", "timestamp", "timestamp(ms)"):
            continue
        top[snake(name)] = number(token) if name in CF_NUMBERS else unquoted(token)
    return values, top


def viewer(values):
    common = {"source_ip": address(values.get("c-ip")), "http_method": string(values.get("cs-method")), "request_id": string(values.get("x-edge-request-id"))}
    for column, name in (("source_port", "c-port"), ("http_status", "sc-status"), ("bytes_in", "cs-bytes"), ("bytes_out", "sc-bytes")):
        # 000: the viewer left before there was a status.
        if name in values and values[name] != "000":
            common[column] = number(values[name])
    if string(values.get("cs-uri-stem")):
        common["url_path"] = unquoted(values["cs-uri-stem"])
    agent = values.get("cs(User-Agent)", values.get("cs-user-agent"))
    if string(agent):
        common["user_agent"] = unquoted(agent)
    return common


def cloudfront(line, context):
    values, top = tabbed(line, context.get("fields"))
    common = viewer(values)
    if "date" in values:
        common["event_time"] = iso(f"{values['date']}T{values['time']}Z")
    return Expect(top, common)


def cloudfront_realtime(line, context):
    values, top = tabbed(line, context.get("fields") or REALTIME)
    common = viewer(values)
    common["event_time"] = epoch(values["timestamp"])
    return Expect(top, common)


def cloudfront_connection(item, _context):
    if not isinstance(item, dict):
        item = dict(zip(CONNECTION, item.rstrip("\r\n").split("\t")))
    top = {}
    for name, value in item.items():
        if name == "eventTimestamp":
            continue
        top[snake(name)] = AnyOf(member(value), number(value)) if name in ("clientPort", "tlsHandshakeDuration") and isinstance(value, str) else member(value)
    return Expect(top, {"source_ip": address(item.get("clientIp"))})
