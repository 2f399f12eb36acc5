"""Family 6: text is UTF-8, the whole of it, and what is not is noticed at its first wrong octet.

The sequences are those of Markus Kuhn's decoder stress test, which the Autobahn testsuite took over as well. Each
stands inside the string of a client event, so that a valid one is heard by the listener as it was said.
"""

from conformance.case import (
    CONTENT_AT, CONTINUATION, breaks, echo, fragments, group, in_octets, in_odd_pieces, no_json, talks,
)  # fmt: skip
from harness import PING, TEXT, frame, Frame, PONG

BAD = "text is not UTF-8"
KOSME = "κόσμε".encode()
EVERYTHING = "zoë ☃ Ελληνική 日本語 🎉 \U0010ffff".encode()

# RFC 3629 §4: the first octets, how many follow, and what the second may be.
LEADS = [
    (0x00, 0x7F, 0, 0, 0),
    (0xC2, 0xDF, 1, 0x80, 0xBF),
    (0xE0, 0xE0, 2, 0xA0, 0xBF),
    (0xE1, 0xEC, 2, 0x80, 0xBF),
    (0xED, 0xED, 2, 0x80, 0x9F),
    (0xEE, 0xEF, 2, 0x80, 0xBF),
    (0xF0, 0xF0, 3, 0x90, 0xBF),
    (0xF1, 0xF3, 3, 0x80, 0xBF),
    (0xF4, 0xF4, 3, 0x80, 0x8F),
]


def first_wrong(text):
    """The index of the first octet that no continuation could make right; None: there is none."""
    left, low, high = 0, 0x80, 0xBF
    for i, octet in enumerate(text):
        if left:
            if not low <= octet <= high:
                return i
            left, low, high = left - 1, 0x80, 0xBF
            continue
        lead = next((row for row in LEADS if row[0] <= octet <= row[1]), None)
        if not lead:
            return i
        left, low, high = lead[2:]
    return None


def each_octet_a_fragment(message):
    return fragments(message, (1,) * (len(message) - 1))


def good(words, content):
    """Heard as it was said, in one frame and in pieces that cut every character."""
    message = echo(content)
    yield talks(words, frame(TEXT, message), relays=(message,))
    yield in_octets(talks(words, frame(TEXT, message), relays=(message,)))
    yield talks(f"{words}, each octet in a fragment", each_octet_a_fragment(message), relays=(message,))


def bad(words, content):
    """Never heard, and refused at the first wrong octet, the frame being incomplete or the message unfinished."""
    message = echo(content)
    wrong = first_wrong(message)
    whole = frame(TEXT, message)
    head = len(whole) - len(message)
    yield breaks(words, whole, 1007, BAD)
    yield in_octets(breaks(f"{words}, up to the first wrong octet", whole[: head + wrong + 1], 1007, BAD))
    start = message[: wrong + 1]
    yield breaks(
        f"{words}, each octet in a fragment up to it", each_octet_a_fragment(start + b"x")[: 7 * len(start)], 1007, BAD
    )


def table(kind, rows):
    for words, content in rows:
        yield from kind(words, content if isinstance(content, bytes) else content.encode())


def split_everywhere():
    """A text with characters of every length in two fragments, cut at every octet of it."""
    message = echo(EVERYTHING)
    for k in range(len(EVERYTHING) + 1):
        at = CONTENT_AT + k
        yield talks(f"cut behind octet {k}", fragments(message, (at,)), relays=(message,))


def prefixes():
    """A text that ends within a character."""
    for word in ("κόσμε", "☃☃", "🎉🎉"):
        octets = word.encode()
        for k in range(1, len(octets) + 1):
            start = octets[:k]
            try:
                is_whole = bool(start.decode())
            except UnicodeDecodeError:
                is_whole = False
            words = f"{k} of {len(octets)} octets of {word}"
            says = [frame(TEXT, start), fragments(start, (k - 1,)), fragments(start, (k,))]
            for name, how in zip(["", ", the last in a fragment", ", an empty fragment last"], says):
                if is_whole:
                    yield talks(words + name, how, [no_json("expected a value", 1)])
                else:
                    yield breaks(words + name, how, 1007, BAD)


