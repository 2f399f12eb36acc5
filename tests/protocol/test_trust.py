"""Who a request comes from: what the peer says is believed only of a trusted peer."""

import socket
import tempfile
import unittest
from pathlib import Path

from harness import TIMEOUT_S, Http, Server, ServerCase, request, until


def doctor(http, *headers):
    answer = http.call("GET", "/apps/app-id/doctor", headers=headers)
    assert answer.status == 200, answer.raw
    return answer.json()


class UnixHttp(Http):
    """A persistent connection to a Unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(str(path))
        self.unread = b""


class UnixServer(Server):
    """Listens on a Unix socket in a folder of its own."""

    def __init__(self, folder, **settings):
        self.path = Path(folder) / "s.sock"
        super().__init__(unix_socket={"enabled": True, "path": str(self.path)}, **settings)

    def _await_port(self):
        until(self.path.exists, "the server did not start")

    def http(self):
        return UnixHttp(self.path)


class Trusted(ServerCase):
    """The peer is this machine, which is trusted by default."""

    def test_the_client_is_whom_the_proxy_saw(self):
        http = self.http()
        seen = doctor(http, "X-Forwarded-For: 7.7.7.7, 8.8.8.8", "X-Forwarded-Proto: https")
        self.assertEqual(
            {name: seen[name] for name in ("peer", "peer_trusted", "client", "forwarded_for", "real_ip")},
            {
                "peer": "127.0.0.1",
                "peer_trusted": True,
                "client": "8.8.8.8",
                "forwarded_for": "7.7.7.7, 8.8.8.8",
                "real_ip": None,
            },
        )
        self.assertEqual((seen["forwarded_proto"], seen["host"], seen["scheme"]), ("https", "127.0.0.1", "http"))
        self.assertFalse(seen["proxy_protocol"])

    def test_each_request_of_a_connection_has_a_client_of_its_own(self):
        http = self.http()
        self.assertEqual(doctor(http, "X-Real-IP: 8.8.8.8")["client"], "8.8.8.8")
        self.assertEqual(doctor(http, "X-Forwarded-For: 9.9.9.9")["client"], "9.9.9.9")
        self.assertEqual(doctor(http)["client"], "127.0.0.1")

    def test_the_route_is_signed(self):
        self.assertEqual(self.http().ask(b"GET /apps/app-id/doctor HTTP/1.1\r\n\r\n").status, 400)


class NotTrusted(ServerCase):
    settings = {"trusted_proxies": ["10.0.0.0/8", "192.0.2.1"]}

    def test_headers_of_strangers_are_not_read(self):
        seen = doctor(self.http(), "X-Forwarded-For: 8.8.8.8", "X-Real-IP: 8.8.8.8")
        self.assertEqual((seen["peer_trusted"], seen["client"]), (False, "127.0.0.1"))


class NobodyTrusted(ServerCase):
    settings = {"trusted_proxies": ["none"]}

    def test_headers_are_not_read(self):
        self.assertEqual(doctor(self.http(), "X-Forwarded-For: 8.8.8.8")["client"], "127.0.0.1")


class UnixSocket(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sockudo-trust-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, **settings):
        server = UnixServer(self.folder, **settings)
        self.addCleanup(server.stop)
        return server

    def test_the_proxy_behind_the_socket_is_trusted(self):
        with self.start().http() as http:
            self.assertEqual(doctor(http)["peer"], "unix")
            self.assertIsNone(doctor(http)["client"])
            self.assertEqual(doctor(http, "X-Real-IP: 8.8.8.8")["client"], "8.8.8.8")

    def test_clients_without_an_address_are_not_limited(self):
        limits = {"enabled": True, "api_rate_limit": {"max_requests": 2}}
        with self.start(rate_limiter=limits).http() as http:
            for _ in range(5):
                answer = http.ask(request("GET", "/apps/app-id/channels"))
                self.assertEqual((answer.status, answer.header("x-ratelimit-limit")), (200, None))
            statuses = [
                http.ask(request("GET", "/apps/app-id/channels", headers=["X-Real-IP: 8.8.8.8"])).status
                for _ in range(3)
            ]
            self.assertEqual(statuses, [200, 200, 429])


if __name__ == "__main__":
    unittest.main()
