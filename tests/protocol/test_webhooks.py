"""Webhooks, as a receiver sees them: which events go out, what a request looks like, and what becomes of it when the
receiver is slow, broken, elsewhere or somebody else."""

import json
import shutil
import signal
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from harness import IS_SANITIZED, KEY, METRICS, Server, ServerCase, app, compact, until
from sink import Answer, Authority, Sink, check, signature

ALL = [
    "channel_occupied", "channel_vacated", "member_added", "member_removed", "client_event", "cache_miss",
    "subscription_count",
]  # fmt: skip
ALICE = compact({"user_id": "alice", "user_info": {"name": "Alice"}})
BOB = compact({"user_id": "bob", "user_info": {"name": "Bob"}})
SINGLE = {"batching": {"enabled": False}}
QUEUE = {"reliability": {"shutdown_timeout_ms": 5000}}
RETRY = {"enabled": True, "max_attempts": 3, "initial_backoff_ms": 100, "max_backoff_ms": 200, "max_elapsed_time_ms": 9000}
LATER_S = 3  # how long a channel must be empty, and a member away


def hook(url, event_types=ALL, **settings):
    return {"url": url, "event_types": event_types, **settings}


def by_name(events):
    """Independent of the order in which requests were under way together."""
    return sorted(events, key=lambda e: (e["name"], e["channel"]))


def occupied(channel):
    return {"name": "channel_occupied", "channel": channel}


def vacated(channel):
    return {"name": "channel_vacated", "channel": channel}


def count(channel, n):
    return {"name": "subscription_count", "channel": channel, "subscription_count": n}


class HookCase(ServerCase):
    """A server of the test's own, which tells a sink of its own."""

    @classmethod
    def setUpClass(cls):  # ServerCase has one server for all
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        self.sink = self.closing(Sink())

    def serve(self, hooks=None, env=None, **webhooks):
        self.server = Server(
            [app(webhooks=hooks or [hook(self.sink.url())])], env=env, webhooks={**SINGLE, **webhooks}, queue=QUEUE
        )
        self.addCleanup(self.server.stop)
        return self.server

    def join(self, channel, channel_data=None):
        ws = self.closing(self.server.client())
        ws.subscribe(channel, channel_data)
        return ws


class Events(HookCase):
    def setUp(self):
        super().setUp()
        self.serve()

    def expect(self, *events):
        self.assertEqual(by_name(self.sink.events(len(events))), by_name(events))

    def test_a_channel_is_occupied_once_and_every_subscription_is_counted(self):
        self.join("my-channel")
        self.expect(occupied("my-channel"), count("my-channel", 1))
        self.join("my-channel")
        self.expect(count("my-channel", 2))

    def test_a_channel_is_vacated_when_the_last_has_unsubscribed_and_nobody_came_back(self):
        ws = self.join("my-channel")
        self.expect(occupied("my-channel"), count("my-channel", 1))
        began = time.monotonic()
        ws.say({"event": "pusher:unsubscribe", "data": {"channel": "my-channel"}})
        self.expect(count("my-channel", 0))
        self.expect(vacated("my-channel"))
        self.assertGreater(time.monotonic() - began, LATER_S - 0.3)

    def test_a_channel_is_vacated_when_the_last_has_gone(self):
        ws = self.join("my-channel")
        self.expect(occupied("my-channel"), count("my-channel", 1))
        ws.close()
        events = []
        while vacated("my-channel") not in events:
            events += self.sink.next().events
        self.assertLessEqual(len(events), 2)  # a count of 0, if anything, comes with it

    def test_members_of_a_presence_channel_come_and_go(self):
        alice = self.join("presence-room", ALICE)
        added = {"name": "member_added", "channel": "presence-room", "user_id": "alice"}
        self.expect(occupied("presence-room"), added)
        bob = self.join("presence-room", BOB)
        self.expect({**added, "user_id": "bob"})
        second = self.join("presence-room", BOB)  # the same member once more
        bob.close()
        second.say({"event": "pusher:unsubscribe", "data": {"channel": "presence-room"}})
        second.fence()
        self.expect({"name": "member_removed", "channel": "presence-room", "user_id": "bob"})
        alice.close()

    def test_client_events_carry_the_data_as_it_came(self):
        alice, other = self.join("private-chat"), self.join("private-chat")
        self.expect(occupied("private-chat"), count("private-chat", 1), count("private-chat", 2))
        for data in ('{"z":1,"a":2.50}', '"text"', "12", '"{\\"j\\":1}"', "null", '"\\u00e4\\n\\"ä"'):
            alice.say(f'{{"event":"client-x","channel":"private-chat","data":{data}}}')
            other.text()
            request = self.sink.next()
            self.assertIn(f'"data":{data}'.encode(), request.body)
            (event,) = request.events
            del event["data"]
            self.assertEqual(
                event,
                {"name": "client_event", "channel": "private-chat", "event": "client-x", "socket_id": alice.socket_id},
            )

    def test_a_cache_that_is_empty_is_missed(self):
        self.join("cache-c")
        self.expect(
            occupied("cache-c"), count("cache-c", 1), {"name": "cache_miss", "channel": "cache-c", "data": "{}"}
        )

    def test_other_apps_hear_nothing(self):
        self.server.publish("nobody-is-there", "x")
        self.join("a")
        self.expect(occupied("a"), count("a", 1))
        self.assertTrue(self.sink.hooks.empty())


