"""Who may use the HTTP API: signatures, in the documented order of checks, with the exact texts."""

import hashlib
import time
import unittest

from harness import SECRET, ServerCase, app, compact, request, sign_request

EVENTS = "/apps/app-id/events"
CHANNELS = "/apps/app-id/channels"
EVENT = {"name": "my-event", "channel": "my-channel", "data": '{"hello":"world"}'}
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"

UNKNOWN = (404, "app_not_found", "Application key not found or invalid: Invalid app key")
MISSING_QUERY = (400, "invalid_input", "Missing authentication query parameters")
EMPTY_QUERY = (400, "invalid_input", "Query string is empty or invalid")
OTHER_APP = (401, "auth_failed", "Authenticated app does not match route app_id")
NO_TIMESTAMP = (401, "auth_failed", "auth_timestamp is missing")
BAD_TIMESTAMP = (401, "auth_failed", "Invalid auth_timestamp format")
EXPIRED = (401, "auth_failed", "Timestamp expired or too far in the future")
NO_MD5 = (
    401,
    "auth_failed",
    "body_md5 is required and must be non-empty in query parameters for POST requests with a non-empty body",
)
BAD_MD5 = (401, "auth_failed", "body_md5 mismatch")
BAD_SIGNATURE = (401, "auth_failed", "Invalid API signature")
DISABLED = (403, "forbidden", "Application disabled")


def unwanted_md5(method):
    return (401, "auth_failed", f"body_md5 must not be present in query parameters for {method} requests")


