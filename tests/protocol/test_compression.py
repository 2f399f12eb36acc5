"""permessage-deflate (RFC 7692): what is agreed on, and compressed messages in both directions.

Every message is deflated and inflated here by itself, with a fresh window of the size that was agreed on: whatever
refers to an earlier message, or too far back, fails.
"""

import json
import random
import unittest
import zlib

from harness import (
    BINARY, CLOSE, PING, PONG, PONG_TEXT, TEXT, Frame, Server, ServerCase, Ws, close_payload, compact, error, frame,
)  # fmt: skip

CONTINUATION = 0
RSV1 = 4
TAIL = b"\0\0\xff\xff"
OFFER = "permessage-deflate"
NO_TAKEOVER = "; server_no_context_takeover; client_no_context_takeover"
PLAIN = OFFER + NO_TAKEOVER
HELLO = bytes.fromhex("f248cdc9c90700")
SAY_PING = '{"event":"pusher:ping"}'
DAMAGED = (1007, "compressed data is damaged")


def offering(*lines):
    return [f"Sec-WebSocket-Extensions: {line}" for line in lines]


def deflated(data, window_bits=15, level=6, last=False):
    """A compressed payload. last: in blocks of which the last one says so (RFC 7692, 7.2.3.4)."""
    data = data.encode() if isinstance(data, str) else data
    z = zlib.compressobj(level, zlib.DEFLATED, -window_bits)
    if last:
        return z.compress(data) + z.flush(zlib.Z_FINISH) + b"\0"
    out = z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH)
    assert out.endswith(TAIL)
    return out[:-4]


def inflated(payload, window_bits=15):
    z = zlib.decompressobj(-window_bits)
    data = z.decompress(payload + TAIL)
    assert not z.unconsumed_tail and not z.eof
    return data


def answered(ws):
    """The value of Sec-WebSocket-Extensions in the 101, or None."""
    lines = [line.split(": ", 1) for line in ws.head.decode().split("\r\n")[1:] if line]
    values = [v for n, v in lines if n.lower() == "sec-websocket-extensions"]
    assert len(values) < 2, values
    return values[0] if values else None


def hear(ws, window_bits=15):
    """(text, was it compressed) of the next message."""
    f = ws.frame()
    assert f.first in (0x81, 0xC1), f
    return (inflated(f.payload, window_bits).decode(), True) if f.first == 0xC1 else (f.payload.decode(), False)


def padded_ping(n):
    head, tail = '{"event":"pusher:ping","data":"', '"}'
    return head + "x" * (n - len(head) - len(tail)) + tail


class CompressionCase(ServerCase):
    settings = {"websocket": {"compression": "shared"}}

    def compressed(self, offer=OFFER):
        """A client with whom compression was agreed on."""
        ws = self.client(headers=offering(offer))
        self.assertIsNotNone(answered(ws))
        return ws


