"""Load balancer logs, by formats/alb.md."""

import re

from .values import AnyOf, Expect, absent, address, ip_port, iso, number, string, url_path

ALB = """type time elb client:port target:port request_processing_time target_processing_time
response_processing_time elb_status_code target_status_code received_bytes sent_bytes request user_agent
ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority
request_creation_time actions_executed redirect_url error_reason target_port_list target_status_code_list
classification classification_reason conn_trace_id transformed_host transformed_uri
request_transform_status ip_address""".split()
ALB_NUMBERS = {
    "request_processing_time", "target_processing_time", "response_processing_time", "elb_status_code", "target_status_code",
    "received_bytes", "sent_bytes", "matched_rule_priority",
}  # fmt: skip
CONNECTION = """timestamp client_ip client_port listener_port tls_protocol tls_cipher tls_handshake_latency
leaf_client_cert_subject leaf_client_cert_validity leaf_client_cert_serial_number tls_verify_status
conn_trace_id tls_keyexchange elb ip_address""".split()
HEALTH = "type time latency target_addr target_group_id status status_code reason_code elb ip_address".split()
NLB = """type version time elb listener client:port destination:port connection_time tls_handshake_time
received_bytes sent_bytes incoming_tls_alert chosen_cert_arn chosen_cert_serial tls_cipher
tls_protocol_version tls_named_group domain_name alpn_fe_protocol alpn_be_protocol
alpn_client_preference_list tls_connection_creation_time""".split()
NLB_NUMBERS = {"connection_time", "tls_handshake_time", "received_bytes", "sent_bytes", "incoming_tls_alert"}
CLB = """timestamp elb client:port backend:port request_processing_time backend_processing_time
response_processing_time elb_status_code backend_status_code received_bytes sent_bytes request user_agent
ssl_cipher ssl_protocol""".split()
CLB_NUMBERS = {
    "request_processing_time", "backend_processing_time", "response_processing_time", "elb_status_code", "backend_status_code",
    "received_bytes", "sent_bytes",
}  # fmt: skip


def tokens(line):
    """Tokens parted by one blank each; a quoted one ends at the quote before a blank or the end."""
    out, at = [], 0
    while at <= len(line):
        if line[at : at + 1] == '"':
            end = re.compile(r'"(?= |$)').search(line, at + 1)
            stop = end.end() if end else len(line)
            out.append(line[at + 1 : stop - 1] if end else line[at + 1 :])
        else:
            stop = line.find(" ", at)
            stop = len(line) if stop < 0 else stop
            out.append(line[at:stop])
        at = stop + 1
    return out


def unescaped(text):
    """`\\x22` stands for a quote; raw and decoded forms are both right."""
    if absent(text):
        return None
    decoded = re.sub(r"\\x([0-9a-fA-F]{2})", lambda hit: chr(int(hit.group(1), 16)), text)
    return text if decoded == text else AnyOf(text, decoded)


def fields(line, names, numbers, times):
    """Top-level fields of a line by position; a name with a colon becomes an address and a port."""
    top = {}
    for name, token in zip(names, tokens(line.rstrip("\r\n"))):
        if name.endswith(":port"):
            stem = name.split(":")[0]
            host, port = ip_port(token)
            top[f"{stem}_ip"] = AnyOf(host, address(host)) if host else None
            top[f"{stem}_port"] = port
        elif name in numbers:
            top[name] = number(token)
        elif name in times:
            top[name] = iso(token)
        else:
            top[name] = unescaped(token)
    return top


def request_line(request):
    """(method, path) of field `request`; a path only where the URL has one."""
    if absent(request) or request.startswith("- "):
        return None, None
    method, _, rest = request.partition(" ")
    url = rest.rpartition(" ")[0]
    return method, url_path(url) if re.match(r"https?://[^/]+/", url) else None


def peer(host):
    """The address for a common column; shared samples hold made-up ones that are none, which may stay as text."""
    found = address(host)
    return AnyOf(None, host) if host and found is None else found


def http_common(line, names, status):
    values = dict(zip(names, tokens(line.rstrip("\r\n"))))
    client, port = ip_port(values.get("client:port"))
    common = {"source_ip": peer(client), "source_port": port}
    if status in values:
        common["http_status"] = number(values[status])
    common["bytes_in"] = number(values.get("received_bytes"))
    common["bytes_out"] = number(values.get("sent_bytes"))
    if "request" in values:
        method, path = request_line(values["request"])
        common["http_method"] = method
        if path:
            common["url_path"] = unescaped(path)
    if "user_agent" in values:
        common["user_agent"] = unescaped(values["user_agent"])
    return common


def alb(line, _context):
    top = fields(line, ALB, ALB_NUMBERS, {"time", "request_creation_time"})
    common = http_common(line, ALB, "elb_status_code")
    common["event_time"] = AnyOf(top["time"], top.get("request_creation_time") or top["time"])
    common["destination_ip"] = address(ip_port(tokens(line)[4])[0])
    root = re.search(r"(?<![A-Za-z])Root=(1-[0-9a-f]{8}-[0-9a-f]{24})", line)
    if root:
        common["trace_id"] = root.group(1)
    return Expect(top, common)


def alb_connection(line, _context):
    top = fields(line, CONNECTION, {"client_port", "listener_port", "tls_handshake_latency"}, {"timestamp"})
    return Expect(top, {"event_time": top["timestamp"], "source_ip": address(top["client_ip"]), "source_port": top["client_port"]})


def alb_health(line, _context):
    top = fields(line, HEALTH, {"latency", "status_code"}, {"time"})
    return Expect(top, {"event_time": top["time"]})


def nlb(line, _context):
    top = fields(line, NLB, NLB_NUMBERS, {"time", "tls_connection_creation_time"})
    top["version"] = AnyOf(top["version"], number(top["version"]))
    if "tls_named_group" in top:
        top["tls_named_group", "tls_keyexchange"] = top.pop("tls_named_group")
    wanted = top.get("alpn_client_preference_list")
    if wanted:
        items = str(wanted).strip('"').split('","')
        top["alpn_client_preference_list"] = AnyOf(wanted, '"' + '","'.join(items) + '"', items, ",".join(items))
    client, port = ip_port(tokens(line)[5])
    common = {"source_ip": address(client), "source_port": port, "destination_ip": address(ip_port(tokens(line)[6])[0])}
    common["bytes_in"], common["bytes_out"] = top["received_bytes"], top["sent_bytes"]
    common["event_time"] = AnyOf(top["time"], top.get("tls_connection_creation_time") or top["time"])
    return Expect(top, common)


def clb(line, _context):
    top = fields(line, CLB, CLB_NUMBERS, {"timestamp"})
    when = top["timestamp", "time"] = top.pop("timestamp")
    if string(top.get("request")) and top["request"].startswith("- "):
        top["request"] = AnyOf(top["request"], top["request"].strip(), None)
    common = http_common(line, CLB, "elb_status_code")
    common["event_time"] = when
    return Expect(top, common)
