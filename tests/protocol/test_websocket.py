"""RFC 6455: frames, messages, closing, and what happens to whoever breaks the rules."""

import struct
import unittest

from harness import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    PONG_TEXT,
    TEXT,
    Frame,
    ServerCase,
    close_payload,
    error,
    frame,
    masked,
    succeeded,
    until,
)

CONTINUATION = 0
SAY_PING = '{"event":"pusher:ping"}'


def padded_ping(n):
    """A ping of n bytes of text."""
    head, tail = '{"event":"pusher:ping","data":"', '"}'
    return head + "x" * (n - len(head) - len(tail)) + tail


class Framing(ServerCase):
    def test_masks_of_all_kinds_are_taken_off(self):
        ws = self.client()
        for mask in [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04", b"\0\0\0\x80"]:
            ws.send(frame(TEXT, SAY_PING, mask=mask))
            self.assertEqual(ws.text(), PONG_TEXT)

    def test_lengths_around_each_form_are_understood(self):
        ws = self.client()
        for n in [124, 125, 126, 127, 128, 255, 256, 16383, 16384, 65534, 65535, 65536]:
            with self.subTest(n):
                ws.send(frame(TEXT, padded_ping(n)))
                self.assertEqual(ws.text(), PONG_TEXT)

    def test_frame_is_understood_byte_by_byte(self):
        ws = self.client()
        ws.send_split(frame(TEXT, padded_ping(300)) + frame(PING, b"zoe") + frame(TEXT, SAY_PING))
        self.assertEqual(ws.text(), PONG_TEXT)
        self.assertEqual(ws.frame(), Frame(0x80 | PONG, b"zoe"))
        self.assertEqual(ws.text(), PONG_TEXT)

    def test_many_frames_in_one_packet_are_answered_in_order(self):
        ws = self.client()
        n = 3000
        ws.send(b"".join(frame(PING, struct.pack(">I", i)) for i in range(n)))
        for i in range(n):
            self.assertEqual(ws.frame(), Frame(0x80 | PONG, struct.pack(">I", i)))

    def test_fragments_are_one_message(self):
        text = '{"event":"pusher:subscribe","data":{"channel":"zoe-1"}}'
        pieces = [text[:1], "", text[1:20], text[20:21], text[21:], ""]
        ws = self.client()
        for opcode in (TEXT, BINARY):
            for i, piece in enumerate(pieces):
                ws.send(frame(opcode if i == 0 else CONTINUATION, piece, fin=i == len(pieces) - 1))
            self.assertEqual(ws.text(), succeeded("zoe-1"))

    def test_control_frames_may_come_between_fragments(self):
        ws = self.client()
        ws.send(frame(TEXT, SAY_PING[:5], fin=False))
        ws.send(frame(PING, b"one") + frame(PONG, b"unasked"))
        self.assertEqual(ws.frame(), Frame(0x80 | PONG, b"one"))
        ws.send(frame(CONTINUATION, SAY_PING[5:9], fin=False) + frame(PING) + frame(CONTINUATION, SAY_PING[9:]))
        self.assertEqual(ws.frame(), Frame(0x80 | PONG, b""))
        self.assertEqual(ws.text(), PONG_TEXT)

    def test_ping_is_answered_with_its_payload(self):
        ws = self.client()
        for payload in [b"", b"x", b"\xff\0\xfe", b"y" * 125]:
            ws.send(frame(PING, payload))
            self.assertEqual(ws.frame(), Frame(0x80 | PONG, payload))

    def test_pong_is_not_answered(self):
        ws = self.client()
        for payload in [b"", b"x" * 125]:
            ws.send(frame(PONG, payload))
        ws.fence()

    def test_every_fragment_is_unmasked_with_its_own_key(self):
        ws = self.client()
        ws.send(frame(TEXT, SAY_PING[:3], fin=False, mask=b"abcd") + frame(CONTINUATION, SAY_PING[3:], mask=b"efgh"))
        self.assertEqual(ws.text(), PONG_TEXT)


class Violations(ServerCase):
    """A Close with the right code, and nothing of what follows is heard."""

    def assert_closed(self, data, code, reason=None):
        ws = self.client()
        ws.send(data)
        said = ws.close_frame()
        self.assertEqual(said[0], code)
        if reason:
            self.assertEqual(said[1], reason)
        ws.end()
        self.assertEqual(ws.rest(), b"")

    def test_broken_frames_are_closed_with_1002(self):
        rows = {
            "frame is not masked": [
                frame(TEXT, SAY_PING, mask=None),
                frame(PING, mask=None),
                frame(CLOSE, close_payload(1000), mask=None),
            ],
            "reserved bits are set": [frame(TEXT, SAY_PING, rsv=r) for r in range(1, 8)]
            + [frame(PING, rsv=4), frame(CONTINUATION, rsv=1)],
            "unknown opcode": [frame(op, "x") for op in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]],
            "fragmented control frame": [frame(op, fin=False) for op in [CLOSE, PING, PONG]],
            "control frame above 125 bytes": [frame(op, b"x" * 126) for op in [PING, PONG]]
            + [frame(CLOSE, close_payload(1000) + b"x" * 124)],
            "continuation without a message": [
                frame(CONTINUATION, "x"),
                frame(CONTINUATION, fin=False),
                frame(TEXT, SAY_PING[:-1] + " }", fin=True) + frame(CONTINUATION),
            ],
            "new message inside a fragmented one": [
                frame(TEXT, "x", fin=False) + frame(op, SAY_PING, fin=fin)
                for op in [TEXT, BINARY]
                for fin in [True, False]
            ],
            "length in too long a form": [
                b"\x81\xfe\0\x05" + b"\0" * 9,
                b"\x81\xfe\0\x7d",
                b"\x81\xff" + b"\0" * 7 + b"\x05",
                b"\x82\xff" + struct.pack(">Q", 65535),
            ],
            "length with its top bit set": [b"\x81\xff\x80" + b"\0" * 7, b"\x82\xff" + b"\xff" * 8],
        }
        for reason, cases in rows.items():
            for data in cases:
                with self.subTest(reason, data=data[:12]):
                    if "inside" in reason or "without" in reason and len(data) > 20:
                        self.assert_last_close(data, reason)
                    else:
                        self.assert_closed(data, 1002, reason)

    def assert_last_close(self, data, reason):
        """The same, behind an answer to what was right."""
        ws = self.client()
        ws.send(data)
        f = ws.frame()
        while f.opcode != CLOSE:
            f = ws.frame()
        self.assertEqual(f.payload, close_payload(1002, reason))

    def test_violation_is_seen_in_the_first_byte_that_shows_it(self):
        for data, reason in [
            (b"\xc1", "reserved bits are set"),
            (b"\x83", "unknown opcode"),
            (b"\x81\x05", "frame is not masked"),
            (b"\x89\xfe", "control frame above 125 bytes"),
            (b"\x88\x81", "close frame with half a code"),
        ]:
            with self.subTest(reason):
                self.assert_closed(data, 1002, reason)

    def test_text_that_is_no_utf8_is_closed_with_1007(self):
        rows = [
            b"\xff",
            b"\x80",
            b"\xc0\xaf",
            b"\xc1\x81",
            b"\xe0\x80\xaf",
            b"\xed\xa0\x80",
            b"\xf0\x80\x80\xaf",
            b"\xf4\x90\x80\x80",
            b"\xf5\x80\x80\x80",
            b"\xc3",
            b"\xe2\x82",
            b"\xf0\x9f\x8e",
            b'{"event":"\xee\xba"}',
            b"\xfe",
            b"abc\xc3(",
        ]
        for payload in rows:
            with self.subTest(payload):
                self.assert_closed(frame(TEXT, payload), 1007, "text is not UTF-8")

    def test_character_may_be_split_between_fragments_but_not_left_unfinished(self):
        text = '{"event":"zoë ☃ 🎉"}'.encode()
        ws = self.client()
        for at in range(1, len(text)):
            ws.send(frame(TEXT, text[:at], fin=False) + frame(CONTINUATION, text[at:]))
        ws.fence()
        half = text[: text.index("ë".encode()) + 1]
        self.assert_closed(frame(TEXT, half, fin=False) + frame(CONTINUATION, b'"}'), 1007)
        self.assert_closed(frame(TEXT, b'{"\xf0\x9f', fin=False) + frame(CONTINUATION), 1007)

    def test_bad_text_is_seen_before_its_frame_is_complete(self):
        self.assert_closed(frame(TEXT, b"ab\xff" + b"x" * 5000)[:20], 1007, "text is not UTF-8")
        self.assert_closed(frame(TEXT, b"\xff", fin=False), 1007, "text is not UTF-8")

    def test_what_came_before_the_violation_is_answered(self):
        ws = self.client()
        ws.send(frame(TEXT, SAY_PING) + frame(PING, b"x") + frame(TEXT, b"\xff") + frame(TEXT, SAY_PING))
        self.assertEqual(ws.text(), PONG_TEXT)
        self.assertEqual(ws.frame(), Frame(0x80 | PONG, b"x"))
        self.assertEqual(ws.close_frame(), (1007, "text is not UTF-8"))
        ws.end()
        self.assertEqual(ws.rest(), b"")

    def test_violator_hears_the_end_of_the_stream_at_once_and_is_cut_off(self):
        ws = self.client()
        ws.send(b"\xff")
        self.assertEqual(ws.close_frame()[0], 1002)
        self.assertEqual(ws.rest(), b"")
        until(lambda: is_cut_off(ws), "the connection is gone")


