"""What AWS's formats demand of `logsift parse`, read from the facts and never from logsift's code.

`frames.records(format, text, context)` cuts a sample into its records; `expect(format, record, context)`
says what the parsed event must hold. Both know nothing of how logsift does it: a mismatch is a finding
in one of the two, to be settled by the facts.
"""

from . import apigateway, cloudtrail, cloudwatch, dns, edge, elb, flow, others
from .frames import records
from .values import Expect, compare

READERS = {
    "alb": elb.alb,
    "alb_connection": elb.alb_connection,
    "alb_health": elb.alb_health,
    "nlb": elb.nlb,
    "clb": elb.clb,
    "vpcflow": flow.vpcflow,
    "tgwflow": flow.tgwflow,
    "apigateway": apigateway.access,
    "apigateway_execution": apigateway.execution,
    "cloudwatch": cloudwatch.message,
    "cloudtrail": cloudtrail.record,
    "waf": edge.waf,
    "s3access": edge.s3access,
    "cloudfront": edge.cloudfront,
    "cloudfront_realtime": edge.cloudfront_realtime,
    "cloudfront_connection": edge.cloudfront_connection,
    "route53_resolver": dns.resolver,
    "route53_public": dns.public,
    "xray": others.xray,
    "config": others.config,
    "guardduty": others.guardduty,
    "network_firewall": others.network_firewall,
    "jsonl": others.jsonl,
    "text": others.text,
}

__all__ = ["READERS", "Expect", "compare", "expect", "records"]


def expect(name, record, context=None):
    """What `parse` must print for one record of the format."""
    return READERS[name](record, context or {})
