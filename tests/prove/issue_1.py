"""The main job, end to end, on a bare machine: its list of things to show."""

import json
import os
import pathlib
import random
import resource
import shutil
import string
import subprocess
import tempfile
import time

GROUPS = {
    "orders-api": "/aws/lambda/orders-api",
    "thumbnailer": "/aws/lambda/thumbnailer",
    "apigw-access": "/shop/apigw-access",
    "apigw-access-v2": "/shop/apigw-access-v2",
}


def run(*command, cwd=None, env=None):
    env = {**(env or os.environ), "RUST_BACKTRACE": "0"}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout, done.stderr


def cargo_test(root, *args):
    code, out, err = run("cargo", "test", "--release", "--locked", *args, cwd=root)
    assert code == 0, f"cargo test {' '.join(args)} failed:\n{out[-3000:]}\n{err[-2000:]}"
    return "\n".join(line for line in out.splitlines() if line.startswith(("test ", "test result")))


def incident_lake(binary, root, lake):
    logs = root / "samples" / "incident" / "logs"
    reports = []
    calls = [[logs / "alb", logs / "vpcflow", logs / "cloudtrail"]]
    for folder, group in GROUPS.items():
        calls.append(["--account", "111122223333", "--region", "eu-central-1", "--log-group", group, logs / "cloudwatch" / folder])
    for call in calls:
        code, out, err = run(binary, "--lake", lake, "import", "--output-format", "json", *call)
        assert code == 0, err
        reports.append(json.loads(out)["tally"])
    return reports


def bare_machine(binary, root):
    """git clone, ./x demo, ./x test from an empty folder: wall times."""
    out = []
    with tempfile.TemporaryDirectory() as work:
        clone = pathlib.Path(work) / "logsift"
        code, _, err = run("git", "clone", "-q", root, clone)
        assert code == 0, err
        target = os.environ.get("CARGO_TARGET_DIR", "a folder of its own (cold)")
        out.append(f"target folder: {target}")
        for verb in ("demo", "test"):
            start = time.time()
            code, stdout, err = run("./x", verb, cwd=clone)
            out.append(f"./x {verb}: exit {code}, {time.time() - start:.0f} s wall")
            assert code == 0, "\n".join([*out, stdout[-3000:], err[-3000:]])
    return "\n".join(out)


def story_and_masking(_binary, root):
    """The timeline tells the truth in order; no planted secret is shown by anything."""
    return cargo_test(root, "--test", "it", "incident") + "\n" + cargo_test(root, "--test", "it", "masking")


