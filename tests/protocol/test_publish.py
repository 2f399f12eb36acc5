"""POST events and batch_events: shapes, limits, answers, and that nothing is delivered of what is refused."""

import unittest

from harness import ServerCase, app, compact

EVENTS, BATCH = "/apps/app-id/events", "/apps/app-id/batch_events"
OK = b'{"ok":true}'
CORS = (
    "vary: origin, access-control-request-method, access-control-request-headers\r\naccess-control-allow-origin: *\r\n"
)
PARSE = "Failed to parse the request body as JSON: "
SHAPE = "Failed to deserialize the JSON body into the target type: "
NO_CHANNEL = "Request must contain 'channels' (list) or 'channel' (string)"


class Publish(ServerCase):
    def post(self, body, path=EVENTS, **how):
        return self.server.post(path, body, **how)

    def assert_refused(self, answer, status, code, text):
        self.assertEqual(answer.body.decode(), compact({"error": text, "code": code, "status": status}))
        self.assertEqual(answer.status, status)

    def assert_told(self, answer, status, start):
        """A plain text that begins so; what follows is free."""
        self.assertEqual((answer.status, answer.header("content-type")), (status, "text/plain; charset=utf-8"))
        self.assertTrue(answer.body.decode().startswith(start), answer.body)

    def subscriber(self, *channels):
        ws = self.client()
        for channel in channels:
            ws.subscribe(channel)
        return ws

    def heard(self, ws):
        """The names and channels that ws heard before a mark, which goes to its first channel."""
        self.server.publish("mark", "mark")
        events = []
        while not events or events[-1][1] != "mark":
            event = ws.event()
            events.append((event["channel"], event["event"], event["data"]))
        return events[:-1]


