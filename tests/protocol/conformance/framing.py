"""Families 1 to 5: framing, Ping and Pong, reserved bits, opcodes, fragmentation."""

import struct

from conformance.case import (
    CONTENT_AT, CONTINUATION, ECHO_MIN, ODD, OPCODES, breaks, each_way, echo, echo_of, fragments, group,
    in_octets, in_odd_pieces, no_json, pong, talks,
)  # fmt: skip
from harness import BINARY, CLOSE, MASK, PING, PONG, TEXT, close_payload, frame

HELLO = echo("Hello")
AGAIN = echo("again")


# 1: framing

LENGTHS = [ECHO_MIN, 56, 63, 64, 65, 100, 124, 125, 126, 127, 128, 129, 255, 256, 257, 1000, 4095, 4096, 16383, 16384, 32767, 32768, 65534, 65535, 65536]  # fmt: skip


def lengths(opcode):
    """A message of every form of length, and around the edges of each."""
    for n in LENGTHS:
        message = echo_of(n)
        case = talks(f"{OPCODES[opcode]} message of {n} octets", frame(opcode, message), relays=(message,))
        yield case
        if n <= 257:
            yield in_octets(case)
        yield talks(f"{case.words}, in pieces of 997 octets" if n > 997 else f"{case.words}, in odd pieces", case.says,
                    relays=case.relays, pieces=(997,) if n > 997 else ODD)  # fmt: skip


def binary_content():
    """What only a binary frame may carry to the JSON parser."""
    yield from each_way(talks("empty text message", frame(TEXT), [no_json("the text ends too early", 1)]))
    yield from each_way(talks("empty binary message", frame(BINARY), [no_json("the text ends too early", 1)]))
    for bad, wrong in [(b"\xff", 0), (b"\xc3", 1), (b"\xed\xa0\x80", 1), (b"\xc0\x80", 0)]:
        answer = [no_json("invalid UTF-8", CONTENT_AT + len("abc") + wrong + 1)]
        yield from each_way(
            talks(f"binary message with {bad.hex()} in a string", frame(BINARY, echo(b"abc" + bad)), answer)
        )


def masks():
    keys = [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\x01\0\0\0",
        b"\0\x02\0\0",
        b"\0\0\x04\0",
        b"\0\0\0\x80",
        b'{"ev',
        b"\x81\xfe\x88\0",
    ]
    for key in keys:
        messages = [echo_of(ECHO_MIN + i) for i in range(9)]
        says = b"".join(frame(TEXT, m, mask=key) for m in messages)
        yield from each_way(talks(f"key {key.hex()}, lengths of every remainder by 8", says, relays=tuple(messages)))
    message = echo_of(300)
    parts = [message[i : i + 7] for i in range(0, 300, 7)]
    says = b"".join(
        frame(
            TEXT if i == 0 else CONTINUATION,
            p,
            fin=i == len(parts) - 1,
            mask=struct.pack(">I", i * 0x01234567 & 0xFFFFFFFF),
        )
        for i, p in enumerate(parts)
    )
    yield from each_way(talks("every fragment has a key of its own", says, relays=(message,)))


def unmasked():
    reason = "frame is not masked"
    rows = [(op, b"") for op in [TEXT, BINARY, PING, PONG, CLOSE]]
    rows += [
        (TEXT, HELLO),
        (BINARY, HELLO),
        (PING, b"x"),
        (PONG, b"x"),
        (CLOSE, close_payload(1000)),
        (TEXT, echo_of(126)),
        (TEXT, echo_of(65536)),
    ]
    for opcode, payload in rows:
        case = breaks(
            f"{OPCODES[opcode]} frame of {len(payload)} octets without a mask",
            frame(opcode, payload, mask=None),
            1002,
            reason,
        )
        yield case
        yield breaks(f"{case.words}, its first two octets alone", case.says[:2], 1002, reason)
    yield breaks(
        "fragment without a mask behind one with",
        frame(TEXT, HELLO[:9], fin=False) + frame(CONTINUATION, HELLO[9:], mask=None),
        1002,
        reason,
    )
    yield breaks(
        "between two that are right",
        frame(TEXT, HELLO) + frame(TEXT, AGAIN, mask=None) + frame(TEXT, HELLO),
        1002,
        reason,
        relays=(HELLO,),
    )


