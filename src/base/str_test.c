#include "base/str.h"

#include "base/check.h"
#include "base/testing.h"

static const str NONE = { NULL, 0 };

static void str_no_view_is_an_empty_text(void **state)
{
	assert_true(str_eq(NONE, S("")));
	assert_true(str_has_prefix(NONE, NONE));
	assert_int_equal(str_find_char(NONE, 'x'), 0);
	assert_int_equal(str_skip(NONE, 3).n, 0);
	assert_int_equal(str_cmp(NONE, S("")), 0);
	assert_int_equal(str_trim(NONE).n, 0);
}

static void str_skip_and_take_stop_at_the_end(void **state)
{
	assert_str(str_skip(S("abc"), 1), S("bc"));
	assert_str(str_skip(S("abc"), 9), S(""));
	assert_str(str_take(S("abc"), 2), S("ab"));
	assert_str(str_take(S("abc"), 9), S("abc"));
}

static void str_nocase_folds_ascii_letters_alone(void **state)
{
	assert_true(str_eq_nocase(S("WebSocket"), S("wEBsOCKET")));
	assert_false(str_eq_nocase(S("["), S("{")));
	assert_false(str_eq_nocase(S("@"), S("`")));
	assert_false(str_eq_nocase(S("\xc3\x84"), S("\xc3\xa4")));
	assert_false(str_eq_nocase(S("ab"), S("abc")));
}

static void str_contains_nocase_finds_anywhere(void **state)
{
	static const struct {
		str a, b;
		bool want;
	} ROWS[] = {
		{ S("keep-alive, Upgrade"), S("upgrade"), true },
		{ S("Upgrade"), S("upgrade"), true },
		{ S("xUPG"), S("upg"), true },
		{ S("upgrad"), S("upgrade"), false },
		{ S("aab"), S("ab"), true },
		{ S("abc"), S(""), true },
		{ S(""), S(""), true },
		{ S(""), S("a"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		assert_row(str_contains_nocase(ROWS[i].a, ROWS[i].b) == ROWS[i].want, i);
}

static void str_cmp_orders_bytewise_shorter_first(void **state)
{
	static const str SORTED[] = { S(""), S("A"), S("a"), S("a\0"), S("ab"), S("b"), S("\xff") };

	for (size_t i = 0; i < ARRAY_LEN(SORTED); i++) {
		for (size_t j = 0; j < ARRAY_LEN(SORTED); j++) {
			int order = str_cmp(SORTED[i], SORTED[j]);

			assert_row((order > 0) - (order < 0) == (i > j) - (i < j), i);
		}
	}
}

static void str_trim_takes_spaces_and_tabs_only(void **state)
{
	assert_str(str_trim(S(" \t a b\t ")), S("a b"));
	assert_str(str_trim(S(" \t ")), S(""));
	assert_str(str_trim(S("\na ")), S("\na"));
}

static void str_split_yields_every_piece_once(void **state)
{
	static const struct {
		str text;
		const char *pieces; /* each in brackets */
	} ROWS[] = {
		{ S("a,bc,d"), "[a][bc][d]" },
		{ S("a,"), "[a][]" },
		{ S(",a"), "[][a]" },
		{ S(","), "[][]" },
		{ S(""), "[]" },
		{ S("abc"), "[abc]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		char got[64] = "", *p = got;
		str rest = ROWS[i].text;

		do {
			str piece = str_split(&rest, ',');

			*p++ = '[';
			memcpy(p, piece.p, piece.n);
			p += piece.n;
			*p++ = ']';
		} while (rest.p);
		assert_str(str_from_cstr(got), str_from_cstr(ROWS[i].pieces));
	}
}

static void str_to_u64_takes_digits_within_max(void **state)
{
	static const struct {
		str text;
		uint64_t max;
		bool ok;
		uint64_t want;
	} ROWS[] = {
		{ S("0"), 0, true, 0 },
		{ S("1"), 0, false, 0 },
		{ S("5"), 3, false, 0 },
		{ S("65535"), 65535, true, 65535 },
		{ S("65536"), 65535, false, 0 },
		{ S("0007"), 10, true, 7 },
		{ S("18446744073709551615"), UINT64_MAX, true, UINT64_MAX },
		{ S("18446744073709551616"), UINT64_MAX, false, 0 },
		{ S("99999999999999999999"), UINT64_MAX, false, 0 },
		{ S("184467440737095516150"), UINT64_MAX, false, 0 },
		{ S(""), 9, false, 0 },
		{ S("+1"), 9, false, 0 },
		{ S("-1"), 9, false, 0 },
		{ S(" 1"), 9, false, 0 },
		{ S("1 "), 9, false, 0 },
		{ S("0x1"), 99, false, 0 },
		{ S("1\0"), 99, false, 0 },
		{ S("\xb1"), 99, false, 0 },
		{ S("1:"), 99, false, 0 },
		{ S("1/"), 99, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		uint64_t got = 0;

		assert_row(str_to_u64(ROWS[i].text, ROWS[i].max, &got) == ROWS[i].ok, i);
		assert_row(got == ROWS[i].want, i);
	}
}

static void str_to_i64_reaches_both_ends(void **state)
{
	static const struct {
		str text;
		bool ok;
		int64_t want;
	} ROWS[] = {
		{ S("-9223372036854775808"), true, INT64_MIN },
		{ S("-9223372036854775809"), false, 0 },
		{ S("9223372036854775807"), true, INT64_MAX },
		{ S("9223372036854775808"), false, 0 },
		{ S("+12"), true, 12 },
		{ S("-0"), true, 0 },
		{ S("-"), false, 0 },
		{ S("+-1"), false, 0 },
		{ S(""), false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		int64_t got = 0;

		assert_row(str_to_i64(ROWS[i].text, &got) == ROWS[i].ok, i);
		assert_row(got == ROWS[i].want, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(str_no_view_is_an_empty_text),
		cmocka_unit_test(str_skip_and_take_stop_at_the_end),
		cmocka_unit_test(str_nocase_folds_ascii_letters_alone),
		cmocka_unit_test(str_contains_nocase_finds_anywhere),
		cmocka_unit_test(str_cmp_orders_bytewise_shorter_first),
		cmocka_unit_test(str_trim_takes_spaces_and_tabs_only),
		cmocka_unit_test(str_split_yields_every_piece_once),
		cmocka_unit_test(str_to_u64_takes_digits_within_max),
		cmocka_unit_test(str_to_i64_reaches_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