class Offers(CompressionCase):
    ROWS = [
        ([OFFER], PLAIN),
        ([f"{OFFER}; client_max_window_bits"], PLAIN),  # browsers
        ([f"{OFFER}; server_max_window_bits=15; client_max_window_bits=15"], f"{PLAIN}; server_max_window_bits=15"),
        ([f"{OFFER}{NO_TAKEOVER}"], PLAIN),
        ([f"{OFFER}; server_max_window_bits=10"], f"{PLAIN}; server_max_window_bits=10"),
        ([f"{OFFER}; client_max_window_bits=10, {OFFER}"], f"{PLAIN}; client_max_window_bits=10"),
        ([f"{OFFER}; client_max_window_bits=99, {OFFER}"], PLAIN),
        ([f"{OFFER}; bogus", f"{OFFER}; server_max_window_bits=9"], f"{PLAIN}; server_max_window_bits=9"),
        ([f'{OFFER}; server_max_window_bits="12"'], f"{PLAIN}; server_max_window_bits=12"),
        ([f'x; y="{OFFER}, {OFFER}", {OFFER}; client_max_window_bits=8'], f"{PLAIN}; client_max_window_bits=8"),
        ([f"{OFFER}; server_max_window_bits=8"], None),
        ([f"{OFFER}; bogus=1"], None),
        ([f"{OFFER};"], None),
        ([f"{OFFER}; server_max_window_bits=010"], None),
        ([f"{OFFER}; client_max_window_bits; client_max_window_bits"], None),
        ([f"{OFFER}; server_no_context_takeover=1"], None),
        (["x-webkit-deflate-frame"], None),
        ([""], None),
        ([], None),
    ]

    def test_first_offer_that_suits_is_taken_up(self):
        for lines, answer in self.ROWS:
            with self.subTest(lines):
                ws = self.client(headers=offering(*lines))
                self.assertEqual(answered(ws), answer)
                ws.fence()

    def test_malformed_offer_is_no_error(self):
        for line in ['";', '"', ";;;", ",,,", "=", "\\", f'{OFFER}; x="', "permessage-deflate; \x80=1"]:
            with self.subTest(line):
                ws = self.client(headers=offering(line))
                self.assertIsNone(answered(ws))
                ws.fence()

    def test_who_cannot_wait_for_the_answer_is_not_compressed(self):
        ws = self.closing(Ws(self.server.port, headers=offering(OFFER), behind=frame(PING, b"early")))
        self.assertIsNone(answered(ws))
        self.assertEqual([ws.frame().opcode, ws.frame().opcode], [TEXT, PONG])

    def test_refusals_can_be_read(self):
        ws = self.ws("/app/nobody", offering(OFFER))
        self.assertEqual(answered(ws), PLAIN)
        self.assertEqual(ws.event()["data"]["code"], 4001)
        self.assertEqual(ws.closed()[0], 4001)


class Modes(unittest.TestCase):
    WINDOWS = {
        "disabled": None, "dedicated": 15, "shared": 15, "window256b": 10, "window1kb": 10, "window2kb": 11,
        "window4kb": 12, "window8kb": 13, "window16kb": 14, "window32kb": 15,
    }  # fmt: skip

    def check(self, server, bits):
        with server.client(headers=offering(f"{OFFER}; client_max_window_bits")) as ws:
            if bits is None:
                self.assertIsNone(answered(ws))
                return
            limits = f"; server_max_window_bits={bits}; client_max_window_bits={bits}" if bits < 15 else ""
            self.assertEqual(answered(ws), PLAIN + limits)
            ws.subscribe("zoe-1")
            server.publish("zoe-1", "big", compact(list(range(9000))))
            text, was_compressed = hear(ws, bits)
            self.assertTrue(was_compressed)
            self.assertEqual(json.loads(json.loads(text)["data"]), list(range(9000)))
        with server.client(headers=offering(OFFER)) as ws:
            self.assertEqual(answered(ws), PLAIN if bits == 15 else None)

    def test_every_mode_has_its_window(self):
        for mode, bits in self.WINDOWS.items():
            with self.subTest(mode):
                server = Server(websocket={"compression": mode})
                try:
                    self.check(server, bits)
                finally:
                    server.stop()


class OffByDefault(ServerCase):
    def test_no_offer_is_taken_up(self):
        ws = self.client(headers=offering(OFFER))
        self.assertIsNone(answered(ws))
        ws.fence()

    def test_compressed_message_is_a_violation(self):
        ws = self.client(headers=offering(OFFER))
        ws.send(frame(TEXT, deflated(SAY_PING), rsv=RSV1))
        self.assertEqual(ws.closed(), (1002, "reserved bits are set"))


