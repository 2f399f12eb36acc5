"""All cases, numbered: family, group, place in the group."""

from dataclasses import dataclass, replace

from conformance import closing, compression, framing, limits, utf8


@dataclass(frozen=True)
class Family:
    number: int
    words: str
    note: str  # what the RFCs leave open and we decided
    groups: tuple


def _numbered(group):
    cases = tuple(replace(case, number=f"{group.number}.{i}") for i, case in enumerate(group.cases, 1))
    return replace(group, cases=cases)


def _families():
    for part in (framing, utf8, closing, limits, compression):
        for number, (words, note, groups) in part.FAMILIES.items():
            yield Family(number, words, note, tuple(_numbered(group) for group in groups))


FAMILIES = tuple(_families())
CASES = tuple(case for family in FAMILIES for group in family.groups for case in group.cases)


def select(prefixes):
    """Cases whose number begins with one of these; all, if there are none."""
    return [c for c in CASES if not prefixes or any((c.number + ".").startswith(p.rstrip(".") + ".") for p in prefixes)]