class Requests(HookCase):
    def test_connections_are_used_again(self):
        self.serve([hook(self.sink.url(), ["channel_occupied"])])
        for i in range(20):
            self.join(f"channel-{i}")
            self.sink.events(1)
        self.assertLessEqual(self.sink.n_connections, 5)

    def test_headers_of_the_webhook_come_besides_the_standard_ones(self):
        headers = {"X-Custom": "one", "Content-Type": "text/x", "X-Empty": ""}
        self.serve([hook(self.sink.url("/hook?x=1"), ["channel_occupied"], headers=headers)])
        self.join("a")
        request = self.sink.next()
        self.assertEqual(request.line, "POST /hook?x=1 HTTP/1.1")
        self.assertEqual(request.header("x-custom"), ["one"])
        self.assertEqual(request.header("content-type"), ["application/json", "text/x"])
        self.assertEqual(request.header("x-empty"), [""])
        self.assertEqual(request.header("x-pusher-key"), [KEY])

    def test_each_webhook_gets_what_it_asked_for(self):
        self.serve(
            [
                hook(self.sink.url("/prefix"), ["channel_occupied"], filter={"channel_prefix": "private-"}),
                hook(self.sink.url("/suffix"), ["channel_occupied"], filter={"channel_suffix": "-end"}),
                hook(self.sink.url("/pattern"), ["channel_occupied", "cache_miss"], filter={"channel_pattern": "a[0-9]"}),
                hook(self.sink.url("/same"), ["channel_occupied"]),
                hook(self.sink.url("/same"), ["cache_miss"]),
            ]
        )
        for channel, expected in {
            "private-x": {("/prefix", "channel_occupied"), ("/same", "channel_occupied")},
            "x-end": {("/suffix", "channel_occupied"), ("/same", "channel_occupied")},
            "cache-a1": {("/pattern", "channel_occupied"), ("/pattern", "cache_miss"),
                         ("/same", "channel_occupied"), ("/same", "cache_miss")},
            "plain": {("/same", "channel_occupied")},
        }.items():  # fmt: skip
            self.join(channel)
            came = set()
            while len(came) < len(expected):
                request = self.sink.next()
                came |= {(request.line.split(" ")[1], e["name"]) for e in request.events}
            self.assertEqual(came, expected, channel)

    def test_events_are_gathered_for_a_moment(self):
        self.serve(batching={"enabled": True, "duration": 300, "size": 3})
        ws = self.closing(self.server.client())
        for channel in "abcd":
            ws.subscribe(channel)
        requests = [self.sink.next() for _ in range(3)]
        self.assertEqual([len(r.events) for r in requests], [3, 3, 2])
        events = [e for r in requests for e in r.events]
        self.assertEqual(by_name(events), by_name([occupied(c) for c in "abcd"] + [count(c, 1) for c in "abcd"]))