def cpu_seconds(command, rounds):
    spent = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    spent.sort()
    return spent[0], spent[len(spent) // 2], spent[-1]


def small_file(binary, _root):
    """CPU time of a 1 KB file with a warm cache, beside Kingfisher; aim 0.1 or less."""
    with tempfile.TemporaryDirectory() as work:
        letters = random.Random(1)
        lines = ["2026-03-06T14:00:00Z INFO request " + "".join(letters.choices(string.ascii_lowercase, k=40)) for _ in range(14)]
        log = pathlib.Path(work) / "small.log"
        log.write_text("\n".join(lines)[:1024])
        ours = cpu_seconds([binary, "scan", log], 21)
        theirs = cpu_seconds(["kingfisher", "scan", "--no-validate", "--no-update-check", log], 11)
    ratio = ours[1] / theirs[1]
    table = "\n".join(
        f"{name}: CPU seconds min {t[0]:.4f} median {t[1]:.4f} max {t[2]:.4f}" for name, t in (("logsift", ours), ("kingfisher 2.14.0", theirs))
    )
    assert ratio <= 0.1, f"{table}\nratio of medians {ratio:.3f}"
    return f"{table}\nratio of medians {ratio:.3f} (aim 0.1 or less)"


def other_readers(binary, root):
    """Parts read by DuckDB and pyarrow by glob, with the counts of the tally."""
    import duckdb
    import pyarrow.dataset

    out = []
    with tempfile.TemporaryDirectory() as work:
        lake = pathlib.Path(work) / "lake"
        tally = {}
        for report in incident_lake(binary, root, lake):
            for table, n in report["events"].items():
                tally[table] = tally.get(table, 0) + n
        for table, expected in sorted(tally.items()):
            glob = f"{lake}/{table}/*/*.parquet"
            ducks = duckdb.sql(f"SELECT count(*), min(event_time)::VARCHAR, max(event_time)::VARCHAR FROM read_parquet('{glob}', hive_partitioning=true)").fetchall()[0]
            arrows = pyarrow.dataset.dataset(lake / table, format="parquet", partitioning="hive").count_rows()
            out.append(f"{table}: tally {expected}, DuckDB {ducks[0]}, pyarrow {arrows}, {ducks[1]} to {ducks[2]}")
            assert ducks[0] == arrows == expected, "\n".join(out)
        days = duckdb.sql(f"SELECT count(DISTINCT event_date) FROM read_parquet('{lake}/*/*/*.parquet', hive_partitioning=true, union_by_name=true)").fetchall()[0][0]
        out.append(f"all tables by one glob: {days} days")
    return "\n".join(out)


def bad_input(binary, root):
    """Bad input, each with its exit code and message."""
    out = []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        make_bad_files(work, root)
        cases = [
            ("a truncated gzip", ["import", "cut.log.gz"]),
            ("a binary file", ["import", "binary.bin"]),
            ("an empty file", ["import", "empty.log"]),
            ("a directory without read permission", ["import", "closed"]),
            ("a lake path that is a file", ["--lake", "empty.log", "import", "line.log"]),
            ("an unknown format", ["import", "--format", "syslog", "line.log"]),
            ("an unknown content", ["import", "line.log"]),
            ("invalid UTF-8", ["import", "latin1.log"]),
            ("a 100 MB line", ["import", "long.log"]),
            ("a rule file with a bad regex", ["scan", "--rules", "rules", "line.log"]),
        ]
        for what, args in cases:
            code, stdout, err = run(*unprivileged(work), binary, *args, cwd=work)
            text = (stdout + err).replace(str(work), "…")
            out.append(f"-- {what}: logsift {' '.join(args)}\nexit {code}\n{text.strip()}")
    return "\n".join(out)


def unprivileged(work):
    """Root may read everything: as root the commands run as `nobody`, where that can be done."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return []
    for path in [work, *work.rglob("*")]:
        os.chown(path, 65534, 65534)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"HOME={work}"]


def make_bad_files(work, root):
    whole = next((root / "samples/incident/logs/alb").rglob("*.gz")).read_bytes()
    (work / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    (work / "binary.bin").write_bytes(bytes(range(256)) * 40)
    (work / "empty.log").write_bytes(b"")
    (work / "closed").mkdir()
    (work / "closed" / "x.log").write_text("x\n")
    (work / "closed").chmod(0)
    (work / "line.log").write_text("this is no log that anybody knows\n")
    (work / "latin1.log").write_bytes("2 123456789010 eni-1235b8ca123456789 10.0.0.1 10.0.0.2 1 2 6 1 1 1418530010 1418530070 ACCEPT OK\n".encode() + b"caf\xe9 au lait\n")
    with open(work / "long.log", "wb") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    (work / "rules").mkdir()
    (work / "rules" / "own.toml").write_text(
        '[[rule]]\nid = "own-token"\nname = "Own token"\ncategory = "token"\nprovider = "own"\n'
        "pattern = '''own_[a-z{3'''\nseverity = \"high\"\nconfidence = \"high\"\nremediation = \"Revoke it.\"\n"
    )


def layers(_binary, root):
    """tests/layering.rs fails when a forbidden import is added, and passes now."""
    with tempfile.TemporaryDirectory() as work:
        copy = pathlib.Path(work) / "logsift"
        run("git", "clone", "-q", root, copy)
        report = copy / "src" / "report" / "text.rs"
        report.write_text(report.read_text() + "\nuse crate::scan::Engine as _;\n")
        env = dict(os.environ)
        # The test reads the tree it was built from: a library that does not compile would hide it.
        source = copy / "tests" / "layering.rs"
        built = pathlib.Path(work) / "layering"
        env["CARGO_MANIFEST_DIR"] = str(copy)
        code, _, err = run("rustc", "--edition", "2024", "--test", "-o", built, source, cwd=copy, env=env)
        assert code == 0, err
        code, out, _ = run(built, cwd=copy, env=env)
        said = "\n".join(line for line in out.splitlines() if "may not import" in line or line.startswith("test result"))
        assert code != 0 and "report may not import crate::scan" in out, out
    return f"with `use crate::scan::Engine` in src/report/text.rs:\n{said}\nas it is:\n{cargo_test(root, '--test', 'layering')}"


def identity(_binary, root):
    """Importing again, under another name or in another shape adds nothing; equal lines stay two."""
    return cargo_test(root, "--test", "it", "identity")


LINES = {
    "1": bare_machine,
    "2": story_and_masking,
    "3": small_file,
    "4": other_readers,
    "5": bad_input,
    "6": layers,
    "7": identity,
}
