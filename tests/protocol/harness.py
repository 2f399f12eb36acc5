"""The server under test, and clients of it that are made of bytes.

The clients know as little as possible: a frame or an answer is what lies on the wire, so that a test can send
what no library would send and compare what came to the last byte. Silence is never waited for: whoever expects
no answer sends something that is answered and sees that answer first (`Ws.fence`).

Every server is stopped by the test that started it, with SIGTERM; its exit code and whatever a sanitizer had to
say belong to the test.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

PROGRAM = os.environ.get("SOCKUDO", str(Path(__file__).resolve().parents[2] / "build/release/sockudo"))
IS_SANITIZED = os.environ.get("SOCKUDO_VARIANT", "release") != "release"
TIMEOUT_S = 20  # for anything that has to happen: long, because it decides nothing but how a failure looks

APP_ID, KEY, SECRET = "app-id", "app-key", "app-secret"
WS_KEY, WS_ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = b"\x11\x22\x33\x44"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PATH = "/app/app-key?protocol=7&client=js&version=8.6.0&flash=false"


# The server


def app(id=APP_ID, key=KEY, secret=SECRET, **settings):
    return {"id": id, "key": key, "secret": secret, "enabled": True, "enable_client_messages": True, **settings}


def base_config():
    return {
        "host": "127.0.0.1",
        "port": 0,
        "workers": 1,
        "shutdown_grace_period": 1,
        "logging": {"format": "json"},
        "metrics": {"enabled": False},
        "rate_limiter": {"enabled": False},
        "websocket": {"close_grace_ms": 1000},
    }


def merged(base, over):
    """A copy of base in which what over says wins, member by member."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{k: merged(base.get(k), v) for k, v in over.items()}}


