"""Who a request comes from: what the peer says is believed only of a trusted peer."""

import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import TIMEOUT_S, Http, Server, ServerCase, Ws, is_listened_on, request, until, upgrade_request


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
        until(lambda: is_listened_on(self.path), "the server did not start")

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


V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source="203.0.113.7", family="TCP4", destination="192.0.2.1"):
    return f"PROXY {family} {source} {destination} 50000 443\r\n".encode()


def v2(source="203.0.113.7", command=1, tlvs=b"", family=0x11):
    addresses = b""
    if family == 0x11:
        addresses = socket.inet_pton(socket.AF_INET, source) + b"\xc0\0\2\1\xc3\x50\1\xbb"
    elif family == 0x21:
        addresses = socket.inet_pton(socket.AF_INET6, source) + bytes(16) + b"\xc3\x50\1\xbb"
    body = addresses + tlvs
    return V2 + struct.pack(">BBH", 0x20 | command, family, len(body)) + body


class ProxyProtocol(ServerCase):
    settings = {
        "proxy_protocol": True,
        "trusted_proxies": ["127.0.0.1", "10.0.0.0/8"],
        "rate_limiter": {"enabled": True, "websocket_rate_limit": {"max_requests": 1}},
    }

    def proxied(self, header):
        http = self.http()
        http.send(header)
        return http

    def assert_client(self, header, peer, client=None, *headers):
        seen = doctor(self.proxied(header), *headers)
        self.assertEqual((seen["peer"], seen["client"]), (peer, client or peer))
        self.assertTrue(seen["proxy_protocol"])

    def test_both_versions_name_the_client(self):
        self.assert_client(v1(), "203.0.113.7")
        self.assert_client(v1("2001:db8::1", "TCP6", "::1"), "2001:db8::1")
        self.assert_client(v2(), "203.0.113.7")
        self.assert_client(v2("2001:db8::1", family=0x21), "2001:db8::1")
        self.assert_client(v2(tlvs=b"\4\0\x08" + bytes(8)), "203.0.113.7")

    def test_who_speaks_for_itself_is_the_client(self):
        self.assert_client(b"PROXY UNKNOWN\r\n", "127.0.0.1")
        self.assert_client(v2(command=0), "127.0.0.1")
        self.assert_client(v2(family=0), "127.0.0.1")

    def test_what_a_named_client_says_is_believed_if_it_is_trusted(self):
        self.assert_client(v1(), "203.0.113.7", "203.0.113.7", "X-Forwarded-For: 8.8.8.8")
        self.assert_client(v2("10.1.1.1"), "10.1.1.1", "8.8.8.8", "X-Forwarded-For: 8.8.8.8")

    def test_a_header_may_come_in_pieces_and_with_what_follows(self):
        for header in (v1(), v2(tlvs=b"\4\0\x20" + bytes(32))):
            http = self.http()
            http.send_split(header + request("GET", "/apps/app-id/doctor"), 7)
            self.assertEqual(http.answer().json()["client"], "203.0.113.7")
            http = self.proxied(header + request("GET", "/apps/app-id/doctor") * 2)
            self.assertEqual([http.answer().json()["client"] for _ in range(2)], ["203.0.113.7"] * 2)

    def test_named_clients_are_limited_one_by_one(self):
        for source, status in (("203.0.113.8", 101), ("203.0.113.8", 429), ("203.0.113.9", 101)):
            http = self.proxied(v1(source))
            http.send(upgrade_request(self.server.port))
            self.assertEqual(http.answer().status, status)

    def test_a_websocket_lives_behind_it(self):
        ws = self.closing(ProxiedWs(self.server.port, v2("203.0.113.10")))
        ws.event()
        ws.subscribe("news")

    def test_a_trusted_peer_that_sends_none_is_disconnected(self):
        for begin in (b"GET /up HTTP/1.1\r\n\r\n", b"\x16\3\1", b"PROXY TCP4 1.2.3.4\r\n", V2 + b"\x31"):
            self.assertEqual(self.proxied(begin + bytes(16)).rest(), b"", begin)
        self.assertRegex(self.server.log(), '"PROXY header refused".*"peer":"127.0.0.1:.*"reason":"there is none"')

    def test_one_that_is_too_long_is_not_read(self):
        self.assertEqual(self.proxied(V2 + b"\x21\x11\xff\xff").rest(), b"")
        self.assertEqual(self.proxied(b"PROXY UNKNOWN " + b"x" * 100).rest(), b"")

    def test_one_that_does_not_end_is_not_waited_for(self):
        server = self.start(**self.settings, http_api={"head_timeout_ms": 200})
        for begin in (b"", b"PROXY TC", V2):
            http = self.closing(server.http())
            http.send(begin)
            self.assertEqual(http.rest(), b"", begin)


