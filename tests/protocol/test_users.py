"""Users: signing in, events for a user, ends that a back-end orders, and who watches whom."""

import unittest

from harness import KEY, ServerCase, app, authorize, compact, error, hexmac, succeeded

SERVER = "#server-to-user-"
NOT_AUTHORIZED = error(4009, "Authentication error: Connection not authorized for signin.")
NO_ID = error(4009, "Authentication error: Missing 'id' field in user_data")


def user_auth(socket_id, user_data, key=KEY):
    return f"{key}:" + hexmac(f"{socket_id}::user::{user_data}")


def ask_to_sign_in(ws, signed, **members):
    data = {"auth": user_auth(ws.socket_id, signed), "user_data": signed, **members}
    ws.say({"event": "pusher:signin", "data": {n: v for n, v in data.items() if v is not None}})


def succeeds(user_data):
    return compact({"event": "pusher:signin_success", "data": {"user_data": user_data}})


def notice(user, n):
    return compact({"event": "notice", "channel": SERVER + user, "data": str(n)})


def watch_events(*events):
    """The text that tells of users: ("online", ["alice"]) …"""
    data = compact({"events": [{"name": name, "user_ids": ids} for name, ids in events]})
    return compact({"event": "pusher_internal:watchlist_events", "data": data})


class Users(ServerCase):
    apps = [app(enable_user_authentication=True, enable_watchlist_events=True)]

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[-1]

    def sign_in(self, user, **members):
        ws = self.client()
        user_data = compact({"id": user, **members})
        ask_to_sign_in(ws, user_data)
        self.assertEqual(ws.text(), succeeds(user_data))
        return ws

    def order(self, user, what):
        answer = self.server.post(f"/apps/app-id/users/{user}/{what}", {})
        self.assertEqual((answer.status, answer.body), (200, b'{"ok":true}'))


class SigningIn(Users):
    def test_user_data_comes_back_as_it_was_signed(self):
        ws = self.client()
        for user_data in ['{"id":"ann"}', '{ "id" : "ann" , "x" : [1, 2.50] }', '{"id":"ann","user_info":{"n":"\\u00e9"}}']:
            ask_to_sign_in(ws, user_data)
            self.assertEqual(ws.text(), succeeds(user_data))
        ws.fence()

    def test_each_wrong_part_has_its_error_and_the_connection_stays(self):
        ws = self.client()
        good = '{"id":"bob"}'
        rows = [
            ({"auth": f"{KEY}:00"}, good, NOT_AUTHORIZED),
            ({"auth": user_auth(ws.socket_id, good)[:-1]}, good, NOT_AUTHORIZED),
            ({"auth": user_auth(ws.socket_id, good, key="other")}, good, NOT_AUTHORIZED),
            ({"auth": hexmac(f"{ws.socket_id}::user::{good}")}, good, NOT_AUTHORIZED),
            ({"auth": user_auth("1.1", good)}, good, NOT_AUTHORIZED),
            ({"auth": user_auth(ws.socket_id, '{"id":"eve"}')}, good, NOT_AUTHORIZED),
            ({"auth": authorize(ws.socket_id, "private-a")}, good, NOT_AUTHORIZED),
            ({"auth": None}, good, error(4009, "Authentication error: Missing 'auth' field in signin data")),
            ({"user_data": None}, good, error(4009, "Authentication error: Missing 'user_data' field in signin data")),
            ({}, "[]", NO_ID),
            ({}, "{}", NO_ID),
            ({}, '{"id":5}', NO_ID),
            ({}, '{"id":null}', NO_ID),
            ({}, '{"id":""}', NO_ID),
        ]
        for members, user_data, text in rows:
            with self.subTest(members=members, user_data=user_data):
                ask_to_sign_in(ws, user_data, **members)
                self.assertEqual(ws.text(), text)
        ws.say({"event": "pusher:signin"})
        self.assertEqual(ws.text(), error(4000, "Invalid message format: Invalid signin data format"))
        ask_to_sign_in(ws, "nonsense")
        self.assertTrue(ws.event()["data"]["message"].startswith("Authentication error: Invalid user_data JSON: "))
        ask_to_sign_in(ws, good)
        self.assertEqual(ws.text(), succeeds(good))

    def test_second_identity_is_refused_and_the_first_stays(self):
        ws = self.sign_in("first")
        ask_to_sign_in(ws, '{"id":"second"}')
        self.assertEqual(
            ws.text(), error(4009, "Authentication error: Connection is already signed in as a different user.")
        )
        self.server.publish(SERVER + "second", "notice", "1")
        self.server.publish(SERVER + "first", "notice", "2")
        self.assertEqual(ws.text(), notice("first", 2))

    def test_where_it_is_off_it_is_refused(self):
        server = self.start([app()])
        ws = self.closing(server.client())
        ask_to_sign_in(ws, '{"id":"bob"}')
        self.assertEqual(ws.text(), error(4009, "Authentication error: User authentication is disabled for this app"))

    def test_identity_serves_presence_channels_that_bring_no_channel_data(self):
        ws = self.sign_in("nina", user_info={"name": "Nina"})
        ws.say({"event": "pusher:subscribe", "data": ws.subscription("presence-by-signin")})
        presence = {"ids": ["nina"], "hash": {"nina": {"name": "Nina"}}, "count": 1}
        self.assertEqual(ws.text(), succeeded("presence-by-signin", compact({"presence": presence})))

    def test_who_never_signs_in_is_closed_in_time(self):
        server = self.start([app(enable_user_authentication=True)], user_authentication_timeout=1)
        signed_in, late = (self.closing(server.client()) for _ in range(2))
        ask_to_sign_in(signed_in, '{"id":"bob"}')
        signed_in.text()
        self.assertEqual(late.text(), error(4009, "Connection not authorized within timeout."))
        self.assertEqual(late.closed(), (4009, "Connection not authorized within timeout."))
        signed_in.fence()


