"""GET channels, a channel and its users; and the health of the server."""

import unittest

from harness import ServerCase, app, compact, until

ROOT = "/apps/app-id/channels"
CORS = (
    "vary: origin, access-control-request-method, access-control-request-headers\r\naccess-control-allow-origin: *\r\n"
)


class State(ServerCase):
    def get(self, path="", **query):
        return self.server.get(ROOT + path, query.items())

    def assert_refused(self, answer, text):
        self.assertEqual(answer.body.decode(), compact({"error": text, "code": "invalid_input", "status": 400}))
        self.assertEqual(answer.status, 400)


class Occupied(State):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peers = [cls.server.client() for _ in range(3)]
        for ws in cls.peers:
            ws.subscribe("public-1")
        cls.peers[0].subscribe("private-1")
        cls.peers[0].subscribe("presence-zoo", '{"user_id":7}')
        for ws, user in zip(cls.peers, ["u2", "u1", "u2"]):
            ws.subscribe("presence-room", compact({"user_id": user}))

    @classmethod
    def tearDownClass(cls):
        for ws in cls.peers:
            ws.close()
        super().tearDownClass()

    def test_answer_is_exactly_this(self):
        self.assertEqual(
            self.get("/public-1").dateless().decode(),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            + CORS
            + 'content-length: 17\r\n\r\n{"occupied":true}',
        )

    def test_channels_are_listed_by_name(self):
        rows = [
            ({}, '{"presence-room":{},"presence-zoo":{},"private-1":{},"public-1":{}}'),
            ({"info": ""}, '{"presence-room":{},"presence-zoo":{},"private-1":{},"public-1":{}}'),
            ({"filter_by_prefix": ""}, '{"presence-room":{},"presence-zoo":{},"private-1":{},"public-1":{}}'),
            ({"filter_by_prefix": "p"}, '{"presence-room":{},"presence-zoo":{},"private-1":{},"public-1":{}}'),
            ({"filter_by_prefix": "presence-"}, '{"presence-room":{},"presence-zoo":{}}'),
            ({"filter_by_prefix": "presence-room"}, '{"presence-room":{}}'),
            ({"filter_by_prefix": "presence-rooms"}, "{}"),
            ({"filter_by_prefix": "P"}, "{}"),
            ({"filter_by_prefix": "x" * 1000}, "{}"),
            (
                {"info": "subscription_count"},
                '{"presence-room":{"subscription_count":3},"presence-zoo":{"subscription_count":1},'
                '"private-1":{"subscription_count":1},"public-1":{"subscription_count":3}}',
            ),
            (
                {"info": "user_count", "filter_by_prefix": "presence-"},
                '{"presence-room":{"user_count":2},"presence-zoo":{"user_count":1}}',
            ),
            (
                {"info": " user_count ,subscription_count", "filter_by_prefix": "presence-r"},
                '{"presence-room":{"subscription_count":3,"user_count":2}}',
            ),
            ({"info": "foo"}, "{}"),
            ({"info": "foo,subscription_count", "filter_by_prefix": "pu"}, '{"public-1":{"subscription_count":3}}'),
        ]
        for query, channels in rows:
            with self.subTest(query=query):
                answer = self.get(**query)
                self.assertEqual((answer.status, answer.body.decode()), (200, '{"channels":' + channels + "}"))

    def test_users_of_channels_that_have_none_are_no_question(self):
        text = "user_count is only available for presence channels. Use filter_by_prefix=presence-"
        for query in [{}, {"filter_by_prefix": "p"}, {"filter_by_prefix": "public-"}]:
            with self.subTest(query=query):
                self.assert_refused(self.get(info="user_count", **query), text)
        for prefix in ["pres", "nothing"]:
            with self.subTest(prefix):
                self.assertEqual(self.get(info="user_count", filter_by_prefix=prefix).status, 200)

    def test_channel_tells_what_was_asked(self):
        rows = [
            ("public-1", "", '{"occupied":true}'),
            ("public-1", "subscription_count", '{"occupied":true,"subscription_count":3}'),
            ("public-1", "cache", '{"occupied":true}'),
            ("public-1", "foo", '{"occupied":true}'),
            ("presence-room", "user_count", '{"occupied":true,"user_count":2}'),
            (
                "presence-room",
                "user_count,subscription_count",
                '{"occupied":true,"subscription_count":3,"user_count":2}',
            ),
            (
                "presence-room",
                " subscription_count , user_count ",
                '{"occupied":true,"subscription_count":3,"user_count":2}',
            ),
            ("presence%2Droom", "user_count", '{"occupied":true,"user_count":2}'),
            ("nobody", "", '{"occupied":false}'),
            ("nobody", "subscription_count", '{"occupied":false,"subscription_count":0}'),
            (
                "presence-nobody",
                "user_count,subscription_count",
                '{"occupied":false,"subscription_count":0,"user_count":0}',
            ),
            ("ns:x", "", '{"occupied":false}'),
            ("Public-1", "", '{"occupied":false}'),
        ]
        for channel, info, told in rows:
            with self.subTest(channel, info=info):
                answer = self.get("/" + channel, info=info)
                self.assertEqual((answer.status, answer.body.decode()), (200, told))

    def test_channel_that_cannot_be_has_its_refusal(self):
        self.assert_refused(
            self.get("/public-1", info="user_count"), "user_count is only available for presence channels"
        )
        self.assert_refused(
            self.get("/a%20b"), "Channel name contains invalid characters: 'a b' (invalid chars: [' '])"
        )
        self.assert_refused(
            self.get("/a%2Fb"), "Channel name contains invalid characters: 'a/b' (invalid chars: ['/'])"
        )
        self.assert_refused(
            self.get("/%E2%98%83"), "Channel name contains invalid characters: '☃' (invalid chars: ['☃'])"
        )
        self.assert_refused(self.get("/" + "x" * 201), "Channel name too long. Max length is 200")
        self.assert_refused(
            self.get("/presence-a%20b/users"),
            "Channel name contains invalid characters: 'presence-a b' (invalid chars: [' '])",
        )
        answer = self.get("/%FF")
        self.assertEqual((answer.status, answer.body), (400, b"Invalid URL: Invalid UTF-8"))

    def test_users_are_listed_once_each(self):
        rows = [
            ("presence-room", '{"users":[{"id":"u2"},{"id":"u1"}]}'),
            ("presence-zoo", '{"users":[{"id":"7"}]}'),
            ("presence-nobody", '{"users":[]}'),
        ]
        for channel, told in rows:
            with self.subTest(channel):
                answer = self.get(f"/{channel}/users")
                self.assertEqual((answer.status, answer.body.decode()), (200, told))
        for channel in ["public-1", "private-1", "nobody"]:
            self.assert_refused(self.get(f"/{channel}/users"), "Only presence channels support this endpoint")

    def test_head_has_the_length_of_the_answer(self):
        with self.server.http() as http:
            answer = http.call("HEAD", ROOT + "/public-1")
            self.assertEqual((answer.status, answer.header("content-length")), (200, "17"))
            self.assertEqual(http.call("GET", ROOT + "/public-1").body, b'{"occupied":true}')


