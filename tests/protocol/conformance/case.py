"""What a case is, and the words in which the tables are written."""

from dataclasses import dataclass, replace
from typing import Callable, Union

from harness import BINARY, CLOSE, PING, PONG, TEXT, Frame, close_payload, error, frame

CONTINUATION = 0
OPCODES = {TEXT: "text", BINARY: "binary", CONTINUATION: "continuation", CLOSE: "Close", PING: "Ping", PONG: "Pong"}
CHANNEL = "private-echo"

# How the octets of a case are divided into writes: lengths, which are repeated until all is written.
WHOLE = ()
OCTETS = (1,)
ODD = (1, 2, 3, 5, 7, 11, 13, 17)

# How a case ends.
LEAVES = "leaves"  # the speaker sends Close 1000 behind what it said, and gets it back
ANSWERS = "answers"  # it answers the server's Close and ends its half of the stream
STAYS = "stays"  # it does nothing more: the server has to end the stream
CUTS = "cuts"  # it ends its half of the stream behind what it said


@dataclass(frozen=True)
class Case:
    words: str
    says: Union[bytes, Callable[[], bytes]]  # callable: made when it is played, since it is large
    hears: tuple = ()  # frames that the speaker gets, before the Close
    relays: Union[tuple, Callable[[], tuple]] = ()  # texts that the listener gets
    close: Union[bytes, None] = close_payload(1000)  # the payload of the server's Close frame; None: no such frame
    end: str = LEAVES
    pieces: tuple = WHOLE
    server: str = "plain"  # the settings, see stage.py
    offers: tuple = ()  # the speaker's Sec-WebSocket-Extensions, a header each
    answer: Union[str, None] = None  # the server's
    listener_offers: tuple = ()
    number: str = ""


@dataclass(frozen=True)
class Group:
    number: str
    words: str
    cases: tuple


def group(number, words, *cases):
    """Cases, and iterables of cases."""
    flat = []
    for item in cases:
        flat += [item] if isinstance(item, Case) else list(item)
    return Group(number, words, tuple(flat))


# Kinds of cases


def talks(words, says, hears=(), relays=(), **how):
    """Nothing is wrong with it."""
    return Case(words, says, hears, relays, **how)


def breaks(words, says, code, reason, hears=(), relays=(), **how):
    """The server has to fail the connection."""
    return Case(words, says, hears, relays, **{"end": ANSWERS, "close": close_payload(code, reason), **how})


def closes(words, payload, before=b"", after=b"", **how):
    """The speaker's own Close, which has to come back."""
    return Case(words, before + frame(CLOSE, payload) + after, **{"end": STAYS, "close": payload, **how})


def in_octets(case):
    return replace(case, words=f"{case.words}, octet by octet", pieces=OCTETS)


def in_odd_pieces(case):
    return replace(case, words=f"{case.words}, in odd pieces", pieces=ODD)


def each_way(*cases):
    """Each of them in one write, octet by octet, and in odd pieces."""
    return [way(case) for case in cases for way in (lambda c: c, in_octets, in_odd_pieces)]


# Messages

_HEAD, _TAIL = f'{{"event":"client-e","channel":"{CHANNEL}","data":"'.encode(), b'"}'
ECHO_MIN = len(_HEAD) + len(_TAIL)
CONTENT_AT = len(_HEAD)
# A period that no length of a frame or piece divides, so that a misplaced octet is seen.
_PATTERN = bytes(c for c in range(32, 127) if c not in b'"\\') + b"abcdefgh"


def echo(content=b""):
    """A client event with this content, as the listener will hear it."""
    return _HEAD + (content.encode() if isinstance(content, str) else content) + _TAIL


def echo_of(n):
    """The same, n octets long."""
    n -= ECHO_MIN
    return echo((_PATTERN * (n // len(_PATTERN) + 1))[:n])


def fragments(payload, sizes, opcode=TEXT, between=b""):
    """One message in frames of these sizes, the last taking the rest; between them, other frames."""
    cuts = [0]
    for size in sizes:
        cuts.append(cuts[-1] + size)
    cuts.append(len(payload))
    return between.join(
        frame(opcode if i == 0 else CONTINUATION, payload[at:end], fin=i == len(cuts) - 2)
        for i, (at, end) in enumerate(zip(cuts, cuts[1:]))
    )


def in_frames_of(payload, size, opcode=TEXT):
    return fragments(payload, [size] * ((len(payload) - 1) // size), opcode)


def pong(payload=b""):
    return Frame(0x80 | PONG, payload)


def text(payload):
    return Frame(0x80 | TEXT, payload.encode() if isinstance(payload, str) else payload)


def no_json(what, column):
    """The answer to a message that is no JSON, in its first line."""
    prefix = "Invalid message format: Decode failed: JSON deserialization failed: "
    return text(error(4000, f"{prefix}{what} at line 1 column {column}"))
