"""What a test behind nginx plays with: nginx with a file of packaging/nginx, servers behind it, clients before it.

The files are taken as they are. Only what belongs to a place is put in: ports, certificates, addresses of the
servers, folders. Whatever else a test changes (`change`) must be in the file, or the test fails.
"""

import functools
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tests/protocol"))

import harness  # noqa: E402
from harness import TIMEOUT_S, Http, Server, Stream, Ws, until  # noqa: E402

FILES = ROOT / "packaging/nginx"
PROGRAM = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
NAME = "sockudo.yourdomain.com"
MAIN = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    {temporary}
    include site.conf;
}}
"""


def configurations():
    """The names of all sites that we ship."""
    return sorted(file.stem for file in FILES.glob("*.conf") if file.stem != "nginx")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


# Certificates


@functools.cache
def make_certificate(kind):
    """(certificate, key), of this kind of key: "rsa" or "ec"."""
    key = ["rsa:2048"] if kind == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout", "key", "-out", "cert", "-days", "2",
             "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        return Path(folder, "cert").read_text(), Path(folder, "key").read_text()


class Certificates:
    """A folder with the certificates that the files speak of, one for all."""

    def __init__(self, folder, kind):
        self.folder = folder
        cert, key = make_certificate(kind)
        for name, text in [("cert", cert), ("fullchain", cert), ("chain", cert), ("key", key), ("privkey", key)]:
            (folder / f"{name}.pem").write_text(text)

    def context(self, version=None):
        """For a client that trusts them, and that speaks this version of TLS only."""
        context = ssl.create_default_context(cafile=self.folder / "cert.pem")
        if version:
            context.minimum_version = context.maximum_version = version
        return context


# nginx


def text_of(name, ports, backends, folder, change=(), metrics=None):
    """The text of a file of ours, put into a place."""
    text = (FILES / f"{name}.conf").read_text()
    for old, new in change:
        assert old in text, f"{name}.conf has no {old!r}"
        text = text.replace(old, new)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{ports[80]};")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{ports[443]} ")
    text = text.replace("/etc/nginx/ssl", str(folder)).replace("/var/log/nginx", str(folder))
    places = iter(backends)
    text = re.sub(r"(?m)^(    server )(?:127\.0\.0\.1:6001|sockudo-\d\.internal:6001|unix:[^; ]+)",
                  lambda found: found[1] + next(places, "127.0.0.1:9"), text)  # fmt: skip
    return text.replace("127.0.0.1:9601", metrics or "127.0.0.1:9")


class Nginx:
    """nginx with one of our files. backends: the addresses of the servers, in the order of the file.

    text: in place of the file, a function that makes it for these ports.
    """

    def __init__(self, name, backends, kind="rsa", text=None, **how):
        if not PROGRAM:
            raise unittest.SkipTest("no nginx: Debian's package nginx-light is not installed")
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-nginx-"))
        self.ports = {80: free_port(), 443: free_port()}
        self.process = None
        try:
            text = text(self.ports) if text else text_of(name, self.ports, backends, self.folder, **how)
            self.has_tls = "ssl_certificate " in text
            self.certificates = Certificates(self.folder, kind) if self.has_tls else None
            self.write(text)
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self):
        """Where clients come."""
        return self.ports[443 if self.has_tls else 80]

    def write(self, text):
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n    ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        (self.folder / "nginx.conf").write_text(MAIN.format(temporary=temporary))
        (self.folder / "site.conf").write_text(text)

    def run(self, *options):
        """Another nginx in this folder, which ends by itself."""
        args = [PROGRAM, "-p", self.folder, "-e", "stderr", *options]
        return subprocess.run(args, capture_output=True, text=True, check=False)

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, "-p", self.folder, "-c", "nginx.conf", "-e", "error.log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("nginx did not start:\n" + self.log()) from None
                time.sleep(0.01)

    def log(self, name="error.log"):
        return (self.folder / name).read_text(errors="replace")

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder)

    # Clients, from any address of this machine

    def door(self, source="127.0.0.1", tls=None):
        """Where a client of the harness connects to. tls: a context, else the usual one if there is TLS."""
        if self.has_tls and not tls:
            tls = self.certificates.context()
        return Door(self.port, source, tls)

    def client(self, source="127.0.0.1"):
        """An established WebSocket."""
        ws = Ws(self.door(source))
        ws.socket_id = json.loads(ws.event()["data"])["socket_id"]
        return ws

    def handshake(self, source="127.0.0.1"):
        """The status of the answer to a WebSocket's request."""
        with Http(self.door(source)) as http:
            return http.ask(harness.upgrade_request(self.port)).status

    def http(self, source="127.0.0.1"):
        return Http(self.door(source))

    def call(self, method, path, body=None, source="127.0.0.1", **how):
        with self.http(source) as http:
            return http.call(method, path, (), body, **how)

    def get(self, path, source="127.0.0.1"):
        """Not signed."""
        return self.call("GET", path, source=source, sign=False)

    def publish(self, channel="news", name="e", data="x", source="127.0.0.1"):
        return self.call("POST", "/apps/app-id/events", {"name": name, "channel": channel, "data": data}, source).status


