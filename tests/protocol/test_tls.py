"""TLS: what is agreed and what is not, sessions and requests over it, certificates that change meanwhile, and
the plain port that leads to it."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import warnings
from pathlib import Path

from harness import (
    CLOSE,
    PATH,
    PROGRAM,
    TIMEOUT_S,
    Http,
    Server,
    Stream,
    Ws,
    app,
    close_payload,
    compact,
    frame,
    open_socket,
    request,
    upgrade_request,
)

GOOD_CIPHERS_1_2 = {
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305",
}


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Certificates:
    """A folder of certificates that sign themselves, made when they are asked for."""

    KEYS = {"ec": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "rsa": ("-newkey", "rsa:2048")}

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-tls-"))
        self.made = {}

    def remove(self):
        shutil.rmtree(self.folder)

    def pair(self, kind="ec", name="localhost", days=30):
        """(certificate, key) in PKCS#8."""
        if (kind, name, days) not in self.made:
            stem = self.folder / f"{kind}-{name}-{days}"
            cert, key = stem.with_suffix(".crt"), stem.with_suffix(".key")
            openssl("req", "-x509", *self.KEYS[kind], "-nodes", "-keyout", key, "-out", cert, "-days", days,
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost")
            self.made[kind, name, days] = cert, key
        return self.made[kind, name, days]

    def key_as(self, key, form):
        """The same key in another form."""
        out = key.with_suffix("." + form)
        if form == "encrypted":
            openssl("pkey", "-in", key, "-aes128", "-passout", "pass:open sesame", "-out", out)
        else:
            openssl({"pkcs1": "rsa", "sec1": "ec"}[form], "-in", key, *(["-traditional"] if form == "pkcs1" else []),
                    "-out", out)
        return out


def client_context(cert=None, version=None):
    """cert: whom to believe; None: everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cert:
        context.load_verify_locations(cert)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class Door:
    """A TLS port, as harness.Stream takes it."""

    def __init__(self, port, context, receive_buffer=None, session=None):
        self.port, self.context, self.receive_buffer, self.session = port, context, receive_buffer, session

    def __str__(self):
        return str(self.port)

    def open(self):
        # An end without close_notify is an error.
        return self.context.wrap_socket(
            open_socket(self.port, self.receive_buffer), server_hostname="localhost", session=self.session,
            suppress_ragged_eofs=False)


class TlsServer(Server):
    """Whose clients speak TLS. pair: certificate and key."""

    def __init__(self, pair, apps=None, context=None, ssl=(), **settings):
        self.context = context or client_context(pair[0])
        super().__init__(apps, ssl={"enabled": True, "cert_path": str(pair[0]), "key_path": str(pair[1]), **dict(ssl)},
                         **settings)

    def door(self, **how):
        return Door(self.port, self.context, **how)

    def connect(self):
        return Stream(self.door())

    def http(self):
        return Http(self.door())

    def ws(self, target=PATH, headers=(), receive_buffer=None, **how):
        return Ws(self.door(receive_buffer=receive_buffer), target, headers, **how)


class TlsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.remove()

    def start(self, pair=None, apps=None, **settings):
        server = TlsServer(pair or self.certificates.pair(), apps, **settings)
        self.addCleanup(server.stop)
        return server

    def closing(self, peer):
        self.addCleanup(peer.close)
        return peer

    def plain(self, server):
        return self.closing(Stream(server.port))


class Agreement(TlsCase):
    def test_every_version_and_kind_of_key_carries_a_session(self):
        ec, rsa = self.certificates.pair("ec"), self.certificates.pair("rsa")
        keys = [
            (ec[0], ec[1], {}),
            (ec[0], self.certificates.key_as(ec[1], "sec1"), {}),
            (ec[0], self.certificates.key_as(ec[1], "encrypted"), {"passphrase": "open sesame"}),
            (rsa[0], rsa[1], {}),
            (rsa[0], self.certificates.key_as(rsa[1], "pkcs1"), {}),
        ]
        self.assertIn("BEGIN RSA PRIVATE KEY", keys[4][1].read_text())
        self.assertIn("BEGIN EC PRIVATE KEY", keys[1][1].read_text())
        for cert, key, settings in keys:
            server = self.start((cert, key), ssl=settings)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                server.context = client_context(cert, version)
                ws = self.closing(server.client())
                self.assertEqual(ws.socket.version(), "TLSv1.2" if version == ssl.TLSVersion.TLSv1_2 else "TLSv1.3")
                ws.subscribe("private-room")
                server.publish("private-room", "greeting", "hello")
                self.assertEqual(ws.event(), {"channel": "private-room", "event": "greeting", "data": "hello"})

    def test_what_is_agreed_is_modern(self):
        for kind in ("ec", "rsa"):
            server = self.start(self.certificates.pair(kind))
            server.context.set_alpn_protocols(["h2", "http/1.1"])
            with server.connect() as stream:
                self.assertEqual(stream.socket.selected_alpn_protocol(), "http/1.1")
                self.assertEqual(stream.socket.version(), "TLSv1.3")
                self.assertIsNone(stream.socket.compression())
            for name in self.ciphers():
                context = client_context(version=ssl.TLSVersion.TLSv1_2)
                context.set_ciphers(name + ":@SECLEVEL=0")
                server.context = context
                works = name in GOOD_CIPHERS_1_2 and (kind == "ec") == ("ECDSA" in name)
                self.assertEqual(self.can_connect(server), works, (kind, name))

    def test_groups_that_cost_much_are_not_agreed_on(self):
        server = self.start()
        for group, works in (("X25519", True), ("prime256v1", True), ("secp384r1", True), ("secp521r1", False)):
            server.context = client_context()
            server.context.set_ecdh_curve(group)
            self.assertEqual(self.can_connect(server), works, group)

    def ciphers(self):
        context = client_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        return [c["name"] for c in context.get_ciphers() if c["protocol"] != "TLSv1.3"]

    def can_connect(self, server):
        try:
            server.connect().close()
            return True
        except (ssl.SSLError, ConnectionResetError):
            return False

    def test_what_is_old_or_something_else_is_refused(self):
        server = self.start()
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                server.context = client_context(version=version)
            server.context.set_ciphers("ALL:@SECLEVEL=0")
            with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION|UNSUPPORTED"):
                server.connect()
        server.context = client_context()
        server.context.set_alpn_protocols(["h2"])
        with self.assertRaisesRegex(ssl.SSLError, "NO_APPLICATION_PROTOCOL|no application protocol"):
            server.connect()
        self.assertIn('"tls failed","reason":"unsupported protocol"', server.log())

    def test_sessions_are_resumed_until_the_certificate_is_read_again(self):
        pair = self.certificates.pair()
        server = self.start(pair)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            server.context = client_context(pair[0], version)
            with Http(server.door()) as http:
                http.call("GET", "/live", sign=False)  # what it reads brings the ticket
                session = http.socket.session
            for expected in (True, False):
                with Http(server.door(session=session)) as http:
                    self.assertEqual(http.call("GET", "/live", sign=False).status, 200)
                    self.assertEqual(http.socket.session_reused, expected)
                if expected:
                    n = server.log().count("certificate in use")
                    server.signal(signal.SIGHUP)
                    while server.log().count("certificate in use") == n:
                        time.sleep(0.01)


class NotTls(TlsCase):
    def test_plain_http_is_told_what_to_do(self):
        server = self.start()
        for ask in (request("GET", "/up", sign=False), upgrade_request(server.port), request("POST", "/x", body="{}")):
            stream = self.plain(server)
            stream.send(ask)
            answer = stream.rest()
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer)
            self.assertTrue(answer.endswith(b"\r\n\r\nThis port speaks TLS: use an address with https:// or wss://.\n"))
            length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
            self.assertEqual(len(answer.split(b"\r\n\r\n", 1)[1]), length)

    def test_garbage_ends_its_own_connection_alone(self):
        server = self.start(http_api={"head_timeout_ms": 400})  # some of it may be a beginning
        other = self.closing(server.client())
        for garbage in (b"\x00" * 64, b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                        b"\x80\x2e\x01\x00\x02" + b"\x00" * 60, b"\x15\x03\x03\x00\x02\x02\x28"):
            stream = self.plain(server)
            try:
                stream.send(garbage)
            except OSError:
                pass
            self.assertLess(len(stream.rest()), 16)  # an alert, or nothing
        other.fence()

    def test_records_that_were_tampered_with_end_the_connection(self):
        server = self.start()
        client = RawTls(server.port, server.context)
        self.addCleanup(client.close)
        client.handshake()
        client.object.write(request("GET", "/live", sign=False))
        record = bytearray(client.outgoing.read())
        record[-1] ^= 1
        client.socket.sendall(record)
        with self.assertRaises((ssl.SSLError, EOFError, ConnectionResetError)):
            client.read()

    def test_a_handshake_has_to_end_in_time(self):
        server = self.start(http_api={"head_timeout_ms": 400})
        began = time.monotonic()
        silent, half, done = self.plain(server), self.plain(server), self.closing(server.connect())
        client = RawTls(server.port, server.context)
        client.close()
        half.send(client.hello()[:50])
        self.assertEqual(silent.rest(), b"")
        self.assertEqual(half.rest(), b"")
        self.assertEqual(done.rest(), b"")  # it has shaken hands, and then said nothing
        self.assertLess(time.monotonic() - began, 5)


class RawTls:
    """A client whose bytes lie open."""

    def __init__(self, port, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.socket = open_socket(port)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def hello(self):
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def send(self, size):
        data = self.outgoing.read()
        for i in range(0, len(data), size):
            self.socket.sendall(data[i : i + size])

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.incoming.write(data)

    def handshake(self, size=65536):
        while True:
            try:
                self.object.do_handshake()
                self.send(size)
                return
            except ssl.SSLWantReadError:
                self.send(size)
                self._more()

    def read(self):
        while True:
            try:
                return self.object.read(65536)
            except ssl.SSLWantReadError:
                self._more()


class Bytes(TlsCase):
    def test_records_may_come_byte_by_byte(self):
        server = self.start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = RawTls(server.port, client_context(version=version))
            self.addCleanup(client.close)
            client.handshake(size=1)
            client.object.write(request("GET", "/live", sign=False))
            client.send(1)
            self.assertTrue(client.read().startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_pipelined_requests_are_answered_in_order(self):
        server = self.start()
        with server.http() as http:
            paths = [f"/nothing{i}" if i % 3 else "/live" for i in range(300)]
            http.send(b"".join(request("GET", path, sign=False) for path in paths))
            for path in paths:
                self.assertEqual(http.answer().status, 200 if path == "/live" else 404)

    def test_large_bodies_and_answers_pass(self):
        apps = [app(max_event_payload_in_kb=4096)]
        server = self.start(apps=apps)
        ws = self.closing(server.client())
        for i in range(400):
            ws.ask(f"a-channel-with-a-rather-long-name-{i:04}-" + "x" * 100)
        for i in range(400):
            ws.event()
        data = "y" * 3_000_000
        server.publish("a-channel-with-a-rather-long-name-0000-" + "x" * 100, "large", data)
        self.assertEqual(ws.event()["data"], data)
        answer = server.get("/apps/app-id/channels")
        self.assertEqual(len(answer.json()["channels"]), 400)
        self.assertGreater(len(answer.raw), 50_000)

    def test_large_messages_of_a_client_pass(self):
        server = self.start(apps=[app(max_event_payload_in_kb=64)], event_limits={"max_payload_in_kb": 64})
        a, b = self.closing(server.client()), self.closing(server.client())
        a.subscribe("private-x")
        b.subscribe("private-x")
        data = {"text": "z" * 60_000}
        for _ in range(20):
            a.say({"event": "client-large", "channel": "private-x", "data": data})
            self.assertEqual(b.event()["data"], data)

    def test_a_slow_reader_is_closed_and_the_others_miss_nothing(self):
        server = self.start(websocket={"max_messages": 50, "close_grace_ms": 5000})
        slow = self.closing(server.client(receive_buffer=4096))
        quick = self.closing(server.client())
        slow.subscribe("flood")
        quick.subscribe("flood")
        heard = []
        reader = threading.Thread(target=lambda: heard.extend(quick.event()["data"] for _ in range(1000)))
        reader.start()
        with server.http() as http:
            for i in range(1000):
                body = compact({"name": "e", "channel": "flood", "data": f"{i:05}" + "x" * 9000})
                self.assertEqual(http.call("POST", "/apps/app-id/events", (), body).status, 200)
        reader.join(TIMEOUT_S)
        self.assertEqual([d[:5] for d in heard], [f"{i:05}" for i in range(1000)])
        got = 0
        while True:
            f = slow.frame()
            if f.first == 0x88:
                break
            self.assertEqual(json.loads(f.payload)["data"][:5], f"{got:05}")
            got += 1
        self.assertEqual(int.from_bytes(f.payload[:2], "big"), 4100)
        self.assertLess(got, 1000)

    def test_an_orderly_end_is_said_so(self):
        server = self.start()
        ws = self.closing(server.client())
        ws.send(frame(CLOSE, close_payload(1000)))
        self.assertEqual(ws.close_frame()[0], 1000)
        self.assertEqual(ws.rest(), b"")  # suppress_ragged_eofs is off: a mere FIN would be an error
        with server.http() as http:
            self.assertEqual(http.call("GET", "/live", headers=("Connection: close",), sign=False).status, 200)
            self.assertEqual(http.rest(), b"")

    def test_draining_tells_every_session(self):
        server = TlsServer(self.certificates.pair(), shutdown_grace_period=20)
        peers = [server.client() for _ in range(20)]
        server.signal()
        for ws in peers:
            self.assertIn("4200", ws.text())
            self.assertEqual(ws.close_frame()[0], 4200)
            ws.close()
        server.wait()


class Change(TlsCase):
    """The files are replaced while clients come and go."""

    def put(self, pair, to):
        for source, target in zip(pair, to):
            beside = target.with_suffix(".new")
            shutil.copy(source, beside)
            os.replace(beside, target)

    def name(self, server):
        """Whom the server now says to be."""
        with Stream(Door(server.port, client_context())) as stream:
            der = stream.socket.getpeercert(binary_form=True)
        found = [n for n in ("first", "second", "third") if n.encode() in der]
        return found[0]

    def await_name(self, server, name):
        deadline = time.monotonic() + TIMEOUT_S
        while self.name(server) != name:
            self.assertLess(time.monotonic(), deadline, server.log())
            time.sleep(0.02)

    def test_certificates_change_under_load_without_a_failed_handshake(self):
        first, second, third = (self.certificates.pair(k, n) for k, n in (("ec", "first"), ("rsa", "second"), ("ec", "third")))
        used = self.certificates.folder / "used.crt", self.certificates.folder / "used.key"
        self.put(first, used)
        server = self.start(used, context=client_context(), workers=2)
        staying = self.closing(server.client())
        failures, n, stop = [], [0], threading.Event()

        def load():
            while not stop.is_set():
                try:
                    with Http(Door(server.port, client_context())) as http:
                        if http.call("GET", "/live", sign=False).status != 200:
                            failures.append("not 200")
                    n[0] += 1
                except Exception as e:
                    failures.append(repr(e))

        threads = [threading.Thread(target=load) for _ in range(3)]
        for t in threads:
            t.start()
        try:
            self.put(second, used)
            self.await_name(server, "second")  # it is noticed without being told
            for i in range(6):
                self.put((first, third)[i % 2], used)
                server.signal(signal.SIGHUP)
                self.await_name(server, ("first", "third")[i % 2])
            # half of a pair, and nonsense: reported, and the last good one stays
            shutil.copy(first[0], used[0])
            server.signal(signal.SIGHUP)
            while "does not belong to the certificate" not in server.log():
                time.sleep(0.01)
            used[0].write_text("nonsense")
            server.signal(signal.SIGHUP)
            while "has no certificate in PEM" not in server.log():
                time.sleep(0.01)
            self.assertEqual(self.name(server), "third")
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(failures, [])
        self.assertGreater(n[0], 50)
        staying.fence()


class Redirect(TlsCase):
    def free_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def test_the_plain_port_leads_to_https(self):
        port = self.free_port()
        server = self.start(ssl={"redirect_http": True, "http_port": port})
        with Http(port) as http:
            for host in ("localhost", f"localhost:{port}", "localhost:80"):
                answer = http.ask(f"GET /app/k?protocol=7 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                self.assertEqual((answer.status, dict(answer.headers)["location"]),
                                 (308, f"https://localhost:{server.port}/app/k?protocol=7"))
            answer = http.call("POST", "/apps/app-id/events", (), "{}")
            self.assertEqual(answer.status, 308)
            self.assertTrue(dict(answer.headers)["location"].startswith(f"https://127.0.0.1:{server.port}/apps/app-id/"))
            self.assertEqual(http.ask(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n").status, 400)

    def test_a_plain_port_that_is_taken_is_no_reason_not_to_start(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            server = self.start(ssl={"redirect_http": True, "http_port": taken.getsockname()[1]})
            self.assertIn('"level":"WARN","fields":{"message":"no redirect to https"', server.log())
            self.assertEqual(server.get("/up", sign=False).status, 200)


class Start(TlsCase):
    def run_with(self, ssl_settings, **settings):
        with tempfile.TemporaryDirectory() as folder:
            config = {"port": 0, "host": "127.0.0.1", "ssl": {"enabled": True, **ssl_settings}, **settings}
            (Path(folder) / "config.json").write_text(json.dumps(config))
            return subprocess.run([PROGRAM, "--config", "config.json"], cwd=folder, capture_output=True, text=True,
                                  timeout=TIMEOUT_S)

    def test_what_cannot_work_is_refused_with_its_key(self):
        ec, rsa = self.certificates.pair("ec"), self.certificates.pair("rsa")
        closed = self.certificates.key_as(ec[1], "encrypted")
        for cert, key, more, expected in (
            ("", ec[1], {}, "ssl.cert_path (SSL_CERT_PATH) is empty"),
            (ec[0], "", {}, "ssl.key_path (SSL_KEY_PATH) is empty"),
            ("/nowhere/x.pem", ec[1], {}, "ssl.cert_path: /nowhere/x.pem: cannot be used: No such file or directory"),
            (ec[0], "/nowhere/x.pem", {}, "ssl.key_path: /nowhere/x.pem: cannot be used: No such file or directory"),
            (ec[0], rsa[1], {}, f"ssl.key_path: {rsa[1]}: does not belong to the certificate"),
            (ec[0], closed, {}, f"ssl.passphrase: {closed}: the key is encrypted and there is no passphrase"),
            (ec[0], closed, {"passphrase": "hush"}, f"ssl.passphrase: {closed}: does not open the key"),
        ):
            done = self.run_with({"cert_path": str(cert), "key_path": str(key), **more})
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(expected, done.stderr)
            self.assertNotIn("hush", done.stderr)

    def test_an_expired_certificate_is_a_warning(self):
        pair = self.certificates.pair(days=1)
        server = self.start(pair)
        self.assertIn("the certificate expires on ", server.log())
        self.assertEqual(server.get("/up", sign=False).status, 200)

    def test_the_commands_speak_tls_to_it(self):
        pair = self.certificates.pair()
        server = self.start(pair)
        ws = self.closing(server.client())
        ws.subscribe("c")
        url = f"https://localhost:{server.port}"
        done = subprocess.run([PROGRAM, "publish", "--url", url, "--ca", pair[0], "c", "e", "d"],
                              capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(ws.event()["data"], "d")
        done = subprocess.run([PROGRAM, "publish", "--url", url, "c", "e", "d"], capture_output=True, text=True,
                              timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 1, done)


if __name__ == "__main__":
    unittest.main()
