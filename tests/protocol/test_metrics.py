"""/metrics, /stats and what is really there say the same.

One scripted run, in which every client counts what it sends and receives; afterwards each number of the page is
compared with what the clients counted, with /stats, and with the open descriptors of the process.
"""

import re
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from harness import CLOSE, METRICS, Http, Server, Ws, app, close_payload, compact, frame, json

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r'(METRIC|FIXED)\((\w+), (\w+), "([^"]*)"')

# What dashboards and alert rules of the original draw, but for metrics between nodes.
DASHBOARD = """connected new_connections_total new_disconnections_total connection_errors_total ws_messages_received_total
ws_messages_sent_total socket_received_bytes socket_transmitted_bytes http_calls_received_total http_received_bytes
http_transmitted_bytes active_channels channel_subscriptions_total channel_unsubscriptions_total
rate_limit_checks_total rate_limit_triggered_total broadcast_latency_ms_bucket broadcast_latency_ms_sum
broadcast_latency_ms_count""".split()

# Names of the original that the tool would have otherwise.
INHERITED = {
    "sockudo_socket_received_bytes", "sockudo_socket_transmitted_bytes", "sockudo_http_received_bytes",
    "sockudo_http_transmitted_bytes", "sockudo_broadcast_latency_ms", "process_cpu_seconds_total",
}


# What this run does not cause; test_webhooks.py and the tests of admission do.
ELSEWHERE = {"memory_pressure_rejections_total", "webhook_deliveries_total", "webhook_queue_depth"}


class Counting(Ws):
    """A client that counts."""

    def __init__(self, *args, **named):
        self.n_sent = self.bytes_sent = self.n_received = self.bytes_received = 0
        super().__init__(*args, **named)

    def say(self, message):
        text = message if isinstance(message, str) else compact(message)
        self.n_sent += 1
        self.bytes_sent += len(text.encode())
        super().say(text)

    def frame(self):
        f = super().frame()
        self.n_received += 1
        self.bytes_received += len(f.payload)
        return f


def labels(**named):
    return frozenset(named.items())


def rows():
    """{name: (type, labels)} of metrics.def, without the prefix."""
    text = (ROOT / "src/server/metrics.def").read_text()
    return {m[1]: (m[2].lower(), m[3].split(), m[0] == "FIXED") for m in ROW.findall(text)}


class Run:
    """The scripted run."""

    def __init__(self, **settings):
        limiter = {"enabled": True, "api_rate_limit": {"max_requests": 12, "window_seconds": 60}}
        apps = [app(max_client_events_per_second=1), app("id-2", "key-2", "secret-2"), app("off", "key-off", enabled=False)]
        self.server = Server(apps, metrics=METRICS, rate_limiter=limiter, **settings)
        self.files_before = self.settled_files()
        self.a, self.b = self.client(), self.client()
        self.unknown = Counting(self.server.port, "/app/nope?protocol=7")
        self.http_in = self.http_out = self.n_calls = 0

    def client(self):
        c = Counting(self.server.port)
        c.socket_id = json.loads(c.event()["data"])["socket_id"]
        return c

    def settled_files(self):
        """When nobody is about to leave any more."""
        n = -1
        while n != (n := self.server.open_files()):
            time.sleep(0.02)
        return n

    def call(self, method, path, body=None):
        with self.server.http() as http:
            answer = http.call(method, path, body=body)
        if answer.status < 400:
            self.n_calls += 1
            self.http_in += len(compact(body)) if body else 0
            self.http_out += len(answer.body)
        return answer

    def play(self):
        a, b = self.a, self.b
        for channel in ("public", "private-p"):
            a.subscribe(channel)
            b.subscribe(channel)
        a.subscribe("presence-room", compact({"user_id": "u1"}))
        b.subscribe("presence-room", compact({"user_id": "u2"}))
        a.event()  # member_added
        for channel in ("private-encrypted-e", "cache-c", "private-cache-c"):
            a.subscribe(channel)
        a.subscribe("public")  # again: no other subscription
        self.say_wrong_things()
        self.publish()
        b.say({"event": "pusher:unsubscribe", "data": {"channel": "public"}})
        b.fence()
        self.close_one()
        self.unknown.event()
        self.unknown.close_frame()
        self.unknown.close()
        with self.server.http() as http:
            http.call("POST", "/apps/app-id/events", body={"name": "e"}, sign=False)  # refused: does not count
        while self.call("GET", "/apps/app-id/channels").status != 429:
            pass

    def say_wrong_things(self):
        a, b = self.a, self.b
        for event in ("client-x", "client-y"):  # the second is above its rate
            a.say({"event": event, "channel": "private-p", "data": {"a": 1}})
        b.event()
        a.event()
        a.say("nonsense")
        a.event()
        a.say({"event": "pusher:subscribe", "data": {"channel": "private-q", "auth": "app-key:00"}})
        a.event()
        a.fence()

    def publish(self):
        for _ in range(3):
            self.call("POST", "/apps/app-id/events", {"name": "e", "channel": "public", "data": "x" * 10})
        self.call("POST", "/apps/app-id/batch_events", {"batch": [{"name": "e", "channel": "public", "data": "x"}]})
        for _ in range(4):
            self.a.event()
            self.b.event()
        self.call("GET", "/up/app-id")
        with self.server.http() as http:
            http.call("GET", "/up", sign=False)

    def close_one(self):
        self.c = self.client()
        self.c.send(frame(CLOSE, close_payload(1000)))
        self.c.frame()
        assert self.c.rest() == b""
        self.c.close()

    def leave(self):
        self.a.reset()
        self.b.close()


