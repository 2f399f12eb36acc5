#include "base/utf8.h"

#include "base/check.h"
#include "base/testing.h"

static const struct {
	str text;
	bool valid;
} ROWS[] = {
	{ S(""), true },
	{ S("plain\0text"), true },
	{ S("\x7f"), true },
	{ S("\xc2\x80"), true },
	{ S("\xdf\xbf"), true },
	{ S("\xe0\xa0\x80"), true },
	{ S("\xed\x9f\xbf"), true },
	{ S("\xee\x80\x80"), true },
	{ S("\xef\xbf\xbf"), true },
	{ S("\xf0\x90\x80\x80"), true },
	{ S("\xf4\x8f\xbf\xbf"), true },
	{ S("gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x91\x8b und \xe4\xbd\xa0\xe5\xa5\xbd"), true },
	/* a continuation out of place */
	{ S("\x80"), false },
	{ S("a\xbf"), false },
	{ S("\xc3\xbc\x80"), false },
	/* overlong */
	{ S("\xc0\x80"), false },
	{ S("\xc1\xbf"), false },
	{ S("\xe0\x80\x80"), false },
	{ S("\xe0\x9f\xbf"), false },
	{ S("\xf0\x80\x80\x80"), false },
	{ S("\xf0\x8f\xbf\xbf"), false },
	/* surrogates */
	{ S("\xed\xa0\x80"), false },
	{ S("\xed\xbf\xbf"), false },
	/* beyond the last character */
	{ S("\xf4\x90\x80\x80"), false },
	{ S("\xf5\x80\x80\x80"), false },
	{ S("\xff"), false },
	/* cut off, by the end or by another character */
	{ S("\xc3"), false },
	{ S("\xe4\xbd"), false },
	{ S("\xf0\x9f\x91"), false },
	{ S("\xc3"
	    "a"),
	  false },
	{ S("\xe4\xbd"
	    "a"),
	  false },
	{ S("\xe4\xc3\xbc"), false },
};

static void utf8_accepts_rfc_3629_and_nothing_else(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		assert_row(utf8_valid(ROWS[i].text) == ROWS[i].valid, i);
}

/* The same at every distance from a word boundary, with text before and after. */
static void utf8_verdict_does_not_depend_on_the_place(void **state)
{
	char text[80];

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		for (size_t at = 0; at < 24; at++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, ROWS[i].text.p, ROWS[i].text.n);
			assert_row(utf8_valid((str){ text, sizeof(text) }) == ROWS[i].valid, i);
		}
	}
}

static void utf8_feed_gives_the_same_verdict_for_every_split(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		for (size_t cut = 0; cut <= ROWS[i].text.n; cut++) {
			struct utf8 u = { 0 };
			bool ok = utf8_feed(&u, str_take(ROWS[i].text, cut)) &&
				  utf8_feed(&u, str_skip(ROWS[i].text, cut)) &&
				  utf8_at_boundary(&u);

			assert_row(ok == ROWS[i].valid, i);
		}
	}
}

static void utf8_feed_fails_at_the_first_hopeless_byte(void **state)
{
	struct utf8 u = { 0 };

	assert_true(utf8_feed(&u, S("\xe0")));
	assert_false(utf8_at_boundary(&u));
	assert_false(utf8_feed(&u, S("\x9f")));
	assert_false(utf8_feed(&u, S("a")));
}

static bool is_scalar(uint32_t cp)
{
	return cp < 0x110000 && (cp < 0xd800 || cp > 0xdfff);
}

/* All 2^21 ways to fill the four forms with a code point: the encoder's spelling is the only
 * valid one. */
static void utf8_every_scalar_has_exactly_one_valid_spelling(void **state)
{
	for (uint32_t cp = 0; cp < 0x200000; cp++) {
		char forms[3][4] = {
			{ (char)(0xc0 | (cp >> 6 & 31)), (char)(0x80 | (cp & 63)) },
			{ (char)(0xe0 | (cp >> 12 & 15)), (char)(0x80 | (cp >> 6 & 63)),
			  (char)(0x80 | (cp & 63)) },
			{ (char)(0xf0 | cp >> 18), (char)(0x80 | (cp >> 12 & 63)),
			  (char)(0x80 | (cp >> 6 & 63)), (char)(0x80 | (cp & 63)) },
		};
		char right[4];
		size_t n = is_scalar(cp) ? utf8_encode(cp, right) : 0;

		assert_row(n == 0 || utf8_valid((str){ right, n }), cp);
		for (size_t len = 2; len <= 4; len++)
			if (cp < 1u << (5 * len + (len == 2)))
				assert_row(utf8_valid((str){ forms[len - 2], len }) == (n == len),
					   cp);
	}
}

static void utf8_truncate_never_cuts_a_character(void **state)
{
	str text = S("a\xc3\xbc\xe4\xbd\xa0\xf0\x9f\x91\x8b");
	static const size_t WANT[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

	for (size_t max = 0; max < ARRAY_LEN(WANT); max++)
		assert_row(utf8_truncate(text, max).n == WANT[max], max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_accepts_rfc_3629_and_nothing_else),
		cmocka_unit_test(utf8_verdict_does_not_depend_on_the_place),
		cmocka_unit_test(utf8_feed_gives_the_same_verdict_for_every_split),
		cmocka_unit_test(utf8_feed_fails_at_the_first_hopeless_byte),
		cmocka_unit_test(utf8_every_scalar_has_exactly_one_valid_spelling),
		cmocka_unit_test(utf8_truncate_never_cuts_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