class Changing(State):
    apps = [app(), app("other", "other-key")]

    def test_state_is_never_stale(self):
        for _ in range(3):
            ws = self.client()
            ws.subscribe("a")
            self.assertEqual(self.get().json(), {"channels": {"a": {}}})
            ws.say({"event": "pusher:unsubscribe", "data": {"channel": "a"}})
            ws.fence()
            self.assertEqual(self.get().json(), {"channels": {}})

    def test_connection_that_is_gone_counts_no_more(self):
        ws = self.client()
        ws.subscribe("a")
        ws.reset()
        until(lambda: self.get().json() == {"channels": {}}, "the channel is empty")

    def test_apps_see_their_own_channels_only(self):
        ws = self.client("/app/other-key?protocol=7")
        ws.subscribe("a")
        self.assertEqual(self.get().json(), {"channels": {}})
        self.assertEqual(self.server.get("/apps/other/channels", key="other-key").json(), {"channels": {"a": {}}})

    def test_many_channels_are_listed(self):
        ws = self.client()
        names = [f"list-{i:04}" for i in range(1000)]
        for name in names:
            ws.ask(name)
        for _ in names:
            ws.text()
        self.assertEqual(list(self.get(filter_by_prefix="list-").json()["channels"]), names)


class Health(ServerCase):
    apps = [app(), app("off", "off-key", enabled=False)]

    def test_health_is_told_in_status_header_and_body(self):
        rows = [
            ("/up", "200 OK", "OK"),
            ("/up/", "200 OK", "OK"),
            ("/up?x=1", "200 OK", "OK"),
            ("/up/app-id", "200 OK", "OK"),
            ("/up/app-id/", "200 OK", "OK"),
            ("/up/%61pp-id", "200 OK", "OK"),
            ("/up/off", "503 Service Unavailable", "ERROR"),
            ("/up/nope", "404 Not Found", "NOT_FOUND"),
            ("/up/app-key", "404 Not Found", "NOT_FOUND"),
        ]
        for path, status, word in rows:
            for method in ["GET", "HEAD"]:
                with self.subTest(path, method=method), self.server.http() as http:
                    answer = http.call(method, path, sign=False)
                    self.assertEqual(
                        answer.dateless().decode(),
                        f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nx-health-check: {word}\r\n{CORS}"
                        f"content-length: {len(word)}\r\n\r\n" + (word if method == "GET" else ""),
                    )

    def test_life_is_told_without_a_word(self):
        self.assertEqual(
            self.server.get("/live", sign=False).dateless().decode(),
            "HTTP/1.1 200 OK\r\n" + CORS + "content-length: 0\r\n\r\n",
        )


if __name__ == "__main__":
    unittest.main()
