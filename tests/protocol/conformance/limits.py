"""Families 9 and 10: large messages, the limits, and who fragments what.

16 MiB is the largest message here, as in the Autobahn testsuite; it is also the limit of the server that hears it.
"""

import struct
from functools import partial

from conformance.case import (
    CONTINUATION, OPCODES, breaks, echo_of, fragments, frame, group, in_frames_of, pong, talks, text,
)  # fmt: skip
from harness import BINARY, PING, TEXT, error

KIB, MIB = 1024, 1024 * 1024


def size(n):
    return f"{n // MIB} MiB" if n % MIB == 0 else f"{n // KIB} KiB" if n % KIB == 0 else f"{n} octets"


def large(words, n, says, **how):
    """A message of n octets, made when it is played."""
    return talks(words, says, relays=lambda: (echo_of(n),), server="large", **how)


def one_frame(n, opcode):
    return frame(opcode, echo_of(n))


def many_frames(n, opcode, each):
    return in_frames_of(echo_of(n), each, opcode)


def sizes(opcode):
    for n in (64 * KIB, 256 * KIB, 1 * MIB, 4 * MIB, 8 * MIB, 16 * MIB):
        yield large(f"{size(n)} in one frame", n, partial(one_frame, n, opcode))


def frame_sizes(opcode):
    for each in (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB):
        yield large(f"4 MiB in frames of {size(each)}", 4 * MIB, partial(many_frames, 4 * MIB, opcode, each))


def write_sizes(opcode):
    for each in (64, 128, 256, 512, KIB, 2 * KIB):
        yield large(f"1 MiB in writes of {size(each)}", MIB, partial(one_frame, MIB, opcode), pieces=(each,))


def many_messages(opcode):
    for n in (64, 125, 126, 256, KIB, 4 * KIB):
        message = echo_of(n)
        yield talks(f"500 of {size(n)}", frame(opcode, message) * 500, relays=(message,) * 500)


def refused(n, limit, setting):
    """What precedes the Close 1009, and its reason."""
    return f"Message of {n} bytes exceeds the limit of {limit} bytes ({setting})"


def too_big(words, says, n, limit, setting, hears=(), **how):
    reason = refused(n, limit, setting)
    return breaks(words, says, 1009, reason, [*hears, text(error(4000, reason))], **how)


def limits(server, limit, setting):
    for opcode in (TEXT, BINARY):
        message = echo_of(limit)
        name = OPCODES[opcode]
        yield talks(f"{name} message of the limit", frame(opcode, message), relays=(message,), server=server)
        yield too_big(
            f"{name} message of one octet more",
            frame(opcode, echo_of(limit + 1)),
            limit + 1,
            limit,
            setting,
            server=server,
        )
        header = frame(opcode, echo_of(limit + 1))[: 4 if limit < 65535 else 10]
        yield too_big(
            f"{name} message of one octet more, its length alone", header, limit + 1, limit, setting, server=server
        )
        yield too_big(
            f"{name} message of one octet more, its length alone, octet by octet",
            header,
            limit + 1,
            limit,
            setting,
            server=server,
            pieces=(1,),
        )
        for n in (2**20 + 1, 2**31, 2**32, 2**63 - 1):
            yield too_big(
                f"{name} message of {n} octets, declared",
                struct.pack(">BBQ", 0x80 | opcode, 0xFF, n),
                n,
                limit,
                setting,
                server=server,
            )


def message_limits(server, limit, setting):
    """Fragments are added up, and the one that is too much is refused when it is declared."""
    message, half = echo_of(limit), limit // 2
    first = frame(TEXT, message[:half], fin=False)
    how = {"server": server}
    yield talks("the limit in two fragments", fragments(message, (half,)), relays=(message,), **how)
    yield talks("the limit in fragments of 100 octets", in_frames_of(message, 100), relays=(message,), **how)
    yield talks("the limit, then an empty fragment", fragments(message, (limit,)), relays=(message,), **how)
    yield talks("the limit twice", frame(TEXT, message) * 2, relays=(message,) * 2, **how)
    yield too_big(
        "one octet more in the last fragment",
        first + frame(CONTINUATION, message[half:] + b"x"),
        limit + 1,
        limit,
        setting,
        **how,
    )
    declared = frame(CONTINUATION, message[half:] + b"x", fin=False)[:4]
    yield too_big("the length of that fragment alone", first + declared, limit + 1, limit, setting, **how)
    yield too_big(
        "the same in a fragment that is not the last",
        first + frame(CONTINUATION, message[half:] + b"x", fin=False),
        limit + 1,
        limit,
        setting,
        **how,
    )
    yield too_big(
        "one octet behind the limit",
        frame(TEXT, message, fin=False) + frame(CONTINUATION, b"x"),
        limit + 1,
        limit,
        setting,
        **how,
    )
    many = frame(TEXT, b"x" * 16, fin=False) + frame(CONTINUATION, b"x" * 16, fin=False) * (limit // 16)
    yield too_big("fragments of 16 octets without end", many, limit // 16 * 16 + 16, limit, setting, **how)
    says = first + frame(PING, b"y" * 125) * 3 + frame(CONTINUATION, message[half:])
    yield talks("Pings do not count", says, [pong(b"y" * 125)] * 3, (message,), **how)
    for n in (2**32, 2**63 - 1 - half, 2**63 - 1):
        says = first + struct.pack(">BBQ", 0x80, 0xFF, n)
        yield too_big(f"continuation of {n} octets, declared", says, half + n, limit, setting, **how)
    said = frame(TEXT, echo_of(100)) + frame(TEXT, echo_of(limit + 1))
    yield too_big("behind a message", said, limit + 1, limit, setting, relays=(echo_of(100),), **how)


FAMILY_9 = [
    group("9.1", "Text messages up to 16 MiB", sizes(TEXT)),
    group("9.2", "Binary messages up to 16 MiB", sizes(BINARY)),
    group("9.3", "Fragmented text of 4 MiB", frame_sizes(TEXT)),
    group("9.4", "Fragmented binary of 4 MiB", frame_sizes(BINARY)),
    group("9.5", "Text of 1 MiB in small writes", write_sizes(TEXT)),
    group("9.6", "Binary of 1 MiB in small writes", write_sizes(BINARY)),
    group("9.7", "Many text messages", many_messages(TEXT)),
    group("9.8", "Many binary messages", many_messages(BINARY)),
    group("9.9", "The limit of a message as it comes, 64 KiB", limits("plain", 65536, "websocket_max_payload_kb"),
          message_limits("plain", 65536, "websocket_max_payload_kb")),
    group("9.10", "A smaller limit of a message", limits("small messages", 3000, "websocket.max_message_size"),
          message_limits("small messages", 3000, "websocket.max_message_size")),
    group("9.11", "A smaller limit of a frame, which binds the message as well", limits("small frames", 1000, "websocket.max_frame_size"),
          message_limits("small frames", 1000, "websocket.max_frame_size")),
]  # fmt: skip


def received():
    """The server's own frames are never fragmented, however the message came."""
    for n in (1300, 65536):
        message = echo_of(n)
        for each in (1, 7, 125, 126, 1299, 1300):
            yield talks(f"{n} octets in frames of {each}", in_frames_of(message, each), relays=(message,))


FAMILY_10 = [group("10.1", "What comes in fragments leaves in one frame", received())]

FAMILIES = {
    9: (
        "Limits and sizes",
        "up to 16 MiB; 1009 as soon as the length is declared, with the limit and its setting named",
        FAMILY_9,
    ),
    10: ("Automatic fragmentation", "the server itself never fragments", FAMILY_10),
}
