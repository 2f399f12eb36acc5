/* text.c: hexadecimal and base64, by table. Not for secrets that must not leak through the
 * cache: signatures are compared elsewhere, as bytes. */
#include "base/text.h"

static const char HEX[] = "0123456789abcdef";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const uint8_t *in, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		*out++ = HEX[in[i] >> 4];
		*out++ = HEX[in[i] & 15];
	}
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static void encode_group(uint32_t bits, char *out)
{
	out[0] = BASE64[bits >> 18];
	out[1] = BASE64[bits >> 12 & 63];
	out[2] = BASE64[bits >> 6 & 63];
	out[3] = BASE64[bits & 63];
}

size_t base64_encode(const uint8_t *in, size_t n, char *out)
{
	char *start = out;

	for (; n >= 3; n -= 3, in += 3, out += 4)
		encode_group((uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2], out);
	if (n) {
		encode_group((uint32_t)in[0] << 16 | (n == 2 ? (uint32_t)in[1] << 8 : 0), out);
		if (n == 1)
			out[2] = '=';
		out[3] = '=';
		out += 4;
	}
	return (size_t)(out - start);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Bits of n digits, left-aligned in 24, or -1. */
static int32_t decode_group(const char *in, size_t n)
{
	int32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int digit = i < n ? base64_digit(in[i]) : 0;

		if (digit < 0)
			return -1;
		bits = bits << 6 | digit;
	}
	return bits;
}

bool base64_decode(str in, uint8_t *out, size_t *out_len)
{
	uint8_t *start = out;

	if (in.n % 4 != 0)
		return false;
	for (; in.n; in = str_skip(in, 4)) {
		size_t pads = in.n > 4 || in.p[3] != '=' ? 0 : in.p[2] == '=' ? 2 : 1;
		int32_t bits = decode_group(in.p, 4 - pads);

		/* Bits that no byte holds must be zero, else one value would have several
		 * spellings. */
		if (bits < 0 || (bits & ((1 << 8 * pads) - 1)))
			return false;
		*out++ = (uint8_t)(bits >> 16);
		if (pads < 2)
			*out++ = (uint8_t)(bits >> 8);
		if (pads < 1)
			*out++ = (uint8_t)bits;
	}
	*out_len = (size_t)(out - start);
	return true;
}