def forms_of_length():
    long = "length in too long a form"
    for opcode in (TEXT, BINARY):
        for n in (0, 1, 124, 125):
            yield breaks(
                f"{OPCODES[opcode]} frame, {n} in 16 bits", struct.pack(">BBH", 0x80 | opcode, 0xFE, n), 1002, long
            )
        for n in (0, 125, 126, 65535):
            yield breaks(
                f"{OPCODES[opcode]} frame, {n} in 64 bits", struct.pack(">BBQ", 0x80 | opcode, 0xFF, n), 1002, long
            )
        for n in (1 << 63, (1 << 63) + 5, (1 << 64) - 1):
            yield breaks(f"{OPCODES[opcode]} frame, {n:#x} in 64 bits", struct.pack(">BBQ", 0x80 | opcode, 0xFF, n), 1002,
                         "length with its top bit set")  # fmt: skip
    whole = struct.pack(">BBH", 0x81, 0xFE, len(HELLO)) + MASK + frame(TEXT, HELLO)[6:]
    yield in_octets(breaks("a complete message, its length in too long a form", whole[:4], 1002, long))
    yield breaks("such a frame behind a message", frame(TEXT, HELLO) + whole, 1002, long, relays=(HELLO,))
    first = frame(TEXT, HELLO[:9], fin=False)
    yield breaks("such a continuation", first + struct.pack(">BBQ", 0x80, 0xFF, 46), 1002, long)


def cuts():
    """Three messages with each form of header, in two writes, with the cut at each octet of each header."""
    messages = [echo_of(n) for n in (80, 300, 65536)]
    frames = [frame(TEXT, m) for m in messages]
    says, at = b"".join(frames), 0
    for f, header in zip(frames, (6, 8, 14)):
        for k in range(header + 1):
            if at + k:
                yield talks(f"cut behind octet {k} of the header of {len(f) - header} octets", says, relays=tuple(messages),
                            pieces=(at + k, len(says)))  # fmt: skip
        at += len(f)


FAMILY_1 = [
    group("1.1", "Text messages of every form of length", lengths(TEXT)),
    group("1.2", "Binary messages, which are read like text", lengths(BINARY)),
    group("1.3", "Messages that are no JSON", binary_content()),
    group("1.4", "Masking keys", masks()),
    group("1.5", "Frames without a mask", unmasked()),
    group("1.6", "Lengths in a form that is not the shortest", forms_of_length()),
    group("1.7", "Headers cut by the network", cuts()),
]

# 2: Ping and Pong

PINGS = [b"%d" % i for i in range(10)]


def pings():
    for payload, words in [
        (b"", "no payload"), (b"Hello, world!", "text"), (b"\0\xff\xfe\xfd\xfc\xfb\0\xff", "octets that are no text"),
        (b"\xfe" * 125, "125 octets"), (bytes(range(125)), "125 different octets"),
    ]:  # fmt: skip
        yield from each_way(talks(f"Ping with {words}", frame(PING, payload), [pong(payload)]))


def pings_too_long():
    for opcode in (PING, PONG):
        for n in (126, 127, 255, 65535, 65536):
            case = breaks(
                f"{OPCODES[opcode]} of {n} octets", frame(opcode, b"\xfe" * n), 1002, "control frame above 125 bytes"
            )
            yield case
        yield breaks(
            f"the first two octets of a {OPCODES[opcode]} of 126",
            frame(opcode, b"x" * 126)[:2],
            1002,
            "control frame above 125 bytes",
        )


FAMILY_2 = [
    group("2.1", "Ping is answered with its payload", pings()),
    group("2.2", "Ping and Pong of more than 125 octets", pings_too_long()),
    group(
        "2.3", "Pong that nobody asked for",
        each_way(
            talks("without payload", frame(PONG)),
            talks("with payload", frame(PONG, b"unsolicited pong payload")),
            talks("with octets that are no text", frame(PONG, b"\xff\0\xc3")),
            talks("then a Ping", frame(PONG, b"unsolicited") + frame(PING, b"mine"), [pong(b"mine")]),
            talks("ten of them, then a message", frame(PONG, b"x") * 10 + frame(TEXT, HELLO), relays=(HELLO,)),
        ),
    ),
    group(
        "2.4", "Many of them",
        each_way(
            talks("ten Pings", b"".join(frame(PING, p) for p in PINGS), [pong(p) for p in PINGS]),
            talks("Pings around messages", (frame(PING, b"a") + frame(TEXT, HELLO)) * 3, [pong(b"a")] * 3, (HELLO,) * 3),
        ),
        talks("3000 Pings in one write", b"".join(frame(PING, b"%d" % i) for i in range(3000)), [pong(b"%d" % i) for i in range(3000)]),
        talks("500 Pings of 125 octets", frame(PING, b"y" * 125) * 500, [pong(b"y" * 125)] * 500),
    ),
]  # fmt: skip

# 3: reserved bits


