"""codec/toml against Python's tomllib: what is accepted, and what it means.

Every document is judged by both. DIFFERENCES is the complete list of what we do otherwise; the generators stay away from it.
"""

import datetime
import json
import math
import random
import tomllib
import unittest

import asking

N_GENERATED = 6000  # and as many spoilt ones
SEED = 1000

# name: (document, what we do, what Python does)
DIFFERENCES = {
    "more than 64 bits": (b"a = 9223372036854775808", "reject", "accept"),
    "nested beyond our depth": (b"a = " + b"[" * 64 + b"]" * 64, "reject", "accept"),
    "leap second": (b"a = 1990-12-31T23:59:60Z", "accept", "reject"),
    "the year 0": (b"a = 0000-01-01", "accept", "reject"),
}

GOOD = """
a = 1
a.b = 1\\na.c.d = 2\\na.c.e = 3
"a b" = 1\\n'c"d' = 2\\n"" = 3\\n"\\u00e9\\U0001F600" = 4
1.2.3 = 4
- = 1\\n_ = 2\\n-1 = 3
[a]\\n[a.b]\\nc = 1
[a.b]\\nc = 1\\n[a]\\nd = 2
[a.b.c]\\nx = 1\\n[a]\\nb.y = 2
[a]\\nb.c = 1\\n[a.b.d]\\nx = 1
[[a]]\\nb = 1\\n[[a]]\\nb = 2\\n[a.c]\\nd = 3\\n[[a.e]]\\n[[a.e]]\\n[[a]]
[ a . "b" . 'c' ]\\nx = 1
a = { b = 1, c.d = 2, c.e = 3, f = { g = [ 1,\\n2 ] } }
a = []\\nb = [ ]\\nc = [ 1, 2, ]\\nd = [ # x\\n 1 # y\\n , # z\\n ]\\ne = [ [ 1 ], { a = 1 }, "x" ]
a = {}
a = \"\"\"\\n x\\n  y \\\\\\n   \\n z \"\"\"
a = \"\"\"\"\"x\"\"\"\"\"
a = '''\\nI'm ''here'''''
a = \"\"\"\"\"\"
a = \"\\b\\f\\"\\\\\"
a = 'C:\\x'
a = 0x1F\\nb = 0o17\\nc = 0b101\\nd = 1_000\\ne = +5\\nf = -0\\ng = 0x00ff\\nh = 0xdead_beef
a = 9223372036854775807\\nb = -9223372036854775808
a = 1.5\\nb = -0.0\\nc = 1e5\\nd = 6.626E-34\\ne = 1_0.0_1\\nf = +1.0\\ng = 1e0_5\\nh = 5E+22
a = inf\\nb = -inf\\nc = nan\\nd = +nan
a = 1979-05-27T07:32:00Z\\nb = 1979-05-27 07:32:00.999999-07:00\\nc = 1979-05-27t07:32:00\\nd = 1979-05-27\\ne = 07:32:00.5
a = 2000-02-29\\nb = 2024-02-29
a = true # x\\nb = false#y
# only a comment
a = 1\\r\\n\\r\\nb = \"\"\"x\\r\\ny\"\"\"\\r\\n
\\ta\\t=\\t1\\t
a.b.c = 1\\na.b.d = 2\\na.e = 3
true = 1\\ninf = 2\\n1e5 = 3
fruit.apple.color = 1\\nfruit.apple.taste.sweet = true
""".strip().split("\n")