class ProxiedWs(Ws):
    """A WebSocket whose connection begins with a header."""

    def __init__(self, port, header):
        self.header = header
        super().__init__(port)

    def send(self, data):
        super().send(self.header + data)
        self.header = b""


class ProxyProtocolOfOthers(ServerCase):
    settings = {"proxy_protocol": True, "trusted_proxies": ["10.0.0.0/8"]}

    def test_who_is_not_trusted_speaks_for_itself_without_a_header(self):
        seen = doctor(self.http())
        self.assertEqual((seen["client"], seen["proxy_protocol"]), ("127.0.0.1", False))

    def test_its_header_is_refused(self):
        for header in (v1(), v2()):
            http = self.http()
            self.assertEqual(http.ask(header + request("GET", "/apps/app-id/doctor")).status, 400)
            self.assertEqual(http.rest(), b"")
        self.assertIn('"PROXY header not expected"', self.server.log())


class ProxyProtocolOff(ServerCase):
    def test_a_header_is_refused_and_the_log_says_what_to_set(self):
        self.assertEqual(self.http().ask(v2() + b"GET /up HTTP/1.1\r\n\r\n").status, 400)
        self.assertRegex(self.server.log(), '"PROXY header not expected".*proxy_protocol is off')


class ProxyProtocolOverTls(unittest.TestCase):
    """The header comes in front of the handshake."""

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
    def test_the_handshake_follows_the_header(self):
        folder = tempfile.TemporaryDirectory(prefix="sockudo-trust-")
        self.addCleanup(folder.cleanup)
        key, cert = f"{folder.name}/key.pem", f"{folder.name}/cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
            check=True,
            capture_output=True,
        )
        server = Server(proxy_protocol=True, ssl={"enabled": True, "cert_path": cert, "key_path": key})
        self.addCleanup(server.stop)
        for header in (v1(), v2()):
            with server.http() as http:
                http.send(header)
                http.socket = ssl.create_default_context(cafile=cert).wrap_socket(
                    http.socket, server_hostname="localhost"
                )
                seen = doctor(http)
            self.assertEqual((seen["client"], seen["scheme"]), ("203.0.113.7", "https"))


HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")


@unittest.skipUnless(HAPROXY, "no haproxy: Debian's package haproxy is not installed")
class BehindHaproxy(unittest.TestCase):
    """What the protocol's own authors send, and the header that theirs adds to requests."""

    def balance(self, mode, how, **settings):
        """The port of a balancer in front of a server of its own."""
        server = Server(**settings)
        self.addCleanup(server.stop)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        lines = [
            "defaults",
            f" mode {mode}",
            " timeout connect 5s",
            " timeout client 5s",
            " timeout server 5s",
            "listen front",
            f" bind 127.0.0.1:{port}",
            f" server s 127.0.0.1:{server.port} {how}",
        ]
        if mode == "http":
            lines.append(" option forwardfor")
        file = server.folder / "haproxy.cfg"
        file.write_text("\n".join(lines) + "\n")
        process = subprocess.Popen([HAPROXY, "-db", "-q", "-f", file], stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        until(lambda: process.poll() is None and self.answers(port), "haproxy did not start")
        return port

    def answers(self, port):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False

    def client_of(self, port, source):
        """Who comes from this address of this machine is seen as."""
        http = Http.__new__(Http)
        http.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S, (source, 0))
        http.unread = b""
        with http:
            return doctor(http)

    def test_the_client_is_known_through_bytes_that_are_passed_on(self):
        for how in ("send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn check inter 100ms check-send-proxy"):
            with self.subTest(how):
                port = self.balance("tcp", how, proxy_protocol=True, trusted_proxies=["127.0.0.1"])
                seen = self.client_of(port, "127.9.0.1")
                self.assertEqual((seen["peer"], seen["client"]), ("127.9.0.1", "127.9.0.1"))
                self.assertTrue(seen["proxy_protocol"])

    def test_the_client_is_known_through_requests_that_are_passed_on(self):
        seen = self.client_of(self.balance("http", "", trusted_proxies=["127.0.0.1"]), "127.9.0.1")
        self.assertEqual((seen["peer"], seen["client"]), ("127.0.0.1", "127.9.0.1"))


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
