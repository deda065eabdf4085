"""Running a program and weighing it: wall time, CPU time, peak memory of that one process."""

import os
import sys
import time

if __name__ != "__main__":
    import json
    import subprocess
    import tempfile


class Run:
    """What one run of a program showed."""

    def __init__(self, code, out, err, wall, cpu, peak):
        self.code, self.out, self.err, self.wall, self.cpu, self.peak = code, out, err, wall, cpu, peak

    @property
    def peak_mb(self):
        return self.peak / 1e6


def run(*command, cwd=None, limit=None):
    """Runs to the end, or kills after `limit` seconds. `code` is negative for a signal.

    A small process starts the program: Linux counts the memory of the one that forks into the child's
    peak, and this one may have grown."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.NamedTemporaryFile() as told:
        env = {**os.environ, "RUST_BACKTRACE": "0"}
        launcher = [sys.executable, "-S", "-E", __file__, told.name, str(limit or 0)]
        subprocess.run([*launcher, *map(os.fspath, command)], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        wall, code, cpu, peak = json.loads(told.read())
        out.seek(0)
        err.seek(0)
        return Run(code, out.read(), err.read(), wall, cpu, peak)


def launch(told, limit, command):
    """Starts the command, waits, writes [wall seconds, exit code, CPU seconds, peak bytes]."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.execvp(command[0], command)
    while True:
        pid, state, spent = os.wait4(child, os.WNOHANG if limit else 0)
        if pid:
            break
        if time.perf_counter() - start > limit:
            os.kill(child, 9)
            limit = 1e9
        time.sleep(0.002)
    wall = time.perf_counter() - start
    peak = spent.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(told, "w") as file:
        file.write(repr([wall, os.waitstatus_to_exitcode(state), spent.ru_utime + spent.ru_stime, peak]))


def imported(binary, lake, *paths, options=(), under=()):
    """(run, counts) of an import, `under` a program that starts it; the counts are None where it printed none."""
    done = run(*under, binary, "--quiet", "--no-progress", "--lake", lake, "import", "--output-format", "json", *options, *paths)
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


if __name__ == "__main__":
    launch(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
