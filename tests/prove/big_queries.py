"""Five questions of a big lake, by the program and by DuckDB on the same Parquet files, turn by turn."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from measure import median, run

ROUNDS = int(os.environ.get("LOGSIFT_PROVE_ROUNDS", "3"))
KEY = json.loads((pathlib.Path(__file__).resolve().parent.parent.parent / "samples/incident/truth.json").read_text())["leaked_access_key_id"].replace("⟨⟩", "")
COLUMNS = "event_time, source_table, event_id, user_arn, user_name, resource, source_ip, event_action, target, event_outcome, http_status, error_code, access_key_id, raw"

# Runs in a process of its own, as the program does. Views over the lake's parts, then the question.
DUCK = """
import duckdb, json, sys
question, out, tables = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
con = duckdb.connect()
con.execute("SET threads = 2; SET TimeZone = 'UTC'; SET enable_progress_bar = false")
common = json.loads(sys.argv[4])
view = lambda paths: f"SELECT {', '.join(common)} FROM read_parquet({paths!r}, hive_partitioning = true)"
con.execute("CREATE VIEW events AS " + " UNION ALL ".join(view(paths) for paths in tables.values()))
COLUMNS = %r
if question == "pivot":
    public = lambda ip: ip and not ip.startswith(("10.", "192.168.", "192.0.2.", "172.16."))
    seen, window = {}, 2 * 3_600_000_000
    fields = "event_id, epoch_us(event_time), source_ip, source_table, ips, keys, request_ids, event_action, target, raw"
    hits = con.execute(f"SELECT {fields} FROM events WHERE list_contains(keys, ?)", [%r]).fetchall()
    done = set()
    for hop in range(4):
        fresh = [hit for hit in hits if hit[0] not in seen]
        seen.update({hit[0]: hit for hit in fresh})
        keys = {key for hit in fresh for key in hit[5] or []} - done
        ids = {id for hit in fresh for id in hit[6] or []} - done
        ips = {hit[2] for hit in fresh if public(hit[2])} - done
        done |= keys | ids | ips
        if hop == 3 or not fresh:
            break
        first, last = min(hit[1] for hit in fresh) - window, max(hit[1] for hit in fresh) + window
        hits = con.execute(f'''SELECT {fields} FROM events WHERE list_has_any(keys, ?) OR list_has_any(request_ids, ?)
            OR (list_has_any(ips, ?) AND event_time BETWEEN make_timestamptz(?) AND make_timestamptz(?))''', [list(keys), list(ids), list(ips), first, last]).fetchall()
    print(len(seen))
else:
    sql = {
        "window": f"SELECT {COLUMNS} FROM events WHERE event_time >= '2026-03-06 14:00:00' AND event_time < '2026-03-06 15:00:00' ORDER BY event_time, source_table",
        "actor": f"SELECT {COLUMNS} FROM events WHERE user_name = 'app7' OR session_name = 'app7' OR access_key_id = 'app7' OR contains(user_arn, 'app7') ORDER BY event_time, source_table",
        "histogram": "SELECT time_bucket(INTERVAL 1 HOUR, event_time) AS hour, count(*) AS n FROM events WHERE http_status BETWEEN 500 AND 599 GROUP BY hour ORDER BY hour",
        "ips": "SELECT source_ip, count(*) AS n FROM events WHERE source_ip IS NOT NULL GROUP BY source_ip ORDER BY n DESC, source_ip LIMIT 20",
    }[question]
    con.execute(f"COPY ({sql}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")
    print(con.execute(f"SELECT count(*) FROM '{out}'").fetchone()[0])
