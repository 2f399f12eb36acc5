/* websocket.h: RFC 6455, server side, and the frames of permessage-deflate (deflate.h). Bytes in,
 * messages out; no I/O.
 *
 * A connection that has nothing incomplete owns nothing: the state of a half-received frame or of a
 * fragmented message lives in a ws_partial that exists only as long as it is needed. A whole frame
 * is unmasked where it lies (8 bytes at a time) and handed out without a copy. The declared length
 * is checked before a byte of it is kept; text is checked as UTF-8 while it arrives. A compressed
 * message is kept as it comes and inflated when it is whole, never beyond the message limit. */
#ifndef CODEC_WEBSOCKET_H
#define CODEC_WEBSOCKET_H

#include "base/err.h"
#include "base/msg.h"
#include "base/str.h"

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10
};

enum ws_close_code {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NO_STATUS = 1005, /* never on the wire: a Close frame without payload */
	WS_CLOSE_BAD_TEXT = 1007,
	WS_CLOSE_TOO_BIG = 1009,
};

struct deflate;
struct ws_limits {
	uint64_t message_bytes_max; /* of a compressed message, of what becomes of it */
	uint64_t frame_bytes_max;
	struct deflate *deflate; /* NULL: compression was not agreed on */
};

struct ws_partial;
struct ws_reader {
	struct ws_partial *partial; /* NULL between messages */
};

/* The payload, inflated, lies in the input or in the partial: valid until the next call with this
 * reader. */
struct ws_message {
	enum ws_opcode opcode; /* never WS_CONTINUATION */
	str payload;	       /* of a Close frame: its reason */
	uint16_t close_code;   /* of a Close frame: the peer's code, or WS_CLOSE_NO_STATUS */
};

struct ws_failure {
	uint16_t close_code;
	const char *text;      /* static: what was wrong */
	uint64_t actual_bytes; /* WS_CLOSE_TOO_BIG: the size that was declared or reached */
};

void ws_reader_init(struct ws_reader *r);
void ws_reader_fini(struct ws_reader *r);
/* Takes bytes from *in (moving *in forward) until one message is complete. OK: *out holds it, call
 * again until ERR_AGAIN: all of *in was taken. ERR_SYNTAX or ERR_LIMIT: close with *why; nothing
 * more may be read. ERR_MEMORY: the same, code 1011. The input is modified (unmasked in place), so
 * it must be memory that may be written. A partial that is not needed any more is freed at the next
 * call, at a failure or by ws_reader_fini. */
err ws_read(struct ws_reader *r, const struct ws_limits *lim, str *in, struct ws_message *out,
	    struct ws_failure *why);
/* Is nothing kept? After a message whose bytes came in pieces it takes one more call of ws_read
 * (with no input, if there is none) to become idle: until then the payload lives in the partial. */
static inline bool ws_reader_is_idle(const struct ws_reader *r)
{
	return r->partial == NULL;
}

/* RSV1: permessage-deflate marks the first frame of a compressed message with it. */
#define WS_COMPRESSED_BIT 0x40

#define WS_HEADER_MAX 10
/* Header of an unmasked, unfragmented frame; returns its length (2, 4 or 10). */
size_t ws_header_write(uint8_t out[WS_HEADER_MAX], enum ws_opcode op, uint64_t payload_bytes);
/* A whole frame as a shared message. NULL when memory is short. */
struct msg *ws_frame_new(enum ws_opcode op, str payload);
/* The same; the payload is the pieces one after the other. */
struct msg *ws_frame_join(enum ws_opcode op, const str *pieces, size_t n_pieces);
/* m, made by one of the above, as a connection gets it that agreed on permessage-deflate with that
 * window: m itself if it is short, a control frame or does not shrink (or memory is short), else
 * its compressed form, made at the first call of any thread. Borrowed: valid as long as m. */
struct msg *ws_frame_compressed(struct msg *m, struct deflate *d, unsigned window_bits);
/* Close frame; the reason (valid UTF-8) is cut to 123 bytes on a character boundary.
 * WS_CLOSE_NO_STATUS gives an empty payload. */
struct msg *ws_close_new(uint16_t code, str reason);

/* What the opening handshake answers to Sec-WebSocket-Key. */
#define WS_ACCEPT_LEN 28
void ws_accept(str key, char out[WS_ACCEPT_LEN]);

/* Masks or unmasks n bytes in place; offset is the position of p[0] in the payload. */
void ws_mask(uint8_t *p, size_t n, const uint8_t key[4], uint64_t offset);

#endif
