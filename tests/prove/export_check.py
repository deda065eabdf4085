#!/usr/bin/env python3
"""Checks exports against their specifications: export_check.py timesketch|ecs|ocsf FILE.jsonl

Prints the documents of each class and the first violations; exit 1 on any violation and for an empty file. Facts:
google/timesketch docs/guides/user/import-from-json-csv.md and timesketch/lib/utils.py; 32,766 bytes is Lucene's
IndexWriter.MAX_TERM_LENGTH; ECS 8.11: elastic/ecs generated/csv/fields.csv, docs/reference/ecs-allowed-values-event-*;
OCSF 1.6.0: ocsf/ocsf-schema events/**.json, objects/*.json, profiles/*.json, dictionary.json.
"""
import collections
import datetime
import ipaddress
import json
import re
import sys

TERM = 32_766
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$")

# Which types are expected in which category of ECS.
CATEGORIES = {sort.split(": ")[0].strip(): set(sort.split(": ")[1].split()) for sort in """
api: access admin allowed change creation deletion denied end info start user; authentication: start end info;
configuration: access change creation deletion info; database: access change info error; driver: change end info start;
email: info; file: access change creation deletion info; host: access change end info start; library: start;
iam: admin change creation deletion group info user; intrusion_detection: allowed denied info; malware: info;
network: access allowed connection denied end info protocol start; threat: indicator; vulnerability: info;
package: access change deletion info installation start; process: access change end info start;
registry: access change creation deletion; session: start end info; web: access error info""".split(";")}
TYPES = set().union(*CATEGORIES.values()) | {"device"}
KINDS, OUTCOMES = "alert asset enrichment event metric state pipeline_error".split(), "success failure unknown".split()
SIDE = "keyword address domain mac; long bytes packets; ip ip; port port"
# Fields of each root by type.
FIELDS = f"""@: date @timestamp; text message; keywords tags | ecs: keyword version | trace: keyword id | source: {SIDE}
| event: keyword action code dataset hash id kind module outcome provider reason reference timezone url; date created
 start end ingested; long duration sequence severity; keywords category type; unindexed original | destination: {SIDE}
| cloud: keyword account.id account.name availability_zone provider region service.name instance.id
| http: keyword request.method request.id request.referrer version; status response.status_code
| url: keyword domain full original path query scheme; port port | user_agent: keyword original name version
| user: keyword domain email full_name hash id name; keywords roles | service: keyword name id type version
| network: keyword application community_id direction iana_number name protocol transport type; long bytes packets
| dns: keyword question.name question.type question.class response_code id; ips resolved_ip
| rule: keyword category description id license name reference ruleset uuid version; keywords author
| threat: keyword framework; keywords tactic.id tactic.name technique.id technique.name technique.subtechnique.id
| error: keyword code id type; text message | related: ips ip; keywords user hash hosts"""
ECS = {}
for entry in FIELDS.split("|"):
    root, _, rest = entry.strip().partition(": ")
    for kind, *names in map(str.split, rest.split(";")):
        ECS.update({name if root == "@" else f"{root}.{name}": kind for name in names})
# Roots of ECS; any other is the writer's own, which ECS allows.
BARRED = {name.split(".")[0] for name in ECS} | set("""agent as client container data_stream device dll elf email faas
file geo group hash host interface log macho observer orchestrator organization os package pe process registry risk
server span tls transaction vlan vulnerability x509 labels""".split())

