"""One end of a WebSocket connection that lets the server get away with nothing.

What it hears is a list: frames, and at the end how the stream ended. Whatever RFC 6455 or RFC 7692 forbid a server,
and whatever of the permitted forms we have promised not to use (fragments, binary frames), is an item of its own
there and so equals no expectation.
"""

import select
import socket
import time
import zlib

from harness import PATH, TEXT, TIMEOUT_S, WS_ACCEPT, Frame, close_payload, frame, upgrade_request

COMPRESSED = 0x40
CLOSE_FRAME = 0x88
END, RESET, SILENCE = "end of stream", "reset", "silence"
READ_MAX = 1 << 20
# Between small pieces, so that the server sees them as such when it is not busy.
PAUSE_S = 0.00005
# Whether a message so short is compressed is the server's choice: it may not shrink.
SMALL = 400
# So many octets more than the window would go unnoticed.
STEP = 32


class Forbidden(Exception):
    """What a server must not do."""


class Peer:
    def __init__(self, port, key, offers=()):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.inbox = bytearray()
        self.how_it_ended = None
        headers = [f"Sec-WebSocket-Extensions: {offer}" for offer in offers]
        try:
            self.socket.sendall(upgrade_request(port, PATH.replace("app-key", key), headers))
            self.extension = self._extension(self._head())
        except BaseException:
            self.socket.close()
            raise
        self.inflate = Inflate(self.extension) if self.extension else None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    # The opening

    def _head(self):
        while b"\r\n\r\n" not in self.inbox:
            if not self.read():
                raise Forbidden(f"no answer to the upgrade: {self.how_it_ended} behind {bytes(self.inbox)!r}")
        return self._take(self.inbox.index(b"\r\n\r\n") + 4)

    def _extension(self, head):
        lines = head[:-4].decode().split("\r\n")
        fields = [(n.lower(), v.strip()) for n, v in (line.split(":", 1) for line in lines[1:])]
        if not lines[0].startswith("HTTP/1.1 101 ") or ("sec-websocket-accept", WS_ACCEPT) not in fields:
            raise Forbidden(f"not the answer to an upgrade: {head!r}")
        answers = [v for n, v in fields if n == "sec-websocket-extensions"]
        if len(answers) > 1:
            raise Forbidden(f"two answers to the offers: {answers}")
        return answers[0] if answers else None

    # Bytes

    def read(self):
        """What is there, or comes next. False: the stream has ended, or nothing comes."""
        if self.how_it_ended:
            return False
        try:
            data = self.socket.recv(READ_MAX)
        except ConnectionResetError:
            self.how_it_ended = RESET
            return False
        except socket.timeout:
            self.how_it_ended = SILENCE
            return False
        if not data:
            self.how_it_ended = END
            return False
        self.inbox += data
        return True

    def _take(self, n):
        data = bytes(self.inbox[:n])
        del self.inbox[:n]
        return data

    def say(self, data, pieces=(), meanwhile=()):
        """Writes; the peers in `meanwhile` read, for who does not listen is not told for ever."""
        view, at, i = memoryview(data), 0, 0
        while at < len(view):
            end = at + pieces[i % len(pieces)] if pieces else len(view)
            if not self._write(view[at:end], meanwhile):
                return
            at, i = end, i + 1
            if pieces and len(view) < 2048 and at < len(view):
                time.sleep(PAUSE_S)

    def _write(self, view, meanwhile):
        while view:
            hearing = [peer for peer in meanwhile if not peer.how_it_ended]
            ready, writable, _ = select.select(hearing, [self], [], TIMEOUT_S)
            for peer in ready:
                peer.read()
            if writable:
                try:
                    view = view[self.socket.send(view, socket.MSG_DONTWAIT) :]
                except BlockingIOError:
                    pass
                except (ConnectionResetError, BrokenPipeError):
                    return False
            elif not ready:
                raise Forbidden("takes no more bytes")
        return True

    def cut(self):
        """Ends our half of the stream, if it is still there."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    # Frames

    def next(self):
        """The next frame, its payload inflated, or how the stream ended."""
        while not (parsed := self._parse()):
            if not self.read():
                return f"{self.how_it_ended} within a frame: {bytes(self.inbox)!r}" if self.inbox else self.how_it_ended
        return self._judge(parsed)

    def _parse(self):
        box = self.inbox
        if len(box) < 2:
            return None
        if box[1] & 0x80:
            raise Forbidden("a masked frame")
        n, at = box[1], 2
        if n > 125:
            at = 4 if n == 126 else 10
            if len(box) < at:
                return None
            n = int.from_bytes(box[2:at], "big")
            if n < (126 if at == 4 else 65536):
                raise Forbidden("a length in too long a form")
        if len(box) < at + n:
            return None
        first = box[0]
        del box[:at]
        return Frame(first, self._take(n))

    def _judge(self, f):
        if f.first & 0x80 == 0:
            raise Forbidden("a fragment")
        if f.opcode >= 8 and (len(f.payload) > 125 or f.first & 0x70):
            raise Forbidden("a malformed control frame")
        if f.first & (0x70 if self.inflate is None else 0x30):
            raise Forbidden("a reserved bit")
        if f.first & COMPRESSED:
            f = Frame(f.first, self.inflate(f.payload))
        if f.opcode == TEXT and len(f.payload) < SMALL:
            f = Frame(f.first & ~COMPRESSED, f.payload)
        return f

    def hear(self, answers):
        """Everything up to the end of the stream. answers: a Close is, and then our half of the stream ends."""
        heard = []
        try:
            while not isinstance(item := self.next(), str):
                heard.append(item)
                if item.first == CLOSE_FRAME and answers:
                    self.say(frame(8, item.payload[:2]))
                    self.cut()
                    answers = False
        except Forbidden as e:
            item = str(e)
        return [*heard, item]

    def leave(self):
        """Says goodbye, which has to be echoed behind everything else."""
        self.say(frame(8, close_payload(1000)))


class Inflate:
    """The other half of permessage-deflate, with no byte more of window than was agreed."""

    def __init__(self, extension):
        words = [w.strip() for w in extension.split(";")]
        self.parameters = dict((w.split("=") + [None])[:2] for w in words[1:])
        self.bits = int(self.parameters.get("server_max_window_bits") or 15)
        self.forgets = "server_no_context_takeover" in self.parameters
        self.stream = zlib.decompressobj(-self.bits)

    def __call__(self, payload):
        if self.forgets or self.stream.eof:
            self.stream = zlib.decompressobj(-self.bits)
        rest, text = payload + b"\0\0\xff\xff", bytearray()
        try:
            # zlib lets a match reach beyond the window into what the same call has written.
            while rest:
                text += self.stream.decompress(rest, STEP)
                rest = self.stream.unconsumed_tail
            while more := self.stream.decompress(b"", STEP):
                text += more
        except zlib.error as e:
            raise Forbidden(f"a compressed message that does not inflate: {e}") from e
        if self.stream.unused_data not in (b"", b"\0\0\0\xff\xff"):
            raise Forbidden("octets behind the end of the compressed data")
        return bytes(text)