class Outcomes(HookCase):
    """A receiver that does not say 200."""

    def serve_occupied(self, url=None, **how):
        return self.serve([hook(url or self.sink.url(), ["channel_occupied"])], **how)

    def deliver(self, channel, *answers):
        """Announces the channel, and returns one request per answer, all with the same body."""
        self.sink.plan = list(answers)
        self.join(channel)
        requests = [self.sink.next() for _ in answers]
        self.assertEqual({r.body for r in requests}, {requests[0].body})
        self.assertEqual(requests[0].events, [occupied(channel)])
        return requests

    def test_what_may_pass_is_tried_again_ever_more_slowly(self):
        self.serve_occupied(retry=RETRY)
        first, second, third = self.deliver("a", Answer(500), Answer(503), Answer(200))
        self.assertGreater(second.at - first.at, 0.09)
        self.assertGreater(third.at - second.at, 0.19)
        for i, status in enumerate((408, 409, 425, 429)):
            self.deliver(f"again-{i}", Answer(status), Answer(200))

    def test_what_will_not_pass_is_not_tried_again(self):
        self.serve_occupied(retry=RETRY)
        for status in (400, 404, 410):
            self.deliver(f"channel-{status}", Answer(status))
        self.deliver("given-up", Answer(500), Answer(500), Answer(500))
        self.sink.nothing(0.5)

    def test_a_lost_connection_is_tried_again(self):
        self.serve_occupied(retry=RETRY)
        self.deliver("cut", Answer(raw=b""), Answer(200))
        self.deliver("half", Answer(raw=b"HTTP/1.1 200 O"), Answer(200))

    def test_silence_has_an_end(self):
        self.serve_occupied(retry=RETRY, request_timeout_ms=300)
        first, second = self.deliver("a", Answer(never=True), Answer(200))
        self.assertGreater(second.at - first.at, 0.35)

    def test_a_huge_answer_is_an_answer(self):
        self.serve_occupied(retry=RETRY)
        self.deliver("a", Answer(200, body=b"x" * 5_000_000))
        self.deliver("b", Answer(200))
        self.sink.nothing(0.3)

    def test_redirects_are_followed_by_post(self):
        self.serve_occupied(retry=RETRY)
        for status in (301, 302, 307, 308):
            there = self.sink.url(f"/there/{status}")
            _, second = self.deliver(f"channel-{status}", Answer(status, (f"Location: {there}",)), Answer(200))
            self.assertEqual(second.line, f"POST /there/{status} HTTP/1.1")

    def test_a_receiver_that_is_not_there_hurts_nobody(self):
        gone = Sink()
        gone.close()
        self.serve([hook(gone.url()), hook(self.sink.url(), ["channel_occupied"])], retry=RETRY)
        for i in range(20):
            self.join(f"channel-{i}")
        self.assertEqual(by_name(self.sink.events(20)), by_name([occupied(f"channel-{i}") for i in range(20)]))
        until(lambda: '"refused"' in self.server.log(), "the log does not say who is not there")

    def test_a_receiver_that_never_answers_holds_up_nobody(self):
        silent = self.closing(Sink(otherwise=Answer(never=True)))
        self.serve([hook(silent.url()), hook(self.sink.url(), ["channel_occupied"])], request_timeout_ms=60000)
        ws = self.join("a")
        self.assertEqual(self.sink.events(1), [occupied("a")])
        for i in range(50):
            self.server.publish("a", "x", str(i))
        self.assertEqual([ws.event()["data"] for _ in range(50)], [str(i) for i in range(50)])


