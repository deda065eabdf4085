"""`logsift parse` over every listed sample, file and example line, beside the independent reading in `oracle`.

Run alone (`python3 parse_check.py`) it checks the lists against the oracle's own framing: no logsift needed.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import tempfile

import oracle
from oracle import flow

HERE = pathlib.Path(__file__).resolve().parent
SHARED = pathlib.Path(os.environ.get("LOGSIFT_SHARED", HERE.parents[2] / "shared"))
PARSE = SHARED / "data" / "parse"
# What a text that is no known log may become, besides a reject.
FALLBACK = {"text", "jsonl"}
# CloudWatch's time for records that have none of their own.
ENVELOPE_TIME = 1_700_000_000_000


class Case:
    """One input: bytes for logsift, and the records that must come out of it."""

    def __init__(self, name, verdicts, data, options=(), suffix=".log", wanted=None, rejects=0, extra=False):
        self.name, self.verdicts, self.data = name, verdicts, data
        self.options, self.suffix = list(options), suffix
        self.wanted, self.rejects, self.extra = wanted, rejects, extra

    @property
    def is_log(self):
        return self.verdicts != ["not a log"]


def rows(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            yield (line.split("\t") + [""])[:4]


def option_of(note):
    hit = re.search(r'needs (--[a-z-]+) "([^"]*)"', note)
    return [hit.group(1), hit.group(2)] if hit else []


def subscription(messages, group="/prove/group", stream="prove-stream", first=ENVELOPE_TIME):
    """A subscription-filter document around messages, one millisecond apart."""
    events = [{"id": f"{n:056d}", "timestamp": first + n, "message": message} for n, message in enumerate(messages, 1)]
    return json.dumps(
        {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": stream, "subscriptionFilters": ["prove"], "logEvents": events}
    )


def prepared(text, note):
    """The sample as it would lie in a log, by the words of its note."""
    for cut in re.findall(r'cut "([^"]*)"', note):
        text = text.replace(cut, "")
    for dropped in re.findall(r'drop "([^"]*)"', note):
        text = "\n".join(line for line in text.split("\n") if line.strip() != dropped)
    start = re.search(r"from line (\d+)", note)
    if start:
        text = "\n".join(text.split("\n")[int(start.group(1)) - 1 :])
    if re.match(r"join\b|.*; join\b", note):
        text = " ".join(line.strip() for line in text.strip().split("\n")) + "\n"
    if note.startswith("cut"):
        text = text[: json.JSONDecoder().raw_decode(text.lstrip())[1] + len(text) - len(text.lstrip())] + "\n"
    if note.startswith("unblank"):
        text = re.sub(r'("eventTime": ")([^"]*)"', lambda hit: hit.group(1) + hit.group(2).replace(": ", ":") + '"', text)
    starts = re.search(r"messages at ([0-9 ]+)", note)
    if starts:
        lines = text.rstrip("\n").split("\n")
        at = [int(n) - 1 for n in starts.group(1).split()] + [len(lines)]
        text = subscription(["\n".join(lines[a:b]) + "\n" for a, b in zip(at, at[1:])], "/aws/lambda/my-function", "2020/01/31/[$LATEST]3893aaaa7fac4485b47bb75b671a283c")
    if "envelope:" in note:
        text = subscription([line for line in text.split("\n") if line.strip()], "/vpc/flow", "eni-1235b8ca123456789-all")
    return text


def context_of(options):
    context = {}
    for name, value in zip(options[::2], options[1::2]):
        if name == "--vpc-flow-format":
            context["fields"] = flow.names(value)
        if name == "--apigw-format":
            context["template"] = value
    return context


def sample_cases():
    cache = {}
    for key, verdict, count, note in rows(HERE / "sample_list.tsv"):
        stem, _, line = key.rpartition(":")
        if stem not in cache:
            cache[stem] = (PARSE / "awsdocs" / f"{stem}.samples.jsonl").read_text().splitlines()
        text = prepared(json.loads(cache[stem][int(line) - 1])["sample"], note)
        options = option_of(note)
        case = Case(key, [verdict], text.encode(), options)
        if case.is_log:
            case.wanted = oracle.records(verdict, text, context_of(options))
            assert len(case.wanted) == int(count), f"{key}: the list says {count} records, the oracle finds {len(case.wanted)}"
        yield case


def file_text(path):
    import gzip
    import zipfile

    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    elif data[:2] == b"PK":
        with zipfile.ZipFile(path) as archive:
            data = archive.read(archive.namelist()[0])
    return data.decode("utf-8", errors="replace")


def file_cases():
    for name, verdict, count, note in rows(HERE / "file_list.tsv"):
        path = PARSE / name
        rejected = re.search(r"rejects (\d+)", note)
        rejected = int(rejected.group(1)) if rejected else 0
        data, verdicts = path.read_bytes(), verdict.split("|")
        if "unwrap data" in note:
            items = [item.get("data", item.get("override_record")) for item in json.loads(data)]
            data = "\n".join(json.dumps(item) for item in items).encode() + b"\n"
        case = Case(name, verdicts, data, suffix="-" + path.name, rejects=rejected, extra="extra" in note)
        if case.is_log:
            text = data.decode() if "unwrap data" in note else file_text(path)
            case.wanted = oracle.records(verdicts[0], text)
            if rejected and verdicts[0] == "cloudtrail":
                case.wanted = [pair for pair in case.wanted if re.match(r"\d{4}-", str(pair[0].get("eventTime", "")))]
            assert len(case.wanted) == int(count), f"{name}: the list says {count} records, the oracle finds {len(case.wanted)}"
        yield case


def facts_cases():
    for number, line in enumerate((HERE / "facts_lines.jsonl").read_text().splitlines(), 1):
        row = json.loads(line)
        text, verdict = row["text"], row["format"]
        about = row.get("envelope")
        told = subscription([text], about["log_group"], about["log_stream"]) if about else text
        case = Case(f"{row['file']}:{row['line']} (facts_lines {number})", [verdict], (told if told.endswith("\n") else told + "\n").encode(), row["options"])
        readable = subscription([row["json"]], about["log_group"], about["log_stream"]) if about and "json" in row else row.get("json", told)
        case.wanted = oracle.records(verdict, readable, context_of(row["options"]))
        assert len(case.wanted) == row["events"], f"{case.name}: {row['events']} records told, the oracle finds {len(case.wanted)}"
        yield case


def run_parse(binary, case, folder):
    """(events, exit code, stderr) of `logsift parse` over the case's bytes in a file."""
    path = pathlib.Path(folder) / ("input" + re.sub(r"[^A-Za-z0-9._-]", "_", case.suffix))
    path.write_bytes(case.data)
    done = subprocess.run([str(binary), "parse", *case.options, str(path)], capture_output=True, env={**os.environ, "RUST_BACKTRACE": "0"})
    path.unlink()
    events = [json.loads(line) for line in done.stdout.decode("utf-8", errors="replace").splitlines() if line.strip()]
    return events, done.returncode, done.stderr.decode("utf-8", errors="replace")


