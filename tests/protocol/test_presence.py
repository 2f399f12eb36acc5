"""Presence channels: who is there, and the exact moments at which others are told."""

import json
import unittest

from harness import CLOSE, PONG_TEXT, ServerCase, app, authorize, close_payload, compact, error, frame, roster, until

ALICE = '{"user_id":"alice","user_info":{"name":"Alice"}}'
BOB = '{"user_id":"bob","user_info":{"name":"Bob"}}'
CAROL = '{"user_id":"carol"}'
ROOM = "presence-room"


def added(channel, user_id, info="{}"):
    data = f'{{"user_id":{compact(user_id)},"user_info":{info}}}'
    return f'{{"event":"pusher_internal:member_added","channel":"{channel}","data":{compact(data)}}}'


def removed(channel, user_id):
    data = f'{{"user_id":{compact(user_id)}}}'
    return f'{{"event":"pusher_internal:member_removed","channel":"{channel}","data":{compact(data)}}}'


class Room(ServerCase):
    """Each test has a channel of its own."""

    def setUp(self):
        self.room = "presence-" + self.id().rsplit(".", 1)[-1]

    def join(self, data, room=None):
        ws = self.client()
        ws.subscribe(room or self.room, data)
        return ws

    def leave(self, ws):
        ws.say({"event": "pusher:unsubscribe", "data": {"channel": self.room}})
        ws.say({"event": "pusher:ping"})
        while ws.text() != PONG_TEXT:
            pass

    def hears_nothing(self, ws):
        """An event that is published now is the next that it hears."""
        self.server.publish(self.room, "mark")
        self.assertEqual(ws.event()["event"], "mark")

    def users(self):
        return [u["id"] for u in self.server.get(f"/apps/app-id/channels/{self.room}/users").json()["users"]]


class Membership(Room):
    def test_first_member_finds_itself_in_the_roster(self):
        ws = self.client()
        ws.ask(self.room, ALICE)
        self.assertEqual(ws.text(), roster(self.room, {"alice": {"name": "Alice"}}))
        self.hears_nothing(ws)

    def test_roster_is_in_the_order_of_joining(self):
        self.join(ALICE), self.join(BOB)
        ws = self.client()
        ws.ask(self.room, CAROL)
        self.assertEqual(
            ws.text(), roster(self.room, {"alice": {"name": "Alice"}, "bob": {"name": "Bob"}, "carol": {}})
        )

    def test_others_are_told_of_a_member_when_its_first_connection_comes(self):
        alice = self.join(ALICE)
        self.join(BOB)
        self.assertEqual(alice.text(), added(self.room, "bob", '{"name":"Bob"}'))
        second = self.client()
        second.ask(self.room, BOB)
        self.assertEqual(second.text(), roster(self.room, {"alice": {"name": "Alice"}, "bob": {"name": "Bob"}}))
        self.hears_nothing(alice)

    def test_others_are_told_of_a_leave_when_the_last_connection_goes(self):
        alice, bob, second = self.join(ALICE), self.join(BOB), self.join(BOB)
        self.assertEqual(alice.text(), added(self.room, "bob", '{"name":"Bob"}'))
        self.leave(bob)
        self.hears_nothing(alice)
        self.assertEqual(second.event()["event"], "mark")
        self.leave(second)
        self.assertEqual(alice.text(), removed(self.room, "bob"))
        self.assertEqual(self.users(), ["alice"])

    def test_leave_is_told_however_a_connection_ends(self):
        alice = self.join(ALICE)
        ends = [
            self.leave,
            lambda ws: ws.send(frame(CLOSE, close_payload(1000))),
            lambda ws: ws.send(frame(CLOSE)),
            lambda ws: ws.close(),
            lambda ws: ws.reset(),
            lambda ws: ws.end(),
            lambda ws: ws.send(b"\xff"),
            lambda ws: ws.send(b"\x81"),
        ]
        for i, end in enumerate(ends):
            with self.subTest(i):
                bob = self.join(BOB)
                self.assertEqual(alice.text(), added(self.room, "bob", '{"name":"Bob"}'))
                end(bob)
                if i == len(ends) - 1:
                    bob.reset()
                self.assertEqual(alice.text(), removed(self.room, "bob"))

    def test_repeated_subscribe_brings_the_roster_again_and_tells_nobody(self):
        alice, bob = self.join(ALICE), self.join(BOB)
        alice.text()
        for _ in range(2):
            bob.ask(self.room, BOB)
            self.assertEqual(bob.text(), roster(self.room, {"alice": {"name": "Alice"}, "bob": {"name": "Bob"}}))
        self.hears_nothing(alice)
        self.leave(bob)
        self.assertEqual(alice.text(), removed(self.room, "bob"))

    def test_connection_may_be_somebody_else_on_another_channel(self):
        alice, ws = self.join(ALICE), self.join(BOB)
        other = self.join(CAROL, "presence-other")
        ws.subscribe("presence-other", ALICE)
        self.assertEqual(alice.text(), added(self.room, "bob", '{"name":"Bob"}'))
        self.assertEqual(other.text(), added("presence-other", "alice", '{"name":"Alice"}'))
        ws.close()
        self.assertEqual(alice.text(), removed(self.room, "bob"))
        self.assertEqual(other.text(), removed("presence-other", "alice"))

    def test_info_is_that_of_the_oldest_connection(self):
        old = self.join('{"user_id":"u","user_info":1}')
        new = self.client()
        new.ask(self.room, '{"user_id":"u","user_info":2}')
        self.assertEqual(new.text(), roster(self.room, {"u": 1}))
        self.leave(old)
        third = self.client()
        third.ask(self.room, '{"user_id":"u","user_info":3}')
        self.assertEqual(third.text(), roster(self.room, {"u": 2}))

    def test_member_that_comes_back_is_added_again(self):
        alice = self.join(ALICE)
        for _ in range(3):
            bob = self.join(BOB)
            self.assertEqual(alice.text(), added(self.room, "bob", '{"name":"Bob"}'))
            self.leave(bob)
            self.assertEqual(alice.text(), removed(self.room, "bob"))

    def test_empty_channel_is_forgotten(self):
        ws = self.join(ALICE)
        self.leave(ws)
        self.assertEqual(self.server.get(f"/apps/app-id/channels/{self.room}").json(), {"occupied": False})
        self.assertEqual(self.users(), [])

    def test_cache_channel_has_members_too(self):
        ws = self.client()
        ws.ask("presence-cache-room", ALICE)
        self.assertEqual(ws.text(), roster("presence-cache-room", {"alice": {"name": "Alice"}}))

    def test_many_members_come_and_go_in_order(self):
        alice = self.join(ALICE)
        users = [f"u{i}" for i in range(60)]
        peers = [self.join(compact({"user_id": u})) for u in users]
        self.assertEqual([alice.text() for _ in users], [added(self.room, u) for u in users])
        for ws in peers:
            self.leave(ws)
        self.assertEqual([alice.text() for _ in users], [removed(self.room, u) for u in users])


