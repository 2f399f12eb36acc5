#include "cut.h"

static const char *const WORDS[] = {
#define TROUBLE(word, member) word,
#define FEATURE(word, member) word,
#include "troubles.def"
#undef TROUBLE
#undef FEATURE
};

const char *trouble_word(enum trouble t)
{
	return WORDS[t];
}

enum trouble trouble_find(str word)
{
	unsigned t = 0;

	while (t < N_TROUBLES && !str_eq(word, str_from_cstr(WORDS[t])))
		t++;
	return (enum trouble)t;
}

bool cut_read_without(struct cut *c, str text)
{
	while (text.n > 0) {
		enum trouble t = trouble_find(str_split(&text, ','));

		if (t == N_TROUBLES)
			return false;
		c->without |= UINT64_C(1) << t;
	}
	return true;
}

/* "57", "3-40", or "90-". */
static bool read_range(struct cut *c, str text)
{
	bool is_open = text.n > 0 && text.p[text.n - 1] == '-';
	bool is_one = str_find_char(text, '-') == text.n;
	str first = str_split(&text, '-');
	uint64_t a, b = UINT32_MAX;

	if (c->n_ranges == CUT_RANGES_MAX || !str_to_u64(first, UINT32_MAX, &a))
		return false;
	if (is_one)
		b = a;
	else if (!is_open && !str_to_u64(text, UINT32_MAX, &b))
		return false;
	c->ranges[c->n_ranges].first = (uint32_t)a;
	c->ranges[c->n_ranges++].last = (uint32_t)b;
	return true;
}

bool cut_read_skip(struct cut *c, str text)
{
	while (text.n > 0)
		if (!read_range(c, str_split(&text, ',')))
			return false;
	return true;
}

static bool skips_one(const struct cut *c, uint32_t act)
{
	for (unsigned i = 0; i < c->n_ranges; i++)
		if (c->ranges[i].first <= act && act <= c->ranges[i].last)
			return true;
	return false;
}

bool cut_skips(const struct cut *c, uint32_t first, uint32_t last)
{
	for (uint32_t act = first; act <= last; act++)
		if (!skips_one(c, act))
			return false;
	return true;
}
