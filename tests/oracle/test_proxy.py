"""The rows of corpus.py, sent through a real nginx: we never see a request that nginx did not send.

What nginx sends for a row is seen twice: by a backend that writes it down, and by a tap between nginx and our server.
nginx keeps its connections to both, and the requests of many clients share them. So whatever we read otherwise than
nginx wrote it would be answered to the next client: each client must get the answers to its own requests, and on each
connection there must be one answer to each request and not a byte more. Twice: with nginx reading a body before it
sends it on, and with it passing it through as it comes.
"""

import re
import socket
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import asking
from corpus import ROWS
from harness import TIMEOUT_S, Server
from nginx import Nginx
from test_http import routed
from upstreams import Recorder, Tap, parse, statuses

CLIENTS = 4  # at once


def address(i):
    """A client's own, by which its requests are known."""
    return f"127.1.{i // 250}.{i % 250 + 1}"


def converse(port, i, wire):
    """Everything that comes back."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S, (address(i), 0)) as s:
        got = b""
        try:
            s.sendall(wire)
            s.shutdown(socket.SHUT_WR)
            while data := s.recv(65536):
                got += data
        except (BrokenPipeError, ConnectionResetError):
            pass
        return got


def is_http_0_9(wire):
    """nginx speaks that too: its answers have no head, so nothing tells whose they are."""
    return b" HTTP/" not in wire.split(b"\n", 1)[0]


def requests_of(connection):
    """The requests on a tapped connection, of which the last may be incomplete; what follows an upgrade is not HTTP."""
    data, found = bytes(connection.sent), []
    while data:
        request, n = parse(data)
        if not request:
            break
        found.append(request)
        data = data[n:]
        if b"\r\nUpgrade: websocket\r\n" in request.head and request.target.startswith(b"/app/"):
            break
    return found


def by_sender(requests):
    """What each client sent, in its order."""
    found = {}
    for r in sorted(requests, key=lambda r: r.number):
        found.setdefault(r.sender, []).append((r.method, r.target, r.body))
    return found


class Proxy:
    """Tests for both ways of nginx to deal with a body."""

    is_buffered = True

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        tap, recorder = Tap(cls.server.port), Recorder()
        nginx = Nginx({"ours": (tap.port, cls.is_buffered), "recorder": (recorder.port, cls.is_buffered)})
        try:
            with ThreadPoolExecutor(CLIENTS) as pool:
                cls.got = list(pool.map(lambda i: converse(nginx.ports["ours"], i, ROWS[i].wire), range(len(ROWS))))
                list(pool.map(lambda i: converse(nginx.ports["recorder"], i, ROWS[i].wire), range(len(ROWS))))
        finally:
            nginx.stop()
        tap.stop()
        recorder.stop()
        cls.connections = [(c, requests_of(c)) for c in tap.connections]
        cls.recorded = by_sender(recorder.requests)

    def seen(self):
        """The complete requests that our server was sent."""
        return by_sender(r for _, requests in self.connections for r in requests if r.is_complete)

    def test_nginx_sends_us_what_it_sends_the_recorder(self):
        seen = self.seen()
        for i, row in enumerate(ROWS):
            with self.subTest(row.name):
                self.assertEqual(seen.get(address(i), []), self.recorded.get(address(i), []))

    def test_each_request_has_one_answer(self):
        for connection, requests in self.connections:
            answers = statuses(connection.answered, [r.method for r in requests])
            n_complete = sum(r.is_complete for r in requests)
            # A body may be refused before it is complete.
            self.assertIn(len(answers), (n_complete, len(requests)), requests)

    def test_each_client_gets_the_answers_to_its_own_requests(self):
        owed, optional = {}, {}
        for connection, requests in self.connections:
            for r, status in zip(requests, statuses(connection.answered, [r.method for r in requests])):
                # Who ends its stream in the middle of a body may be gone for nginx before our answer comes.
                (owed if r.is_complete else optional).setdefault(r.sender, {})[r.number] = status
        for i, row in enumerate(ROWS):
            if is_http_0_9(row.wire):
                continue
            with self.subTest(row.name):
                found = re.findall(rb"\r\nX-From: (\d+)/(\d{3})\r\n", self.got[i])
                got = {int(number): int(status) for number, status in found}
                must, may = owed.get(address(i), {}), optional.get(address(i), {})
                self.assertEqual({**must, **{n: may[n] for n in may if n in got}}, got)

    def check_reading(self, program, as_read):
        found = asking.verdicts(program, [bytes(c.sent) for c, _ in self.connections])
        for (connection, requests), verdict in zip(self.connections, found):
            read = [(m, as_read(t), b) for m, t, b in verdict.requests]
            sent = [(r.method, routed(r.target), r.body) for r in requests if r.is_complete]
            self.assertEqual(read, sent[: len(read)])
            if verdict.end != "refused":
                self.assertEqual(len(read), len(sent))

    def test_codec_reads_what_nginx_wrote(self):
        self.check_reading(asking.ours("http1"), lambda target: target)

    def test_llhttp_reads_what_nginx_wrote(self):
        with tempfile.TemporaryDirectory(prefix="sockudo-oracle-") as folder:
            self.check_reading(asking.llhttp(folder), routed)

    def test_connections_are_shared(self):
        """Or all of this would prove nothing."""
        most = max(self.connections, key=lambda c: len(c[1]))
        self.assertGreater(len({r.sender for r in most[1]}), 5)
        self.assertGreater(len(self.seen()), 200)


class Buffered(Proxy, unittest.TestCase):
    pass


class Unbuffered(Proxy, unittest.TestCase):
    is_buffered = False
