"""What a session hears and says: the envelope, subscriptions, errors, published events, and bad input.

Every message of the protocol has a row with the exact bytes of its answer.
"""

import json
import unittest

from harness import (
    BINARY,
    KEY,
    PONG_TEXT,
    TEXT,
    ServerCase,
    app,
    authorize,
    compact,
    error,
    frame,
    hexmac,
    roster,
    succeeded,
)

NOT_JSON = "Invalid message format: Decode failed: JSON deserialization failed: "


class Envelope(ServerCase):
    """What may surround an event, and how answers look."""

    def test_ping_is_answered_whatever_is_around_it(self):
        rows = [
            '{"event":"pusher:ping"}',
            '{"event":"pusher:ping","data":{}}',
            '{"event":"pusher:ping","data":null}',
            '{"event":"pusher:ping","data":"{}"}',
            '{"event":"sockudo:ping"}',
            ' \t\r\n{ "event" : "pusher:ping" } \n',
            '{"event":"pusher:p\\u0069ng"}',
            '{"\\u0065vent":"pusher:ping"}',
            '{"data":{"event":"x"},"event":"pusher:ping"}',
            '{"event":"pusher:pong","event":"pusher:ping"}',
            '{"event":1,"event":"pusher:ping"}',
            '{"event":"pusher:ping","channel":7,"user_id":7,"tags":5,"serial":"x","name":[]}',
        ]
        ws = self.client()
        for text in rows:
            with self.subTest(text):
                ws.say(text)
                self.assertEqual(ws.text(), PONG_TEXT)

    def test_binary_frame_is_read_as_text(self):
        ws = self.client()
        ws.send(frame(BINARY, '{"event":"pusher:ping"}'))
        self.assertEqual(ws.text(), PONG_TEXT)

    def test_event_that_nobody_knows_is_ignored(self):
        rows = [
            "my-event",
            "",
            "ping",
            "pusher:",
            "pusher:foo",
            "pusher:PING",
            "Pusher:ping",
            "sockudo:foo",
            "pusher_internal:ping",
            "pusher_internal:subscribe",
            "sockudo_internal:subscribe",
            "pusher:pong",
            "pusher:resume",
            "pusher:channel_history",
            "pusher:presence_update",
            "pusher:auth",
            "pusher:ai-x",
            "pusher:enable_delta_compression",
            "pusher:delta_sync_error",
            "pusher:connection_established",
            "pusher:error",
            "CLIENT-x",
        ]
        ws = self.client()
        for name in rows:
            with self.subTest(name):
                ws.say({"event": name, "channel": "a", "data": {"channel": "a"}})
                ws.fence()
        self.assertEqual(self.server.get("/apps/app-id/channels").json(), {"channels": {}})

    def test_answers_come_in_the_order_of_the_requests(self):
        ws = self.client()
        rows = [
            ({"event": "pusher:ping"}, PONG_TEXT),
            ({"event": "pusher:subscribe", "data": {"channel": "a"}}, succeeded("a")),
            (
                {"event": "pusher:subscribe", "data": {"channel": "presence-a", "auth": "x"}},
                error(4009, "Authentication error: Channel requires authentication"),
            ),
            ({"event": "pusher:ping"}, PONG_TEXT),
            (
                {"event": "pusher:subscribe", "data": ws.subscription("presence-b", '{"user_id":"u"}')},
                roster("presence-b", {"u": {}}),
            ),
            ({"event": "pusher:subscribe", "data": {"channel": "b"}}, succeeded("b")),
            ({}, error(4000, "Invalid event name: Event name is required")),
            ({"event": "pusher:ping"}, PONG_TEXT),
        ]
        ws.send(b"".join(frame(TEXT, compact(said)) for said, _ in rows))
        self.assertEqual([ws.text() for _ in rows], [answer for _, answer in rows])