# uid: category, activities beside 0 and 99, required, of which one at least, what else it has of its own.
NETWORK = "app_name connection_info traffic proxy tls is_src_dst_assignment_known src_endpoint dst_endpoint url"
OCSF = {
    0: (0, (), "", "", ""),
    2004: (2, range(1, 4), "finding_info", "", "confidence confidence_id evidences is_alert remediation resources"),
    3002: (3, range(1, 8), "user", "service dst_endpoint",
           "actor src_endpoint http_request is_remote is_mfa is_cleartext auth_protocol_id logon_type_id session"),
    4001: (4, range(1, 8), "", "src_endpoint dst_endpoint", NETWORK),
    4002: (4, range(1, 10), "", "http_request http_response", NETWORK + " http_status http_cookies file"),
    4003: (4, (1, 2, 6), "", "src_endpoint dst_endpoint", NETWORK + " query query_time answers rcode rcode_id"),
    6003: (6, range(1, 5), "actor api src_endpoint", "", "dst_endpoint http_request http_response resources"),
}
BASE = "activity_id category_uid class_uid metadata severity_id time type_uid"
OPTIONAL = """activity_name category_name class_name type_name severity status status_id status_code status_detail
message count duration start_time end_time timezone_offset raw_data raw_data_size unmapped observables enrichments"""
PROFILES = {"cloud": "cloud api", "security_control": "action action_id disposition disposition_id attacks is_alert"}
NAMED, END = ("", "name uid"), ("", "ip uid name hostname svc_name instance_uid interface_uid interface_name domain")
# Attribute that is an object, or a list of them: required in it, of which one at least.
OBJECTS = {
    **dict.fromkeys("account product service resources tactic technique sub_technique".split(), NAMED),
    **dict.fromkeys("session response http_request traffic".split(), ("", "")), "src_endpoint": END,
    "dst_endpoint": END, "metadata": ("product version", ""), "cloud": ("provider", ""), "request": ("uid", ""),
    "user": ("", "account name uid"), "actor": ("", "process user invoked_by session app_name app_uid"),
    "api": ("operation", ""), "http_response": ("code", ""), "url": ("", "url_string path"), "query": ("hostname", ""),
    "connection_info": ("direction_id", ""), "finding_info": ("uid", ""), "analytic": ("type_id", "name uid"),
    "attacks": ("", "tactic technique sub_technique"), "observables": ("type_id", ""),
    "enrichments": ("data name value", ""), "evidences": ("", "actor api connection_info data database databucket "
    "device dst_endpoint email file job process query resources script src_endpoint url user"),
}
LISTS = set("attacks resources evidences observables enrichments profiles types labels answers".split())
VALUES = {"severity_id": {*range(7), 99}, "action_id": {0, 1, 2, 99}, "confidence_id": {0, 1, 2, 3, 99},
          "disposition_id": {*range(28), 99}, "rcode_id": {*range(12), *range(16, 26), 99},
          "http_method": set("CONNECT DELETE GET HEAD OPTIONS POST PUT TRACE PATCH".split())}


def whole(value, least=-(2**63), most=2**63 - 1):
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def fits(text):
    return isinstance(text, str) and len(text.encode("utf-8", "surrogatepass")) <= TERM


def is_ip(value):
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def instant(text):
    """Microseconds since 1970, or None for what tells no time."""
    try:
        time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if STAMP.match(text) else None
    except (TypeError, ValueError):
        return None
    return time and (time - EPOCH) // datetime.timedelta(microseconds=1)


def leaves(value, path=""):
    """Dotted path and value of each scalar, or list of scalars, within; `(dot)` stands for a dot in a name."""
    for name, part in value.items():
        name = path + name.replace(".", "(dot)")
        parts = part if isinstance(part, list) and any(isinstance(one, dict) for one in part) else [part]
        for one in parts:
            yield from leaves(one, name + ".") if isinstance(one, dict) else [(name, one)]