class Signing(ServerCase):
    apps = [
        app(),
        app("other", "key-2", "secret-2"),
        app("off", "key-off", "secret-off", enabled=False),
        app("3", "numeric", "s"),
    ]

    def assert_refused(self, answer, why):
        status, code, text = why
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.body.decode(), compact({"error": text, "code": code, "status": status}))
        self.assertEqual(answer.header("content-type"), "application/json")
        self.assertEqual(answer.header("access-control-allow-origin"), "*")
        self.assertIsNone(answer.header("connection"))

    def raw(self, method, target, body=b""):
        with self.server.http() as http:
            head = (
                f"{method} {target} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            return http.ask(head.encode() + body, method != "HEAD")

    def test_good_signature_is_accepted(self):
        self.assertEqual(self.server.post(EVENTS, EVENT).body, b'{"ok":true}')
        self.assertEqual(self.server.get(CHANNELS).body, b'{"channels":{}}')
        self.assertEqual(self.server.get("/apps/3/channels", key="numeric", secret="s").status, 200)

    def test_query_that_is_missing_or_empty(self):
        for target, why in [
            ("", MISSING_QUERY),
            ("?", EMPTY_QUERY),
            ("?&", EMPTY_QUERY),
            ("?&&&", EMPTY_QUERY),
            ("?a=b", UNKNOWN),
            ("?a", UNKNOWN),
        ]:
            for method, path in [("POST", EVENTS), ("GET", CHANNELS)]:
                with self.subTest(target, method=method):
                    self.assert_refused(self.raw(method, path + target), why)

    def test_authentication_parameters_may_not_repeat(self):
        for name in ["auth_key", "auth_timestamp", "auth_version", "body_md5", "auth_signature"]:
            with self.subTest(name):
                why = (400, "invalid_input", f"Invalid authentication query parameters: duplicate field `{name}`")
                self.assert_refused(self.raw("POST", f"{EVENTS}?{name}=a&{name}=b"), why)

    def test_each_part_that_is_wrong_has_its_refusal(self):
        rows = [
            ({"auth_key": None}, UNKNOWN),
            ({"auth_key": ""}, UNKNOWN),
            ({"auth_key": "nope"}, UNKNOWN),
            ({"auth_key": "APP-KEY"}, UNKNOWN),
            ({"auth_key": "app-id"}, UNKNOWN),
            ({"auth_timestamp": None}, NO_TIMESTAMP),
            ({"auth_timestamp": ""}, NO_TIMESTAMP),
            ({"auth_timestamp": "x"}, BAD_TIMESTAMP),
            ({"auth_timestamp": "1.5"}, BAD_TIMESTAMP),
            ({"auth_timestamp": "99999999999999999999"}, BAD_TIMESTAMP),
            ({"auth_timestamp": "0"}, EXPIRED),
            ({"auth_timestamp": "-1"}, EXPIRED),
            ({"auth_timestamp": "9223372036854775807"}, EXPIRED),
            ({"auth_timestamp": "-9223372036854775808"}, EXPIRED),
            ({"body_md5": None}, NO_MD5),
            ({"body_md5": ""}, NO_MD5),
            ({"body_md5": EMPTY_MD5}, BAD_MD5),
            ({"body_md5": "x"}, BAD_MD5),
            ({"body_md5": hashlib.md5(compact(EVENT).encode()).hexdigest().upper()}, BAD_MD5),
            ({"auth_signature": None}, BAD_SIGNATURE),
            ({"auth_signature": ""}, BAD_SIGNATURE),
            ({"auth_signature": "0" * 64}, BAD_SIGNATURE),
            ({"auth_signature": "x" * 5000}, BAD_SIGNATURE),
        ]
        for changed, why in rows:
            with self.subTest(changed=changed):
                self.assert_refused(self.server.post(EVENTS, EVENT, changed=changed), why)

    def test_first_of_several_mistakes_is_told(self):
        wrong = {"auth_key": "key-2", "auth_timestamp": "x", "body_md5": "x", "auth_signature": "x"}
        for name, value, why in [
            (None, None, OTHER_APP),
            ("auth_key", "app-key", BAD_TIMESTAMP),
            ("auth_timestamp", "0", EXPIRED),
            ("auth_timestamp", str(int(time.time())), BAD_MD5),
        ]:
            wrong.update({name: value} if name else {})
            self.assert_refused(self.server.post(EVENTS, EVENT, changed=wrong), why)
        del wrong["body_md5"]
        self.assert_refused(self.server.post(EVENTS, EVENT, changed=wrong), BAD_SIGNATURE)

    def test_window_of_the_timestamp_is_600_seconds_on_both_sides(self):
        now = int(time.time())
        for timestamp, status in [(now - 590, 200), (now + 590, 200), (now - 620, 401), (now + 620, 401)]:
            with self.subTest(timestamp - now):
                self.assertEqual(self.server.post(EVENTS, EVENT, timestamp=timestamp).status, status)

    def test_version_is_never_looked_at(self):
        for version in [None, "", "2.0"]:
            with self.subTest(version):
                self.assertEqual(self.server.post(EVENTS, EVENT, changed={"auth_version": version}).status, 200)

    def test_every_change_behind_the_signature_is_seen(self):
        good = request("POST", EVENTS, body=EVENT).decode()
        signature = good.split("auth_signature=")[1].split(" ")[0]
        rows = [
            (good.replace(signature, signature[:-1] + ("0" if signature[-1] != "0" else "1")), BAD_SIGNATURE),
            (good.replace(signature, signature.upper()), BAD_SIGNATURE),
            (good.replace(signature, signature[:-1]), BAD_SIGNATURE),
            (good.replace("hello", "jello"), BAD_MD5),
            (good.replace("?auth_key", "?foo=bar&auth_key"), BAD_SIGNATURE),
            (good.replace("auth_signature=", "foo=bar&auth_signature="), BAD_SIGNATURE),
            (good.replace("auth_signature=", "Auth_Signature="), BAD_SIGNATURE),
            (good.replace("/app-id/events", "/app-id/batch_events"), BAD_SIGNATURE),
            (good.replace("/app-id/", "/app%2Did/"), BAD_SIGNATURE),
            (good.replace("auth_version=1.0", "auth_version=1.1"), BAD_SIGNATURE),
        ]
        for data, why in rows:
            with self.subTest(data[:300]), self.server.http() as http:
                self.assertNotEqual(data, good)
                self.assert_refused(http.ask(data.encode()), why)

    def test_secret_of_another_app_does_not_fit(self):
        self.assert_refused(self.server.post(EVENTS, EVENT, secret="secret-2"), BAD_SIGNATURE)
        self.assert_refused(self.server.post(EVENTS, EVENT, key="key-2", secret="secret-2"), OTHER_APP)
        self.assert_refused(self.server.post("/apps/nope/events", EVENT), OTHER_APP)
        self.assert_refused(self.server.post("/apps/APP-ID/events", EVENT), OTHER_APP)

    def test_disabled_app_is_refused_behind_its_signature(self):
        self.assert_refused(self.server.post("/apps/off/events", EVENT, key="key-off", secret="secret-off"), DISABLED)
        self.assert_refused(self.server.get("/apps/off/channels", key="key-off", secret="secret-off"), DISABLED)
        self.assert_refused(self.server.post("/apps/off/events", EVENT, key="key-off", secret="x"), BAD_SIGNATURE)

    def test_parameters_are_signed_decoded_sorted_and_in_lower_case(self):
        rows = [
            [("filter_by_prefix", "presence-"), ("info", "user_count")],
            [("zeta", "1"), ("alpha", "2")],
            [("Zeta", "1")],
            [("filter_by_prefix", "a b"), ("x", "ë☃&=\n+%")],
            [("empty", ""), ("info[]", "x")],
        ]
        for query in rows:
            with self.subTest(query=query):
                self.assertEqual(self.server.get(CHANNELS, query).status, 200)

    def test_query_is_decoded_like_a_form(self):
        """Sent one way, signed another."""
        pairs = [("auth_key", "app-key"), ("auth_timestamp", str(int(time.time()))), ("auth_version", "1.0")]
        rows = [
            ("filter_by_prefix=a+b", [("filter_by_prefix", "a b")]),
            ("filter_by_prefix=a%20b", [("filter_by_prefix", "a b")]),
            ("filter_by_prefix=%zz%4", [("filter_by_prefix", "%zz%4")]),
            ("filter_by_prefix=%ff", [("filter_by_prefix", "\ufffd")]),
            ("filter_by_prefix=a&filter_by_prefix=b", [("filter_by_prefix", "b")]),
            ("Zeta=1&zeta=2", [("zeta", "2")]),
            ("zeta=2&Zeta=1", [("zeta", "2")]),
            ("lonely", [("lonely", "")]),
            ("%61uth_version=1.0", []),
            ("a=b=c", [("a", "b=c")]),
            ("&&a=b&", [("a", "b")]),
        ]
        for sent, meant in rows:
            with self.subTest(sent):
                base = pairs if "version" not in sent else pairs[:2]
                signature = sign_request("GET", CHANNELS, [*pairs, *meant], SECRET)
                target = "&".join(
                    [CHANNELS + "?" + "&".join(f"{n}={v}" for n, v in base), sent, "auth_signature=" + signature]
                )
                self.assertEqual(self.raw("GET", target).status, 200)

    def test_order_of_the_parameters_does_not_matter(self):
        line, rest = request("GET", CHANNELS).decode().split(" HTTP", 1)
        method, target = line.split(" ")
        path, query = target.split("?")
        back = "&".join(reversed(query.split("&")))
        with self.server.http() as http:
            self.assertEqual(http.ask(f"{method} {path}?{back} HTTP{rest}".encode()).status, 200)

    def test_trailing_slash_is_taken_off_before_signing(self):
        self.assertEqual(self.server.get(CHANNELS + "/").status, 200)
        self.assertEqual(self.server.post(EVENTS + "/", EVENT).status, 200)
        signature = request("GET", CHANNELS).decode().replace(CHANNELS + "?", CHANNELS + "/?")
        with self.server.http() as http:
            self.assertEqual(http.ask(signature.encode()).status, 200)

    def test_path_is_signed_as_it_is_sent(self):
        self.assertEqual(self.server.get("/apps/%61pp-id/channels").status, 200)
        self.assertEqual(self.server.get("/apps/app-id/channels/presence%2Droom/users").status, 200)

    def test_head_is_signed_as_head(self):
        with self.server.http() as http:
            self.assertEqual(http.call("HEAD", CHANNELS).status, 200)
            as_get = request("GET", CHANNELS).replace(b"GET", b"HEAD")
            self.assertEqual(http.ask(as_get, has_body=False).status, 401)
            self.assertEqual(http.call("GET", CHANNELS).status, 200)

    def test_get_may_have_the_body_md5_of_nothing_and_no_other(self):
        """Pusher's library for Python sends it with every GET."""
        self.assertEqual(self.server.get(CHANNELS, [("body_md5", EMPTY_MD5)]).status, 200)
        self.assert_refused(self.server.get(CHANNELS, [("body_md5", "x")]), unwanted_md5("GET"))

    def test_empty_body_may_have_its_md5_or_none(self):
        """It is no JSON then, but that is looked at later."""
        for changed in [{}, {"body_md5": None}, {"body_md5": ""}]:
            with self.subTest(changed=changed):
                self.assertEqual(self.server.post(EVENTS, "", changed=changed).status, 400)
        self.assert_refused(self.server.post(EVENTS, "", changed={"body_md5": "x"}), BAD_MD5)

    def test_signature_comes_before_everything_about_the_body(self):
        for body, content_type in [("not json", "application/json"), (compact(EVENT), "text/plain"), ("{}", None)]:
            with self.subTest(body):
                answer = self.server.post(EVENTS, body, content_type=content_type, secret="x")
                self.assert_refused(answer, BAD_SIGNATURE)

    def test_refusal_of_a_head_has_no_body(self):
        with self.server.http() as http:
            answer = http.call("HEAD", CHANNELS, secret="x")
            self.assertEqual((answer.status, answer.header("content-length")), (401, "67"))
            self.assertEqual(http.call("GET", CHANNELS).status, 200)


if __name__ == "__main__":
    unittest.main()
