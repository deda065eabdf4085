"""Timelines, pivots, exposure, queries: its list of things to show.

Settings: LOGSIFT_PROVE_EVENTS (of the largest lake, default 100M; a tenth and a hundredth of it are measured too),
LOGSIFT_PROVE_LAKES (a folder in which the lakes are made and kept, default a temporary one).
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import big_lake
import big_queries
from issue_2 import told
from measure import size_setting

HERE = pathlib.Path(__file__).resolve().parent


def incident(_binary, root):
    """The sample incident by `exposure` and by `timeline --pivot`, a quiet week, verdicts made up for it."""
    return told(["cargo", "test", "--release", "--locked", "--test", "it", "--", "exposures::", "timelines::a_pivot", "incident::the_story"], root)


def speed(binary, _root):
    """Five questions of lakes of 1, 10 and 100 million events, beside DuckDB on the same Parquet files."""
    most = size_setting("LOGSIFT_PROVE_EVENTS", "100M")
    kept = os.environ.get("LOGSIFT_PROVE_LAKES")
    with tempfile.TemporaryDirectory() as temporary:
        out = []
        for events in (most // 100, most // 10, most):
            lake = pathlib.Path(kept or temporary) / f"lake-{events}"
            if not lake.exists():
                big_lake.build(binary, lake, events)
            out.append(big_queries.table(binary, lake, events))
        return "\n\n".join(out)


def order(_binary, root):
    """Windows, folding and merging by proptest; every row counted, by the program."""
    return told(["cargo", "test", "--release", "--locked", "timeline"], root)


def plans(_binary, root):
    """Each filter reaches the Parquet reader, and no other column is read."""
    return told(["cargo", "test", "--release", "--locked", "--test", "it", "--", "timelines::plans"], root)


def exports(binary, root):
    """Timesketch, ECS and OCSF of the incident, by a checker that knows the specifications."""
    with tempfile.TemporaryDirectory() as folder:
        lake, out = os.path.join(folder, "lake"), []
        big_lake.incident(binary, lake)
        subprocess.run([binary, "-q", "--lake", lake, "scan"], stdout=subprocess.DEVNULL)
        for form in ("timesketch", "ecs", "ocsf"):
            file = os.path.join(folder, f"{form}.jsonl")
            subprocess.run([binary, "-q", "--lake", lake, "timeline", "--format", form, "-o", file], check=True)
            out.append(told([sys.executable, HERE / "export_check.py", form, file], root))
        return "\n".join(out)


def bad_input(_binary, root):
    """Contradicting filters, unknown names, times in six notations, no CloudTrail, an id that is nowhere."""
    names = ["timelines::what_cannot", "timelines::a_pivot_says", "exposures::a_lake_without", "sweeps::queries_say"]
    return told(["cargo", "test", "--release", "--locked", "--test", "it", "--", *names], root)


LINES = {"1": incident, "2": speed, "3": order, "4": plans, "5": exports, "6": bad_input}
