"""Labelled texts: what is a secret and what only looks like one."""

import gzip
import json
import pathlib
import subprocess


class Row:
    """A text; `values` are the secrets in it, none where it is clean."""

    def __init__(self, text, kind, secret, values):
        self.text, self.kind, self.secret, self.values = text, kind, secret, values


def ours(root):
    """tests/corpora/secrets.jsonl: {"text","kind","label","values"}, broken by the mark of rule files."""
    whole = lambda text: text.replace("⟨⟩", "")
    lines = (root / "tests/corpora/secrets.jsonl").read_text().splitlines()
    items = [json.loads(line) for line in lines]
    return [Row(whole(i["text"]), i["kind"], i["label"] == "secret", [whole(v) for v in i.get("values", [])]) for i in items]


def shared(root):
    """The firm rows of public rule sets' own test strings, where the folder is there."""
    packed = root.parent / "shared/data/secrets/secrets.jsonl.gz.enc"
    if not packed.exists():
        return None
    command = ["openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2", "-pass", "pass:logsift", "-in", packed]
    text = gzip.decompress(subprocess.run(command, check=True, capture_output=True).stdout).decode()
    items = [item for item in map(json.loads, text.splitlines()) if item["tier"] == "firm"]
    return [Row(i["text"], i["kind"], i["label"] == "secret", i.get("values") or []) for i in items]


def name(number):
    """Of the file of a row."""
    return f"{number:05}.txt"


def write(rows, folder):
    """One file for each row, so that no text lends another its context."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    for number, row in enumerate(rows):
        (folder / name(number)).write_text(row.text)
    return folder


def touches(row, value):
    """Whether a reported value shares text with a labelled one."""
    if not row.values or value is None:
        return True
    value = value.strip()
    if any(value in own or own in value for own in row.values):
        return True
    # A part of one that ends in a part of the other.
    at = row.text.find(value)
    spans = [(row.text.find(own), len(own)) for own in row.values]
    return at >= 0 and any(start >= 0 and at < start + size and start < at + len(value) for start, size in spans)


def judge(rows, found, touches=touches):
    """(kind → [secrets, found], [row number of each false alarm], rule → [right, wrong]) of each row's hits."""
    kinds, alarms, rules = {}, [], {}
    for number, (row, hits) in enumerate(zip(rows, found, strict=True)):
        right = [rule for rule, value in hits if row.secret and touches(row, value)]
        for rule, _ in hits:
            rules.setdefault(rule, [0, 0])[0 if rule in right else 1] += 1
        if row.secret:
            count = kinds.setdefault(row.kind, [0, 0])
            count[0] += 1
            count[1] += bool(right)
        elif hits:
            alarms.append(number)
    return kinds, alarms, rules