class ServerToUser(Users):
    def test_every_signed_in_connection_of_the_user_hears_it_once_and_nobody_else(self):
        first, second = self.sign_in("dan"), self.sign_in("dan")
        other, stranger = self.sign_in("erin"), self.client()
        stranger.subscribe("presence-dan", '{"user_id":"dan"}')
        first.say({"event": "pusher:subscribe", "data": {"channel": SERVER + "dan", "auth": ""}})
        self.assertEqual(first.text(), succeeded(SERVER + "dan"))
        for n in range(3):
            self.server.publish(SERVER + "dan", "notice", str(n))
        for ws in (first, second):
            for n in range(3):
                self.assertEqual(ws.text(), notice("dan", n))
            ws.fence()
        other.fence()
        stranger.fence()

    def test_channel_of_a_user_is_for_that_user_alone(self):
        for ws in (self.client(), self.sign_in("frank")):
            ws.say({"event": "pusher:subscribe", "data": {"channel": SERVER + "grace"}})
            self.assertEqual(ws.text(), error(4009, "Authentication error: Channel requires authentication"))
            ws.fence()


class Ends(Users):
    def test_terminate_closes_all_connections_of_the_user_with_4009(self):
        mine = [self.sign_in("heidi"), self.sign_in("heidi")]
        other = self.sign_in("ivan")
        self.order("heidi", "terminate_connections")
        for ws in mine:
            self.assertEqual(ws.text(), error(4009, "You got disconnected by the app."))
            self.assertEqual(ws.closed(), (4009, "You got disconnected by the app."))
        other.fence()

    def test_force_reconnect_closes_them_with_4200(self):
        ws = self.sign_in("judy")
        self.order("judy", "force_reconnect")
        self.assertEqual(ws.text(), error(4200, "Force reconnect requested by the app."))
        self.assertEqual(ws.closed(), (4200, "Force reconnect requested by the app."))

    def test_nobody_is_no_error_and_ids_are_decoded(self):
        self.order("nobody", "terminate_connections")
        ws = self.sign_in("user 1/x")
        self.order("user%201%2Fx", "terminate_connections")
        self.assertEqual(ws.event()["data"]["code"], 4009)

    def test_orders_have_to_be_signed(self):
        ws = self.sign_in("ken")
        for what in ("terminate_connections", "force_reconnect"):
            self.assertEqual(self.server.post(f"/apps/app-id/users/ken/{what}", {}, secret="wrong").status, 401)
        ws.fence()


class Watchlists(Users):
    def test_state_follows_the_sign_in_and_edges_follow_the_state(self):
        early = self.sign_in("oscar")
        watcher = self.sign_in("peggy", watchlist=["oscar", "quentin"])
        self.assertEqual(watcher.text(), watch_events(("online", ["oscar"]), ("offline", ["quentin"])))
        late = [self.sign_in("quentin"), self.sign_in("quentin")]
        self.assertEqual(watcher.text(), watch_events(("online", ["quentin"])))
        late[0].close()
        late[1].close()
        self.assertEqual(watcher.text(), watch_events(("offline", ["quentin"])))
        early.reset()
        self.assertEqual(watcher.text(), watch_events(("offline", ["oscar"])))
        watcher.fence()

    def test_later_sign_in_replaces_the_list(self):
        watcher = self.sign_in("rupert", watchlist=["sybil"])
        self.assertEqual(watcher.text(), watch_events(("offline", ["sybil"])))
        ask_to_sign_in(watcher, compact({"id": "rupert", "watchlist": ["trent"]}))
        self.assertEqual(watcher.event()["event"], "pusher:signin_success")
        self.assertEqual(watcher.text(), watch_events(("offline", ["trent"])))
        self.sign_in("sybil")
        self.sign_in("trent")
        self.assertEqual(watcher.text(), watch_events(("online", ["trent"])))

    def test_where_it_is_off_nothing_is_told(self):
        server = self.start([app(enable_user_authentication=True)])
        watcher, watched = self.closing(server.client()), self.closing(server.client())
        for ws, user_data in ((watcher, '{"id":"a","watchlist":["b"]}'), (watched, '{"id":"b"}')):
            ask_to_sign_in(ws, user_data)
            self.assertEqual(ws.text(), succeeds(user_data))
        watcher.fence()


if __name__ == "__main__":
    unittest.main()
