"""truth.json: what is in the logs, as the one who made them up knows it."""

from collections import Counter
from typing import Any

from .attack import Story
from .attack_cloud import LAST_ATTACK
from .base import ACCOUNT, CLOUD_IP, DROP_IP, LAMBDA_IP, PROBE_IP, REGION, WEEK_END, WEEK_START, Corpus, Event, iso
from .creds import Planted, Vault
from .flow import Flow

LOG_GROUPS = {
    "cloudwatch/orders-api": "/aws/lambda/orders-api",
    "cloudwatch/orders-api-again": "/aws/lambda/orders-api",
    "cloudwatch/thumbnailer": "/aws/lambda/thumbnailer",
    "cloudwatch/apigw-access": "/shop/apigw-access",
    "cloudwatch/apigw-access-v2": "/shop/apigw-access-v2",
}


def make(corpus: Corpus, vault: Vault, story: Story, exfiltration: list[Flow], leaked_key: str, records: dict[str, Any]) -> dict[str, Any]:
    secrets, ordinary = [], Counter()
    numbers: Counter[str] = Counter()
    for planted in vault.planted.values():
        for group, seen in places(planted, corpus.events).items():
            if planted.ordinary:
                ordinary[planted.rule, group, "distinct"] += 1
                ordinary[planted.rule, group, "events"] += len(seen)
                continue
            numbers[planted.rule] += 1
            secrets.append(secret(f"{planted.rule}-{numbers[planted.rule]}", planted, group, seen))
    items = sorted(story.items, key=lambda item: item["time"])
    return {
        "account": ACCOUNT, "region": REGION,
        "window": {"from": iso(WEEK_START, 0), "to": iso(WEEK_END, 0)},
        "incident": {"from": iso(items[0]["time"]), "to": iso(LAST_ATTACK)},
        "log_groups": {folder: {"log_group": group} for folder, group in LOG_GROUPS.items()},
        "records": records,
        "secrets": secrets,
        "ordinary_identifiers": [
            {"rule": rule, "log_group_or_table": group, "distinct": ordinary[rule, group, "distinct"], "events": ordinary[rule, group, "events"]}
            for rule, group in sorted({key[:2] for key in ordinary})],
        "story": [story_item(number, item) for number, item in enumerate(items, 1)],
        "exfiltration": {"source_ip": LAMBDA_IP, "destination_ip": DROP_IP, "bytes": sum(f.bytes for f in exfiltration), "records": len(exfiltration)},
        "attacker_ips": [PROBE_IP, CLOUD_IP, DROP_IP],
        "leaked_access_key_id": leaked_key,
    }


def places(planted: Planted, events: list[Event]) -> dict[str, list[int]]:
    """Times of the events that hold the value, per log group or table."""
    found: dict[str, list[int]] = {}
    for event in events:
        if planted.value in event.text:
            found.setdefault(event.group, []).append(event.time)
    return found


def secret(name: str, planted: Planted, group: str, seen: list[int]) -> dict[str, Any]:
    entry = {"id": name, "rule": planted.rule, "value": planted.value} | planted.extra
    return entry | {"log_group_or_table": group, "events": len(seen), "first_seen": iso(min(seen)), "last_seen": iso(max(seen))}


def story_item(number: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"n": number, "time": iso(item["time"]), "table": item["table"], "what": item["what"], "match": item["match"]}


def count_records(corpus: Corpus, flow_headers: int, cloudtrail_delivered: int, again: int) -> dict[str, Any]:
    tables = Counter(event.table for event in corpus.events)
    groups = Counter((event.table, event.group) for event in corpus.events)
    statuses = Counter(event.text.rsplit(" ", 1)[1] for event in corpus.events if event.table == "vpcflow")
    counts: dict[str, Any] = {
        "alb": {"lines": tables["alb"], "headers": 0},
        "vpcflow": {"lines": tables["vpcflow"], "headers": flow_headers, "nodata": statuses["NODATA"], "skipdata": statuses["SKIPDATA"]},
        "cloudtrail": {"records": cloudtrail_delivered, "distinct_event_ids": tables["cloudtrail"]},
    }
    for folder, group in LOG_GROUPS.items():
        table = "apigateway" if "apigw" in folder else "cloudwatch"
        counts[folder.replace("/", " ")] = again if folder.endswith("again") else groups[table, group]
    return counts


