"""Family 7: how a connection ends."""

from conformance.case import (
    CONTINUATION, CUTS, STAYS, Case, breaks, closes, each_way, echo, echo_of, group, in_octets,
    pong,
)  # fmt: skip
from conformance.utf8 import WRONG
from harness import BINARY, CLOSE, PING, TEXT, close_payload, frame

HELLO = echo("Hello")
AGAIN = echo("again")
NORMAL = close_payload(1000)

VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4200, 4999]
INVALID = [0, 1, 125, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1100, 1999, 2000, 2999, 5000, 5001, 32768, 65535]
REASONS = ["", "x", "Hello!", "zoë ☃ 🎉", "x" * 122, "x" * 123, "é" * 61, "🎉" * 30 + "xyz"]


def behind():
    """Nothing behind a Close is heard."""
    for words, after in [
        ("a second Close", frame(CLOSE, close_payload(1001))),
        ("a Ping", frame(PING, b"x")),
        ("a message", frame(TEXT, HELLO)),
        ("a fragment", frame(TEXT, HELLO, fin=False)),
        ("a violation", b"\xff\xff\xff"),
        ("a frame without a mask", frame(TEXT, HELLO, mask=None)),
        ("text that is no UTF-8", frame(TEXT, b"\xff")),
        ("half a header", b"\x81"),
        ("64 KiB", frame(BINARY, b"x" * 65000)),
    ]:
        yield closes(f"Close, then {words}", NORMAL, after=after)


def before():
    """Everything before a Close is answered first."""
    yield closes("behind a message", NORMAL, frame(TEXT, HELLO), relays=(HELLO,))
    yield in_octets(closes("behind a message", NORMAL, frame(TEXT, HELLO), relays=(HELLO,)))
    yield closes("behind ten Pings", NORMAL, frame(PING, b"p") * 10, hears=[pong(b"p")] * 10)
    large = echo_of(65536)
    yield closes("behind a message of 64 KiB", NORMAL, frame(TEXT, large), relays=(large,))
    yield closes(
        "behind a message of 64 KiB, in odd pieces", NORMAL, frame(TEXT, large), relays=(large,), pieces=(997,)
    )
    first = frame(TEXT, HELLO[:9], fin=False)
    yield closes("within a fragmented message", NORMAL, first)
    yield closes("within a fragmented message that goes on", NORMAL, first, frame(CONTINUATION, HELLO[9:]))
    yield closes("behind a Ping within a message", NORMAL, first + frame(PING), hears=[pong()])


def payloads():
    yield from each_way(closes("no payload", b""))
    for words, says in [
        ("one octet", frame(CLOSE, b"\x03")),
        ("one octet that is 0", frame(CLOSE, b"\0")),
        ("its first two octets alone", frame(CLOSE, b"\x03")[:2]),
    ]:
        yield breaks(words, says, 1002, "close frame with half a code")
    for reason in REASONS:
        words = f"reason of {len(reason.encode())} octets, {len(reason)} characters"
        yield from each_way(closes(words, close_payload(1000, reason)))
    for n in (126, 127, 200, 65536):
        yield breaks(
            f"payload of {n} octets", frame(CLOSE, NORMAL + b"x" * (n - 2)), 1002, "control frame above 125 bytes"
        )


def codes(all, are_valid):
    for code in all:
        for reason in ("", "reason"):
            payload, words = close_payload(code, reason), f"{code}{', with a reason' if reason else ''}"
            if are_valid:
                case = closes(words, payload)
            else:
                case = breaks(words, frame(CLOSE, payload), 1002, "close code that may not be sent")
            yield case
            if not reason:
                yield in_octets(case)


def bad_reasons():
    for words, octets in WRONG:
        if len(octets) < 100:
            yield breaks(words, frame(CLOSE, NORMAL + b"abc" + octets), 1007, "close reason is not UTF-8")
    for octets in (b"\xc3", b"\xe2\x98", b"\xf0\x9f\x8e"):
        yield breaks(
            f"ends within a character: {octets.hex(' ')}",
            frame(CLOSE, NORMAL + octets),
            1007,
            "close reason is not UTF-8",
        )


VIOLATIONS = [
    ("a reserved bit", b"\xc1", 1002, "reserved bits are set"),
    ("an unknown opcode", b"\x83", 1002, "unknown opcode"),
    ("no mask", b"\x81\x05", 1002, "frame is not masked"),
    ("text that is no UTF-8", frame(TEXT, b"\xff"), 1007, "text is not UTF-8"),
    ("a bad code", frame(CLOSE, close_payload(1005)), 1002, "close code that may not be sent"),
]


def deaf():
    """Who has broken the rules is not heard any more, and has no say in when the stream ends."""
    for words, says, code, reason in VIOLATIONS:
        case = breaks(
            f"{words}, then a message and a Ping", says + frame(TEXT, HELLO) + frame(PING, b"x"), code, reason
        )
        yield case
        yield breaks(f"{words}, then 64 KiB", says + b"\xff" * 65536, code, reason)
        yield breaks(f"{words}, behind a message", frame(TEXT, AGAIN) + says, code, reason, relays=(AGAIN,))
        yield breaks(f"{words}, and the Close is not answered", says, code, reason, end=STAYS)


def cut_off():
    """A stream that ends without a Close gets none."""
    for words, says, hears, relays in [
        ("at once", b"", [], ()),
        ("behind a message", frame(TEXT, HELLO), [], (HELLO,)),
        ("within a header", b"\x81", [], ()),
        ("within a long header", frame(TEXT, echo_of(300))[:5], [], ()),
        ("within a payload", frame(TEXT, HELLO)[:30], [], ()),
        ("within a message", frame(TEXT, HELLO, fin=False), [], ()),
        ("within a Ping", frame(PING, b"abc")[:7], [], ()),
        ("within a Close", frame(CLOSE, NORMAL)[:7], [], ()),
        ("behind a Ping", frame(PING, b"abc"), [pong(b"abc")], ()),
    ]:
        yield Case(f"cut off {words}", says, hears, relays, close=None, end=CUTS)


FAMILY_7 = [
    group("7.1", "Nothing behind a Close is heard", behind()),
    group("7.2", "What came before a Close is handled first", before()),
    group("7.3", "Payloads of Close", payloads()),
    group("7.5", "Reasons that are not UTF-8", bad_reasons()),
    group("7.7", "Codes that may be sent", codes(VALID, True)),
    group("7.9", "Codes that may not be sent", codes(INVALID, False)),
    group("7.10", "Violations end it for good", deaf()),
    group("7.11", "Streams that end without a Close", cut_off()),
]

FAMILIES = {
    7: ("Close", "the server ends the TCP stream; codes 1012 to 1014, registered later, are accepted", FAMILY_7),
}