def early():
    """The frame, or the message, is not complete when it is refused."""
    for words, content in [
        ("a lone surrogate", b"\xed\xa0\x80edited"),
        ("above U+10FFFF", b"\xf4\x90\x80\x80"),
        ("0xff", b"\xff"),
    ]:
        message = echo(KOSME + content)
        wrong = first_wrong(message)
        whole = frame(TEXT, message)
        head = len(whole) - len(message)
        yield breaks(f"{words}, and no octet more", whole[: head + wrong + 1], 1007, BAD)
        yield breaks(
            f"{words}, alone in a write of its own", whole[: head + wrong + 1], 1007, BAD, pieces=(head + wrong, 1)
        )
        yield in_odd_pieces(breaks(words, whole[: head + wrong + 1], 1007, BAD))
        yield breaks(f"{words}, in the first fragment", frame(TEXT, message, fin=False), 1007, BAD)
        rest = frame(TEXT, message[:CONTENT_AT], fin=False) + frame(CONTINUATION, message[CONTENT_AT:], fin=False)
        yield breaks(f"{words}, in the second fragment", rest, 1007, BAD)
        yield breaks(f"{words}, across two fragments", fragments(message, (wrong,))[: 6 + wrong + 7], 1007, BAD)
        large = frame(TEXT, echo(KOSME + content + b"x" * 60000))
        yield breaks(f"{words}, in a frame of 64 KiB of which nothing more comes", large[: 8 + wrong + 1], 1007, BAD)
        ping = frame(TEXT, message[:wrong], fin=False) + frame(PING, b"x") + frame(CONTINUATION, message[wrong:])
        yield breaks(f"{words}, behind a Ping within the message", ping, 1007, BAD, [Frame(0x80 | PONG, b"x")])


def control_characters():
    """Valid UTF-8, and then JSON has its say: the session stays."""
    for code in (0x00, 0x01, 0x09, 0x0A, 0x1F):
        yield talks(
            f"U+{code:04X}",
            frame(TEXT, echo(bytes([code]))),
            [no_json("control character in a string", CONTENT_AT + 1)],
        )


