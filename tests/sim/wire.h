/* wire.h: the other side of the server's protocols: frames as a client writes and reads them, and
 * HTTP answers. Written apart from src/codec, so that both would have to be wrong in the same way. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "base/buf.h"
#include "base/err.h"

enum wire_opcode {
	WIRE_CONTINUATION = 0,
	WIRE_TEXT = 1,
	WIRE_CLOSE = 8,
	WIRE_PING = 9,
	WIRE_PONG = 10,
	WIRE_PACKED = 0x40, /* RSV1 */
	WIRE_FIN = 0x80,
};

/* first_byte: flags and opcode. */
void wire_put_frame(struct buf *b, unsigned first_byte, str payload, uint32_t mask);
/* A Close frame; code 0: without payload. */
void wire_put_close(struct buf *b, unsigned code, uint32_t mask);

struct wire_frame {
	enum wire_opcode opcode;
	bool is_packed;
	str payload;
};
/* OK; ERR_AGAIN: not complete; ERR_SYNTAX: what a server must never send. */
err wire_take_frame(str *in, struct wire_frame *out);
/* The code of a Close frame, 0: none. */
unsigned wire_close_code(str payload);

struct wire_answer {
	unsigned status;
	str head, body;
	bool closes;
};
/* is_bare: an answer to HEAD. As wire_take_frame. */
err wire_take_answer(str *in, bool is_bare, struct wire_answer *out);
/* The value of a header line; n == 0: none, or empty. */
str wire_header(str head, str name);

#endif
