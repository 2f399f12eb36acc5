"""A server that takes webhooks, answers as it is told, and remembers what came."""

import hashlib
import hmac
import json
import queue
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness import KEY, SECRET, TIMEOUT_S


@dataclass
class Hook:
    """One request, as it came."""

    line: str
    headers: list  # of (name, value)
    body: bytes
    at: float
    connection: int  # which one, counted from 0

    def header(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def events(self):
        return json.loads(self.body)["events"]


@dataclass
class Answer:
    status: int = 200
    headers: tuple = ()
    body: bytes = b""
    after_s: float = 0
    raw: bytes = None  # instead of all that; then the connection ends
    never: bool = False


def signature(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def check(hook, key=KEY, secret=SECRET):
    """Is it what Pusher's documentation describes? Returns its events."""
    assert hook.header("content-type")[0] == "application/json", hook.headers
    assert hook.header("x-pusher-key") == [key], hook.headers
    assert hook.header("x-pusher-signature") == [signature(hook.body, secret)], hook.headers
    assert hook.header("content-length") == [str(len(hook.body))], hook.headers
    assert not hook.header("expect") and not hook.header("transfer-encoding"), hook.headers
    body = json.loads(hook.body)
    assert list(body) == ["time_ms", "events"], hook.body
    assert abs(body["time_ms"] - time.time() * 1000) < 60000, hook.body
    assert body["events"], "a request without events"
    return body["events"]


class Authority:
    """A certificate authority of our own, and a certificate of it for localhost, in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.ca = self.folder / "ca.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=our own CA", "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")  # fmt: skip
        (self.folder / "names").write_text("subjectAltName=DNS:localhost\n")
        self._openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "names", "-out", "cert.pem")  # fmt: skip

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        return context


@dataclass
class Sink:
    """plan: the next answers, in the order of the requests; afterwards `otherwise`."""

    plan: list = field(default_factory=list)
    otherwise: Answer = field(default_factory=Answer)
    tls: ssl.SSLContext = None

    def __post_init__(self):
        self.hooks = queue.Queue()
        self.n_connections = 0
        self.open = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/hook"):
        return f"https://localhost:{self.port}{path}" if self.tls else f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self.listener.close()
        with self.lock:
            for connection in self.open:
                connection.close()

    # What came

    def next(self, timeout_s=TIMEOUT_S):
        """The next request, which has to be a good one."""
        hook = self.hooks.get(timeout=timeout_s)
        check(hook)
        return hook

    def events(self, n, timeout_s=TIMEOUT_S):
        """The next n events, of however many requests."""
        found, end = [], time.monotonic() + timeout_s
        while len(found) < n:
            try:
                found += self.next(max(0.01, end - time.monotonic())).events
            except queue.Empty:
                raise AssertionError(f"{n} events wanted, came: {found}") from None
        assert len(found) == n, found
        return found

    def nothing(self, for_s):
        try:
            raise AssertionError(f"unwanted: {self.hooks.get(timeout=for_s)}")
        except queue.Empty:
            pass

    # The server

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                number, self.n_connections = self.n_connections, self.n_connections + 1
                self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        stream = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                stream = self.tls.wrap_socket(connection, server_side=True)
            unread = b""
            while True:
                hook, unread = self._read(stream, unread, number)
                with self.lock:
                    answer = self.plan.pop(0) if self.plan else self.otherwise
                self.hooks.put(hook)
                self._answer(stream, answer)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            stream.close()

    @staticmethod
    def _more(stream):
        data = stream.recv(65536)
        if not data:
            raise EOFError
        return data

    def _read(self, stream, unread, number):
        while b"\r\n\r\n" not in unread:
            unread += self._more(stream)
        head, unread = unread.split(b"\r\n\r\n", 1)
        line, *headers = head.decode().split("\r\n")
        headers = [tuple(h.split(": ", 1)) if ": " in h else (h.rstrip(":"), "") for h in headers]
        n = int(dict((k.lower(), v) for k, v in headers).get("content-length", 0))
        while len(unread) < n:
            unread += self._more(stream)
        return Hook(line, headers, unread[:n], time.monotonic(), number), unread[n:]

    def _answer(self, stream, answer):
        if answer.never:
            self._more(stream)
        time.sleep(answer.after_s)
        if answer.raw is not None:
            stream.sendall(answer.raw)
            raise EOFError
        lines = [f"HTTP/1.1 {answer.status} Text", f"Content-Length: {len(answer.body)}", *answer.headers]
        stream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)
