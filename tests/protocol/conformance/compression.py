"""Families 12 and 13: permessage-deflate, what goes through it and what is agreed on.

We answer every offer that we take up with both no_context_takeover flags, so each message stands for itself. In
family 12 the agreement is the plain one; family 13 tries the offers, and sends a message both ways through whatever
came of each.
"""

import random
import zlib
from functools import partial

from conformance.case import (
    CONTINUATION, OPCODES, breaks, closes, each_way, echo, echo_of, fragments, group, in_octets,
    in_odd_pieces, no_json, pong, talks, text,
)  # fmt: skip
from harness import BINARY, CLOSE, PING, PONG, TEXT, close_payload, error, frame

RSV1 = 4
TAIL = b"\0\0\xff\xff"
OFFER = ("permessage-deflate",)
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
BOTH = {"server": "shared", "offers": OFFER, "listener_offers": OFFER, "answer": AGREED}
SPEAKER = {"server": "shared", "offers": OFFER, "answer": AGREED}
LISTENER = {"server": "shared", "listener_offers": OFFER, "answer": AGREED}
LIMIT = 65536
DAMAGED = "compressed data is damaged"


def deflated(payload, bits=15, level=6, strategy=zlib.Z_DEFAULT_STRATEGY):
    """The payload of a compressed message that stands for itself."""
    if bits == 8:  # zlib makes no such window; without any matches none is needed
        bits, strategy = 9, zlib.Z_HUFFMAN_ONLY
    z = zlib.compressobj(level, zlib.DEFLATED, -bits, 8, strategy)
    data = z.compress(payload) + z.flush(zlib.Z_SYNC_FLUSH)
    assert data.endswith(TAIL)
    return data[: -len(TAIL)]


def compressed(payload, opcode=TEXT, **how):
    return frame(opcode, deflated(payload, **how), rsv=RSV1)


def in_fragments(data, sizes, between=b""):
    """A compressed message in fragments: the first has the mark."""
    cut = fragments(data, sizes, between=between)
    return bytes([cut[0] | RSV1 << 4]) + cut[1:]


# 12: messages

LETTERS = [c for c in map(chr, range(32, 127)) if c not in '"\\']