FIRST = [(f"U+{c:04X}", chr(c)) for c in (0x20, 0x80, 0x800, 0x10000)]
LAST = [(f"U+{c:04X}", chr(c)) for c in (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)]
BOUNDARIES = [(f"U+{c:04X}", chr(c)) for c in (0xD7FF, 0xE000, 0xFFFD, 0xFEFF, 0x1FFFF, 0x20000, 0xFFFFF, 0x100000)]
NONCHARACTERS = [
    (f"U+{c:04X}", chr(c))
    for c in [plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)] + [0xFDD0, 0xFDEF]
]
FIVE_AND_SIX = [
    ("first of 5 octets", b"\xf8\x88\x80\x80\x80"), ("first of 6 octets", b"\xfc\x84\x80\x80\x80\x80"),
    ("last of 4 octets", b"\xf7\xbf\xbf\xbf"), ("last of 5 octets", b"\xfb\xbf\xbf\xbf\xbf"),
    ("last of 6 octets", b"\xfd\xbf\xbf\xbf\xbf\xbf"), ("U+110000", b"\xf4\x90\x80\x80"), ("U+140000", b"\xf5\x80\x80\x80"),
]  # fmt: skip
LONELY_CONTINUATIONS = [
    ("0x80", b"\x80"), ("0xbf", b"\xbf"), *((f"{n} of them", b"\x80\xbf" * (n // 2) + b"\x80" * (n % 2)) for n in range(2, 8)),
    ("all of them", bytes(range(0x80, 0xC0))), ("one behind a character", "é".encode() + b"\x80"),
    ("one behind one of 4 octets", "🎉".encode() + b"\x80"),
]  # fmt: skip
LONELY_LEADS = [
    *((f"0x{first:02x} to 0x{last:02x}, each before a space", b"".join(bytes([c, 0x20]) for c in range(first, last + 1)))
      for first, last in [(0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4), (0xF5, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD)]),
    *((f"0x{lead:02x} before a quotation mark", bytes([lead])) for lead in (0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4)),
]  # fmt: skip
INCOMPLETE = [
    (f"{octets.hex(' ')} …", octets)
    for octets in [b"\xe0\xa0", b"\xed\x9f", b"\xef\xbf", b"\xf0\x90\x80", b"\xf4\x8f\xbf", b"\xf0\x90", b"\xf4\x8f"]
] + [("several", b"\xc2\xe0\xa0\xf0\x90\x80\xdf\xef\xbf\xf4\x8f\xbf")]
IMPOSSIBLE = [(f"0x{c:02x}", bytes([c])) for c in (0xC0, 0xC1, *range(0xF5, 0x100))] + [
    ("0xfe 0xfe 0xff 0xff", b"\xfe\xfe\xff\xff")
]
OVERLONG = [
    (f"U+{code:04X} in {len(octets)} octets", octets)
    for code, octets in [
        (0x2F, b"\xc0\xaf"), (0x2F, b"\xe0\x80\xaf"), (0x2F, b"\xf0\x80\x80\xaf"), (0x2F, b"\xf8\x80\x80\x80\xaf"),
        (0x2F, b"\xfc\x80\x80\x80\x80\xaf"), (0x7F, b"\xc1\xbf"), (0x7FF, b"\xe0\x9f\xbf"), (0xFFFF, b"\xf0\x8f\xbf\xbf"),
        (0x1FFFFF, b"\xf8\x87\xbf\xbf\xbf"), (0x3FFFFFF, b"\xfc\x83\xbf\xbf\xbf\xbf"), (0, b"\xc0\x80"), (0, b"\xe0\x80\x80"),
        (0, b"\xf0\x80\x80\x80"), (0, b"\xf8\x80\x80\x80\x80"), (0, b"\xfc\x80\x80\x80\x80\x80"),
    ]
]  # fmt: skip
SURROGATES = [
    (" ".join(f"U+{c:04X}" for c in codes), b"".join(chr(c).encode("utf-8", "surrogatepass") for c in codes))
    for codes in [
        (0xD800,), (0xDB7F,), (0xDB80,), (0xDBFF,), (0xDC00,), (0xDF80,), (0xDFFF,), (0xD800, 0xDC00), (0xD800, 0xDFFF),
        (0xDB7F, 0xDC00), (0xDB7F, 0xDFFF), (0xDB80, 0xDC00), (0xDB80, 0xDFFF), (0xDBFF, 0xDC00), (0xDBFF, 0xDFFF),
    ]
]  # fmt: skip
WRONG = [*FIVE_AND_SIX, *LONELY_CONTINUATIONS, *LONELY_LEADS, *INCOMPLETE, *IMPOSSIBLE, *OVERLONG, *SURROGATES]

FAMILY_6 = [
    group(
        "6.1",
        "Characters of every length",
        table(good, [("Greek", KOSME), ("all lengths", EVERYTHING), ("no character", b""), ("ASCII", b"Hello")]),
    ),
    group("6.2", "Characters cut by a fragment", split_everywhere()),
    group("6.3", "Text that ends within a character", prefixes()),
    group("6.4", "Refused as early as possible", early()),
    group("6.5", "First sequence of each length", table(good, FIRST)),
    group("6.6", "Last sequence of each length", table(good, LAST)),
    group("6.7", "Around the surrogates and planes", table(good, BOUNDARIES)),
    group("6.8", "Sequences of 5 and 6 octets, and above U+10FFFF", table(bad, FIVE_AND_SIX)),
    group("6.9", "Continuation octets alone", table(bad, LONELY_CONTINUATIONS)),
    group("6.10", "First octets alone", table(bad, LONELY_LEADS)),
    group("6.11", "Sequences without their last octet", table(bad, INCOMPLETE)),
    group("6.12", "Octets that never occur", table(bad, IMPOSSIBLE)),
    group("6.13", "Overlong forms", table(bad, OVERLONG)),
    group("6.14", "UTF-16 surrogates, single and in pairs", table(bad, SURROGATES)),
    group("6.15", "Noncharacters, which are characters here", table(good, NONCHARACTERS)),
    group("6.16", "Control characters, which JSON refuses", control_characters()),
]

FAMILIES = {
    6: ("UTF-8", "1007 at the first wrong octet, in an incomplete frame as well; noncharacters are valid", FAMILY_6),
}
