"""Secret patterns: its list of things to show.

Settings: LOGSIFT_PROVE_CLEAN_BYTES (of ordinary logs, default 200M); those of issue 4 for line 6.
"""

import collections
import contextlib
import gzip
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile
import urllib.request

import scan_runs
from generate_logs import size_of
from issue_2 import told
from measure import run

QUALITY = pathlib.Path(__file__).resolve().parent.parent / "quality"
sys.path.insert(0, str(QUALITY))

import corpora  # noqa: E402
import quality  # noqa: E402
import scanners  # noqa: E402

CRATE = "https://static.crates.io/crates/kingfisher-rules/kingfisher-rules-3.0.1.crate"


def printed(call, *args):
    """What a function prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        call(*args)
    return out.getvalue().strip()


def rules(binary, root):
    """Rules by category and provider; their examples in both engines, plain, in JSON and in JSON inside JSON."""
    listed = subprocess.run([binary, "-q", "patterns", "list", "--format", "json"], check=True, capture_output=True, text=True).stdout
    items = [json.loads(line) for line in listed.splitlines()]
    of = lambda key: ", ".join(f"{name} {count}" for name, count in collections.Counter(item[key] for item in items).most_common())
    out = [f"{len(items)} rules; by category: {of('category')}", f"by provider ({len({item['provider'] for item in items})}): {of('provider')}"]
    for name in ("every_example_is_found", "shipped_rules_pass", "examples_of_shipped_rules"):
        out.append(told(["cargo", "test", "--release", "--locked", "--lib", name], root))
    return "\n".join(out)


def recall(binary, root):
    """Labelled texts: found and cried by logsift, Kingfisher, Betterleaks and detect-secrets."""
    rows = corpora.shared(root)
    assert rows is not None, "../shared/data/secrets is not there"
    return "\n\n".join(
        [
            printed(quality.labelled, "Our corpus", corpora.ours(root), binary, True, False),
            printed(quality.labelled, "Test strings of public rule sets, firm rows", rows, binary, True, True),
        ]
    )


def alarms(binary, _root):
    """Findings in ordinary logs."""
    return printed(quality.clean_logs, binary, size_of(os.environ.get("LOGSIFT_PROVE_CLEAN_BYTES", "200M")), True)


def checksums(binary, _root):
    """GitHub and npm tokens whose checksum is wrong, and the same with the right one."""
    good = scan_runs.secrets(2, seed=23)
    good = good["github"] + good["npm"]
    bad = [token[:-1] + ("0" if token[-1] != "0" else "1") for token in good]
    out = []
    for name, tokens in {"right": good, "wrong": bad}.items():
        with tempfile.TemporaryDirectory() as work:
            folder = pathlib.Path(work) / "rows"
            folder.mkdir()
            for number, token in enumerate(tokens):
                (folder / f"{number}.txt").write_text(f'{{"headers":{{"authorization":"token {token}"}}}}\n')
            runs = {"logsift": scanners.logsift(binary, folder), "Kingfisher": scanners.kingfisher(folder), "Betterleaks": scanners.betterleaks(folder)}
            counts = {scanner: len(found) for scanner, found in runs.items()}
            out.append(f"{name} checksum: " + ", ".join(f"{scanner} reports {count} of {len(tokens)}" for scanner, count in counts.items()))
            assert counts["logsift"] == (len(tokens) if name == "right" else 0), out[-1]
    return "\n".join(out)


def public_files(folder):
    """The rule files that the crate of Kingfisher's rules carries: name → path."""
    with urllib.request.urlopen(CRATE) as answer, tarfile.open(fileobj=io.BytesIO(answer.read()), mode="r:gz") as crate:
        crate.extractall(folder, filter="data")
    generated = next(folder.glob("kingfisher-rules-*/generated"))
    upstream = json.loads(gzip.decompress((generated / "upstream-sources.json.gz").read_bytes()))
    toml = folder / "betterleaks.toml"
    toml.write_text(next(text for url, text in upstream.items() if url.endswith("config/betterleaks.toml")))
    return {"betterleaks.toml": toml} | {path.name: path for path in sorted((generated / "rules").glob("*.yml"))}


def foreign(binary, root):
    """Rules of Betterleaks and Kingfisher beside the shipped ones: how many load, what is found, how fast."""
    rows, out = corpora.shared(root), []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        files = public_files(work)
        own = len(shipped(binary))
        scan_runs.mixed(work / "plain", 200_000_000, scan_runs.secrets(5))
        folder = corpora.write(rows, work / "rows")
        cases = {"shipped rules alone": []} | {name: [path] for name, path in files.items()} | {"all of them": list(files.values())}
        for name, paths in cases.items():
            flags = [word for path in paths for word in ("--rules", path)]
            check = subprocess.run([binary, "patterns", "check", *flags], capture_output=True, text=True)
            notes = [line.split("`: ", 1)[1] for line in check.stderr.splitlines() if "`: " in line]
            left = [note for note in notes if not note.startswith("taken")]
            summary = quality.summary(rows, scanners.logsift(binary, folder, *flags))[0]
            command = [binary, "-q", "--no-progress", "--lake", work / "lake", "scan", "--pack", "secrets", *flags, work / "plain"]
            first = run(*command).wall
            cpu = statistics.median(run(*command).cpu for _ in range(3))
            out.append(
                f"{name:<20} {len(shipped(binary, *flags)) - own:5} more rules, {len(notes) - len(left)} of them without something, {len(left)} left out; check exit {check.returncode}; "
                f"found {summary['recall']} %, alarms {summary['alarms']} of {summary['clean']}; 200 MB: first {first:.1f} s, then CPU {cpu:.2f} s"
            )
            reasons = collections.Counter(note for note in left)
            out += [f"    {count:4} {note[:150]}" for note, count in reasons.most_common(12)]
            lost = collections.Counter(word for note in notes if note.startswith("taken without ") for word in note.removeprefix("taken without ").split(", "))
            if lost:
                out.append("    taken without: " + ", ".join(f"{word} ({count})" for word, count in lost.most_common()))
    return "\n".join(out)


def shipped(binary, *flags):
    return subprocess.run([binary, "-q", "patterns", "--pack", "secrets", *flags, "list", "--format", "json"], check=True, capture_output=True, text=True).stdout.splitlines()


def speed(binary, root):
    """Scan speed with the whole pack, as in issue 4."""
    return f"{len(shipped(binary))} secret rules\n{scan_runs.speed(binary, root)}"


LINES = {"1": rules, "2": recall, "3": alarms, "4": checksums, "5": foreign, "6": speed}