class Nonsense(ServerCase):
    """One error per frame, and the session stays."""

    def test_text_that_is_no_json_object_is_error_4000(self):
        rows = [
            "",
            " ",
            "nonsense",
            "{",
            '{"event"',
            '{"event":"pusher:ping"',
            "{'event':'pusher:ping'}",
            '{"event":"pusher:ping",}',
            '{"event":"pusher:ping"} x',
            '{"event":"pusher:ping"}{}',
            "[]",
            '[{"event":"pusher:ping"}]',
            '"text"',
            "12",
            "null",
            "true",
            '\ufeff{"event":"pusher:ping"}',
            '{"event":"a\nb"}',
            '{"event":"\\x"}',
            '{"event":"pusher:ping","data":01}',
            '{"event":"pusher:ping","data":nan}',
            '{"event":1}',
            '{"event":{}}',
            '{"event":["pusher:ping"]}',
            '{"event":true}',
        ]
        ws = self.client()
        for text in rows:
            with self.subTest(text):
                ws.say(text)
                event = ws.event()
                self.assertEqual(list(event), ["event", "data"])
                self.assertEqual((event["event"], event["data"]["code"]), ("pusher:error", 4000))
                self.assertTrue(event["data"]["message"].startswith(NOT_JSON), event)
                ws.fence()

    def test_object_without_an_event_is_error_4000(self):
        ws = self.client()
        for text in ["{}", '{"data":{}}', '{"event":null}', '{"Event":"pusher:ping"}']:
            with self.subTest(text):
                ws.say(text)
                self.assertEqual(ws.text(), error(4000, "Invalid event name: Event name is required"))
                ws.fence()

    def test_bytes_that_are_no_utf8_in_a_binary_frame_are_error_4000(self):
        ws = self.client()
        ws.send(frame(BINARY, b"\xff\xfe{"))
        self.assertTrue(ws.event()["data"]["message"].startswith(NOT_JSON))
        ws.send(frame(BINARY))
        self.assertEqual(ws.event()["data"]["code"], 4000)
        ws.fence()

    def test_nesting_is_read_to_a_depth_of_64(self):
        ws = self.client()
        ws.say('{"event":"pusher:ping","data":' + "[" * 63 + "]" * 63 + "}")
        self.assertEqual(ws.text(), PONG_TEXT)
        for depth in [64, 200, 30000]:
            with self.subTest(depth):
                ws.say('{"event":"pusher:ping","data":' + "[" * depth + "]" * depth + "}")
                event = ws.event()
                self.assertEqual(event["data"]["code"], 4000)
                self.assertTrue(event["data"]["message"].startswith(NOT_JSON + "nested too deeply"), event)
                ws.fence()


