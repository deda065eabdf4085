"""The query library by the program and by DuckDB: `query_library.py BINARY LAKE...`.

Each file of queries/ is run on each lake that has its tables, and both must give the same rows in the same order.
Masks are off: DuckDB has none. A query that gives no row in any lake fails too, unless `UNFED` names it.
"""

import datetime
import decimal
import json
import pathlib
import subprocess
import sys

QUERIES = pathlib.Path(__file__).resolve().parent.parent.parent / "queries"
NOT_LOGS = {"findings", "occurrences", "requests", "invocations"}
# No sample holds such an event.
UNFED = {"bucket-exposure-changes", "console-logins-without-mfa", "security-group-changes", "snapshots-shared"}


def ask(binary, lake, *args):
    return subprocess.run([binary, "-q", "--lake", lake, *args], capture_output=True, text=True)


def by_program(binary, lake, sql):
    """The rows, or what went wrong."""
    done = ask(binary, lake, "query", "--reveal", "--format", "jsonl", sql)
    if done.returncode != 0:
        return None, " ".join(done.stderr.split("\n\n")[0].split())
    return [json.loads(line) for line in done.stdout.splitlines()], None


def parts(binary, lake):
    """Paths of the lake's parts by table."""
    done = ask(binary, lake, "lake", "ls", "--paths")
    if done.returncode != 0:
        sys.exit(done.stderr)
    tables = {}
    for path in done.stdout.splitlines():
        folder = pathlib.Path(path).parent
        tables.setdefault(folder.parent.name if folder.name.startswith("event_date=") else folder.name, []).append(path)
    return tables


def duck(binary, lake, tables):
    """A DuckDB connection with a view for each table, and `events`."""
    import duckdb
    import pyarrow

    base = duckdb.connect()
    base.execute("SET TimeZone = 'UTC'")
    for table, paths in tables.items():
        base.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({paths!r}, union_by_name = true)")
    logs = sorted(set(tables) - NOT_LOGS)
    if logs:
        columns = [[row[0] for row in base.execute(f"DESCRIBE {table}").fetchall()] for table in logs]
        common = [name for name in columns[0] if name != "event_date" and all(name in each for each in columns)]
        base.execute("CREATE VIEW events AS " + " UNION ALL BY NAME ".join(f"SELECT {', '.join(common)} FROM {table}" for table in logs))
        tables["events"] = []
    # Detections are in no file, so DuckDB gets them from the program.
    rows, wrong = by_program(binary, lake, "SELECT * FROM detections")
    if wrong:
        sys.exit(f"{lake}: {wrong}")
    if rows:
        base.register("detections", pyarrow.Table.from_pylist(rows))
        tables["detections"] = []
    return base


def plain(value):
    """What JSON has for a value of DuckDB; floats of both to nine digits."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else plain(float(value))
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def plain_rows(rows):
    return [[(name, plain(value)) for name, value in row.items()] for row in rows]


def read(path):
    """The tables a query names, and its SQL."""
    title, named, sql = path.read_text().split("\n", 2)
    if not title.startswith("-- ") or not named.startswith("-- tables: "):
        sys.exit(f"{path.name}: no title or no tables in the first two lines")
    return [name.strip() for name in named.removeprefix("-- tables: ").split(",")], sql


def difference(ours, theirs):
    for at, (left, right) in enumerate(zip(ours, theirs, strict=False), 1):
        if left != right:
            return f"row {at}: {[pair for pair in zip(left, right, strict=False) if pair[0] != pair[1]] or 'other columns'}"
    return f"{len(ours)} rows and {len(theirs)}"


def compare(binary, lake, base, sql):
    """(number of rows, what is wrong or None)."""
    import duckdb

    ours, wrong = by_program(binary, lake, sql)
    if wrong:
        return 0, wrong
    try:
        theirs = base.sql(sql).to_arrow_table().to_pylist()
    except duckdb.Error as error:
        return len(ours), f"DuckDB: {error}"
    ours, theirs = plain_rows(ours), plain_rows(theirs)
    return len(ours), None if ours == theirs else difference(ours, theirs)


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: query_library.py BINARY LAKE...")
    binary, lakes = sys.argv[1], []
    for lake in sys.argv[2:]:
        tables = parts(binary, lake)
        lakes.append((lake, tables, duck(binary, lake, tables)))
    failed = []
    for path in sorted(QUERIES.glob("*.sql")):
        wanted, sql = read(path)
        rows, wrong, ran = [], [], False
        for lake, tables, base in lakes:
            if any(name not in tables for name in wanted):
                rows.append("-")
                continue
            ran = True
            number, trouble = compare(binary, lake, base, sql)
            rows.append(str(number))
            wrong += [f"{lake}: {trouble}"] if trouble else []
        empty = ran and not any(each.strip("-0") for each in rows) and path.stem not in UNFED
        if wrong or empty:
            failed.append(path.stem)
        print(f"{path.stem:<36} {'+'.join(rows):>12}  {'DIFFERENT' if wrong else ('same' if ran else 'skipped')}{'  no rows' if empty else ''}")
        for each in wrong:
            print(f"    {each}")
    if failed:
        sys.exit(f"{len(failed)} failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
