/* Suggestions: near ones are found, far ones are not made. */
#include "main/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static str suggest(const char *word)
{
	static const char *const words[] = { "port", "host", "enabled", "activity_timeout",
					     "max_connections" };
	struct nearest n;

	nearest_init(&n, str_from_cstr(word));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		nearest_offer(&n, str_from_cstr(words[i]));
	return n.best;
}

static void one_or_two_slips_are_forgiven(void **state)
{
	assert_true(str_eq(suggest("prt"), S("port")));
	assert_true(str_eq(suggest("prot"), S("port")));
	assert_true(str_eq(suggest("Host"), S("host")));
	assert_true(str_eq(suggest("enabeld"), S("enabled")));
	assert_true(str_eq(suggest("max_conections"), S("max_connections")));
	assert_true(str_eq(suggest("activityTimeout"), S("activity_timeout")));
}

static void a_far_word_gets_no_suggestion(void **state)
{
	static const char *const words[] = { "", "x", "pxxt", "colour", "disabled_" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_int_equal(suggest(words[i]).n, 0);
}

static void very_long_words_are_left_alone(void **state)
{
	char word[200];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(suggest(word).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_or_two_slips_are_forgiven),
		cmocka_unit_test(a_far_word_gets_no_suggestion),
		cmocka_unit_test(very_long_words_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
