"""base/json against Python's json: what is accepted, what a reader finds, and the compact form.

Every document is judged by both. Ours must accept exactly what RFC 8259 allows within its depth; DIFFERENCES is the
complete list of what Python does otherwise, and `theirs` is Python with just those taken back.
"""

import itertools
import json
import random
import unittest

import asking

DEPTH_MAX = 256
N_GENERATED = 15000  # and as many spoilt ones
SEED = 8259

# name: (document, what we do, what Python does)
DIFFERENCES = {
    "NaN": (b"[NaN]", "reject", "accept"),
    "Infinity": (b"[Infinity]", "reject", "accept"),
    "-Infinity": (b"[-Infinity]", "reject", "accept"),
    "nested beyond our depth": (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), "reject", "accept"),
    "byte order mark": (b"\xef\xbb\xbf{}", "reject", "accept"),
    "UTF-16": ("{}".encode("utf-16-le"), "reject", "accept"),
    "UTF-32": ("{}".encode("utf-32-be"), "reject", "accept"),
    "surrogate as UTF-8": (b'"\xed\xa0\x80"', "reject", "accept"),
    "integer of 5000 digits": (b"1" * 5000, "accept", "reject"),
    # Accepted by both, but read in two ways: a lone surrogate becomes U+FFFD here and stays one there.
    "lone surrogate": (b'"\\ud800"', "accept", "accept"),
    # Accepted by both; the last member wins in both, and we still show the first.
    "duplicate key": (b'{"a":1,"a":2}', "accept", "accept"),
}

NASTY = [
    b"", b" ", b"\n", b"\0", b"null", b" null ", b"nul", b"nulll", b"Null", b"NULL", b"true", b"tru", b"True",
    b"false", b"fals", b"undefined", b"0", b"-0", b"00", b"01", b"-", b"--1", b"+1", b"-01", b"1.", b".1", b"1.0",
    b"-1.5e10", b"1e", b"1e+", b"1e-", b"1E+05", b"1.e1", b"1e1.5", b"0x1", b"1_0", b"1,0", b"1 2", b"1e400",
    b"-1e-400", b"1a", b"0e0", b"0.0e-0", b"9" * 400, b"0." + b"3" * 400, b'"', b'""', b"''", b'"a', b'a"', b'"\\"',
    b'"\\', b'"\\"\\', b'"\\x"', b'"\\u"', b'"\\u1"', b'"\\u12"', b'"\\u123"', b'"\\u1234"', b'"\\u12G4"',
    b'"\\U1234"', b'"\\u 123"', b'"\\u+123"', b'"\\u0x12"', b'"\\u0000"', b'"\\ud83d\\ude00"', b'"\\ud83d"',
    b'"\\ude00"', b'"\\ude00\\ud83d"', b'"\\ud83d\\ud83d\\ude00"', b'"\\ud83dx"', b'"\\ud83d\\n"', b'"\\ud83d\\u"',
    b'"\\ud83d\\u0041"', b'"\\uD83D\\uDE00"', b'"\\uffff\\ufffe"', b'"\\/\\b\\f\\n\\r\\t\\\\\\""', b'"\\a"', b'"\\0"',
    b'"\\\'"', b'"\t"', b'"\n"', b'"\0"', b'"\x1f"', b'"\x7f"', b'"\xc3\xa9"', b'"\xc3"', b'"\xa9"', b'"\xc0\x80"',
    b'"\xc1\xbf"', b'"\xe0\x80\x80"', b'"\xef\xbf\xbf"', b'"\xf0\x9f\x98\x80"', b'"\xf0\x80\x80\x80"',
    b'"\xf4\x8f\xbf\xbf"', b'"\xf4\x90\x80\x80"', b'"\xf5\x80\x80\x80"', b'"\xff"', b"\xff", b"\xc2\xa01",
    b"\xe2\x80\xa81", b"\x0b1", b"\x0c1", b"1\x0b", b"[", b"]", b"[]", b"[ ]", b"[,]", b"[1,]", b"[,1]", b"[1 2]",
    b"[1,,2]", b"[1;2]", b"[1:2]", b"[1}", b"[[]", b"[]]", b"[][]", b"[]{}", b"[]x", b"[] x", b"[]\0", b"[\0]",
    b"[1\0]", b"{", b"}", b"{}", b"{ }", b"{,}", b'{"a"}', b'{"a":}', b'{"a":1', b'{"a":1,}', b'{,"a":1}',
    b'{"a":1 "b":2}', b'{"a":1;"b":2}', b'{"a"=1}', b'{"a"::1}', b'{"a":1:2}', b"{a:1}", b"{'a':1}", b'{1:1}',
    b'{null:1}', b'{"":1}', b'{"a":1]', b'["a":1]', b'{"a":{"b":[{}]}}', b'{"a":1,"\\u0061":2,"b":3}',
    b'{"\\ud800":1,"\\ud801":2}', b"// c\n1", b"/* c */1", b"[1/*c*/]", b"# c\n1", b"[1]//", b"inf", b"nan", b"NaN",
    b"-NaN", b"-Infinity", b"Infinity", b"-inf", b"1.5.5", b"--", b"-a", b"[-]", b"[-,1]", b"[1.,2]", b"[truefalse]",
    b"[true false]", b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
    b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX, b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1),
    b"[" * 100000, b'[{"":' * 64 + b"0" + b"}]" * 64, b"[" * 64 + b"}" * 64, b'"' + b"x" * 100000 + b'"',
    b" " * 100000 + b"1", b"[" + b"1," * 20000 + b"1]",
]  # fmt: skip