class Identity(Room):
    def test_what_a_member_says_of_itself_goes_on_as_it_was_written(self):
        rows = [
            ('{"user_id":"u"}', "u", "{}"),
            ('{"user_id":"u","user_info":null}', "u", "null"),
            ('{"user_id":"u","user_info":"text"}', "u", '"text"'),
            ('{"user_id":"u","user_info":1.50}', "u", "1.50"),
            ('{"user_info":[1, 2],"user_id":"u","more":5}', "u", "[1, 2]"),
            ('{"user_id":"u","user_info":{"b":1e3,"a":"\\u00eb"}}', "u", '{"b":1e3,"a":"\\u00eb"}'),
            ('{"user_id":10}', "10", "{}"),
            ('{"user_id":-7,"user_info":{}}', "-7", "{}"),
            ('{"user_id":12345678901234567890}', "12345678901234567890", "{}"),
            ('{"user_id":"zoë ☃","user_info":{"name":"Zoë ☃"}}', "zoë ☃", '{"name":"Zoë ☃"}'),
            ('{"user_id":"a\\"b\\\\c\\u0001"}', 'a"b\\c\x01', "{}"),
            ('{"user_id":"x","user_id":"u"}', "u", "{}"),
        ]
        watcher = self.join(ALICE)
        for data, user, info in rows:
            with self.subTest(data):
                ws = self.client()
                ws.ask(self.room, data)
                told = json.loads(ws.event()["data"])["presence"]
                self.assertEqual((told["ids"], told["count"]), (["alice", user], 2))
                self.assertEqual(told["hash"][user], json.loads(info))
                self.assertEqual(watcher.text(), added(self.room, user, info))
                self.leave(ws)
                self.assertEqual(watcher.text(), removed(self.room, user))

    def test_number_and_string_name_the_same_user(self):
        self.join('{"user_id":10}')
        ws = self.client()
        ws.ask(self.room, '{"user_id":"10"}')
        self.assertEqual(ws.text(), roster(self.room, {"10": {}}))

    def test_bad_channel_data_is_answered_with_its_error(self):
        missing = "Invalid message format: Missing channel_data for presence channel"
        no_json = "Invalid message format: Invalid channel_data JSON for presence"
        no_user = "Channel error: Missing user_id in channel_data"
        rows = [
            (None, 4000, missing),
            ("x", 4000, no_json),
            ("{", 4000, no_json),
            ('{"user_id":"u"}x', 4000, no_json),
            ("{}", 4300, no_user),
            ("[]", 4300, no_user),
            ("5", 4300, no_user),
            ('"u"', 4300, no_user),
            ("null", 4300, no_user),
            ('{"user_id":""}', 4300, no_user),
            ('{"user_id":null}', 4300, no_user),
            ('{"user_id":true}', 4300, no_user),
            ('{"user_id":1.5}', 4300, no_user),
            ('{"user_id":1e3}', 4300, no_user),
            ('{"user_id":{}}', 4300, no_user),
            ('{"user_id":["u"]}', 4300, no_user),
            ('{"user_info":{}}', 4300, no_user),
        ]
        ws = self.client()
        for data, code, message in rows:
            with self.subTest(data):
                ws.ask(self.room, data)
                self.assertEqual(ws.text(), error(code, message))
                ws.fence()
        self.assertEqual(self.users(), [])

    def test_channel_data_that_is_no_string_is_as_none(self):
        ws = self.client()
        for data in [{"user_id": "u"}, 5, ["u"], None, True]:
            with self.subTest(data):
                subscription = {"channel": self.room, "auth": authorize(ws.socket_id, self.room), "channel_data": data}
                ws.say({"event": "pusher:subscribe", "data": subscription})
                self.assertEqual(
                    ws.text(), error(4000, "Invalid message format: Missing channel_data for presence channel")
                )

    def test_signature_must_cover_channel_data(self):
        ws = self.client()
        for auth in [
            authorize(ws.socket_id, self.room),
            authorize(ws.socket_id, self.room, BOB),
            authorize(ws.socket_id, self.room, ALICE + " "),
        ]:
            ws.ask(self.room, ALICE, auth=auth)
            self.assertEqual(ws.text(), error(4009, "Authentication error: Channel requires authentication"))


