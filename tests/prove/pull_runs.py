"""`pull` against the simulator (examples/cwl_simulator.rs) and moto: exact, through faults and kills, at the pace."""

import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import duckdb

from measure import run, size_setting

REGION = "eu-central-1"
os.environ.update(AWS_ACCESS_KEY_ID="AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY="none", AWS_REGION=REGION)


@contextlib.contextmanager
def simulator(binary, *flags):
    """(port, file of all events) of a simulator that ends with the block."""
    program = pathlib.Path(binary).parent / "examples" / "cwl_simulator"
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as dump:
        child = subprocess.Popen([program, "--dump", dump.name, *map(str, flags)], stdout=subprocess.PIPE, text=True)
        try:
            yield int(child.stdout.readline()), dump.name
        finally:
            child.kill()
            child.wait()


def stats(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as answer:
        return json.load(answer)


def command(binary, lake, port, *args):
    where = ["--region", REGION, "--endpoint-url", f"http://127.0.0.1:{port}"]
    return [str(binary), "--quiet", "--no-progress", "--lake", str(lake), "pull", *where, "cloudwatch", *map(str, args)]


def differences(lake, put):
    """(events in the lake, events that are missing, events too many) beside the file of what was put."""
    base = duckdb.connect()
    base.execute(f"CREATE VIEW put AS SELECT g, s, t, m FROM read_json('{put}', columns={{g: 'VARCHAR', s: 'VARCHAR', t: 'BIGINT', m: 'VARCHAR'}}, format='newline_delimited')")
    base.execute(f"CREATE VIEW got AS SELECT cw_log_group g, cw_log_stream s, epoch_ms(event_time) t, raw m FROM read_parquet('{lake}/cloudwatch/*/*.parquet')")
    count = base.execute("SELECT count(*) FROM got").fetchone()[0]
    missing = base.execute("SELECT count(*) FROM (FROM put EXCEPT ALL FROM got)").fetchone()[0]
    extra = base.execute("SELECT count(*) FROM (FROM got EXCEPT ALL FROM put)").fetchone()[0]
    return count, missing, extra


def exact(binary):
    """Millions of events of thousands of streams come, each once."""
    events, streams = size_setting("LOGSIFT_PROVE_PULL_EVENTS", "5M"), size_setting("LOGSIFT_PROVE_PULL_STREAMS", "20K")
    with tempfile.TemporaryDirectory() as folder:
        lake = pathlib.Path(folder) / "lake"
        with simulator(binary, "--groups", 5, "--streams", streams // 5, "--events", events, "--filter-tps", 200) as (port, put):
            done = run(*command(binary, lake, port, "--log-group", "*", "--since", "1d", "--max-tps", 180))
            assert done.code == 0, done.err.decode()
            count, missing, extra = differences(lake, put)
            answers = stats(port)["answers"]
    text = f"simulator: {events} events, {streams} streams, 5 groups: {count} in the lake, {missing} missing, {extra} too many; "
    text += f"{done.wall:.1f} s, {done.peak / 1e6:.0f} MB, {answers.get('FilterLogEvents')} pages, {answers.get('throttled', 0)} throttled"
    assert (missing, extra) == (0, 0), text
    return text


def faults(binary):
    """Random faults and random kill -9; every run ends with the same multiset."""
    runs, kills, faulty = size_setting("LOGSIFT_PROVE_PULL_RUNS", "200"), 0, 0
    chance = random.Random(4)
    out = []
    for number in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            lake = pathlib.Path(folder) / "lake"
            flags = ["--streams", 200, "--events", 40_000, "--faults", 0.12, "--seed", number + 1, "--latency-ms", 100]
            with simulator(binary, *flags) as (port, put):
                line = command(binary, lake, port, "--log-group", "*", "--since", "1d", "--max-tps", 300)
                for _ in range(chance.randrange(3)):
                    child = subprocess.Popen(line, stderr=subprocess.DEVNULL, start_new_session=True)
                    time.sleep(chance.uniform(0.05, 1.5))
                    if child.poll() is None:
                        os.killpg(child.pid, signal.SIGKILL)
                        kills += 1
                    child.wait()
                done = subprocess.run(line, capture_output=True, text=True)
                count, missing, extra = differences(lake, put)
                faulty += stats(port)["answers"].get("fault", 0)
        if done.returncode != 0 or missing or extra:
            out.append(f"run {number}: exit {done.returncode}, {count} events, {missing} missing, {extra} too many: {done.stderr[-300:]}")
    text = f"{runs} runs of 40,000 events in 200 streams a group, {faulty} faults, {kills} kills: {runs - len(out)} exact"
    assert not out, "\n".join([text, *out])
    return text


def paced(binary, rates, method, seconds, pad):
    """(share of the rates that was reached, what to say) of a run of about so many seconds of full pages."""
    per_page = min(10_000, 1_048_576 // (pad + 60)) * 9 // 10
    events = int(sum(rates.values()) * seconds) * per_page
    flags = ["--groups", 1, "--streams", 10, "--events", events, "--latency-ms", 600, "--pad", pad]
    with tempfile.TemporaryDirectory() as folder:
        lake = pathlib.Path(folder) / "lake"
        with simulator(binary, *flags) as (port, put):
            tps = ["--max-tps", rates["FilterLogEvents"], "--max-get-tps", rates.get("GetLogEvents", 1), "--method", method]
            before = time.monotonic()
            done = run(*command(binary, lake, port, "--log-group", "*", "--since", "1d", *tps))
            wall = time.monotonic() - before
            assert done.code == 0, done.err.decode()
            told = stats(port)
            count, missing, extra = differences(lake, put)
    # Both quotas are used up together or not at all: the longer span counts for both.
    span = max(told["spans"][name] for name in rates)
    calls = sum(told["answers"][name] for name in rates) - len(rates)
    share = calls / span / sum(rates.values())
    assert (missing, extra) == (0, 0), f"{missing} missing, {extra} too many"
    rate = " + ".join(f"{name} {tps}" for name, tps in rates.items())
    return share, f"{rate} a second, lines of {pad}+ bytes: {calls} calls, {share:.1%} of the rate, {count} events, exact, {wall:.1f} s, {done.cpu:.1f} s of CPU"


def pace(binary):
    """Share of the configured rate that is reached where a full page takes 600 ms."""
    seconds = size_setting("LOGSIFT_PROVE_PULL_SECONDS", "40")
    out, short = [], False
    for rate in (5, 10, 25):
        share, text = paced(binary, {"FilterLogEvents": rate}, "filter", seconds, 1000)
        short |= share < 0.95
        out.append(text)
    share, text = paced(binary, {"FilterLogEvents": 5, "GetLogEvents": 10}, "both", seconds, 1000)
    short |= share < 0.95
    out += [text, paced(binary, {"FilterLogEvents": 10}, "filter", seconds, 0)[1], rivals(binary)]
    assert not short, "\n".join(out)
    return "\n".join(out)


def rivals(binary):
    """awslogs and the AWS command line on the same simulator, at ten calls a second."""
    bin = pathlib.Path(sys.executable).parent
    out = []
    flags = ["--groups", 1, "--streams", 10, "--events", 240 * 900, "--latency-ms", 600, "--pad", 1000, "--filter-tps", 10]
    with tempfile.TemporaryDirectory() as folder, simulator(binary, *flags) as (port, put):
        url, group, lines = f"http://127.0.0.1:{port}", "/aws/lambda/fn-0", sum(1 for _ in open(put))
        begin = int((time.time() - 86400) * 1000)
        lake = pathlib.Path(folder) / "lake"
        ours = run(*command(binary, lake, port, "--log-group", group, "--since", "1d", "--max-tps", 10, "--method", "filter"))
        assert differences(lake, put)[1:] == (0, 0)
        out.append(f"logsift {ours.wall:.1f} s")
        aws = [bin / "aws", "logs", "filter-log-events", "--region", REGION, "--endpoint-url", url, "--log-group-name", group, "--start-time", str(begin), "--output", "json"]
        awslogs = [bin / "awslogs", "get", group, "--aws-endpoint-url", url, "--aws-region", REGION, "-s", "1d", "--no-color", "--no-group"]
        for name, line in (("aws logs filter-log-events", aws), ("awslogs", awslogs)):
            done = run(*map(str, line))
            if done.code != 0:
                out.append(f"{name} ends with {done.code} after {done.wall:.1f} s: {done.err.decode()[-200:].strip()}")
                continue
            got = len(json.loads(done.out)["events"]) if name.startswith("aws ") else same_messages(done.out, put)
            out.append(f"{name} {done.wall:.1f} s ({done.wall / ours.wall:.1f} times ours), {got} of {lines} events, exit {done.code}")
    return "; ".join(out)


def same_messages(printed, put):
    """How many of the events were printed, as far as their messages tell."""
    left = collections.Counter(json.loads(line)["m"].split("\n")[0] for line in open(put))
    found = 0
    for line in printed.decode().splitlines():
        text = line.split(" ", 1)[-1]
        if left[text] > 0:
            left[text] -= 1
            found += 1
    return found


def memory(binary):
    """Peak memory of one and of five million events."""
    peaks = []
    for events in (1_000_000, 5_000_000):
        with tempfile.TemporaryDirectory() as folder:
            with simulator(binary, "--events", events, "--streams", 1000) as (port, _):
                done = run(*command(binary, pathlib.Path(folder) / "lake", port, "--log-group", "*", "--since", "1d", "--max-tps", 400))
                assert done.code == 0, done.err.decode()
                peaks.append(done.peak / 1e6)
    text = f"1 million events: {peaks[0]:.0f} MB; 5 million: {peaks[1]:.0f} MB; ratio {peaks[1] / peaks[0]:.2f}"
    assert peaks[1] < peaks[0] * 1.2, text
    return text
