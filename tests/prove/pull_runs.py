"""`pull` against the simulator (examples/cwl_simulator.rs) and moto: exact, through faults and kills, at the pace."""

import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
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
    events, streams = size_setting("LOGSIFT_PROVE_PULL_EVENTS", 5_000_000), size_setting("LOGSIFT_PROVE_PULL_STREAMS", 20_000)
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
    runs, kills, faulty = size_setting("LOGSIFT_PROVE_PULL_RUNS", 200), 0, 0
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


def pace(binary):
    """Share of the configured rate that is reached where a full page takes 600 ms."""
    out, short = [], False
    for rate in (5, 10, 25):
        with tempfile.TemporaryDirectory() as folder:
            lake = pathlib.Path(folder) / "lake"
            # About twenty seconds of full pages.
            with simulator(binary, "--groups", 1, "--events", rate * 20 * 9000, "--latency-ms", 600) as (port, put):
                before = time.monotonic()
                done = run(*command(binary, lake, port, "--log-group", "*", "--since", "1d", "--max-tps", rate))
                assert done.code == 0, done.err.decode()
                told = stats(port)
                count, missing, extra = differences(lake, put)
        share = (told["answers"]["FilterLogEvents"] - 1) / told["spans"]["FilterLogEvents"] / rate
        short |= share < 0.95 or (missing, extra) != (0, 0)
        out.append(f"{rate} calls a second: {told['answers']['FilterLogEvents']} calls, {share:.1%} of the rate, {count} events in {time.monotonic() - before:.1f} s, {missing} missing, {extra} too many")
    assert not short, "\n".join(out)
    return "\n".join(out)


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
