"""Kill -9 in the middle of an import, again and again: the rerun must end as if nothing had been."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

import generate_logs
from measure import imported, run, size_setting

MIX = ["alb", "vpcflow", "cloudtrail", "apigateway", "cloudwatch", "waf", "s3access", "cloudfront"]


def inputs(folder, size):
    """Two files of each format, the second packed; their sizes differ so that they do not end together."""
    each = size // (2 * len(MIX))
    for number, name in enumerate(MIX):
        for packed in (False, True):
            stem = folder / f"{name}-{'packed' if packed else 'plain'}"
            path = stem if name == "cloudtrail" else stem.with_suffix(".log.gz" if packed else ".log")
            generate_logs.generate(name, each * (number % 3 + 1) // 2, path, seed=11 + number * 2 + packed, packed=packed)


def parts(binary, lake):
    """Paths of the parts a reader of the lake must take, by the lake itself."""
    done = run(binary, "--lake", lake, "lake", "ls", "--paths")
    assert done.code == 0, done.err.decode()
    return [line for line in done.out.decode().splitlines() if line.endswith(".parquet")]


def contents(binary, lake, base, view):
    """A table of (table, event_id, raw), one row per event or reject."""
    paths = [path if os.path.isabs(path) else os.path.join(lake, path) for path in parts(binary, lake)]
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    base.execute(f"CREATE OR REPLACE TEMP VIEW source AS SELECT * FROM read_parquet([{listed}], union_by_name=true, filename='part_path', hive_partitioning=true)")
    held = {row[0] for row in base.execute("DESCRIBE source").fetchall()}
    table = "regexp_extract(part_path, '([^/]+)/event_date=', 1)"
    event = "event_id::VARCHAR" if "event_id" in held else "NULL"
    base.execute(f"CREATE OR REPLACE TEMP TABLE {view} AS SELECT {table} AS place, {event} AS event_id, raw::VARCHAR AS raw FROM source")
    return base.execute(f"SELECT count(*) FROM {view}").fetchone()[0]


def differences(base):
    missing = base.execute("SELECT count(*) FROM (SELECT * FROM whole EXCEPT ALL SELECT * FROM rerun)").fetchone()[0]
    added = base.execute("SELECT count(*) FROM (SELECT * FROM rerun EXCEPT ALL SELECT * FROM whole)").fetchone()[0]
    return missing, added


def killed(binary, lake, logs, after):
    """Starts an import and kills it; True if it had not ended by itself."""
    command = [str(binary), "--quiet", "--no-progress", "--lake", str(lake), "import", str(logs)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(after)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return True
    return False


def show(binary):
    """LOGSIFT_PROVE_KILL_BYTES (default 100M) and LOGSIFT_PROVE_KILLS (default 50)."""
    import duckdb

    size = size_setting("LOGSIFT_PROVE_KILL_BYTES", "100M")
    wanted = int(os.environ.get("LOGSIFT_PROVE_KILLS", "50"))
    chance = random.Random(int(os.environ.get("LOGSIFT_PROVE_SEED", "1")))
    base = duckdb.connect(config={"threads": 2})
    out, equal, hit = [], 0, 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("LOGSIFT_PROVE_TMP")) as folder:
        folder = pathlib.Path(folder)
        logs, lake = folder / "logs", folder / "lake"
        logs.mkdir()
        inputs(logs, size)
        done, counts = imported(binary, folder / "whole", logs)
        assert done.code == 0, done.err.decode()[-500:]
        rows = contents(binary, folder / "whole", base, "whole")
        out.append(f"undisturbed: {done.wall:.1f} s, {rows} rows, {counts['tally']}")
        for number in range(1, wanted + 1):
            shutil.rmtree(lake, ignore_errors=True)
            # A third of the runs is killed a second and third time.
            moments = [chance.random() * done.wall for _ in range(3 if number % 3 == 0 else 1)]
            hits = [killed(binary, lake, logs, moment) for moment in moments]
            hit += hits[0]
            again, _ = imported(binary, lake, logs)
            assert again.code == 0, f"rerun {number} after kills at {moments}: exit {again.code}: {again.err.decode()[-500:]}"
            contents(binary, lake, base, "rerun")
            missing, added = differences(base)
            equal += missing == added == 0
            if missing or added:
                out.append(f"kill {number} at {', '.join(f'{m:.2f} s' for m in moments)}: {missing} rows missing, {added} too many")
        shutil.rmtree(lake)
    out.append(f"killed while running: {hit} of {wanted}; same multiset of (table, event_id, raw) after the rerun: {equal} of {wanted}")
    assert equal == wanted, "\n".join(out)
    return "\n".join(out)