class Answers(Publish):
    def test_answer_is_exactly_this(self):
        answer = self.post({"name": "e", "channel": "a", "data": "x"})
        self.assertEqual(
            answer.dateless().decode(),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + CORS + 'content-length: 11\r\n\r\n{"ok":true}',
        )
        self.assertRegex(answer.header("date"), r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")

    def test_empty_batch_is_fine(self):
        answer = self.post({"batch": []}, BATCH)
        self.assertEqual((answer.status, answer.body), (200, b"{}"))

    def test_batch_without_questions_is_answered_with_an_empty_object(self):
        answer = self.post({"batch": [{"name": "e", "channel": "a", "data": "x"}] * 3}, BATCH)
        self.assertEqual((answer.status, answer.body), (200, b"{}"))

    def test_channels_win_over_channel(self):
        ws = self.subscriber("mark", "a", "b", "c")
        rows = [
            ({"channel": "a"}, ["a"]),
            ({"channels": ["a", "b"]}, ["a", "b"]),
            ({"channel": "c", "channels": ["b"]}, ["b"]),
            ({"channel": "a", "channels": None}, ["a"]),
            ({"channels": ["a", "a"]}, ["a", "a"]),
        ]
        for members, channels in rows:
            with self.subTest(members=members):
                self.assertEqual(self.post({"name": "e", "data": "x", **members}).body, OK)
                self.assertEqual(self.heard(ws), [(c, "e", "x") for c in channels])

    def test_unknown_members_and_those_of_later_features_are_taken(self):
        body = {
            "name": "e",
            "channel": "a",
            "data": "x",
            "foo": {"bar": [1]},
            "tags": {"k": "v"},
            "delta": True,
            "extras": {"a": 1},
            "socket_id": "1.2",
            "info": None,
            "idempotency_key": None,
            "message_id": None,
        }
        self.assertEqual(self.post(body).body, OK)

    def test_last_of_a_repeated_member_counts(self):
        ws = self.subscriber("mark", "a")
        self.assertEqual(self.post('{"name":"e","name":"f","channel":"b","channel":"a","data":1,"data":"x"}').body, OK)
        self.assertEqual(self.heard(ws), [("a", "f", "x")])

    def test_info_tells_the_counts_after_delivery(self):
        one, two = self.client(), self.client()
        one.subscribe("counted")
        two.subscribe("counted")
        one.subscribe("presence-counted", '{"user_id":"u"}')
        two.subscribe("presence-counted", '{"user_id":"u"}')
        rows = [
            (
                "subscription_count",
                {
                    "channels": {
                        "counted": {"subscription_count": 2},
                        "nobody": {"subscription_count": 0},
                        "presence-counted": {"subscription_count": 2},
                    }
                },
            ),
            ("user_count", {"channels": {"presence-counted": {"user_count": 1}}}),
            (
                " user_count , subscription_count ",
                {
                    "channels": {
                        "counted": {"subscription_count": 2},
                        "nobody": {"subscription_count": 0},
                        "presence-counted": {"subscription_count": 2, "user_count": 1},
                    }
                },
            ),
            ("nonsense", {"ok": True}),
            ("", {"ok": True}),
        ]
        for info, told in rows:
            with self.subTest(info):
                answer = self.post(
                    {"name": "e", "channels": ["counted", "nobody", "presence-counted"], "data": "x", "info": info}
                )
                self.assertEqual(answer.json(), told)

    def test_batch_tells_the_counts_of_those_that_asked(self):
        ws = self.client()
        ws.subscribe("asked")
        batch = [
            {"name": "e", "channel": "asked", "data": "1", "info": "subscription_count"},
            {"name": "e", "channel": "asked", "data": "2"},
            {"name": "e", "channels": ["nobody", "asked"], "data": "3", "info": "subscription_count"},
        ]
        answer = self.post({"batch": batch}, BATCH)
        self.assertEqual(answer.body, b'{"batch":[{"subscription_count":1},{},{"subscription_count":0}]}')
        self.assertEqual([ws.event()["data"] for _ in range(3)], ["1", "2", "3"])

    def test_batch_is_delivered_in_its_order(self):
        ws = self.subscriber("mark", "a", "b")
        batch = [{"name": f"e{i}", "channel": "ab"[i % 2], "data": str(i)} for i in range(200)]
        self.assertEqual(self.post({"batch": batch}, BATCH).status, 200)
        self.assertEqual(self.heard(ws), [("ab"[i % 2], f"e{i}", str(i)) for i in range(200)])

    def test_batch_excludes_item_by_item(self):
        ws = self.subscriber("mark", "a")
        batch = [
            {"name": n, "channel": "a", "data": "x", **more}
            for n, more in [("no", {"socket_id": ws.socket_id}), ("yes", {})]
        ]
        self.post({"batch": batch}, BATCH)
        self.assertEqual(self.heard(ws), [("a", "yes", "x")])

    def test_content_type_must_be_json(self):
        body = {"name": "e", "channel": "a", "data": "x"}
        for content_type in [
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/vnd.api+json",
            "application/json;x",
        ]:
            with self.subTest(content_type):
                self.assertEqual(self.post(body, content_type=content_type).status, 200)
        for content_type in [
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "text/json",
            "json",
            "application/+json",
        ]:
            with self.subTest(content_type):
                answer = self.post(body, content_type=content_type)
                self.assertEqual(
                    (answer.status, answer.body), (415, b"Expected request with `Content-Type: application/json`")
                )
                self.assertEqual(answer.header("content-type"), "text/plain; charset=utf-8")


class BadBodies(Publish):
    def test_body_that_is_no_json_is_400(self):
        for body in [
            "",
            "{",
            "x",
            '{"name":"e","channel":"a","data":"x"}x',
            "{'name':'e'}",
            '{"name":"e",}',
            b'{"name":"e","channel":"a","data":"\xff"}',
        ]:
            for path in [EVENTS, BATCH]:
                with self.subTest(body, path=path):
                    self.assert_told(self.post(body, path), 400, PARSE)

    def test_body_of_another_shape_is_422(self):
        base = {"name": "e", "channel": "a", "data": "x"}
        rows = [
            [],
            5,
            "x",
            None,
            True,
            *[
                {**base, **member}
                for member in [
                    {"name": 5},
                    {"name": {}},
                    {"channel": 5},
                    {"channels": "a"},
                    {"channels": [5]},
                    {"channels": {}},
                    {"socket_id": 5},
                    {"info": 5},
                    {"tags": 5},
                    {"tags": {"k": 5}},
                    {"delta": "x"},
                    {"extras": 5},
                    {"idempotency_key": 5},
                ]
            ],
        ]
        for body in rows:
            with self.subTest(body=body):
                self.assert_told(self.post(compact(body)), 422, SHAPE)
                self.assert_told(self.post(compact({"batch": [base, body]}), BATCH), 422, SHAPE)
        for body in [{}, {"batch": 5}, {"batch": {}}, {"batch": None}, {"Batch": []}, []]:
            with self.subTest(body=body):
                self.assert_told(self.post(compact(body), BATCH), 422, SHAPE)

    def test_depth_is_bounded(self):
        self.assertEqual(self.post('{"name":"e","channel":"a","data":' + "[" * 100 + "]" * 100 + "}").status, 200)
        self.assert_told(self.post('{"name":"e","channel":"a","data":' + "[" * 100000 + "]" * 100000 + "}"), 400, PARSE)

    def test_rules_about_events_have_their_texts(self):
        invalid = "Channel name contains invalid characters"
        rows = [
            ({"channel": "a", "data": "x"}, 400, "invalid_input", "Event name is required"),
            ({"name": None, "channel": "a"}, 400, "invalid_input", "Event name is required"),
            (
                {"name": "n" * 201, "channel": "a"},
                400,
                "limit_exceeded",
                f"Event name '{'n' * 201}' exceeds maximum length of 200",
            ),
            (
                {"name": "ë" * 101, "channel": "a"},
                400,
                "limit_exceeded",
                f"Event name '{'ë' * 101}' exceeds maximum length of 200",
            ),
            ({"name": "e"}, 400, "missing_channel_info", NO_CHANNEL),
            ({"name": "e", "channel": None}, 400, "missing_channel_info", NO_CHANNEL),
            ({"name": "e", "channels": []}, 400, "missing_channel_info", NO_CHANNEL),
            ({"name": "e", "channels": [], "channel": "a"}, 400, "missing_channel_info", NO_CHANNEL),
            ({"name": "e", "channel": ""}, 400, "invalid_input", invalid),
            ({"name": "e", "channel": "a b"}, 400, "invalid_input", invalid + ": 'a b' (invalid chars: [' '])"),
            ({"name": "e", "channel": "a*"}, 400, "invalid_input", invalid + ": 'a*' (invalid chars: ['*'])"),
            (
                {"name": "e", "channel": "[meta]a"},
                400,
                "invalid_input",
                invalid + ": '[meta]a' (invalid chars: ['[', ']'])",
            ),
            ({"name": "e", "channels": ["a", "zoë"]}, 400, "invalid_input", invalid + ": 'zoë' (invalid chars: ['ë'])"),
            ({"name": "e", "channel": "x" * 201}, 400, "invalid_input", "Channel name too long. Max length is 200"),
        ]
        for body, status, code, text in rows:
            with self.subTest(text):
                self.assert_refused(self.post(body), status, code, text)
                self.assert_refused(
                    self.post({"batch": [{"name": "e", "channel": "a", "data": "x"}, body]}, BATCH), status, code, text
                )

    def test_names_at_their_limits_are_taken(self):
        for body in [
            {"name": "n" * 200, "channel": "a"},
            {"name": "", "channel": "a"},
            {"name": "e", "channel": "x" * 200},
        ]:
            with self.subTest(body=body):
                self.assertEqual(self.post(body).body, OK)
        for channel in ["a,b;c", "A_z-0=9@x.y", "ns:x", "#server-to-user-u", "private-encrypted-cache-x"]:
            with self.subTest(channel):
                self.assertEqual(self.post({"name": "e", "channel": channel}).body, OK)

    def test_nothing_of_a_refused_publish_is_delivered(self):
        ws = self.subscriber("mark", "a")
        good = {"name": "e", "channel": "a", "data": "x"}
        self.post({"name": "e", "channels": ["a", "b c"], "data": "x"})
        self.post({"batch": [good, {**good, "channel": "b c"}]}, BATCH)
        self.post({"batch": [good, good, {"name": "e"}]}, BATCH)
        self.post({"batch": [good, 5]}, BATCH)
        self.assertEqual(self.heard(ws), [])

    def test_shape_is_looked_at_before_the_rules(self):
        self.assert_told(self.post({"batch": [{"name": "e"}, {"name": 5}]}, BATCH), 422, SHAPE)


class Limits(Publish):
    apps = [
        app(
            max_event_channels_at_once=3,
            max_event_payload_in_kb=1,
            max_event_batch_size=2,
            max_event_name_length=5,
            max_channel_name_length=8,
        )
    ]
    settings = {"http_api": {"request_limit_in_mb": 1}}

    def test_channels_of_one_event(self):
        self.assertEqual(self.post({"name": "e", "channels": ["a", "b", "c"], "data": "x"}).body, OK)
        self.assert_refused(
            self.post({"name": "e", "channels": ["a", "b", "c", "d"]}),
            400,
            "limit_exceeded",
            "Number of channels (4) exceeds limit (3)",
        )

    def test_events_of_one_batch(self):
        event = {"name": "e", "channel": "a", "data": "x"}
        self.assertEqual(self.post({"batch": [event] * 2}, BATCH).status, 200)
        self.assert_refused(
            self.post({"batch": [event] * 3}, BATCH), 400, "limit_exceeded", "Batch size (3) exceeds limit (2)"
        )
        self.assert_refused(
            self.post({"batch": [{}] * 5}, BATCH), 400, "limit_exceeded", "Batch size (5) exceeds limit (2)"
        )

    def test_name_of_an_event(self):
        self.assertEqual(self.post({"name": "12345", "channel": "a"}).body, OK)
        self.assert_refused(
            self.post({"name": "123456", "channel": "a"}),
            400,
            "limit_exceeded",
            "Event name '123456' exceeds maximum length of 5",
        )

    def test_name_of_a_channel(self):
        self.assertEqual(self.post({"name": "e", "channel": "12345678"}).body, OK)
        self.assert_refused(
            self.post({"name": "e", "channel": "123456789"}),
            400,
            "invalid_input",
            "Channel name too long. Max length is 8",
        )

    def test_data_of_an_event_is_measured_as_it_is_delivered(self):
        text = "Event payload size (1025 bytes) for event 'e' exceeds limit (1KB)"
        rows = [
            ('"' + "x" * 1024 + '"', '"' + "x" * 1025 + '"'),
            ('"' + "\\u0041" * 1024 + '"', '"' + "\\u0041" * 1025 + '"'),
            ('"' + "ë" * 512 + '"', '"' + "ë" * 512 + 'x"'),
            ("[ " + "1 ,\n " * 510 + "11 ]", "[" + "1," * 511 + "1]"),
        ]
        for fits, too_big in rows:
            with self.subTest(fits[:10]):
                self.assertEqual(self.post('{"name":"e","channel":"a","data":' + fits + "}").body, OK)
                self.assert_refused(
                    self.post('{"name":"e","channel":"a","data":' + too_big + "}"), 413, "payload_too_large", text
                )

    def test_body_of_a_request(self):
        limit = 1024 * 1024
        head, tail = '{"name":"e","channel":"a","foo":"', '"}'
        fits = head + "x" * (limit - len(head) - len(tail)) + tail
        self.assertEqual(self.post(fits).body, OK)
        answer = self.post(fits + " ")
        self.assertEqual(
            (answer.status, answer.body), (413, b"Failed to buffer the request body: length limit exceeded")
        )
        self.assertEqual(answer.header("content-type"), "text/plain; charset=utf-8")
        self.assertEqual(answer.header("connection"), "close")


class GlobalLimits(Publish):
    """Used when the file sets them and the app does not."""

    apps = [app(), app("own", "own-key", max_event_name_length=20)]
    settings = {"event_limits": {"max_name_length": 10, "max_batch_size": 1}, "channel_limits": {"max_name_length": 10}}

    def test_global_limit_is_that_of_apps_that_have_none(self):
        self.assert_refused(
            self.post({"name": "n" * 11, "channel": "a"}),
            400,
            "limit_exceeded",
            f"Event name '{'n' * 11}' exceeds maximum length of 10",
        )
        self.assert_refused(
            self.post({"name": "n", "channel": "c" * 11}),
            400,
            "invalid_input",
            "Channel name too long. Max length is 10",
        )
        self.assertEqual(self.post({"name": "n" * 20, "channel": "a"}, "/apps/own/events", key="own-key").body, OK)


if __name__ == "__main__":
    unittest.main()
