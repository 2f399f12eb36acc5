/* ip.c: addresses from text and to text. Not libc's inet_pton: this floor asks the kernel's
 * headers for nothing, and text that comes from peers has no NUL behind it. */
#include "base/ip.h"

#include "base/text.h"

#include <stdio.h>

#define V4_AT 12 /* of the 16 bytes */
#define GROUPS 8

struct ip ip_from_v4(const uint8_t bytes[4])
{
	struct ip ip = { .bytes = { [10] = 0xff, [11] = 0xff } };

	memcpy(ip.bytes + V4_AT, bytes, 4);
	return ip;
}

bool ip_is_v4(const struct ip *ip)
{
	static const uint8_t mapped[V4_AT] = { [10] = 0xff, [11] = 0xff };

	return memcmp(ip->bytes, mapped, sizeof(mapped)) == 0;
}

struct ip ip_prefix(const struct ip *ip, unsigned n_bits)
{
	struct ip prefix = { 0 };

	memcpy(prefix.bytes, ip->bytes, n_bits / 8);
	if (n_bits % 8)
		prefix.bytes[n_bits / 8] =
			(uint8_t)(ip->bytes[n_bits / 8] & (0xff00u >> (n_bits % 8)));
	return prefix;
}

/* Text in */

/* A leading zero would be octal to some readers. */
static bool parse_v4(str text, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		str part = str_split(&text, '.');
		uint64_t v;

		if ((i < 3) != (text.p != NULL) || part.n > 3 || (part.n > 1 && part.p[0] == '0') ||
		    !str_to_u64(part, 255, &v))
			return false;
		out[i] = (uint8_t)v;
	}
	return true;
}

static bool parse_group(str text, uint8_t out[2])
{
	unsigned v = 0;

	if (text.n == 0 || text.n > 4)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int digit = hex_digit(text.p[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (unsigned)digit;
	}
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return true;
}

/* Groups with ':' between them, the last perhaps dotted decimal. Returns how many bytes they are,
 * or -1. Empty text is no group. */
static int parse_groups(str text, uint8_t *out, int n_max)
{
	int n = 0;

	while (text.n > 0 || (n > 0 && text.p)) {
		str part = str_split(&text, ':');
		bool is_v4 = !text.p && str_find_char(part, '.') < part.n;
		int size = is_v4 ? 4 : 2;

		if (n + size > n_max ||
		    !(is_v4 ? parse_v4(part, out + n) : parse_group(part, out + n)))
			return -1;
		n += size;
	}
	return n;
}

/* Index of the "::", or text.n. */
static size_t find_gap(str text)
{
	for (size_t i = 0; i + 1 < text.n; i++)
		if (text.p[i] == ':' && text.p[i + 1] == ':')
			return i;
	return text.n;
}

static bool parse_v6(str text, struct ip *out)
{
	size_t gap = find_gap(text);
	uint8_t tail[16];
	int n_head, n_tail;

	*out = (struct ip){ 0 };
	if (gap == text.n)
		return parse_groups(text, out->bytes, 16) == 16;
	/* The gap stands for one group at least; in front of it no dotted decimal. */
	n_head = parse_groups(str_take(text, gap), out->bytes, 14);
	n_tail = parse_groups(str_skip(text, gap + 2), tail, 14);
	if (n_head < 0 || n_tail < 0 || n_head + n_tail > 14 ||
	    str_find_char(str_take(text, gap), '.') < gap)
		return false;
	memcpy(out->bytes + 16 - n_tail, tail, (size_t)n_tail);
	return true;
}

bool ip_parse(str text, struct ip *out)
{
	uint8_t v4[4];

	if (str_find_char(text, ':') < text.n)
		return parse_v6(text, out);
	if (!parse_v4(text, v4))
		return false;
	*out = ip_from_v4(v4);
	return true;
}

/* Text out */

static unsigned group_of(const struct ip *ip, int i)
{
	return (unsigned)(ip->bytes[2 * i] << 8 | ip->bytes[2 * i + 1]);
}

/* The first of the longest runs of two zero groups and more: *n is 0 when there is none. */
static int longest_gap(const struct ip *ip, int *n)
{
	int best = GROUPS;

	*n = 0;
	for (int i = 0; i < GROUPS; i++) {
		int end = i;

		while (end < GROUPS && group_of(ip, end) == 0)
			end++;
		if (end - i >= 2 && end - i > *n) {
			best = i;
			*n = end - i;
		}
		if (end > i)
			i = end;
	}
	return best;
}

static int put_v6(const struct ip *ip, char *out, size_t room)
{
	int n_gap, gap = longest_gap(ip, &n_gap), n = 0;

	for (int i = 0; i < GROUPS; i++) {
		if (i == gap) {
			n += snprintf(out + n, room - (size_t)n, "::");
			i += n_gap - 1;
			continue;
		}
		n += snprintf(out + n, room - (size_t)n, "%s%x",
			      i == 0 || i == gap + n_gap ? "" : ":", group_of(ip, i));
	}
	return n;
}

str ip_format(const struct ip *ip, char out[IP_TEXT_MAX])
{
	const uint8_t *v4 = ip_v4(ip);
	int n = ip_is_v4(ip) ?
			snprintf(out, IP_TEXT_MAX, "%u.%u.%u.%u", v4[0], v4[1], v4[2], v4[3]) :
			put_v6(ip, out, IP_TEXT_MAX);

	return (str){ out, (size_t)n };
}
