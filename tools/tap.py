"""Test Anything Protocol, as cmocka, node:test and our unittest runner speak it.

What counts is a leaf: node reports a group as one more line after its members, at a smaller depth. A
group that failed although none of its members did (a hook threw) counts as well.
"""

import re
from dataclasses import dataclass

_RESULT = re.compile(r"^(?P<blanks> *)(?P<not>not )?ok\b(?: +\d+)?(?: +- +| +|$)(?P<rest>.*)$")
_PLAN = re.compile(r"^( *)1\.\.(\d+)")
_SKIP = re.compile(r"^(?P<name>.*?) *# *(?:SKIP|TODO)\b *(?P<tail>.*)$", re.I)

_NOTE = re.compile(r"^# note: (.*)$", re.M)


@dataclass
class Case:
    name: str
    status: str  # "passed", "failed", "skipped"
    output: str = ""
    note: str = ""  # what the screen says about it, although it did not fail


def _case(match, output):
    rest, is_bad = match["rest"].strip(), bool(match["not"])
    skip = _SKIP.match(rest)
    if skip:  # cmocka writes "not ok 3 # SKIP name"
        return Case(skip["name"].lstrip("- ") or skip["tail"], "skipped", skip["tail"])
    name = re.sub(r" # time=.*$", "", rest)
    return Case(name, "failed" if is_bad else "passed", output if is_bad else "")


def _diagnosis(lines, start):
    """The lines about the result at start: what follows it up to the next result."""
    end = start + 1
    while end < len(lines) and not _RESULT.match(lines[end]) and not _PLAN.match(lines[end]):
        if lines[end].lstrip().startswith("# Subtest:"):
            break
        end += 1
    return "\n".join(lines[start + 1 : end])


def parse(text):
    """All cases of a stream, in order."""
    lines = text.splitlines()
    cases, pending = [], []  # pending: (depth, case) that no group has claimed yet
    plan, n_top = None, 0
    for i, line in enumerate(lines):
        match = _RESULT.match(line)
        if not match:
            found = _PLAN.match(line)
            if found and not found[1]:
                plan = int(found[2])
            continue
        depth, case = len(match["blanks"]), _case(match, _diagnosis(lines, i))
        members = [c for d, c in pending if d > depth]
        pending = [(d, c) for d, c in pending if d <= depth]
        pending.append((depth, case))
        n_top += depth == 0
        if members and (case.status != "failed" or any(c.status == "failed" for c in members)):
            continue
        cases.append(case)
    if cases:
        cases[-1].note = "\n".join(_NOTE.findall(text))
    if plan is not None and n_top < plan:
        cases.append(Case(f"{plan - n_top} more that never reported", "failed"))
    return cases
