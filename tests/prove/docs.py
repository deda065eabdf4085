"""`./x docs`: rewrites the generated parts of docs/ from the program."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
END = "<!-- end generated -->"


def output(*args):
    return subprocess.run([sys.argv[1], *args], check=True, capture_output=True, text=True).stdout


def replace(path, mark, text):
    old = path.read_text()
    start = old.index(mark) + len(mark)
    end = old.index(END, start)
    path.write_text(f"{old[:start]}\n\n{text.strip()}\n\n{old[end:]}")


def rules():
    rows = ["| id | name | category | provider | severity | confidence |", "|---|---|---|---|---|---|"]
    for line in output("-q", "patterns", "list", "--format", "json").splitlines():
        rule = json.loads(line)
        rows.append(f"| `{rule['id']}` | {rule['name']} | {rule['category']} | {rule['provider']} | {rule['severity']} | {rule['confidence']} |")
    return "\n".join(rows)


def identifiers():
    """The managed data identifiers of CloudWatch Logs and the rule for each."""
    lines = (ROOT / "tests/corpora/managed-identifiers.tsv").read_text().splitlines()
    rows = (line.split("\t") for line in lines)
    return "\n".join(["| AWS's identifier | rule |", "|---|---|", *(f"| {name} | {'none yet' if rule == '-' else f'`{rule}`'} |" for name, rule in rows)])


replace(ROOT / "docs/formats.md", "<!-- generated: logsift formats fields -->", output("formats", "fields"))
replace(ROOT / "docs/patterns.md", "<!-- generated: patterns -->", rules())
replace(ROOT / "docs/patterns.md", "<!-- generated: identifiers -->", identifiers())
