"""SIGTERM: sessions are told to come again elsewhere, what was begun is finished, and the server leaves."""

import signal
import socket
import threading
import time
import unittest

from harness import CLOSE, IS_SANITIZED, PATH, Server, close_payload, error, frame, request, until


class Crowd(threading.Thread):
    """Peers who connect and say nothing, more and more of them, until it is stopped."""

    def __init__(self, port):
        super().__init__()
        self.port, self.n, self.is_over = port, 0, False
        self.start()

    def run(self):
        peers = []
        while not self.is_over:
            peers.append(socket.socket())
            peers[-1].setblocking(False)
            peers[-1].connect_ex(("127.0.0.1", self.port))
            self.n += 1
            if len(peers) > 400:
                for peer in peers[:200]:
                    peer.close()
                del peers[:200]
        for peer in peers:
            peer.close()

    def stop(self):
        self.is_over = True
        self.join()


class Shutdown(unittest.TestCase):
    workers = 1

    def start(self, **settings):
        server = Server(workers=self.workers, **settings)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        if server.process.poll() is None:
            server.stop()

    def drain(self, server):
        """Sends SIGTERM and waits until it is noticed everywhere."""
        server.signal()
        for _ in range(200):
            try:
                answers = {server.get("/up", sign=False).status for _ in range(4 * self.workers)}
            except OSError:
                return
            if answers == {503}:
                return
            time.sleep(0.01)
        self.fail("the signal was not noticed")

    def assert_told(self, ws):
        self.assertEqual(ws.text(), error(4200, "Server shutting down"))
        self.assertEqual(ws.close_frame(), (4200, "Server shutting down"))

    def test_server_without_connections_leaves_at_once(self):
        for number in [signal.SIGTERM, signal.SIGINT]:
            server = self.start(shutdown_grace_period=60)
            start = time.monotonic()
            server.signal(number)
            server.wait()
            self.assertLess(time.monotonic() - start, 10)

    def test_every_session_is_told_and_the_server_leaves_when_they_have_left(self):
        server = self.start(shutdown_grace_period=60)
        peers = [server.client() for _ in range(50)]
        for i, ws in enumerate(peers):
            ws.subscribe("presence-room", '{"user_id":%d}' % i)
        server.signal()
        for ws in peers:
            heard = ws.text()
            while "member_" in heard:
                heard = ws.text()
            self.assertEqual(heard, error(4200, "Server shutting down"))
            self.assertEqual(ws.close_frame(), (4200, "Server shutting down"))
            ws.send(frame(CLOSE, close_payload(4200)))
            self.assertEqual(ws.rest(), b"")
            ws.close()
        server.wait()

    def test_sessions_that_do_not_leave_are_left(self):
        server = self.start(shutdown_grace_period=1, websocket={"close_grace_ms": 300})
        ws = server.client()
        server.signal()
        self.assert_told(ws)
        server.wait()
        self.assertEqual(ws.rest(), b"")

    def test_second_signal_ends_it(self):
        server = self.start(shutdown_grace_period=60, websocket={"close_grace_ms": 60000})
        ws = server.client()
        server.signal()
        self.assert_told(ws)
        start = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - start, 10)

    def test_who_comes_at_that_moment_does_not_hurt_its_end(self):
        server = self.start(shutdown_grace_period=60)
        for _ in range(2):
            crowd = Crowd(server.port)
            self.addCleanup(crowd.stop)
            until(lambda crowd=crowd: crowd.n > 200, "the crowd comes")
        server.signal()
        until(lambda: "stopping" in server.log(), "the signal was not noticed")
        server.signal()
        server.wait()

    def test_draining_server_says_so_to_everybody(self):
        server = self.start(shutdown_grace_period=3, websocket={"close_grace_ms": 60000})
        ws = server.client()  # holds the server
        self.drain(server)
        self.assert_told(ws)
        for path, body in [("/up", b"DRAINING"), ("/up/app-id", b"DRAINING")]:
            answer = server.get(path, sign=False)
            self.assertEqual((answer.status, answer.header("x-health-check"), answer.body), (503, "DRAINING", body))
            self.assertEqual(answer.header("connection"), "close")
        self.assertEqual(server.get("/live", sign=False).status, 200)
        with server.ws() as newcomer:
            self.assertEqual(newcomer.text(), error(4100, "Server shutting down"))
            self.assertEqual(newcomer.closed(), (4100, "Server shutting down"))
        self.assertEqual(server.get("/apps/app-id/channels").status, 200)
        ws.close()

    def test_newcomers_wait_with_a_server_whose_sessions_were_all_told(self):
        """Until it leaves: so they do not come back before the next one is there."""
        server = self.start(shutdown_grace_period=4)
        peers = [server.client() for _ in range(3)]
        server.signal()
        for ws in peers:
            self.assert_told(ws)
        start = time.monotonic()
        newcomers = [server.ws() for _ in range(2)]
        for ws in newcomers:
            self.assertEqual(ws.text(), error(4100, "Server shutting down"))
        waited = time.monotonic() - start
        self.assertGreater(waited, 0.5)
        self.assertLess(waited, 5)
        for ws in [*peers, *newcomers]:
            ws.close()
        server.wait()

    def test_server_leaves_when_as_many_are_back_as_were_told(self):
        server = self.start(shutdown_grace_period=60)
        peers = [server.client() for _ in range(3)]
        server.signal()
        for ws in peers:
            self.assert_told(ws)
            ws.close()
        start = time.monotonic()
        newcomers = [server.ws() for _ in range(3)]
        for ws in newcomers:
            self.assertEqual(ws.text(), error(4100, "Server shutting down"))
            ws.close()
        self.assertLess(time.monotonic() - start, 0.9 if not IS_SANITIZED else 5)
        server.wait()

    def test_publishes_reach_those_who_are_still_there(self):
        """Sessions are closed a share after the other; meanwhile the API goes on."""
        server = self.start(shutdown_grace_period=2)
        peers = [server.client() for _ in range(300 * self.workers)]
        for ws in peers:
            ws.subscribe("room")
        server.signal()
        self.assertEqual(server.publish("room", "e"), {"ok": True})
        n_told = 0
        for ws in peers:
            heard = [ws.text()]
            while '"code":4200' not in heard[-1]:
                heard.append(ws.text())
            n_told += len(heard) == 1
            self.assertEqual(ws.close_frame(), (4200, "Server shutting down"))
            ws.close()
        self.assertLess(n_told, len(peers))
        server.wait()

    def test_no_request_is_lost(self):
        """Back-ends go on over connections that are kept alive, as a proxy does it, until nobody listens any more."""
        server = self.start(shutdown_grace_period=1)
        peers = [server.client() for _ in range(10)]
        problems, answered = [], [0] * 4

        def back_end(k):
            http = None
            while True:
                try:
                    http = http or server.http()
                except ConnectionError:
                    return
                try:
                    body = {"name": "e", "channel": "c", "data": "x"}
                    answer = http.call("POST", "/apps/app-id/events", (), body)
                    answered[k] += 1
                    if answer.status != 200:
                        problems.append(answer.raw)
                    if answer.header("connection") == "close":
                        http.close()
                        http = None
                except (OSError, EOFError) as problem:
                    problems.append(problem)
                    return

        threads = [threading.Thread(target=back_end, args=(k,)) for k in range(len(answered))]
        for thread in threads:
            thread.start()
        until(lambda: sum(answered) > 50, "no answers")
        server.signal()
        for ws in peers:
            self.assert_told(ws)
            ws.close()
        server.wait()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])

    def test_connection_that_has_just_come_may_still_ask(self):
        server = self.start(shutdown_grace_period=5, websocket={"close_grace_ms": 60000})
        ws = server.client()  # holds the server
        server.signal()
        self.assert_told(ws)
        peers = [server.http() for _ in range(2 * self.workers)]
        time.sleep(0.4)
        for http in peers:
            answer = http.ask(b"GET /up HTTP/1.1\r\n\r\n")
            self.assertEqual((answer.status, answer.header("connection")), (503, "close"))
            http.close()
        ws.close()

    def test_answers_that_are_due_are_given_and_idle_connections_closed(self):
        server = self.start(shutdown_grace_period=5)
        with server.http() as idle, server.http() as busy:
            self.assertEqual(idle.ask(b"GET /live HTTP/1.1\r\n\r\n").status, 200)
            data = request("GET", "/apps/app-id/channels")
            busy.send(data[:-4])
            time.sleep(0.1)
            server.signal()
            self.assertEqual(idle.rest(), b"")
            busy.send(data[-4:])
            answer = busy.answer()
            self.assertEqual((answer.status, answer.header("connection")), (200, "close"))
            self.assertEqual(busy.rest(), b"")


class ShutdownOfManyWorkers(Shutdown):
    workers = 4


if __name__ == "__main__":
    unittest.main()
