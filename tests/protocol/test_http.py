"""HTTP/1.1 itself: where a request begins and ends, what is refused, what is kept alive, and deadlines."""

import socket
import time
import unittest

from harness import ServerCase, compact, request, signed

CORS = (
    b"vary: origin, access-control-request-method, access-control-request-headers\r\naccess-control-allow-origin: *\r\n"
)
PREFLIGHT = (
    b"vary: origin, access-control-request-method, access-control-request-headers\r\n"
    b"access-control-allow-methods: GET,POST,PUT,PATCH,DELETE,OPTIONS\r\n"
    b"access-control-allow-headers: authorization,content-type,x-requested-with,accept,x-ably-clientid,x-ably-version,x-ably-lib,"
    b"x-ably-devicetoken,ably-agent,ably-version,ably-clientid,x-idempotency-key\r\n"
    b"access-control-allow-origin: *\r\n"
)
LIVE = b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n"
LIVE_ANSWER = b"HTTP/1.1 200 OK\r\n" + CORS + b"content-length: 0\r\n\r\n"
EVENT = {"name": "e", "channel": "a", "data": "x"}
EVENTS = "/apps/app-id/events"


def refusal(status):
    return b"HTTP/1.1 " + status.encode() + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def get(path, *headers, version="1.1", method="GET"):
    return ("\r\n".join([f"{method} {path} HTTP/{version}", *headers]) + "\r\n\r\n").encode()


def post(body, *headers, content_length=True, target=None):
    """A signed publish of these bytes; headers decide how they are framed."""
    lines = [f"POST {target or signed('POST', EVENTS, body=body)} HTTP/1.1", "Content-Type: application/json", *headers]
    lines += [f"Content-Length: {len(body)}"] if content_length else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Protocol(ServerCase):
    def assert_refused(self, data, status, before=b""):
        """Answered with an empty body, and nothing that follows is handled."""
        with self.server.http() as http:
            http.send(before + data + LIVE)
            for _ in range(before.count(LIVE)):
                self.assertEqual(http.answer().dateless(), LIVE_ANSWER)
            self.assertEqual(http.answer().dateless(), refusal(status))
            self.assertEqual(http.rest(), b"")


class Routes(Protocol):
    def test_unknown_path_is_404_without_cors(self):
        rows = [
            "/",
            "/nope",
            "/apps",
            "/apps/",
            "/apps/app-id",
            "/apps/app-id/",
            "/apps/app-id/event",
            "/UP",
            "/up/a/b",
            "/live/x",
            "/live//",
            "/metrics",
            "/apps//events",
            "/apps/app-id/channels/a/events",
            "//live",
            "/up%2Fapp-id",
            "/%75p",
        ]
        for path in rows:
            for method in ["GET", "POST", "HEAD", "OPTIONS"]:
                with self.subTest(path, method=method), self.server.http() as http:
                    answer = http.ask(get(path, method=method), method != "HEAD")
                    body = b"" if method == "HEAD" else b"404 NOT FOUND"
                    self.assertEqual(
                        answer.dateless(),
                        b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\n" + body,
                    )

    def test_other_method_is_405_with_the_methods_that_there_are(self):
        rows = [
            ("POST", "/up", b"GET,HEAD"),
            ("DELETE", "/live", b"GET,HEAD"),
            ("PUT", "/apps/app-id/channels", b"GET,HEAD"),
            ("PATCH", "/up/app-id", b"GET,HEAD"),
            ("POST", "/app/app-key", b"GET,HEAD"),
            ("TRACE", "/up", b"GET,HEAD"),
            ("CONNECT", "/up", b"GET,HEAD"),
            ("FOO", "/up", b"GET,HEAD"),
            ("get", "/up", b"GET,HEAD"),
            ("GET", EVENTS, b"POST"),
            ("HEAD", EVENTS, b"POST"),
        ]
        for method, path, allow in rows:
            with self.subTest(method, path=path), self.server.http() as http:
                self.assertEqual(
                    http.ask(get(path, method=method), method != "HEAD").dateless(),
                    b"HTTP/1.1 405 Method Not Allowed\r\n%sallow: %s\r\ncontent-length: 0\r\n\r\n" % (CORS, allow),
                )
                self.assertEqual(http.ask(LIVE).status, 200)

    def test_options_is_a_preflight_wherever_there_is_a_route(self):
        for path, allow in [
            (EVENTS, b"POST"),
            ("/up", b"GET,HEAD"),
            ("/apps/app-id/channels", b"GET,HEAD"),
            ("/live/", b"GET,HEAD"),
        ]:
            for headers in [[], ["Origin: https://example.com", "Access-Control-Request-Method: POST"]]:
                with self.subTest(path, headers=headers), self.server.http() as http:
                    self.assertEqual(
                        http.ask(get(path, *headers, method="OPTIONS")).dateless(),
                        b"HTTP/1.1 200 OK\r\n" + PREFLIGHT + b"allow: " + allow + b"\r\ncontent-length: 0\r\n\r\n",
                    )

    def test_one_trailing_slash_is_taken_off(self):
        with self.server.http() as http:
            for path, status in [
                ("/live/", 200),
                ("/up/app-id/", 200),
                ("/up/?x=/", 200),
                ("/live//", 404),
                ("/up//", 404),
            ]:
                with self.subTest(path):
                    self.assertEqual(http.ask(get(path)).status, status)

    def test_absolute_form_of_a_target_is_understood(self):
        with self.server.http() as http:
            self.assertEqual(http.ask(get("http://example.com/live")).dateless(), LIVE_ANSWER)
            self.assertEqual(http.ask(get("http://example.com/up/app-id?x=1")).status, 200)


