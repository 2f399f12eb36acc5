#include "core/pattern.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

static struct pattern *compile(const char *text)
{
	struct pattern *p;
	struct arena a;
	str problem;

	arena_init(&a, 0);
	p = pattern_new(str_from_cstr(text), &a, &problem);
	if (!p)
		fail_msg("%s: %.*s", text, STR_ARG(problem));
	arena_fini(&a);
	return p;
}

static bool matches(const char *text, str subject)
{
	struct pattern *p = compile(text);
	bool result = pattern_matches(p, subject);

	pattern_free(p);
	return result;
}

static void pattern_matches_as_the_originals_do(void **state)
{
	static const struct {
		const char *pattern, *subject;
		bool matches;
	} rows[] = {
		{ "^num:[0-9]+$", "num:12", true },
		{ "^num:[0-9]+$", "num:ab", false },
		{ "^num:[0-9]+$", "num:", false },
		{ "^num:[0-9]+$", "xnum:12", false },
		{ "[0-9]+", "num:12", true }, /* anywhere */
		{ "", "anything", true },
		{ "", "", true },
		{ "^$", "", true },
		{ "^a$", "a\n", false }, /* the very end */
		{ "^(?:red|green)-\\d{2}$", "green-07", true },
		{ "(?i)^ROOM", "room", true },
		{ "^(?P<kind>a)\\w*$", "ab_9", true },
		{ "\xc3\xa9", "e", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(matches(rows[i].pattern, str_from_cstr(rows[i].subject)) ==
				   rows[i].matches,
			   i);
}

static void pattern_that_makes_no_sense_is_told_with_its_place(void **state)
{
	static const struct {
		str text;
		const char *problem;
	} rows[] = {
#define ROW(text, problem) { { text, sizeof(text) - 1 }, problem }
		ROW("[0-9", "missing terminating ] for character class (byte 4)"),
		ROW("a)", "unmatched closing parenthesis (byte 1)"),
		ROW("*", "quantifier does not follow a repeatable item (byte 0)"),
		ROW("\\C", "using \\C is disabled by the application (byte 2)"),
		ROW("ab\xff", "UTF-8 error: illegal byte (0xfe or 0xff) (byte 2)"),
#undef ROW
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a;
		str problem;

		arena_init(&a, 0);
		assert_row(!pattern_new(rows[i].text, &a, &problem), i);
		assert_str(problem, str_from_cstr(rows[i].problem));
		arena_fini(&a);
	}
}

/* Each of them would take for ever on these names. */
static void careless_pattern_gives_up(void **state)
{
	static const char *const patterns[] = { "^(a+)+$", "^(a|aa)+$", "^(?:a*)*b", "(x+x+)+y",
						"^(.*)(.*)(.*)(.*)(.*)(.*)\\1$" };
	char name[1000];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '!';
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		assert_row(!matches(patterns[i], (str){ name, sizeof(name) }), i);
	memset(name, 'x', sizeof(name));
	assert_false(matches("(x+x+)+y", (str){ name, sizeof(name) }));
}

static void ordinary_pattern_has_room_for_the_longest_name(void **state)
{
	static const char *const patterns[] = { "^[a-z]+$", "^(a|b)+$", "^(?:[a-z]+-?)+$",
						"^.*a.*a$" };
	char name[1000];

	memset(name, 'a', sizeof(name));
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		assert_row(matches(patterns[i], (str){ name, sizeof(name) }), i);
}

static void without_memory_nothing_matches_and_nothing_is_left(void **state)
{
	int64_t live_bytes = mem_live_bytes();
	struct pattern *p = NULL;
	struct arena a;
	str problem;

	arena_init(&a, 0);
	for (uint64_t nth = 1; !p; nth++) {
		assert_true(nth < 20);
		mem_fail_nth(nth);
		p = pattern_new(S("^(a)(b)$"), &a, &problem);
		mem_fail_nth(0);
		assert_true(p || mem_live_bytes() == live_bytes);
	}
	mem_fail_nth(1);
	assert_false(pattern_matches(p, S("ab")));
	mem_fail_nth(0);
	assert_true(pattern_matches(p, S("ab")));
	assert_str(pattern_text(p), S("^(a)(b)$"));
	pattern_free(p);
	pattern_free(NULL);
	assert_int_equal(mem_live_bytes(), live_bytes);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_matches_as_the_originals_do),
		cmocka_unit_test(pattern_that_makes_no_sense_is_told_with_its_place),
		cmocka_unit_test(careless_pattern_gives_up),
		cmocka_unit_test(ordinary_pattern_has_room_for_the_longest_name),
		cmocka_unit_test(without_memory_nothing_matches_and_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