BAD = """
a = 1\\na = 2
a = 1\\na.b = 2
a.b = 1\\na = 2
[a]\\n[a]
[a]\\nb = 1\\n[a.b]
a.b = 1\\n[a]
[a]\\nb.c = 1\\n[a.b]
[a.b]\\n[a]\\nb.c = 1
[a.b.c]\\nz = 9\\n[a]\\nb.c.t = 1
[[a]]\\n[a]
[a]\\n[[a]]
[a.b]\\n[[a]]
a = [{}]\\n[[a]]
a = [{ b = 1 }]\\n[a.c]
a = { b = 1 }\\na.c = 2
a = { b = 1 }\\n[a.c]
a = { b = { c = 1 }, b.d = 2 }
a = { b = 1, b = 2 }
a = { b.c = 1, b = 2 }
a = { b = 1, }
a = { , }
a = { b = 1\\n}
a = { b = 1 c = 2 }
[[a.b]]\\n[a]\\nb.c = 1
a = [ 1 2 ]
a = [ , ]
a = [ 1,, 2 ]
a = [ 1
a = { b = 1
a
a =
a = \\n1
= 1
a = 1 b = 2
a = b
a..b = 1
.a = 1
a. = 1
[a\\nb = 1
[[a]
[[a] ]
[ [a]]
[]
[[]]
[a.]
[a]b = 1
a b = 1
é = 1
\"\"\"a\"\"\" = 1
a = "x
a = "x\\ny"
a = 'x
a = 'x\\ny'
a = \"\"\"x
a = '''x''''''
a = \"\"\"\"\"\"\"\"\"\"
a = \"\\x\"
a = \"\\u12\"
a = \"\\ud800\"
a = \"\\U00110000\"
a = \"\\e\"
a = \"\"\"x \\ y\"\"\"
a = "\\x7f"
a = "\\x01"
a = '\\x1f'
# \\x00
# \\x7f
a = 1\\rb = 2
a = 01
a = -01
a = 1_
a = _1
a = 1__0
a = 0x
a = 0xg
a = +0x1
a = 0X1
a = 0x_1
a = 0b2
a = 0o8
a = 1.
a = .1
a = 1.e5
a = 1e
a = 1e_5
a = 1._5
a = 1_.5
a = 00.5
a = +-1
a = Inf
a = NaN
a = infinity
a = True
a = truex
a = 1979-05
a = 1979-5-27
a = 1979-13-01
a = 1979-02-30
a = 1979-02-29
a = 1979-05-27T
a = 1979-05-27T07:32
a = 1979-05-27T25:00:00
a = 1979-05-27T07:60:00
a = 1979-05-27T07:32:00.
a = 1979-05-27T07:32:00+25:00
a = 1979-05-27T07:32:00Zx
a = 1979-05-27  07:32:00
a = 07:32
a = 7:32:00
a = 1 # \\x01
""".strip().split("\n")  # fmt: skip


def unescaped(line):
    """\\n, \\r, \\t and \\xNN in the lists above; \\" is a quote that Python would end its text at."""
    out, i = [], 0
    while i < len(line):
        pair = line[i : i + 2]
        if pair in ("\\n", "\\r", "\\t") and not line[i - 1 : i] == "\\":
            out.append({"n": "\n", "r": "\r", "t": "\t"}[pair[1]])
            i += 2
        elif pair == "\\x" and all(c in "0123456789abcdef" for c in line[i + 2 : i + 4]) and len(line) >= i + 4:
            out.append(chr(int(line[i + 2 : i + 4], 16)))
            i += 4
        else:
            out.append(line[i])
            i += 1
    return "".join(out).encode()


class Refused(Exception):
    pass


def theirs(document):
    try:
        return tomllib.loads(document.decode("utf-8"), parse_float=str)
    except (ValueError, RecursionError) as e:
        raise Refused(e) from e


def same(ours, value):
    """Does our JSON mean their value?"""
    if isinstance(value, dict):
        return isinstance(ours, dict) and list(ours) == list(value) and all(same(ours[k], value[k]) for k in value)
    if isinstance(value, list):
        return isinstance(ours, list) and len(ours) == len(value) and all(map(same, ours, value))
    if isinstance(ours, str) and ours.startswith("!"):
        return same_foreign(ours[1:], value)
    if isinstance(value, bool) or isinstance(ours, bool):
        return ours is value
    if isinstance(ours, float):
        return float(value) == ours
    return ours == value


def same_foreign(text, value):
    if isinstance(value, str):  # parse_float
        return float(text) == float(value) or (math.isnan(float(text)) and math.isnan(float(value)))
    if isinstance(value, (datetime.date, datetime.time)):
        return tomllib.loads(f"x = {text}")["x"] == value
    return text == value


def ordered(value):
    """Tables may come back; then the order of their keys is the reader's own business."""
    if isinstance(value, dict):
        return {k: ordered(value[k]) for k in sorted(value)}
    return [ordered(v) for v in value] if isinstance(value, list) else value


