/* utf8.c: validation by an automaton whose every step is one table load and one shift.
 *
 * A state is the bit offset of its 6-bit cell inside the row of the byte that comes next; the
 * cell holds the next state. The chain from byte to byte is then a single shift, so text that is
 * all multi-byte runs as fast as a mixed one, and runs of ASCII are skipped a word at a time. It
 * validates; it does not decode or normalise. */
#include "base/utf8.h"

enum {
	VALID = 0,     /* between characters */
	TAIL_1 = 6,    /* one more continuation byte */
	TAIL_2 = 12,   /* two more */
	TAIL_3 = 18,   /* three more */
	AFTER_E0 = 24, /* two more, the first at least A0: shorter forms exist below */
	AFTER_ED = 30, /* two more, the first at most 9F: surrogates above */
	AFTER_F0 = 36, /* three more, the first at least 90 */
	AFTER_F4 = 42, /* three more, the first at most 8F: U+10FFFF ends there */
	INVALID = 48,
};

#define CELL(from, to) ((uint64_t)(to) << (from))
/* A byte that starts a character: wrong everywhere but between characters. */
#define LEAD(to)                                                                                   \
	(CELL(VALID, to) | CELL(TAIL_1, INVALID) | CELL(TAIL_2, INVALID) | CELL(TAIL_3, INVALID) | \
	 CELL(AFTER_E0, INVALID) | CELL(AFTER_ED, INVALID) | CELL(AFTER_F0, INVALID) |             \
	 CELL(AFTER_F4, INVALID) | CELL(INVALID, INVALID))
/* A continuation byte, with what it means after the four leads that restrict it. */
#define TAIL(e0, ed, f0, f4)                                                                       \
	(CELL(VALID, INVALID) | CELL(TAIL_1, VALID) | CELL(TAIL_2, TAIL_1) |                       \
	 CELL(TAIL_3, TAIL_2) | CELL(AFTER_E0, e0) | CELL(AFTER_ED, ed) | CELL(AFTER_F0, f0) |     \
	 CELL(AFTER_F4, f4) | CELL(INVALID, INVALID))

static const uint64_t ROWS[256] = {
	[0x00 ... 0x7f] = LEAD(VALID),
	[0x80 ... 0x8f] = TAIL(INVALID, TAIL_1, INVALID, TAIL_2),
	[0x90 ... 0x9f] = TAIL(INVALID, TAIL_1, TAIL_2, INVALID),
	[0xa0 ... 0xbf] = TAIL(TAIL_1, INVALID, TAIL_2, INVALID),
	[0xc0 ... 0xc1] = LEAD(INVALID),
	[0xc2 ... 0xdf] = LEAD(TAIL_1),
	[0xe0] = LEAD(AFTER_E0),
	[0xe1 ... 0xec] = LEAD(TAIL_2),
	[0xed] = LEAD(AFTER_ED),
	[0xee ... 0xef] = LEAD(TAIL_2),
	[0xf0] = LEAD(AFTER_F0),
	[0xf1 ... 0xf3] = LEAD(TAIL_3),
	[0xf4] = LEAD(AFTER_F4),
	[0xf5 ... 0xff] = LEAD(INVALID),
};

static const char *skip_ascii(const char *p, const char *end)
{
	uint64_t word;

	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, 8);
		if (word & 0x8080808080808080u)
			break;
	}
	return p;
}

bool utf8_feed(struct utf8 *u, str s)
{
	const char *p = s.p, *end = s.n ? s.p + s.n : s.p;
	uint64_t state = u->state;

	while (p < end && state != INVALID) {
		if (state == VALID)
			p = skip_ascii(p, end);
		for (const char *stop = end - p > 16 ? p + 16 : end; p < stop; p++)
			state = ROWS[(unsigned char)*p] >> state & 63;
	}
	u->state = (uint8_t)state;
	return state != INVALID;
}

bool utf8_valid(str s)
{
	struct utf8 u = { VALID };

	return utf8_feed(&u, s) && utf8_at_boundary(&u);
}

size_t utf8_valid_bytes(str s)
{
	struct utf8 u = { VALID };
	size_t n = 0;

	while (n < s.n && utf8_feed(&u, (str){ s.p + n, 1 }))
		n++;
	return n;
}

str utf8_truncate(str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_take(s, max);
}

size_t utf8_encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 63));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 63));
		out[2] = (char)(0x80 | (cp & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 63));
	out[2] = (char)(0x80 | (cp >> 6 & 63));
	out[3] = (char)(0x80 | (cp & 63));
	return 4;
}
