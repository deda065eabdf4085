"""Running a program and weighing it: wall time, CPU time, peak memory of that one process."""

import json
import os
import subprocess
import sys
import tempfile
import time


class Run:
    """What one run of a program showed."""

    def __init__(self, code, out, err, wall, cpu, peak):
        self.code, self.out, self.err, self.wall, self.cpu, self.peak = code, out, err, wall, cpu, peak

    @property
    def peak_mb(self):
        return self.peak / 1e6


def run(*command, cwd=None, stdin=None, limit=None):
    """Runs to the end, or kills after `limit` seconds. `code` is negative for a signal."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        env = {**os.environ, "RUST_BACKTRACE": "0"}
        child = subprocess.Popen([os.fspath(each) if not isinstance(each, str) else each for each in command], cwd=cwd, env=env, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err)
        usage, status = None, None
        while usage is None:
            pid, state, spent = os.wait4(child.pid, os.WNOHANG if limit else 0)
            if pid:
                status, usage = state, spent
            elif time.perf_counter() - start > limit:
                child.kill()
                limit = 1e9
            else:
                time.sleep(0.002)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Run(child.returncode, out.read(), err.read(), wall, usage.ru_utime + usage.ru_stime, peak)


def imported(binary, lake, *paths, options=()):
    """(run, counts) of an import; the counts are None where it printed none."""
    done = run(binary, "--quiet", "--no-progress", "--lake", lake, "import", "--output-format", "json", *options, *paths)
    try:
        return done, json.loads(done.out)
    except ValueError:
        return done, None


def balanced(tally):
    """records_in == events + rejects + ignored + duplicates."""
    parts = sum(sum(tally.get(each, {}).values()) for each in ("events", "rejects", "ignored", "duplicates"))
    return tally["records_in"] == parts


def median(values):
    return sorted(values)[len(values) // 2]


def size_setting(name, default):
    """A number of bytes from the environment, with K, M or G."""
    from generate_logs import size_of

    return size_of(os.environ.get(name, default))
