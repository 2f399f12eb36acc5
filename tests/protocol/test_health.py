"""Health, admission, and what operators may see, over real sockets."""

import socket
import time
import unittest

from harness import METRICS, Http, Server, ServerCase, app, upgrade_request

HUGE, TINY = 1 << 50, 1 << 20


def asked(server, path, port=None, headers=(), method="GET"):
    with Http(port or server.port) as http:
        return http.call(method, path, sign=False, headers=headers)


class Words(ServerCase):
    apps = [app(), app("off", "key-off", enabled=False)]

    def check(self, path, status, word, header):
        for p in (path, path + "/"):
            answer = asked(self.server, p)
            self.assertEqual((answer.status, answer.body.decode(), answer.header(header)), (status, word, word))
        head = asked(self.server, path, method="HEAD")
        self.assertEqual((head.status, head.header(header)), (status, word))

    def test_health_is_a_word_in_body_and_header(self):
        self.check("/up", 200, "OK", "x-health-check")
        self.check("/up/app-id", 200, "OK", "x-health-check")
        self.check("/up/off", 503, "ERROR", "x-health-check")
        self.check("/up/nobody", 404, "NOT_FOUND", "x-health-check")
        self.check("/ready", 200, "OK", "x-health-check")
        self.check("/accept-traffic", 200, "ACCEPTING", "x-accept-traffic")

    def test_live_says_nothing(self):
        answer = asked(self.server, "/live")
        self.assertEqual((answer.status, answer.body, answer.header("content-type")), (200, b"", None))

    def test_without_a_memory_limit_nothing_is_measured(self):
        answer = asked(self.server, "/accept-traffic")
        self.assertEqual(answer.header("x-memory-pressure-monitor"), "DISABLED")
        self.assertEqual(answer.header("x-memory-limit-source"), "unavailable")

    def test_usage_is_memory_in_bytes(self):
        memory = asked(self.server, "/usage").json()["memory"]
        with open("/proc/meminfo") as f:
            total = int(f.readline().split()[1]) << 10
        self.assertEqual(memory["total"], total)
        self.assertEqual(memory["free"] + memory["used"], total)
        self.assertAlmostEqual(memory["percent"], 100 * memory["used"] / total, delta=0.01)

    def test_metrics_are_not_on_the_port_of_clients(self):
        self.assertEqual(asked(self.server, "/metrics").body, b"404 NOT FOUND")


class Ready(ServerCase):
    settings = {"max_connections": 10, "http_api": {"readiness": {"high_watermark": 0.5, "low_watermark": 0.2}}}

    def word(self):
        answer = asked(self.server, "/ready")
        self.assertEqual(answer.header("x-health-check"), answer.body.decode())
        return answer.status, answer.body.decode()

    def until(self, n):
        """n sessions are left."""
        deadline = time.monotonic() + 20
        while asked(self.server, "/stats").json()["totals"]["connections"] != n:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_a_full_node_is_ready_again_when_it_is_clearly_emptier(self):
        clients = [self.client() for _ in range(4)]
        self.assertEqual(self.word(), (200, "OK"))
        clients.append(self.client())
        self.assertEqual(self.word(), (503, "CAPACITY"))
        for left, word in ((4, "CAPACITY"), (3, "CAPACITY"), (2, "OK")):
            clients.pop().close()
            self.until(left)
            self.assertEqual(self.word()[1], word)
        clients += [self.client(), self.client()]
        self.assertEqual(self.word(), (200, "OK"))  # between the watermarks what was stays
        self.assertEqual(asked(self.server, "/up").status, 200)


class Memory(unittest.TestCase):
    def start(self, **accept_traffic):
        server = Server(metrics=METRICS, http_api={"accept_traffic": {"enabled": True, **accept_traffic}})
        self.addCleanup(server.stop)
        return server

    def upgrade(self, server):
        with server.http() as http:
            http.send(upgrade_request(server.port))
            return http.answer()

    def test_above_the_limit_new_sockets_are_refused_and_nothing_else(self):
        server = self.start(memory_limit_bytes=TINY)
        for _ in range(2):
            answer = self.upgrade(server)
            self.assertEqual((answer.status, answer.body), (503, b"MEMORY_PRESSURE"))
            self.assertEqual(answer.header("retry-after"), "1")
        answer = asked(server, "/accept-traffic")
        self.assertEqual((answer.status, answer.body), (503, b"MEMORY_PRESSURE"))
        self.assertEqual(answer.header("x-memory-pressure-monitor"), "SHEDDING")
        self.assertEqual(answer.header("x-memory-limit-source"), "configured")
        self.assertEqual(asked(server, "/up").status, 200)
        self.assertEqual(server.get("/apps/app-id/channels").status, 200)
        metrics = server.metrics()
        self.assertEqual(list(metrics["sockudo_memory_pressure_shedding"].values()), [1])
        self.assertEqual(list(metrics["sockudo_memory_pressure_rejections_total"].values()), [2])
        self.assertIn('"memory pressure admission shedding started"', server.log())

    def test_below_the_limit_everybody_comes_in(self):
        server = self.start(memory_limit_bytes=HUGE)
        server.client().close()
        answer = asked(server, "/accept-traffic")
        self.assertEqual((answer.status, answer.header("x-memory-pressure-monitor")), (200, "AVAILABLE"))
        self.assertEqual(list(server.metrics()["sockudo_memory_pressure_shedding"].values()), [0])