# Python, made strict


class Text(str):
    """A number as it was written."""


class Members(list):
    """An object's pairs, all of them."""


def refuse(word):
    raise ValueError(word)


AS_WRITTEN = {"parse_constant": refuse, "parse_int": Text, "parse_float": Text}


def theirs(document):
    """The value, numbers as Text and objects as Members; None if it is refused."""
    try:
        value = json.loads(document.decode("utf-8"), object_pairs_hook=Members, **AS_WRITTEN)
    except (ValueError, RecursionError):
        return None
    return [value] if depth(value) <= DEPTH_MAX else None


def depth(value):
    found, level = 0, [value]
    while any(isinstance(v, list) for v in level):
        found += 1
        level = [v for c in level if isinstance(c, list) for v in children(c)]
    return found


def children(value):
    return [member for _, member in value] if isinstance(value, Members) else value


def decoded(text):
    """A string as we decode it: no lone surrogate survives."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def walked(value):
    """The value as json.c prints what it finds."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, str):
        return "s" + decoded(value).encode().hex()
    if isinstance(value, Members):
        names = [decoded(name) for name, _ in value]
        last = {name: i for i, name in enumerate(names)}
        items = (
            walked(name) + ("!" if last[name] == i else "") + ":" + walked(member)
            for i, (name, (_, member)) in enumerate(zip(names, value))
        )
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(walked, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value]


# Documents


BLANKS = ["", "", "", " ", "\n", "\t", "\r\n", "   "]
CHARACTERS = ["a", "Z", "0", " ", "/", "é", "€", "😀", "\u2028", "\x7f", "{", "[", ",", ":"]
CHARACTERS += ["\\\\", '\\"', "\\/", "\\n", "\\u0000", "\\u00e9", "\\uD83D\\uDE00", "\\ud800", "\\udfff", "\\uFFFF"]
NUMBERS = ["0", "-0", "1", "-1", "12345678901234567890", "4294967296", "1.5", "-0.0", "0.1"]
NUMBERS += ["1e5", "1E+5", "2.50e-07", "1e999"]


