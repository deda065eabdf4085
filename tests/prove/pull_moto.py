"""`pull` against moto (tests/moto/serve.py): exact, no more than is needed, and bad input told."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.request

from measure import run
from pull_runs import REGION, differences, simulator

WINDOW = ["--from", "2026-03-02T10:00Z", "--to", "2026-03-02T12:00Z"]


@contextlib.contextmanager
def moto(*args):
    """(port, truth) of a moto server that ends with the block."""
    script = pathlib.Path(__file__).parent.parent / "moto" / "serve.py"
    line = [os.environ["LOGSIFT_MOTO_PYTHON"], script, *map(str, args)]
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield int(child.stdout.readline()), json.loads(child.stdout.readline())
    finally:
        child.kill()
        child.wait()


def pull(binary, lake, port, *args):
    where = ["--region", REGION, "--endpoint-url", f"http://127.0.0.1:{port}"]
    return run(str(binary), "--no-progress", "--lake", str(lake), "pull", *where, *map(str, args))


def logs(binary):
    """Three groups, 400 streams, 50,000 events, by each method that moto supports."""
    out = []
    with moto("logs", 400, 50_000) as (port, truth), tempfile.TemporaryDirectory() as folder:
        put = pathlib.Path(folder) / "put.jsonl"
        put.write_text("".join(json.dumps(dict(zip("gstm", event))) + "\n" for event in truth["events"]))
        doubles = len(truth["events"]) - len({tuple(event) for event in truth["events"]})
        for method in ("filter", "get", "both"):
            lake = pathlib.Path(folder) / method
            done = pull(binary, lake, port, "cloudwatch", "--log-group", "*", "--since", "1d", "--method", method, "--max-tps", 100, "--max-get-tps", 100)
            assert done.code == 0, done.err.decode()
            count, missing, extra = differences(lake, put)
            assert (missing, extra) == (0, 0), f"{method}: {missing} missing, {extra} too many"
            out.append(f"{method} {count} events in {done.wall:.1f} s")
    return f"moto, 3 groups, 400 streams, {len(truth['events'])} events, {doubles} doubles: " + ", ".join(out) + ": exact"


def s3(binary):
    """5,000 objects over all key layouts."""
    with moto("s3", 5000) as (port, truth), tempfile.TemporaryDirectory() as folder:
        counts = lambda: json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/counts"))
        lake = pathlib.Path(folder) / "lake"
        done = pull(binary, lake, port, "s3", "s3://logs", *WINDOW)
        assert done.code == 0, done.err.decode()
        asked = counts()
        listed = run(str(binary), "--lake", str(lake), "lake", "objects", "--format", "json").out.decode()
        got = {json.loads(line)["name"].removeprefix("s3://logs/") for line in listed.splitlines()}
        needed, far = set(truth["needed"]), set(truth["far"])
        assert needed <= got and not far & got, f"{len(needed - got)} missing, {len(far & got)} of other days"
        again = pull(binary, lake, port, "s3", "s3://logs", *WINDOW)
        assert again.code == 0 and counts()["GET object"] == asked["GET object"], "something was fetched twice"
    return f"moto, {truth['objects']} objects in 12 layouts: {len(needed)} needed, {asked['GET object']} fetched (the others may hold late events), {asked['GET list']} lists, {done.wall:.1f} s; again: 0 fetched"


def bad_input(binary):
    """Each with its exit code and what is said."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        lake = pathlib.Path(folder) / "lake"

        def told(name, done, code, *words):
            text = done.err.decode()
            assert done.code == code and all(word in text for word in words), f"{name}: exit {done.code}\n{text}"
            out.append(f"{name}: exit {done.code}: {[line for line in text.splitlines() if words[0] in line][0][:150]}")

        cloudwatch = ["cloudwatch", "--log-group", "*", "--since", "1d"]
        with simulator(binary, "--deny", "/aws/lambda/fn-1") as (port, put):
            told("no permission on one of three groups", pull(binary, lake, port, *cloudwatch), 2, "/aws/lambda/fn-1: AccessDeniedException")
            got = differences(lake, put)
            assert got[2] == 0 and got[0] > 0, got
            told("wrong profile", pull(binary, lake, port, "--profile", "nobody", *cloudwatch), 2, "profile nobody gives no credentials")
            told("end before start", pull(binary, lake, port, "cloudwatch", "--log-group", "*", "--from", "2026-03-02", "--to", "2026-03-01"), 2, "the window is empty")
            told("a glob that matches nothing", pull(binary, lake, port, "cloudwatch", "--log-group", "/none/*", "--since", "1d"), 2, "no log group of eu-central-1 is called /none/*")
        with moto("s3", 12) as (port, _):
            told("missing bucket", pull(binary, lake, port, "s3", "s3://no-such-bucket", *WINDOW), 2, "there is no bucket no-such-bucket")
        where = ["--region", "mars-north-1", "--endpoint-url", "http://127.0.0.1:1"]
        told("region off, nobody there", run(str(binary), "--lake", str(lake), "pull", *where, *cloudwatch), 2, "DescribeLogGroups failed")
        no_region = {name: os.environ.pop(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION") if name in os.environ}
        told("no region", run(str(binary), "--lake", str(lake), "pull", *cloudwatch), 2, "no region is set")
        os.environ.update(no_region)
    return "\n".join(out)


def sockets(binary, root):
    """System calls of every command on the sample incident."""
    with tempfile.TemporaryDirectory() as folder:
        lake, trace = pathlib.Path(folder) / "lake", pathlib.Path(folder) / "trace"
        commands = {
            "import": ["import", root / "samples" / "incident" / "logs" / "cloudtrail"],
            "scan": ["scan", "--fail-on", "critical"],
            "timeline": ["timeline", "--story"],
            "query": ["query", "SELECT count(*) AS n FROM cloudtrail"],
            "report": ["report", "-o", pathlib.Path(folder) / "report.html"],
        }
        for name, args in commands.items():
            line = ["strace", "-f", "-e", "trace=%network,io_uring_setup", "-o", trace, binary, "--lake", lake, *args]
            done = run(*map(str, line))
            assert done.code in (0, 1, 2), done.err.decode()
            calls = [text for text in trace.read_text().splitlines() if "socket(" in text or "connect(" in text or "io_uring_setup(" in text]
            inet = [text for text in calls if "AF_UNIX" not in text]
            assert not inet, f"{name}: {inet[:3]}"
        # The proof can fail: pull does open one.
        pulls = run("strace", "-f", "-e", "trace=socket", "-o", str(trace), str(binary), "--lake", str(lake), "pull", "--endpoint-url", "http://127.0.0.1:1", "--region", REGION, "discover")
        assert pulls.code == 2 and "AF_INET" in trace.read_text()
    return f"{', '.join(commands)}: no internet socket and no io_uring asked for; pull asks for one (strace -f)"
