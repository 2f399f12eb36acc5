"""Client events: from one subscriber to the others, exactly as they were written."""

import unittest

from harness import ServerCase, app, compact, error

OFF = "Client event error: Client events are not enabled for this app"


class Delivery(ServerCase):
    def pair(self, channel, one='{"user_id":"alice"}', two='{"user_id":"bob"}'):
        """Two subscribers, each of which has heard everything."""
        sender, receiver = self.client(), self.client()
        is_presence = channel.startswith("presence-")
        sender.subscribe(channel, one if is_presence else None)
        receiver.subscribe(channel, two if is_presence else None)
        if is_presence and one != two:
            sender.text()
        return sender, receiver

    def test_event_goes_to_the_others_and_not_to_the_sender(self):
        for channel in ["private-chat", "private-cache-chat"]:
            with self.subTest(channel):
                sender, receiver = self.pair(channel)
                sender.say({"event": "client-typing", "channel": channel, "data": {"user": "alice"}})
                self.assertEqual(
                    receiver.text(), f'{{"event":"client-typing","channel":"{channel}","data":{{"user":"alice"}}}}'
                )
                self.server.publish(channel, "mark")
                self.assertEqual(sender.event()["event"], "mark")

    def test_event_on_a_presence_channel_names_its_sender(self):
        for channel in ["presence-chat", "presence-cache-chat"]:
            with self.subTest(channel):
                sender, receiver = self.pair(channel, '{"user_id":7}')
                sender.say({"event": "client-x", "channel": channel, "data": 1, "user_id": "mallory"})
                self.assertEqual(
                    receiver.text(), f'{{"event":"client-x","channel":"{channel}","data":1,"user_id":"7"}}'
                )

    def test_event_on_a_private_channel_names_nobody(self):
        sender, receiver = self.pair("private-chat")
        sender.say(
            {
                "event": "client-x",
                "channel": "private-chat",
                "data": 1,
                "user_id": "mallory",
                "socket_id": "1.2",
                "name": "y",
            }
        )
        self.assertEqual(receiver.text(), '{"event":"client-x","channel":"private-chat","data":1}')

    def test_other_connections_of_the_sender_get_it(self):
        sender, receiver = self.pair("presence-tabs", two='{"user_id":"alice"}')
        sender.say({"event": "client-x", "channel": "presence-tabs", "data": {}})
        self.assertEqual(receiver.text(), '{"event":"client-x","channel":"presence-tabs","data":{},"user_id":"alice"}')

    def test_data_goes_on_as_it_was_written(self):
        rows = [
            "{}",
            "[]",
            "null",
            "true",
            '""',
            '"text"',
            "1.50",
            "1e5",
            "-0",
            "12345678901234567890123",
            '"\\u00eb ë \\/"',
            '{"z":1, "a" :{"channel":"c","channel_data":"d","user_data":"e"}}',
            '"{\\"a\\":1}"',
            "[ 1 ,\n 2 ]",
            '{"a":1,"a":2}',
        ]
        sender, receiver = self.pair("private-chat")
        for data in rows:
            with self.subTest(data):
                sender.say('{"event":"client-x","channel":"private-chat","data":' + data + "}")
                self.assertEqual(receiver.text(), '{"event":"client-x","channel":"private-chat","data":' + data + "}")

    def test_absent_data_is_null(self):
        sender, receiver = self.pair("private-chat")
        sender.say('{"event":"client-x","channel":"private-chat"}')
        self.assertEqual(receiver.text(), '{"event":"client-x","channel":"private-chat","data":null}')

    def test_name_goes_on_whatever_is_in_it(self):
        sender, receiver = self.pair("private-chat")
        for name in ["client-", "client-a b", 'client-"', "client-zoë", "client-" + "x" * 193]:
            with self.subTest(name):
                sender.say({"event": name, "channel": "private-chat", "data": 1})
                self.assertEqual(receiver.text(), compact({"event": name, "channel": "private-chat", "data": 1}))

    def test_events_of_one_sender_arrive_in_order(self):
        sender, receiver = self.pair("private-chat")
        for i in range(500):
            sender.say({"event": "client-n", "channel": "private-chat", "data": i})
        self.assertEqual([receiver.event()["data"] for _ in range(500)], list(range(500)))

    def test_nobody_gets_it_who_has_left(self):
        sender, receiver = self.pair("private-chat")
        receiver.say({"event": "pusher:unsubscribe", "data": {"channel": "private-chat"}})
        receiver.fence()
        sender.say({"event": "client-x", "channel": "private-chat", "data": 1})
        sender.fence()
        self.server.publish("private-chat", "mark")
        self.assertEqual(sender.event()["event"], "mark")
        receiver.fence()


