"""API Gateway access and execution logs, by formats/apigateway.md."""

import re

from .values import AnyOf, Expect, absent, address, clf, epoch, loose_number, member, number, snake, string, url_path

REST = "sourceIp caller user requestTime httpMethod resourcePath protocol status responseLength requestId extendedRequestId".split()
HTTP = "sourceIp requestTime httpMethod routeKey protocol status responseLength requestId extendedRequestId".split()
SOCKET = "sourceIp caller user requestTime eventType routeKey connectionId status requestId".split()
TIME = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"
CLF = re.compile(rf'(\S+) (\S+) (\S+) \[({TIME})\] ?"(.*)" (\S+)(?: (\S+))?(?: (\S+))?(?: (\S+))?$')


def access(record, context):
    """A dict for JSON, else the line; `context["template"]` is the stage's format where it is told."""
    if isinstance(record, dict):
        return from_json(record)
    line = record.strip()
    if context.get("template"):
        return from_template(line, context["template"])
    if line.startswith("<"):
        return from_xml(line)
    hit = CLF.match(line)
    return from_clf(hit) if hit else from_csv(line)


def columns(values):
    """Common columns of `$context` names without their prefix."""
    common = {"source_ip": address(values.get("sourceIp"))}
    if not absent(values.get("requestTime")):
        common["event_time"] = clf(values["requestTime"])
    for column, name in (("http_method", "httpMethod"), ("request_id", "requestId")):
        if not absent(values.get(name)):
            common[column] = values[name]
    if not absent(values.get("requestId")) and not absent(values.get("extendedRequestId")):
        common["request_id"] = AnyOf(values["requestId"], values["extendedRequestId"])
    if not absent(values.get("status")):
        common["http_status"] = number(str(values["status"]))
    if not absent(values.get("responseLength")):
        common["bytes_out"] = number(str(values["responseLength"]))
    if not absent(values.get("path")):
        common["url_path"] = url_path(values["path"])
    return common


def from_json(item):
    top, values = {}, {}
    for name, value in item.items():
        values[{"ip": "sourceIp", "xrayTraceId": "trace"}.get(name, name)] = value
        if name in ("requestTime", "requestTimeEpoch"):
            when = clf(value) or (epoch(value) if re.fullmatch(r"\d+", str(value)) else None)
            top[snake(name)] = AnyOf(when, value)
        else:
            top[snake(name)] = AnyOf(loose_number(value), member(value))
    common = columns(values)
    if "event_time" not in common and values.get("requestTimeEpoch"):
        common["event_time"] = epoch(values["requestTimeEpoch"])
    return Expect(top, common)


def held(values):
    """Values that must stand somewhere; AWS names no fields here."""
    out = []
    for name, value in values.items():
        if absent(value):
            continue
        if name == "requestTime":
            out.append(AnyOf(clf(value), value))
        elif name == "requestTimeEpoch":
            # A time, whatever its spelling, as the JSON form has it.
            out.append(AnyOf(epoch(value), value))
        elif name == "sourceIp":
            out.append(AnyOf(value, address(value)))
        else:
            out.append(loose_number(value))
    return out


def from_clf(hit):
    source, caller, user, when, inner, status, length, request, extended = hit.groups()
    part = inner.split(" ")
    values = {"sourceIp": source, "caller": caller, "user": user, "requestTime": when}
    if len(part) == 3 and part[0] in ("CONNECT", "MESSAGE", "DISCONNECT"):
        values |= dict(zip(("eventType", "routeKey", "connectionId"), part)) | {"status": status, "requestId": length}
    else:
        values |= {"httpMethod": part[0], "protocol": part[-1], "status": status, "responseLength": length, "requestId": request}
        values["routeKey" if len(part) > 3 else "resourcePath"] = " ".join(part[1:-1])
        if extended:
            values["extendedRequestId"] = extended
    return Expect({}, columns(values), held(values))


def from_csv(line):
    part = line.split(",")
    names = REST if re.fullmatch(TIME, part[3] if len(part) > 3 else "") else HTTP
    if names is REST and len(part) > 4 and part[4] in ("CONNECT", "MESSAGE", "DISCONNECT"):
        names = SOCKET
    values = dict(zip(names, part))
    return Expect({}, columns(values), held(values))


def from_xml(line):
    values = dict(re.findall(r"<(\w+)>([^<]*)</\1>", line))
    values["sourceIp"] = values.pop("ip", None)
    values["requestId"] = re.search(r'<request id="([^"]*)"', line).group(1)
    return Expect({}, columns(values), held(values))


def from_template(line, template):
    """Literal pieces and `$context` variables, each variable as short as its neighbours allow."""
    names, pattern, at = [], "", 0
    for hit in re.finditer(r"\$context((?:\.[A-Za-z0-9_]+)+)", template):
        pattern += re.escape(template[at : hit.start()]) + "(.*?)"
        names.append(hit.group(1)[1:])
        at = hit.end()
    found = re.fullmatch(pattern + re.escape(template[at:]), line)
    values = {name.rsplit(".", 1)[-1]: value for name, value in zip(names, found.groups())}
    return Expect({}, columns(values), held(values))


def execution(record, context):
    """`(<request id>) <step>`."""
    hit = re.match(r"\(([0-9a-f-]{36})\) (.*)", record, re.DOTALL)
    request, step = hit.groups()
    common = {"request_id": request}
    when = context.get("envelope", {}).get("timestamp")
    if when is not None:
        common["event_time"] = epoch(when)
    asked = re.match(r"HTTP Method: (\S+), Resource Path: (\S+)", step)
    if asked:
        common["http_method"], common["url_path"] = asked.group(1), asked.group(2)
    ended = re.match(r"Method completed with status: (\d+)", step)
    if ended:
        common["http_status"] = int(ended.group(1))
    return Expect({}, common, [AnyOf(record, step, string(record.rstrip()), step.rstrip())])
