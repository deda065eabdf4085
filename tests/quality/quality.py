"""`./x quality [--rivals] [--write] [--bytes N]`: what is found and what is cried of labelled texts and clean logs.

Prints recall and false alarms by kind, macro-averaged, per 100 MB of clean logs, and the change against
tests/corpora/figures.json, which `--write` writes anew.
"""

import argparse
import collections
import json
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests/prove")]

import corpora  # noqa: E402
import ordinary  # noqa: E402
import scanners  # noqa: E402
from generate_logs import generate, size_of  # noqa: E402


def share(part, whole):
    return 100 * part / whole if whole else 100.0


def summary(rows, found, touches=corpora.touches):
    kinds, alarms, rules = corpora.judge(rows, found, touches)
    secrets, hit = sum(k[0] for k in kinds.values()), sum(k[1] for k in kinds.values())
    clean = sum(not row.secret for row in rows)
    macro = sum(share(k[1], k[0]) for k in kinds.values()) / max(1, len(kinds))
    return {"secrets": secrets, "found": hit, "recall": round(share(hit, secrets), 1), "macro": round(macro, 1), "clean": clean, "alarms": len(alarms)}, kinds, alarms, rules


def labelled(name, rows, binary, rivals, verbose):
    with tempfile.TemporaryDirectory() as work:
        folder = corpora.write(rows, pathlib.Path(work) / "rows")
        runs = {"logsift": scanners.logsift(binary, folder)}
        if rivals:
            runs |= {"Kingfisher": scanners.kingfisher(folder), "Betterleaks": scanners.betterleaks(folder), "detect-secrets": scanners.detect_secrets(folder)}
    runs = {scanner: [found.get(corpora.name(number), []) for number in range(len(rows))] for scanner, found in runs.items()}
    judged = {scanner: summary(rows, found) for scanner, found in runs.items()}
    print(f"\n## {name}: {len(rows)} texts")
    for scanner, (told, *_) in judged.items():
        print(f"{scanner:<15} found {told['found']} of {told['secrets']} ({told['recall']} %), macro-averaged over kinds {told['macro']} %; false alarms {told['alarms']} of {told['clean']} clean ({share(told['alarms'], told['clean']):.1f} %)")
    kinds = judged["logsift"][1]
    if rivals or verbose:
        print(f"{'kind':<20}" + "".join(f"{scanner:>16}" for scanner in judged))
        for kind in sorted(kinds):
            print(f"{kind:<20}" + "".join(f"{each[1][kind][1]:>9} of {each[1][kind][0]:>3}" for each in judged.values()))
    if verbose:
        _, _, alarms, rules = judged["logsift"]
        for number, row in enumerate(rows):
            hits = runs["logsift"][number]
            if row.secret and not any(corpora.touches(row, value) for _, value in hits):
                print("missed", row.kind, json.dumps(row.text[:200]), json.dumps([v[:80] for v in row.values]), hits[:3])
        for number in alarms:
            print("alarm", rows[number].kind, json.dumps(rows[number].text[:200]), runs["logsift"][number])
        print("by rule (right, wrong):", ", ".join(f"{rule} {right}/{wrong}" for rule, (right, wrong) in sorted(rules.items())))
    return judged["logsift"][0]


def clean_sources(work, size):
    """Logs that hold no secret: `size` bytes of generated ones, and the shared samples where they are there."""
    folder = pathlib.Path(work) / "generated"
    folder.mkdir()
    ordinary.write(folder / "application.log", size // 2)
    for name in ("alb", "apigateway", "cloudtrail-jsonl", "cloudwatch", "s3access", "vpcflow", "cloudfront"):
        generate(name, size // 14, folder / f"{name}.log", seed=3)
    shared = {name: ROOT.parent / "shared/data" / name for name in ("clean", "parse")}
    return {"generated": folder} | {name: path for name, path in shared.items() if path.exists()}


def clean_logs(binary, size, verbose):
    """Findings in logs that hold no secret, by source."""
    with tempfile.TemporaryDirectory() as work:
        sources = clean_sources(work, size)
        told = {}
        print("\n## Logs without secrets")
        for name, path in sources.items():
            bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            found = scanners.logsift(binary, path)
            count = sum(len({hit for hit in hits}) for hits in found.values())
            print(f"{name:<10} {bytes / 1e6:7.1f} MB: {count} findings, {count * 1e8 / bytes:.1f} per 100 MB")
            told[name] = {"bytes": bytes, "findings": count}
            shown = collections.Counter((rule, value[:60]) for hits in found.values() for rule, value in hits)
            for (rule, value), times in shown.most_common(40 if verbose else 12):
                print(f"  {rule} {value!r} ({times})")
        return told


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", type=pathlib.Path)
    arguments.add_argument("--rivals", action="store_true", help="Kingfisher, Betterleaks and detect-secrets beside it")
    arguments.add_argument("--write", action="store_true", help="write tests/corpora/figures.json anew")
    arguments.add_argument("--bytes", default="200M", help="of clean logs to make [200M]")
    arguments.add_argument("--verbose", action="store_true", help="every miss, every alarm, every rule")
    asked = arguments.parse_args()
    figures = {"ours": labelled("Our corpus", corpora.ours(ROOT), asked.binary, asked.rivals, asked.verbose)}
    rows = corpora.shared(ROOT)
    if rows is None:
        print("skipped: ../shared/data is not there")
    else:
        figures["public"] = labelled("Test strings of public rule sets, firm rows", rows, asked.binary, asked.rivals, asked.verbose)
    figures["clean"] = clean_logs(asked.binary, size_of(asked.bytes), asked.verbose)
    path = ROOT / "tests/corpora/figures.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    print("\n## Against the last figures")
    worse = False
    for name in ("ours", "public"):
        if name in figures and name in before:
            now, then = figures[name], before[name]
            print(f"{name}: recall {then['recall']} → {now['recall']} %, macro {then['macro']} → {now['macro']} %, alarms {then['alarms']} → {now['alarms']}")
            worse |= now["recall"] < then["recall"] or now["alarms"] > then["alarms"]
    if asked.write:
        path.write_text(json.dumps(figures, indent=1) + "\n")
    sys.exit(1 if worse and not asked.write else 0)


if __name__ == "__main__":
    main()