class Receiving(CompressionCase):
    def test_event_is_one_marked_frame_of_what_others_get_plain(self):
        plain, ws = self.client(), self.compressed()
        for peer in (plain, ws):
            peer.subscribe("zoe-1")
        data = "abc " * 60
        self.server.publish("zoe-1", "greet", data)
        text = compact({"event": "greet", "channel": "zoe-1", "data": data})
        self.assertEqual(hear(plain), (text, False))
        f = ws.frame()
        self.assertEqual(f.first, 0xC1)
        self.assertLess(len(f.payload), len(text) // 3)
        self.assertEqual(inflated(f.payload).decode(), text)

    def test_each_message_stands_for_itself(self):
        ws = self.compressed()
        ws.subscribe("zoe-1")
        for _ in range(3):
            self.server.publish("zoe-1", "same", "abc " * 60)
        first, *others = [ws.frame() for _ in range(3)]
        self.assertEqual(others, [first, first])

    def test_windows_are_kept(self):
        data = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=3000)) * 20
        for bits in range(9, 16):
            with self.subTest(bits):
                ws = self.compressed(f"{OFFER}; server_max_window_bits={bits}")
                ws.subscribe("zoe-1")
                self.server.publish("zoe-1", "far", data)
                text, was_compressed = hear(ws, bits)
                self.assertTrue(was_compressed)
                self.assertEqual(json.loads(text)["data"], data)
                ws.close()

    def test_short_messages_and_answers_are_plain(self):
        ws = self.compressed()
        ws.subscribe("zoe-1")
        for n in range(0, 40, 3):
            data = "x" * n
            self.server.publish("zoe-1", "e", data)
            text = compact({"event": "e", "channel": "zoe-1", "data": data})
            said, was_compressed = hear(ws)
            self.assertEqual(said, text)
            self.assertTrue(len(text) >= 64 or not was_compressed)
        ws.fence()
        ws.send(frame(PING, b"y" * 125))
        self.assertEqual(ws.frame(), Frame(0x80 | PONG, b"y" * 125))
        ws.say({"event": "pusher:subscribe", "data": {"channel": "private-x", "auth": "bad"}})
        self.assertFalse(hear(ws)[1])

    def test_large_roster_is_compressed(self):
        channel = "presence-room"
        for i in range(30):
            peer = self.client()
            peer.subscribe(channel, compact({"user_id": f"user-{i}", "user_info": {"name": "Zoe of the house"}}))
        plain, ws = self.client(), self.compressed()
        plain.ask(channel, compact({"user_id": "user-1"}))
        ws.ask(channel, compact({"user_id": "user-1"}))
        text, was_compressed = hear(ws)
        self.assertTrue(was_compressed)
        self.assertEqual(text, plain.text())

    def test_close_is_never_compressed(self):
        ws = self.compressed()
        ws.send(frame(CLOSE, close_payload(4000, "bye " * 30)))
        self.assertEqual(ws.frame(), Frame(0x88, close_payload(4000, "bye " * 30)))


