"""Runs of `logsift scan` on generated logs, beside Kingfisher and ripgrep."""

import base64
import gzip
import json
import os
import pathlib
import random
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import tomllib
import zipfile
import zlib

from generate_logs import generate, size_of
from measure import run

MIX = {"alb": 0.25, "vpcflow": 0.15, "cloudtrail-jsonl": 0.25, "cloudwatch": 0.25, "apigateway": 0.10}
ROUNDS = int(os.environ.get("LOGSIFT_PROVE_ROUNDS", "3"))
ALNUM = string.ascii_letters + string.digits


def size():
    return size_of(os.environ.get("LOGSIFT_PROVE_SCAN_BYTES", "1000M"))


def secrets(count, seed=11):
    """Made-up credentials of documented shapes: kind → values."""
    make = random.Random(seed)
    text = lambda n, of=ALNUM: "".join(make.choice(of) for _ in range(n))
    url = lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")

    def summed(prefix):
        body = text(30)
        sum, digits = zlib.crc32(body.encode()), ""
        for _ in range(6):
            digits = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[sum % 62] + digits
            sum //= 62
        return f"{prefix}_{body}{digits}"

    def jwt():
        claims = {"iss": "https://id.example.com", "sub": text(12), "iat": 1772400000, "exp": 1772403600}
        head = url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        return f"{head}.{url(json.dumps(claims).encode())}.{url(make.randbytes(32))}"

    shapes = {
        "github": lambda: summed("ghp"),
        "slack": lambda: f"xoxb-{text(12, string.digits)}-{text(13, string.digits)}-{text(24)}",
        "stripe": lambda: f"sk_live_{text(24)}",
        "gitlab": lambda: f"glpat-{text(20)}",
        "sendgrid": lambda: f"SG.{text(22)}.{text(43)}",
        "npm": lambda: summed("npm"),
        "jwt": jwt,
        "aws": lambda: text(40, ALNUM + "+/"),
        "uri": lambda: text(16),
        "password": lambda: text(14, ALNUM + "!#%"),
    }
    return {kind: [shape() for _ in range(count)] for kind, shape in shapes.items()}


def line(kind, value):
    """A log line of a function that prints too much."""
    body = {
        "aws": {"env": {"AWS_SECRET_ACCESS_KEY": value}},
        "uri": {"db": f"postgres://shop:{value}@db.internal.example:5432/shop"},
        "password": {"user": "ada", "password": value},
    }.get(kind, {"headers": {"authorization": f"Bearer {value}"}})
    return json.dumps({"level": "DEBUG", "message": "request", "body": body})


def mixed(folder, bytes, planted):
    """Mixed logs, the planted lines spread over them."""
    folder.mkdir(parents=True, exist_ok=True)
    place = random.Random(5)
    for name, share in MIX.items():
        generate(name, int(bytes * share), folder / f"{name}.log")
    target = folder / "cloudwatch.log"
    lines = target.read_text().splitlines(keepends=True)
    new = [line(kind, value) + "\n" for kind, values in planted.items() for value in values]
    for text in new:
        lines.insert(place.randrange(1, len(lines)), f"2026-03-02T10:00:00.000Z {text}")
    target.write_text("".join(lines))
    return sum(path.stat().st_size for path in folder.iterdir())


def missed(planted, shown):
    """Kinds of which values were not shown, with how many."""
    text = shown.decode(errors="replace")
    left = {kind: sum(value not in text for value in values) for kind, values in planted.items()}
    return {kind: n for kind, n in left.items() if n}


def more_rules(folder, count):
    """Rules of the shapes that secrets have: a prefix, a run of fixed length."""
    make = random.Random(3)
    folder.mkdir(parents=True, exist_ok=True)
    text = ""
    for n in range(count):
        prefix = "".join(make.choice(string.ascii_lowercase) for _ in range(make.randint(4, 6)))
        body = "A" * make.choice([20, 24, 32, 40])
        text += (
            f"[[rule]]\nid = \"made-{n}\"\nname = \"made {n}\"\ncategory = \"token\"\nprovider = \"made\"\n"
            f"pattern = '''\\b({prefix}_[0-9A-Za-z]{{{len(body)}}})\\b'''\nseverity = \"high\"\nconfidence = \"high\"\n"
            f"remediation = \"r\"\nexamples = [\"{prefix}_{body}\"]\n\n"
        )
    (folder / "made.toml").write_text(text)
    return folder


def told(name, done, bytes, more=""):
    mb = bytes / 1e6
    return f"  {name:<44} {done.wall:7.2f} s  CPU {done.cpu:7.2f} s  {mb / done.cpu:8.0f} MB/s of CPU  peak {done.peak / 1e6:6.0f} MB  exit {done.code}{more}"


