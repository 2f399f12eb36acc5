#include "core/origin.h"

#include "base/check.h"
#include "base/testing.h"

static const struct {
	const char *pattern, *origin;
	bool is_allowed;
} MATCHES[] = {
	/* everything */
	{ "*", "https://example.com", true },
	{ "*", "", true },
	{ "any", "", true },
	{ "ANY", "null", true },
	{ "anything", "https://example.com", false },
	/* a whole origin */
	{ "https://example.com", "https://example.com", true },
	{ "https://example.com", "HTTPS://Example.Com", true },
	{ "https://EXAMPLE.com", "https://example.com", true },
	{ "https://example.com", "http://example.com", false },
	{ "https://example.com", "https://example.com:443", false },
	{ "https://example.com", "https://example.com.evil.org", false },
	{ "https://example.com", "https://a.example.com", false },
	{ "https://example.com", "example.com", false },
	{ "https://example.com", "x://https://example.com", false },
	{ "https://example.com", "", false },
	{ "null", "null", true },
	/* without the scheme */
	{ "example.com", "https://example.com", true },
	{ "example.com", "http://EXAMPLE.com", true },
	{ "example.com", "example.com", true },
	{ "example.com", "https://example.com:8443", false },
	{ "example.com:8443", "https://example.com:8443", true },
	{ "example.com", "https://a.example.com", false },
	{ "example.com", "https://notexample.com", false },
	{ "example.com", "", false },
	{ "localhost", "http://localhost", true },
	/* a domain and what is below it */
	{ "*.example.com", "https://example.com", true },
	{ "*.example.com", "http://example.com", true },
	{ "*.example.com", "example.com", true },
	{ "*.example.com", "https://a.example.com", true },
	{ "*.example.com", "https://a.b.EXAMPLE.com", true },
	{ "*.Example.com", "https://a.example.com", true },
	{ "*.example.com", "https://a.example.com:8443", false },
	{ "*.example.com:8443", "https://a.example.com:8443", true },
	{ "*.example.com", "https://notexample.com", false },
	{ "*.example.com", "https://example.com.evil.org", false },
	{ "*.example.com", "https://example.org", false },
	{ "*.example.com", "", false },
	/* one star elsewhere */
	{ "https://*.example.com", "https://a.example.com", true },
	{ "https://*.example.com", "https://a.b.example.com", true },
	{ "https://*.example.com", "https://example.com", false },
	{ "https://*.example.com", "http://a.example.com", false },
	{ "https://*.example.com", "https://a.example.com:8443", false },
	{ "https://example.com:*", "https://example.com:8443", true },
	{ "https://example.com:*", "https://example.com:", true },
	{ "https://example.com:*", "https://example.com", false },
	{ "HTTPS://app-*.example.com", "https://APP-7.example.com", true },
	{ "https://*", "https://example.com", true },
	{ "https://*", "http://example.com", false },
	{ "*example.com", "https://notexample.com", true },
	{ "http*", "https://example.com", true },
	{ "aba*aba", "ababa", false }, /* before and after must not overlap */
	{ "aba*aba", "abaaba", true },
	/* unsound ones match what they spell and nothing else */
	{ "*.*.com", "https://a.b.com", false },
	{ "", "https://example.com", false },
};

static void origin_matches_as_documented(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(MATCHES); i++) {
		str pattern = str_from_cstr(MATCHES[i].pattern);

		if (origin_allowed(str_from_cstr(MATCHES[i].origin), &pattern, 1) !=
		    MATCHES[i].is_allowed)
			fail_msg("%s for %s", MATCHES[i].pattern, MATCHES[i].origin);
	}
}

static void no_pattern_allows_every_origin(void **state)
{
	assert_true(origin_allowed(S("https://example.com"), NULL, 0));
	assert_true(origin_allowed((str){ NULL, 0 }, NULL, 0));
}

static void one_matching_pattern_of_several_is_enough(void **state)
{
	str patterns[] = { S("https://a.com"), S("*.b.com"), S("c.com") };

	assert_true(origin_allowed(S("https://a.com"), patterns, 3));
	assert_true(origin_allowed(S("https://x.b.com"), patterns, 3));
	assert_true(origin_allowed(S("https://c.com"), patterns, 3));
	assert_false(origin_allowed(S("https://c.com"), patterns, 2));
	assert_false(origin_allowed((str){ NULL, 0 }, patterns, 3));
}

static void sound_patterns_have_no_problem(void **state)
{
	static const char *const SOUND[] = {
		"*",
		"any",
		"null",
		"example.com",
		"example.com:8443",
		"localhost",
		"*.com",
		"*.example.com",
		"*.example.com:8443",
		"https://example.com",
		"https://*.example.com",
		"https://*",
		"https://example.com:*",
		"*://example.com",
		"*example.com",
		"a..b",
	};

	for (size_t i = 0; i < ARRAY_LEN(SOUND); i++) {
		if (origin_pattern_problem(str_from_cstr(SOUND[i])))
			fail_msg("%s %s", SOUND[i],
				 origin_pattern_problem(str_from_cstr(SOUND[i])));
	}
}

static const struct {
	const char *pattern, *problem;
} UNSOUND[] = {
	{ "", "is empty" },
	{ "**", "has more than one '*'" },
	{ "*.*.com", "has more than one '*'" },
	{ "https://*.example.*", "has more than one '*'" },
	{ "*.", "needs a domain after '*.', without empty parts" },
	{ "*..", "needs a domain after '*.', without empty parts" },
	{ "*..a", "needs a domain after '*.', without empty parts" },
	{ "*.a.", "needs a domain after '*.', without empty parts" },
	{ "*.a..b", "needs a domain after '*.', without empty parts" },
	{ "://example.com", "has no scheme before '://'" },
	{ "://", "has no scheme before '://'" },
	{ "https://", "has no host after '://'" },
};

static void unsound_patterns_are_explained(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(UNSOUND); i++) {
		const char *problem = origin_pattern_problem(str_from_cstr(UNSOUND[i].pattern));

		assert_non_null(problem);
		assert_string_equal(problem, UNSOUND[i].problem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origin_matches_as_documented),
		cmocka_unit_test(no_pattern_allows_every_origin),
		cmocka_unit_test(one_matching_pattern_of_several_is_enough),
		cmocka_unit_test(sound_patterns_have_no_problem),
		cmocka_unit_test(unsound_patterns_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
