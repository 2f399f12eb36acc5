/* payload.h: the 64 bytes that every measured message carries.
 *
 * A marker, the stream, the number within the stream, and the time at which the message should have been sent
 * (CLOCK_MONOTONIC, so only the program that wrote it can read it), padded. All of it are letters that JSON
 * leaves alone: the reader finds the marker anywhere in a frame and needs no JSON parser, which keeps the
 * generator several times faster than the servers it measures. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_BYTES 64u

struct payload {
	uint64_t intended_ns;
	uint32_t number;
	uint16_t stream;
};

/* Writes exactly PAYLOAD_BYTES, no NUL. */
void payload_write(const struct payload *p, char *out);
/* Finds a payload in a text frame. *hint is where the last one was found and is tried first. */
bool payload_find(const char *frame, size_t n, size_t *hint, struct payload *out);

#endif
