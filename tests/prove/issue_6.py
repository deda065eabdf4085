"""Personal data, and whole payloads: its list of things to show.

Settings: LOGSIFT_PROVE_CLEAN_BYTES (of ordinary logs, default 200M), LOGSIFT_PROVE_SCAN_BYTES (of the mixed logs, default 1000M).
"""

import collections
import json
import os
import pathlib
import sys
import tempfile

import scan_runs
from generate_logs import generate, size_of
from issue_2 import told
from measure import run

QUALITY = pathlib.Path(__file__).resolve().parent.parent / "quality"
sys.path.insert(0, str(QUALITY))

import oracle_numbers  # noqa: E402
import ordinary  # noqa: E402
import personal  # noqa: E402
import quality  # noqa: E402
import scanners  # noqa: E402

# Personal data that is told as a number of different values in a place.
COUNTED = {"email", "ip-address"}


def table(_binary, root):
    """The 99 managed data identifiers: each names a rule, and each rule finds its examples and not its near-misses."""
    rows = (root / "tests/corpora/managed-identifiers.tsv").read_text().splitlines()
    without = [row.split("\t")[0] for row in rows if row.endswith("\t-")]
    out = [f"{len(rows)} identifiers, without a rule: {', '.join(without) or 'none'}"]
    out.append(told(["cargo", "test", "--release", "--locked", "--test", "it", "managed_identifiers"], root))
    out.append(told(["cargo", "test", "--release", "--locked", "--lib", "shipped_rules_pass"], root))
    return "\n".join(out)


def recall(binary, root):
    """Labelled texts: found and cried, beside Presidio's pattern recognisers."""
    return "\n".join([*personal.labelled(binary, root), "spans.jsonl, kinds that are claimed:", *personal.spans(binary, root)])


def alarms(binary, _root):
    """Findings in ordinary logs."""
    out, size = [], size_of(os.environ.get("LOGSIFT_PROVE_CLEAN_BYTES", "200M"))
    with tempfile.TemporaryDirectory() as work:
        for name, path in quality.clean_sources(work, size).items():
            bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            hits = [hit for list in scanners.logsift(binary, path, packs=personal.PACKS).values() for hit in set(list)]
            rules = collections.Counter(rule for rule, _ in hits)
            others = {hit for hit in hits if hit[0] not in COUNTED}
            out.append(f"{name}, {bytes / 1e6:.1f} MB: {len(others)} outside the counted classes ({len(others) * 1e8 / bytes:.2f} per 100 MB); {dict(rules)}")
            out += [f"    {rule}: {value[:50]!r}" for rule, value in sorted(others)[:12]]
    return "\n".join(out)


def checksums(binary, _root):
    """10,000 numbers of each kind, half of them right, by python-stdnum."""
    return "\n".join(oracle_numbers.compare(binary))


def payloads(binary, root):
    """Who logs payloads: in the sample incident, and in a generated account where nobody does."""
    out = []
    truth = json.loads((root / "samples/incident/truth.json").read_text())
    logs = root / "samples/incident/logs"
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        base = [binary, "-q", "--no-progress", "--lake", work / "incident"]
        for folder, group in truth["log_groups"].items():
            done = run(*base, "import", "--account", truth["account"], "--region", truth["region"], "--log-group", group["log_group"], logs / folder)
            assert done.code == 0, done.err.decode()
        assert run(*base, "import", logs / "alb", logs / "cloudtrail", logs / "vpcflow").code == 0
        run(*base, "scan")
        done = run(*base, "payloads", "--format", "jsonl")
        for one in map(json.loads, done.out.splitlines()):
            out.append(f"incident: {one['resource']} {one['kind']}: {one['events']} of {one['of_events']} events, {one['bytes'] / one['of_bytes']:.0%} of its bytes")
        base[4] = work / "quiet"
        for name in ("application", "cloudwatch", "apigateway"):
            path = work / f"{name}.log"
            ordinary.write(path, 5_000_000) if name == "application" else generate(name, 5_000_000, path, seed=5)
            assert run(*base, "import", "--log-group", f"/aws/lambda/{name}", path).code == 0
        done = run(*base, "payloads")
        out.append(f"quiet account: exit {done.code}, {len(done.out.splitlines())} lines")
        out.append(done.out.decode()[:2000])
    return "\n".join(out)


def speed(binary, root):
    """Everything on, beside Kingfisher: the runs of the scan engine's first line."""
    return scan_runs.speed(binary, root)


LINES = {"1": table, "2": recall, "3": alarms, "4": checksums, "5": payloads, "6": speed}