""" % (COLUMNS, KEY)

OURS = {
    "window": ["timeline", "--from", "2026-03-06T14:00Z", "--to", "2026-03-06T15:00Z", "--format", "parquet", "-o"],
    "actor": ["timeline", "--actor", "app7", "--format", "parquet", "-o"],
    "histogram": ["timeline", "--histogram", "--outcome", "5xx", "--bucket", "1h", "--format", "jsonl", "-o"],
    "ips": ["query", "SELECT source_ip, count(*) AS n FROM events WHERE source_ip IS NOT NULL GROUP BY source_ip ORDER BY n DESC, source_ip LIMIT 20", "--format", "parquet", "-o"],
    "pivot": ["timeline", "--pivot", KEY, "--depth", "3", "--format", "parquet", "-o"],
}


def layout(binary, lake):
    """Paths of the log tables' parts, and the columns that all have."""
    listed = subprocess.run([binary, "-q", "--lake", lake, "lake", "ls", "--paths"], capture_output=True, text=True, check=True).stdout.split()
    tables = {}
    for path in listed:
        table = pathlib.Path(path).parent.parent.name
        if table not in ("findings", "occurrences", "invocations", "requests", pathlib.Path(lake).name):
            tables.setdefault(table, []).append(os.path.abspath(path if os.path.exists(path) else os.path.join(lake, path)))
    wanted = [*COLUMNS.split(", "), "ips", "keys", "request_ids", "session_name"]
    return tables, wanted


def rows_of(path, question):
    if question == "histogram":
        return sum(1 for line in open(path) if json.loads(line)["events"])
    import duckdb

    kinds = "WHERE kind = 'event'" if question != "ips" else ""
    return duckdb.connect().execute(f"SELECT count(*) FROM '{path}' {kinds}").fetchall()[0][0]


def ask(binary, lake, question, tables, wanted, folder):
    """(ours, theirs, rows) of one round."""
    out = os.path.join(folder, "ours.parquet")
    ours = run(binary, "-q", "--no-progress", "--lake", lake, *OURS[question], out)
    assert ours.code == 0, ours.err
    theirs = run(sys.executable, "-c", DUCK, question, os.path.join(folder, "theirs.parquet"), json.dumps(tables), json.dumps(wanted))
    assert theirs.code == 0, theirs.err
    return ours, theirs, (rows_of(out, question), int(theirs.out))


def table(binary, lake, events):
    """A line for each question: median wall, CPU and peak of both, and their ratio."""
    tables, wanted = layout(binary, lake)
    size = sum(os.path.getsize(path) for paths in tables.values() for path in paths)
    # The detectors run once for each state of a lake, whoever asks first.
    first = run(binary, "-q", "--no-progress", "--lake", lake, "timeline", "--limit", "1")
    out = [f"{events:,} events, {size / 1e9:.2f} GB of Parquet; first question of the lake, with detectors: {first.wall:.1f} s, {first.peak_mb:.0f} MB"]
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for question in OURS:
            rounds = [ask(binary, lake, question, tables, wanted, folder) for _ in range(ROUNDS)]
            told = [[median([getattr(each[side], what) for each in rounds]) for what in ("wall", "cpu", "peak_mb")] for side in (0, 1)]
            ratios.append(told[0][0] / told[1][0])
            (wall, cpu, peak), (wall2, cpu2, peak2) = told
            out.append(f"{question:<10} ours {wall:7.2f} s {cpu:7.2f} s CPU {peak:6.0f} MB   DuckDB {wall2:7.2f} s {cpu2:7.2f} s CPU {peak2:6.0f} MB   {ratios[-1]:.2f} of its wall time   rows {rounds[0][2][0]} and {rounds[0][2][1]}")
    out.append(f"median of the five {median(ratios):.2f}, worst {max(ratios):.2f}")
    explained = subprocess.run([binary, "-q", "--lake", lake, "timeline", "--explain", "--from", "2026-03-06T14:00Z", "--to", "2026-03-06T15:00Z"], capture_output=True, text=True, check=True).stdout
    out.append(explained.splitlines()[0])
    return "\n".join(out)


if __name__ == "__main__":
    print(table(sys.argv[1], sys.argv[2], int(sys.argv[3])))