def reserved(rsv):
    reason = "reserved bits are set"
    bad = frame(TEXT, HELLO, rsv=rsv)
    behind = frame(TEXT, HELLO) + frame(TEXT, AGAIN, rsv=rsv) + frame(PING, b"x")
    yield breaks("text", bad, 1002, reason)
    yield breaks("its first octet alone", bad[:1], 1002, reason)
    yield breaks("behind a message, before a Ping", behind, 1002, reason, relays=(HELLO,))
    yield in_octets(breaks("behind a message", frame(TEXT, HELLO) + bad[:1], 1002, reason, relays=(HELLO,)))
    yield breaks("binary", frame(BINARY, HELLO, rsv=rsv), 1002, reason)
    yield breaks("empty text", frame(TEXT, rsv=rsv), 1002, reason)
    yield breaks("first fragment", frame(TEXT, HELLO, rsv=rsv, fin=False), 1002, reason)
    yield breaks(
        "continuation", frame(TEXT, HELLO[:9], fin=False) + frame(CONTINUATION, HELLO[9:], rsv=rsv), 1002, reason
    )
    yield breaks("Ping", frame(PING, b"x", rsv=rsv), 1002, reason)
    yield breaks("Ping behind a Ping", frame(PING, b"x") + frame(PING, b"y", rsv=rsv), 1002, reason, [pong(b"x")])
    yield breaks("Pong", frame(PONG, rsv=rsv), 1002, reason)
    yield breaks("Close", frame(CLOSE, close_payload(1000), rsv=rsv), 1002, reason)


FAMILY_3 = [group(f"3.{rsv}", f"Reserved bits {rsv:03b}", reserved(rsv)) for rsv in range(1, 8)]

# 4: opcodes


def unknown(opcode):
    reason = "unknown opcode"
    yield breaks("without payload", frame(opcode), 1002, reason)
    yield breaks("with payload", frame(opcode, HELLO), 1002, reason)
    yield breaks("its first octet alone", frame(opcode)[:1], 1002, reason)
    yield breaks(
        "behind a message, before a Ping",
        frame(TEXT, HELLO) + frame(opcode) + frame(PING),
        1002,
        reason,
        relays=(HELLO,),
    )
    yield in_octets(breaks("behind a message", frame(TEXT, HELLO) + frame(opcode)[:1], 1002, reason, relays=(HELLO,)))
    yield breaks("within a fragmented message", frame(TEXT, HELLO[:9], fin=False) + frame(opcode), 1002, reason)


FAMILY_4 = [
    group(f"4.{number}", f"Opcode {opcode}, not defined, {kind}", unknown(opcode))
    for number, opcode, kind in [
        *((f"1.{i + 1}", 3 + i, "data") for i in range(5)),
        *((f"2.{i + 1}", 11 + i, "control") for i in range(5)),
    ]
]

# 5: fragmentation

LONG = echo_of(600)
STRAY = "continuation without a message"
NESTED = "new message inside a fragmented one"


def fragmented():
    for opcode in (TEXT, BINARY):
        name = OPCODES[opcode]
        for sizes in [
            (30,),
            (1,),
            (0,),
            (0, 0, 30, 0),
            (599,),
            (600,),
            (10, 20, 30, 40, 50),
            (125, 126, 127),
            (0,) * 20,
            (1,) * 600,
        ]:
            words = f"{name} message in {len(sizes) + 1} fragments" + (
                f" ({', '.join(map(str, sizes))} …)" if len(sizes) < 9 else ""
            )
            case = talks(words, fragments(LONG, sizes, opcode), relays=(LONG,))
            yield case
            yield in_octets(case) if len(case.says) < 1500 else in_odd_pieces(case)
        yield talks(
            f"empty {name} message in 3 empty fragments",
            fragments(b"", (0, 0), opcode),
            [no_json("the text ends too early", 1)],
        )
    yield talks(
        "10000 empty fragments",
        frame(TEXT, HELLO, fin=False) + frame(CONTINUATION, fin=False) * 10000 + frame(CONTINUATION),
        relays=(HELLO,),
    )
    yield talks("two fragmented messages", fragments(HELLO, (5, 5)) + fragments(LONG, (5, 5)), relays=(HELLO, LONG))
    yield talks(
        "text and binary in turn",
        (fragments(HELLO, (5,)) + fragments(LONG, (5,), BINARY)) * 5,
        relays=(HELLO, LONG) * 5,
    )


def interleaved():
    """Control frames between fragments."""
    for words, between, hears in [
        ("Ping", frame(PING, b"one"), [pong(b"one")]),
        ("empty Ping", frame(PING), [pong()]),
        ("Ping of 125 octets", frame(PING, b"p" * 125), [pong(b"p" * 125)]),
        ("Pong", frame(PONG, b"unasked"), []),
        ("Ping, Pong, Ping", frame(PING, b"1") + frame(PONG) + frame(PING, b"2"), [pong(b"1"), pong(b"2")]),
    ]:
        for sizes in [(20,), (20, 20, 20, 20)]:
            case = talks(
                f"{words} between {len(sizes) + 1} fragments",
                fragments(LONG, sizes, between=between),
                hears * len(sizes),
                (LONG,),
            )
            yield from (case, in_octets(case), in_odd_pieces(case))