class Refusals(ServerCase):
    apps = [app(max_event_payload_in_kb=1), app("quiet", "quiet-key", enable_client_messages=False)]

    def assert_refused(self, ws, said, code, message):
        ws.say({"event": "client-x", "data": 1, **said})
        self.assertEqual(ws.text(), error(code, message))
        ws.fence()

    def test_each_refusal_has_its_error(self):
        ws = self.client()
        ws.subscribe("private-mine")
        ws.subscribe("private-encrypted-mine")
        ws.subscribe("public")
        ws.subscribe("cache-mine")
        kind = "Client event error: Client events can only be sent to private or presence channels"
        encrypted = "Client event error: Client events cannot be sent to encrypted channels"
        missing = f"Client event error: Socket {ws.socket_id} is not subscribed to channel "
        required = "Client event error: Channel required for client event"
        rows = [
            ({}, 4301, required),
            ({"channel": None}, 4301, required),
            ({"channel": 5}, 4301, required),
            (
                {"event": "client-" + "x" * 194, "channel": "private-mine"},
                4000,
                "Invalid event name: Event name exceeds maximum length of 200",
            ),
            (
                {"channel": "private-" + "x" * 193},
                4300,
                "Channel name invalid: Channel name exceeds maximum length of 200",
            ),
            ({"channel": "public"}, 4301, kind),
            ({"channel": "cache-mine"}, 4301, kind),
            ({"channel": ""}, 4301, kind),
            ({"channel": "#server-to-user-u"}, 4301, kind),
            ({"channel": "private-encrypted-mine"}, 4301, encrypted),
            ({"channel": "private-encrypted-cache-mine"}, 4301, encrypted),
            (
                {"channel": "private-mine", "data": "x" * 1023},
                4301,
                "Client event error: Event payload size (1025 bytes) exceeds limit (1KB)",
            ),
            ({"channel": "private-other"}, 4301, missing + "private-other"),
            ({"channel": "presence-other"}, 4301, missing + "presence-other"),
            ({"channel": "private-a b"}, 4301, missing + "private-a b"),
        ]
        for said, code, message in rows:
            with self.subTest(said=said):
                self.assert_refused(ws, said, code, message)

    def test_payload_of_exactly_the_limit_is_delivered(self):
        sender, receiver = self.client(), self.client()
        for ws in (sender, receiver):
            ws.subscribe("private-mine")
        sender.say({"event": "client-x", "channel": "private-mine", "data": "x" * 1022})
        self.assertEqual(receiver.event()["data"], "x" * 1022)

    def test_app_that_does_not_want_them_says_so(self):
        ws = self.client("/app/quiet-key?protocol=7")
        self.assert_refused(ws, {"channel": "private-mine"}, 4301, OFF)
        self.assert_refused(ws, {"channel": "public"}, 4301, OFF)

    def test_sender_that_left_is_not_subscribed(self):
        ws = self.client()
        ws.subscribe("private-mine")
        ws.say({"event": "pusher:unsubscribe", "data": {"channel": "private-mine"}})
        missing = f"Client event error: Socket {ws.socket_id} is not subscribed to channel private-mine"
        self.assert_refused(ws, {"channel": "private-mine"}, 4301, missing)


class Rate(ServerCase):
    apps = [
        app(max_client_events_per_second=3, decay_seconds=3600),
        app("strict", "strict-key", max_client_events_per_second=3, decay_seconds=3600, terminate_on_limit=True),
        app("second", "second-key", max_client_events_per_second=1),
    ]

    def send(self, ws, channel="private-x"):
        ws.say({"event": "client-x", "channel": channel, "data": 1})

    def test_events_above_the_rate_are_refused_and_counted(self):
        ws, receiver = self.client(), self.client()
        for peer in (ws, receiver):
            peer.subscribe("private-mine")
        for _ in range(5):
            self.send(ws, "private-mine")
        for _ in range(2):
            self.assertEqual(ws.text(), error(4301, "Client event rejected due to rate limit"))
        ws.fence()
        self.server.publish("private-mine", "mark")
        self.assertEqual([receiver.event()["event"] for _ in range(4)], ["client-x"] * 3 + ["mark"])

    def test_rate_is_looked_at_before_anything_else(self):
        ws = self.client()
        for _ in range(3):
            ws.say({"event": "client-x"})
            self.assertEqual(ws.event()["data"]["message"], "Client event error: Channel required for client event")
        ws.say({"event": "client-x"})
        self.assertEqual(ws.text(), error(4301, "Client event rejected due to rate limit"))

    def test_other_messages_do_not_count(self):
        ws = self.client()
        for _ in range(10):
            ws.fence()
        ws.subscribe("private-mine")
        self.send(ws, "private-mine")
        ws.fence()

    def test_app_may_want_such_a_client_closed(self):
        ws = self.client("/app/strict-key?protocol=7")
        for _ in range(6):
            self.send(ws)
        for _ in range(3):
            ws.text()
        self.assertEqual(ws.text(), error(4301, "Connection closed due to client event rate limit"))
        self.assertEqual(ws.closed(), (4301, "Connection closed due to client event rate limit"))

    def test_window_ends(self):
        ws = self.client("/app/second-key?protocol=7")
        answers = set()
        while len(answers) < 2 or "rate" in answer:
            self.send(ws)
            answer = ws.event()["data"]["message"]
            answers.add(answer)
        self.assertIn("not subscribed", answer)


if __name__ == "__main__":
    unittest.main()