class Subscribe(ServerCase):
    def test_public_channel_is_acknowledged(self):
        ws = self.client()
        rows = ["my-channel", "a", "A_z-0=9@x,y;z.w", "ns:x", "privat-x", "Private-x", "presence", "x" * 200]
        for channel in rows:
            with self.subTest(channel):
                ws.say({"event": "pusher:subscribe", "data": {"auth": "", "channel": channel}})
                self.assertEqual(ws.text(), succeeded(channel))

    def test_request_may_come_in_several_shapes(self):
        rows = [
            '{"event":"pusher:subscribe","data":{"channel":"a"}}',
            '{"event":"sockudo:subscribe","data":{"channel":"a"}}',
            '{"event":"pusher:subscribe","data":"{\\"channel\\":\\"a\\"}"}',
            '{"event":"pusher:subscribe","data":{"channel":"b","channel":"a"}}',
            '{"event":"pusher:subscribe","channel":"b","data":{"channel":"a"}}',
            '{"event":"pusher:subscribe","data":{"channel":"a","auth":5,"channel_data":{},"filter":5,"tags_filter":5,"delta":5,"modes":5}}',
            '{"event":"pusher:subscribe","data":{"channel":"a","rewind":null}}',
            '{"event":"pusher:subscribe","data":{"channel":"\\u0061"}}',
        ]
        ws = self.client()
        for text in rows:
            with self.subTest(text):
                ws.say(text)
                self.assertEqual(ws.text(), succeeded("a"))

    def test_bad_request_is_answered_with_its_error(self):
        shape = "Invalid message format: "
        channel = "Channel error: "
        rows = [
            (None, 4000, shape + "Invalid subscription data format"),
            ("x", 4000, shape + "Failed to parse subscription data"),
            ("", 4000, shape + "Failed to parse subscription data"),
            ("{}", 4000, shape + "Missing channel field in string data"),
            ('{"channel":5}', 4000, shape + "Missing channel field in string data"),
            ({}, 4000, shape + "Missing channel field"),
            ({"channel": None}, 4000, shape + "Missing channel field"),
            ({"channel": 5}, 4000, shape + "Missing channel field"),
            ({"channel": ["a"]}, 4000, shape + "Missing channel field"),
            (5, 4000, shape + "Missing channel field"),
            ([], 4000, shape + "Missing channel field"),
            (True, 4000, shape + "Missing channel field"),
            ({"channel": ""}, 4300, channel + "Channel name contains invalid characters"),
            ({"channel": "x" * 201}, 4300, channel + "Channel name too long. Max length is 200"),
            ({"channel": "private-" + "x" * 193}, 4300, channel + "Channel name too long. Max length is 200"),
            (
                {"channel": "a/b"},
                4300,
                channel + "Channel name contains invalid characters: 'a/b' (invalid chars: ['/'])",
            ),
            (
                {"channel": "a b!"},
                4300,
                channel + "Channel name contains invalid characters: 'a b!' (invalid chars: [' ', '!'])",
            ),
            (
                {"channel": "a'\"\\"},
                4300,
                channel + "Channel name contains invalid characters: 'a'\"\\' (invalid chars: ['\\'', '\"', '\\\\'])",
            ),
            (
                {"channel": "zoë"},
                4300,
                channel + "Channel name contains invalid characters: 'zoë' (invalid chars: ['ë'])",
            ),
            (
                {"channel": "a\n"},
                4300,
                channel + "Channel name contains invalid characters: 'a\n' (invalid chars: ['\\n'])",
            ),
            ({"channel": "*"}, 4300, channel + "Wildcard subscriptions are only supported on protocol V2"),
            ({"channel": "a*"}, 4300, channel + "Wildcard subscriptions are only supported on protocol V2"),
            ({"channel": "[meta]a"}, 4300, channel + "Metachannel subscriptions are only supported on protocol V2"),
            ({"channel": "a", "rewind": 5}, 4300, channel + "Channel rewind is only supported on protocol V2"),
            (
                {"channel": "a#u1,u2"},
                4300,
                channel + "Channel 'a#u1,u2' uses user-limited syntax but the namespace does not allow it",
            ),
            (
                {"channel": "#x"},
                4300,
                channel + "Channel '#x' uses user-limited syntax but the namespace does not allow it",
            ),
            ({"channel": "#server-to-user-alice"}, 4009, "Authentication error: Channel requires authentication"),
        ]
        ws = self.client()
        for data, code, message in rows:
            with self.subTest(data=data):
                ws.say({"event": "pusher:subscribe", **({} if data is None else {"data": data})})
                self.assertEqual(ws.text(), error(code, message))
                ws.fence()
        self.assertEqual(self.server.get("/apps/app-id/channels").json(), {"channels": {}})

    def test_subscribing_again_is_acknowledged_again_and_changes_nothing(self):
        ws = self.client()
        for channel in ["a", "private-a", "cache-a"]:
            with self.subTest(channel):
                for _ in range(3):
                    ws.subscribe(channel)
                self.assertEqual(
                    self.server.publish(channel, "e", info="subscription_count"),
                    {"channels": {channel: {"subscription_count": 1}}},
                )
                self.assertEqual(ws.event()["channel"], channel)
                ws.fence()

    def test_subscribing_again_is_checked_again(self):
        ws = self.client()
        ws.subscribe("private-a")
        ws.ask("private-a", auth="app-key:00")
        self.assertEqual(ws.text(), error(4009, "Authentication error: Channel requires authentication"))
        self.server.publish("private-a", "e")
        self.assertEqual(ws.event()["event"], "e", "it is still subscribed")

    def test_session_may_be_on_many_channels(self):
        ws = self.client()
        for i in range(500):
            ws.ask(f"many-{i}")
        self.assertEqual([ws.text() for _ in range(500)], [succeeded(f"many-{i}") for i in range(500)])
        for i in [0, 250, 499]:
            self.server.publish(f"many-{i}", "e")
            self.assertEqual(ws.event()["channel"], f"many-{i}")