def control_fragments():
    for opcode in (PING, PONG, CLOSE):
        reason, name = "fragmented control frame", OPCODES[opcode]
        payload = close_payload(1000) if opcode == CLOSE else b"fragment"
        yield breaks(
            f"{name} in two fragments", frame(opcode, payload, fin=False) + frame(CONTINUATION, b"2"), 1002, reason
        )
        yield breaks(f"empty {name} without FIN", frame(opcode, fin=False), 1002, reason)
        yield breaks(f"the first octet of a {name} without FIN", frame(opcode, fin=False)[:1], 1002, reason)
        yield breaks(
            f"{name} without FIN within a message",
            frame(TEXT, HELLO[:5], fin=False) + frame(opcode, payload, fin=False),
            1002,
            reason,
        )


def strays():
    """Continuations that continue nothing."""
    for fin in (True, False):
        how = "last" if fin else "not the last"
        for payload in (b"", HELLO):
            yield breaks(
                f"continuation of {len(payload)} octets, {how}", frame(CONTINUATION, payload, fin=fin), 1002, STRAY
            )
        yield breaks(
            f"continuation, {how}, before a message",
            frame(CONTINUATION, b"x", fin=fin) + frame(TEXT, HELLO),
            1002,
            STRAY,
        )
        yield in_octets(
            breaks(f"the first octet of a continuation, {how}", frame(CONTINUATION, fin=fin)[:1], 1002, STRAY)
        )
        for words, before in [("a message", frame(TEXT, HELLO)), ("a fragmented message", fragments(HELLO, (9, 9)))]:
            case = breaks(
                f"behind {words}, {how}", before + frame(CONTINUATION, b"x", fin=fin), 1002, STRAY, relays=(HELLO,)
            )
            yield case
            yield breaks(
                f"{case.words}, in pieces of 8",
                case.says,
                1002,
                STRAY,
                relays=(HELLO,),
                pieces=(len(before), len(case.says)),
            )
        yield breaks(
            f"behind a Ping, {how}", frame(PING, b"x") + frame(CONTINUATION, fin=fin), 1002, STRAY, [pong(b"x")]
        )
        yield breaks(
            f"two unfinished messages of strays, {how}",
            (frame(CONTINUATION, b"fragment1", fin=fin) + frame(TEXT, b"{", fin=False)) * 2,
            1002,
            STRAY,
        )


def nested():
    first = frame(TEXT, HELLO[:9], fin=False)
    for opcode in (TEXT, BINARY):
        for fin in (True, False):
            name = f"{OPCODES[opcode]} {'message' if fin else 'fragment'}"
            yield breaks(f"{name} within a message", first + frame(opcode, AGAIN, fin=fin), 1002, NESTED)
            yield breaks(
                f"{name} within a message, its first octet alone",
                first + frame(opcode, AGAIN, fin=fin)[:1],
                1002,
                NESTED,
            )
            yield breaks(
                f"{name} within a message, behind a Ping",
                first + frame(PING, b"x") + frame(opcode, b"", fin=fin),
                1002,
                NESTED,
                [pong(b"x")],
            )
            yield breaks(f"{name} behind a message and within another", frame(TEXT, AGAIN) + first + frame(opcode, HELLO, fin=fin), 1002, NESTED,
                         relays=(AGAIN,))  # fmt: skip


FAMILY_5 = [
    group("5.1", "Messages in fragments", fragmented()),
    group("5.2", "Control frames between fragments", interleaved()),
    group("5.3", "Fragmented control frames", control_fragments()),
    group("5.4", "Continuations of nothing", strays()),
    group("5.5", "Messages within messages", nested()),
    group(
        "5.6", "Messages that never end",
        talks("the first fragment alone", frame(TEXT, HELLO, fin=False)),
        talks("fragments without a last", frame(TEXT, HELLO, fin=False) + frame(CONTINUATION, b" ", fin=False) * 100),
        talks("fragments without a last, with Pings", frame(TEXT, HELLO, fin=False) + (frame(PING, b"x") + frame(CONTINUATION, b" ", fin=False)) * 5,
              [pong(b"x")] * 5),
        talks("behind a message", frame(TEXT, AGAIN) + frame(TEXT, HELLO, fin=False), relays=(AGAIN,)),
    ),
]  # fmt: skip

FAMILIES = {
    1: ("Framing", "binary messages are read like text; lengths in a longer form than needed are refused", FAMILY_1),
    2: ("Ping and Pong", "payload returned as it came; a Pong is never answered", FAMILY_2),
    3: ("Reserved bits", "1002 at the first octet; reserved bits are never set without an extension", FAMILY_3),
    4: ("Opcodes", "1002 at the first octet", FAMILY_4),
    5: ("Fragmentation", "control frames in between are answered at once", FAMILY_5),
}