def is_cut_off(stream):
    try:
        stream.send(b"x")
        return False
    except OSError:
        return True


class Closing(ServerCase):
    def test_close_is_echoed_with_code_and_reason_and_ends_the_stream(self):
        codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4100, 4999]
        for code in codes:
            for reason in ["", "bye", "zoë " + "x" * 118]:
                with self.subTest(code, reason=reason):
                    ws = self.client()
                    ws.send(frame(CLOSE, close_payload(code, reason)))
                    self.assertEqual(ws.close_frame(), (code, reason))
                    self.assertEqual(ws.rest(), b"")

    def test_close_without_a_code_is_echoed_without_one(self):
        ws = self.client()
        ws.send(frame(CLOSE))
        self.assertEqual(ws.frame(), Frame(0x88, b""))
        self.assertEqual(ws.rest(), b"")

    def test_code_that_may_not_be_sent_is_closed_with_1002(self):
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]:
            with self.subTest(code):
                ws = self.client()
                ws.send(frame(CLOSE, close_payload(code, "x")))
                self.assertEqual(ws.close_frame(), (1002, "close code that may not be sent"))
                self.assertEqual(ws.rest(), b"")

    def test_half_a_code_and_a_reason_that_is_no_utf8_have_their_codes(self):
        for payload, code, reason in [
            (b"\x03", 1002, "close frame with half a code"),
            (b"\x03\xe8\xff", 1007, "close reason is not UTF-8"),
            (b"\x03\xe8ab\xc3", 1007, "close reason is not UTF-8"),
        ]:
            with self.subTest(payload):
                ws = self.client()
                ws.send(frame(CLOSE, payload))
                self.assertEqual(ws.close_frame(), (code, reason))

    def test_nothing_behind_a_close_is_heard(self):
        ws, watcher = self.client(), self.client()
        for peer in (ws, watcher):
            peer.subscribe("private-a")
        ws.send(
            frame(CLOSE, close_payload(1000))
            + frame(TEXT, '{"event":"client-x","channel":"private-a","data":1}')
            + frame(PING, b"x")
            + b"\xff\xff"
        )
        self.assertEqual(ws.close_frame(), (1000, ""))
        self.assertEqual(ws.rest(), b"")
        self.server.publish("private-a", "mark")
        self.assertEqual(watcher.event()["event"], "mark")

    def test_close_may_come_between_fragments_and_byte_by_byte(self):
        ws = self.client()
        ws.send(frame(TEXT, "{", fin=False))
        ws.send_split(frame(CLOSE, close_payload(1001, "away")))
        self.assertEqual(ws.close_frame(), (1001, "away"))

    def test_answers_that_are_due_come_before_the_close(self):
        ws = self.client()
        ws.send(frame(TEXT, SAY_PING) * 3 + frame(CLOSE, close_payload(1000)))
        self.assertEqual([ws.text() for _ in range(3)], [PONG_TEXT] * 3)
        self.assertEqual(ws.close_frame(), (1000, ""))

    def test_half_closed_stream_ends_the_session(self):
        ws = self.client()
        ws.end()
        self.assertEqual(ws.rest(), b"")


