"""Odd requests: what a client, an attacker or a broken proxy may put on a connection, one row each.

A row is the bytes of one connection and what becomes of them: the statuses of the answers, in order, and how it
goes on. "!400" is a refusal, after which the server closes. A last word says what else is special:

    closed   the server closes, as the last request wanted
    waits    more bytes are needed, and there is no answer for want of them

A row that llhttp sees otherwise says why we differ: `stricter` if we refuse what it takes, `looser` if we take what
it refuses. The second kind must not be about where a request ends. Bodies are those of signed publishes wherever
possible: such a request is only answered with 200 if its body arrived to the byte.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass

EVENT = b'{"name":"e","channel":"c","data":"x"}'  # 37 bytes, 0x25
N = b"37"
HEAD_BYTES_MAX = 64 * 1024  # these are the server's defaults
TARGET_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
BODY_BYTES_MAX = 10 * 1024 * 1024
SKIPPED_BYTES_MAX = 4096  # of chunk extensions, trailers and zeros


@dataclass
class Row:
    name: str
    wire: bytes
    answers: str
    stricter: str = ""
    looser: str = ""


ROWS = []


def row(name, wire, answers, stricter="", looser=""):
    ROWS.append(Row(name, wire, answers, stricter, looser))


# Bytes


def request(line, headers=(), body=b""):
    """A request with these lines, each ended by CRLF."""
    return b"".join(part + b"\r\n" for part in (line, *headers)) + b"\r\n" + body


def get(target=b"/live", *headers, method=b"GET", version=b"HTTP/1.1"):
    return request(b"%s %s %s" % (method, target, version), (b"Host: a", *headers))


def head(*headers):
    """One whose header lines are all there is to look at."""
    return request(b"GET /live HTTP/1.1", headers)


def publish(*framing, body=EVENT, version=b"HTTP/1.1"):
    """A signed publish of EVENT, framed by these header lines, with these bytes behind its head."""
    lines = (b"Host: a", b"Content-Type: application/json", *framing)
    return request(b"POST %s %s" % (PUBLISH_TARGET, version), lines, body)


def sign(path, body, key=b"app-key", secret=b"app-secret"):
    query = b"auth_key=%s&auth_timestamp=%d&auth_version=1.0" % (key, time.time())
    query += b"&body_md5=" + hashlib.md5(body).hexdigest().encode()
    mac = hmac.new(secret, b"POST\n%s\n%s" % (path, query), hashlib.sha256).hexdigest().encode()
    return b"%s?%s&auth_signature=%s" % (path, query, mac)


def chunk(data, size=None):
    return (b"%x" % len(data) if size is None else size) + b"\r\n" + data + b"\r\n"


PUBLISH_TARGET = sign(b"/apps/app-id/events", EVENT)
LAST = b"0\r\n\r\n"
LENGTH = b"Content-Length: " + N
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = chunk(EVENT) + LAST
NEXT = get(b"/next")  # 404: seen if, and only if, the request before it ended where it should

def each(table):
    """(name, value, reason) of rows whose value may come with a reason."""
    for name, value in table.items():
        yield (name, *value) if isinstance(value, tuple) else (name, value, "")


# Why we are stricter than llhttp

CRLF = "a line ends with CRLF and nothing else"
FOLDS = "a header is one line: readers do not agree on what a fold means"
NAMES = "a header has a name"
CODINGS = "the one transfer coding is chunked, and it comes alone"
TABS = "no tab beside what frames a body: not every reader strips it"
CODINGS_1_0 = "HTTP/1.0 has no transfer codings"
TRAILERS = "a trailer says nothing about framing"
EXTENSION = "an extension has a name, and behind '=' a value"
OURS = "beyond our limits"
VERSIONS = "HTTP/1.0 and HTTP/1.1 are what we speak"
BLANKS = "one blank between the words of a request line"
TARGETS = "a target is in origin form, absolute with http or https, or the asterisk of OPTIONS, and has no fragment"
CLOSE = "close wins over keep-alive, and a tab beside it means nothing"

# Why we are looser

METHODS = "a method is any token (RFC 9110, 9.1), and where the request ends does not depend on it"
EXTENSIONS = "RFC 9112, 7.1.1: later versions of llhttp take it too; the line ends where it ends"
PROXY = "Proxy-Connection is not for servers (RFC 9112, C.2.2)"


# Content-Length: its spellings

row("length", publish(LENGTH) + NEXT, "200 404")
for name, line in {
    "lower case": b"content-length: " + N,
    "upper case": b"CONTENT-LENGTH: " + N,
    "no blank": b"Content-Length:" + N,
    "many blanks": b"Content-Length:   " + N + b"  ",
    "zeros before": b"Content-Length: 000" + N,
    "many zeros before": b"Content-Length: " + b"0" * 300 + N,
}.items():
    row("length " + name, publish(line) + NEXT, "200 404")
for name, value, why in each({
    "tab before": (b"\t37", TABS),
    "tab after": b"37\t",
    "plus": b"+37",
    "minus": b"-37",
    "hex": b"0x25",
    "fraction": b"37.0",
    "exponent": b"37e0",
    "blank within": b"3 7",
    "list of one value": b"37,",
    "list of equals": b"37, 37",
    "list of unequals": b"37, 38",
    "parameter": b"37;x",
    "quoted": b'"37"',
    "empty": b"",
    "blank": b" ",
    "word": b"many",
    "NUL after": b"37\0",
    "NUL before": b"\x0037",
    "vertical tab": b"\x0b37",
    "form feed after": b"37\x0c",
    "digits of Unicode": "３７".encode(),
    "no-break blank": b"\xc2\xa037",
    "2^64 + 37": b"18446744073709551653",
    "2^64": b"18446744073709551616",
    "2^64 - 1": (b"18446744073709551615", OURS),
    "2^63": (b"9223372036854775808", OURS),
    "fold": (b"\r\n 37", FOLDS),
    "fold within": b"3\r\n 7",
}):
    row("length " + name, publish(b"Content-Length: " + value) + NEXT, "!400", why)
row("length 2^63 - 1", publish(b"Content-Length: 9223372036854775807"), "!413", OURS)
row("length over the limit", publish(b"Content-Length: %d" % (BODY_BYTES_MAX + 1)), "!413", OURS)
row("length 0", get(b"/live", b"Content-Length: 0") + NEXT, "200 404")
row("length of a GET", get(b"/live", b"Content-Length: 4") + b"body" + NEXT, "200 404")
row("length of a HEAD", get(b"/live", b"Content-Length: 4", method=b"HEAD") + b"body" + NEXT, "200 404")
row("length of an OPTIONS", get(b"/live", b"Content-Length: 4", method=b"OPTIONS") + b"body" + NEXT, "200 404")
row("length of a DELETE", get(b"/live", b"Content-Length: 4", method=b"DELETE") + b"body" + NEXT, "405 404")
row("length of a request as body", get(b"/live", b"Content-Length: %d" % len(NEXT)) + NEXT + NEXT, "200 404")
row("length too short", publish(b"Content-Length: 36"), "401 !400")
row("length too long", publish(b"Content-Length: 38"), "waits")
row("length too long by a request", publish(b"Content-Length: %d" % (37 + len(NEXT))) + NEXT, "401")
row("length in HTTP/1.0", publish(LENGTH, version=b"HTTP/1.0") + NEXT, "200 closed")
row("length 1 MB", get(b"/live", b"Content-Length: 1000000") + b"x" * 1000000 + NEXT, "200 404")

# Content-Length twice

row("lengths equal", publish(LENGTH, LENGTH) + NEXT, "!400")
row("lengths equal, written otherwise", publish(LENGTH, b"Content-Length: 037") + NEXT, "!400")
row("lengths 0 and 0", get(b"/live", b"Content-Length: 0", b"Content-Length: 0") + NEXT, "!400")
row("lengths unequal", publish(LENGTH, b"Content-Length: 38") + NEXT, "!400")
row("lengths unequal, 0 first", publish(b"Content-Length: 0", LENGTH) + NEXT, "!400")
row("lengths unequal, 0 last", publish(LENGTH, b"Content-Length: 0") + NEXT, "!400")
row("lengths apart", publish(LENGTH, b"X: y", b"content-length: 36") + NEXT, "!400")
row("lengths, one bad", publish(LENGTH, b"Content-Length: x") + NEXT, "!400")
row("lengths, one empty", publish(LENGTH, b"Content-Length:") + NEXT, "!400")

# Names that are nearly Content-Length or Transfer-Encoding

for name, line in {
    "underscore": b"Content_Length: 5",
    "X-": b"X-Content-Length: 5",
    "longer": b"Content-Length-X: 5",
    "shorter": b"Content-Lengt: 5",
    "in a value": b"X: Content-Length: 5",
    "te underscore": b"Transfer_Encoding: chunked",
    "te X-": b"X-Transfer-Encoding: chunked",
    "te shorter": b"Transfer-Encodin: chunked",
    "TE": b"TE: chunked",
    "trailer": b"Trailer: Content-Length",
    "content-encoding": b"Content-Encoding: chunked",
}.items():
    row("no framing: " + name, publish(line, LENGTH) + NEXT, "200 404")
for name, line, why in each({
    "blank before the colon": b"Content-Length : 37",
    "tab before the colon": b"Content-Length\t: 37",
    "blank before": (b" Content-Length: 37", FOLDS),
    "blank within": b"Content- Length: 37",
    "NUL after": b"Content-Length\0: 37",
    "NUL before": b"\0Content-Length: 37",
    "byte above ASCII": b"Content-Length\xa0: 37",
    "soft hyphen": b"Content\xadLength: 37",
    "no colon": b"Content-Length 37",
    "te blank before the colon": b"Transfer-Encoding : chunked",
    "te tab before the colon": b"Transfer-Encoding\t: chunked",
    "te blank before": (b" Transfer-Encoding: chunked", FOLDS),
    "te NUL after": b"Transfer-Encoding\0: chunked",
    "te NUL before": b"\0Transfer-Encoding: chunked",
    "te vertical tab before": b"\x0bTransfer-Encoding: chunked",
    "te LF before": (b"\nTransfer-Encoding: chunked", CRLF),
    "te CR before": b"\rTransfer-Encoding: chunked",
}):
    row("no name: " + name, publish(b"X: y", line, LENGTH) + NEXT, "!400", why)

# Transfer-Encoding: its spellings, alone and with a Content-Length before and after it

row("chunked", publish(CHUNKED, body=CHUNKS) + NEXT, "200 404")
for name, line in {
    "upper case": b"TRANSFER-ENCODING: CHUNKED",
    "mixed case": b"tRANSFER-eNCODING: cHuNkEd",
    "no blank": b"Transfer-Encoding:chunked",
    "blanks": b"Transfer-Encoding:  chunked  ",
}.items():
    row("chunked " + name, publish(line, body=CHUNKS) + NEXT, "200 404")
    row(f"chunked {name} after length", publish(LENGTH, line, body=CHUNKS) + NEXT, "!400")
    row(f"chunked {name} before length", publish(line, LENGTH, body=CHUNKS) + NEXT, "!400")
for name, value, why in each({
    "identity": b"identity",
    "gzip": b"gzip",
    "gzip, chunked": (b"gzip, chunked", CODINGS),
    "identity, chunked": (b"identity, chunked", CODINGS),
    "chunked, identity": b"chunked, identity",
    "chunked, gzip": b"chunked, gzip",
    "chunked, chunked": b"chunked, chunked",
    "comma before": (b",chunked", CODINGS),
    "comma after": b"chunked,",
    "parameter": b"chunked;q=1",
    "quoted": b'"chunked"',
    "single quotes": b"'chunked'",
    "letter before": b"xchunked",
    "letter after": b"chunkedx",
    "too short": b"chunke",
    "blank within": b"chun ked",
    "unknown": b"cow",
    "tab before": (b"\tchunked", TABS),
    "tab after": b"chunked\t",
    "NUL after": b"chunked\0",
    "vertical tab": b"\x0bchunked",
    "form feed after": b"chunked\x0c",
    "no-break blank": b"\xa0chunked",
    "kelvin sign": "chun\u212aed".encode(),
    "fold": (b"\r\n chunked", FOLDS),
    "fold after": b"chunked\r\n ",
    "fold to other": b"chunked\r\n , identity",
    "CR before": b"\rchunked",
    "LF before": b"\nchunked",
}):
    line = b"Transfer-Encoding: " + value
    row("coding " + name, publish(line, body=CHUNKS) + NEXT, "!400", why)
    row(f"coding {name} after length", publish(LENGTH, line) + NEXT, "!400")
    row(f"coding {name} before length", publish(line, LENGTH) + NEXT, "!400")
row("coding empty", publish(b"Transfer-Encoding:", body=CHUNKS) + NEXT, "!400", CODINGS)
row("coding empty after length", publish(LENGTH, b"Transfer-Encoding:") + NEXT, "!400", CODINGS)
row("coding empty before length", publish(b"Transfer-Encoding:", LENGTH) + NEXT, "!400", CODINGS)
row("codings chunked twice", publish(CHUNKED, CHUNKED, body=CHUNKS) + NEXT, "!400")
IDENTITY = b"Transfer-Encoding: identity"
row("codings identity and chunked", publish(IDENTITY, CHUNKED, body=CHUNKS) + NEXT, "!400", CODINGS)
row("codings chunked and identity", publish(CHUNKED, IDENTITY, body=CHUNKS) + NEXT, "!400")
row("codings gzip and chunked", publish(b"Transfer-Encoding: gzip", CHUNKED, body=CHUNKS) + NEXT, "!400", CODINGS)
row("codings chunked and empty", publish(CHUNKED, b"Transfer-Encoding:", body=CHUNKS) + NEXT, "!400", CODINGS)
row("chunked and length 0", publish(b"Content-Length: 0", CHUNKED, body=CHUNKS) + NEXT, "!400")
row("chunked between lengths", publish(LENGTH, CHUNKED, LENGTH, body=CHUNKS) + NEXT, "!400")
row("chunked in HTTP/1.0", publish(CHUNKED, version=b"HTTP/1.0", body=CHUNKS) + NEXT, "!400", CODINGS_1_0)
KEPT = b"Connection: keep-alive"
row("chunked in HTTP/1.0, kept", publish(CHUNKED, KEPT, version=b"HTTP/1.0", body=CHUNKS) + NEXT, "!400", CODINGS_1_0)
row("chunked GET", get(b"/live", CHUNKED) + LAST + NEXT, "200 404")
row("chunked HEAD", get(b"/live", CHUNKED, method=b"HEAD") + CHUNKS + NEXT, "200 404")

# Chunks

E1, E2 = EVENT[:10], EVENT[10:]
for name, body in {
    "two": chunk(E1) + chunk(E2) + LAST,
    "of one byte": b"".join(chunk(EVENT[i : i + 1]) for i in range(len(EVENT))) + LAST,
    "upper case": chunk(E1, b"A") + chunk(E2, b"1B") + LAST,
    "zeros before": chunk(E1, b"000a") + chunk(E2) + LAST,
    "last of many zeros": chunk(EVENT) + b"0000\r\n\r\n",
    "extension": chunk(EVENT, b"25;x") + LAST,
    "extension with value": chunk(EVENT, b"25;x=y") + LAST,
    "extension quoted": chunk(EVENT, b'25;x="y z"') + LAST,
    "extension quoted with semicolon": chunk(EVENT, b'25;x="y;z"') + LAST,
    "two extensions": chunk(EVENT, b"25;x;y") + LAST,
    "last with extension": chunk(EVENT) + b"0;x=y\r\n\r\n",
    "trailer": chunk(EVENT) + b"0\r\nX: y\r\n\r\n",
    "trailers": chunk(EVENT) + b"0\r\nX: y\r\nZ: w\r\n\r\n",
    "trailer without value": chunk(EVENT) + b"0\r\nX:\r\n\r\n",
}.items():
    row("chunks " + name, publish(CHUNKED, body=body) + NEXT, "200 404")
for name, body, why in each({
    "no size": b"\r\n" + EVENT,
    "no hex": chunk(EVENT, b"g"),
    "hex and more": chunk(EVENT, b"25g"),
    "0x": chunk(EVENT, b"0x25"),
    "plus": chunk(EVENT, b"+25"),
    "minus": chunk(EVENT, b"-25"),
    "comma": chunk(EVENT, b"2,5"),
    "blank before": chunk(EVENT, b" 25"),
    "blank after": chunk(EVENT, b"25 "),
    "tab after": chunk(EVENT, b"25\t"),
    "blank within": chunk(EVENT, b"2 5"),
    "blank before extension": chunk(EVENT, b"25 ;x"),
    "NUL after": chunk(EVENT, b"25\0"),
    "byte above ASCII": chunk(EVENT, b"\xb225"),
    "2^64 + 37": chunk(EVENT, b"10000000000000025"),
    "2^68 + 37": chunk(EVENT, b"100000000000000025"),
    "size ends with LF": b"25\n" + EVENT + b"\r\n" + LAST,
    "size ends with CR": b"25\r" + EVENT + b"\r\n" + LAST,
    "size ends with CR CR LF": b"25\r\r\n" + EVENT + b"\r\n" + LAST,
    "extension empty": chunk(EVENT, b"25;") + LAST,
    "extension without name": (chunk(EVENT, b"25;=x") + LAST, EXTENSION),
    "extension without value": (chunk(EVENT, b"25;x=") + LAST, EXTENSION),
    "extension with a blank": chunk(EVENT, b"25; x"),
    "extension with a blank after": chunk(EVENT, b"25;x "),
    "extension above ASCII": chunk(EVENT, b"25;\xc3\xa9"),
    "extension quote not closed": chunk(EVENT, b'25;x="y'),
    "extension after the quote": chunk(EVENT, b'25;x="y"z'),
    "extension with NUL": chunk(EVENT, b"25;x\0"),
    "extension with LF": chunk(EVENT, b"25;x\ny"),
    "extension ends with LF": b"25;x\n" + EVENT + b"\r\n" + LAST,
    "extension with CR": chunk(EVENT, b"25;x\ry"),
    "extension with DEL": chunk(EVENT, b"25;x\x7f"),
    "data too long": chunk(EVENT, b"24") + LAST,
    "data too short": chunk(EVENT, b"26") + LAST,
    "data ends with LF": b"25\r\n" + EVENT + b"\n" + LAST,
    "data ends with CR": b"25\r\n" + EVENT + b"\r" + LAST,
    "data ends with nothing": b"25\r\n" + EVENT + LAST,
    "last ends with LF LF": chunk(EVENT) + b"0\n\n",
    "last ends with LF": (chunk(EVENT) + b"0\r\n\n", CRLF),
    "last ends with CR": chunk(EVENT) + b"0\r\n\rX",
    "last is minus 0": chunk(EVENT) + b"-0\r\n\r\n",
    "last blank after": chunk(EVENT) + b"0 \r\n\r\n",
    "trailer ends with LF": chunk(EVENT) + b"0\r\nX: y\n\r\n",
    "trailer with NUL": chunk(EVENT) + b"0\r\nX: \0\r\n\r\n",
    "trailer with CR": chunk(EVENT) + b"0\r\nX: y\rz\r\n\r\n",
    "trailer without colon": chunk(EVENT) + b"0\r\nX\r\n\r\n",
    "trailer without name": (chunk(EVENT) + b"0\r\n: y\r\n\r\n", NAMES),
    "trailer with blank before": chunk(EVENT) + b"0\r\n X: y\r\n\r\n",
    "trailer folded": (chunk(EVENT) + b"0\r\nX: y\r\n z\r\n\r\n", FOLDS),
    "trailer with blank before colon": chunk(EVENT) + b"0\r\nX : y\r\n\r\n",
    "trailer is a length": (chunk(EVENT) + b"0\r\nContent-Length: 5\r\n\r\n", TRAILERS),
    "trailer is a coding": chunk(EVENT) + b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "none": EVENT,
}):
    row("bad chunks " + name, publish(CHUNKED, body=body) + NEXT, "!400", why)
for name, line in {
    "with value and without": b"25;x=y;z",
    "with values": b"25;x=y;z=w",
    "quote quoted": b'25;x="y\\"z"',
}.items():
    wire = publish(CHUNKED, body=chunk(EVENT, line) + LAST) + NEXT
    row("chunk extensions " + name, wire, "200 404", looser=EXTENSIONS)
row("chunks 2^64 - 1", publish(CHUNKED, body=b"ffffffffffffffff\r\n"), "!413", OURS)
row("chunks over the limit", publish(CHUNKED, body=b"%x\r\n" % (BODY_BYTES_MAX + 1)), "!413", OURS)
MUCH = SKIPPED_BYTES_MAX + 1
row("chunks many zeros", publish(CHUNKED, body=b"0" * MUCH + CHUNKS), "!400", OURS)
row("chunks extension too long", publish(CHUNKED, body=chunk(EVENT, b"25;" + b"x" * MUCH) + LAST), "!400", OURS)
row("chunks trailer too long", publish(CHUNKED, body=b"0\r\nX: " + b"y" * MUCH + b"\r\n\r\n"), "!400", OURS)
row("chunks end in the size", publish(CHUNKED, body=b"25"), "waits")
row("chunks end in the data", publish(CHUNKED, body=b"25\r\n" + E1), "waits")
row("chunks end before the last", publish(CHUNKED, body=chunk(EVENT)), "waits")
row("chunks end in the last", publish(CHUNKED, body=chunk(EVENT) + b"0\r\n"), "waits")
row("chunks end in the trailer", publish(CHUNKED, body=chunk(EVENT) + b"0\r\nX: y\r\n"), "waits")
row("chunks and two requests", publish(CHUNKED, body=CHUNKS) + NEXT + NEXT, "200 404 404")

# Header lines

for name, wire in {
    "none": b"GET /live HTTP/1.1\r\n\r\n",
    "no Host": head(b"X: y"),
    "Host empty": head(b"Host:"),
    "no blank after the colon": head(b"Host:a"),
    "value empty": head(b"X:"),
    "value of blanks": head(b"X:   "),
    "value of colons": head(b"X: :::"),
    "value with tabs": head(b"X: a\tb"),
    "value above ASCII": head(b"X: \x80\xff caf\xc3\xa9"),
    "value of symbols": head(b"X: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    "name of all token characters": head(b"!#$%&'*+-.^_`|~019azAZ: x"),
    "name of one letter": head(b"x: y"),
    "the same twice": head(b"X: a", b"X: b"),
    "value of 30 kB": head(b"X: " + b"y" * 30000),
    "as many as allowed": head(*[b"X: y"] * HEADERS_MAX),
}.items():
    row("header " + name, wire + NEXT, "200 404")
for name, lines, why in each({
    "folded": ([b"X: a", b" b"], FOLDS),
    "folded with a tab": ([b"X: a", b"\tb"], FOLDS),
    "fold of blanks alone": ([b"X: a", b" "], FOLDS),
    "folded at the first line": ([b" X: a"], FOLDS),
    "no colon": [b"X"],
    "no name": ([b": x"], NAMES),
    "blank before the colon": [b"X : y"],
    "blank in the name": [b"X Y: z"],
    "NUL in the name": [b"X\0: y"],
    "NUL in the value": [b"X: y\0z"],
    "CR in the value": [b"X: y\rz"],
    "CR before the end": [b"X: y\r"],
    "LF in the value": [b"X: y\nz"],
    "LF hides a header": [b"X: y\nZ: w"],
    "CR hides a header": [b"X: y\rZ: w"],
    "CR hides a length": [b"X: y\rContent-Length: 5"],
    "0x01 in the value": [b"X: \x01"],
    "0x1f in the value": [b"X: \x1f"],
    "vertical tab in the value": [b"X: \x0b"],
    "DEL in the value": [b"X: \x7f"],
    "DEL in the name": [b"X\x7f: y"],
    "above ASCII in the name": [b"X\xc3\xa9: y"],
    "blank line of blanks": ([b"X: y", b"  "], FOLDS),
}):
    row("bad header " + name, head(b"Host: a", *lines) + NEXT, "!400", why)
for c in b'"(),/;<=>?@[\\]{}':
    row(f"bad header {chr(c)} in the name", head(b"X%cY: z" % c) + NEXT, "!400")
row("bad header lines end with LF", b"GET /live HTTP/1.1\nHost: a\n\n" + NEXT, "!400")
row("bad header request line ends with LF", b"GET /live HTTP/1.1\nHost: a\r\n\r\n" + NEXT, "!400", CRLF)
row("bad header one line ends with LF", b"GET /live HTTP/1.1\r\nHost: a\nX: y\r\n\r\n" + NEXT, "!400")
row("bad header head ends with LF", b"GET /live HTTP/1.1\r\nHost: a\r\n\n" + NEXT, "!400", CRLF)
row("bad header head ends with LF CR LF", b"GET /live HTTP/1.1\r\nHost: a\n\r\n" + NEXT, "!400")
row("bad header head ends with CR CR LF", b"GET /live HTTP/1.1\r\nHost: a\r\n\r\r\n" + NEXT, "!400")
row("bad header lines end with CR", b"GET /live HTTP/1.1\rHost: a\r\r" + NEXT, "!400")
row("bad header head ends with CR X", b"GET /live HTTP/1.1\r\nHost: a\r\n\rX" + NEXT, "!400")
row("bad header lines end with LF CR", b"GET /live HTTP/1.1\n\rHost: a\n\r\n\r" + NEXT, "!400")
row("header one too many", head(*[b"X: y"] * (HEADERS_MAX + 1)), "!431", OURS)
row("header too large", head(b"X: " + b"y" * HEAD_BYTES_MAX), "!431", OURS)

# The request line: method and version

for method, answer in {
    "HEAD": "200", "OPTIONS": "200", "POST": "405", "PUT": "405", "PATCH": "405", "DELETE": "405", "TRACE": "405",
    "PROPFIND": "405", "PURGE": "405", "M-SEARCH": "405",
}.items():  # fmt: skip
    row("method " + method, get(method=method.encode()) + NEXT, answer + " 404")
for name, method in {
    "unknown": b"BREW",
    "QUERY": b"QUERY",
    "lower case": b"get",
    "mixed case": b"Get",
    "longer": b"GETX",
    "of one letter": b"X",
    "of symbols": b"!#$%&'*+-.^_`|~",
    "of 1000 letters": b"X" * 1000,
}.items():
    row("method " + name, get(method=method) + NEXT, "405 404", looser=METHODS)
for name, line, why in each({
    "no method": b" /live HTTP/1.1",
    "no method and no blank": b"/live HTTP/1.1",
    "blank before": b" GET /live HTTP/1.1",
    "blank in the method": b"GE T /live HTTP/1.1",
    "NUL before": b"\0GET /live HTTP/1.1",
    "NUL in the method": b"G\0ET /live HTTP/1.1",
    "colon in the method": b"GET: /live HTTP/1.1",
    "above ASCII in the method": b"G\xc9T /live HTTP/1.1",
    "byte order mark": b"\xef\xbb\xbfGET /live HTTP/1.1",
    "two blanks after the method": (b"GET  /live HTTP/1.1", BLANKS),
    "tab after the method": b"GET\t/live HTTP/1.1",
    "two blanks before the version": (b"GET /live  HTTP/1.1", BLANKS),
    "tab before the version": b"GET /live\tHTTP/1.1",
    "blank in the target": b"GET /li ve HTTP/1.1",
    "blank after the version": b"GET /live HTTP/1.1 ",
    "word after the version": b"GET /live HTTP/1.1 x",
    "CR after the version": b"GET /live HTTP/1.1\r",
    "no version": (b"GET /live", VERSIONS),
    "no version, blank": b"GET /live ",
    "version 0.9": (b"GET /live HTTP/0.9", VERSIONS),
    "version 1.2": b"GET /live HTTP/1.2",
    "version 1.9": b"GET /live HTTP/1.9",
    "version 2.0": (b"GET /live HTTP/2.0", VERSIONS),
    "version 2": b"GET /live HTTP/2",
    "version 9.9": b"GET /live HTTP/9.9",
    "version 1": b"GET /live HTTP/1",
    "version 1.": b"GET /live HTTP/1.",
    "version 1.1.1": b"GET /live HTTP/1.1.1",
    "version 1.10": b"GET /live HTTP/1.10",
    "version 01.1": b"GET /live HTTP/01.1",
    "version 1.01": b"GET /live HTTP/1.01",
    "version 1,1": b"GET /live HTTP/1,1",
    "version lower case": b"GET /live http/1.1",
    "version HTTPS": b"GET /live HTTPS/1.1",
    "version HTP": b"GET /live HTP/1.1",
    "version with a blank": b"GET /live HTTP /1.1",
    "version with a blank within": b"GET /live HTTP/1 .1",
    "version RTSP": (b"GET /live RTSP/1.0", VERSIONS),
    "version ICE": b"GET /live ICE/1.0",
    "version SIP": b"GET /live SIP/2.0",
    "version with NUL": b"GET /live HTTP/1.1\0",
    "Icecast": (b"SOURCE /live ICE/1.0", VERSIONS),
    "RTSP": (b"DESCRIBE /live RTSP/1.0", VERSIONS),
    "HTTP/2 preface": b"PRI * HTTP/2.0",
    "words in another order": b"HTTP/1.1 GET /live",
    "answer": b"HTTP/1.1 200 OK",
    "nothing but words": b"NONSENSE",
}):
    row("bad line " + name, request(line, [b"Host: a"]) + NEXT, "!400", why)
row("line version 1.0", get(version=b"HTTP/1.0"), "200 closed")

# Before the request

for name, wire in {
    "CRLF": b"\r\n",
    "three CRLF": b"\r\n" * 3,
    "a thousand CRLF": b"\r\n" * 1000,
}.items():
    row("before: " + name, wire + NEXT, "404")
for name, wire in {"LF": b"\n", "CR": b"\r", "CR CR LF": b"\r\r\n", "LF CR": b"\n\r"}.items():
    row("before: " + name, wire + NEXT, "!400", CRLF)
for name, wire in {
    "blank": b" ",
    "tab": b"\t",
    "blank line of a blank": b" \r\n",
    "NUL": b"\0",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "SSH": b"SSH-2.0-x\r\n",
    "PROXY line": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
    "PROXY header, binary": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
    "half a line": b"GET /live ",
    "memcached": b"stats\r\n",
    "SMTP": b"EHLO a\r\n",
    "a frame": b"\x81\x85\x11\x22\x33\x44hello",
}.items():
    row("before: " + name, wire + NEXT, "!400")
row("before: Redis", b"*1\r\n$4\r\nPING\r\n" + NEXT, "!400")

# The target

LONG = b"/" + b"x" * (TARGET_BYTES_MAX - 1)
for name, target, answer in [
    ("origin form with a query", b"/live?a=b&c", "200"),
    ("query empty", b"/live?", "200"),
    ("query with question marks", b"/live?a?b=/c", "200"),
    ("slash at the end", b"/live/", "200"),
    ("two slashes at the end", b"/live//", "404"),
    ("root", b"/", "404"),
    ("slashes before", b"//live", "404"),
    ("slashes alone", b"//", "404"),
    ("dot", b"/./live", "404"),
    ("dots", b"/../live", "404"),
    ("dots encoded", b"/%2e%2e/live", "404"),
    ("encoded letter", b"/%6cive", "404"),
    ("encoded slash", b"/up%2fapp-id", "404"),
    ("encoded NUL", b"/live%00", "404"),
    ("encoded CRLF", b"/live?%0d%0aX:%20y", "200"),
    ("bad escape", b"/live?%zz%", "200"),
    ("backslash", b"/\\live", "404"),
    ("symbols in the query", b"/live?\"<>^`{}|[]\\~!$&'()*+,;=:@", "200"),
    ("semicolon", b"/live;x", "404"),
    ("query only", b"/?live", "404"),
    ("parameter not UTF-8", b"/up/%ff", "400"),
    ("of the greatest length", LONG, "404"),
    ("absolute", b"http://a/live", "200"),
    ("absolute https", b"https://a/live", "200"),
    ("absolute upper case", b"HTTP://A/live", "200"),
    ("absolute with port", b"http://a:6001/live?x", "200"),
    ("absolute with user", b"http://u:p@a/live", "200"),
    ("absolute of another host", b"http://elsewhere.example/live", "200"),
    ("absolute with two users", b"http://a@b@c/live", "200"),
    ("absolute IPv6", b"http://[::1]:6001/live", "200"),
    ("absolute without path", b"http://a", "404"),
    ("absolute with query alone", b"http://a?x=/live", "404"),
    ("absolute slash at the end", b"http://a/live/", "200"),
    ("absolute within", b"/http://a/live", "404"),
]:
    row("target " + name, get(target) + NEXT, answer + " 404")
row("target CONNECT with a path", get(method=b"CONNECT") + NEXT, "405 404")
row("target asterisk", get(b"*", method=b"OPTIONS") + NEXT, "404 404")
for name, line, why in each({
    "empty": b"GET  HTTP/1.1",
    "without slash": b"GET live HTTP/1.1",
    "query without path": b"GET ?x HTTP/1.1",
    "fragment alone": b"GET #x HTTP/1.1",
    "authority": b"GET a:80 HTTP/1.1",
    "asterisk": (b"GET * HTTP/1.1", TARGETS),
    "asterisk and more": (b"OPTIONS *x HTTP/1.1", TARGETS),
    "ftp": (b"GET ftp://a/live HTTP/1.1", TARGETS),
    "ws": (b"GET ws://a/live HTTP/1.1", TARGETS),
    "scheme alone": b"GET http: HTTP/1.1",
    "scheme and slash": b"GET http:/live HTTP/1.1",
    "scheme and path": b"GET http:live HTTP/1.1",
    "no authority": (b"GET http:///live HTTP/1.1", TARGETS),
    "no authority and no path": (b"GET http:// HTTP/1.1", TARGETS),
    "no scheme": b"GET ://a/live HTTP/1.1",
    "NUL": b"GET /live\0 HTTP/1.1",
    "NUL in the query": b"GET /live?\0 HTTP/1.1",
    "0x01": b"GET /\x01live HTTP/1.1",
    "0x1f": b"GET /live?\x1f HTTP/1.1",
    "DEL": b"GET /live?\x7f HTTP/1.1",
    "CR": b"GET /live?\rx HTTP/1.1",
    "LF": b"GET /live?\nx HTTP/1.1",
    "UTF-8": b"GET /caf\xc3\xa9 HTTP/1.1",
    "UTF-8 in the query": b"GET /live?caf\xc3\xa9 HTTP/1.1",
    "0x80": b"GET /live?\x80 HTTP/1.1",
    "0xff": b"GET /\xff HTTP/1.1",
    "no-break blank": b"GET /live\xa0 HTTP/1.1",
    "UTF-8 in the authority": b"GET http://caf\xc3\xa9/live HTTP/1.1",
    "blank in the authority": b"GET http://a b/live HTTP/1.1",
    "CONNECT": (b"CONNECT a:80 HTTP/1.1", TARGETS),
    "CONNECT without port": (b"CONNECT a HTTP/1.1", TARGETS),
    "quotes in the authority": b"GET http://\"a\"/live HTTP/1.1",
    "backslash in the authority": b"GET http://a\\live HTTP/1.1",
    "fragment": (b"GET /live#x HTTP/1.1", TARGETS),
    "fragment in the query": (b"GET /live?x#y HTTP/1.1", TARGETS),
}):
    row("bad target " + name, request(line, [b"Host: a"]) + NEXT, "!400", why)
row("target too long", get(LONG + b"x"), "!414", OURS)
row("target of 70 kB", get(b"/" + b"x" * 70000), "!414", OURS)

# Host

for name, line in {
    "with port": b"Host: a:6001",
    "other": b"Host: elsewhere.example",
    "IPv6": b"Host: [::1]",
    "of symbols": b"Host: a@b/c?d",
    "with blanks": b"Host: a b",
    "above ASCII": b"Host: caf\xc3\xa9",
}.items():
    row("host " + name, head(line) + NEXT, "200 404")
row("host twice", head(b"Host: a", b"Host: a") + NEXT, "200 404")
row("host twice, other", head(b"Host: a", b"Host: b") + NEXT, "200 404")

# Connection

for name, lines in {
    "close": [b"Connection: close"],
    "close upper case": [b"CONNECTION: CLOSE"],
    "close with blanks": [b"Connection:  close  "],
    "close, keep-alive": [b"Connection: close, keep-alive"],
    "keep-alive, close": [b"Connection: keep-alive, close"],
    "keep-alive,close": [b"Connection: keep-alive,close"],
    "twice": [b"Connection: keep-alive", b"Connection: close"],
    "close twice": [b"Connection: close", b"Connection: close"],
    "close among others": [b"Connection: x , close , y"],
}.items():
    row("connection " + name, head(*lines), "200 closed")
    row(f"connection {name}, and a request", head(*lines) + NEXT, "200 closed")
for name, lines in {
    "keep-alive": [b"Connection: keep-alive"],
    "empty": [b"Connection:"],
    "commas": [b"Connection: ,,,"],
    "closed": [b"Connection: closed"],
    "close quoted": [b'Connection: "close"'],
    "names the length": [b"Connection: Content-Length", b"Content-Length: 0"],
    "upgrade to nothing": [b"Connection: upgrade"],
    "upgrade without a word": [b"Upgrade: websocket"],
    "upgrade to h2c": [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"],
    "upgrade of another route": [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"],
    "keep-alive parameters": [b"Connection: keep-alive", b"Keep-Alive: timeout=5, max=1"],
}.items():
    row("connection " + name, head(*lines) + NEXT, "200 404")
row("connection close with a tab before", head(b"Connection:\tclose"), "200 closed")
row("connection close with a tab after", head(b"Connection: close\t") + NEXT, "200 closed", CLOSE)
row("connection of a proxy", head(b"Proxy-Connection: close") + NEXT, "200 404", looser=PROXY)
row("connection names the coding", publish(b"Connection: Transfer-Encoding", CHUNKED, body=CHUNKS) + NEXT, "200 404")
row("connection 1.0", get(version=b"HTTP/1.0") + NEXT, "200 closed")
KEPT_1_0 = get(b"/live", KEPT, version=b"HTTP/1.0")
row("connection 1.0 keep-alive", KEPT_1_0 + NEXT, "200 404")
row("connection 1.0 kept and closed", KEPT_1_0 + get(version=b"HTTP/1.0"), "200 200 closed")
BOTH_1_0 = get(b"/live", KEPT + b", close", version=b"HTTP/1.0")
row("connection 1.0 keep-alive, close", BOTH_1_0 + NEXT, "200 closed", CLOSE)
row("connection 1.0 then 1.1", get(version=b"HTTP/1.0") + get(), "200 closed")
row("connection close with a body", publish(LENGTH, b"Connection: close") + NEXT, "200 closed")
row("connection close with chunks", publish(CHUNKED, b"Connection: close", body=CHUNKS) + NEXT, "200 closed")

UPGRADE = [
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]
row("handshake", get(b"/app/app-key?protocol=7", *UPGRADE), "101")
row("handshake behind a request", get() + get(b"/app/app-key?protocol=7", *UPGRADE), "200 101")
row("handshake with a length of 0", get(b"/app/app-key?protocol=7", *UPGRADE, b"Content-Length: 0"), "101")
row("handshake without upgrade", get(b"/app/app-key?protocol=7") + NEXT, "400 404")

# Expect

row("expect, nothing sent", publish(LENGTH, b"Expect: 100-continue", body=b""), "100 waits")
row("expect, part sent", publish(LENGTH, b"Expect: 100-continue", body=E1), "waits")
row("expect, all sent", publish(LENGTH, b"Expect: 100-continue") + NEXT, "200 404")
row("expect upper case", publish(LENGTH, b"Expect: 100-CONTINUE") + NEXT, "200 404")
row("expect another", publish(LENGTH, b"Expect: 200-ok") + NEXT, "200 404")
row("expect empty", publish(LENGTH, b"Expect:") + NEXT, "200 404")
row("expect twice", publish(LENGTH, b"Expect: 100-continue", b"Expect: 100-continue") + NEXT, "200 404")
row("expect and no body", get(b"/live", b"Expect: 100-continue") + NEXT, "200 404")
row("expect with chunks", publish(CHUNKED, b"Expect: 100-continue", body=CHUNKS) + NEXT, "200 404")
row("expect with chunks, nothing sent", publish(CHUNKED, b"Expect: 100-continue", body=b""), "100 waits")
row("expect in HTTP/1.0", publish(LENGTH, b"Expect: 100-continue", version=b"HTTP/1.0", body=b""), "waits")
row("expect too large a body", publish(b"Content-Length: 99999999", b"Expect: 100-continue", body=b""), "!413", OURS)

# Several requests

row("pipelined two", get() + NEXT, "200 404")
row("pipelined fifty", get() * 49 + NEXT, "200 " * 49 + "404")
row("pipelined with CRLF between", get() + b"\r\n" + get() + b"\r\n\r\n" + NEXT, "200 200 404")
row("pipelined publishes", publish(LENGTH) * 3 + NEXT, "200 200 200 404")
BOTH = publish(LENGTH) + publish(CHUNKED, body=CHUNKS)
row("pipelined publishes in both framings", BOTH * 3 + NEXT, "200 " * 6 + "404")
row("pipelined with a CRLF behind the body", publish(LENGTH) + b"\r\n" + publish(LENGTH) + NEXT, "200 200 404")
row("pipelined mix", get() + BOTH + get(method=b"HEAD") + BOTH + get(b"/") + NEXT, "200 " * 6 + "404 404")
row("pipelined HEADs", get(method=b"HEAD") * 3 + NEXT, "200 200 200 404")
row("pipelined, one not signed", publish(b"Content-Length: 2", body=b"{}") + publish(LENGTH) + NEXT, "401 200 404")
row("pipelined, a bad one between", get() + b"GET /\0 HTTP/1.1\r\n\r\n" + NEXT, "200 !400")
row("pipelined, a bad one behind a publish", publish(LENGTH) + b"NONSENSE\r\n\r\n" + NEXT, "200 !400")
row("pipelined, unequal lengths second", get() + publish(LENGTH, b"Content-Length: 0") + NEXT, "200 !400")
row("pipelined, half a request last", get() + NEXT[:20], "200 waits")
row("pipelined, half a publish last", publish(LENGTH) + publish(LENGTH)[:-5], "200 waits")
for name, wire in {"LF": b"\n", "CR": b"\r"}.items():
    row(f"pipelined with {name} between", get() + wire + NEXT, "200 !400", CRLF)
for name, wire in {"a blank": b" ", "NUL": b"\0", "0xff": b"\xff"}.items():
    row(f"pipelined with {name} between", get() + wire + NEXT, "200 !400")
row("pipelined with a letter between", get() + b"X" + NEXT, "200 404", looser=METHODS)

# Little

row("nothing", b"", "")
row("one CRLF", b"\r\n", "")
row("one byte", b"G", "waits")
row("method", b"GET", "waits")
row("method and blank", b"GET ", "waits")
row("half a target", b"GET /li", "waits")
row("half a version", b"GET /live HTT", "waits")
row("line without LF", b"GET /live HTTP/1.1\r", "waits")
row("line", b"GET /live HTTP/1.1\r\n", "waits")
row("half a name", b"GET /live HTTP/1.1\r\nHos", "waits")
row("half a head", b"GET /live HTTP/1.1\r\nHost: a\r\n", "waits")
row("head without LF", b"GET /live HTTP/1.1\r\nHost: a\r\n\r", "waits")
row("one NUL", b"\0", "!400")
row("NULs", bytes(1000), "!400")
row("all bytes", bytes(range(256)), "!400")