@unittest.skipUnless(shutil.which("openssl"), "no openssl to make certificates with")
class Https(HookCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.authority = Authority(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.sink = self.closing(Sink(tls=self.authority.context()))

    def test_who_has_a_certificate_that_we_trust_is_told(self):
        self.serve([hook(self.sink.url(), ["channel_occupied"])], env={"SSL_CERT_FILE": str(self.authority.ca)})
        for channel in "abcdefghij":
            self.join(channel)
            self.assertEqual(self.sink.events(1), [occupied(channel)])
        self.assertLessEqual(self.sink.n_connections, 4)

    def test_who_has_none_is_told_nothing(self):
        self.serve(retry={"enabled": False})
        self.join("a")
        until(lambda: '"certificate"' in self.server.log(), "the log does not say why")
        self.assertTrue(self.sink.hooks.empty())


class Numbers(HookCase):
    """What /metrics says."""

    def serve(self, hooks, **reliability):
        queue = {"reliability": {"shutdown_timeout_ms": 100, **reliability}}
        self.server = Server([app(webhooks=hooks)], webhooks=SINGLE, metrics=METRICS, queue=queue)
        self.addCleanup(self.server.stop)

    def counts(self, outcome, n):
        def is_there():
            series = self.server.metrics().get("sockudo_webhook_deliveries_total", {})
            return [v for labels, v in series.items() if ("outcome", outcome) in labels] == [n]

        until(is_there, f"/metrics does not say that {n} were {outcome}")

    def depth(self, n):
        until(lambda: list(self.server.metrics()["sockudo_webhook_queue_depth"].values()) == [n], f"the queue is not {n} deep")

    def test_what_is_taken_and_what_is_not_are_counted(self):
        self.serve([hook(self.sink.url(), ["channel_occupied"])])
        self.sink.plan = [Answer(200), Answer(404)]
        for channel in "ab":
            self.join(channel)
            self.sink.next()
        self.counts("delivered", 1)
        self.counts("given_up", 1)
        self.depth(0)

    def test_what_waits_is_shown_and_what_has_no_room_is_dropped(self):
        silent = self.closing(Sink(otherwise=Answer(never=True)))
        self.serve([hook(silent.url(), ["subscription_count"])], memory_capacity=2)
        for channel in "abc":
            self.join(channel)
        self.counts("dropped", 1)
        self.depth(2)
        self.assertIn('"events_max":2,', self.server.log())
        self.assertIn("queue.reliability.memory_capacity", self.server.log())

    def test_nothing_of_it_is_there_without_webhooks(self):
        self.serve(None)
        self.assertFalse([name for name in self.server.metrics() if "webhook" in name])


class Reloads(HookCase):
    def reload(self, *apps):
        file = self.server.folder / "config.json"
        config = json.loads(file.read_text())
        config["app_manager"]["array"]["apps"] = list(apps)
        file.write_text(json.dumps(config))
        n = self.server.log().count('"reloaded"')
        self.server.signal(signal.SIGHUP)
        until(lambda: self.server.log().count('"reloaded"') > n, "it does not reload")

    def test_webhooks_change_while_it_runs(self):
        self.serve([hook(self.sink.url("/old"), ["channel_occupied"])])
        self.join("a")
        self.assertEqual(self.sink.next().line, "POST /old HTTP/1.1")
        self.reload(app(webhooks=[hook(self.sink.url("/new"), ["channel_occupied"])]))
        self.join("b")
        request = self.sink.next()
        self.assertEqual((request.line, request.events), ("POST /new HTTP/1.1", [occupied("b")]))
        self.reload(app())
        self.join("c")
        self.sink.nothing(0.3)

    def test_an_app_that_is_removed_is_told_its_end(self):
        self.serve()
        ws = self.join("a")
        self.sink.events(2)
        self.reload(app(id="other", key="other-key"))
        ws.event()
        self.assertIn(vacated("a"), self.sink.events(2))

    def test_the_first_webhooks_need_a_restart_and_that_is_said(self):
        self.server = Server()
        self.addCleanup(self.server.stop)
        self.reload(app(webhooks=[hook(self.sink.url())]))
        until(lambda: "webhooks_need_restart" in self.server.log(), "the log does not say so")
        self.join("a")
        self.sink.nothing(0.2)


class Surroundings(HookCase):
    @unittest.skipIf(IS_SANITIZED, "builds with sanitizers have no sandbox")
    def test_it_works_inside_the_sandbox(self):
        self.server = Server(
            [app(webhooks=[hook(self.sink.url().replace("127.0.0.1", "localhost"))])], webhooks=SINGLE, sandbox="required"
        )
        self.addCleanup(self.server.stop)
        self.join("a")
        self.sink.events(2)
        tasks = Path(f"/proc/{self.server.process.pid}/task")
        threads = {(task / "comm").read_text().strip() for task in tasks.iterdir()}
        self.assertIn("http-client", threads)

    def test_nothing_of_it_is_there_without_webhooks(self):
        self.server = Server()
        self.addCleanup(self.server.stop)
        self.join("a")
        with open(f"/proc/{self.server.process.pid}/maps") as maps:
            self.assertNotIn("libcurl", maps.read())

    def end_with_a_silent_receiver(self, shutdown_timeout_ms):
        """One event is under way, and nobody answers."""
        silent = self.closing(Sink(otherwise=Answer(never=True)))
        queue = {"reliability": {"shutdown_timeout_ms": shutdown_timeout_ms}}
        self.server = Server([app(webhooks=[hook(silent.url(), ["cache_miss"])])], webhooks=SINGLE, queue=queue)
        self.join("cache-a")
        silent.next()
        self.server.signal()
        until(lambda: '"webhook_events":1' in self.server.log(), "the log does not say that it waits")

    def test_a_server_that_ends_does_not_wait_for_ever(self):
        self.end_with_a_silent_receiver(1000)
        log = self.server.wait()
        self.assertIn('"message":"webhook events lost","events":1,"setting":"queue.reliability.shutdown_timeout_ms"', log)

    def test_a_second_signal_ends_that_wait(self):
        self.end_with_a_silent_receiver(600000)
        self.server.signal()
        self.assertIn('"webhook events lost"', self.server.wait())

    def test_a_server_that_ends_tells_what_there_was_to_tell(self):
        self.serve()
        self.join("a")
        self.sink.events(2)
        self.server.signal()
        events = []
        while vacated("a") not in events:
            events += check(self.sink.hooks.get(timeout=15))


class Judge(unittest.TestCase):
    """A receiver that takes everything would let everything pass."""

    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def post(self, body=None, **headers):
        body = body or b'{"time_ms":%d,"events":[{"name":"channel_occupied","channel":"a"}]}' % (time.time() * 1000)
        headers = {"Content-Type": "application/json", "X-Pusher-Key": KEY, "X-Pusher-Signature": signature(body), **headers}
        with urllib.request.urlopen(urllib.request.Request(self.sink.url(), body, headers)) as answer:
            self.assertEqual(answer.status, 200)
        return self.sink.hooks.get()

    def test_a_good_request_is_taken(self):
        self.assertEqual(check(self.post()), [occupied("a")])

    def test_a_bad_one_is_not(self):
        now = time.time() * 1000
        for body in (b'{"events":[{}],"time_ms":%d}' % now, b'{"time_ms":%d,"events":[]}' % now, b'{"time_ms":1,"events":[{}]}'):
            with self.subTest(body), self.assertRaises(AssertionError):
                check(self.post(body))
        for headers in ({"X-Pusher-Signature": "0" * 64}, {"X-Pusher-Key": "k"}, {"Content-Type": "text/plain"}, {"Expect": "x"}):
            with self.subTest(headers), self.assertRaises(AssertionError):
                check(self.post(**headers))


if __name__ == "__main__":
    unittest.main()
