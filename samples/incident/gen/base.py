"""Constants, clocks, identifiers and the collection of what gets written.

Every part of the story draws from its own named random stream, so that a change to one log
source does not reshuffle all others.
"""

import gzip
import random
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

# Credentials carry this mark wherever they stand in the repository, and lose it only when a log
# is written: a forge that scans the repository must not take them for live ones.
MARK = "⟨⟩"

SEED = 20260306
ACCOUNT = "111122223333"
REGION = "eu-central-1"
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

HOST = "shop.example.com"
PROBE_IP = "203.0.113.66"
CLOUD_IP = "198.51.100.77"
DROP_IP = "198.51.100.23"
LAMBDA_IP = "10.0.3.14"
ATTACK_AGENT = "python-requests/2.31.0"
ROLE = "orders-api-role"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders-api"


def at(stamp: str) -> int:
    """Microseconds since the epoch of '2026-03-06 13:41:07.123456' (UTC)."""
    moment = datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond


WEEK_START = at("2026-03-02 00:00:00")
WEEK_END = at("2026-03-09 00:00:00")
FRIDAY = at("2026-03-06 00:00:00")


def moment(us: int) -> datetime:
    return datetime.fromtimestamp(us // SECOND, timezone.utc)


def iso(us: int, digits: int = 6) -> str:
    """RFC 3339 in UTC with 0, 3 or 6 decimals (cut, not rounded)."""
    text = moment(us).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{us % SECOND:06d}"[:digits]
    return f"{text}.{fraction}Z" if digits else f"{text}Z"


def clf_time(us: int) -> str:
    return moment(us).strftime("%d/%b/%Y:%H:%M:%S +0000")


def stream_rng(name: str) -> random.Random:
    return random.Random(f"{SEED}:{name}")


def hexa(rng: random.Random, n: int) -> str:
    return f"{rng.getrandbits(4 * n):0{n}x}"


def alnum(rng: random.Random, n: int, alphabet: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") -> str:
    return "".join(rng.choice(alphabet) for _ in range(n))


def uuid4(rng: random.Random) -> str:
    h = hexa(rng, 32)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{rng.choice('89ab')}{h[17:20]}-{h[20:]}"


def xray_root(rng: random.Random, us: int) -> str:
    """A trace Root; its middle part is the second in which the request came in."""
    return f"1-{us // SECOND:08x}-{hexa(rng, 24)}"


def base64_id(rng: random.Random, size: int) -> str:
    return b64encode(rng.randbytes(size)).decode()


# Share of a day's traffic per hour (UTC; the customers live one hour ahead).
HOUR_WEIGHTS = [2, 1, 1, 1, 1, 3, 7, 11, 14, 16, 16, 17, 18, 16, 15, 15, 16, 18, 20, 21, 18, 13, 8, 4]


def busy_time(rng: random.Random, day: int | None = None) -> int:
    """A moment of the week, by day when shops are busy."""
    number = rng.randrange(7) if day is None else day
    hour = rng.choices(range(24), HOUR_WEIGHTS)[0]
    return WEEK_START + number * DAY + hour * HOUR + rng.randrange(HOUR)


@dataclass
class Event:
    """One log event as an importer should see it (text still carries the marks)."""

    table: str
    group: str  # log group, or the table's name where there is none
    time: int
    text: str


@dataclass
class Corpus:
    """All files to write and all distinct events they hold."""

    files: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def put_file(self, path: str, text: str) -> None:
        if path in self.files:
            raise ValueError(f"file written twice: {path}")
        self.files[path] = text

    def write(self, root: Path) -> None:
        for path, text in sorted(self.files.items()):
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            data = text.replace(MARK, "").encode()
            # mtime=0 and no file name in the header: equal input gives equal bytes.
            target.write_bytes(gzip.compress(data, 9, mtime=0) if path.endswith(".gz") else data)
