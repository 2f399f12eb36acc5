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
static bool read_range(struct cut_acts *a, str text)
{
	bool is_open = text.n > 0 && text.p[text.n - 1] == '-';
	bool is_one = str_find_char(text, '-') == text.n;
	uint64_t first, last = UINT32_MAX;

	if (a->n == CUT_RANGES_MAX || !str_to_u64(str_split(&text, '-'), UINT32_MAX, &first))
		return false;
	if (is_one)
		last = first;
	else if (!is_open && !str_to_u64(text, UINT32_MAX, &last))
		return false;
	a->ranges[a->n].first = (uint32_t)first;
	a->ranges[a->n++].last = (uint32_t)last;
	return true;
}

bool cut_read_acts(struct cut_acts *a, str text)
{
	while (text.n > 0)
		if (!read_range(a, str_split(&text, ',')))
			return false;
	return true;
}

static bool has(const struct cut_acts *a, uint32_t act)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->ranges[i].first <= act && act <= a->ranges[i].last)
			return true;
	return false;
}

bool cut_skips(const struct cut *c, uint32_t first, uint32_t last)
{
	for (uint32_t act = first; act <= last; act++)
		if (!has(&c->skip, act) && (c->only.n == 0 || has(&c->only, act)))
			return false;
	return true;
}
