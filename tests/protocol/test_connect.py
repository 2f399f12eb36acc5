"""The way in: the opening handshake, who is refused and how, and the first frame."""

import json
import re
import unittest

from harness import (
    CLOSE,
    KEY,
    PATH,
    PONG_TEXT,
    TEXT,
    WS_ACCEPT,
    ServerCase,
    Ws,
    accept_of,
    app,
    close_payload,
    error,
    frame,
    succeeded,
    until,
    upgrade_request,
)

CORS = (
    b"vary: origin, access-control-request-method, access-control-request-headers\r\naccess-control-allow-origin: *\r\n"
)


def bare(target, *headers, method="GET"):
    """A request with these headers only."""
    return ("\r\n".join([f"{method} {target} HTTP/1.1", *headers]) + "\r\n\r\n").encode()


class Handshake(ServerCase):
    def test_upgrade_is_answered_with_exactly_these_lines(self):
        ws = self.ws()
        self.assertEqual(
            re.sub(rb"date: [^\r]+\r\n", b"", ws.head),
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-accept: " + WS_ACCEPT.encode() + b"\r\n" + CORS + b"\r\n",
        )

    def test_upgrade_takes_up_the_first_subprotocol_that_is_offered(self):
        ws = self.ws(headers=["Sec-WebSocket-Protocol: one , two"])
        self.assertIn(b"\r\nsec-websocket-protocol: one\r\n", ws.head)

    def test_upgrade_declines_every_extension(self):
        ws = self.ws(headers=["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"])
        self.assertNotIn(b"sec-websocket-extensions", ws.head)
        self.assertIn("established", ws.text())

    def test_upgrade_understands_headers_in_any_case_and_in_lists(self):
        for upgrade, connection in [
            ("WebSocket", "keep-alive, Upgrade"),
            ("websocket", "UPGRADE"),
            ("h2c, websocket", "upgrade"),
        ]:
            with self.subTest(upgrade=upgrade, connection=connection), self.server.http() as http:
                http.send(
                    bare(
                        PATH,
                        f"upgrade: {upgrade}",
                        f"CONNECTION: {connection}",
                        "sec-websocket-key: abc",
                        "sec-websocket-version: 13",
                    )
                )
                head = http.take_until(b"\r\n\r\n")
                self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
                self.assertIn(b"sec-websocket-accept: " + accept_of("abc").encode(), head)

    def test_upgrade_is_understood_byte_by_byte(self):
        with self.server.connect() as stream:
            stream.send_split(upgrade_request(self.server.port))
            self.assertTrue(stream.take_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))

    def test_frames_in_the_packet_of_the_upgrade_are_answered(self):
        said = frame(TEXT, '{"event":"pusher:ping"}') + frame(CLOSE, close_payload(1000))
        ws = self.closing(Ws(self.server.port, behind=said))
        self.assertIn("established", ws.text())
        self.assertEqual(ws.text(), PONG_TEXT)
        self.assertEqual(ws.close_frame(), (1000, ""))

    def test_upgrade_is_possible_behind_other_requests(self):
        with self.server.http() as http:
            http.send(bare("/live") + bare("/up") + upgrade_request(self.server.port))
            self.assertEqual([http.answer().status, http.answer().status], [200, 200])
            self.assertTrue(http.take_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))

    def test_request_that_is_no_handshake_is_told_why(self):
        good = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "abc",
            "Sec-WebSocket-Version": "13",
        }
        rows = [
            ({"Upgrade": None}, "Missing Upgrade header"),
            ({"Upgrade": "h2c"}, "Invalid Upgrade header"),
            ({"Connection": None}, "Missing Connection header"),
            ({"Connection": "keep-alive"}, "Invalid Connection header"),
            ({"Sec-WebSocket-Key": None}, "Missing Sec-WebSocket-Key"),
            ({"Sec-WebSocket-Version": None}, "Missing Sec-WebSocket-Version"),
            ({"Sec-WebSocket-Version": "8"}, "Unsupported WebSocket version"),
        ]
        for change, text in rows:
            with self.subTest(text), self.server.http() as http:
                headers = [f"{n}: {v}" for n, v in {**good, **change}.items() if v]
                answer = http.ask(bare(PATH, *headers))
                version = b"sec-websocket-version: 13\r\n" if "Unsupported" in text else b""
                self.assertEqual(
                    answer.dateless(),
                    b"HTTP/1.1 400 Bad Request\r\n"
                    + version
                    + CORS
                    + b"content-length: %d\r\n\r\n" % len(text)
                    + text.encode(),
                )
                self.assertEqual(http.ask(bare("/live")).status, 200, "the connection goes on")

    def test_only_get_upgrades(self):
        with self.server.http() as http:
            self.assertEqual(
                http.ask(bare("/app/app-key", method="HEAD"), has_body=False).dateless(),
                b"HTTP/1.1 405 Method Not Allowed\r\n" + CORS + b"content-length: 18\r\n\r\n",
            )
            answer = http.ask(bare("/app/app-key", "Content-Length: 0", method="POST"))
            self.assertEqual((answer.status, answer.header("allow"), answer.body), (405, "GET,HEAD", b""))

    def test_other_paths_are_unknown(self):
        for path in ["/app", "/app/", "/app/app-key/x", "/pusher/app/app-key/1/x/xhr", "/App/app-key", "/apps/app-key"]:
            with self.subTest(path), self.server.http() as http:
                answer = http.ask(upgrade_request(self.server.port, path))
                self.assertEqual((answer.status, answer.body), (404, b"404 NOT FOUND"))

    def test_key_is_one_segment_percent_decoded_with_or_without_a_slash(self):
        for path in ["/app/app-key", "/app/app-key/", "/app/%61pp%2Dkey?protocol=7", "/app/app-key/?protocol=7"]:
            with self.subTest(path):
                self.client(path)


