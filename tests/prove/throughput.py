"""Parse and write: `logsift import` beside DuckDB, same bytes, same two cores, in turns."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import duck_job
import generate_logs
from measure import imported, median, run, size_setting

HERE = pathlib.Path(__file__).resolve().parent
FORMATS = ["alb", "vpcflow", "cloudtrail", "cloudtrail-jsonl", "apigateway", "cloudwatch", "waf", "s3access", "cloudfront"]
# What is asked: twice DuckDB for these, never less than once for the others.
CORE = {"alb", "vpcflow", "cloudtrail"}
ROUNDS = 3


def ours(binary, path, work, records):
    lake = work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    done, counts = imported(binary, lake, path)
    assert done.code == 0 and counts, f"import of {path.name}: exit {done.code}: {done.err.decode()[-500:]}"
    events = sum(counts["tally"]["events"].values())
    written = sum(each.stat().st_size for each in lake.rglob("*.parquet"))
    shutil.rmtree(lake)
    note = "" if events == records else f" (events {events} of {records} records: {counts['tally']})"
    return done.wall, done.peak_mb, written, note


def theirs(name, way, path, work):
    out = work / "duck.parquet"
    done = run(sys.executable, HERE / "duck_job.py", name, way, path, out)
    if done.code != 0:
        return None, done.peak_mb, 0, done.err.decode()[-300:]
    told = json.loads(done.out)
    size = out.stat().st_size
    out.unlink()
    return told["seconds"], done.peak_mb, size, told["rows"]


def decompression(path):
    """Seconds of decompression alone, where the lead's bench is given: LOGSIFT_GUNZIP_BENCH is a command
    that takes the file as its last word and prints seconds. Else by zlib in Python, to have an order of magnitude."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    command = os.environ.get("LOGSIFT_GUNZIP_BENCH")
    if command:
        done = subprocess.run([*shlex.split(command), *map(str, files)], capture_output=True, text=True, check=True)
        return float(done.stdout.split()[0]), "bench"
    import zlib

    start = time.perf_counter()
    for each in files:
        data = zlib.decompressobj(31)
        with open(each, "rb") as file:
            while block := file.read(1 << 20):
                data.decompress(block)
    return time.perf_counter() - start, "zlib in Python"


def one(binary, name, size, packed, work):
    """Lines of figures for one format, and the ratio of the medians."""
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
            f"  {who:<16} {median(walls):8.2f} s ({min(walls):.2f} to {max(walls):.2f})  {records / median(walls) / 1e3:9.1f} thousand records/s"
            f"  {size / median(walls) / 1e6:7.1f} MB/s  peak {max(each[1] for each in runs):6.0f} MB  Parquet {runs[-1][2] / 1e6:.1f} MB"
        )
    out.append("  ways tried once: " + ", ".join(f"{each} {tries[each][0]:.2f} s" if tries[each][0] is not None else f"{each} failed" for each in tries))
    if name != "cloudwatch" and other[-1][3] != records:
        out.append(f"  DuckDB wrote {other[-1][3]} rows of {records}")
    if mine[-1][3]:
        out.append("  logsift" + mine[-1][3])
    if packed:
        spent, by = decompression(path)
        out.append(f"  decompression alone {spent:.2f} s by {by}; import at {100 * spent / median([each[0] for each in mine]):.0f} % of its speed (one core against two)")
    out.append(f"  ratio {ratio:.2f}")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return out, ratio


def show(binary):
    """The whole table. LOGSIFT_PROVE_BYTES (default 500M) and LOGSIFT_PROVE_FORMATS (names, comma) narrow it."""
    size = size_setting("LOGSIFT_PROVE_BYTES", "500M")
    names = os.environ.get("LOGSIFT_PROVE_FORMATS", ",".join(FORMATS)).split(",")
    out, short = [], []
    with tempfile.TemporaryDirectory(dir=os.environ.get("LOGSIFT_PROVE_TMP")) as folder:
        for name in names:
            for packed in (False, True):
                text, ratio = one(binary, name, size, packed, pathlib.Path(folder))
                out += text
                print("\n".join(text), file=sys.stderr, flush=True)
                wanted = 2 if name in CORE else 1
                if ratio < wanted:
                    short.append(f"{name}{' .gz' if packed else ''} {ratio:.2f} < {wanted}")
    out.append("for comparison, parse only: Suzaku 57 MB/s per core (CloudTrail), angle-grinder 0.7 million flow lines/s")
    out.append("short of the goal: " + (", ".join(short) or "none"))
    return "\n".join(out), short
