"""CloudWatch Logs events and Lambda's lines in them, by formats/cloudwatch.md."""

import json
import re

from .values import AnyOf, Expect, epoch, string

UUID = r"[0-9a-fx]{8}-[0-9a-fxmpl]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def message(record, context):
    """`record` is the message; `context["envelope"]` tells time, group and stream where known."""
    envelope = context.get("envelope", {})
    text = record.rstrip("\n")
    common, top = {}, {}
    if envelope.get("timestamp") is not None:
        common["event_time"] = top["timestamp"] = epoch(envelope["timestamp"])
    if re.match(r"[\[{]", text) and is_json(text):
        # A JSON message may be shown as its members as well as as its text.
        return Expect(top, common | json_ids(text))
    top["message"] = AnyOf(record, text, text.rstrip())
    if string(envelope.get("log_group")):
        top["log_group", "log_group_name"] = envelope["log_group"]
    if string(envelope.get("log_stream")):
        top["log_stream", "log_stream_name"] = envelope["log_stream"]
    if re.fullmatch(r"\d{12}", envelope.get("owner", "")):
        common["account_id"] = envelope["owner"]
    return Expect(top | lambda_fields(text), common | lambda_ids(text))


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def json_ids(text):
    """The request id of Lambda's JSON lines: system and application shape."""
    item = json.loads(text)
    if not isinstance(item, dict):
        return {}
    inner = item.get("record")
    found = inner.get("requestId") if isinstance(inner, dict) else item.get("requestId") or item.get("function_request_id")
    common = {"request_id": found} if found else {}
    tracing = inner.get("tracing", {}).get("value", "") if isinstance(inner, dict) else ""
    root = re.search(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24})", tracing)
    if root:
        common["trace_id"] = root.group(1)
    return common


def lambda_ids(text):
    for pattern in (
        rf"(?:START|END|REPORT) RequestId: ({UUID})",
        rf"RequestId: ({UUID}) ",
        rf"\d{{4}}-\d\d-\d\dT[0-9:.]+Z[\t ]({UUID})[\t ]",
        rf"\[[A-Z]+\]\s+\d{{4}}-\d\d-\d\dT[0-9:.]+Z\s+({UUID})\s",
    ):
        hit = re.match(pattern, text)
        if hit:
            common = {"request_id": hit.group(1)}
            root = re.search(r"XRAY TraceId: (1-[0-9a-f]{8}-[0-9a-f]{24})", text)
            return common | ({"trace_id": root.group(1)} if root else {})
    return {}


def lambda_fields(text):
    """Numbers of a REPORT line with its TABs; the unit may be part of the name."""
    if not text.startswith("REPORT RequestId: ") or "\t" not in text:
        return {}
    top = {}
    for key, unit, names in (
        ("Duration", "ms", ("duration", "duration_ms")),
        ("Billed Duration", "ms", ("billed_duration", "billed_duration_ms")),
        ("Memory Size", "MB", ("memory_size", "memory_size_mb")),
        ("Max Memory Used", "MB", ("max_memory_used", "max_memory_used_mb")),
        ("Init Duration", "ms", ("init_duration", "init_duration_ms")),
    ):
        hit = re.search(rf"\t{key}: ([0-9.]+) {unit}", text)
        if hit:
            top[names] = float(hit.group(1))
    return top