class Query(ServerCase):
    def test_query_of_a_client_of_the_first_protocol_is_accepted(self):
        rows = [
            "",
            "?",
            "?protocol=7",
            "?protocol=0",
            "?protocol=1",
            "?protocol=3",
            "?protocol=007",
            "?protocol=%37",
            "?protocol=255",
            "?client=js&version=8.6.0&flash=false",
            "?version=1.1",
            "?other=1&other=2",
            "?format=nonsense",
            "?append_mode=x",
            "?append_rollup_window=7",
            "?echo_messages=true",
            "?echo_messages=false",
        ]
        for query in rows:
            with self.subTest(query):
                self.client("/app/app-key" + query)

    def test_query_with_a_value_that_cannot_be_read_is_refused_before_the_upgrade(self):
        rows = [
            ("protocol=abc", "protocol: invalid digit found in string"),
            ("protocol=-1", "protocol: invalid digit found in string"),
            ("protocol=7.0", "protocol: invalid digit found in string"),
            ("protocol=256", "protocol: number too large to fit in target type"),
            ("protocol=300", "protocol: number too large to fit in target type"),
            ("protocol=", "protocol: cannot parse integer from empty string"),
            ("echo_messages=yes", "echo_messages: provided string was not `true` or `false`"),
            ("echo_messages=", "echo_messages: provided string was not `true` or `false`"),
            ("protocol=7&protocol=7", "duplicate field `protocol`"),
        ]
        for query, text in rows:
            with self.subTest(query), self.server.http() as http:
                answer = http.ask(upgrade_request(self.server.port, "/app/app-key?" + query))
                self.assertEqual(answer.status, 400)
                self.assertEqual(answer.body.decode(), "Failed to deserialize query string: " + text)
                self.assertEqual(answer.header("content-type"), "text/plain; charset=utf-8")


