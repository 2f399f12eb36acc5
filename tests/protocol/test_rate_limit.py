"""Requests of one client, counted in windows: what answers say, and when it is too much."""

import json
import re
import signal
import unittest

from harness import APP_ID, PATH, Http, ServerCase, request, until, upgrade_request

LIMITS = {
    "enabled": True,
    "driver": "memory",
    "api_rate_limit": {"max_requests": 3, "window_seconds": 3600},
    "websocket_rate_limit": {"max_requests": 2, "window_seconds": 3600},
}
TOO_MANY = b'{"error":"Too Many Requests","message":"Rate limit exceeded. Please try again later."}'
EVENT = {"name": "my-event", "channel": "my-channel", "data": "x"}


def from_client(address):
    return [f"X-Forwarded-For: {address}"]


def rate(answer):
    return tuple(answer.header(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset"))


def seconds_hidden(answer):
    """What came, without its date and with the seconds that passed since the window began left out."""
    return re.sub(rb"(x-ratelimit-reset|retry-after): 35\d\d\r\n", rb"\1: <seconds>\r\n", answer.dateless())


class Limited(ServerCase):
    """Each test is a client with an address of its own."""

    settings = {"rate_limiter": LIMITS, "workers": 2}

    def publish(self, client):
        with self.server.http() as http:
            return http.call("POST", f"/apps/{APP_ID}/events", body=EVENT, headers=from_client(client))

    def upgrade(self, client, target=PATH):
        with self.server.http() as http:
            http.send(upgrade_request(self.server.port, target, from_client(client)))
            return Http.answer(http)

    def test_answers_of_the_api_say_what_is_left(self):
        answers = [self.publish("192.0.2.1") for _ in range(3)]
        self.assertEqual([a.status for a in answers], [200, 200, 200])
        self.assertEqual(rate(answers[0]), ("3", "2", "3600"))
        self.assertEqual([rate(a)[:2] for a in answers[1:]], [("3", "1"), ("3", "0")])
        self.assertEqual(
            [n for n, _ in answers[0].headers],
            ["content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "vary"]
            + ["access-control-allow-origin", "content-length", "date"],
        )

    def test_one_request_too_many_is_refused_in_the_original_words(self):
        for _ in range(3):
            self.publish("192.0.2.2")
        self.assertEqual(
            seconds_hidden(self.publish("192.0.2.2")),
            b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nx-ratelimit-limit: 3\r\n"
            b"x-ratelimit-remaining: 0\r\nx-ratelimit-reset: <seconds>\r\nretry-after: <seconds>\r\n"
            b"vary: origin, access-control-request-method, access-control-request-headers\r\n"
            b"access-control-allow-origin: *\r\ncontent-length: 86\r\n\r\n" + TOO_MANY,
        )

    def test_upgrades_have_a_count_of_their_own(self):
        self.publish("192.0.2.3")
        self.assertEqual([rate(self.upgrade("192.0.2.3"))[:2] for _ in range(2)], [("2", "1"), ("2", "0")])
        refused = self.upgrade("192.0.2.3")
        self.assertEqual((refused.status, refused.body), (429, TOO_MANY))
        self.assertEqual(self.publish("192.0.2.3").header("x-ratelimit-remaining"), "1")

    def test_the_head_of_an_upgrade_is_the_original_one(self):
        answer = self.upgrade("192.0.2.4")
        self.assertEqual(answer.status, 101)
        self.assertEqual(
            [n for n, _ in answer.headers],
            ["upgrade", "connection", "sec-websocket-accept", "x-ratelimit-limit", "x-ratelimit-remaining"]
            + ["x-ratelimit-reset", "vary", "access-control-allow-origin", "date"],
        )

    def test_a_refusal_comes_before_everything_else(self):
        http = self.http()
        bad = [request("GET", "/apps/nobody/channels", sign=False, headers=from_client("192.0.2.5"))] * 3
        self.assertEqual([http.ask(r).status for r in bad], [400] * 3)
        self.assertEqual(http.ask(bad[0]).status, 429)
        for _ in range(2):
            self.upgrade("192.0.2.5", "/app/nobody?protocol=abc")
        self.assertEqual(self.upgrade("192.0.2.5").status, 429)

    def test_health_and_unknown_paths_are_not_counted(self):
        http = self.http()
        for path, status in (("/up", 200), (f"/apps/{APP_ID}/nothing", 404)):
            for _ in range(5):
                answer = http.ask(f"GET {path} HTTP/1.1\r\nX-Forwarded-For: 192.0.2.6\r\n\r\n".encode())
                self.assertEqual((answer.status, rate(answer)), (status, (None, None, None)))

    def test_clients_are_counted_apart_and_together_over_all_connections(self):
        for i in range(4):
            status = self.publish("2001:db8:7::1" if i % 2 else "2001:db8:7::2").status
            self.assertEqual(status, 200 if i < 3 else 429)
        self.assertEqual(self.publish("2001:db8:8::1").status, 200)

    def test_a_refusal_is_logged_with_the_setting_that_would_lift_it(self):
        for _ in range(4):
            self.publish("192.0.2.9")
        self.assertRegex(
            self.server.log(),
            r'"API requests refused".*"client":"[0-9a-f.:]+".*"setting":"rate_limiter.api_rate_limit.max_requests"',
        )


class Default(ServerCase):
    settings = {"rate_limiter": {"enabled": True}}

    def test_the_limits_are_those_of_the_original(self):
        answer = self.http().ask(request("GET", "/apps/app-id/channels"))
        self.assertEqual(rate(answer), ("100", "99", "60"))
        with self.server.ws() as ws:
            self.assertIn(b"\r\nx-ratelimit-limit: 20\r\nx-ratelimit-remaining: 19\r\nx-ratelimit-reset: 60\r\n", ws.head)


class ShortWindow(ServerCase):
    settings = {"rate_limiter": {"enabled": True, "api_rate_limit": {"max_requests": 1, "window_seconds": 1}}}

    def test_a_window_ends(self):
        http = self.http()
        ask = lambda: http.ask(request("GET", "/apps/app-id/channels")).status  # noqa: E731
        self.assertEqual([ask(), ask()], [200, 429])
        until(lambda: ask() == 200, "the window does not end")


class Reloaded(ServerCase):
    settings = {"rate_limiter": {"enabled": False}}

    def test_limits_change_while_the_server_runs(self):
        http, file = self.http(), self.server.folder / "config.json"
        ask = lambda: http.ask(request("GET", "/apps/app-id/channels", headers=from_client("192.0.2.1")))  # noqa: E731
        self.assertEqual(rate(ask()), (None, None, None))
        for limit, trusted, expected in ((2, "loopback", "1"), (2, "none", "1"), (5, "none", "3")):
            config = json.loads(file.read_text())
            config["rate_limiter"] = {"enabled": True, "api_rate_limit": {"max_requests": limit}}
            config["trusted_proxies"] = [trusted]
            file.write_text(json.dumps(config))
            n = self.server.log().count('"reloaded"')
            self.server.signal(signal.SIGHUP)
            until(lambda: self.server.log().count('"reloaded"') > n, "no reload")
            http = self.http()
            self.assertEqual(rate(ask())[:2], (str(limit), expected))


class Off(ServerCase):
    settings = {"rate_limiter": {"enabled": True, "driver": "none"}}

    def test_nothing_is_counted(self):
        self.assertEqual(rate(self.http().ask(request("GET", "/apps/app-id/channels"))), (None, None, None))


if __name__ == "__main__":
    unittest.main()