def prose(n):
    return (b"It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want "
            b"of a wife. However little known the feelings or views of such a man may be on his first entering a "
            b"neighbourhood, this truth is so well fixed in the minds of the surrounding families. " * (n // 280 + 1))[:n]  # fmt: skip


def noise(n, seed=1):
    return "".join(random.Random(seed).choices(LETTERS, k=n)).encode()


def greek(n):
    return "Ὅταν ἤδη σκοτεινιάζῃ ☃ 🎉 ".encode() * (n // 58 + 1)


def far(period, n=60000):
    """Noise that comes again after `period` octets: worth pointing back to, as far as the window lets one."""
    return noise(period, period) * (n // period + 1)


CONTENTS = [
    *((f"prose of {n} octets", prose(n)) for n in (0, 1, 16, 64, 127, 128, 500, 1000, 4096, 16384, 65000)),
    *((f"noise of {n} octets", noise(n)) for n in (1, 64, 500, 4096, 65000)),
    *((f"one letter {n} times", b"x" * n) for n in (64, 258, 259, 4096, 65000)),
    *((f"text of {len(greek(n))} octets in several scripts", greek(n)) for n in (1, 500, 60000)),
    *((f"noise that comes again after {n} octets", far(n)) for n in (250, 500, 1000, 3000, 7000, 15000, 30000)),
]


def contents(how, says):
    for words, content in CONTENTS:
        message = echo(content)
        if len(message) <= LIMIT:
            yield talks(words, partial(says, message), relays=partial(tuple, [message]), **how)


def ways_to_compress():
    message = echo(prose(3000))
    for level in range(10):
        yield talks(f"level {level}", compressed(message, level=level), relays=(message,), **SPEAKER)
    for name in ("Z_FILTERED", "Z_HUFFMAN_ONLY", "Z_RLE", "Z_FIXED"):
        yield talks(name, compressed(message, strategy=getattr(zlib, name)), relays=(message,), **SPEAKER)
    for bits in range(9, 16):
        yield talks(f"a window of {1 << bits} octets", compressed(message, bits=bits), relays=(message,), **SPEAKER)
    yield talks("a binary frame", compressed(message, BINARY), relays=(message,), **SPEAKER)


def blocks():
    """The examples of RFC 7692 §7.2.3, and what else may be between the blocks of a message."""
    hello = [no_json("expected a value", 1)]
    for words, data in [
        ("Hello in one block (7.2.3.1)", "f248cdc9c90700"),
        ("Hello in a block without compression (7.2.3.3)", "000500faff48656c6c6f00"),
        ("Hello in a last block (7.2.3.4)", "f348cdc9c9070000"),
        ("Hello in two blocks (7.2.3.5)", "f248050000 00ffffcac9c90700"),
    ]:
        yield from each_way(talks(words, frame(TEXT, bytes.fromhex(data), rsv=RSV1), hello, **SPEAKER))
    two = in_fragments(bytes.fromhex("f248cdc9c90700"), (3,))
    yield from each_way(talks("Hello in two fragments (7.2.3.1)", two, hello, **SPEAKER))
    empty = [no_json("the text ends too early", 1)]
    yield from each_way(
        talks("the empty message (7.2.3.6)", frame(TEXT, b"\0", rsv=RSV1), empty, **SPEAKER),
        talks("empty and not compressed", frame(TEXT), empty, **SPEAKER),
    )
    message = echo(prose(2000))
    for words, flush in [
        ("flushed every 100 octets", zlib.Z_SYNC_FLUSH),
        ("its state forgotten every 100", zlib.Z_FULL_FLUSH),
    ]:
        z = zlib.compressobj(6, zlib.DEFLATED, -15)
        data = b"".join(z.compress(message[i : i + 100]) + z.flush(flush) for i in range(0, len(message), 100))
        data += z.flush(zlib.Z_SYNC_FLUSH)
        yield talks(words, frame(TEXT, data[: data.rindex(TAIL)], rsv=RSV1), relays=(message,), **SPEAKER)
    z = zlib.compressobj(6, zlib.DEFLATED, -15)
    ended = z.compress(message) + z.flush(zlib.Z_FINISH)
    yield talks("ended with a last block", frame(TEXT, ended + b"\0", rsv=RSV1), relays=(message,), **SPEAKER)
    nothing = b"\0\0\0\xff\xff"
    for n in (1, 100, 10000):
        yield talks(
            f"behind {n} empty blocks",
            frame(TEXT, nothing * n + deflated(message), rsv=RSV1),
            relays=(message,),
            **SPEAKER,
        )


def marks():
    """Each message may be compressed or not, and says so itself."""
    a, b = echo(prose(1000)), echo(noise(500))
    yield talks("in turn", (compressed(a) + frame(TEXT, b)) * 10, relays=(a, b) * 10, **BOTH)
    yield talks("not at all", frame(TEXT, a) + frame(BINARY, b), relays=(a, b), **BOTH)
    yield talks("the same message ten times", compressed(a) * 10, relays=(a,) * 10, **BOTH)
    yield talks("200 different ones", lambda: b"".join(compressed(m) for m in many()), relays=many, **BOTH)
    yield talks("only the listener agreed", frame(TEXT, a) + frame(TEXT, b), relays=(a, b), **LISTENER)
    yield talks("only the speaker agreed", compressed(a) + frame(TEXT, b), relays=(a, b), **SPEAKER)
    yield from each_way(
        talks(
            "Ping and Pong are not compressed",
            frame(PING, b"x" * 125) + compressed(a) + frame(PONG),
            [pong(b"x" * 125)],
            (a,),
            **BOTH,
        ),
        closes("Close is not compressed", close_payload(1000, "x" * 120), compressed(a), relays=(a,), **BOTH),
    )


def many():
    return tuple(echo(prose(5 * i)) for i in range(200))


def in_parts():
    """Compressed messages in fragments."""
    message = echo(prose(1500))
    data = deflated(message)
    n = len(data)
    ping, heard = frame(PING, b"p"), [pong(b"p")]
    for sizes in [
        (1,),
        (n - 1,),
        (n,),
        (0,),
        (0, 0, 10, 0),
        (n // 2,),
        (n // 3, n // 3),
        (1,) * (n - 1),
        (7,) * (n // 7),
    ]:
        words = f"{len(sizes) + 1} fragments ({', '.join(map(str, sizes[:4]))} …)"
        case = talks(words, in_fragments(data, sizes), relays=(message,), **BOTH)
        yield case
        yield in_odd_pieces(case)
        if len(sizes) < 9:
            yield talks(
                f"{words} with Pings between", in_fragments(data, sizes, ping), heard * len(sizes), (message,), **BOTH
            )
    yield in_octets(talks("one frame", compressed(message), relays=(message,), **BOTH))
    large = echo(noise(60000))
    yield talks(
        "60 KiB in fragments of 100", lambda: in_fragments(deflated(large), (100,) * 300), relays=(large,), **BOTH
    )


def bad_marks():
    reason, message = "reserved bits are set", echo(prose(500))
    data = deflated(message)
    for rsv in (1, 2, 3, 5, 6, 7):
        yield breaks(f"reserved bits {rsv:03b}", frame(TEXT, data, rsv=rsv), 1002, reason, **SPEAKER)
    for opcode in (PING, PONG, CLOSE):
        yield breaks(
            f"mark on a {OPCODES[opcode]}", frame(opcode, close_payload(1000), rsv=RSV1), 1002, reason, **SPEAKER
        )
        within = in_fragments(data, (10,), frame(opcode, close_payload(1000), rsv=RSV1))
        yield breaks(f"mark on a {OPCODES[opcode]} within a compressed message", within, 1002, reason, **SPEAKER)
    marked = frame(CONTINUATION, data[10:], rsv=RSV1)
    yield breaks(
        "mark on the continuation too", frame(TEXT, data[:10], fin=False, rsv=RSV1) + marked, 1002, reason, **SPEAKER
    )
    yield breaks(
        "mark on the continuation only", frame(TEXT, message[:10], fin=False) + marked, 1002, reason, **SPEAKER
    )
    yield breaks("mark on a stray continuation", marked, 1002, reason, **SPEAKER)
    yield breaks("mark where nothing was offered", compressed(message), 1002, reason, server="shared")
    yield breaks(
        "mark where the offer was declined",
        compressed(message),
        1002,
        reason,
        server="shared",
        offers=("permessage-deflate; x",),
    )
    yield breaks("mark where compression is switched off", compressed(message), 1002, reason, offers=OFFER)
    yield breaks("mark and an unknown opcode", frame(3, data, rsv=RSV1), 1002, reason, **SPEAKER)
    yield breaks("mark and no mask", frame(TEXT, data, rsv=RSV1, mask=None), 1002, "frame is not masked", **SPEAKER)
    yield breaks(
        "mark behind a message", compressed(message) + frame(PING, rsv=RSV1), 1002, reason, relays=(message,), **SPEAKER
    )


def garbage():
    """What does not inflate, or not to text."""
    message = echo(prose(500))
    data = deflated(message)
    rows = [
        ("no octet at all", b""),
        ("a reserved kind of block", b"\x07"),
        ("0xff sixteen times", b"\xff" * 16),
        ("the plain text", b"Hello"),
        ("a distance before the beginning", b"\x02\x04\0"),
        ("lengths of a stored block that disagree", b"\0\x05\0\xfa\xfeHello\0"),
        ("a stored block longer than the message", b"\0\xff\xff\0\0Hello"),
        ("without its last octet", data[:-1]),
        ("without its last octets", data[:-10]),
        ("its first octet alone", data[:1]),
        ("with an octet behind it", data + b"\xff"),
        ("with its tail left on, cut", data + TAIL[:3]),
        ("a zlib header in front", zlib.compress(message)),
        ("gzip", b"\x1f\x8b\x08" + b"\0" * 7 + data),
        ("one bit changed in its codes", bytes([data[0] ^ 2]) + data[1:]),
    ]
    for words, wrong in rows:
        yield breaks(words, frame(TEXT, wrong, rsv=RSV1), 1007, DAMAGED, **SPEAKER)
        yield breaks(f"{words}, in two fragments", in_fragments(wrong, (len(wrong) // 2,)), 1007, DAMAGED, **SPEAKER)
    z = zlib.compressobj(6, zlib.DEFLATED, -15)
    first, second = ((z.compress(message) + z.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(2))
    says = frame(TEXT, first, rsv=RSV1) + frame(TEXT, second, rsv=RSV1)
    yield breaks("a reference to the message before", says, 1007, DAMAGED, relays=(message,), **SPEAKER)
    yield breaks(
        "behind a good message",
        compressed(message) + frame(TEXT, b"\xff", rsv=RSV1),
        1007,
        DAMAGED,
        relays=(message,),
        **SPEAKER,
    )
    for wrong in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"):
        no_text = echo(b"abc" + wrong)
        words = f"{wrong.hex(' ')} in what it inflates to"
        yield breaks(words, compressed(no_text), 1007, "text is not UTF-8", **SPEAKER)
        yield breaks(
            f"{words}, in two fragments", in_fragments(deflated(no_text), (9,)), 1007, "text is not UTF-8", **SPEAKER
        )
    binary = compressed(echo(b"abc\xff"), BINARY)
    yield talks("ff in a binary message", binary, [no_json("invalid UTF-8", 57)], **SPEAKER)


def too_big(words, says, n=LIMIT + 1, relays=(), **how):
    reason = f"Message of {n} bytes exceeds the limit of {LIMIT} bytes (websocket_max_payload_kb)"
    return breaks(words, says, 1009, reason, [text(error(4000, reason))], relays, **{**SPEAKER, **how})


def bombs():
    """The limit is that of what it inflates to, and it is never inflated any further."""
    for words, level in [("well compressed", 9), ("hardly compressed", 0)]:
        exact = echo_of(LIMIT)
        yield talks(f"a message of the limit, {words}", compressed(exact, level=level), relays=(exact,), **SPEAKER)
        yield too_big(f"one octet more, {words}", compressed(echo_of(LIMIT + 1), level=level))
    for mib in (1, 8, 24):
        yield too_big(f"{mib} MiB of spaces", partial(bomb, mib))
        yield too_big(f"{mib} MiB of spaces in fragments", lambda mib=mib: in_fragments(bomb_data(mib), (50, 50, 50)))
    message = echo(prose(500))
    yield too_big("behind a good message", lambda: compressed(message) + bomb(8), relays=(message,))
    yield too_big("sixteen of them", lambda: bomb(8) * 16)
    yield too_big("a bomb whose end is damaged", lambda: frame(TEXT, bomb_data(8)[:-20] + b"\xff" * 20, rsv=RSV1))
    for n in (2 * LIMIT, 2**32, 2**63 - 1):
        yield too_big(f"{n} compressed octets, declared", bytes([0xC1, 0xFF]) + n.to_bytes(8, "big"), n)


def bomb_data(mib):
    return deflated(b" " * (mib << 20), level=9)


def bomb(mib):
    return frame(TEXT, bomb_data(mib), rsv=RSV1)


FAMILY_12 = [
    group("12.1", "What the server compresses", contents(LISTENER, lambda message: frame(TEXT, message))),
    group("12.2", "What the client compresses", contents(SPEAKER, compressed)),
    group("12.3", "Both", contents(BOTH, compressed)),
    group("12.4", "Every way to compress", ways_to_compress()),
    group("12.5", "Blocks", blocks()),
    group("12.6", "Compressed and not, in one connection", marks()),
    group("12.7", "Compressed messages in fragments", in_parts()),
    group("12.8", "Marks where none may be", bad_marks()),
    group("12.9", "What does not inflate", garbage()),
    group("12.10", "Limits and bombs", bombs()),
]

# 13: offers

WINDOWS = [("shared", 15), ("dedicated", 15), ("window32kb", 15), ("window16kb", 14), ("window8kb", 13), ("window4kb", 12),
           ("window2kb", 11), ("window1kb", 10), ("window256b", 10)]  # fmt: skip
SERVER_BITS = [None, 15, 12, 9]
CLIENT_BITS = [None, "", 15, 10, 8]
FLAGS = "; server_no_context_takeover; client_no_context_takeover"


def through(words, offers, answer, client_bits=15, server="shared"):
    """Both peers offer, and a message goes from one to the other through what was agreed on."""
    messages = (echo(far(700, 8000)), echo(far(5000, 20000)))
    if answer is None:
        says = b"".join(frame(TEXT, m) for m in messages)
    else:
        says = b"".join(compressed(m, bits=client_bits) for m in messages)
    return talks(words, says, relays=messages, server=server, offers=offers, listener_offers=offers, answer=answer)


def windows(mode, bits):
    """Windows that are offered against the one that is configured: the smaller counts."""
    for server in SERVER_BITS:
        for client in CLIENT_BITS:
            offer = "permessage-deflate"
            offer += f"; server_max_window_bits={server}" if server else ""
            offer += "; client_max_window_bits" + (f"={client}" if client else "") if client is not None else ""
            if bits < 15 and client is None:
                yield through(f"{offer}, declined", (offer,), None, server=mode)
                continue
            ours, theirs = min(server or 15, bits), min(client or 15, bits)
            answer = AGREED
            answer += f"; server_max_window_bits={ours}" if server or ours < 15 else ""
            answer += f"; client_max_window_bits={theirs}" if theirs < 15 else ""
            yield through(offer, (offer,), answer, theirs, mode)


def flags():
    for offer in [
        "permessage-deflate; server_no_context_takeover", "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    ]:  # fmt: skip
        yield through(offer, (offer,), AGREED)
    offer = "permessage-deflate; client_no_context_takeover; server_max_window_bits=11; server_no_context_takeover; client_max_window_bits=9"
    yield through(offer, (offer,), AGREED + "; server_max_window_bits=11; client_max_window_bits=9", 9)


DECLINED = [
    "server_max_window_bits", "server_max_window_bits=", "server_max_window_bits=7", "server_max_window_bits=8", "server_max_window_bits=16",
    "server_max_window_bits=99", "server_max_window_bits=-9", "server_max_window_bits=09", "server_max_window_bits=0",
    "server_max_window_bits=1e1", "server_max_window_bits=10.0", "server_max_window_bits=+10", "server_max_window_bits=4294967306",
    "client_max_window_bits=", "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=010",
    "client_max_window_bits=x", "client_max_window_bits=-10", "server_no_context_takeover=1", "server_no_context_takeover=",
    "client_no_context_takeover=true", "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits; client_max_window_bits", "client_max_window_bits=10; client_max_window_bits",
    "server_no_context_takeover; server_no_context_takeover", "client_no_context_takeover; client_no_context_takeover",
    "unknown", "unknown=1", "max_window_bits=10", "=", "=10", "", ";", "server_max_window_bits 10",
]  # fmt: skip


def declined():
    for parameters in DECLINED:
        offer = f"permessage-deflate; {parameters}"
        yield through(offer, (offer,), None)
    for offer in [
        "x-webkit-deflate-frame",
        "permessage-bzip2",
        "deflate",
        "permessage-deflate2",
        "permessage",
        "foo; bar=1",
        ",",
        ", ,",
        ";",
    ]:
        yield through(offer, (offer,), None)


def several():
    rows = [
        (("permessage-deflate, permessage-deflate; client_max_window_bits",), AGREED, 15),
        (("permessage-deflate; server_max_window_bits=8, permessage-deflate",), AGREED, 15),
        (("permessage-deflate; client_max_window_bits=99, permessage-deflate",), AGREED, 15),
        (("permessage-deflate; unknown, permessage-deflate; client_max_window_bits=10",), AGREED + "; client_max_window_bits=10", 10),
        (("permessage-deflate; client_max_window_bits=10, permessage-deflate",), AGREED + "; client_max_window_bits=10", 10),
        (("permessage-deflate; server_max_window_bits=10, permessage-deflate",), AGREED + "; server_max_window_bits=10", 15),
        (("permessage-bzip2, permessage-deflate",), AGREED, 15),
        (("x-webkit-deflate-frame, foo; a=\"b,c\", permessage-deflate; client_max_window_bits=9",), AGREED + "; client_max_window_bits=9", 9),
        ((", permessage-deflate",), AGREED, 15),
        (("permessage-deflate,",), AGREED, 15),
        (("permessage-deflate; unknown, permessage-deflate; unknown",), None, 15),
        (("permessage-deflate", "permessage-deflate; client_max_window_bits=10"), AGREED, 15),
        (("foo", "permessage-deflate; client_max_window_bits=10"), AGREED + "; client_max_window_bits=10", 10),
        (("permessage-deflate; unknown", "permessage-deflate"), AGREED, 15),
        (("foo", "bar"), None, 15),
    ]  # fmt: skip
    for offers, answer, bits in rows:
        yield through(" | ".join(offers), offers, answer, bits)


def spellings():
    rows = [
        ("permessage-deflate;server_max_window_bits=10", "; server_max_window_bits=10", 15),
        ("permessage-deflate  ;  server_max_window_bits  =  10", "; server_max_window_bits=10", 15),
        ("\tpermessage-deflate;\tserver_max_window_bits=10\t", "; server_max_window_bits=10", 15),
        ('permessage-deflate; server_max_window_bits="10"', "; server_max_window_bits=10", 15),
        ('permessage-deflate; client_max_window_bits="9"', "; client_max_window_bits=9", 9),
        ('permessage-deflate; client_max_window_bits="1\\0"', "; client_max_window_bits=10", 10),
    ]
    for offer, answer, bits in rows:
        yield through(repr(offer)[1:-1], (offer,), AGREED + answer, bits)
    for offer in ['permessage-deflate; server_max_window_bits="10', 'permessage-deflate; server_max_window_bits=""',
                  'permessage-deflate; unknown=", permessage-deflate"', '"permessage-deflate"']:  # fmt: skip
        yield through(f"{offer}, declined", (offer,), None)


def switched_off():
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover, permessage-deflate",
    ]:
        yield through(offer, (offer,), None, server="plain")
    yield through("no offer, compression switched on", (), None)


FAMILY_13 = [
    *(
        group(f"13.{i}", f"Windows, with the setting {mode}", windows(mode, bits))
        for i, (mode, bits) in enumerate(WINDOWS, 1)
    ),
    group("13.10", "No context takeover", flags()),
    group("13.11", "Offers that are declined", declined()),
    group("13.12", "Several offers", several()),
    group("13.13", "Spellings", spellings()),
    group("13.14", "Compression switched off, or not asked for", switched_off()),
]

FAMILIES = {
    12: ("Compressed messages", "every message stands for itself; the limit binds what it inflates to", FAMILY_12),
    13: (
        "Offers of compression",
        "any offer but those with a window of 256 octets for the server; both flags are always answered",
        FAMILY_13,
    ),
}