KEYS = ["a", "b", "c", '"a"', "'b'", '"\\u0061"', "1", "a-b", '"x y"', '""', "d"]
VALUES = ["1", "-17", "0x1f", "1_0", "1.5", "-1e3", "true", "false", '"x"', "'y'", '"\\n\\u00e9"', '"""\nx\n"""', "'''z'''"]
VALUES += ["inf", "-nan", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5+01:00", "[]", "{}"]
BLANKS = ["", "", " ", "\t", "  "]
ENDS = ["\n", "\n", "\r\n", " # x\n", "\n\n"]


class Writer:
    """Random documents; about half of them are correct."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def key(self):
        n = self.random.choice([1, 1, 1, 2, 3])
        dot = self.random.choice([".", ".", " . "])
        return dot.join(self.random.choice(KEYS) for _ in range(n))

    def value(self, depth):
        kind = self.random.randrange(8)
        if kind == 0 and depth:
            items = [self.blank_lines() + self.value(depth - 1) + self.blank_lines() for _ in range(self.random.randrange(4))]
            return "[" + ",".join(items) + self.random.choice(["", ",", " "]) * bool(items) + "]"
        if kind == 1 and depth:
            pairs = [self.pair(depth - 1) for _ in range(self.random.randrange(3))]
            return "{" + ",".join(pairs) + self.random.choice(["", " "]) + "}"
        return self.random.choice(VALUES)

    def blank(self):
        return self.random.choice(BLANKS)

    def blank_lines(self):
        return self.random.choice([*BLANKS, "\n", " # c\n"])

    def pair(self, depth):
        return self.blank() + self.key() + self.blank() + "=" + self.blank() + self.value(depth)

    def line(self):
        kind = self.random.randrange(6)
        if kind == 0:
            return "[" + self.blank() + self.key() + self.blank() + "]"
        if kind == 1:
            return "[[" + self.key() + "]]"
        return self.pair(2)

    def document(self):
        return "".join(self.line() + self.random.choice(ENDS) for _ in range(self.random.randrange(7))).encode()

    def spoilt(self, document):
        data = bytearray(document)
        for _ in range(self.random.randrange(1, 3)):
            at = self.random.randrange(len(data) + 1)
            byte = self.random.choice([self.random.randrange(256), *b"[]{}=.,\"'\\#\n\r_-+:01xe Tt"])
            how = self.random.randrange(4)
            if how == 0:
                del data[at : at + 1]
            elif how == 1:
                data.insert(at, byte)
            elif how == 2:
                data[at : at + 1] = bytes([byte])
            else:
                del data[at:]
        return bytes(data)


class Toml(unittest.TestCase):
    def judge(self, documents):
        """How many of the documents were accepted."""
        n_accepted = 0
        lines = asking.ask(asking.ours("toml"), documents)
        self.assertEqual(len(lines), len(documents))
        for document, line in zip(documents, lines):
            word, _, rest = line.decode().partition(" ")
            try:
                value = theirs(document)
            except Refused as e:
                self.assertEqual(word, "reject", (document, line, e))
                continue
            self.assertEqual(word, "accept", (document, line))
            found = json.loads(rest)
            self.assertTrue(same(ordered(found), ordered(value)), (document, found, value))
            n_accepted += 1
        return n_accepted

    def test_good_documents_mean_the_same(self):
        self.assertEqual(self.judge([unescaped(line) for line in GOOD]), len(GOOD))

    def test_bad_documents_are_refused(self):
        self.assertEqual(self.judge([unescaped(line) for line in BAD]), 0)

    def test_random_documents(self):
        writer = Writer(SEED)
        n = self.judge([writer.document() for _ in range(N_GENERATED)])
        self.assertGreater(n, N_GENERATED // 5)
        self.assertLess(n, N_GENERATED)

    def test_spoilt_documents(self):
        writer = Writer(SEED + 1)
        documents = [writer.spoilt(writer.document()) for _ in range(N_GENERATED)]
        n = self.judge(documents)
        self.assertGreater(n, N_GENERATED // 20)

    def test_the_differences_are_all_there_are(self):
        for name, (document, we, they) in DIFFERENCES.items():
            with self.subTest(name):
                (line,) = asking.ask(asking.ours("toml"), [document])
                self.assertEqual(line.decode().partition(" ")[0], we)
                try:
                    theirs(document)
                    found = "accept"
                except Refused:
                    found = "reject"
                self.assertEqual(found, they)

