#!/usr/bin/env python3
"""Writes the sample incident: logs/ and truth.json.

The same bytes come out on each run: one seed, no wall clock, no outside input. Python 3.11, no packages.
Credentials are made up here and carry a break mark until they stand in a (compressed) log.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from gen import world  # noqa: E402  (the folder of this script has to be on the path first)


def clear(out: Path) -> None:
    """Removes an earlier set: file names hold drawn parts, so it would else stay beside the new one."""
    logs = out / "logs"
    if not logs.exists():
        return
    if not (out / "truth.json").exists():
        sys.exit(f"{logs} was not written by this script (no truth.json beside it): nothing is removed")
    shutil.rmtree(logs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: the script's own)")
    out = parser.parse_args().out
    corpus, truth = world.build()
    clear(out)
    corpus.write(out)
    text = json.dumps(truth, ensure_ascii=False, indent=2) + "\n"
    (out / "truth.json").write_text(text, encoding="utf-8")
    print(f"{len(corpus.files)} files, {len(corpus.events)} events, {len(truth['secrets'])} secrets, {len(truth['story'])} story items")


if __name__ == "__main__":
    main()
