"""VPC and Transit Gateway flow logs, by formats/vpcflow.md."""

import re

from .values import AnyOf, Expect, address, epoch, number, string

DEFAULT = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status".split()
TGW = """version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id
tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni
tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport
protocol packets bytes start end log-status type packets-lost-no-route packets-lost-blackhole
packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region flow-direction
pkt-src-aws-service pkt-dst-aws-service""".split()
NUMBERS = {
    "version", "srcport", "dstport", "protocol", "packets", "bytes", "tcp-flags", "traffic-path", "encryption-status",
    "packets-lost-no-route", "packets-lost-blackhole", "packets-lost-mtu-exceeded", "packets-lost-ttl-expired",
}  # fmt: skip
ADDRESSES = {"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"}


def names(text):
    """Field names of a header line or of a LogFormat string."""
    return re.findall(r"[a-z0-9-]+", text.replace("${", " ").replace("}", " "))


def flow(line, known):
    values = dict(zip(known, line.split()))
    top = {}
    for name, token in values.items():
        if name in ("start", "end"):
            value = None if token == "-" else epoch(token)
        elif name in NUMBERS:
            value = number(token)
        elif name in ADDRESSES:
            value = address(token)
        else:
            value = string(token)
        top[name.replace("-", "_")] = value
    common = {"event_end": top.get("end")}
    if top.get("start") is not None:
        common["event_time"] = top["start"]
    for column, name in (("source_ip", "srcaddr"), ("destination_ip", "dstaddr"), ("source_port", "srcport"), ("destination_port", "dstport")):
        if name in top:
            common[column] = top[name]
    if re.fullmatch(r"\d{12}", values.get("account-id", "")):
        common["account_id"] = values["account-id"]
    if string(values.get("region")):
        common["region"] = values["region"]
    # A packet-level address may be the better reading of who talked to whom.
    for column, name in (("source_ip", "pkt_srcaddr"), ("destination_ip", "pkt_dstaddr")):
        if top.get(name) and column in common:
            common[column] = AnyOf(common[column], top[name])
    return Expect(top, common)


def vpcflow(line, context):
    expected = flow(line, context.get("fields") or DEFAULT)
    when = context.get("envelope", {}).get("timestamp")
    if when is not None and "event_time" not in expected.common:
        expected.common["event_time"] = epoch(when)
    return expected


def tgwflow(line, context):
    return flow(line, context.get("fields") or TGW)