class Writer:
    """Random documents, correct ones and spoilt ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def blank(self):
        return self.random.choice(BLANKS)

    def string(self):
        return '"' + "".join(self.random.choices(CHARACTERS, k=self.random.randrange(12))) + '"'

    def name(self):
        return self.random.choice(['"a"', '"b"', '"\\u0061"', '""', self.string()])

    def scalar(self):
        return self.random.choice([self.string(), self.random.choice(NUMBERS), "true", "false", "null"])

    def value(self, depth):
        kind = self.random.randrange(3) if depth else 0
        if kind == 0:
            return self.blank() + self.scalar() + self.blank()
        count = self.random.randrange(5)
        if kind == 1:
            inner = ",".join(self.value(depth - 1) for _ in range(count))
            return self.blank() + "[" + (inner or self.blank()) + "]" + self.blank()
        members = (self.blank() + self.name() + self.blank() + ":" + self.value(depth - 1) for _ in range(count))
        return self.blank() + "{" + (",".join(members) or self.blank()) + "}" + self.blank()

    def document(self):
        return self.value(self.random.randrange(5)).encode()

    def spoilt(self, document):
        """One to three bytes lost, put in, changed, doubled, or the end cut off."""
        data = bytearray(document)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(data) + 1)
            byte = self.random.choice([self.random.randrange(256), *b'{}[]:,"\\u0-.eE tn'])
            how = self.random.randrange(5)
            if how == 0:
                del data[at : at + 1]
            elif how == 1:
                data.insert(at, byte)
            elif how == 2:
                data[at : at + 1] = bytes([byte])
            elif how == 3:
                data[at:at] = data[at : at + self.random.randrange(1, 9)]
            else:
                del data[at:]
        return bytes(data)


class Json(unittest.TestCase):
    def judge(self, documents):
        """How many of the documents were accepted."""
        n_accepted = 0
        lines = asking.ask(asking.ours("json"), documents)
        self.assertEqual(len(lines), len(documents))
        for document, line in zip(documents, lines):
            word, _, rest = line.decode().partition(" ")
            value = theirs(document)
            self.assertEqual(word, "reject" if value is None else "accept", (document[:300], line[:300]))
            if value is not None:
                n_accepted += 1
                self.check_accepted(document, value[0], rest)
        return n_accepted

    def check_accepted(self, document, value, rest):
        found, _, compact = rest.partition(" ")
        self.assertEqual(found, walked(value), document[:300])
        self.assertEqual(compact, without_blanks(document.decode()), document[:300])

    def test_generated_documents_are_read_alike(self):
        writer = Writer(SEED)
        documents = [writer.document() for _ in range(N_GENERATED)]
        self.assertEqual(self.judge(documents), N_GENERATED)

    def test_spoilt_documents_are_refused_alike(self):
        writer = Writer(SEED + 1)
        documents = [writer.spoilt(writer.document()) for _ in range(N_GENERATED)]
        n_accepted = self.judge(documents)
        self.assertTrue(N_GENERATED / 20 < n_accepted < N_GENERATED / 2, n_accepted)

    def test_nasty_documents_are_judged_alike(self):
        self.judge(NASTY)

    def test_short_documents_are_judged_alike(self):
        """All of up to four bytes of what JSON is made of, and each byte alone and in a string."""
        documents = [bytes(d) for n in range(5) for d in itertools.product(b'{}[]:,"\\0-.e \n', repeat=n)]
        documents += [bytes([b]) for b in range(256)] + [b'"' + bytes([b]) + b'"' for b in range(256)]
        documents += [b'"' + bytes([a, b]) + b'"' for a in range(256) for b in (0, 0x22, 0x5C, 0x75, 0x80, 0xBF, 0xC0)]
        self.judge(documents)

    def test_differences_are_as_listed(self):
        lines = asking.ask(asking.ours("json"), [document for document, _, _ in DIFFERENCES.values()])
        for (name, (document, ours, python)), line in zip(DIFFERENCES.items(), lines):
            with self.subTest(name):
                self.assertEqual(line.split(b" ")[0].decode(), ours)
                self.assertEqual(as_python_is(document), python)

    def test_lone_surrogates_and_duplicate_keys_are_read_as_listed(self):
        lines = asking.ask(asking.ours("json"), [DIFFERENCES["lone surrogate"][0], DIFFERENCES["duplicate key"][0]])
        self.assertEqual(lines, [b'accept sefbfbd "\\ud800"', b'accept {s61:1,s61!:2} {"a":1,"a":2}'])
        self.assertEqual(json.loads(DIFFERENCES["lone surrogate"][0]), "\ud800")
        self.assertEqual(json.loads(DIFFERENCES["duplicate key"][0]), {"a": 2})


def as_python_is(document):
    try:
        json.loads(document)
    except ValueError:
        return "reject"
    return "accept"


def without_blanks(text):
    """A correct document's text without what means nothing."""
    parts = text.replace("\\\\", "\1").replace('\\"', "\2").split('"')
    for i in range(0, len(parts), 2):
        parts[i] = "".join(parts[i].split(" ")).replace("\n", "").replace("\t", "").replace("\r", "")
    return '"'.join(parts).replace("\2", '\\"').replace("\1", "\\\\")
