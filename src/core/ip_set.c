#include "core/ip_set.h"

#include "base/check.h"

#define V4_BITS 96 /* in front of an IPv4 address in its IPv6 form */
#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		.bytes = { [10] = 0xff, [11] = 0xff, a, b, c, d }                                  \
	}

/* Loopback, then private: the words are pieces of this table. */
static const struct ip_range known[] = {
	{ V4(127, 0, 0, 0), V4_BITS + 8 },    { { .bytes = { [15] = 1 } }, 128 },
	{ V4(10, 0, 0, 0), V4_BITS + 8 },     { V4(172, 16, 0, 0), V4_BITS + 12 },
	{ V4(192, 168, 0, 0), V4_BITS + 16 }, { { .bytes = { 0xfc } }, 7 },
};
#define N_LOOPBACK 2

const struct ip_set ip_set_default = { true, ARRAY_LEN(known), known };

static const struct {
	str word;
	bool has_unix, stands_alone;
	const struct ip_range *ranges;
	size_t n_ranges;
} words[] = {
	{ { "loopback", 8 }, false, false, known, N_LOOPBACK },
	{ { "private", 7 }, false, false, known + N_LOOPBACK, ARRAY_LEN(known) - N_LOOPBACK },
	{ { "unix", 4 }, true, false, NULL, 0 },
	{ { "all", 3 }, true, true, &(const struct ip_range){ { { 0 } }, 0 }, 1 },
	{ { "none", 4 }, false, true, NULL, 0 },
};
#define RANGES_OF_A_WORD_MAX (ARRAY_LEN(known) - N_LOOPBACK)

static size_t word_find(str item)
{
	size_t i = 0;

	while (i < ARRAY_LEN(words) && !str_eq_nocase(words[i].word, item))
		i++;
	return i;
}

/* "address" or "address/bits", without bits set behind those: they would be a slip of the pen. */
static bool range_parse(str item, struct ip_range *out)
{
	size_t slash = str_find_char(item, '/');
	uint64_t n_bits, n_before;
	struct ip ip, first;

	if (!ip_parse(str_take(item, slash), &ip))
		return false;
	n_before = str_find_char(str_take(item, slash), ':') < slash ? 0 : V4_BITS;
	n_bits = 128 - n_before;
	if (slash < item.n && !str_to_u64(str_skip(item, slash + 1), n_bits, &n_bits))
		return false;
	first = ip_prefix(&ip, (unsigned)(n_before + n_bits));
	*out = (struct ip_range){ first, (uint8_t)(n_before + n_bits) };
	return ip_eq(&first, &ip);
}

ptrdiff_t ip_set_parse(const str *items, size_t n_items, struct arena *a, struct ip_set *out)
{
	struct ip_range *ranges;
	size_t n = 0;

	if (n_items > IP_SET_ITEMS_MAX)
		return IP_SET_ITEMS_MAX;
	*out = (struct ip_set){ 0 };
	ranges = arena_alloc(a, (n_items * RANGES_OF_A_WORD_MAX + 1) * sizeof(*ranges));
	for (size_t i = 0; i < n_items; i++) {
		size_t w = word_find(items[i]);

		if (w == ARRAY_LEN(words)) {
			if (!range_parse(items[i], &ranges[n++]))
				return (ptrdiff_t)i;
			continue;
		}
		if (words[w].stands_alone && n_items > 1)
			return (ptrdiff_t)i;
		out->has_unix |= words[w].has_unix;
		for (size_t r = 0; r < words[w].n_ranges; r++)
			ranges[n++] = words[w].ranges[r];
	}
	out->ranges = ranges;
	out->n_ranges = n;
	return -1;
}

static bool range_has(const struct ip_range *r, const struct ip *ip)
{
	struct ip first = ip_prefix(ip, r->n_bits);

	return ip_eq(&first, &r->first);
}

bool ip_set_has(const struct ip_set *s, const struct ip *ip)
{
	for (size_t i = 0; i < s->n_ranges; i++)
		if (range_has(&s->ranges[i], ip))
			return true;
	return false;
}
