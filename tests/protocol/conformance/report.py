"""The results as a document. It depends on nothing but them, so that it can be compared."""

from pathlib import Path

from conformance import suite

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "conformance.md"

HEAD = """\
# Conformance to RFC 6455 and RFC 7692

Made by `make conformance`. `make test` plays the same cases against the release build and against the one with
sanitizers, and compares this page with what it saw.

A case is what one connection writes, octet for octet, and all that must come back: the frames to that connection, the
messages that another subscriber of its channel hears, code and reason of the Close frame, and the end of the TCP
stream. One octet more or less is a failure. The cases are tables in `tests/protocol/conformance`; to play some of
them: `make conformance CASES="6.4 9"`. Families have the numbers that the Autobahn testsuite made standard (8 and 11
are not in use), the groups in them are our own.

"""

TAIL = """
Where the RFCs leave a choice:

- A violation is noticed at the first octet that shows it, even if the frame or message is not complete, and answered
  with a Close frame: 1002 for framing, 1007 for text and for what does not inflate, 1009 for sizes. What was right
  before it is handled first, nothing behind it is heard, and the server ends the stream.
- A binary message is read like a text message. It need not be UTF-8 to be received, only to be JSON.
- The server's own messages are text frames, never fragmented.
- An offer of permessage-deflate with anything in it that RFC 7692 does not know is passed over, not an error.
- The server never refers to earlier messages when it compresses, and asks the same of the client.
"""


def table(results):
    """Families, and in them the groups of which cases were played."""
    lines, all_cases, all_passed = ["| | | Cases | Passed | Notes |", "|---|---|---:|---:|---|"], 0, 0
    for family in suite.FAMILIES:
        rows, cases, passed = [], 0, 0
        for group in family.groups:
            played = [results[case.number] for case in group.cases if case.number in results]
            if played:
                rows.append(f"| {group.number} | {group.words} | {len(played)} | {played.count([])} | |")
                cases, passed = cases + len(played), passed + played.count([])
        if rows:
            lines += [
                f"| **{family.number}** | **{family.words}** | **{cases}** | **{passed}** | {family.note} |",
                *rows,
            ]
        all_cases, all_passed = all_cases + cases, all_passed + passed
    return "\n".join([*lines, f"| | **All** | **{all_cases}** | **{all_passed}** | |"])


def document(results):
    return HEAD + table(results) + "\n" + TAIL
