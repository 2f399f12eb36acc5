/* ws_frame.h: WebSocket frames as a client reads and writes them (RFC 6455, section 5).
 *
 * Only what a Pusher server may send: whole, unmasked, without extensions. Anything else is an error, not a
 * case to handle. Own code on purpose: a generator that shared the server's codec would share its mistakes. */
#ifndef BENCH_WS_FRAME_H
#define BENCH_WS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define WS_TEXT 1u
#define WS_CLOSE 8u
#define WS_PING 9u
#define WS_PONG 10u

#define WS_FRAME_BYTES_MAX (128u * 1024u)
/* The most that ws_frame_write puts before the payload. */
#define WS_CLIENT_HEAD_BYTES 8u

struct ws_frame {
	unsigned opcode;
	const char *payload;
	size_t payload_bytes;
};

enum ws_read { WS_READ_FRAME, WS_READ_MORE, WS_READ_BROKEN };

/* Reads the frame at the start of n bytes. On WS_READ_FRAME *used is its whole length and f points into p. */
enum ws_read ws_frame_read(const char *p, size_t n, struct ws_frame *f, size_t *used);
/* Writes a masked frame of at most 65,535 payload bytes; out has room for them and WS_CLIENT_HEAD_BYTES.
 * Returns the length. */
size_t ws_frame_write(char *out, unsigned opcode, const char *payload, size_t n);

#endif
