"""The connections between nginx and the server: kept, idle, over a Unix socket, and after the server was away."""

import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from scene import NginxCase, Relay, Server, UnixServer, configurations, until

KEEP = ("    ''      '';", "    ''      close;")
# A Unix socket as the guide has it, and as it is in use: one location, no addresses, nothing kept.
GUIDE = """
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
upstream sockudo_backend {
server unix:%s;
}
server {
listen 127.0.0.1:%d;
server_name sockudo.yourdomain.com;
location / {
proxy_pass http://sockudo_backend;
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;
proxy_set_header Host $host;
proxy_cache_bypass $http_upgrade;
}
}
"""


class Kept(NginxCase):
    def test_publishes_of_many_clients_share_connections_in_every_file(self):
        server = self.server()
        for name in configurations():
            with self.subTest(name):
                self.assertEqual(self.connections_for_publishes(name, server), 1)

    def test_without_the_correction_each_publish_has_a_connection_of_its_own(self):
        self.assertEqual(self.connections_for_publishes("minimal", self.server(), change=[KEEP]), 20)

    def connections_for_publishes(self, name, server, **how):
        """Of twenty, one after the other, each on a connection to nginx of its own."""
        relay = self.stopping(Relay(server.port))
        nginx = self.nginx(name, relay.address, "127.0.0.1:9 down", "127.0.0.1:9 down", **how)
        for _ in range(20):
            self.assertEqual(nginx.publish(), 200)
        return relay.count

    def test_connection_that_nginx_keeps_outlives_the_end_that_nginx_gives_it(self):
        """The side that sends requests must be the first to close: see http_api.idle_timeout_ms."""
        server = self.server(http_api={"idle_timeout_ms": 1500})
        relay = self.stopping(Relay(server.port))
        nginx = self.nginx("minimal", relay.address, change=[("keepalive 32;", "keepalive 32;\nkeepalive_timeout 1s;")])
        for pause_s in [0.5, 0.9, 1.1]:
            self.assertEqual(nginx.publish(), 200)
            time.sleep(pause_s)
        self.assertEqual(nginx.publish(), 200)
        self.assertEqual(relay.count, 2)


class Idle(NginxCase):
    def test_idle_client_stays_as_long_as_pings_come_more_often_than_the_proxys_time_runs_out(self):
        """Seconds for minutes: 120 and 300 in the file and by default."""
        server = self.server(activity_timeout=1)
        nginx = self.nginx("minimal", server, change=[("proxy_read_timeout 300s;", "proxy_read_timeout 2s;")])
        clients = self.pusher_js(nginx)
        clients.connect("idle", nginx)
        clients.subscribe("idle", "news")
        time.sleep(5)
        nginx.publish("news", "still", "there")
        clients.await_heard(channel="news", event="still", data="there")
        self.assertEqual(clients.times_heard(state="connected"), 1, clients.heard)

    def test_idle_client_is_lost_where_the_proxys_time_runs_out_first(self):
        server = self.server(activity_timeout=60)
        nginx = self.nginx("minimal", server, change=[("proxy_read_timeout 300s;", "proxy_read_timeout 1s;")])
        ws = self.closing(nginx.client())
        self.assertEqual(ws.rest(), b"")

    def test_server_forgets_a_client_that_nginx_has_given_up(self):
        server = self.server()
        nginx = self.nginx("minimal", server)
        ws = nginx.client()
        ws.subscribe("presence-room", '{"user_id":1}')
        self.assertEqual(len(nginx.call("GET", "/apps/app-id/channels/presence-room/users").json()["users"]), 1)
        ws.reset()
        until(
            lambda: nginx.call("GET", "/apps/app-id/channels/presence-room/users").json()["users"] == [],
            "the member is still there",
        )


class Away(NginxCase):
    def test_restarted_server_is_met_with_502_and_then_at_once(self):
        """502 while it is away, and not a moment longer."""
        port = self.server_port()
        nginx = self.nginx("minimal", f"127.0.0.1:{port}")
        clients = self.pusher_js(nginx)
        server = Server(port=port)
        clients.connect("c", nginx)
        clients.subscribe("c", "news")
        self.assertEqual(nginx.publish(), 200)
        self.kill(server)
        for _ in range(5):
            self.assertEqual((nginx.publish(), nginx.handshake(), nginx.get("/up").status), (502, 502, 502))
        since = len(clients.heard)
        self.stopping(Server(port=port))
        self.assertEqual((nginx.publish(), nginx.handshake(), nginx.get("/up").status), (200, 101, 200))
        clients.await_heard(since, client="c", channel="news", event="pusher:subscription_succeeded")

    def test_restarted_server_would_be_put_aside_behind_localhost(self):
        """Whose two addresses are two servers for nginx."""
        port = self.server_port()
        two = f"server 127.0.0.1:{port};\n    server 127.0.0.2:{port};"
        nginx = self.nginx("minimal", change=[("server 127.0.0.1:6001;", two)])
        for _ in range(5):
            self.assertEqual(nginx.publish(), 502)
        self.stopping(Server(port=port, host="0.0.0.0"))
        self.assertEqual(nginx.publish(), 502)

    def server_port(self):
        server = Server()
        port = server.port
        server.stop()
        return port


class UnixSocket(NginxCase):
    CLIENTS = 300  # at once, more than any limit by address lets in

    def connect_many(self, nginx, source):
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda i: self.closing(nginx.client(source(i))), range(self.CLIENTS)))

    def test_many_clients_connect_over_the_socket_of_the_guide(self):
        """They have no addresses, so nobody is limited by one."""
        server = self.stopping(UnixServer(rate_limiter={"enabled": True}))
        nginx = self.nginx("minimal", f"unix:{server.path}", text=lambda ports: GUIDE % (server.path, ports[80]))
        peers = self.connect_many(nginx, lambda i: "127.0.0.1")
        for ws in peers:
            ws.subscribe("news")
        self.assertEqual(nginx.publish("news", "hello", "all"), 200)
        for ws in peers:
            self.assertEqual(ws.event(), {"event": "hello", "channel": "news", "data": "all"})

    def test_clients_of_different_addresses_connect_over_our_socket(self):
        server = self.stopping(UnixServer(rate_limiter={"enabled": True}))
        nginx = self.nginx("unix-socket", f"unix:{server.path}")
        self.assertEqual(len(self.connect_many(nginx, lambda i: f"127.5.{i // 10}.1")), self.CLIENTS)


if __name__ == "__main__":
    unittest.main()