class Authorization(ServerCase):
    def test_every_authorised_kind_of_channel_takes_a_good_signature(self):
        ws = self.client()
        rows = ["private-a", "private-encrypted-a", "private-cache-a", "private-encrypted-cache-a", "private-"]
        for channel in rows:
            with self.subTest(channel):
                ws.subscribe(channel)

    def test_missing_signature_is_error_4009(self):
        ws = self.client()
        rows = [
            "private-a",
            "private-encrypted-a",
            "private-cache-a",
            "private-encrypted-cache-a",
            "presence-a",
            "presence-cache-a",
        ]
        for channel in rows:
            for data in [{}, {"auth": None}, {"auth": 5}, {"auth": {}}]:
                with self.subTest(channel, data=data):
                    ws.say(
                        {
                            "event": "pusher:subscribe",
                            "data": {"channel": channel, "channel_data": '{"user_id":"u"}', **data},
                        }
                    )
                    self.assertEqual(
                        ws.text(),
                        error(4009, "Authentication error: Authentication signature required for this channel"),
                    )
                    ws.fence()

    def test_wrong_signature_is_error_4009_on_every_authorised_kind(self):
        ws = self.client()
        member = '{"user_id":"u"}'
        for channel in [
            "private-a",
            "private-encrypted-a",
            "private-cache-a",
            "private-mycache-1",
            "presence-a",
            "presence-cache-a",
        ]:
            good = authorize(ws.socket_id, channel, member if channel.startswith("presence") else None)
            rows = [
                "",
                "x",
                KEY,
                KEY + ":",
                KEY + ":00",
                good[:-1],
                good + "0",
                good[len(KEY) + 1 :],
                ":" + good,
                good.upper(),
                KEY + ":" + good[len(KEY) + 1 :].upper(),
                "key-2" + good[len(KEY) :],
                good + " ",
                " " + good,
                good.replace(":", "::"),
                authorize("1.2", channel, member),
                authorize(ws.socket_id, channel + "x", member),
                KEY + ":" + hexmac(f"{ws.socket_id}:{channel}", "other"),
                good * 100,
            ]
            for auth in rows:
                with self.subTest(channel, auth=auth):
                    ws.say(
                        {
                            "event": "pusher:subscribe",
                            "data": {"channel": channel, "auth": auth, "channel_data": member},
                        }
                    )
                    self.assertEqual(ws.text(), error(4009, "Authentication error: Channel requires authentication"))
        ws.fence()

    def test_signature_of_a_private_channel_may_cover_channel_data_or_not(self):
        ws = self.client()
        data = '{"user_id":"alice"}'
        for signed in [None, data]:
            with self.subTest(signed=signed):
                ws.ask("private-chat", data, auth=authorize(ws.socket_id, "private-chat", signed))
                self.assertEqual(ws.text(), succeeded("private-chat"))

    def test_signature_is_over_the_decoded_characters(self):
        ws = self.client()
        data = '{"user_id":"zoë","user_info":"\\u00eb"}'
        auth = authorize(ws.socket_id, "presence-z", data)
        ws.say(
            json.dumps(
                {"event": "pusher:subscribe", "data": {"channel": "presence-z", "auth": auth, "channel_data": data}}
            )
        )
        self.assertEqual(
            ws.text(), succeeded("presence-z", '{"presence":{"ids":["zoë"],"hash":{"zoë":"\\u00eb"},"count":1}}')
        )