class Door:
    """A place that a Stream can connect to: it stands for a port in harness.py."""

    def __init__(self, port, source, tls):
        self.port, self.source, self.tls = port, source, tls

    def __str__(self):
        return str(self.port)

    def open(self):
        plain = socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S, (self.source, 0))
        return self.tls.wrap_socket(plain, server_hostname=NAME) if self.tls else plain


# Servers


def address_of(server):
    return f"127.0.0.1:{server.port}"


class UnixServer(Server):
    """A server on a Unix socket in its own folder."""

    def __init__(self, **settings):
        self.home = tempfile.mkdtemp(prefix="sockudo-socket-")
        self.path = f"{self.home}/sockudo.sock"
        super().__init__(unix_socket={"enabled": True, "path": self.path}, **settings)

    def _await_port(self):
        until(lambda: self._is_served() or self.process.poll() is not None, "no socket")
        assert self.process.poll() is None, self.log()

    def _is_served(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.path) == 0

    def wait(self):
        super().wait()
        shutil.rmtree(self.home)


class Listener:
    """Stands where a server could; serve(peer) is called for each connection, in a thread of its own."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Relay(Listener):
    """Stands between nginx and a server, and counts the connections."""

    def __init__(self, port):
        self.upstream = ("127.0.0.1", port)
        self.count = 0
        super().__init__()

    def serve(self, peer):
        self.count += 1
        server = socket.create_connection(self.upstream)
        back = threading.Thread(target=self._pump, args=(server, peer), daemon=True)
        back.start()
        self._pump(peer, server)
        back.join()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# pusher-js


class PusherJs:
    """pusher-js clients in a process of Node. What they tell is kept in `heard`, in its order."""

    def __init__(self, trust=None):
        environment = {**os.environ, **({"NODE_EXTRA_CA_CERTS": str(trust)} if trust else {})}
        self.process = subprocess.Popen(
            ["node", "--no-deprecation", HERE / "pusher_js.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.heard = []
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self):
        for line in self.process.stdout:
            self.heard.append(json.loads(line))

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listener.join()
        self.process.stdout.close()

    def tell(self, act, client, **args):
        self.process.stdin.write(json.dumps({"do": act, "client": client, **args}).encode() + b"\n")
        self.process.stdin.flush()

    def times_heard(self, since=0, **what):
        """How often something with these members was told, from an index of `heard` on."""
        return sum(all(entry.get(name) == value for name, value in what.items()) for entry in self.heard[since:])

    def await_heard(self, since=0, times=1, **what):
        until(lambda: self.times_heard(since, **what) >= times, f"not heard: {what}; but: {self.heard[-5:]}")

    def connect(self, client, nginx):
        self.tell("connect", client, port=nginx.port, tls=nginx.has_tls)
        self.await_heard(client=client, state="connected")

    def subscribe(self, client, channel):
        self.tell("subscribe", client, channel=channel)
        self.await_heard(client=client, channel=channel, event="pusher:subscription_succeeded")


# Tests


class NginxCase(unittest.TestCase):
    def server(self, **settings):
        return self.stopping(Server(**settings))

    def nginx(self, name, *servers, **how):
        """With servers (or addresses) behind it."""
        backends = [s if isinstance(s, str) else address_of(s) for s in servers]
        return self.stopping(Nginx(name, backends, **how))

    def pusher_js(self, nginx):
        return self.stopping(PusherJs(nginx.folder / "cert.pem" if nginx.has_tls else None))

    def stopping(self, what):
        self.addCleanup(self.stop, what)
        return what

    def stop(self, what):
        if not isinstance(what, Server) or what.folder.exists():  # else it was stopped by the test
            what.stop()

    def kill(self, server):
        """Ends a server without a word to anybody."""
        server.process.kill()
        server.process.wait()
        shutil.rmtree(server.folder)

    def closing(self, peer):
        self.addCleanup(peer.close)
        return peer
