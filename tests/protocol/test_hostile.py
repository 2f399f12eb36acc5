"""Bad peers hurt nobody: while they do their worst, somebody else's pings and events stay in order and complete."""

import random
import threading
import time
import unittest

from harness import (
    BINARY,
    CLOSE,
    IS_SANITIZED,
    PING,
    PONG_TEXT,
    TEXT,
    ServerCase,
    close_payload,
    compact,
    frame,
    request,
    signed,
    succeeded,
    until,
    upgrade_request,
)

SEED = 20260101
SLOW_S = 10  # no round trip of the witness may take longer, however loaded the machine is


class Witness(threading.Thread):
    """Publishes, hears what it published, and pings, again and again until it is stopped."""

    def __init__(self, server):
        super().__init__()
        self.ws, self.http = server.client(), server.http()
        self.ws.subscribe("witness")
        self.is_over = False
        self.n, self.slowest_s, self.problem = 0, 0, None
        self.start()

    def run(self):
        try:
            while not self.is_over:
                self.round()
        except Exception as problem:
            self.problem = problem

    def round(self):
        start = time.monotonic()
        event = {"name": "e", "channel": "witness", "data": str(self.n)}
        answer = self.http.ask(request("POST", "/apps/app-id/events", body=event))
        assert answer.status == 200, answer
        heard = self.ws.event()
        assert heard == {"event": "e", "channel": "witness", "data": str(self.n)}, heard
        self.ws.fence()
        self.n += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - start)
        time.sleep(0.001)

    def stop(self):
        n = self.n
        until(lambda: self.n > n + 2 or self.problem, "the witness still gets what it is owed")
        self.is_over = True
        self.join()
        self.ws.close()
        self.http.close()
        if self.problem:
            raise self.problem
        assert self.slowest_s < SLOW_S, f"a round trip took {self.slowest_s:.1f} s"


class Hostile(ServerCase):
    settings = {
        "workers": 1,
        "websocket": {"max_messages": 50},
        "http_api": {"head_timeout_ms": 1000, "body_timeout_ms": 1000},
    }

    def setUp(self):
        self.random = random.Random(SEED)
        witness = Witness(self.server)
        self.addCleanup(witness.stop)

    def tearDown(self):
        """Nothing of the bad peers is left."""
        until(
            lambda: self.server.get("/apps/app-id/channels").json() == {"channels": {"witness": {}}},
            "the channels are empty",
        )

    def noise(self, n):
        return self.random.randbytes(n)

    def send(self, peer, data):
        """As much of it as the server takes."""
        try:
            peer.send(data)
        except OSError:
            pass

    def test_noise_instead_of_requests(self):
        for _ in range(100):
            with self.server.connect() as peer:
                self.send(peer, self.noise(self.random.randrange(1, 3000)))

    def test_noise_instead_of_frames(self):
        for _ in range(100):
            with self.server.client() as ws:
                self.send(ws, self.noise(self.random.randrange(1, 3000)))

    def test_noise_inside_of_frames(self):
        for _ in range(100):
            with self.server.client() as ws:
                for _ in range(20):
                    n = self.random.choice([0, 1, 125, 126, 1000])
                    self.send(ws, frame(self.random.choice([TEXT, BINARY, PING]), self.noise(n)))

    def test_mutilated_messages(self):
        good = [
            '{"event":"pusher:subscribe","data":{"channel":"mutant","auth":"x"}}',
            '{"event":"client-x","channel":"private-a","data":{}}',
        ]
        with self.server.client() as ws:
            for _ in range(2000):
                text = bytearray(self.random.choice(good).encode())
                for _ in range(self.random.randrange(1, 4)):
                    text[self.random.randrange(len(text))] = self.random.randrange(32, 127)
                ws.send(frame(TEXT, bytes(text)))

    def test_mutilated_requests(self):
        good = request("POST", "/apps/app-id/events", body={"name": "e", "channel": "mutant", "data": "x"})
        for _ in range(300):
            data = bytearray(good)
            for _ in range(self.random.randrange(1, 4)):
                data[self.random.randrange(len(data))] = self.random.randrange(256)
            with self.server.connect() as peer:
                self.send(peer, bytes(data[: self.random.randrange(1, len(data) + 1)]))

    def test_half_frames_that_are_never_finished(self):
        peers = [self.server.client() for _ in range(100)]
        for ws in peers:
            data = frame(self.random.choice([TEXT, BINARY]), self.noise(0) + b"x" * 65000)
            ws.send(data[: self.random.randrange(1, len(data))])
        for ws in peers:
            self.random.choice([ws.close, ws.reset])()

    def test_bytes_that_drip(self):
        heads = [
            request("GET", "/apps/app-id/channels"),
            upgrade_request(self.server.port),
            b"POST /live HTTP/1.1\r\nContent-Length: 100\r\n\r\n",
        ]
        peers = [(self.server.connect(), self.random.choice(heads)) for _ in range(60)]
        for i in range(50):
            for peer, data in peers:
                self.send(peer, data[i : i + 1] or b"x")
            time.sleep(0.01)
        for peer, _ in peers:
            peer.close()

    def test_five_hundred_that_vanish(self):
        peers = []
        for i in range(500):
            ws = self.server.client()
            ws.subscribe("crowd")
            ws.subscribe("presence-crowd", '{"user_id":%d}' % (i % 50))
            peers.append(ws)
        self.random.shuffle(peers)
        for ws in peers:
            self.random.choice([ws.close, ws.reset])()

    def test_connections_that_say_nothing(self):
        peers = [self.server.connect() for _ in range(200)]
        time.sleep(0.2)
        for peer in peers:
            self.random.choice([peer.close, peer.reset])()

    def test_upgrade_that_is_abandoned(self):
        for _ in range(200):
            with self.server.connect() as peer:
                peer.send(
                    upgrade_request(self.server.port)
                    + frame(TEXT, '{"event":"pusher:subscribe","data":{"channel":"ghost"}}')
                )
                self.random.choice([peer.close, peer.reset])()

    def test_request_that_nobody_waits_for(self):
        for _ in range(200):
            with self.server.connect() as peer:
                peer.send(
                    request("POST", "/apps/app-id/events", body={"name": "e", "channel": "nobody", "data": "x"}) * 3
                )
                self.random.choice([peer.close, peer.reset])()

    def test_client_that_asks_and_does_not_read(self):
        for peer, data in [
            (self.server.http(receive_buffer=4096), request("GET", "/apps/app-id/channels") * 100),
            (self.server.ws(receive_buffer=4096), frame(TEXT, '{"event":"pusher:ping"}') * 1000),
            (
                self.server.ws(receive_buffer=4096),
                frame(TEXT, '{"event":"pusher:subscribe","data":{"channel":"flood"}}') * 1000,
            ),
        ]:
            peer.socket.settimeout(0.3)
            with self.assertRaises(OSError, msg="the server stops to listen"):
                for _ in range(2000):
                    peer.send(data)
            peer.reset()

    def test_storm_of_subscriptions(self):
        with self.server.client() as ws:
            data = b"".join(
                frame(TEXT, '{"event":"pusher:%s","data":{"channel":"storm-%d"}}' % (event, i % 97))
                for i in range(3000)
                for event in ["subscribe", "unsubscribe"]
            )
            sender = threading.Thread(target=ws.send, args=(data,))
            sender.start()
            for i in range(3000):
                self.assertEqual(ws.event()["channel"], f"storm-{i % 97}")
            sender.join()

    def test_close_frames_and_words_behind_them(self):
        for _ in range(200):
            with self.server.client() as ws:
                self.send(ws, frame(CLOSE, close_payload(1000)) + self.noise(2000))

    def test_reader_that_stops_reading_is_closed(self):
        readers = [self.server.client(receive_buffer=4096) for _ in range(5)]
        for ws in readers:
            ws.subscribe("slow")
        n = 200 if IS_SANITIZED else 400
        with self.server.http() as http:
            for _ in range(n):
                answer = http.call(
                    "POST", "/apps/app-id/events", body={"name": "big", "channel": "slow", "data": "x" * 90000}
                )
                self.assertEqual(answer.status, 200)
        for ws in readers:
            self.assertLess(len(ws.rest()), n * 90000)
            ws.close()