def timesketch(row):
    for name in ("message", "datetime", "timestamp_desc"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            yield f"{name} is no text"
    micros = instant(row.get("datetime"))
    if micros is None or row["datetime"].endswith("Z"):
        yield "datetime is not ISO 8601 with an offset"
    elif not whole(row.get("timestamp", micros)) or row.get("timestamp", micros) != micros:
        yield "timestamp is not datetime in whole microseconds"
    if not isinstance(row.get("tag", []), list) or not all(row.get("tag", [])):
        yield "tag is no list of texts"
    for name, value in row.items():
        if isinstance(value, dict) or name in ("_id", "_type", "_index", "_source", "__ts_timeline_id"):
            yield f"{name} is nested, or Timesketch's own"
        for text in value if isinstance(value, list) else [value]:
            if not (fits(text) if isinstance(text, str) else isinstance(text, (int, float)) and name != "tag"):
                yield f"{name} is no number and no text of at most {TERM} bytes"


CHECKS = {
    "date": lambda value: instant(value) is not None, "ip": is_ip, "keyword": fits,
    "text": lambda value: isinstance(value, str), "unindexed": lambda value: isinstance(value, str),
    "long": lambda value: whole(value, 0), "status": lambda value: whole(value, 100, 999),
    "port": lambda value: whole(value, 0, 65_535), "keywords": lambda value: value and all(map(fits, value)),
    "ips": lambda value: value and all(map(is_ip, value)),
}


def ecs(document):
    fields = dict(leaves(document))
    yield from (f"{name} is missing" for name in ("@timestamp", "ecs.version", "event.kind") if name not in fields)
    for name, value in fields.items():
        kind = ECS.get(name)
        if kind is None and (name.split(".")[0] in BARRED or "(dot)" in name):
            yield f"{name} is no field of ECS"
        elif not CHECKS[kind](value) if kind else isinstance(value, str) and not fits(value):
            yield f"{name} is no {kind or 'keyword'}"
    if fields.get("event.kind") not in KINDS or fields.get("event.outcome", "unknown") not in OUTCOMES:
        yield "event.kind or event.outcome is none that is allowed"
    categories, types = fields.get("event.category", []), fields.get("event.type", [])
    yield from (f"category {name} is not allowed" for name in categories if name not in CATEGORIES)
    expected = set().union(*(CATEGORIES.get(name, set()) for name in categories)) or TYPES
    yield from (f"type {name} is not expected in {categories}" for name in types if name not in expected)


def attribute(name, value):
    """Whether a value is of its attribute's type; OCSF tells most types by the ends of names."""
    if name in VALUES:
        return value in VALUES[name] and not isinstance(value, bool)
    if name == "time" or (name.endswith("_time") and name != "original_time"):
        return whole(value, 0, 4_102_444_800_000)  # The year 2100 in milliseconds; microseconds are beyond it.
    if name.startswith("is_"):
        return isinstance(value, bool)
    number = name.endswith("_id") or name in "category_uid class_uid type_uid duration count code bytes".split()
    return CHECKS[name if name in ("ip", "port") else "long" if number or name.startswith("bytes_") else "text"](value)


def lacks(part, required, some, path):
    yield from (f"{path}{name} is missing" for name in required.split() if part.get(name) in (None, ""))
    if some and all(part.get(name) in (None, "") for name in some.split()):
        yield f"{path}: none of {some}"


def inside(value, name, path):
    """Violations of an attribute of OCSF and of what it contains."""
    if name in LISTS and not isinstance(value, list):
        yield f"{path} is no list"
    for part in value if name in LISTS and isinstance(value, list) else [value]:
        if isinstance(part, dict) != (name in OBJECTS):
            yield f"{path} is {'no' if name in OBJECTS else 'an'} object"
        elif name in OBJECTS:
            yield from lacks(part, *OBJECTS[name], path + ".")
            for field in sorted(part.keys() - {"data"}):
                yield from inside(part[field], field, f"{path}.{field}")
        elif not attribute(name, part):
            yield f"{path} has a value of the wrong type or range: {part!r:.40}"


def ocsf(event):
    for name in sorted(event.keys() - {"unmapped"}):
        yield from inside(event[name], name, name)
    # A class without a row is reported, as a value of an unexpected type.
    category, activities, required, some, own = OCSF[event.get("class_uid")]
    other = "activity_name" if event.get("activity_id") == 99 else ""
    yield from lacks(event, f"{BASE} {required} {other}", some, "")
    activity, profiles = event.get("activity_id"), event.get("metadata", {}).get("profiles", [])
    known = " ".join([BASE, OPTIONAL, required, some, own, *(PROFILES.get(name, "") for name in profiles)]).split()
    yield from (f"{name} is no attribute of the class and its profiles" for name in event if name not in known)
    if event.get("category_uid") != category or activity not in {0, 99, *activities}:
        yield "category_uid or activity_id is not of the class"
    if event.get("type_uid") != event["class_uid"] * 100 + activity:
        yield "type_uid is not class_uid * 100 + activity_id"
    if event.get("status_id", 0) not in {0, 1, 2, 99, *(range(7) if category == 2 else ())}:
        yield "status_id is none of its values"
    if "cloud" in profiles and "cloud" not in event:
        yield "cloud is missing, which its profile requires"


def violations_of(form, line, counts):
    try:
        row = json.loads(line)
        names = {"timesketch": [row.get("data_type"), row.get("timestamp_desc")],
                 "ecs": [row.get("event", {}).get(name) for name in ("kind", "dataset")],
                 "ocsf": [row.get("class_uid"), row.get("class_name")]}[form]
        counts[" ".join(map(str, names))] += 1
        empty = (name for name, value in leaves(row) if value is None or (isinstance(value, list) and None in value))
        yield from (f"{name} is null" for name in empty)
        yield from {"timesketch": timesketch, "ecs": ecs, "ocsf": ocsf}[form](row)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        yield f"no JSON object, or a value of an unexpected type in it: {error!r}"


def main(form, path):
    counts, violations = collections.Counter(), []
    with open(path, encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            violations += [f"line {number}: {text}" for text in violations_of(form, line, counts)]
    print("".join(f"{count:8} {name}\n" for name, count in sorted(counts.items())), end="")
    print(f"{sum(counts.values()):8} documents, {len(violations)} violations")
    print("".join(f"  {text}\n" for text in violations[:20]), end="")
    return 1 if violations or not counts else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("timesketch", "ecs", "ocsf"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
