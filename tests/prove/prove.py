"""`./x prove N [LINE]`: reruns an issue's list of things to show and writes the figures down.

Needs the packages of requirements.txt, which it installs into a virtual environment of its own.
"""

import datetime
import importlib
import os
import pathlib
import platform
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def ensure_packages(*command):
    """Runs the command, else this script, inside the virtual environment, made at its first use."""
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "logsift-prove"
    python = home / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text()
    stamp = home / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    if command or pathlib.Path(sys.prefix) != home:
        os.execv(python, [str(python), *(command or sys.argv)])
    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"


def machine():
    model = "unknown processor"
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def main():
    if sys.argv[1:2] == ["--packages"]:
        ensure_packages(*sys.argv[2:])
    if len(sys.argv) < 3:
        sys.exit("usage: ./x prove N [LINE]")
    binary, number = pathlib.Path(sys.argv[1]), sys.argv[2]
    only = sys.argv[3] if len(sys.argv) > 3 else None
    if not (HERE / f"issue_{number}.py").exists():
        sys.exit(f"prove: no list for {number}")
    ensure_packages()
    sys.path.insert(0, str(HERE))
    lines = importlib.import_module(f"issue_{number}").LINES
    out = [f"machine: {machine()}", ""]
    failed = 0
    for name, show in lines.items():
        if only and name != only:
            continue
        title = (show.__doc__ or "").strip().splitlines()[0]
        out.append(f"## {name}. {title}")
        try:
            out.append(show(binary, ROOT))
        except AssertionError as error:
            failed += 1
            out.append(f"FELL SHORT: {error}".replace(str(ROOT), "."))
        out.append("")
        print("\n".join(out[-3:]), flush=True)
    folder = ROOT / "benches" / "runs" / datetime.date.today().isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    suffix = f"-line-{only}" if only else ""
    (folder / f"prove-{number}{suffix}.txt").write_text("\n".join(out) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
