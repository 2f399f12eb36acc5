/* proxy_header.c: both versions; strict, because nobody types them.
 *
 * Version 1 is "PROXY TCP4 source destination port port" and CRLF, 107 bytes at most. Version 2
 * is 16 bytes (signature, command, family, length) and as many as the length says: addresses,
 * then TLVs, which are not looked at. The destination is not either: we know where we listen. */
#include "codec/proxy_header.h"

#define V1_BYTES_MAX 107
#define V2_FIXED_BYTES 16

static const str V1_BEGIN = { "PROXY ", 6 };
static const str V2_BEGIN = { "\r\n\r\n\0\r\nQUIT\n", 12 };

/* Do they agree as far as both go? */
static bool agrees(str in, str with)
{
	size_t n = in.n < with.n ? in.n : with.n;

	return str_eq(str_take(in, n), str_take(with, n));
}

bool proxy_header_is_begun(str in)
{
	return str_has_prefix(in, V1_BEGIN) || str_has_prefix(in, V2_BEGIN);
}

/* Version 1 */

static bool read_ip(str *line, bool is_v4, struct ip *out)
{
	str text = str_split(line, ' ');

	return ip_parse(text, out) && (str_find_char(text, ':') == text.n) == is_v4;
}

static bool read_port(str *line, uint16_t *out)
{
	str text = str_split(line, ' ');
	uint64_t port;

	if (!str_to_u64(text, UINT16_MAX, &port))
		return false;
	*out = (uint16_t)port;
	return true;
}

/* line: without its beginning and its end. */
static err read_line(str line, struct proxy_header *out)
{
	str family = str_split(&line, ' ');
	bool is_v4 = str_eq(family, S("TCP4"));
	struct ip destination;
	uint16_t port;

	if (str_eq(family, S("UNKNOWN")))
		return OK;
	if (!is_v4 && !str_eq(family, S("TCP6")))
		return ERR_SYNTAX;
	out->has_source = read_ip(&line, is_v4, &out->source) &&
			  read_ip(&line, is_v4, &destination) &&
			  read_port(&line, &out->source_port) && read_port(&line, &port) && !line.p;
	return out->has_source ? OK : ERR_SYNTAX;
}

static err parse_v1(str in, struct proxy_header *out)
{
	size_t end = str_find_char(str_take(in, V1_BYTES_MAX), '\r');

	if (end + 1 >= V1_BYTES_MAX)
		return ERR_LIMIT;
	if (end + 1 >= in.n)
		return ERR_AGAIN;
	if (in.p[end + 1] != '\n')
		return ERR_SYNTAX;
	out->bytes = end + 2;
	return read_line(str_skip(str_take(in, end), V1_BEGIN.n), out);
}

/* Version 2 */

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21, V2_TCP4 = 0x11, V2_TCP6 = 0x21 };

static uint16_t read_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Source, destination, their ports. */
static err read_addresses(uint8_t family, const uint8_t *p, size_t n, struct proxy_header *out)
{
	size_t ip_bytes = family == V2_TCP4 ? 4 : 16;

	if (family != V2_TCP4 && family != V2_TCP6)
		return OK;
	if (n < 2 * ip_bytes + 4)
		return ERR_SYNTAX;
	out->has_source = true;
	out->source = family == V2_TCP4 ? ip_from_v4(p) : ip_from_v6(p);
	out->source_port = read_u16(p + 2 * ip_bytes);
	return OK;
}

static err parse_v2(str in, struct proxy_header *out)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t n;

	if (in.n < V2_FIXED_BYTES)
		return ERR_AGAIN;
	n = read_u16(p + 14);
	out->bytes = V2_FIXED_BYTES + n;
	if (p[12] != V2_LOCAL && p[12] != V2_PROXY)
		return ERR_SYNTAX;
	if (out->bytes > PROXY_HEADER_BYTES_MAX)
		return ERR_LIMIT;
	if (in.n < out->bytes)
		return ERR_AGAIN;
	return p[12] == V2_PROXY ? read_addresses(p[13], p + V2_FIXED_BYTES, n, out) : OK;
}

err proxy_header_parse(str in, struct proxy_header *out)
{
	*out = (struct proxy_header){ 0 };
	if (str_has_prefix(in, V1_BEGIN))
		return parse_v1(in, out);
	if (str_has_prefix(in, V2_BEGIN))
		return parse_v2(in, out);
	return agrees(in, V1_BEGIN) || agrees(in, V2_BEGIN) ? ERR_AGAIN : ERR_NOT_FOUND;
}
