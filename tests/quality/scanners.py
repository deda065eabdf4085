"""Each scanner run on a folder of small files: file name → values it reports."""

import json
import pathlib
import subprocess
import sys
from collections import defaultdict


def logsift(binary, folder, *flags, packs=("--pack", "secrets")):
    """Findings at the default confidence: file name → [(rule, value)]."""
    command = [binary, "-q", "--no-progress", "--lake", folder.parent / "no-lake", "scan", *packs, "--format", "jsonl", "--occurrences", "--reveal", *flags, folder]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode in (0, 1), done.stderr.decode()
    found = defaultdict(list)
    for line in done.stdout.decode().splitlines():
        item = json.loads(line)
        found[pathlib.Path(item["path"]).name].append((item["rule"], item["secret"]))
    return found


def kingfisher(folder):
    bin = pathlib.Path(sys.executable).parent / "kingfisher"
    flags = ["--no-validate", "--no-update-check", "--git-history", "none", "--max-file-size", "0", "--no-dedup", "--format", "jsonl"]
    done = subprocess.run([bin, "scan", folder, *flags], capture_output=True)
    assert done.returncode in (0, 200, 205), done.stderr.decode()[-2000:]
    found = defaultdict(list)
    for line in done.stdout.decode().splitlines():
        if not line.startswith("{"):
            continue
        item = json.loads(line)
        if "finding" in item:
            found[pathlib.Path(item["finding"]["path"]).name].append((item["rule"]["id"], item["finding"]["snippet"]))
    return found


def betterleaks(folder):
    import pybetterleaks

    found = defaultdict(list)
    for each in pybetterleaks.scan_dir(str(folder), redact=False).findings:
        found[pathlib.Path(each.file).name].append((each.rule_id, each.secret))
    return found


def detect_secrets(folder):
    from detect_secrets.core.secrets_collection import SecretsCollection
    from detect_secrets.settings import default_settings

    found = defaultdict(list)
    with default_settings():
        for path in sorted(folder.iterdir()):
            secrets = SecretsCollection()
            secrets.scan_file(str(path))
            found[path.name] += [(each.type, each.secret_value) for _, each in secrets]
    return found