class Refusals(ServerCase):
    """After the 101: an error frame and a Close with the same code and text, each once."""

    apps = [
        app(),
        app("off", "key-off", enabled=False),
        app("full", "key-full", max_connections=2),
        app("home", "key-home", allowed_origins=["https://example.com", "*.example.org"]),
    ]

    def assert_refused(self, target, code, text, headers=()):
        ws = self.ws(target, headers)
        self.assertEqual(ws.text(), error(code, text))
        self.assertEqual(ws.closed(), (code, text))

    def test_unknown_key_is_refused_with_4001(self):
        for key in ["nope", "app-keyy", "APP-KEY", "app-id", "%00"]:
            with self.subTest(key):
                self.assert_refused(f"/app/{key}?protocol=7", 4001, "Application does not exist")

    def test_disabled_app_is_refused_with_4003(self):
        self.assert_refused("/app/key-off", 4003, "Application disabled")

    def test_foreign_origin_is_refused_with_4009(self):
        for headers in [
            [],
            ["Origin: https://example.net"],
            ["Origin: https://example.com:8443"],
            ["Origin: https://a.example.org.evil"],
        ]:
            with self.subTest(headers):
                self.assert_refused("/app/key-home", 4009, "Origin not allowed", headers)

    def test_origin_that_fits_a_pattern_is_accepted(self):
        for origin in ["https://example.com", "HTTPS://EXAMPLE.COM", "https://example.org", "http://a.b.example.org"]:
            with self.subTest(origin):
                self.client("/app/key-home", [f"Origin: {origin}"])

    def test_origin_does_not_matter_to_an_app_that_names_none(self):
        self.client(headers=["Origin: https://anywhere.example"])

    def test_token_of_the_second_protocol_is_refused_with_4009(self):
        self.assert_refused(
            "/app/app-key?protocol=7&token=x", 4009, "Authentication error: capability tokens require protocol V2"
        )

    def test_second_protocol_is_refused_with_4007(self):
        self.assert_refused("/app/app-key?protocol=2", 4007, "Unsupported protocol version")

    def test_app_over_its_quota_is_refused_with_4004(self):
        first = self.server.client("/app/key-full")
        second = self.server.client("/app/key-full")
        self.assert_refused("/app/key-full", 4004, "Application is over connection quota")
        self.assert_refused("/app/key-full", 4004, "Application is over connection quota")
        self.client()  # of another app
        first.close()
        until(lambda: self.is_accepted("/app/key-full"), "a place became free")
        second.close()

    def is_accepted(self, target):
        with self.server.ws(target) as ws:
            return "established" in ws.text()

    def test_words_of_a_refused_client_are_not_heard(self):
        ws = self.ws("/app/nope")
        ws.say('{"event":"pusher:ping"}')
        ws.say({"event": "pusher:subscribe", "data": {"channel": "a"}})
        self.assertEqual(ws.event()["event"], "pusher:error")
        self.assertEqual(ws.closed()[0], 4001)

    def test_refused_client_that_stays_is_cut_off(self):
        ws = self.ws("/app/nope")
        ws.text()
        ws.close_frame()
        self.assertEqual(ws.rest(), b"")


class Quotas(ServerCase):
    """A place is free as soon as the session is over, whether or not the peer hangs up."""

    apps = [
        app(max_connections=1, enable_client_messages=True, max_client_events_per_second=1, terminate_on_limit=True)
    ]
    settings = {"max_connections": 1, "websocket": {"close_grace_ms": 60000}, "shutdown_grace_period": 0}

    def test_place_of_a_session_is_free_once_its_close_is_answered(self):
        first = self.client()
        first.send(frame(CLOSE, close_payload(1000)))
        self.assertEqual(first.close_frame(), (1000, ""))
        self.client().close()

    def test_place_of_a_session_that_was_closed_is_free_at_once(self):
        first = self.client()
        for _ in range(2):
            first.say({"event": "client-x", "channel": "private-a"})
        first.text()
        first.text()
        self.assertEqual(first.close_frame()[0], 4301)
        self.client().close()


class Capacity(ServerCase):
    settings = {"max_connections": 3}

    def test_full_node_refuses_with_4100_until_a_place_is_free(self):
        held = [self.server.client() for _ in range(3)]
        for _ in range(2):
            ws = self.ws()
            self.assertEqual(ws.text(), error(4100, "Over capacity"))
            self.assertEqual(ws.closed(), (4100, "Over capacity"))
        held.pop().reset()
        until(self.is_accepted, "a place became free")
        for ws in held:
            ws.fence()
            ws.close()

    def is_accepted(self):
        with self.server.ws() as ws:
            return "established" in ws.text()


class Established(ServerCase):
    settings = {"activity_timeout": 77}

    def test_first_frame_is_exactly_this(self):
        pattern = r'\{"event":"pusher:connection_established","data":"\{\\"socket_id\\":\\"\d{1,11}\.\d{1,11}\\",\\"activity_timeout\\":77\}"\}'
        self.assertRegex(self.ws().text(), "^" + pattern + "$")

    def test_socket_ids_are_all_different_and_in_range(self):
        seen = set()
        for _ in range(50):
            ws = self.client()
            seen.add(ws.socket_id)
            self.assertTrue(all(int(n) <= 10**10 for n in ws.socket_id.split(".")), ws.socket_id)
            ws.close()
        self.assertEqual(len(seen), 50)

    def test_nothing_else_comes_by_itself(self):
        ws = self.client()
        ws.fence()
        ws.ask("a")
        self.assertEqual(ws.text(), succeeded("a"))


class Defaults(ServerCase):
    def test_activity_timeout_is_120(self):
        self.assertEqual(json.loads(self.ws().event()["data"])["activity_timeout"], 120)

    def test_key_of_the_demo_app(self):
        self.assertEqual(KEY, "app-key")


if __name__ == "__main__":
    unittest.main()