class Unsubscribe(ServerCase):
    def test_unsubscribing_ends_delivery_without_a_word(self):
        ws = self.client()
        rows = [
            {"event": "pusher:unsubscribe", "data": {"channel": "a"}},
            {"event": "sockudo:unsubscribe", "data": {"channel": "a"}},
            {"event": "pusher:unsubscribe", "data": "a"},
            {"event": "pusher:unsubscribe", "data": {"channel": "a"}, "channel": "b"},
        ]
        ws.subscribe("b")
        for said in rows:
            with self.subTest(said=said):
                ws.subscribe("a")
                ws.say(said)
                ws.fence()
                self.server.publish("a", "gone")
                self.server.publish("b", "here")
                self.assertEqual(ws.event()["event"], "here")

    def test_unsubscribing_from_what_is_unknown_is_silent(self):
        ws = self.client()
        ws.subscribe("a")
        for channel in ["b", "private-x", "", "a b", "A", "x" * 5000]:
            with self.subTest(channel):
                ws.say({"event": "pusher:unsubscribe", "data": {"channel": channel}})
                ws.fence()
        self.server.publish("a", "e")
        self.assertEqual(ws.event()["event"], "e")

    def test_bad_request_is_answered_with_its_error(self):
        rows = [
            ("{}", "Missing data in unsubscribe message"),
            ('{"data":null}', "Missing data in unsubscribe message"),
            ('{"data":{}}', "Missing channel in unsubscribe message"),
            ('{"data":{"channel":5}}', "Missing channel in unsubscribe message"),
            ('{"data":5}', "Missing channel in unsubscribe message"),
            ('{"data":["a"]}', "Missing channel in unsubscribe message"),
        ]
        ws = self.client()
        for members, message in rows:
            with self.subTest(members):
                ws.say({"event": "pusher:unsubscribe", **json.loads(members)})
                self.assertEqual(ws.text(), error(4000, "Invalid message format: " + message))
                ws.fence()

    def test_channel_can_be_joined_again(self):
        ws = self.client()
        for _ in range(3):
            ws.subscribe("a")
            ws.say({"event": "pusher:unsubscribe", "data": {"channel": "a"}})
        ws.fence()
        self.assertEqual(self.server.get("/apps/app-id/channels/a").json(), {"occupied": False})


class SignIn(ServerCase):
    def test_signing_in_is_refused_where_the_app_does_not_want_it(self):
        ws = self.client()
        for event in ["pusher:signin", "sockudo:signin"]:
            ws.say({"event": event, "data": {"auth": "x", "user_data": '{"id":"u"}'}})
            self.assertEqual(
                ws.text(), error(4009, "Authentication error: User authentication is disabled for this app")
            )
        ws.fence()