class Limits(Room):
    apps = [app(max_presence_members_per_channel=2, max_presence_member_size_in_kb=2)]

    def test_full_channel_takes_no_new_user_but_further_connections_of_members(self):
        self.join(ALICE)
        bob = self.join(BOB)
        ws = self.client()
        for _ in range(2):
            ws.ask(self.room, CAROL)
            self.assertEqual(ws.text(), error(4100, "Over capacity"))
            ws.fence()
        self.join(BOB)
        self.assertEqual(self.users(), ["alice", "bob"])
        bob.ask(self.room, BOB)
        self.assertEqual(bob.event()["event"], "pusher_internal:subscription_succeeded")

    def test_place_of_a_member_that_left_is_free(self):
        alice = self.join(ALICE)
        bob = self.join(BOB)
        bob.close()
        self.assertEqual(
            [alice.event()["event"] for _ in range(2)],
            ["pusher_internal:member_added", "pusher_internal:member_removed"],
        )
        self.join(CAROL)

    def test_size_of_the_info_is_measured_in_whole_kib(self):
        def data(n):  # a string of n bytes counts without its quotes
            return '{"user_id":"u","user_info":"' + "x" * n + '"}'

        ws = self.client()
        ws.subscribe(self.room, data(3 * 1024 - 1))
        for n, kb in [(3 * 1024, 3), (5 * 1024, 5)]:
            ws.ask("presence-big", data(n))
            self.assertEqual(
                ws.text(), error(4300, f"Channel error: Presence member data size ({kb}KB) exceeds limit (2KB)")
            )
        ws.ask("presence-big", '{"user_id":"u","user_info":{"a":"' + "x" * (3 * 1024 - 8) + '"}}')
        self.assertEqual(
            ws.event()["data"]["message"], "Channel error: Presence member data size (3KB) exceeds limit (2KB)"
        )


class ManyWorkers(Room):
    settings = {"workers": 4}

    def test_members_on_all_workers_see_each_other(self):
        watcher = self.join(ALICE)
        peers = {f"u{i}": self.join(compact({"user_id": f"u{i}"})) for i in range(24)}
        self.assertEqual([watcher.text() for _ in peers], [added(self.room, u) for u in peers])
        self.assertEqual(self.users(), ["alice", *peers])
        for ws in peers.values():
            ws.close()
        self.assertEqual({watcher.text() for _ in peers}, {removed(self.room, u) for u in peers})
        until(lambda: self.users() == ["alice"], "all left")


if __name__ == "__main__":
    unittest.main()