def table_of(event):
    """The format an event was read as: `common.source_table`, the one column that names it."""
    return event.get("common", {}).get("source_table")


class Figures:
    """One line of the table."""

    def __init__(self):
        self.lines = self.events = self.rejects = self.fields = self.mismatches = 0


def rejects_said(stderr):
    """Rejected records as `parse` counts them on stderr; 0 where it says nothing."""
    hit = re.search(r"(\d[\d,]*)\s+(?:records?\s+)?reject", stderr)
    return int(hit.group(1).replace(",", "")) if hit else 0


def check(binary, case, folder, table):
    """Runs one case, adds to `table`, and returns its complaints."""
    events, code, stderr = run_parse(binary, case, folder)
    complaints = []
    if "panicked" in stderr or code < 0 or code == 101:
        complaints.append(f"exit {code}: {stderr.strip()[-300:]}")
    tables = collections.Counter(table_of(event) for event in events)
    if not case.is_log:
        figures = table["not a log"]
        figures.lines += 1
        figures.events += len(events)
        figures.rejects += rejects_said(stderr)
        wrong = {name: n for name, n in tables.items() if name not in FALLBACK}
        if wrong:
            figures.mismatches += 1
            complaints.append(f"no log, but read as {wrong}")
        return complaints
    own = [event for event in events if table_of(event) in (*case.verdicts, None)]
    figures = table[case.verdicts[0]]
    figures.lines += len(case.wanted) + case.rejects
    figures.events += len(own)
    figures.rejects += rejects_said(stderr)
    others = {name: n for name, n in tables.items() if name not in (*case.verdicts, None)}
    if others and not (case.extra or (case.rejects and set(others) <= FALLBACK)):
        complaints.append(f"also read as {others}")
    if len(own) != len(case.wanted):
        complaints.append(f"{len(case.wanted)} records, {len(own)} events; {stderr.strip()[-200:]}")
    figures.mismatches += len(complaints)
    if len(own) != len(case.wanted):
        return complaints
    expected = [oracle.expect(case.verdicts[0], record, context) for record, context in case.wanted]
    results = [oracle.compare(*pair) for pair in zip(expected, own)]
    if any(wrong for _, wrong in results):
        results, moved = best_order(expected, own, results)
        if moved:
            figures.mismatches += 1
            complaints.append(f"{moved} events are not in the order of their records")
    for number, (compared, wrong) in enumerate(results, 1):
        figures.fields += compared
        figures.mismatches += len(wrong)
        complaints += [f"record {number}: {each}" for each in wrong]
    return complaints


