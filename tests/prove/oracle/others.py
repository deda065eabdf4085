"""X-Ray, Config, GuardDuty, Network Firewall, plain JSON and text, by formats/others.md."""

import re

from .values import AnyOf, Expect, address, clf, epoch, iso, member, snake


def xray(item, _context):
    top = {}
    for name, value in item.items():
        top[snake(name)] = epoch(value) if name in ("start_time", "end_time") else member(value)
    common = {"event_time": epoch(item["start_time"]), "trace_id": item["trace_id"]}
    if "end_time" in item:
        common["event_end"] = epoch(item["end_time"])
    http = item.get("http", {})
    for column, value in (("http_method", http.get("request", {}).get("method")), ("http_status", http.get("response", {}).get("status"))):
        if value is not None:
            common[column] = value
    return Expect(top, common)


def config(item, _context):
    top = {}
    for name, value in item.items():
        if name in ("configurationItemCaptureTime", "resourceCreationTime"):
            top[snake(name)] = iso(value)
        elif name in ("ARN", "arn", "awsAccountId", "accountId"):
            continue
        else:
            top[snake(name)] = member(value)
    common = {"event_time": iso(item["configurationItemCaptureTime"])}
    account = item.get("awsAccountId") or item.get("accountId")
    if account:
        common["account_id"] = account
    if item.get("awsRegion"):
        common["region"] = item["awsRegion"]
    return Expect(top, common)


def guardduty(item, _context):
    top = {}
    for name, value in item.items():
        top[snake(name)] = iso(value) if name in ("createdAt", "updatedAt") else member(value)
    service = item.get("service", {})
    times = [iso(each) for each in (service.get("eventFirstSeen"), service.get("eventLastSeen"), item.get("createdAt"), item.get("updatedAt")) if each]
    common = {"account_id": item.get("accountId"), "region": item.get("region"), "event_action": item.get("type")}
    if times:
        # A finding that has none may take the time of the EventBridge event around it, which is not looked at here.
        common["event_time"] = AnyOf(*times)
    key = item.get("resource", {}).get("accessKeyDetails", {}).get("accessKeyId")
    if key:
        common["access_key_id"] = key
    return Expect(top, common)


def network_firewall(item, _context):
    top = {name: member(value) for name, value in item.items() if name != "event_timestamp"}
    event = item["event"]
    common = {"event_time": AnyOf(iso(event.get("timestamp")), epoch(item["event_timestamp"]))}
    for column, name in (("source_ip", "src_ip"), ("destination_ip", "dest_ip")):
        if event.get(name):
            common[column] = address(event[name])
    for column, name in (("source_port", "src_port"), ("destination_port", "dest_port")):
        if event.get(name) is not None:
            common[column] = event[name]
    return Expect(top, common)


def jsonl(item, _context):
    """Members under their own name or in snake_case: the facts leave both open."""
    top = {}
    for name, value in item.items():
        if re.search(r"time|date|^ts$", name, re.IGNORECASE):
            continue
        top[tuple(dict.fromkeys((snake(name), name)))] = member(value)
    return Expect(top)


CLF = re.compile(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
ISO = re.compile(r"\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{3,6}))?(?:Z|(?=[\s\]\"]))")


def text(line, _context):
    """Plain text: it is kept, and a full time in it is a good guess; the fraction may be left out."""
    hit = CLF.search(line)
    if hit:
        return Expect({}, {"event_time": clf(hit.group(1))})
    hit = ISO.match(line)
    if hit:
        return Expect({}, {"event_time": AnyOf(iso(hit.group(1)), iso(f"{hit.group(1)}.{hit.group(2) or 0}"))})
    return Expect()
