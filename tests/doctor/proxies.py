"""What may stand between a client and the server: nginx in every state, and peers made of bytes.

One nginx holds all of the set-ups, each with a port of its own. What nginx does not do wrong by itself is done by a
relay, which passes bytes on as a small function says.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
HOST = "127.0.0.1"

CONFIG = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    {temporary}
    lingering_timeout 100ms;
    keepalive_timeout 75s;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    limit_req_zone $binary_remote_addr zone=tight:1m rate=1r/s;
    {upstreams}
    {servers}
}}
"""


def free_ports(n):
    """Different ones, that nobody listens on."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Nginx:
    """upstreams: {name: lines}; servers: texts of server { … } that listen on these ports."""

    def __init__(self, folder, upstreams, servers, ports):
        program = shutil.which("nginx", path=PATH)
        if not program:
            raise unittest.SkipTest("no nginx: Debian's package nginx-light is not installed")
        folder.mkdir()
        self.folder = folder
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        (folder / "nginx.conf").write_text(CONFIG.format(
            temporary="\n    ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds),
            upstreams="\n    ".join(f"upstream {name} {{ {lines} }}" for name, lines in upstreams.items()),
            servers="\n    ".join(servers),
        ))  # fmt: skip
        self.process = subprocess.Popen(
            [program, "-p", folder, "-c", "nginx.conf", "-e", "error.log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for port in ports:
            self.await_port(port)

    def await_port(self, port):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection((HOST, port)).close()
                return
            except OSError:
                time.sleep(0.01)
        self.stop()
        raise AssertionError("nginx did not start:\n" + (self.folder / "error.log").read_text())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Peer:
    """Listens on a port of its own and serves each connection in a thread with serve(peer)."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server((HOST, 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(peer,), daemon=True).start()

    def run(self, peer):
        with peer:
            try:
                self.serve(peer)
            except OSError:
                pass

    def stop(self):
        self.listener.close()


def says(text):
    """A peer that reads a request and always answers with these bytes."""

    def serve(peer):
        peer.recv(65536)
        peer.sendall(text)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65536):
            pass

    return Peer(serve)


def mute():
    """A peer that takes connections and says nothing."""

    def serve(peer):
        while peer.recv(65536):
            pass

    return Peer(serve)


def relay(port, request=lambda data: data, answer=lambda data: data):
    """Passes on what the two functions make of each piece: bytes, or a list of bytes and of seconds to wait."""

    def pump(source, sink, change):
        try:
            while data := source.recv(65536):
                changed = change(data)
                for piece in [changed] if isinstance(changed, bytes) else changed:
                    if isinstance(piece, bytes):
                        sink.sendall(piece)
                    else:
                        time.sleep(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(peer):
        with socket.create_connection((HOST, port)) as server:
            for s in (peer, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A class as a function keeps a state for each connection.
            there = request() if isinstance(request, type) else request
            back = answer() if isinstance(answer, type) else answer
            other = threading.Thread(target=pump, args=(server, peer, back), daemon=True)
            other.start()
            pump(peer, server, there)
            other.join()

    return Peer(serve)


class DeadPort:
    """A port that nobody listens on, nor can: it is taken."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]

    def stop(self):
        self.socket.close()


class FullListener:
    """A port whose queue of connections is full: further ones get no answer at all, as behind a firewall."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind((HOST, 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(3):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((HOST, self.port))
            self.waiting.append(s)

    def stop(self):
        for s in (self.listener, *self.waiting):
            s.close()