class Published(ServerCase):
    """What is published over HTTP, as subscribers see it."""

    apps = [app(), app("other", "other-key")]

    def test_event_has_exactly_these_members(self):
        ws = self.client()
        ws.subscribe("my-channel")
        self.server.publish(
            "my-channel",
            "greet",
            '{"hello":"world"}',
            tags={"a": "b"},
            idempotency_key="k",
            message_id="m",
            user_id="u",
            extras={},
            delta=False,
        )
        self.assertEqual(ws.text(), '{"event":"greet","channel":"my-channel","data":"{\\"hello\\":\\"world\\"}"}')

    def test_data_is_always_a_string(self):
        """A string goes on as it was written, whatever else as the string of its compact text."""
        rows = [
            ('"text"', '"text"'),
            ('""', '""'),
            ('"a/b \\u00eb ë \\/ \\n"', '"a/b \\u00eb ë \\/ \\n"'),
            ('"{\\"a\\":1}"', '"{\\"a\\":1}"'),
            ('{"b":1, "a" : [ 1 , 2 ]}', '"{\\"b\\":1,\\"a\\":[1,2]}"'),
            ("1.50", '"1.50"'),
            ("1e3", '"1e3"'),
            ("12345678901234567890123", '"12345678901234567890123"'),
            ("true", '"true"'),
            ("null", '"null"'),
            (None, '"null"'),
            ('["a\\"b"]', '"[\\"a\\\\\\"b\\"]"'),
        ]
        ws = self.client()
        ws.subscribe("my-channel")
        for given, sent in rows:
            with self.subTest(given):
                data = "" if given is None else f',"data":{given}'
                answer = self.server.post("/apps/app-id/events", '{"name":"e","channel":"my-channel"' + data + "}")
                self.assertEqual(answer.body, b'{"ok":true}')
                self.assertEqual(ws.text(), '{"event":"e","channel":"my-channel","data":' + sent + "}")

    def test_name_is_escaped_where_it_must_be(self):
        ws = self.client()
        ws.subscribe("my-channel")
        for name in ['a"b\\c', "tab\t\x01", "zoë ☃ 🎉", "a/b", "pusher:x", "client-x", "x" * 200]:
            with self.subTest(name):
                self.server.publish("my-channel", name)
                text = ws.text()
                self.assertEqual(json.loads(text)["event"], name)
                self.assertIn(json.dumps(name, ensure_ascii=False), text)

    def test_excluded_connection_gets_nothing(self):
        one, two = self.client(), self.client()
        for ws in (one, two):
            ws.subscribe("my-channel")
        self.server.publish("my-channel", "first", socket_id=one.socket_id)
        self.server.publish("my-channel", "second", socket_id=two.socket_id)
        self.server.publish("my-channel", "third")
        self.assertEqual([one.event()["event"] for _ in range(2)], ["second", "third"])
        self.assertEqual([two.event()["event"] for _ in range(2)], ["first", "third"])

    def test_exclusion_that_makes_no_sense_excludes_nobody(self):
        ws = self.client()
        ws.subscribe("my-channel")
        for socket_id in ["", "x", "1", "1.", ".1", "1.2.3", "-1.2", ws.socket_id + "0", "99999999999999999999.1"]:
            with self.subTest(socket_id):
                self.server.publish("my-channel", "e", socket_id=socket_id)
                self.assertEqual(ws.event()["event"], "e")

    def test_apps_do_not_hear_each_other(self):
        one, two = self.client(), self.client("/app/other-key?protocol=7")
        for ws in (one, two):
            ws.subscribe("my-channel")
        self.server.publish("my-channel", "e")
        self.assertEqual(one.event()["event"], "e")
        two.fence()

    def test_channel_names_are_case_sensitive(self):
        ws = self.client()
        ws.subscribe("my-channel")
        self.server.publish("My-Channel", "no")
        self.server.publish("my-channel", "yes")
        self.assertEqual(ws.event()["event"], "yes")

    def test_encrypted_payload_is_untouched(self):
        ws = self.client()
        ws.subscribe("private-encrypted-v")
        data = '{"nonce":"4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9","ciphertext":"/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A="}'
        self.server.publish("private-encrypted-v", "e", data)
        self.assertEqual(ws.text(), '{"event":"e","channel":"private-encrypted-v","data":' + json.dumps(data) + "}")

    def test_large_event_arrives_whole(self):
        ws = self.client()
        ws.subscribe("my-channel")
        for n in [125, 126, 65500, 65535, 65536, 1000000]:
            with self.subTest(n):
                data = "x" * n
                self.server.publish("my-channel", "e", data)
                self.assertEqual(ws.text(), '{"event":"e","channel":"my-channel","data":"' + data + '"}')


class Limits(ServerCase):
    apps = [app(max_channel_name_length=10)]

    def test_length_of_a_channel_name_is_the_apps(self):
        ws = self.client()
        ws.subscribe("a" * 10)
        ws.ask("a" * 11)
        self.assertEqual(ws.text(), error(4300, "Channel error: Channel name too long. Max length is 10"))


class MessageRate(ServerCase):
    apps = [
        app(message_rate_limit={"enabled": True, "max_attempts": 3, "decay_seconds": 3600}),
        app(
            "strict",
            "strict-key",
            message_rate_limit={"enabled": True, "max_attempts": 3, "decay_seconds": 3600, "terminate_on_limit": True},
        ),
    ]

    def test_messages_above_the_rate_are_refused(self):
        ws = self.client()
        for _ in range(3):
            ws.fence()
        for said in ['{"event":"pusher:ping"}', "nonsense", '{"event":"pusher:pong"}']:
            ws.say(said)
            self.assertEqual(ws.text(), error(4301, "Client event rejected due to rate limit"))
        self.client().fence()

    def test_app_may_want_such_a_client_closed(self):
        ws = self.client("/app/strict-key?protocol=7")
        for _ in range(3):
            ws.fence()
        ws.say("nonsense")
        self.assertEqual(ws.text(), error(4301, "Connection closed due to client event rate limit"))
        self.assertEqual(ws.closed(), (4301, "Connection closed due to client event rate limit"))


if __name__ == "__main__":
    unittest.main()