class Server:
    """A server of its own, on a free port. settings are top-level keys of its configuration.

    descriptors: how many it may have open. env: variables besides our own."""

    def __init__(self, apps=None, descriptors=None, env=None, **settings):
        config = merged(base_config(), settings)
        config["app_manager"] = {"driver": "memory", "array": {"apps": apps or [app()]}}
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-protocol-"))
        (self.folder / "config.json").write_text(json.dumps(config))
        self.log_path = self.folder / "log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--config", self.folder / "config.json"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **(env or {})},
                preexec_fn=descriptors and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors,) * 2)),
            )
        try:
            self.port = self._await_port()
        except BaseException:
            self.process.kill()
            raise
        self.files_at_start = self.open_files()
        self.wants_proxy_header = config.get("proxy_protocol", False)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def _await_port(self):
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            found = re.search(r'"https? server listening","listen_addr":"[^"]*:(\d+)"', self.log())
            if found:
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise AssertionError("the server did not start:\n" + self.log())

    @property
    def metrics_port(self):
        """Settings have to ask for one, see METRICS."""
        return int(re.search(r'"metrics server listening","listen_addr":"[^"]*:(\d+)"', self.log()).group(1))

    def metrics(self):
        """{name: {frozenset of (label, value): number}}, without the label port, which is checked."""
        with Http(self.metrics_port) as http:
            answer = http.call("GET", "/metrics", sign=False)
        assert answer.status == 200, answer.raw
        return read_metrics(answer.body.decode(), self.metrics_port)

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def check_emptiness(self):
        """All peers have left: no descriptor is left of them, and the server counts nobody."""
        until(lambda: self.open_files() == self.files_at_start, "descriptors are left over")
        if self.wants_proxy_header:
            return
        until(lambda: not any(self.counts().values()), "somebody is still counted")

    def counts(self):
        """What /stats counts at this moment; empty where it is switched off, or moved."""
        answer = self.get("/stats", sign=False)
        if answer.status != 200:
            return {}
        totals = answer.json()["totals"]
        counts = {**totals.pop("occupancy"), **totals}
        del counts["apps"]
        return counts

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end, which must be a good one; returns the log."""
        try:
            status = self.process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "no exit after SIGTERM"
        log = self.log()
        shutil.rmtree(self.folder)
        if status != 0 or re.search(r"Sanitizer|runtime error:", log):
            raise AssertionError(f"the server ended with {status}:\n{log[-8000:]}")
        return log

    def stop(self):
        self.signal()
        self.wait()

    # Clients

    def connect(self):
        return Stream(self.port)

    def http(self, **how):
        return Http(self.port, **how)

    def ws(self, target=PATH, headers=(), **how):
        """An upgraded connection, whatever comes behind the 101."""
        return Ws(self.port, target, headers, **how)

    def client(self, target=PATH, headers=(), **how):
        """An established one: its socket_id is known, and nothing is left to be read."""
        ws = self.ws(target, headers, **how)
        ws.socket_id = json.loads(ws.event()["data"])["socket_id"]
        return ws

    def get(self, path, query=(), **how):
        with self.http() as http:
            return http.call("GET", path, query, **how)

    def post(self, path, body, query=(), **how):
        with self.http() as http:
            return http.call("POST", path, query, body, **how)

    def publish(self, channel, name, data="x", **members):
        answer = self.post("/apps/app-id/events", {"name": name, "channel": channel, "data": data, **members})
        assert answer.status == 200, answer.raw
        return answer.json()


METRICS = {"enabled": True, "host": "127.0.0.1", "port": 0}


def read_metrics(page, port):
    series = {}
    for line in page.splitlines():
        found = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
        if not found:
            assert not line or line.startswith("# "), line
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2) or ""))
        assert labels.pop("port", str(port)) == str(port), line
        key = frozenset(labels.items())
        assert key not in series.setdefault(found.group(1), {}), f"twice: {line}"
        series[found.group(1)][key] = float(found.group(3))
    return series


class ServerCase(unittest.TestCase):
    """Tests that share a server, which is started once with `settings` and `apps`."""

    settings = {}
    apps = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.apps, **cls.settings)

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.server.process.poll() is None:
                cls.server.check_emptiness()
        finally:
            cls.server.stop()

    def client(self, *args, **named):
        return self.closing(self.server.client(*args, **named))

    def ws(self, *args, **named):
        return self.closing(self.server.ws(*args, **named))

    def http(self):
        return self.closing(self.server.http())

    def closing(self, peer):
        self.addCleanup(peer.close)
        return peer

    def start(self, apps=None, **settings):
        """A server for this test alone."""
        server = Server(apps, **settings)
        self.addCleanup(server.stop)
        return server


# Bytes


def open_socket(port, receive_buffer=None):
    s = socket.socket()
    s.settimeout(TIMEOUT_S)
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.connect(("127.0.0.1", port))
    return s


class Stream:
    """A TCP connection. port: of this machine, or any object whose open() returns a connected socket."""

    def __init__(self, port, receive_buffer=None):
        self.socket = port.open() if hasattr(port, "open") else open_socket(port, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends it with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_split(self, data, size=1):
        """In pieces that the server can see as such, unless it is slow."""
        for i in range(0, len(data), size):
            self.socket.sendall(data[i : i + size])

    def end(self):
        """No more from us; the server may still speak."""
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self.unread)
        self.unread += data

    def take(self, n):
        while len(self.unread) < n:
            self._more()
        data, self.unread = self.unread[:n], self.unread[n:]
        return data

    def take_until(self, mark):
        while mark not in self.unread:
            self._more()
        return self.take(self.unread.index(mark) + len(mark))

    def rest(self):
        """Everything up to the end of the stream, which may also be a reset."""
        try:
            while True:
                self._more()
        except (EOFError, ConnectionResetError):
            data, self.unread = self.unread, b""
            return data


# WebSocket


@dataclass
class Frame:
    first: int  # the byte with FIN, RSV and opcode
    payload: bytes

    @property
    def opcode(self):
        return self.first & 15


def frame(opcode, payload=b"", fin=True, rsv=0, mask=MASK):
    """A client's frame; mask None: not masked."""
    if isinstance(payload, str):
        payload = payload.encode()
    n, bit = len(payload), 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += struct.pack(">BH", bit | 126, n)
    else:
        head += struct.pack(">BQ", bit | 127, n)
    return head + mask + masked(payload, mask) if mask else head + payload