class Connections(Protocol):
    def test_connection_is_kept_alive_and_says_nothing_of_it(self):
        with self.server.http() as http:
            for _ in range(3):
                self.assertEqual(http.ask(LIVE).dateless(), LIVE_ANSWER)
                self.assertEqual(http.call("POST", EVENTS, body=EVENT).header("connection"), None)

    def test_connection_is_closed_when_the_client_wants_it(self):
        for header in ["Connection: close", "connection: CLOSE", "Connection: keep-alive, close"]:
            with self.subTest(header), self.server.http() as http:
                answer = http.ask(get("/live", header) + LIVE)
                self.assertEqual((answer.status, answer.header("connection")), (200, "close"))
                self.assertEqual(http.rest(), b"")

    def test_client_of_1_0_is_answered_and_closed(self):
        with self.server.http() as http:
            http.send(get("/up", version="1.0"))
            answer = http.answer()
            self.assertEqual((answer.status, answer.body, answer.header("connection")), (200, b"OK", "close"))
            self.assertEqual(http.rest(), b"")

    def test_client_of_1_0_may_be_kept_alive(self):
        with self.server.http() as http:
            for _ in range(2):
                answer = http.ask(get("/up", "Connection: keep-alive", version="1.0"))
                self.assertEqual((answer.status, answer.header("connection")), (200, "keep-alive"))

    def test_host_is_not_needed(self):
        with self.server.http() as http:
            self.assertEqual(http.ask(get("/live")).dateless(), LIVE_ANSWER)

    def test_empty_lines_before_a_request_are_skipped(self):
        with self.server.http() as http:
            self.assertEqual(http.ask(b"\r\n\r\n" + LIVE).status, 200)
            self.assertEqual(http.ask(request("POST", EVENTS, body=EVENT) + b"\r\n").status, 200)
            self.assertEqual(http.ask(LIVE).status, 200)

    def test_request_is_understood_byte_by_byte(self):
        with self.server.http() as http:
            http.send_split(request("POST", EVENTS, body=EVENT) + LIVE)
            self.assertEqual([http.answer().body, http.answer().body], [b'{"ok":true}', b""])

    def test_request_is_understood_split_anywhere(self):
        data = request("POST", EVENTS, body=EVENT)
        with self.server.http() as http:
            for at in range(1, len(data), 7):
                http.send(data[:at])
                time.sleep(0.001)
                http.send(data[at:])
                self.assertEqual(http.answer().body, b'{"ok":true}')

    def test_head_is_answered_without_a_body(self):
        with self.server.http() as http:
            http.send(get("/up", method="HEAD") + LIVE)
            self.assertEqual(http.answer(has_body=False).header("content-length"), "2")
            self.assertEqual(http.answer().dateless(), LIVE_ANSWER)

    def test_body_that_nobody_wants_is_read_and_forgotten(self):
        with self.server.http() as http:
            http.send(b"GET /live HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + LIVE)
            http.send(b"POST /nope HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + LIVE)
            self.assertEqual([http.answer().status for _ in range(4)], [200, 200, 404, 200])


class Pipelining(Protocol):
    def test_answers_are_in_the_order_of_the_requests(self):
        with self.server.http() as http:
            http.send(get("/up") + get("/up/nope") + LIVE)
            self.assertEqual(
                [(a.status, a.body) for a in (http.answer() for _ in range(3))],
                [(200, b"OK"), (404, b"NOT_FOUND"), (200, b"")],
            )

    def test_answers_that_need_the_hub_wait_for_nobody_and_pass_nobody(self):
        ws = self.client()
        ws.subscribe("a")
        requests, statuses = [], []
        for i in range(200):
            kind = i % 5
            requests.append(
                [
                    request("POST", EVENTS, body={**EVENT, "data": str(i)}),
                    get("/up/nope"),
                    request("GET", "/apps/app-id/channels/a", [("info", "subscription_count")]),
                    request("POST", EVENTS, body={**EVENT, "name": None}),
                    request("POST", EVENTS, body=EVENT, secret="x"),
                ][kind]
            )
            statuses.append([200, 404, 200, 400, 401][kind])
        with self.server.http() as http:
            http.send(b"".join(requests))
            self.assertEqual([http.answer().status for _ in requests], statuses)
        self.assertEqual([ws.event()["data"] for _ in range(40)], [str(i) for i in range(0, 200, 5)])

    def test_what_follows_a_request_that_is_no_request_is_not_answered(self):
        self.assert_refused(b"nonsense\r\n\r\n", "400 Bad Request", before=LIVE * 2)

    def test_answers_before_a_refusal_are_all_sent(self):
        with self.server.http() as http:
            http.send(request("POST", EVENTS, body=EVENT) * 10 + b"GET /\r\n\r\n" + LIVE)
            self.assertEqual([http.answer().status for _ in range(11)], [200] * 10 + [400])
            self.assertEqual(http.rest(), b"")

    def test_half_closed_client_gets_all_its_answers(self):
        for n in [1, 3, 50]:
            with self.subTest(n), self.server.http() as http:
                http.send((request("POST", EVENTS, body=EVENT) + get("/up")) * n)
                http.end()
                self.assertEqual([http.answer().body for _ in range(2 * n)], [b'{"ok":true}', b"OK"] * n)
                self.assertEqual(http.rest(), b"")

    def test_client_that_half_closes_inside_a_request_gets_what_came_before(self):
        with self.server.http() as http:
            http.send(request("POST", EVENTS, body=EVENT) + b"GET /li")
            http.end()
            self.assertEqual(http.answer().status, 200)
            self.assertEqual(http.rest(), b"")


class PipeliningOnManyWorkers(Pipelining):
    settings = {"workers": 4}


class Bodies(Protocol):
    def ask(self, head, body):
        with self.server.http() as http:
            http.send(head + body)
            answer = http.answer()
            self.assertEqual(http.ask(LIVE).status, 200, "the connection goes on")
            return answer

    def test_chunked_body_is_read(self):
        body = compact(EVENT).encode()
        rows = [
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
            b"%X\r\n%s\r\n0\r\n\r\n" % (len(body), body),
            b"00%x\r\n%s\r\n000\r\n\r\n" % (len(body), body),
            b"".join(b"1\r\n%c\r\n" % c for c in body) + b"0\r\n\r\n",
            b"5;name=value\r\n%s\r\n%x;x\r\n%s\r\n0;last\r\nTrailer: x\r\nOther: y\r\n\r\n"
            % (body[:5], len(body) - 5, body[5:]),
        ]
        for chunks in rows:
            with self.subTest(chunks):
                head = post(body, "Transfer-Encoding: chunked", content_length=False)
                self.assertEqual(self.ask(head, chunks).body, b'{"ok":true}')
                with self.server.http() as http:
                    http.send_split(head + chunks)
                    self.assertEqual(http.answer().body, b'{"ok":true}')

    def test_coding_is_understood_in_any_case(self):
        body = compact(EVENT).encode()
        head = post(body, "transfer-encoding: Chunked", content_length=False)
        self.assertEqual(self.ask(head, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)).status, 200)

    def test_client_that_expects_it_is_told_to_continue(self):
        body = compact(EVENT).encode()
        for expect in ["Expect: 100-continue", "expect: 100-CONTINUE"]:
            with self.subTest(expect), self.server.http() as http:
                http.send(post(body, expect))
                self.assertEqual(http.take_until(b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
                self.assertEqual(http.ask(body).body, b'{"ok":true}')
                self.assertEqual(
                    http.ask(post(body, expect) + body).body, b'{"ok":true}', "a body that is there is not waited for"
                )

    def test_client_of_1_0_is_not_told_to_continue(self):
        body = compact(EVENT).encode()
        with self.server.http() as http:
            http.send(post(body, "Expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0"))
            time.sleep(0.05)
            self.assertEqual(http.ask(body).body, b'{"ok":true}')

    def test_compressed_body_is_taken_as_the_bytes_that_it_is(self):
        self.assertEqual(self.server.post(EVENTS, b"\x1f\x8b\x08\0", headers=["Content-Encoding: gzip"]).status, 400)
        self.assertEqual(
            self.server.post(EVENTS, EVENT, headers=["Accept-Encoding: gzip", "X-Pusher-Library: x"]).body,
            b'{"ok":true}',
        )


class Doubtful(Protocol):
    """Where a request ends must be beyond doubt, else the connection ends."""

    def test_head_that_breaks_the_form_is_400(self):
        rows = [
            b"nonsense\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/2.0\r\n\r\n",
            b"GET / HTTP/1.2\r\n\r\n",
            b"GET / HTTP/1.1 \r\n\r\n",
            b"GET / http/1.1\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b" GET / HTTP/1.1\r\n\r\n",
            b"GET /a b HTTP/1.1\r\n\r\n",
            b"G@T / HTTP/1.1\r\n\r\n",
            b"GET \x01 HTTP/1.1\r\n\r\n",
            b"GET /\x7f HTTP/1.1\r\n\r\n",
            b"\0\0\0\0",
            b"\x16\x03\x01\x02\0\x01\0",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/1.1\nHost: a\n\n",
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\rHost: a\r\r",
            b"GET / HTTP/1.1\r\nA: b\r\n\n",
            b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n",
            b"GET / HTTP/1.1\r\n A: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
            b"GET / HTTP/1.1\r\n: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nA\r\n\r\n",
            b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: \0\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: b\x01\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
            b"GET / HTTP/1.1\r\nA\x80: b\r\n\r\n",
        ]
        for data in rows:
            with self.subTest(data):
                self.assert_refused(data, "400 Bad Request")

    def test_length_that_is_in_doubt_is_400(self):
        rows = [
            ["Content-Length: x"],
            ["Content-Length: -1"],
            ["Content-Length: +5"],
            ["Content-Length: 5 5"],
            ["Content-Length: 0x5"],
            ["Content-Length:"],
            ["Content-Length: 5, 5"],
            ["Content-Length: 99999999999999999999"],
            ["Content-Length: 5", "content-length: 6"],
            ["Content-Length: 5", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: chunked", "Content-Length: 5"],
            ["Transfer-Encoding: gzip"],
            ["Transfer-Encoding: gzip, chunked"],
            ["Transfer-Encoding: identity"],
            ["Transfer-Encoding: chunked, chunked"],
            ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: xchunked"],
            ["Transfer-Encoding:"],
        ]
        for headers in rows:
            with self.subTest(headers=headers):
                self.assert_refused(get("/live", *headers, method="POST") + b"hello", "400 Bad Request")

    def test_chunks_that_break_the_form_are_400(self):
        rows = [
            b"x\r\n",
            b"-5\r\nhello\r\n",
            b"+5\r\nhello\r\n",
            b"0x5\r\nhello\r\n",
            b" 5\r\nhello\r\n",
            b"5 \r\nhello\r\n",
            b"5\nhello\r\n",
            b"\r\n",
            b"5\r\nhelloX\r\n0\r\n\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"ffffffffffffffff1\r\n",
            b"5;\x01\r\nhello\r\n",
            b"0\r\nA: \0\r\n\r\n",
            b"0\r\n\n",
            b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
            b"0\r\n" + b"A: bbbbbbbb\r\n" * 500 + b"\r\n",
            b"0" * 5000 + b"\r\n\r\n",
        ]
        for chunks in rows:
            with self.subTest(chunks[:20]):
                self.assert_refused(
                    get("/live", "Transfer-Encoding: chunked", method="POST") + chunks, "400 Bad Request"
                )

    def test_asterisk_is_a_target_for_options_only(self):
        self.assert_refused(get("*"), "400 Bad Request")
        with self.server.http() as http:
            self.assertEqual(http.ask(get("*", method="OPTIONS")).status, 404)

    def test_length_that_is_said_twice_is_400_even_in_the_same_way(self):
        self.assert_refused(get("/live", "Content-Length: 5", "content-length: 5") + b"hello", "400 Bad Request")

    def test_other_length_header_is_no_length(self):
        with self.server.http() as http:
            self.assertEqual(http.ask(get("/live", "X-Content-Length: 5", "Content-Length2: 5")).status, 200)


class Sizes(Protocol):
    settings = {"http_api": {"request_limit_in_mb": 1, "head_limit_in_kb": 64}}

    def test_long_target_is_414(self):
        self.assert_refused(get("/" + "x" * 70000), "414 URI Too Long")
        with self.server.http() as http:
            self.assertEqual(http.ask(get("/live?" + "x" * 20000)).status, 200)

    def test_large_head_is_431(self):
        self.assert_refused(get("/live", "A: " + "x" * 500000), "431 Request Header Fields Too Large")
        self.assert_refused(
            get("/live", *[f"A{i}: {'x' * 1000}" for i in range(70)]), "431 Request Header Fields Too Large"
        )
        with self.server.http() as http:
            self.assertEqual(http.ask(get("/live", "A: " + "x" * 60000)).status, 200)

    def test_many_headers_are_431(self):
        with self.server.http() as http:
            self.assertEqual(http.ask(get("/live", *["A: b"] * 100)).status, 200)
        self.assert_refused(get("/live", *["A: b"] * 101), "431 Request Header Fields Too Large")

    def test_large_body_is_413_from_its_announcement(self):
        for headers, body in [
            (["Content-Length: 1048577"], b""),
            (["Content-Length: 99999999999"], b""),
            (["Content-Length: 1048577"], b"x" * 1048577),
            (["Content-Length: 1048577", "Expect: 100-continue"], b""),
            (["Transfer-Encoding: chunked"], b"100001\r\n"),
            (["Transfer-Encoding: chunked"], b"80000\r\n" + b"x" * 0x80000 + b"\r\n80001\r\n"),
        ]:
            with self.subTest(headers=headers, body=len(body)), self.server.http() as http:
                http.send(get(EVENTS, "Content-Type: application/json", *headers, method="POST"))
                try:
                    http.send(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it does not listen to the end
                answer = http.answer()
                self.assertEqual(
                    answer.dateless(),
                    b"HTTP/1.1 413 Payload Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
                    + CORS
                    + b"content-length: 56\r\nconnection: close\r\n\r\nFailed to buffer the request body: length limit exceeded",
                )

    def test_body_of_the_limit_is_read(self):
        with self.server.http() as http:
            http.send(get("/live", "Content-Length: 1048576", method="GET") + b"x" * 1048576)
            self.assertEqual(http.answer().status, 200)
            http.send(get("/live", "Transfer-Encoding: chunked") + b"100000\r\n" + b"x" * 1048576 + b"\r\n0\r\n\r\n")
            self.assertEqual(http.answer().status, 200)


class Deadlines(Protocol):
    settings = {"http_api": {"head_timeout_ms": 800, "body_timeout_ms": 800, "idle_timeout_ms": 800}}

    def assert_ended(self, http, answer, at_least_s=0.7):
        start = time.monotonic()
        self.assertEqual(http.answer().dateless() if answer else http.rest(), answer)
        self.assertEqual(http.rest(), b"")
        self.assertGreater(time.monotonic() - start, at_least_s)

    def test_connection_that_says_nothing_is_closed(self):
        with self.server.http() as http:
            self.assert_ended(http, b"")

    def test_head_that_is_not_finished_is_408(self):
        with self.server.http() as http:
            http.send(LIVE[:-2])
            self.assert_ended(http, refusal("408 Request Timeout"))

    def test_head_that_drips_is_408(self):
        with self.server.http() as http:
            http.socket.settimeout(0.05)
            start = time.monotonic()
            http.send(b"GET /live HTTP/1.1\r\n")
            while time.monotonic() - start < 10:
                http.send(b"A: b\r\n")
                try:
                    answer = http.answer()
                    break
                except socket.timeout:
                    pass
            self.assertEqual(answer.dateless(), refusal("408 Request Timeout"))
            self.assertLess(time.monotonic() - start, 10)

    def test_body_that_is_not_finished_is_408(self):
        for head in [get("/live", "Content-Length: 5"), get("/live", "Transfer-Encoding: chunked") + b"5\r\n"]:
            with self.server.http() as http:
                http.send(head + b"hell")
                self.assert_ended(http, refusal("408 Request Timeout"))

    def test_rest_between_requests_is_bounded(self):
        with self.server.http() as http:
            self.assertEqual(http.ask(LIVE).status, 200)
            self.assert_ended(http, b"")

    def test_busy_connection_is_not_closed(self):
        with self.server.http() as http:
            for _ in range(20):
                self.assertEqual(http.ask(LIVE).status, 200)
                time.sleep(0.05)

    def test_session_knows_no_such_deadlines(self):
        ws = self.client()
        time.sleep(1)
        ws.fence()


if __name__ == "__main__":
    unittest.main()