class Sizes(ServerCase):
    """The limit is enforced on what is declared, before it is kept."""

    limit, setting = 65536, "websocket_max_payload_kb"

    def assert_too_big(self, ws, n):
        text = f"Message of {n} bytes exceeds the limit of {self.limit} bytes ({self.setting})"
        self.assertEqual(ws.text(), error(4000, text))
        self.assertEqual(ws.close_frame(), (1009, text))
        ws.end()
        self.assertEqual(ws.rest(), b"")

    def test_message_of_the_limit_is_read(self):
        ws = self.client()
        text, middle = padded_ping(self.limit), self.limit // 2
        for data in [frame(TEXT, text), frame(TEXT, text[:middle], fin=False) + frame(CONTINUATION, text[middle:])]:
            ws.send(data)
            self.assertEqual(ws.text(), PONG_TEXT)

    def test_message_of_one_byte_more_is_closed_with_1009_which_names_limit_size_and_setting(self):
        ws = self.client()
        ws.send(frame(TEXT, padded_ping(self.limit + 1)))
        self.assert_too_big(ws, self.limit + 1)

    def test_declared_size_is_enough(self):
        for n in [2**17, 2**32, 2**63 - 1]:
            with self.subTest(n):
                ws = self.client()
                ws.send(b"\x81\xff" + struct.pack(">Q", n))
                self.assert_too_big(ws, n)

    def test_fragments_are_added_up(self):
        first = self.limit // 3 * 2
        ws = self.client()
        ws.send(frame(TEXT, "x" * first, fin=False) + frame(CONTINUATION, "x" * (self.limit - first + 1), fin=False))
        self.assert_too_big(ws, self.limit + 1)

    def test_many_small_fragments_are_added_up(self):
        ws = self.client()
        n = self.limit // 16 + 1
        ws.send(frame(BINARY, "x" * 16, fin=False) + frame(CONTINUATION, "x" * 16, fin=False) * n)
        self.assert_too_big(ws, n * 16)

    def test_empty_fragments_are_no_message(self):
        ws = self.client()
        ws.send(frame(TEXT, SAY_PING, fin=False) + frame(CONTINUATION, fin=False) * 10000 + frame(CONTINUATION))
        self.assertEqual(ws.text(), PONG_TEXT)


class SmallFrames(Sizes):
    """The smallest of three settings counts, and gives its name."""

    settings = {"websocket_max_payload_kb": 1024, "websocket": {"max_message_size": 3000, "max_frame_size": 2000}}
    limit, setting = 2000, "websocket.max_frame_size"


class SmallMessages(Sizes):
    settings = {"websocket_max_payload_kb": 1024, "websocket": {"max_message_size": 3000}}
    limit, setting = 3000, "websocket.max_message_size"


class Masking(unittest.TestCase):
    """The harness's own arithmetic, which everything above relies on."""

    def test_frame_is_the_example_of_the_rfc(self):
        self.assertEqual(frame(TEXT, "Hello", mask=b"\x37\xfa\x21\x3d"), bytes.fromhex("818537fa213d7f9f4d5158"))
        self.assertEqual(masked(masked(b"\0abc\0", b"wxyz"), b"wxyz"), b"\0abc\0")


if __name__ == "__main__":
    unittest.main()
