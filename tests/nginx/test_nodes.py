"""Several servers behind nginx: who gets whom, what happens when one is stopped."""

import unittest

from scene import Listener, NginxCase, Relay, until


class Full(Listener):
    """A node that takes nobody."""

    def serve(self, peer):
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class Nodes(NginxCase):
    def nodes(self, count, **settings):
        """Servers, and relays in front of them that count the connections."""
        servers = [self.server(**settings) for _ in range(count)]
        return servers, [self.stopping(Relay(server.port)) for server in servers]

    def spread(self, nginx, relays, sources):
        """How many WebSockets from these addresses each node gets; they stay open."""
        before = [relay.count for relay in relays]
        for source in sources:
            self.closing(nginx.client(source))
        return [relay.count - n for relay, n in zip(relays, before)]

    def test_ip_hash_keeps_an_address_at_its_node(self):
        _, relays = self.nodes(3)
        nginx = self.nginx("nodes-ip-hash", *[relay.address for relay in relays])
        for third in range(4):
            counts = self.spread(nginx, relays, [f"127.0.{third}.{i + 1}" for i in range(5)])
            self.assertEqual(sorted(counts), [0, 0, 5], "the first three numbers decide")
        counts = self.spread(nginx, relays, [f"127.{i}.{i * 7 % 256}.1" for i in range(60)])
        self.assertGreater(min(counts), 5, counts)

    def test_least_conn_fills_a_node_that_is_empty(self):
        servers, relays = self.nodes(3)
        nginx = self.nginx("nodes-least-conn", *[relay.address for relay in relays])
        self.assertEqual(self.spread(nginx, relays, ["127.0.0.1"] * 9), [3, 3, 3])
        busy = [self.closing(servers[0].client()) for _ in range(3)]  # not through nginx: it does not count them
        self.assertEqual(self.spread(nginx, relays, ["127.0.0.1"] * 3), [1, 1, 1])
        self.assertEqual(len(busy), 3)

    def test_round_robin_gives_to_each_in_turn(self):
        _, relays = self.nodes(3)
        nginx = self.nginx("nodes-round-robin", *[relay.address for relay in relays])
        self.assertEqual(self.spread(nginx, relays, ["127.0.0.1"] * 9), [3, 3, 3])

    def test_weights_are_obeyed(self):
        _, relays = self.nodes(3)
        nginx = self.nginx("nodes-weighted", *[relay.address for relay in relays])
        self.assertEqual(self.spread(nginx, relays, ["127.0.0.1"] * 10), [6, 2, 2])


class Health(NginxCase):
    def test_stopped_node_is_left_out_and_its_clients_come_back_at_another(self):
        first, second = self.server(), self.server()
        nginx = self.nginx("nodes-health", first, second)
        clients = self.pusher_js(nginx)
        for i in range(6):
            clients.connect(i, nginx)
            clients.subscribe(i, "news")
        since = len(clients.heard)
        self.kill(first)
        # Its three clients come back, and all six hear what is published.
        clients.await_heard(since, times=3, channel="news", event="pusher:subscription_succeeded")
        self.assertEqual([nginx.publish("news", "hello", "all") for _ in range(12)], [200] * 12)
        clients.await_heard(since, times=72, channel="news", event="hello")
        self.assertEqual({nginx.get("/up").status for _ in range(12)}, {200})
        tried = nginx.log().count("connect() failed (111")
        self.assertIn(tried, [1, 2, 3], "after max_fails it is not even asked")

    def test_node_that_is_back_is_used_again(self):
        first, second = self.server(), self.server()
        port = first.port
        nginx = self.nginx("nodes-health", first, second, change=[("fail_timeout=30s", "fail_timeout=1s")])
        first.stop()
        for _ in range(6):
            self.assertEqual(nginx.handshake(), 101)
        again = self.server(port=port)
        until(lambda: self.joins(nginx, again), "nobody comes to the node that is back")

    def test_node_that_takes_nobody_is_passed_over(self):
        full = self.stopping(Full())
        told = "        proxy_next_upstream error timeout http_503;\n"
        for name in ["nodes-health", "production"]:
            more = "    # server 127.0.0.1:6002 max_fails=3 fail_timeout=30s;"
            change = [] if name == "nodes-health" else [(more, more.replace("# ", "").replace("6002", "6001"))]
            with self.subTest(name):
                nginx = self.nginx(name, full.address, self.server(), change=change)
                self.assertEqual({nginx.handshake() for _ in range(6)}, {101})
                nginx = self.nginx(name, full.address, self.server(), change=[*change, (told, "")])
                self.assertEqual({nginx.handshake() for _ in range(6)}, {101, 503})

    def joins(self, nginx, server):
        """Does a newcomer get to this server?"""
        self.closing(nginx.client()).subscribe("news")
        return bool(server.get("/apps/app-id/channels").json()["channels"])



if __name__ == "__main__":
    unittest.main()