class Metrics(unittest.TestCase):
    workers = 1

    @classmethod
    def setUpClass(cls):
        cls.run_ = Run(workers=cls.workers)
        cls.run_.play()
        with Http(cls.run_.server.metrics_port) as http:
            cls.page = http.call("GET", "/metrics", sign=False).body.decode()
            cls.files = cls.run_.server.open_files()
        cls.metrics = cls.run_.server.metrics()
        cls.stats = cls.run_.server.get("/stats", sign=False).json()

    @classmethod
    def tearDownClass(cls):
        cls.run_.server.stop()

    def value(self, name, **named):
        return self.metrics.get("sockudo_" + name, {}).get(labels(**named))

    def all(self, name):
        return {tuple(sorted(dict(k).items())): v for k, v in self.metrics.get("sockudo_" + name, {}).items()}

    def test_messages_are_those_that_clients_sent_and_received(self):
        r = self.run_
        members = [r.a, r.b, r.c]
        for name, attribute in (
            ("ws_messages_sent_total", "n_received"), ("socket_transmitted_bytes", "bytes_received"),
            ("ws_messages_received_total", "n_sent"), ("socket_received_bytes", "bytes_sent"),
        ):
            with self.subTest(name):
                self.assertEqual(self.value(name, app_id="app-id"), sum(getattr(c, attribute) for c in members))
        self.assertEqual(self.value("ws_messages_sent_total", app_id="unknown"), r.unknown.n_received)
        self.assertEqual(self.value("socket_transmitted_bytes", app_id="unknown"), r.unknown.bytes_received)

    def test_connections_are_those_that_came_and_went(self):
        self.assertEqual(self.value("connected", app_id="app-id"), 2)
        self.assertEqual(self.value("connected", app_id="id-2"), 0)
        self.assertEqual(self.value("new_connections_total", app_id="app-id"), 3)
        self.assertEqual(self.value("new_disconnections_total", app_id="app-id"), 1)

    def test_errors_have_a_kind_and_no_name_that_a_client_chose(self):
        self.assertEqual(self.all("connection_errors_total"), {
            (("app_id", "app-id"), ("error_type", "authentication_error")): 1,
            (("app_id", "app-id"), ("error_type", "invalid_message_format")): 1,
            (("app_id", "unknown"), ("error_type", "app_not_found")): 1,
        })
        self.assertNotIn("nope", self.page)

    def by_type(self, name):
        return {dict(k)["channel_type"]: v for k, v in self.metrics["sockudo_" + name].items()}

    def test_channels_have_the_kind_of_their_prefix(self):
        self.assertEqual(
            self.by_type("active_channels"),
            {"public": 1, "private": 1, "presence": 1, "private_encrypted": 1, "cache": 2},
        )
        self.assertEqual(
            self.by_type("channel_subscriptions_total"),
            {"public": 2, "private": 2, "presence": 2, "private_encrypted": 1, "cache": 2},
        )
        self.assertEqual(self.by_type("channel_unsubscriptions_total"), {"public": 1})

    def test_calls_that_succeeded_count_with_their_bodies(self):
        r = self.run_
        self.assertEqual(self.value("http_calls_received_total", app_id="app-id"), r.n_calls)
        self.assertEqual(self.value("http_received_bytes", app_id="app-id"), r.http_in)
        self.assertEqual(self.value("http_transmitted_bytes", app_id="app-id"), r.http_out)
        self.assertEqual(self.value("http_calls_received_total", app_id="system"), 1)
        self.assertEqual(self.value("http_transmitted_bytes", app_id="system"), len("OK"))

    def test_each_event_is_timed_once_for_each_worker_with_receivers(self):
        count = self.metrics["sockudo_broadcast_latency_ms_count"]
        public = count[labels(app_id="app-id", channel_type="public", recipient_count_bucket="xs")]
        private = count[labels(app_id="app-id", channel_type="private", recipient_count_bucket="xs")]
        self.assertIn(public, range(4, 4 * self.workers + 1))
        self.assertEqual(private, 1)
        self.assertEqual(len(count), 2)

    def test_buckets_are_those_of_the_original_and_add_up(self):
        bounds = "0.5 1 2.5 5 10 25 50 100 250 500 1000 2500 5000 +Inf".split()
        found = re.findall(r'sockudo_broadcast_latency_ms_bucket{.*channel_type="public".*le="([^"]*)"} (\d+)', self.page)
        self.assertEqual([le for le, _ in found], bounds)
        numbers = [int(n) for _, n in found]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(numbers[-1], self.value(
            "broadcast_latency_ms_count", app_id="app-id", channel_type="public", recipient_count_bucket="xs"))
        total = self.value("broadcast_latency_ms_sum", app_id="app-id", channel_type="public", recipient_count_bucket="xs")
        self.assertTrue(0 < total < 60_000)

    def test_rates_are_counted_where_they_are_measured(self):
        self.assertEqual(self.all("rate_limit_triggered_total"), {
            (("app_id", "app-id"), ("limiter_type", "client_events"), ("request_context", "unknown")): 1,
            (("app_id", "global"), ("limiter_type", "api_rate_limit"), ("request_context", "http_api")): 1,
        })
        checks = self.all("rate_limit_checks_total")
        api = (("app_id", "global"), ("limiter_type", "api_rate_limit"), ("request_context", "http_api"))
        upgrade = (("app_id", "global"), ("limiter_type", "websocket_rate_limit"), ("request_context", "websocket_upgrade"))
        self.assertEqual(checks[api], 13)
        self.assertEqual(checks[upgrade], 4)

    def test_statistics_say_the_same(self):
        self.assertEqual([a["app_id"] for a in self.stats["apps"]], ["app-id"])
        one = {k: v for k, v in self.stats["apps"][0].items() if k != "app_id"}
        self.assertEqual({k: v for k, v in self.stats["totals"].items() if k != "apps"}, one)
        self.assertEqual(one["connections"], self.value("connected", app_id="app-id"))
        self.assertEqual(one["occupancy"]["channels"], sum(self.by_type("active_channels").values()))
        self.assertEqual(one["occupancy"], {
            "channels": 6, "subscriptions": 8, "presence_channels": 1, "presence_subscriptions": 2, "presence_members": 2,
        })

    def test_descriptors_are_those_of_the_process(self):
        page = int(re.search(r"^process_open_fds (\d+)$", self.page, re.M).group(1))
        self.assertEqual(page, self.files)
        self.assertEqual(self.run_.settled_files(), self.run_.files_before + 2)

    def test_loops_have_their_connections(self):
        self.assertEqual(sum(self.metrics["sockudo_loop_connections"].values()), 2 + 1)  # and the scraper's
        n_loops = self.workers + (self.workers > 1)
        for name in ("loop_busy_ratio", "loop_mailbox_bytes"):
            self.assertEqual(len(self.metrics["sockudo_" + name]), n_loops)
        self.assertTrue(all(0 <= v <= 1 for v in self.metrics["sockudo_loop_busy_ratio"].values()))

    def test_the_page_is_what_the_table_says(self):
        table = rows()
        seen = set()
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", self.page, re.M):
            row = table[name.removeprefix("sockudo_")]
            self.assertEqual(name.startswith("sockudo_"), not row[2])
            self.assertEqual(kind, row[0])
            seen.add(name.removeprefix("sockudo_"))
        self.assertEqual(set(table) - seen, ELSEWHERE)
        port = str(self.run_.server.metrics_port)
        for name, text in re.findall(r"^([a-z]\w*)\{(.*)\} \S+$", self.page, re.M):
            base = re.sub(r"_(bucket|sum|count)$", "", name) if "latency" in name else name
            found = re.findall(r'(\w+)="([^"]*)"', text)
            self.assertEqual([k for k, _ in found if k != "le"], table[base.removeprefix("sockudo_")][1])
            self.assertIn(dict(found).get("port", port), port)

    def test_dashboards_have_data(self):
        for name in DASHBOARD:
            self.assertTrue(self.metrics.get("sockudo_" + name), name)

    @unittest.skipUnless(shutil.which("promtool"), "there is no promtool (Debian: prometheus)")
    def test_promtool_finds_nothing_but_names_of_the_original(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.page, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        complaints = {line.split(" ", 1)[0] for line in said.splitlines() if line.strip()}
        self.assertEqual(complaints - INHERITED, set(), said)
        self.assertIn(done.returncode, (0, 3), said)  # 3: it would have named them otherwise


class MetricsOfWorkers(Metrics):
    workers = 3


class Rest(unittest.TestCase):
    def test_after_all_have_left_gauges_are_0_and_counters_stay(self):
        r = Run(workers=2)
        self.addCleanup(r.server.stop)
        r.play()
        r.leave()
        deadline = time.monotonic() + 20
        while True:
            m = r.server.metrics()
            if m["sockudo_connected"][labels(app_id="app-id")] == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        m = r.server.metrics()
        self.assertEqual(set(m["sockudo_connected"].values()), {0})
        self.assertEqual(len(m["sockudo_active_channels"]), 5)
        self.assertEqual(set(m["sockudo_active_channels"].values()), {0})
        app_id = labels(app_id="app-id")
        self.assertEqual(m["sockudo_new_connections_total"][app_id], m["sockudo_new_disconnections_total"][app_id])
        self.assertEqual(r.server.get("/stats", sign=False).json()["apps"], [])
        self.assertEqual(r.settled_files(), r.files_before)


if __name__ == "__main__":
    unittest.main()
