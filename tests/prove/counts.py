"""The lake as others read it: counts by DuckDB, pyarrow and SQL, and its DDL for Athena."""

import json
import os
import pathlib
import re
import tempfile

from interrupted import inputs, parts
from measure import imported, run, size_setting

TYPES = re.compile(r"(?:boolean|tinyint|smallint|int|integer|bigint|float|double|string|varchar\(\d+\)|char\(\d+\)|binary|date|timestamp|decimal\(\d+,\s*\d+\)|array<.+>|map<.+>|struct<.+>)$", re.IGNORECASE)


def by_tables(paths):
    tables = {}
    for path in paths:
        tables.setdefault(re.search(r"([^/]+)/event_date=", path).group(1), []).append(path)
    return tables


def split_columns(text):
    """`name type` items parted by commas outside brackets."""
    out, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += letter in "(<"
        depth -= letter in ")>"
        if letter == "," and depth == 0:
            out.append(text[start:at])
            start = at + 1
    return [each.strip() for each in [*out, text[start:]] if each.strip()]


def statements(ddl):
    """(table, columns, partition columns, location) of each statement; raises on what Athena would not take."""
    found = []
    for statement in [each.strip() for each in re.sub(r"(?m)^\s*--.*$", "", ddl).split(";") if each.strip()]:
        head = re.match(r"CREATE EXTERNAL TABLE (?:IF NOT EXISTS )?(`?[\w.]+`?(?:\.`?\w+`?)?)\s*\(", statement, re.IGNORECASE)
        if not head:
            assert re.match(r"(MSCK REPAIR TABLE|ALTER TABLE|CREATE DATABASE)\b", statement, re.IGNORECASE), f"no statement Athena knows: {statement[:80]}"
            continue
        depth, at = 1, head.end()
        while depth and at < len(statement):
            depth += {"(": 1, ")": -1}.get(statement[at], 0)
            at += 1
        assert depth == 0, f"brackets do not match in {head.group(1)}"
        columns = [column_of(each) for each in split_columns(statement[head.end() : at - 1])]
        rest = statement[at:]
        partitions = re.search(r"PARTITIONED BY\s*\((.*?)\)", rest, re.IGNORECASE | re.DOTALL)
        location = re.search(r"LOCATION\s+'([^']+)'", rest, re.IGNORECASE)
        assert re.search(r"STORED AS PARQUET", rest, re.IGNORECASE), f"{head.group(1)} is not stored as Parquet"
        assert location, f"{head.group(1)} has no location"
        keys = [column_of(each) for each in split_columns(partitions.group(1))] if partitions else []
        everything = [name.lower() for name, _ in columns + keys]
        assert len(set(everything)) == len(everything), f"{head.group(1)}: a column twice"
        found.append((head.group(1).replace("`", "").split(".")[-1], columns, keys, location.group(1)))
    return found


def column_of(text):
    hit = re.match(r"`?([^`\s]+)`?\s+(.+?)(?:\s+COMMENT\s+'(?:[^']|'')*')?$", text, re.IGNORECASE | re.DOTALL)
    assert hit, f"no column: {text!r}"
    assert TYPES.match(hit.group(2).strip()), f"no type of Athena: {hit.group(2)!r}"
    return hit.group(1), hit.group(2).strip()


def ddl_lines(binary, lake, tables):
    import pyarrow.parquet

    done = run(binary, "--lake", lake, "lake", "ddl", "--athena")
    if done.code != 0:
        raise AssertionError(f"lake ddl --athena: exit {done.code}: {done.err.decode()[-300:]}")
    text = done.out.decode()
    found = {table: (columns, keys, place) for table, columns, keys, place in statements(text)}
    out = []
    for table, paths in sorted(tables.items()):
        named = [name for name in found if name == table or name.endswith("_" + table)]
        assert named, f"no DDL for {table}, only for {sorted(found)}"
        columns, keys, place = found[named[0]]
        schema = set()
        for path in paths:
            schema |= set(pyarrow.parquet.read_schema(path).names)
        missing = schema - {name for name, _ in columns} - {name for name, _ in keys}
        assert not missing, f"{table}: columns of the parts that the DDL does not have: {sorted(missing)[:10]}"
        out.append(f"{table}: {len(columns)} columns, by {', '.join(name for name, _ in keys) or 'nothing'}, at {place}")
    return out, text


def show(binary):
    """LOGSIFT_PROVE_COUNT_BYTES (default 50M) of mixed logs."""
    import duckdb
    import pyarrow.dataset

    out = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("LOGSIFT_PROVE_TMP")) as folder:
        folder = pathlib.Path(folder)
        (folder / "logs").mkdir()
        inputs(folder / "logs", size_setting("LOGSIFT_PROVE_COUNT_BYTES", "50M"))
        lake = folder / "lake"
        done, counts = imported(binary, lake, folder / "logs")
        assert done.code == 0, done.err.decode()[-500:]
        told = dict(counts["tally"]["events"])
        if counts["tally"]["rejects"]:
            told["rejects"] = sum(counts["tally"]["rejects"].values())
        paths = [path if os.path.isabs(path) else str(lake / path) for path in parts(binary, lake)]
        tables = by_tables(paths)
        assert set(tables) >= set(told), f"tables {sorted(tables)}, tally {told}"
        wrong = []
        for table, own in sorted(tables.items()):
            listed = ", ".join(f"'{path}'" for path in own)
            ducks = duckdb.sql(f"SELECT count(*) FROM read_parquet([{listed}], hive_partitioning=true, union_by_name=true)").fetchall()[0][0]
            arrows = pyarrow.dataset.dataset(own, format="parquet").count_rows()
            asked = run(binary, "--quiet", "--lake", lake, "query", f"SELECT count(*) AS n FROM {table}", "--format", "jsonl")
            ours = count_in(asked)
            # Derived tables (requests, invocations) are in no tally.
            want = told.get(table)
            out.append(f"{table:<24} tally {want if want is not None else 'derived':>9}  DuckDB {ducks:>9}  pyarrow {arrows:>9}  logsift query {ours!s:>9}")
            if len({ducks, arrows, ours, *([] if want is None else [want])}) != 1:
                wrong.append(table)
        lines, text = ddl_lines(binary, lake, tables)
        out += ["", "lake ddl --athena, checked against the parts:", *lines, "", *text.splitlines()[:40], "…"]
    assert not wrong, f"counts differ for {wrong}\n" + "\n".join(out)
    return "\n".join(out)


def count_in(asked):
    """The one number a `SELECT count(*)` printed, or what went wrong."""
    try:
        return int(json.loads(asked.out.decode().strip().splitlines()[-1])["n"])
    except (ValueError, IndexError, KeyError, TypeError):
        return f"exit {asked.code}: {asked.err.decode()[-200:].strip()}"
