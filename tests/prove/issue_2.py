"""Every AWS log format, and a lake one can trust: its list of things to show.

Sizes come from the environment, for short runs: LOGSIFT_PROVE_BYTES (500M), LOGSIFT_PROVE_FORMATS,
LOGSIFT_PROVE_KILLS (50), LOGSIFT_PROVE_KILL_BYTES (100M), LOGSIFT_PROVE_LINE_BYTES (1G),
LOGSIFT_PROVE_BOMB_BYTES (10G), LOGSIFT_PROVE_LINES_BYTES (1G), LOGSIFT_PROVE_TINY (100000),
LOGSIFT_PROVE_FUZZ_SECONDS (60), LOGSIFT_PROVE_CORE_FUZZ_SECONDS (600), LOGSIFT_PROVE_FUZZ_TARGETS (all),
LOGSIFT_PROVE_BENCH_FLAGS (of `cargo build`, to share a build), LOGSIFT_PROVE_TMP (where the inputs are made).
"""

import concurrent.futures
import os
import re
import shlex
import subprocess
import time

import counts
import hostile
import interrupted
import parse_check
import throughput

# An input, no longer than the longest sample, that takes longer than this counts as a crash. libFuzzer's
# counting and the debug assertions make everything several times slower than the program is.
SLOW_SECONDS = 10
CORE_FUZZ = {"alb", "vpcflow", "apigateway", "cloudwatch", "cloudtrail"}


def parsed_as_the_facts_demand(binary, _root):
    """Every sample, file and example line, parsed and compared with an independent reading of the facts."""
    if not parse_check.PARSE.is_dir():
        return f"skipped: {parse_check.PARSE} is not here"
    text, mismatches = parse_check.report(binary)
    assert mismatches == 0, text
    return text


def faster_than_duckdb(binary, _root):
    """Throughput of import beside DuckDB's, plain and .gz, in turns; peak memory of both."""
    text, short = throughput.show(binary)
    assert not short, text
    return text


def survives_kills(binary, _root):
    """Kill -9 at random points of an import: a rerun ends with the same multiset of events."""
    return interrupted.show(binary)


def properties_and_fuzzing(_binary, root):
    """Property tests, and a fuzz target per format."""
    out = []
    # Filters of `cargo test`, one run each, parted by semicolons.
    asked = os.environ.get("LOGSIFT_PROVE_PROPERTY_TESTS", "--no-default-features --lib -- propert")
    for words in asked.split(";"):
        command = ["cargo", "test", "--release", "--locked", *shlex.split(words)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, errors="replace")
        ran = re.findall(r"^test (\S+) \.\.\. (\w+)", done.stdout, re.MULTILINE)
        out.append(f"{' '.join(command)}: exit {done.returncode}, {sum(state == 'ok' for _, state in ran)} passed")
        out += [f"  {name} {state}" for name, state in ran]
        assert done.returncode == 0, "\n".join([*out, done.stdout[-3000:], done.stderr[-1500:]])
        assert ran, "\n".join([*out, "no property test was found by this filter"])
    return "\n".join(out + fuzzed(root))


def fuzzed(root):
    fuzz = shlex.split(os.environ.get("LOGSIFT_PROVE_FUZZ", "cargo +nightly fuzz"))
    # A folder of its own: another compiler and other flags. Sixteen units build in a fraction of one's time.
    folder = os.path.join(os.environ.get("CARGO_TARGET_DIR", root / "target"), "fuzz")
    built = ["--target-dir", folder, "--codegen-units", "16", "--sanitizer", "none"]
    listed = told([*fuzz, "list"], root)
    asked = os.environ.get("LOGSIFT_PROVE_FUZZ_TARGETS", listed).replace(",", " ").split()
    told([*fuzz, "build", *built], root)
    short, long = (int(os.environ.get(f"LOGSIFT_PROVE_{name}_SECONDS", default)) for name, default in (("FUZZ", 60), ("CORE_FUZZ", 600)))
    out, crashed = [], []
    def one(target):
        return fuzz_one([*fuzz, "run", *built, target], target, long if target in CORE_FUZZ else short, root)

    # One on each core, those that take longest first.
    order = sorted(asked, key=lambda target: target not in CORE_FUZZ)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(one, order))
    for target, (line, error) in zip(order, results):
        out.append(line)
        crashed += [f"{target}:\n{error}"] if error else []
    assert not crashed, "\n".join(out + crashed)
    return out


def fuzz_one(command, target, seconds, root):
    """(line of figures, why it failed)"""
    corpus = root / "fuzz" / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    left, runs, stalls = seconds, 0, 0
    while True:
        start = time.monotonic()
        # What is found goes into the first folder; the sample only seeds.
        folders = [str(folder) for folder in (corpus, root / "samples" / target) if folder.is_dir()]
        limits = [f"-max_total_time={max(left, 1)}", f"-timeout={SLOW_SECONDS}", "-print_final_stats=1"]
        done = subprocess.run([*command, *folders, "--", *limits], cwd=root, capture_output=True, text=True, errors="replace")
        left -= int(time.monotonic() - start)
        runs += figure(done.stderr, "number_of_executed_units")
        late = re.search(r"Test unit written to (\S*timeout-\S*)", done.stderr)
        # The clock is the wall's: the machine may have stood still, or had other things to do.
        if not late or subprocess.run([*command, late[1], "--", f"-timeout={SLOW_SECONDS}"], cwd=root, capture_output=True).returncode != 0:
            break
        os.remove(late[1])
        stalls += 1
        if left <= 0:
            done.returncode = 0
            break
    line = f"fuzz {target}: {seconds} s, {runs} runs, {figure(done.stderr, 'peak_rss_mb')} MB, exit {done.returncode}"
    if stalls:
        line += f"; {stalls} times over {SLOW_SECONDS} s, and not when the same input was run again"
    return line, done.stderr[-2000:] if done.returncode != 0 else None


def figure(text, name):
    """One of libFuzzer's figures; 0 where it gives none."""
    found = re.search(rf"{name}:\s*(\d+)", text)
    return int(found[1]) if found else 0


def told(command, root):
    """What a command prints."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, f"`{' '.join(command)}` failed: {done.stderr[-2000:]}"
    return done.stdout


def hostile_input(binary, _root):
    """Huge lines, bombs, 100,000 files, odd names, broken text: outcome, exit code, peak memory."""
    return hostile.show(binary)


def other_readers(binary, _root):
    """Counts by DuckDB, pyarrow and logsift query; DDL for Athena."""
    return counts.show(binary)


LINES = {
    "1": parsed_as_the_facts_demand,
    "2": faster_than_duckdb,
    "3": survives_kills,
    "4": properties_and_fuzzing,
    "5": hostile_input,
    "6": other_readers,
}
