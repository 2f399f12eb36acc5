#include "payload.h"

#include <string.h>

#define MARKER "~b~"
#define MARKER_BYTES (sizeof MARKER - 1)

static char *put_nibbles(char *out, uint64_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = (char)('a' + (value >> 4 * (n - 1 - i) & 15u));
	return out + n;
}

static uint64_t get_nibbles(const char **in, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n; i++)
		value = value << 4 | ((unsigned)((*in)[i] - 'a') & 15u);
	*in += n;
	return value;
}

void payload_write(const struct payload *p, char *out)
{
	char *end = out + PAYLOAD_BYTES;

	memcpy(out, MARKER, MARKER_BYTES);
	out = put_nibbles(out + MARKER_BYTES, p->stream, 4);
	out = put_nibbles(out, p->number, 8);
	out = put_nibbles(out, p->intended_ns, 16);
	memset(out, 'x', (size_t)(end - out));
}

static bool marker_is_at(const char *frame, size_t n, size_t at)
{
	return n >= PAYLOAD_BYTES && at <= n - PAYLOAD_BYTES &&
	       memcmp(frame + at, MARKER, MARKER_BYTES) == 0;
}

bool payload_find(const char *frame, size_t n, size_t *hint, struct payload *out)
{
	const char *at;

	if (!marker_is_at(frame, n, *hint)) {
		at = memmem(frame, n, MARKER, MARKER_BYTES);
		if (!at || !marker_is_at(frame, n, (size_t)(at - frame)))
			return false;
		*hint = (size_t)(at - frame);
	}
	at = frame + *hint + MARKER_BYTES;
	out->stream = (uint16_t)get_nibbles(&at, 4);
	out->number = (uint32_t)get_nibbles(&at, 8);
	out->intended_ns = get_nibbles(&at, 16);
	return true;
}