class HostileToManyWorkers(Hostile):
    settings = {**Hostile.settings, "workers": 4}


class SlowReaders(ServerCase):
    """A reader that stops reading has a budget."""

    settings = {"websocket": {"max_messages": 5, "close_grace_ms": 10000}, "shutdown_grace_period": 0}

    def publish(self, n):
        for i in range(n):
            self.server.publish("slow", str(i), "x" * 500000)

    def test_reader_over_its_budget_hears_close_4100_behind_what_had_begun(self):
        ws = self.client(receive_buffer=4096)
        ws.subscribe("slow")
        self.publish(30)
        heard, f = [], ws.frame()
        while f.opcode == TEXT:
            heard.append(f)
            f = ws.frame()
        self.assertEqual(f.payload, close_payload(4100, "Buffer full"))
        self.assertLess(len(heard), 30)
        ws.send(frame(CLOSE, close_payload(4100)))
        self.assertEqual(ws.rest(), b"")
        self.assertEqual(self.server.get("/apps/app-id/channels").json(), {"channels": {}})

    def test_answers_have_no_budget_because_no_further_questions_are_read(self):
        for peer, question, answer in [
            (self.client(receive_buffer=4096), frame(TEXT, '{"event":"pusher:ping"}'), server_frame(PONG_TEXT)),
            (
                self.client(receive_buffer=4096),
                frame(TEXT, '{"event":"pusher:subscribe","data":{"channel":"a"}}'),
                server_frame(succeeded("a")),
            ),
            (self.client(receive_buffer=4096), frame(PING, b"x" * 20), bytes([0x8A, 20]) + b"x" * 20),
        ]:
            with self.subTest(question):
                n = 4_000_000 // len(answer)  # more than the buffers of both sides hold
                sender = threading.Thread(target=peer.send, args=(question * n,))
                sender.start()
                time.sleep(0.3)
                self.assertTrue(peer.take(n * len(answer)) == answer * n, "all answers, and nothing else")
                sender.join()
                peer.fence()

    def test_pipelined_requests_are_all_answered_when_the_client_reads(self):
        n = 30000
        with self.server.http(receive_buffer=4096) as http:
            sender = threading.Thread(target=http.send, args=(b"GET /live HTTP/1.1\r\n\r\n" * n,))
            sender.start()
            time.sleep(0.3)
            first = http.answer()
            rest = http.take((n - 1) * len(first.raw))
            self.assertEqual(rest.count(b"HTTP/1.1 200 OK\r\n"), n - 1)
            sender.join()
            self.assertEqual(http.call("GET", "/apps/app-id/channels").status, 200)


