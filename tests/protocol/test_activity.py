"""Liveness: silence is pinged, and any frame is a sign of life.

The 30 seconds that a client has for its answer are fixed by the protocol: what follows them is tested where the time is
virtual, in the unit tests of sessions and in the simulator.
"""

import time
import unittest

from harness import PING, PING_TEXT, PONG, PONG_TEXT, TEXT, Frame, ServerCase, app, error, frame


class Silence(ServerCase):
    settings = {"activity_timeout": 1}

    def test_silent_client_is_pinged(self):
        start = time.monotonic()
        ws = self.client()
        self.assertEqual(ws.text(), PING_TEXT)
        self.assertLess(time.monotonic() - start, 10)

    def test_client_that_answers_is_pinged_again(self):
        answers = [
            frame(TEXT, '{"event":"pusher:pong"}'),
            frame(TEXT, '{"event":"pusher:pong","data":{}}'),
            frame(TEXT, '{"event":"sockudo:pong"}'),
            frame(TEXT, '{"event":"unknown"}'),
            frame(PONG),
        ]
        peers = [(self.client(), answer) for answer in answers]
        for ws, answer in peers:
            self.assertEqual(ws.text(), PING_TEXT)
            ws.send(answer)
        for ws, _ in peers:
            self.assertEqual(ws.text(), PING_TEXT)

    def test_events_from_the_server_are_no_sign_of_life(self):
        ws = self.client()
        ws.subscribe("a")
        heard = set()
        end = time.monotonic() + 10
        while PING_TEXT not in heard and time.monotonic() < end:
            self.server.publish("a", "e")
            heard.add(ws.text())
        self.assertIn(PING_TEXT, heard)

    def test_client_that_pings_while_it_is_pinged_is_answered(self):
        ws = self.client()
        self.assertEqual(ws.text(), PING_TEXT)
        ws.say('{"event":"pusher:ping"}')
        self.assertEqual(ws.text(), PONG_TEXT)


class Talk(ServerCase):
    """Stamps are whole seconds: with less than two the pause between two words might look like silence."""

    settings = {"activity_timeout": 2}

    def test_client_that_says_anything_is_not_pinged(self):
        talking, pinging = self.client(), self.client()
        end = time.monotonic() + 3.2
        while time.monotonic() < end:
            talking.fence()
            pinging.send(frame(PING, b"x"))
            self.assertEqual(pinging.frame(), Frame(0x80 | PONG, b"x"))
            time.sleep(0.1)


class Authentication(ServerCase):
    apps = [app(enable_user_authentication=True)]
    settings = {"user_authentication_timeout": 2}

    def test_client_that_proves_nothing_in_time_is_closed(self):
        ws = self.client()
        ws.subscribe("public")
        self.assertEqual(ws.text(), error(4009, "Connection not authorized within timeout."))
        self.assertEqual(ws.closed(), (4009, "Connection not authorized within timeout."))

    def test_authorised_subscription_is_proof(self):
        peers = [self.client(), self.client()]
        peers[0].subscribe("private-a")
        peers[1].subscribe("presence-a", '{"user_id":"u"}')
        time.sleep(2.5)
        for ws in peers:
            ws.fence()


if __name__ == "__main__":
    unittest.main()
