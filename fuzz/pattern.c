/* pattern: whatever an operator wrote and whatever a peer asks, an answer comes soon, and always
 * the same one. Input: a pattern on the first line, then subjects. */
#include "fuzz.h"

#include "base/mem.h"
#include "core/pattern.h"

/* Each of its characters means itself. */
static bool is_plain(str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (strchr("\\^$.|?*+()[]{}", text.p[i]) || (uint8_t)text.p[i] >= 0x80)
			return false;
	}
	return true;
}

static bool contains(str s, str part)
{
	return part.n == 0 || (s.n && memmem(s.p, s.n, part.p, part.n));
}

static void check_subject(const struct pattern *p, str subject)
{
	char *copy = fuzz_copy(subject);
	bool matches = pattern_matches(p, (str){ copy, subject.n });

	CHECK(pattern_matches(p, (str){ copy, subject.n }) == matches);
	if (is_plain(pattern_text(p)) && naive_utf8_valid(subject))
		CHECK(matches == contains(subject, pattern_text(p)));
	xfree(copy);
}

static void check_pattern(str text, str subjects, struct arena *a)
{
	str problem = { 0 };
	struct pattern *p = pattern_new(text, a, &problem);

	if (!p) {
		CHECK(problem.n > 0 && naive_utf8_valid(problem));
		return;
	}
	CHECK(str_eq(pattern_text(p), text));
	while (subjects.p)
		check_subject(p, str_split(&subjects, '\n'));
	pattern_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t live = mem_live_bytes();
	str in = { (const char *)data, size }, text = str_split(&in, '\n');
	struct arena a;

	arena_init(&a, 0);
	check_pattern(text, in, &a);
	arena_fini(&a);
	CHECK(mem_live_bytes() == live);
	return 0;
}
