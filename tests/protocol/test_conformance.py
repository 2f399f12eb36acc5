"""RFC 6455 and RFC 7692, case by case (see conformance/__init__.py), and that the judge of them is a strict one."""

import struct
import unittest
import zlib

from conformance import case, report, suite, utf8
from conformance.compression import deflated, far
from conformance.peer import Forbidden, Inflate, Peer
from conformance.stage import Stage, differences
from harness import Frame


class Conformance(unittest.TestCase):
    """One case. All of them are under way when the first is waited for."""

    stage = None
    promises = {}

    def __init__(self, case):
        super().__init__("test")
        self.case = case

    def id(self):
        return f"conformance.{self.case.number} {self.case.words}"

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.promises.update((case.number, cls.stage.play(case)) for case in suite.CASES)

    @classmethod
    def tearDownClass(cls):
        cls.stage.stop()

    def test(self):
        problems = self.promises[self.case.number].result()
        if problems:
            self.fail("\n".join(problems))


class Report(unittest.TestCase):
    def test_conformance_document_is_that_of_this_run(self):
        results = {number: promise.result() for number, promise in Conformance.promises.items()}
        self.assertEqual(report.DOCUMENT.read_text(), report.document(results), "run: make conformance")

    def test_every_case_has_a_name_of_its_own_in_its_group(self):
        for family in suite.FAMILIES:
            for group in family.groups:
                names = [case.words for case in group.cases]
                self.assertEqual({name for name in names if names.count(name) > 1}, set(), group.number)

    def test_there_are_cases_in_every_family(self):
        self.assertEqual([family.number for family in suite.FAMILIES], [1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13])
        self.assertEqual([group.number for family in suite.FAMILIES for group in family.groups if not group.cases], [])


class Judge(unittest.TestCase):
    """A judge that sees nothing would let everything pass."""

    def peer(self, data, extension=None):
        peer = Peer.__new__(Peer)
        peer.inbox, peer.how_it_ended = bytearray(data), "end of stream"
        peer.inflate = Inflate(extension) if extension else None
        return peer

    def test_frames_of_every_form_are_read(self):
        for n in (0, 125, 126, 65535, 65536):
            length = bytes([n]) if n < 126 else struct.pack(">BH", 126, n) if n < 65536 else struct.pack(">BQ", 127, n)
            self.assertEqual(
                self.peer(b"\x81" + length + b"x" * n).hear(False), [Frame(0x81, b"x" * n), "end of stream"]
            )

    def test_what_a_server_must_not_send_is_noticed(self):
        for data in [
            b"\x81\x80abcd", b"\x01\x01x", b"\xc1\x01x", b"\xa1\x01x", b"\x91\x01x", b"\x09\0", b"\x88\x7e\0\x7e" + b"x" * 126,
            b"\x81\x7e\0\x7d" + b"x" * 125, b"\x81\x7f" + struct.pack(">Q", 65535) + b"x" * 65535, b"\xc8\0",
        ]:  # fmt: skip
            with self.subTest(data[:12]), self.assertRaises(Forbidden):
                self.peer(data).next()

    def test_stream_that_ends_within_a_frame_has_not_ended_well(self):
        for data in (b"\x81", b"\x81\x02x", b"\x81\x7e\0", b"\x88\x02\x03"):
            self.assertNotEqual(self.peer(data).hear(False), ["end of stream"])

    def test_compression_needs_an_agreement_and_keeps_within_it(self):
        plain = "permessage-deflate; server_no_context_takeover"
        text = far(700, 5000)
        for bits, is_good in [(9, False), (10, True), (15, True)]:
            data = deflated(text, 15)
            peer = self.peer(
                b"\xc1\x7e" + struct.pack(">H", len(data)) + data, f"{plain}; server_max_window_bits={bits}"
            )
            with self.subTest(bits):
                self.assertEqual(peer.hear(False) == [Frame(0xC1, text), "end of stream"], is_good)
        for opcode in (0xC8, 0xC9, 0xE1, 0xD1):
            with self.subTest(opcode), self.assertRaises(Forbidden):
                self.peer(bytes([opcode, 0]), plain).next()

    def test_context_is_kept_only_where_that_was_agreed(self):
        z = zlib.compressobj(6, zlib.DEFLATED, -15)
        first, second = ((z.compress(b"hello hello hello") + z.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(2))
        keeps = Inflate("permessage-deflate")
        self.assertEqual([keeps(first), keeps(second)], [b"hello hello hello"] * 2)
        forgets = Inflate("permessage-deflate; server_no_context_takeover")
        forgets(first)
        with self.assertRaises(Forbidden):
            forgets(second)

    def test_any_difference_is_one(self):
        frame = Frame(0x81, b"a")
        for heard in (
            [],
            [frame],
            [frame, frame],
            [Frame(0x82, b"a"), "end"],
            [frame, "reset"],
            [frame, "end", "end"],
            ["end"],
        ):
            self.assertNotEqual(differences("who", [frame, "end"], heard), [])
        self.assertEqual(differences("who", [frame, "end"], [frame, "end"]), [])

    def test_first_wrong_octet_is_the_first_that_nothing_can_mend(self):
        ends = [b"", b"\x80", b"\x80\x80", b"\x80\x80\x80", b"\xa0", b"\xa0\x80", b"\x90\x80", b"\x90\x80\x80"]
        for words, octets in utf8.WRONG:
            with self.subTest(words):
                wrong = utf8.first_wrong(case.echo(octets))
                start = case.echo(octets)[: wrong + 1]
                self.assertTrue(any(is_text(start[:-1] + end) for end in ends))
                self.assertFalse(any(is_text(start + end) for end in ends))


def is_text(octets):
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def load_tests(loader, tests, pattern):
    cases = unittest.TestSuite(Conformance(case) for case in suite.CASES)
    others = [loader.loadTestsFromTestCase(one) for one in (Report, Judge)]
    return unittest.TestSuite([cases, *others])


if __name__ == "__main__":
    unittest.main()
