#!/usr/bin/env python3
"""Puts each deliberate bug (mutants.py) into a copy of the source and looks whether somebody notices:

    tests/mutants/run.py [--seeds 300] [--write] [WORD…]      mutants whose name has a WORD; all without one

The simulator comes first; what it does not catch is for the unit tests of the mutant's floor and those above it. --write
puts the table into docs/testing.md. The status is 0 only if every mutant was caught."""

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "build" / "mutants"
BUILD = TREE / "build" / "asan"
SIM = BUILD / "tests" / "sim" / "sockudo-sim"
DOCUMENT = ROOT / "docs" / "testing.md"
BEGIN, END = "<!-- mutants: written by make sim-mutants -->\n", "<!-- end of mutants -->\n"
SIM_S_MAX, UNIT_S_MAX = 240, 300
FLOORS = ["io", "core", "webhook", "server"]


def copy_tree():
    """The files of the repository as they are; what is unchanged keeps its time, so that little is built again."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode().split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, TREE / name
        if source.is_file() and not (target.is_file() and target.read_bytes() == source.read_bytes()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            target.touch()


def run(*command, timeout_s):
    """(status or None, output)"""
    try:
        done = subprocess.run(
            [str(c) for c in command], cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s
        )
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")


def build(*targets):
    status, output = run("ninja", "-C", BUILD, *targets, timeout_s=900)
    return "" if status == 0 else output


def words_of(output):
    """What the simulator, or a sanitizer under it, had to say."""
    for pattern in (r"# violation: (.*)", r"ERROR: AddressSanitizer: (\S+)", r"(runtime error: .*)", r"(ASSERT.*|.*assert.*failed.*)"):
        found = re.search(pattern, output)
        if found:
            return found.group(1).strip().replace("\ufffd", "?")[:90]
    return "ends badly"


def seed_of(output):
    found = re.search(r"SEED=(\d+)", output)
    return found.group(1) if found else "?"


def ask_simulator(n_seeds):
    """By what it was caught, or None."""
    status, output = run(SIM, "--seed", "1", "--seeds", str(n_seeds), timeout_s=SIM_S_MAX)
    if status == 0:
        return None
    if status is None:
        return "simulator: does not end"
    return f"simulator, seed {seed_of(output)}: {words_of(output)}"


def unit_tests(floor):
    """Names of the unit tests of a floor and those above it."""
    floors = FLOORS[FLOORS.index(floor) :]
    _, listed = run("meson", "test", "-C", BUILD, "--list", "--suite", "unit", timeout_s=60)
    return [n for n in re.findall(r" / (\S+/\S+)$", listed, re.M) if n.split("/")[0] in floors]


def ask_unit_tests(floor):
    names = unit_tests(floor)
    if build(*(f"tests/{n.replace('/', '_')}_test" for n in names)):
        return None
    status, output = run("meson", "test", "-C", BUILD, "--no-rebuild", *names, timeout_s=UNIT_S_MAX)
    failed = re.findall(r" / (\S+)\s+(?:FAIL|ERROR|TIMEOUT)", output)
    return f"unit tests: {', '.join(failed[:3])}" if failed or status is None else None


def judge(mutant, n_seeds):
    path = TREE / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return None, "does not fit the source any more"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        problem = build("tests/sim/sockudo-sim")
        if problem:
            return None, "does not build: " + problem[-300:]
        caught = ask_simulator(n_seeds) or ask_unit_tests(Path(mutant.file).parts[1])
        return caught, "" if caught else "nobody noticed"
    finally:
        path.write_text(text)


def table(rows):
    lines = ["| Deliberate bug | File | Caught by |", "|---|---|---|"]
    lines += [f"| {m.name} | `{Path(m.file).name}` | {caught.replace('|', '/')} |" for m, caught in rows]
    return "\n".join(lines) + "\n"


def write_document(rows):
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table(rows) + END + rest.split(END)[1])


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("words", nargs="*")
    options.add_argument("--seeds", type=int, default=300)
    options.add_argument("--write", action="store_true")
    o = options.parse_args()
    chosen = [m for m in MUTANTS if not o.words or any(w in m.name for w in o.words)]
    copy_tree()
    status, output = run("tools/build", "asan", "tests/sim/sockudo-sim", timeout_s=900)
    if status != 0 or ask_simulator(50):
        sys.exit("the source as it is does not pass:\n" + output[-2000:])
    rows, n_missed = [], 0
    for i, mutant in enumerate(chosen, 1):
        began = time.monotonic()
        caught, problem = judge(mutant, o.seeds)
        n_missed += caught is None
        print(f"{'ok' if caught else 'not ok'} {i} - {mutant.name}", flush=True)
        print(f"# {caught or problem} ({time.monotonic() - began:.0f} s)", flush=True)
        rows.append((mutant, caught or "nobody"))
    if o.write:
        write_document(rows)
    print(f"{len(chosen) - n_missed} caught, {n_missed} missed")
    sys.exit(1 if n_missed else 0)


if __name__ == "__main__":
    main()
