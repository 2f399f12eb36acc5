"""Pages of other origins: who may read an answer, and what a preflight says."""

import unittest

from harness import ServerCase, app

VARY = "origin, access-control-request-method, access-control-request-headers"
GOOD = ["https://good.example", "https://GOOD.example", "https://a.wild.example", "http://wild.example", "https://x.pre.example"]
BAD = ["https://evil.example", "https://good.example.evil", "https://wild.example.evil", "http://good.example", "null", "x" * 2000]


def cors_headers(answer):
    names = [n for n, _ in answer.headers]
    assert len(names) == len(set(names)), names
    return {n: v for n, v in answer.headers if n.startswith("access-control-") or n == "vary"}


class Everybody(ServerCase):
    def test_star_is_said_with_and_without_an_origin(self):
        for headers in ([], ["Origin: https://evil.example"]):
            for path in ("/up", "/apps/app-id/channels", "/live"):
                with self.subTest(path=path, headers=headers):
                    answer = self.server.get(path, headers=headers)
                    self.assertEqual(cors_headers(answer), {"vary": VARY, "access-control-allow-origin": "*"})

    def test_error_and_101_carry_it_and_an_unknown_path_does_not(self):
        self.assertEqual(
            cors_headers(self.server.get("/apps/app-id/channels", sign=False)),
            {"vary": VARY, "access-control-allow-origin": "*"},
        )
        self.assertIn(b"access-control-allow-origin: *\r\n", self.ws(headers=["Origin: https://a.example"]).head)
        self.assertEqual(cors_headers(self.server.get("/nope")), {})

    def test_preflight_needs_no_signature(self):
        with self.server.http() as http:
            answer = http.call("OPTIONS", "/apps/app-id/events", sign=False, headers=["Origin: https://a.example"])
        self.assertEqual((answer.status, answer.body, answer.header("allow")), (200, b"", "POST"))
        self.assertEqual(answer.header("access-control-allow-origin"), "*")
        self.assertEqual(answer.header("access-control-allow-methods"), "GET,POST,PUT,PATCH,DELETE,OPTIONS")
        self.assertIsNone(answer.header("access-control-allow-credentials"))


class Some(ServerCase):
    settings = {
        "cors": {
            "origin": ["https://good.example", "*.wild.example", "https://*.pre.example"],
            "methods": ["GET", "POST"],
            "allowed_headers": ["Content-Type", "X-Mine"],
            "credentials": True,
        }
    }

    def test_an_origin_that_matches_is_named_and_no_other(self):
        for origin in GOOD + BAD:
            with self.subTest(origin):
                answer = self.server.get("/up", headers=[f"Origin: {origin}"])
                self.assertEqual(answer.header("access-control-allow-origin"), origin if origin in GOOD else None)
                self.assertEqual(answer.header("access-control-allow-credentials"), "true")
                self.assertEqual(answer.header("vary"), VARY)

    def test_each_answer_of_a_connection_names_the_origin_of_its_own_request(self):
        with self.server.http() as http:
            for origin in [GOOD[0], None, GOOD[2], BAD[0], GOOD[0]]:
                headers = [f"Origin: {origin}"] if origin else []
                answer = http.call("GET", "/apps/app-id/channels", headers=headers)
                self.assertEqual(answer.header("access-control-allow-origin"), origin if origin in GOOD else None)

    def test_answer_that_waits_for_the_hub_names_it_too(self):
        answer = self.server.post(
            "/apps/app-id/events", {"name": "e", "channel": "c", "data": "x"}, headers=[f"Origin: {GOOD[0]}"]
        )
        self.assertEqual((answer.status, answer.header("access-control-allow-origin")), (200, GOOD[0]))

    def test_preflight_lists_what_is_configured(self):
        with self.server.http() as http:
            answer = http.call("OPTIONS", "/apps/app-id/events", sign=False, headers=[f"Origin: {GOOD[0]}"])
        self.assertEqual(answer.header("access-control-allow-methods"), "GET,POST")
        self.assertEqual(answer.header("access-control-allow-headers"), "content-type,x-mine")
        self.assertEqual(answer.header("access-control-allow-origin"), GOOD[0])


class Nobody(ServerCase):
    settings = {"cors": {"origin": []}}

    def test_no_origin_is_named(self):
        answer = self.server.get("/up", headers=["Origin: https://good.example"])
        self.assertIsNone(answer.header("access-control-allow-origin"))
        self.assertIsNone(answer.header("access-control-allow-credentials"))


class Origins(ServerCase):
    """allowed_origins of an app is about WebSockets, and is told after the 101: a page cannot read a status."""

    apps = [app(allowed_origins=["https://good.example", "*.wild.example"])]

    def test_socket_of_another_origin_is_refused_with_4009(self):
        for origin in ["https://good.example", "https://a.wild.example"]:
            self.client(headers=[f"Origin: {origin}"]).fence()
        for headers in ([], ["Origin: https://evil.example"], ["Origin: null"]):
            with self.subTest(headers):
                ws = self.ws(headers=headers)
                self.assertEqual(ws.event()["data"], {"code": 4009, "message": "Origin not allowed"})
                self.assertEqual(ws.closed(), (4009, "Origin not allowed"))


if __name__ == "__main__":
    unittest.main()
