"""Values as `logsift parse` prints them, and how they are compared."""

import datetime
import ipaddress
import json
import re
import urllib.parse

UTC = datetime.timezone.utc
RFC3339_MICROS = re.compile(r"\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Expect:
    """Fields that must be there: `top` at top level, `common` under `common`, `anywhere` under any
    name at top level (where AWS gives no names, as in CLF or in a Route 53 line)."""

    def __init__(self, top=None, common=None, anywhere=()):
        self.top = top or {}
        self.common = common or {}
        self.anywhere = list(anywhere)


class AnyOf:
    """One of several readings the facts allow."""

    def __init__(self, *options):
        self.options = options

    def __repr__(self):
        return " or ".join(repr(option) for option in self.options)


class Time:
    """An instant, printed as RFC 3339 with microseconds and Z."""

    def __init__(self, when):
        self.when = when

    def __eq__(self, other):
        return isinstance(other, Time) and self.when == other.when

    def __hash__(self):
        return hash(self.when)

    def __repr__(self):
        return self.when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Address:
    """An IP address, however its zeros are written."""

    def __init__(self, text):
        self.address = ipaddress.ip_address(text)

    def __repr__(self):
        return repr(str(self.address))


def parse_iso(text):
    """An ISO time with 0 to 9 decimals; without a zone it is UTC. None if it is none."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", text or "")
    if not found:
        return None
    day, clock, fraction, zone = found.groups()
    zone = "+0000" if zone in (None, "Z") else zone.replace(":", "")
    micros = (fraction or "0").ljust(6, "0")[:6]
    try:
        return datetime.datetime.strptime(f"{day}T{clock}.{micros}{zone}", "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
    except ValueError:
        return None


def iso(text):
    when = parse_iso(text)
    return None if when is None else Time(when)


def clf(text):
    """`09/Mar/2024:10:11:12 +0000`."""
    try:
        return Time(datetime.datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC))
    except (TypeError, ValueError):
        return None


def epoch(number):
    """Seconds or milliseconds since 1970, told apart by size."""
    micros = round(float(number) * (1_000 if abs(float(number)) > 1e11 else 1_000_000))
    return Time(datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=micros))


def absent(text):
    return text is None or text in ("-", '"-"', "")


def string(text):
    return None if absent(text) else text


def number(text):
    """A number where the text is one; AWS's dash is null."""
    if absent(text):
        return None
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return AnyOf(None, text)


def loose_number(value):
    """JSON formats quote many numbers, and the facts leave open which type comes out."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return AnyOf(value, number(value))
    return value


def address(text):
    """The address, None where there is none; text that is no address feeds no address column."""
    if absent(text):
        return None
    try:
        return Address(text.strip("[]"))
    except ValueError:
        return None


def ip_port(token):
    """(address, port) of `ip:port`, split on the last colon."""
    if absent(token):
        return None, None
    host, _, port = token.rpartition(":")
    return (host, number(port)) if host else (token, None)


def snake(name):
    """`sourceIPAddress` -> `source_ip_address`, `cs(User-Agent)` -> `cs_user_agent`."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return name.lower()


def url_path(url):
    """The path of a URL or request target, without its query."""
    if absent(url):
        return None
    rest = re.sub(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*", "", url)
    return re.split(r"[?#]", rest, maxsplit=1)[0] or "/"


def unquoted(text):
    """A CloudFront value: written as it is in the log, or with its %XX decoded."""
    if absent(text):
        return None
    once = urllib.parse.unquote(text)
    return text if once == text else AnyOf(text, once, urllib.parse.unquote(once))


def member(value):
    """A scalar of a JSON record at top level: a dash or an empty string may be null."""
    if isinstance(value, str) and value in ("", "-"):
        return AnyOf(None, value)
    return value


def same(expected, actual):
    if isinstance(expected, AnyOf):
        return any(same(option, actual) for option in expected.options)
    if isinstance(expected, Time):
        if not isinstance(actual, str) or not RFC3339_MICROS.fullmatch(actual):
            return False
        return parse_iso(actual) == expected.when
    if isinstance(expected, Address):
        try:
            return ipaddress.ip_address(actual) == expected.address
        except ValueError:
            return False
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, dict):
        return isinstance(actual, dict) and expected.keys() == actual.keys() and all(same(v, actual[k]) for k, v in expected.items())
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, float) or isinstance(actual, float):
        return isinstance(expected, (int, float)) and isinstance(actual, (int, float)) and abs(expected - actual) <= 1e-9 * max(1, abs(expected))
    return expected == actual


def compare(expectation, event):
    """(fields compared, list of mismatches) of one printed event."""
    wrong, compared = [], 0
    common = event.get("common", {})
    for where, fields, found in (("", expectation.top, event), ("common.", expectation.common, common)):
        for name, value in fields.items():
            compared += 1
            names = name if isinstance(name, tuple) else (name,)
            if not any(same(value, found.get(each)) for each in names):
                got = {each: found[each] for each in names if each in found} or "absent"
                wrong.append(f"{where}{'/'.join(names)}: expected {value!r}, got {shorten(got)}")
    held = [value for name, value in event.items() if name != "common"]
    for value in expectation.anywhere:
        compared += 1
        if not any(same(value, each) for each in held):
            wrong.append(f"no field holds {value!r}; the event is {shorten(event)}")
    return compared, wrong


def shorten(value):
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text if len(text) <= 300 else text[:300] + "…"
