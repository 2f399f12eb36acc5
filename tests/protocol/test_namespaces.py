"""Namespaces: what stands before the first colon of a channel name, where an app configures them."""

import unittest

from harness import ServerCase, app, compact, error, succeeded

NAMESPACES = [
    {"name": "chat", "max_channel_name_length": 30},
    {"name": "num", "channel_name_pattern": "^num:[0-9]+$"},
    {"name": "slow", "channel_name_pattern": "^slow:(a+)+$"},
    {"name": "news", "allow_subscribe_for_client": True, "allow_publish_for_client": False},
    {"name": "own", "allow_subscribe_for_client": False},
]
GOOD = ["plain", "chat:room", "chat:a:b", "num:12", "private-chat:room", "presence-chat:room", "cache-num:7", "news:today"]
BAD = [
    ("other:room", "Unknown channel namespace 'other'"),
    ("private-other:room", "Unknown channel namespace 'other'"),
    ("num:ab", "Channel 'num:ab' does not match namespace 'num' pattern"),
    ("chat:" + "x" * 40, "Channel name too long. Max length is 30"),
]


class Namespaces(ServerCase):
    apps = [app(channel_namespaces=NAMESPACES), app("free", "free-key", "free-secret")]

    def test_good_names_are_joined(self):
        ws = self.client()
        for name in GOOD:
            with self.subTest(name):
                ws.ask(name, '{"user_id":"u"}' if name.startswith("presence-") else None)
                self.assertEqual(ws.event()["event"], "pusher_internal:subscription_succeeded")
                if name.startswith("cache-"):
                    ws.event()
        ws.fence()

    def test_bad_names_are_refused_for_clients_and_for_the_api(self):
        ws = self.client()
        for name, text in BAD:
            with self.subTest(name):
                ws.ask(name)
                self.assertEqual(ws.text(), error(4300, "Channel error: " + text))
                answer = self.server.post("/apps/app-id/events", {"name": "e", "channel": name, "data": "x"})
                self.assertEqual(answer.status, 400)
                self.assertIn(text, answer.json()["error"])
        ws.fence()

    def test_pattern_that_explodes_is_given_up(self):
        ws = self.client()
        ws.ask("slow:" + "a" * 100 + "b")
        self.assertEqual(ws.event()["event"], "pusher:error")
        ws.ask("slow:aaa")
        self.assertEqual(ws.text(), succeeded("slow:aaa"))

    def test_what_is_for_the_server_alone_is_refused_to_clients(self):
        ws = self.client()
        ws.ask("own:x")
        self.assertEqual(ws.event()["event"], "pusher:error")
        ws.subscribe("private-news:today")
        ws.say({"event": "client-x", "channel": "private-news:today", "data": {}})
        self.assertEqual(ws.text(), error(4009, "Authentication error: Namespace 'news' does not allow client publishes"))
        self.server.publish("private-news:today", "headline")
        self.assertEqual(ws.event()["event"], "headline")

    def test_app_without_namespaces_may_use_colons_freely(self):
        ws = self.client("/app/free-key?protocol=7")
        for name in ("other:room", ":", "a:b:c"):
            ws.say(compact({"event": "pusher:subscribe", "data": {"channel": name}}))
            self.assertEqual(ws.text(), succeeded(name))


if __name__ == "__main__":
    unittest.main()
