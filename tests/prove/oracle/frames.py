"""A sample's records, in order, each with what its surroundings say of it."""

import base64
import gzip
import json
import re

from . import flow
from .values import parse_iso

LINES = {"alb", "alb_connection", "alb_health", "nlb", "clb", "s3access", "route53_public", "text", "cloudfront_realtime"}
EXPORTED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ?")


def records(name, text, context=None):
    """List of (record, context): text for line formats, dicts for JSON ones."""
    context = dict(context or {})
    text = text.removeprefix("\ufeff")
    wrapped = enveloped(text)
    if wrapped is not None:
        return [inner(name, message, context | {"envelope": envelope}) for message, envelope in wrapped]
    if name in LINES:
        return [(line, context) for line in lines(text)]
    if name in ("vpcflow", "tgwflow"):
        return flow_records(text, context)
    if name == "cloudfront":
        return cloudfront_records(text, context)
    if name == "cloudwatch":
        return exported(text, context)
    if name in ("apigateway", "apigateway_execution", "cloudfront_connection") and not text.lstrip().startswith("{"):
        return [(line, context) for line in lines(text)]
    return [(item, context) for item in json_records(text)]


def lines(text):
    return [line.rstrip("\r") for line in text.split("\n") if line.strip()]


def documents(text):
    """JSON documents one after the other, with or without anything between."""
    decoder, at, out = json.JSONDecoder(), 0, []
    while True:
        at += len(text[at:]) - len(text[at:].lstrip())
        if at >= len(text):
            return out
        value, at = decoder.raw_decode(text, at)
        out.append(value)


def json_records(text):
    out = []
    for document in documents(text):
        for item in document if isinstance(document, list) else [document]:
            out.extend(unwrapped(item))
    return out


def unwrapped(item):
    """Records of one document: delivery files, API answers, EventBridge."""
    for name in ("Records", "configurationItems", "Findings"):
        if isinstance(item.get(name), list):
            return item[name]
    if isinstance(item.get("Events"), list):
        return [json.loads(each["CloudTrailEvent"]) if "CloudTrailEvent" in each else each for each in item["Events"]]
    if isinstance(item.get("Traces"), list):
        return [json.loads(segment["Document"]) for trace in item["Traces"] for segment in trace["Segments"]]
    if "detail-type" in item and isinstance(item.get("detail"), dict):
        return [item["detail"]]
    return [item]


def enveloped(text):
    """(message, envelope) pairs of a CloudWatch envelope or of an API answer, else None."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = documents(text)
    except ValueError:
        return None
    out = []
    for document in found:
        if isinstance(document.get("awslogs"), dict):
            try:
                document = json.loads(gzip.decompress(base64.b64decode(document["awslogs"]["data"])))
            except (ValueError, OSError):
                return None
        if isinstance(document.get("logEvents"), list):
            if document.get("messageType") == "CONTROL_MESSAGE":
                continue
            about = {"log_group": document.get("logGroup", ""), "log_stream": document.get("logStream", ""), "owner": document.get("owner", "")}
            out += [(each["message"], about | {"timestamp": each["timestamp"]}) for each in document["logEvents"]]
        elif isinstance(document.get("events"), list) and all("message" in each for each in document["events"]):
            out += [(each["message"], {"timestamp": each["timestamp"], "log_stream": each.get("logStreamName", "")}) for each in document["events"]]
        else:
            return None
    return out


def inner(name, message, context):
    """The record in a CloudWatch message: JSON formats as their object, the others as text."""
    if name == "cloudwatch":
        return message, context
    if message.lstrip().startswith("{"):
        try:
            return json.loads(message), context
        except ValueError:
            return message, context
    return message, context


def flow_records(text, context):
    out, known = [], context.get("fields")
    for line in lines(text):
        first = line.split()[0]
        if re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", first) and not re.search(r"\d", line.split()[-1]) and first != "unknown":
            known = flow.names(line)
            continue
        stamp = EXPORTED.match(line)
        if stamp:
            line = line[stamp.end() :]
        out.append((line, context | {"fields": known}))
    return out


def cloudfront_records(text, context):
    if text.startswith("{"):
        return [(item, context) for item in documents(text)]
    out, known = [], context.get("fields")
    for line in text.split("\n"):
        if line.startswith("#Fields:"):
            known = line.removeprefix("#Fields:").split()
        elif line.strip() and not line.startswith("#"):
            out.append((line, context | {"fields": known}))
    return out


def exported(text, context):
    """Objects of export tasks: a record begins with its time, other lines continue it."""
    out = []
    for line in text.split("\n"):
        stamp = EXPORTED.match(line)
        if stamp:
            out.append([line[stamp.end() :], stamp.group(1)])
        elif out:
            out[-1][0] += "\n" + line
    known = context.get("envelope", {})
    return [(message, context | {"envelope": known | {"timestamp": parse_iso(stamp).timestamp()}}) for message, stamp in out]
