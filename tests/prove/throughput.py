"""Parse and write: `logsift import` beside DuckDB, same bytes, same two cores, in turns."""

import functools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

import duck_job
import generate_logs
from measure import imported, median, run, size_setting

HERE = pathlib.Path(__file__).resolve().parent
FORMATS = ["alb", "vpcflow", "cloudtrail", "cloudtrail-jsonl", "apigateway", "cloudwatch", "waf", "s3access", "cloudfront"]
# What is asked: twice DuckDB for these, never less than once for the others.
CORE = {"alb", "vpcflow", "cloudtrail"}
# Of `.gz`, on one core: parsing to columns against decompression, import against that and zstd-1.
HALF = 0.5
ROUNDS = 3


def ours(binary, path, work, records, under=()):
    lake = work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    done, counts = imported(binary, lake, path, under=under)
    assert done.code == 0 and counts, f"import of {path.name}: exit {done.code}: {done.err.decode()[-500:]}"
    events = sum(counts["tally"]["events"].values())
    written = sum(each.stat().st_size for each in lake.rglob("*.parquet"))
    shutil.rmtree(lake)
    note = "" if events == records else f" (events {events} of {records} records: {counts['tally']})"
    return done.wall, done.peak_mb, written, note, done.cpu


def theirs(name, way, path, work):
    out = work / "duck.parquet"
    done = run(sys.executable, HERE / "duck_job.py", name, way, path, out)
    if done.code != 0:
        return None, done.peak_mb, 0, done.err.decode()[-300:]
    told = json.loads(done.out)
    size = out.stat().st_size
    out.unlink()
    return told["seconds"], done.peak_mb, size, told["rows"], done.cpu


@functools.cache
def bench():
    """The bench of decompression, built; `cargo` tells where it lies."""
    command = ["cargo", "build", "--release", "--locked", "--bench", "decompression", "--message-format=json"]
    command += shlex.split(os.environ.get("LOGSIFT_PROVE_BENCH_FLAGS", ""))
    done = subprocess.run(command, cwd=HERE.parent.parent, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-2000:]}"
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next(each["executable"] for each in told if each.get("executable") and each["target"]["name"] == "decompression")


def decompression(binary, path, work, records, mine):
    """Lines of figures for `.gz` on one core, beside decompression, and what is short of the goals."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    told = json.loads(subprocess.run([bench(), *map(str, files)], capture_output=True, text=True, check=True).stdout)
    inflate, packed, columns = (told[name]["wall"] for name in ("inflate", "inflate_and_zstd1", "inflate_and_columns"))
    shown = [f"{title} {told[name]['wall']:.2f} s{cpu(told[name]['cpu'])}" for title, name in (
        ("decompression", "inflate"), ("decompression and zstd-1 of the same bytes", "inflate_and_zstd1"), ("decompression and parsing to columns", "inflate_and_columns"))]
    out = [f"  on one core: {', '.join(shown)}"]
    if told["events"] != records:
        out.append(f"  the bench found {told['events']} events in {records} records")
    shares = {"parsing to columns against decompression": inflate / columns}
    wall = median([each[0] for each in mine])
    out.append(f"  import on all cores at {100 * packed / wall:.0f} % of one core's decompression and zstd-1")
    if shutil.which("taskset"):
        # On one core too, reading ahead and all: the like of what it is held against.
        alone = [ours(binary, path, work, records, ("taskset", "-c", str(min(os.sched_getaffinity(0))))) for _ in range(ROUNDS)]
        wall = median([each[0] for each in alone])
        out.append(f"  import on one core {wall:.2f} s{cpu(median([each[4] for each in alone]))}")
        shares["import against decompression and zstd-1"] = packed / wall
    out += [f"  {name}, on one core: {100 * share:.0f} % (asked: {100 * HALF:.0f} %)" for name, share in shares.items()]
    return out, [f"{name} {100 * share:.0f} % < {100 * HALF:.0f} %" for name, share in shares.items() if share < HALF]


def cpu(seconds):
    return "" if seconds is None else f" (CPU {seconds:.2f} s)"


def one(binary, name, size, packed, work):
    """Lines of figures for one format, the ratio of the medians, and what else is short of its goal."""
    path = work / f"{name}{'' if name == 'cloudtrail' else '.log'}{'.gz' if packed and name != 'cloudtrail' else ''}"
    records = generate_logs.generate(name, size, path, seed=7, packed=packed)
    weigh = sum(each.stat().st_size for each in (path.iterdir() if path.is_dir() else [path]))
    # One try of each way; the faster one runs in turns with logsift.
    tries = {way: theirs(name, way, path, work) for way in duck_job.WAYS[name]}
    working = {way: each for way, each in tries.items() if each[0] is not None}
    assert working, f"DuckDB cannot do {name}: {tries}"
    way = min(working, key=lambda each: working[each][0])
    mine, other = [], []
    for _ in range(ROUNDS):
        mine.append(ours(binary, path, work, records))
        other.append(theirs(name, way, path, work))
    ratio = median([each[0] for each in other]) / median([each[0] for each in mine])
    out = [f"{name}{' .gz' if packed else ''}: {records} records, {size / 1e6:.0f} MB of text, {weigh / 1e6:.1f} MB on disk"]
    for who, runs in (("logsift", mine), (f"DuckDB ({way})", other)):
        walls = [each[0] for each in runs]
        out.append(
            f"  {who:<16} {median(walls):8.2f} s ({min(walls):.2f} to {max(walls):.2f})  CPU {median([each[4] for each in runs]):6.2f} s  {records / median(walls) / 1e3:9.1f} thousand records/s"
            f"  {size / median(walls) / 1e6:7.1f} MB/s  peak {max(each[1] for each in runs):6.0f} MB  Parquet {runs[-1][2] / 1e6:.1f} MB"
        )
    out.append("  ways tried once: " + ", ".join(f"{each} {tries[each][0]:.2f} s" if tries[each][0] is not None else f"{each} failed" for each in tries))
    if name != "cloudwatch" and other[-1][3] != records:
        out.append(f"  DuckDB wrote {other[-1][3]} rows of {records}")
    if mine[-1][3]:
        out.append("  logsift" + mine[-1][3])
    short = []
    if packed:
        text, short = decompression(binary, path, work, records, mine)
        out += text
    out.append(f"  ratio {ratio:.2f}")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return out, ratio, short


def show(binary):
    """The whole table. LOGSIFT_PROVE_BYTES (default 500M) and LOGSIFT_PROVE_FORMATS (names, comma) narrow it."""
    size = size_setting("LOGSIFT_PROVE_BYTES", "500M")
    names = os.environ.get("LOGSIFT_PROVE_FORMATS", ",".join(FORMATS)).split(",")
    out, short = [], []
    with tempfile.TemporaryDirectory(dir=os.environ.get("LOGSIFT_PROVE_TMP")) as folder:
        for name in names:
            for packed in (False, True):
                text, ratio, other = one(binary, name, size, packed, pathlib.Path(folder))
                out += text
                print("\n".join(text), file=sys.stderr, flush=True)
                short += [f"{name} .gz {each}" for each in other]
                wanted = 2 if name in CORE else 1
                if ratio < wanted:
                    short.append(f"{name}{' .gz' if packed else ''} {ratio:.2f} < {wanted}")
    out.append("for comparison, parse only: Suzaku 57 MB/s per core (CloudTrail), angle-grinder 0.7 million flow lines/s")
    out.append("short of the goal: " + (", ".join(short) or "none"))
    return "\n".join(out), short