class Operators(unittest.TestCase):
    def start(self, **settings):
        server = Server(**{"metrics": METRICS, **settings})
        self.addCleanup(server.stop)
        return server

    def test_a_token_is_asked_for_where_operators_look_and_nowhere_else(self):
        server = self.start(operator={"token": "let-me-in"})
        places = [(server.port, p) for p in ("/usage", "/stats", "/operator/stats")] + [(server.metrics_port, "/metrics")]
        for port, path in places:
            for headers in ((), ("Authorization: Bearer let-me-im",), ("Authorization: Basic let-me-in",),
                            ("Authorization: Bearer let-me-in2",), ("Authorization: Bearer",)):
                answer = asked(server, path, port, headers)
                self.assertEqual(answer.status, 401, (path, headers))
                self.assertEqual(answer.header("www-authenticate"), 'Bearer realm="sockudo"')
            self.assertEqual(asked(server, path, port, ("Authorization: bearer let-me-in",)).status, 200)
        self.assertEqual(asked(server, "/up").status, 200)
        self.assertEqual(server.get("/apps/app-id/channels").status, 200)
        self.assertNotIn("let-me-in", server.log())

    def test_statistics_can_be_on_the_port_of_metrics_alone(self):
        server = self.start(operator={"listener": "metrics"})
        for path in ("/usage", "/stats", "/operator/stats"):
            self.assertEqual(asked(server, path).status, 404)
            self.assertEqual(asked(server, path, server.metrics_port).status, 200)

    def test_by_default_they_are_on_the_port_of_clients_alone(self):
        server = self.start()
        for path in ("/usage", "/stats", "/operator/stats", "/up", "/app/app-key", "/"):
            answer = asked(server, path, server.metrics_port)
            self.assertEqual((answer.status, answer.body), (404, b""))
        self.assertEqual(asked(server, "/stats").status, 200)

    def test_statistics_can_be_switched_off(self):
        server = self.start(http_api={"usage_enabled": False})
        for path in ("/usage", "/stats", "/operator/stats"):
            self.assertEqual(asked(server, path).body, b"404 NOT FOUND")

    def test_metrics_answers_like_the_original(self):
        server = self.start()
        answer = asked(server, "/metrics", server.metrics_port)
        self.assertEqual(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        self.assertIsNone(answer.header("access-control-allow-origin"))
        wrong = asked(server, "/metrics", server.metrics_port, method="POST")
        self.assertEqual((wrong.status, wrong.header("allow"), wrong.body), (405, "GET,HEAD", b""))
        head = asked(server, "/metrics", server.metrics_port, method="HEAD")
        self.assertGreater(int(head.header("content-length")), 1000)

    def test_the_names_can_begin_otherwise(self):
        server = self.start(metrics={**METRICS, "prometheus": {"prefix": "my:"}})
        names = server.metrics()
        self.assertIn("my:connected", names)
        self.assertIn("process_open_fds", names)

    def test_a_taken_port_costs_the_metrics_alone(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            server = self.start(metrics={**METRICS, "port": taken.getsockname()[1]})
            self.assertIn('"level":"WARN","fields":{"message":"metrics server not started"', server.log())
            server.client().close()

    def test_while_draining_probes_say_so_and_metrics_go_on(self):
        server = Server(metrics=METRICS, shutdown_grace_period=5)
        client = server.client()
        with server.http() as probe, Http(server.metrics_port) as scraper:
            probe.send(b"GET /up HTTP/1.1\r\n")  # under way: it keeps the server from leaving
            scraper.call("GET", "/metrics", sign=False)
            server.signal()
            self.assertEqual(client.event()["data"]["code"], 4200)
            for path, header in (("/up", "x-health-check"), ("/ready", "x-health-check"), ("/accept-traffic", "x-accept-traffic")):
                answer = asked(server, path)
                self.assertEqual((answer.status, answer.body, answer.header(header)), (503, b"DRAINING", "DRAINING"))
            self.assertEqual(asked(server, "/metrics", server.metrics_port).status, 200)
        client.close()
        server.wait()


if __name__ == "__main__":
    unittest.main()
