"""What stands behind a proxy: a backend that writes down what it gets, and a tap before a server.

Both know HTTP only as nginx speaks it to its upstreams: one request at a time, each with a length or in chunks.
"""

import re
import socket
import threading
from dataclasses import dataclass, field

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass
class Request:
    method: bytes
    target: bytes
    body: bytes
    sender: str  # the client's address, as nginx told it
    number: int  # among the requests of that client
    head: bytes
    is_complete: bool = True


class Reader:
    """Requests out of bytes that come in pieces."""

    def __init__(self):
        self.unread = b""

    def take(self, data):
        """The requests that data completes."""
        self.unread += data
        found = []
        while True:
            request, n = parse(self.unread)
            if not request or not request.is_complete:
                return found
            found.append(request)
            self.unread = self.unread[n:]


def parse(data):
    """(the first request, its length), or (None, 0) if its head is not all there."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return None, 0
    head = data[:end]
    method, target, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
    sender, number = re.search(rb"\r\nX-Sender: (\S+)/(\d+)\r\n", head).groups()
    if re.search(rb"\r\nTransfer-Encoding: chunked\r\n", head):
        body, n = parse_chunks(data[end:])
    else:
        length = re.search(rb"\r\nContent-Length: (\d+)\r\n", head)
        n = int(length[1]) if length else 0
        body = data[end : end + n]
        n = n if len(body) == n else None
    request = Request(method, target, body, sender.decode(), int(number), head, n is not None)
    return request, end + n if request.is_complete else len(data)


def parse_chunks(data):
    """(body, length on the wire, or None if it is not all there)."""
    body, at = b"", 0
    while True:
        line = re.compile(rb"([0-9a-f]+)\r\n").match(data, at)
        if not line:
            return body, None
        n, at = int(line[1], 16), line.end()
        if data[at + n : at + n + 2] != b"\r\n":
            return body, None
        body, at = body + data[at : at + n], at + n + 2
        if n == 0:
            return body, at


class Listener:
    """Serves each connection in a thread of its own."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        self.threads = []
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.threads.append(threading.Thread(target=self.serve, args=(peer,), daemon=True))
            self.threads[-1].start()

    def stop(self):
        """Waits for the ends of all connections, which the other side must have ended."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.socket.close()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a connection does not end"


class Recorder(Listener):
    """Answers every request with 200 and keeps it."""

    def __init__(self):
        self.requests = []
        super().__init__()

    def serve(self, peer):
        reader = Reader()
        with peer:
            while data := receive(peer):
                for request in reader.take(data):
                    self.requests.append(request)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@dataclass
class Tapped:
    """One connection, both ways."""

    sent: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)


class Tap(Listener):
    """Stands before a server and keeps what passes."""

    def __init__(self, port):
        self.upstream_port = port
        self.connections = []
        super().__init__()

    def serve(self, peer):
        tapped = Tapped()
        self.connections.append(tapped)
        with peer, socket.create_connection(("127.0.0.1", self.upstream_port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=pump, args=(server, peer, tapped.answered), daemon=True)
            back.start()
            pump(peer, server, tapped.sent)
            back.join()


def receive(peer):
    try:
        return peer.recv(65536)
    except OSError:
        return b""


def pump(source, sink, copy):
    """Everything up to the end of source, which is also the end for sink."""
    try:
        while data := receive(source):
            copy += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def statuses(data, methods):
    """The final statuses in a stream of answers to requests with these methods, which must hold nothing else."""
    data, found, at = bytes(data), [], 0
    for method in methods:
        end = data.find(b"\r\n\r\n", at) + 4
        if end < 4:
            break
        status = int(STATUS.match(data, at)[1])
        length = re.search(rb"\r\ncontent-length: (\d+)\r\n", data[at:end])
        at = end if method == b"HEAD" or not length else end + int(length[1])
        found.append(status)
        if status == 101:
            return found
    assert at == len(data), ("more than the answers", data[at:])
    return found