def best_order(expected, events, results):
    """Results with each record beside the event it fits, where only the order differs; and how many moved."""
    left, out, moved = list(range(len(events))), [], 0
    for number, expectation in enumerate(expected):
        tried = [number] if number in left and not results[number][1] else sorted(left, key=lambda at: at != number)
        best = min(tried, key=lambda at: len(oracle.compare(expectation, events[at])[1]))
        left.remove(best)
        moved += best != number
        out.append(oracle.compare(expectation, events[best]))
    return out, moved


def all_cases():
    yield from sample_cases()
    yield from file_cases()
    yield from facts_cases()


def report(binary, only=None, show=400):
    """(text, number of mismatches); `only` keeps the cases of one format."""
    table, said = collections.defaultdict(Figures), []
    with tempfile.TemporaryDirectory() as folder:
        for case in all_cases():
            if only and only not in case.verdicts:
                continue
            said += [f"{case.name} [{'|'.join(case.verdicts)}] {each}" for each in check(binary, case, folder, table)]
    head = f"{'format':<24}{'lines':>7}{'events':>8}{'rejects':>9}{'fields compared':>17}{'mismatches':>12}"
    out = [head]
    for name in sorted(table, key=lambda name: (name == "not a log", name)):
        each = table[name]
        out.append(f"{name:<24}{each.lines:>7}{each.events:>8}{each.rejects:>9}{each.fields:>17}{each.mismatches:>12}")
    total = sum(each.mismatches for each in table.values())
    if not only:
        text, more = rest(binary)
        out.append(text)
        total += more
    out.append(f"mismatches: {total}")
    out += said[:show] + ([f"… and {len(said) - show} more"] if len(said) > show else [])
    return "\n".join(out), total


def rest(binary):
    """All that is no log, imported together: every record is text or a reject with a reason. (text, mismatches)"""
    from measure import balanced, imported, run

    with tempfile.TemporaryDirectory() as folder:
        home, lake = pathlib.Path(folder) / "in", pathlib.Path(folder) / "lake"
        home.mkdir()
        cases = [case for case in all_cases() if not case.is_log]
        for number, case in enumerate(cases):
            (home / f"{number:04d}{re.sub(r'[^A-Za-z0-9._-]', '_', case.suffix)}").write_bytes(case.data)
        done, counts = imported(binary, lake, home)
        if counts is None:
            return f"import of what is no log: exit {done.code}: {done.err.decode()[-300:]}", 1
        tally = counts["tally"]
        wrong = {name: n for name, n in tally["events"].items() if name not in FALLBACK}
        listed = run(binary, "--lake", lake, "lake", "rejects")
        out = [f"{len(cases)} samples and files that are no log: {tally}", f"  the tally adds up: {balanced(tally)}; lake rejects: exit {listed.code}"]
        out += ["  " + line for line in listed.out.decode(errors="replace").splitlines()[:4]]
        if wrong:
            out.append(f"  WRONG: read as {wrong}")
        return "\n".join(out), len(wrong) + (not balanced(tally)) + (listed.code != 0)


def self_check():
    """The lists against the oracle alone: counts agree, and it has something to say of every record."""
    counts = collections.Counter()
    for case in all_cases():
        counts["cases"] += 1
        for record, context in case.wanted or []:
            expected = oracle.expect(case.verdicts[0], record, context)
            counts[case.verdicts[0]] += 1
            counts["fields"] += len(expected.top) + len(expected.common) + len(expected.anywhere)
    return counts


if __name__ == "__main__":
    import sys

    if len(sys.argv) > 1:
        print(report(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)[0])
    else:
        print(dict(self_check()))
