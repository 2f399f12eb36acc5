/* deflate.h: permessage-deflate (RFC 7692) from the server's side: what is agreed on, and payloads
 * in and out. The bit that marks a compressed message is websocket.h's.
 *
 * Whatever is offered, we answer with server_no_context_takeover and client_no_context_takeover, as
 * a server may unasked (RFC 7692, 7.1.1). Every message then stands for itself, in both directions,
 * which is what makes compression fit here: a message is compressed once and its bytes serve all
 * receivers, and no connection keeps a compressor (up to 256 KiB) or a window (32 KiB); each thread
 * has its own few, which serve everybody in turn. The price is that nothing is learned from earlier
 * messages, so short ones hardly shrink. "dedicated" and "shared", which differ in whose the
 * compressor is, are the same here. */
#ifndef CODEC_DEFLATE_H
#define CODEC_DEFLATE_H

#include "base/buf.h"
#include "base/err.h"

/* Windows are given as the power of two of their size in bytes. zlib makes none below 9. */
#define DEFLATE_WINDOW_BITS_MIN 9
#define DEFLATE_WINDOW_BITS_MAX 15

/* The largest window that a value of websocket.compression (any case) allows; 0 for "disabled".
 * False: there is no such value. */
bool deflate_mode_find(str name, uint8_t *window_bits);

/* What is agreed on. */
struct deflate_terms {
	uint8_t server_window_bits; /* of what we compress: 9 to 15 */
	uint8_t client_window_bits; /* of what the client compresses: 8 to 15 */
	bool was_limited;	    /* the client named a window for us, so the answer must too */
};

/* Looks through one line of Sec-WebSocket-Extensions for the first offer that suits us; of several
 * lines, ask one after the other. An offer with anything in it that RFC 7692 does not know, or
 * that comes twice, or with a wrong value, is passed over, as is one whose server_max_window_bits
 * is 8. With a window_bits_max below 15 so is one without client_max_window_bits: its client could
 * not be told to use a smaller window. */
bool deflate_accept(str offers, unsigned window_bits_max, struct deflate_terms *out);
/* Appends the value of our Sec-WebSocket-Extensions. */
void deflate_put_answer(struct buf *b, const struct deflate_terms *t);

/* One thread's compressors and inflater. They are made when they are first needed (at most 0.8 MB
 * in all) and do not count in mem_live_bytes: like an arena they are scratch that outlives the
 * clients. */
struct deflate;
struct deflate *deflate_new(void);
void deflate_free(struct deflate *d);

/* The window that a payload of so many bytes is compressed with when window_bits_max is allowed:
 * the smallest that covers it. So the usual short message has the same compressed form whatever its
 * receivers agreed on. */
unsigned deflate_window_bits(size_t payload_bytes, unsigned window_bits_max);
/* A message's compressed payload, as it goes on the wire, into out. Returns its length, or 0: it
 * does not fit. On its way there it needs five bytes more. */
size_t deflate_compress(struct deflate *d, unsigned window_bits, str payload, char *out,
			size_t out_bytes_max);

/* The payload of a compressed message, of at most out->max bytes, appended to an empty buf whose
 * memory follows what is really produced. ERR_LIMIT: it would be longer; this is found out without
 * more memory and with no more work than for out->max bytes. ERR_SYNTAX: that is no deflated
 * payload. ERR_MEMORY. Unless OK, out's contents mean nothing. */
err deflate_inflate(struct deflate *d, str compressed, struct buf *out);

#endif