def middle(runs):
    """The run of the median CPU time."""
    return sorted(runs, key=lambda done: done.cpu)[len(runs) // 2]


def kingfisher(path):
    bin = pathlib.Path(sys.executable).parent / "kingfisher"
    flags = ["--no-validate", "--no-update-check", "--git-history", "none", "--max-file-size", "0", "--format", "jsonl"]
    return [bin, "scan", path, *flags]


TEN = [
    r"\bghp_[0-9A-Za-z]{36}\b", r"\bxox[bp]-[0-9]{10,13}-[0-9]{10,13}-[0-9A-Za-z]{24}\b", r"\bsk_live_[0-9A-Za-z]{24}\b",
    r"\bglpat-[0-9A-Za-z_-]{20}\b", r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b", r"\bnpm_[0-9A-Za-z]{36}\b",
    r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}\b", r"\bAKIA[0-9A-Z]{16}\b",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----", r"postgres://[^:\s]+:[^@\s]+@",
]


def speed(binary, root):
    planted, out, short = secrets(20), [], []
    count = sum(map(len, planted.values()))
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        bytes = mixed(work / "plain", size(), planted)
        shutil.copytree(work / "plain", work / "packed")
        for path in (work / "packed").iterdir():
            subprocess.run(["gzip", "-1", path], check=True)
        lake = work / "lake"
        done = run(binary, "-q", "--lake", lake, "import", "--log-group", "/aws/lambda/shop", "--log-stream", "s", work / "plain")
        assert done.code == 0, done.err.decode()
        many = more_rules(work / "rules", 431)
        base = [binary, "-q", "--lake", lake, "--no-progress", "scan", "--format", "jsonl", "--reveal"]
        few = ["--pack", "secrets"]
        cases = {
            "logsift, secrets": [*base, *few, work / "plain"],
            "logsift, secrets and 431 made-up rules": [*base, *few, "--rules", many, work / "plain"],
            "logsift, secrets and PII": [*base, work / "plain"],
            "logsift, secrets, .gz": [*base, *few, work / "packed"],
            "logsift, secrets, the lake's Parquet": [*base, *few],
            "kingfisher": kingfisher(work / "plain"),
        }
        rg = shutil.which("rg")
        if rg:
            cases["rg -c, ten patterns"] = [rg, "-c", "--no-ignore", *[word for one in TEN for word in ("-e", one)], work / "plain"]
        runs = {name: [] for name in cases}
        for command in cases.values():
            run(*command)
        for _ in range(ROUNDS):
            for name, command in cases.items():
                runs[name].append(run(*command))
        rivals = middle(runs["kingfisher"])
        out.append(f"{bytes / 1e6:.0f} MB of mixed logs, {count} planted, median of {ROUNDS} by CPU time")
        for name, done in runs.items():
            done = middle(done)
            lost = missed(planted, done.out)
            found = count - sum(lost.values())
            more = "" if name.startswith("rg") else f"  found {found} of {count}{f', not {lost}' if lost else ''}"
            if name.startswith("logsift"):
                more += f"  {rivals.cpu / done.cpu:.1f} times Kingfisher's speed"
                short += [f"{name}: not all found"] if lost else []
                short += [f"{name}: peak {done.peak / 1e6:.0f} MB"] if done.peak > 250e6 else []
            out.append(told(name, done, bytes, more))
        speeds = {name: rivals.cpu / middle(done).cpu for name, done in runs.items()}
        short += [f"secrets {speeds['logsift, secrets']:.1f} < 15"] if speeds["logsift, secrets"] < 15 else []
        short += [f"with PII {speeds['logsift, secrets and PII']:.1f} < 8"] if speeds["logsift, secrets and PII"] < 8 else []
        # The engine by itself, on the same bytes.
        env = {**os.environ, "LOGSIFT_BENCH_FILES": str(work / "plain")}
        bench = ["cargo", "bench", "--locked", "--bench", "scan"]
        done = subprocess.run(bench, cwd=root, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        out += ["  " + text for text in done.stdout.splitlines() if text.startswith("scan ")]
    if short:
        out.append("short of the goal: " + "; ".join(short))
    return "\n".join(out)


def threads(binary):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        bytes = mixed(work / "plain", size() // 2, secrets(5))
        command = [binary, "-q", "--no-progress", "--lake", work / "lake", "scan", "--pack", "secrets", work / "plain"]
        one = statistics.median(run("taskset", "-c", "0", *command).wall for _ in range(ROUNDS))
        two = statistics.median(run("taskset", "-c", "0,1", *command).wall for _ in range(ROUNDS))
        single = work / "single.log"
        with open(single, "wb") as whole:
            for path in sorted((work / "plain").iterdir()):
                whole.write(path.read_bytes())
        command = [*command[:-1], single]
        first = statistics.median(run("taskset", "-c", "0", *command).wall for _ in range(ROUNDS))
        both = statistics.median(run("taskset", "-c", "0,1", *command).wall for _ in range(ROUNDS))
    text = f"{bytes / 1e6:.0f} MB in five files: one thread {one:.2f} s, two {two:.2f} s, {one / two:.2f} times; in one file: {first:.2f} s, {both:.2f} s, {first / both:.2f} times"
    assert min(one / two, first / both) >= 1.8, text
    return text


def start_up(binary):
    out = []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "small.log").write_text("nothing to see here\n" * 50)
        cache = work / "cache"
        env = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = str(cache)
        try:
            for name, command in {
                "logsift": [binary, "-q", "--lake", work / "lake", "scan", work / "small.log"],
                "kingfisher": [*kingfisher(work / "small.log"), "--rule-cache-dir", str(work / "kf")],
            }.items():
                shutil.rmtree(cache, ignore_errors=True)
                cold = run(*command)
                warm = statistics.median(run(*command).wall for _ in range(9))
                out.append(f"{name}: cold {cold.wall * 1000:.0f} ms, warm {warm * 1000:.0f} ms, exit {cold.code}")
                if name == "logsift":
                    ours = warm
        finally:
            if env is None:
                del os.environ["XDG_CACHE_HOME"]
            else:
                os.environ["XDG_CACHE_HOME"] = env
    text = "; ".join(out)
    assert ours <= 0.05, text
    return text


def hostile(binary, root):
    """Texts made to cost much: near-misses of every rule, repeated prefixes, long runs, encodings of nothing."""
    ordinary_mb, out = 40, []
    files = [tomllib.loads(path.read_text()) for path in sorted((root / "patterns").rglob("*.toml"))]
    texts = [text.replace("⟨⟩", "") for file in files for rule in file.get("rule", []) for text in rule["examples"]]
    examples = [text for text in texts if "\n" not in text]
    misses = [text.replace("⟨⟩", "") for file in files for rule in file.get("rule", []) for text in rule["negative_examples"]]
    near = [text[:-1] for text in examples] + [text[: len(text) // 2] for text in examples]
    run_of = "".join(random.Random(1).choice(ALNUM + "+/") for _ in range(1 << 20))
    texts = {
        "near-misses of every rule": lambda: "\n".join(text for text in misses if "\n" not in text) + "\n",
        "examples that are cut, half of them still secrets": lambda: "\n".join(near) + "\n",
        "beginnings repeated": lambda: "\n".join(text[:8] * 40 for text in examples) + "\n",
        "every example, back to back": lambda: " ".join(examples) + "\n",
        "one letter": lambda: "a" * (1 << 20) + "\n",
        "digits": lambda: "4111 1111 1111 1112 " * 50_000 + "\n",
        "one run of base64": lambda: run_of + "\n",
        "base64 of base64 of text": lambda: base64.b64encode(base64.b64encode(b"plain text, no secret " * 400)).decode() + "\n",
        "%41": lambda: "%41" * 300_000 + "\n",
        "\\u0041": lambda: "\\u0041" * 150_000 + "\n",
        "@ . : = /": lambda: "a@b.c:d=e/" * 100_000 + "\n",
        "quotation marks and escapes": lambda: '\\"{[' * 200_000 + "\n",
    }
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        bytes = mixed(work / "plain", ordinary_mb * 1_000_000, {})
        command = [binary, "-q", "--no-progress", "--lake", work / "lake", "scan"]
        run(*command, work / "plain")
        done = middle([run(*command, work / "plain") for _ in range(ROUNDS)])
        ordinary = done.cpu / bytes
        out.append(f"ordinary logs: {bytes / done.cpu / 1e6:.0f} MB/s of CPU")
        worst = 0
        for name, make in texts.items():
            text = make().encode()
            data = text * (20_000_000 // len(text) + 1)
            (work / "hostile.log").write_bytes(data)
            done = middle([run(*command, work / "hostile.log") for _ in range(ROUNDS)])
            slower = done.cpu / len(data) / ordinary
            worst = max(worst, slower)
            out.append(f"  {name}: {len(data) / done.cpu / 1e6:.0f} MB/s, {slower:.1f} times the cost, peak {done.peak / 1e6:.0f} MB, exit {done.code}")
    out.append(f"worst: {worst:.1f} times (asked: 4)")
    return "\n".join(out)


def again(binary):
    out = []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        bytes = mixed(work / "plain", size(), secrets(20))
        base = [binary, "--no-progress", "--lake", work / "lake"]
        group = ["import", "--log-group", "/aws/lambda/shop", "--log-stream", "s"]
        assert run(*base, *group, work / "plain").code == 0

        def scan(what, *flags):
            done = run(*base, "scan", "--format", "jsonl", *flags)
            last = [text for text in done.err.decode().splitlines() if "bytes scanned with" in text][0]
            out.append(f"{what}: {done.wall:.2f} s, CPU {done.cpu:.2f} s, peak {done.peak / 1e6:.0f} MB: {last.split('; ')[1]}")
            return sorted(done.out.splitlines())

        first = scan(f"first scan, {bytes / 1e6:.0f} MB")
        assert scan("unchanged") == first
        new = work / "new.log"
        new.write_text("".join(f"2026-03-02T11:00:00.000Z {line(kind, value)}\n" for kind, values in secrets(2, 99).items() for value in values))
        assert run(*base, *group, new).code == 0
        merged = scan("one new part")
        assert len(merged) > len(first)
        rules = more_rules(work / "rules", 1)
        scan("one more rule", "--rules", rules)
        assert scan("all again", "--rescan") == merged, "an incremental scan found other things"
    return "\n".join(out)


def coverage(binary):
    out = []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        text = ("x" * 200 + "\n") * 5000 + line("github", secrets(1)["github"][0]) + "\n"
        packed = gzip.compress(text.encode())
        (work / "cut.log.gz").write_bytes(packed[: len(packed) // 2])
        (work / "garbage.log.gz").write_bytes(packed[:40] + bytes(200) + packed[240:])
        (work / "hidden.log").write_text(text)
        (work / "hidden.log").chmod(0)
        (work / "bad.parquet").write_bytes(b"PAR1" + bytes(1000) + b"PAR1")
        shutil.copy(work / "cut.log.gz", work / "named.txt")
        # A zip whose one member is encrypted, by its flag: nothing can read it without the password.
        with zipfile.ZipFile(work / "locked.zip", "w") as archive:
            archive.writestr("a.log", text)
        data = bytearray((work / "locked.zip").read_bytes())
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(mark) + at] |= 1
        (work / "locked.zip").write_bytes(data)
        cases = ["cut.log.gz", "garbage.log.gz", "bad.parquet", "named.txt", "locked.zip", "missing.log"]
        if os.geteuid() != 0:
            cases.append("hidden.log")
        for name in cases:
            done = run(binary, "-q", "--lake", work / "lake", "scan", name, cwd=work)
            told = done.err.decode().strip().splitlines()
            out.append(f"{name}: exit {done.code}: {told[0] if told else 'NOTHING SAID'}")
            assert done.code == 2 and told, "\n".join(out)
    return "\n".join(out)


def memory(binary):
    """Peak memory of ever more places of one secret, in a file and in a lake; and of one line of 4 GB."""
    token, out = secrets(1)["github"][0], []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        log, told = work / "a.log", work / "told.jsonl"
        peaks = {"file": [], "lake": []}
        for places in (1_000_000, 4_000_000):
            with open(log, "w") as file:
                file.writelines(f"2026-03-02T10:00:00.000Z INFO request {i} token={token}\n" for i in range(places))
            done = run(binary, "-q", "--no-progress", "scan", log, "--occurrences", "--format", "jsonl", "-o", told)
            with open(told) as lines:
                assert done.code == 1 and [json.loads(line)["line"] for line in lines] == list(range(1, places + 1)), done.err.decode()
            peaks["file"].append(done.peak)
            out.append(f"{places:,} places in a file, all told: peak {done.peak / 1e6:.0f} MB, CPU {done.cpu:.1f} s")
            lake = [binary, "-q", "--no-progress", "--lake", work / "lake"]
            shutil.rmtree(work / "lake", ignore_errors=True)
            assert run(*lake, "import", log).code == 0
            done = run(*lake, "scan")
            kept = run(*lake, "query", "SELECT count(DISTINCT source_record) AS n FROM occurrences", "--format", "jsonl")
            assert done.code == 1 and json.loads(kept.out)["n"] == places, (done.err + kept.err + kept.out).decode()
            peaks["lake"].append(done.peak)
            out.append(f"{places:,} places in a lake, all kept: peak {done.peak / 1e6:.0f} MB, CPU {done.cpu:.1f} s")
        block = json.dumps({"path": "/orders/1", "items": list(range(300_000))}).encode()
        with open(log, "wb") as file:
            while file.tell() < 4_000_000_000:
                file.write(block)
            file.write(f" token={token}".encode())
            bytes = file.tell()
        done = run(binary, "-q", "--no-progress", "scan", log, "--occurrences", "--format", "jsonl")
        found = [json.loads(text) for text in done.out.splitlines()]
        assert [(row["line"], row["end"]) for row in found] == [(1, bytes)], done.err.decode()
        out.append(f"one line of {bytes / 1e9:.1f} GB, a secret at its end: found, peak {done.peak / 1e6:.0f} MB, CPU {done.cpu:.1f} s")
    assert all(last < first * 1.2 for first, last in peaks.values()), "\n".join(out)
    return "\n".join(out)
