"""The rows of corpus.py, judged by our server, by our codec alone, and by llhttp.

Where llhttp refuses, we refuse. Where we accept, it accepts the same requests: as many, with the same targets and
bodies. What is otherwise has a reason in its row, and a reason without a difference is a failure too.
"""

import re
import tempfile
import unittest
from dataclasses import dataclass

import asking
from corpus import ROWS, get
from harness import ServerCase

PIECES_MAX = 1000  # of a row sent in pieces
ENDS = {"closed": "closed", "waits": "incomplete"}


@dataclass
class Expected:
    """A row's answers, taken apart."""

    statuses: list  # of all answers
    end: str  # as a verdict's
    refusal: int = 0

    def __init__(self, row):
        words = row.answers.split()
        self.end = ENDS.get(words[-1], "complete") if words else "complete"
        if words and words[-1].startswith("!"):
            self.end, self.refusal = "refused", int(words[-1][1:])
        self.statuses = [int(w.lstrip("!")) for w in words if w not in ENDS]

    def n_accepted(self):
        return sum(s != 100 for s in self.statuses) - (self.end == "refused")


def routed(target):
    """The target as routes see it: without authority and without one slash at the end."""
    target = re.sub(rb"^https?://[^/?]*", b"", target, flags=re.I)
    path, mark, query = target.partition(b"?")
    if path.endswith(b"/"):
        path = path[:-1]
    return (path or b"/") + mark + query


def a_test_for_each_row(case):
    for row in ROWS:
        def judge(self, row=row):
            self.judge(row)

        setattr(case, "test_" + row.name, judge)
    return case


class Corpus(unittest.TestCase):
    def test_rows_are_many_and_differ(self):
        self.assertGreaterEqual(len(ROWS), 200)
        self.assertEqual(len({row.name for row in ROWS}), len(ROWS))
        self.assertEqual(len({row.wire for row in ROWS}), len(ROWS))


@a_test_for_each_row
class Codec(unittest.TestCase):
    """Head and chunk parser, given the bytes at once and one at a time."""

    @classmethod
    def setUpClass(cls):
        wires = [row.wire for row in ROWS]
        names = [row.name for row in ROWS]
        cls.whole = dict(zip(names, asking.verdicts(asking.ours("http1"), wires)))
        cls.pieces = dict(zip(names, asking.verdicts(asking.ours("http1"), wires, 1)))

    def judge(self, row):
        expected, verdict = Expected(row), self.whole[row.name]
        self.assertEqual((len(verdict.requests), verdict.end), (expected.n_accepted(), expected.end))
        if verdict.end == "refused":
            self.assertEqual(int(verdict.why), expected.refusal)
        self.assertEqual(self.pieces[row.name], verdict)


@a_test_for_each_row
class Llhttp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix="sockudo-oracle-") as folder:
            wires, names = [row.wire for row in ROWS], [row.name for row in ROWS]
            cls.theirs = dict(zip(names, asking.verdicts(asking.llhttp(folder), wires)))
        cls.ours = dict(zip(names, asking.verdicts(asking.ours("http1"), wires)))

    def judge(self, row):
        ours, theirs = self.ours[row.name], self.theirs[row.name]
        here = ours.requests
        there = [(method, routed(target), body) for method, target, body in theirs.requests]
        if (here, ours.end) == (there, theirs.end):
            self.assertEqual(row.stricter + row.looser, "", "a reason without a difference")
        elif row.stricter:
            self.assertIn(ours.end, ("refused", "closed"))
            self.assertEqual(here, there[: len(here)])
        elif row.looser:
            self.assertEqual(there, here[: len(there)])
        else:
            self.fail(f"we: {ours}\nllhttp: {theirs}")


@a_test_for_each_row
class Server(ServerCase):
    """The answers of the real server, to a row sent at once and to one sent in pieces."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        found = asking.verdicts(asking.ours("http1"), [row.wire for row in ROWS])
        cls.methods = {row.name: [method for method, _, _ in v.requests] for row, v in zip(ROWS, found)}

    def judge(self, row):
        self.converse(row, len(row.wire) + 1)
        self.converse(row, len(row.wire) // PIECES_MAX + 1)

    def converse(self, row, piece_bytes):
        expected = Expected(row)
        is_whole = piece_bytes > len(row.wire)  # who sends in pieces may also be told to go on
        statuses = [s for s in expected.statuses if s != 100 or is_whole]
        methods, got = [*self.methods[row.name], b""], []
        with self.server.http() as http:
            http.send_split(row.wire, piece_bytes)
            answer = None
            while len(got) < len(statuses):
                answer = http.answer(has_body=methods[0] != b"HEAD")
                if answer.status != 100:
                    methods.pop(0)
                if answer.status != 100 or is_whole:
                    got.append(answer.status)
            self.assertEqual(got, statuses)
            self.goes_on(http, expected.end, answer, is_whole)

    def goes_on(self, http, end, last, is_whole):
        """What comes behind the last answer: nothing more, and the connection is open, or at its end."""
        if end == "complete":
            if not last or last.status != 101:
                self.assertEqual(http.ask(get(b"/fence")).status, 404)
            return
        if end == "incomplete":
            http.end()
        else:
            self.assertEqual(last.header("connection"), "close")
        rest = http.rest()
        self.assertEqual(rest if is_whole else rest.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b""), b"")
