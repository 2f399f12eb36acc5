/* websocket_deflate.c: a frame's compressed form, made once for all receivers.
 *
 * Each form is hung onto the message under its window (msg.h). What does not shrink gets an empty
 * form, so that it is tried only once; it is sent as it is, as is allowed for any message. */
#include "base/mem.h"
#include "codec/deflate.h"
#include "codec/websocket.h"

/* Without a memory of earlier messages, below this next to nothing is saved. */
#define COMPRESSED_BYTES_MIN 64
#define CONTROL_BIT 0x08 /* of an opcode */
/* Room for a result that is at least a byte shorter, and for what deflate_compress wants on top. */
#define ROOM_BYTES(payload_bytes) ((payload_bytes)-1 + 5)

static struct msg *compress(const struct msg *m, struct deflate *d, unsigned window_bits)
{
	str payload = msg_payload(m);
	size_t room = ROOM_BYTES(payload.n), n;
	char *out = try_alloc(room);
	struct msg *f;

	if (!out)
		return NULL;
	n = deflate_compress(d, window_bits, payload, out, room);
	f = n > 0 ? ws_frame_new(m->bytes[0] & 0x0f, (str){ out, n }) : msg_new(0);
	if (f && n > 0)
		f->bytes[0] |= WS_COMPRESSED_BIT;
	xfree(out);
	return f;
}

struct msg *ws_frame_compressed(struct msg *m, struct deflate *d, unsigned window_bits)
{
	size_t n = msg_payload(m).n;
	unsigned bits = deflate_window_bits(n, window_bits);
	struct msg *f;

	if (n < COMPRESSED_BYTES_MIN || (m->bytes[0] & CONTROL_BIT))
		return m;
	f = msg_form_find(m, bits);
	if (!f) {
		f = compress(m, d, bits);
		f = f ? msg_form_add(m, bits, f) : m;
	}
	return f->len > 0 ? f : m;
}