class Sharing(CompressionCase):
    """Who is compressed and who is not hear the same."""

    def events(self, n):
        sizes = [0, 10, 50, 64, 200, 1000, 5000, 30000]
        return [
            {"name": f"event-{i}", "channel": "zoe-1", "data": compact({"i": i, "fill": "lorem " * (sizes[i % 8] // 6)})}
            for i in range(n)
        ]

    def test_all_hear_the_same_events_in_order(self):
        offers = [None, OFFER, f"{OFFER}; client_max_window_bits", f"{OFFER}; server_max_window_bits=9"]
        peers = [self.client(headers=offering(o) if o else ()) for o in offers for _ in range(3)]
        for peer in peers:
            peer.subscribe("zoe-1")
        events = self.events(80)
        for at in range(0, len(events), 10):
            answer = self.server.post("/apps/app-id/batch_events", {"batch": events[at : at + 10]})
            self.assertEqual(answer.status, 200, answer.raw)
        wanted = [compact({"event": e["name"], "channel": "zoe-1", "data": e["data"]}) for e in events]
        for i, peer in enumerate(peers):
            bits = 9 if i >= 9 else 15
            heard = [hear(peer, bits) for _ in events]
            self.assertEqual([text for text, _ in heard], wanted)
            self.assertEqual(any(was_compressed for _, was_compressed in heard), i >= 3)

    def test_client_events_cross_in_both_directions(self):
        plain, ws = self.client(), self.compressed()
        for peer in (plain, ws):
            peer.subscribe("private-zoe-1")
        event = {"event": "client-talk", "channel": "private-zoe-1", "data": {"text": "lorem ipsum " * 20}}
        ws.send(frame(TEXT, deflated(compact(event)), rsv=RSV1))
        self.assertEqual(hear(plain), (compact(event), False))
        plain.say(event)
        self.assertEqual(hear(ws), (compact(event), True))
        ws.fence()

    def test_slow_reader_gets_all_in_order(self):
        ws = self.compressed()
        ws.subscribe("zoe-1")
        noise = random.Random(2)
        wanted = []
        with self.server.http() as http:
            for i in range(400):
                data = "".join(noise.choices("0123456789abcdef", k=9000))
                event = {"name": f"event-{i}", "channel": "zoe-1", "data": data}
                self.assertEqual(http.call("POST", "/apps/app-id/events", body=event).status, 200)
                wanted.append(compact({"event": event["name"], "channel": "zoe-1", "data": data}))
        for text in wanted:
            self.assertEqual(hear(ws), (text, True))


class SharingOnManyWorkers(Sharing):
    settings = {"workers": 3, "websocket": {"compression": "dedicated"}}


class Sending(CompressionCase):
    def say(self, ws, text, opcode=TEXT, **how):
        ws.send(frame(opcode, deflated(text, **how), rsv=RSV1))

    def test_every_way_to_deflate_is_understood(self):
        ws = self.compressed()
        for opcode in (TEXT, BINARY):
            for level in range(10):
                for bits in (9, 12, 15):
                    for last in (False, True):
                        self.say(ws, padded_ping(2000), opcode, level=level, window_bits=bits, last=last)
                        self.assertEqual(ws.text(), PONG_TEXT)

    def test_every_size_is_understood(self):
        ws = self.compressed()
        for n in [40, 63, 64, 125, 126, 127, 1000, 1024, 4096, 16384, 32767, 32768, 65535, 65536]:
            with self.subTest(n):
                self.say(ws, padded_ping(n))
                self.say(ws, padded_ping(n), level=0)
                self.assertEqual([ws.text(), ws.text()], [PONG_TEXT] * 2)

    def test_compressed_and_plain_messages_take_turns(self):
        ws = self.compressed()
        for _ in range(20):
            self.say(ws, SAY_PING)
            ws.say(SAY_PING)
        self.assertEqual([ws.text() for _ in range(40)], [PONG_TEXT] * 40)

    def test_fragments_may_be_cut_anywhere(self):
        payload = deflated(SAY_PING)
        ws = self.compressed()
        for i in range(len(payload) + 1):
            ws.send(frame(TEXT, payload[:i], fin=False, rsv=RSV1) + frame(CONTINUATION, payload[i:]))
            self.assertEqual(ws.text(), PONG_TEXT)
        ws.send(frame(TEXT, b"", fin=False, rsv=RSV1))
        for i in range(len(payload)):
            ws.send(frame(CONTINUATION, payload[i : i + 1], fin=False) + frame(CONTINUATION, b"", fin=False))
        ws.send(frame(CONTINUATION, b""))
        self.assertEqual(ws.text(), PONG_TEXT)

    def test_frame_is_understood_byte_by_byte(self):
        ws = self.compressed()
        for _ in range(2):
            ws.send_split(frame(TEXT, deflated(padded_ping(900), level=0), rsv=RSV1))
            self.assertEqual(ws.text(), PONG_TEXT)

    def test_control_frames_may_come_between_fragments(self):
        payload = deflated(SAY_PING)
        ws = self.compressed()
        ws.send(frame(TEXT, payload[:5], fin=False, rsv=RSV1) + frame(PING, b"one"))
        self.assertEqual(ws.frame(), Frame(0x80 | PONG, b"one"))
        ws.send(frame(CONTINUATION, payload[5:9], fin=False) + frame(PING) + frame(CONTINUATION, payload[9:]))
        self.assertEqual(ws.frame(), Frame(0x80 | PONG, b""))
        self.assertEqual(ws.text(), PONG_TEXT)

    def test_many_messages_in_one_packet_are_answered_in_order(self):
        ws = self.compressed()
        one = frame(TEXT, deflated(SAY_PING), rsv=RSV1)
        ws.send(b"".join(one + frame(PING, b"%d" % i) for i in range(500)))
        for i in range(500):
            self.assertEqual(ws.text(), PONG_TEXT)
            self.assertEqual(ws.frame(), Frame(0x80 | PONG, b"%d" % i))

    def assert_violation(self, sent, said):
        ws = self.compressed()
        ws.send(sent)
        self.assertEqual(ws.closed(), said)

    def test_mark_belongs_on_the_first_frame_of_a_message_alone(self):
        rows = {
            "continuation": frame(TEXT, HELLO[:3], fin=False, rsv=RSV1) + frame(CONTINUATION, HELLO[3:], rsv=RSV1),
            "of a plain one": frame(TEXT, b"x", fin=False) + frame(CONTINUATION, HELLO, rsv=RSV1),
            "ping": frame(PING, b"", rsv=RSV1),
            "pong": frame(PONG, HELLO, rsv=RSV1),
            "close": frame(CLOSE, close_payload(1000), rsv=RSV1),
            "with RSV2": frame(TEXT, HELLO, rsv=RSV1 | 2),
            "with RSV3": frame(TEXT, HELLO, rsv=RSV1 | 1),
            "RSV2": frame(TEXT, b"x", rsv=2),
        }
        for name, sent in rows.items():
            with self.subTest(name):
                self.assert_violation(sent, (1002, "reserved bits are set"))

    def test_damaged_data_closes_with_1007(self):
        long = deflated(padded_ping(3000))
        rows = [b"", b"\xff", b"Hello", SAY_PING.encode(), HELLO[:-1], long[:-1], long[: len(long) // 2], b"\x07" + long]
        for payload in rows:
            with self.subTest(payload[:10]):
                self.assert_violation(frame(TEXT, payload, rsv=RSV1), DAMAGED)

    def test_earlier_messages_are_not_remembered(self):
        z = zlib.compressobj(9, zlib.DEFLATED, -15)
        first, second = [(z.compress(SAY_PING.encode()) + z.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(2)]
        self.assertLess(len(second), len(first))
        ws = self.compressed()
        ws.send(frame(TEXT, first, rsv=RSV1))
        self.assertEqual(ws.text(), PONG_TEXT)
        ws.send(frame(TEXT, second, rsv=RSV1))
        self.assertEqual(ws.closed(), DAMAGED)

    def test_inflated_text_must_be_utf8(self):
        for text in [b"\xff", b"ok \xc3\x28", b"\xe2\x98", b"\xed\xa0\x80"]:
            with self.subTest(text):
                self.assert_violation(frame(TEXT, deflated(text), rsv=RSV1), (1007, "text is not UTF-8"))

    def assert_too_big(self, ws, n):
        text = f"Message of {n} bytes exceeds the limit of 65536 bytes (websocket_max_payload_kb)"
        self.assertEqual(ws.text(), error(4000, text))
        self.assertEqual(ws.closed(), (1009, text))

    def test_limit_counts_what_is_inflated(self):
        for level in (0, 9):
            with self.subTest(level):
                ws = self.compressed()
                self.say(ws, padded_ping(65537), level=level)
                self.assert_too_big(ws, 65537)

    def test_bomb_stops_at_the_limit(self):
        bomb = deflated(bytes(64 << 20), level=9)
        self.assertLess(len(bomb), 66000)
        before = self.server.resident_kb()
        for _ in range(5):
            ws = self.compressed()
            ws.send(frame(BINARY, bomb, rsv=RSV1))
            self.assert_too_big(ws, 65537)
        self.assertLess(self.server.resident_kb() - before, 8192)

    def test_longer_than_it_could_be_is_refused_unseen(self):
        ws = self.compressed()
        ws.send(frame(BINARY, bytes(65536 + 8192 + 65), rsv=RSV1)[:14])
        self.assert_too_big(ws, 65536 + 8192 + 65)


if __name__ == "__main__":
    unittest.main()