def server_frame(text):
    """A text frame of less than 126 bytes as the server sends it."""
    return bytes([0x81, len(text)]) + text.encode()


class ForgivenReaders(ServerCase):
    settings = {"websocket": {"max_messages": 5, "disconnect_on_buffer_full": False}}

    def test_reader_over_its_budget_misses_events_and_stays(self):
        ws = self.client(receive_buffer=4096)
        ws.subscribe("slow")
        for i in range(30):
            self.server.publish("slow", str(i), "x" * 500000)
        ws.say('{"event":"pusher:unsubscribe","data":{"channel":"slow"}}')
        ws.say('{"event":"pusher:ping"}')
        heard = []
        while not heard or heard[-1] != "pusher:pong":
            heard.append(ws.event()["event"])
        self.assertEqual(
            heard[:-1], [str(i) for i in range(len(heard) - 1)], "those that it got are the first, in order"
        )
        self.assertLess(len(heard), 30)


class Strangers(ServerCase):
    """Bodies of requests that are not signed are not kept."""

    N, SENT, LENGTH = 20, 4 << 20, 5 << 20

    def begin(self, path):
        http = self.http()
        http.send(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {self.LENGTH}\r\n\r\n".encode())
        http.send(bytes(self.SENT))
        return http

    @unittest.skipIf(IS_SANITIZED, "sanitizers keep what was freed")
    def test_their_bodies_take_no_memory(self):
        forged = signed("POST", "/apps/app-id/events", body=b"{}", changed={"auth_signature": "0" * 64})
        before = self.server.resident_kb()
        peers = [self.begin(path) for path in (forged, "/apps/app-id/events", "/up", "/nothing") for _ in range(self.N)]
        self.assertEqual(self.server.get("/up", sign=False).status, 200)
        self.assertLess(self.server.resident_kb() - before, 16 << 10)
        for http in peers:
            http.send(bytes(self.LENGTH - self.SENT))
        statuses = [http.answer().status for http in peers]
        self.assertEqual(statuses, [status for status in (401, 400, 405, 404) for _ in range(self.N)])


class ManyChannels(ServerCase):
    """One client, on more channels than anybody needs."""

    N, PORTION = 100_000, 1000

    def ask_for(self, name):
        return frame(TEXT, compact({"event": "pusher:subscribe", "data": {"channel": name}}))

    def join_all(self):
        client = self.client()
        for start in range(0, self.N, self.PORTION):
            names = [f"one-of-very-many-{i}" for i in range(start, start + self.PORTION)]
            client.send(b"".join(self.ask_for(name) for name in names))
            for name in names:
                self.assertEqual(client.text(), succeeded(name))
        return client

    @unittest.skipIf(IS_SANITIZED, "sanitizers keep what was freed")
    def test_their_memory_goes_with_the_client(self):
        before = self.server.resident_kb()
        client = self.join_all()
        grown = self.server.resident_kb() - before
        client.close()
        self.server.check_emptiness()
        until(lambda: self.server.resident_kb() - before < grown / 4, f"of {grown} kB most stay")


@unittest.skipIf(IS_SANITIZED, "sanitizers keep what was freed")
class ShortOfMemory(ServerCase):
    """Clients with unfinished messages fill what the server may use, and go."""

    N, MESSAGE_BYTES, LIMIT_BYTES = 400, 65_000, 32 << 20
    settings = {
        "http_api": {
            "accept_traffic": {
                "enabled": True,
                "memory_limit_bytes": LIMIT_BYTES,
                "memory_threshold": 0.6,
                "sample_interval_ms": 20,
            }
        }
    }

    def is_refused(self):
        with self.server.connect() as peer:
            peer.send(upgrade_request(self.server.port))
            return peer.take_until(b"\r\n").startswith(b"HTTP/1.1 503 ")

    def test_newcomers_are_let_in_again_when_those_have_left(self):
        unfinished = frame(TEXT, "a" * self.MESSAGE_BYTES)[:-1]
        peers = []
        while not self.is_refused():
            self.assertLess(len(peers), self.N)
            peers.append(self.closing(self.server.connect()))
            peers[-1].send(upgrade_request(self.server.port))
            peers[-1].take_until(b"\r\n\r\n")
            peers[-1].send(unfinished)
        for peer in peers:
            peer.close()
        until(lambda: not self.is_refused(), "newcomers are refused though all have left")


if __name__ == "__main__":
    unittest.main()
