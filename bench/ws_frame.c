#include "ws_frame.h"

#include <string.h>

static uint64_t get_be(const unsigned char *p, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

enum ws_read ws_frame_read(const char *p, size_t n, struct ws_frame *f, size_t *used)
{
	const unsigned char *head = (const unsigned char *)p;
	size_t head_bytes = 2;
	uint64_t length;

	if (n < 2)
		return WS_READ_MORE;
	if ((head[0] & 0xf0) != 0x80 || head[1] & 0x80)
		return WS_READ_BROKEN;
	length = head[1];
	if (length >= 126) {
		head_bytes += length == 126 ? 2 : 8;
		if (n < head_bytes)
			return WS_READ_MORE;
		length = get_be(head + 2, (unsigned)head_bytes - 2);
	}
	if (length > WS_FRAME_BYTES_MAX)
		return WS_READ_BROKEN;
	if (n - head_bytes < length)
		return WS_READ_MORE;
	*f = (struct ws_frame){ head[0] & 15u, p + head_bytes, length };
	*used = head_bytes + length;
	return WS_READ_FRAME;
}

size_t ws_frame_write(char *out, unsigned opcode, const char *payload, size_t n)
{
	static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	unsigned char *o = (unsigned char *)out;
	size_t head_bytes = 2;

	o[0] = (unsigned char)(0x80 | opcode);
	o[1] = (unsigned char)(0x80 | (n < 126 ? n : 126));
	if (n >= 126) {
		o[2] = (unsigned char)(n >> 8);
		o[3] = (unsigned char)n;
		head_bytes = 4;
	}
	memcpy(o + head_bytes, mask, sizeof mask);
	head_bytes += sizeof mask;
	for (size_t i = 0; i < n; i++)
		o[head_bytes + i] = (unsigned char)payload[i] ^ mask[i % 4];
	return head_bytes + n;
}
