"""The scan engine: its list of things to show.

Settings: LOGSIFT_PROVE_SCAN_BYTES (of the mixed logs, default 1000M), LOGSIFT_PROVE_FUZZ_SECONDS (600).
"""

import os

import scan_runs
from issue_2 import fuzzed, told


def speed(binary, root):
    """Mixed logs with planted secrets: CPU, wall, memory, found; beside Kingfisher, ripgrep, and the engine alone."""
    return scan_runs.speed(binary, root)


def threads(binary, _root):
    """Two threads against one."""
    return scan_runs.threads(binary)


def start_up(binary, _root):
    """A file of 1 KB, cache cold and warm, beside Kingfisher."""
    return scan_runs.start_up(binary)


def same_as_rows(_binary, root):
    """Chunks against rows, 10,000 cases each; the fuzz target of scan and decode."""
    out = []
    os.environ["PROPTEST_CASES"] = "10000"
    for name in ("scan::engine", "scan::decode"):
        out.append(told(["cargo", "test", "--release", "--locked", "--lib", name], root))
    os.environ.setdefault("LOGSIFT_PROVE_FUZZ_SECONDS", "600")
    os.environ["LOGSIFT_PROVE_FUZZ_TARGETS"] = "scan"
    return "\n".join([*out, *fuzzed(root)])


def hostile(binary, root):
    """The worst slow-down by text that was made to slow it down."""
    return scan_runs.hostile(binary, root)


def again(binary, _root):
    """A lake that was scanned before: unchanged, with one new part, with one more rule."""
    return scan_runs.again(binary)


def coverage(binary, _root):
    """What cannot be read: exit code and message of each."""
    return scan_runs.coverage(binary)


def memory(binary, _root):
    """Memory of ever more places of one secret, and of one line of 4 GB."""
    return scan_runs.memory(binary)


LINES = {"1": speed, "2": threads, "3": start_up, "4": same_as_rows, "5": hostile, "6": again, "7": coverage, "8": memory}