def masked(payload, mask):
    n = len(payload)
    pad = (mask * (n // 4 + 1))[:n]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(n, "big")


def close_payload(code, reason=""):
    return struct.pack(">H", code) + reason.encode()


def upgrade_request(port, target=PATH, headers=()):
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {WS_KEY}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Ws(Stream):
    """A WebSocket connection behind its 101."""

    def __init__(self, port, target=PATH, headers=(), behind=b"", receive_buffer=None):
        super().__init__(port, receive_buffer)
        self.socket_id = None
        self.send(upgrade_request(port, target, headers) + behind)
        self.head = self.take_until(b"\r\n\r\n")
        assert self.head.startswith(b"HTTP/1.1 101 "), self.head

    def frame(self):
        first, second = self.take(2)
        assert second < 0x80, "a server does not mask"
        n = second
        if n == 126:
            (n,) = struct.unpack(">H", self.take(2))
        elif n == 127:
            (n,) = struct.unpack(">Q", self.take(8))
        return Frame(first, self.take(n))

    def text(self):
        """The next message, which must be one unfragmented text frame."""
        f = self.frame()
        assert f.first == 0x81, f
        return f.payload.decode()

    def event(self):
        return json.loads(self.text())

    def arrived(self):
        """Waits for bytes, and returns the events that are whole."""
        self._more()
        events, data, at = [], self.unread, 0
        while len(data) >= at + 4:
            n, start = data[at + 1], at + 2
            if n == 126:
                n, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            assert data[at] == 0x81 and data[at + 1] < 127, data[at : at + 10]
            if len(data) < start + n:
                break
            events.append(json.loads(data[start : start + n]))
            at = start + n
        self.unread = data[at:]
        return events

    def close_frame(self):
        """(code, reason) of the Close frame that must come next."""
        f = self.frame()
        assert f.first == 0x88, f
        return struct.unpack(">H", f.payload[:2])[0], f.payload[2:].decode()

    def closed(self):
        """The same, answered, and followed by the end of the stream."""
        said = self.close_frame()
        self.send(frame(CLOSE, close_payload(said[0])))
        rest = self.rest()
        assert rest == b"", rest
        return said

    def say(self, message):
        """A message in one text frame; what is not text becomes JSON."""
        self.send(frame(TEXT, message if isinstance(message, str) else compact(message)))

    def fence(self):
        """Everything said so far was handled, and said nothing more than what was read."""
        self.say('{"event":"pusher:ping"}')
        answer = self.text()
        assert answer == PONG_TEXT, answer

    def subscribe(self, channel, channel_data=None, **members):
        """Subscribes, with a signature where one is needed, and reads what comes at once."""
        self.ask(channel, channel_data, **members)
        event = self.event()
        assert event["event"] == "pusher_internal:subscription_succeeded", event
        assert event["channel"] == channel, event
        if channel.startswith(CACHE_PREFIXES):
            self.event()  # the last event, or that there is none

    def ask(self, channel, channel_data=None, **members):
        self.say({"event": "pusher:subscribe", "data": self.subscription(channel, channel_data, **members)})

    def subscription(self, channel, channel_data=None, **members):
        data = {"channel": channel}
        if channel.startswith(("private-", "presence-")):
            data["auth"] = authorize(self.socket_id, channel, channel_data)
        if channel_data is not None:
            data["channel_data"] = channel_data
        return {**data, **members}


CACHE_PREFIXES = ("cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-")
PONG_TEXT = '{"event":"pusher:pong","data":{}}'
PING_TEXT = '{"event":"pusher:ping","data":{}}'


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def succeeded(channel, data="{}"):
    """The text of a subscription_succeeded."""
    return f'{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}","data":{compact(data)}}}'


def roster(channel, members):
    """The text of a subscription_succeeded on a presence channel; members: {user_id: user_info}."""
    presence = {"ids": list(members), "hash": members, "count": len(members)}
    return succeeded(channel, compact({"presence": presence}))


def error(code, message):
    return compact({"event": "pusher:error", "data": {"code": code, "message": message}})


# HTTP


@dataclass
class Answer:
    raw: bytes  # as it came, with its date
    status: int
    headers: list  # (name, value) as sent
    body: bytes

    def header(self, name):
        values = [v for n, v in self.headers if n.lower() == name]
        assert len(values) < 2, values
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def dateless(self):
        """The bytes, without what the time puts into them."""
        return re.sub(rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", b"", self.raw)


class Http(Stream):
    """A persistent connection."""

    def answer(self, has_body=True):
        """The next answer. has_body False: to a HEAD."""
        head = self.take_until(b"\r\n\r\n")
        lines = head[:-4].decode("latin-1").split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
        body = self.take(length) if has_body else b""
        return Answer(head + body, int(lines[0].split(" ")[1]), headers, body)

    def ask(self, request, has_body=True):
        self.send(request)
        return self.answer(has_body)

    def call(self, method, path, query=(), body=None, headers=(), **how):
        return self.ask(request(method, path, query, body, headers, **how), method != "HEAD")


def request(method, path, query=(), body=None, headers=(), content_type="application/json", **how):
    """The bytes of a signed request; how: of `signed`."""
    if body is not None and not isinstance(body, (str, bytes)):
        body = compact(body)
    if isinstance(body, str):
        body = body.encode()
    lines = [f"{method} {signed(method, path, query, body, **how)} HTTP/1.1", "Host: 127.0.0.1"]
    if body is not None:
        lines += [f"Content-Type: {content_type}"] if content_type else []
        lines += [f"Content-Length: {len(body)}"]
    return ("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode() + (body or b"")


def signed(
    method, path, query=(), body=None, key=KEY, secret=SECRET, timestamp=None, unsigned=(), changed=(), sign=True
):
    """The target of a signed request.

    query: pairs, which are signed too. changed: {name: value} put in place of what would be sent and signed
    (None: left out). unsigned: pairs that come behind the signature.
    """
    if not sign:
        return path + ("?" + urllib.parse.urlencode(list(query)) if query else "")
    pairs = [
        ("auth_key", key),
        ("auth_timestamp", str(int(time.time()) if timestamp is None else timestamp)),
        ("auth_version", "1.0"),
    ]
    if body is not None:
        pairs.append(("body_md5", hashlib.md5(body).hexdigest()))
    changed = dict(changed)
    pairs = [(n, changed.pop(n, v)) for n, v in [*pairs, *query]]
    pairs += [(n, v) for n, v in changed.items() if n != "auth_signature"]
    pairs = [(n, v) for n, v in pairs if v is not None]
    signature = changed.get("auth_signature", sign_request(method, path, pairs, secret))
    if signature is not None:
        pairs.append(("auth_signature", signature))
    return path + "?" + urllib.parse.urlencode([*pairs, *unsigned], safe=",:")


def sign_request(method, path, pairs, secret=SECRET):
    path = path[:-1] if path.endswith("/") and len(path) > 1 else path
    query = "&".join(f"{n}={v}" for n, v in sorted({n.lower(): v for n, v in pairs}.items()))
    return hexmac(f"{method}\n{path}\n{query}", secret)


def hexmac(text, secret=SECRET):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def authorize(socket_id, channel, channel_data=None, key=KEY, secret=SECRET):
    """The auth of a subscription."""
    text = ":".join([socket_id, channel] + ([] if channel_data is None else [channel_data]))
    return key + ":" + hexmac(text, secret)


def accept_of(key):
    """The Sec-WebSocket-Accept to a Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def is_listened_on(path):
    """A socket's file is there a moment before anybody listens."""
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) == 0


def until(condition, what):
    """Waits for something that no answer tells."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)
