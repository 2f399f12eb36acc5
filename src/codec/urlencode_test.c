#include "codec/urlencode.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#define LIT(text)                                                                                  \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
#define REPLACEMENT "\xef\xbf\xbd"

struct row {
	str in, out;
};

/* From memory that ends where the text ends, so that a sanitizer sees a read behind it. */
static void assert_decodes(str decode(str s, struct arena *a), const struct row *row)
{
	struct arena a;
	char *in = xalloc(row->in.n + (row->in.n == 0));
	str got;

	arena_init(&a, 0);
	memcpy(in, row->in.p, row->in.n);
	got = decode((str){ in, row->in.n }, &a);
	if (!str_eq(got, row->out))
		fail_msg("'%s' gives '%.*s'", row->in.p, STR_ARG(got));
	xfree(in);
	arena_fini(&a);
}

static void url_decode_undoes_percent_signs_only(void **state)
{
	static const struct row rows[] = {
		{ LIT(""), LIT("") },
		{ LIT("plain"), LIT("plain") },
		{ LIT("a+b"), LIT("a+b") },
		{ LIT("a%20b+c%2F%2f"), LIT("a b+c//") },
		{ LIT("%41%4a"), LIT("AJ") },
		{ LIT("%00%ff\xfe"), LIT("\0\xff\xfe") },
		{ LIT("%"), LIT("%") },
		{ LIT("%4"), LIT("%4") },
		{ LIT("%zz%4g%g4"), LIT("%zz%4g%g4") },
		{ LIT("%%41"), LIT("%A") },
		{ LIT("%2541"), LIT("%41") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_decodes(url_decode, &rows[i]);
}

static void form_decode_knows_plus_and_replaces_invalid_text(void **state)
{
	static const struct row rows[] = {
		{ LIT(""), LIT("") },
		{ LIT("a+b%2B%20"), LIT("a b+ ") },
		{ LIT("%C3%A9\xc3\xa9"), LIT("\xc3\xa9\xc3\xa9") },
		{ LIT("%"), LIT("%") },
		{ LIT("100%+%3"), LIT("100% %3") },
		/* one for each piece that no character begins with */
		{ LIT("%ff"), LIT(REPLACEMENT) },
		{ LIT("a\xff"
		      "b"),
		  LIT("a" REPLACEMENT "b") },
		{ LIT("%80%80"), LIT(REPLACEMENT REPLACEMENT) },
		{ LIT("%C3"), LIT(REPLACEMENT) },
		{ LIT("%C3x"), LIT(REPLACEMENT "x") },
		{ LIT("%C3%C3%A9"), LIT(REPLACEMENT "\xc3\xa9") },
		{ LIT("%E2%98x"), LIT(REPLACEMENT "x") },
		{ LIT("%E2%98"), LIT(REPLACEMENT) },
		{ LIT("%F0%9F%98%F0%9F%98%80"), LIT(REPLACEMENT "\xf0\x9f\x98\x80") },
		{ LIT("%E0%80%80"), LIT(REPLACEMENT REPLACEMENT REPLACEMENT) },
		{ LIT("%ED%A0%80"), LIT(REPLACEMENT REPLACEMENT REPLACEMENT) },
		{ LIT("%C0%AF"), LIT(REPLACEMENT REPLACEMENT) },
		{ LIT("%F5%80"), LIT(REPLACEMENT REPLACEMENT) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_decodes(form_decode, &rows[i]);
}

static void text_without_escapes_is_not_copied(void **state)
{
	str plain = S("filter_by_prefix");
	struct arena a;

	arena_init(&a, 0);
	assert_ptr_equal(url_decode(plain, &a).p, plain.p);
	assert_ptr_equal(form_decode(plain, &a).p, plain.p);
	arena_fini(&a);
}

/* Pairs as name=value; joined by a bar. */
static void assert_pairs(str query, const char *wanted)
{
	struct query_pair pair;
	struct arena a;
	char got[100];
	size_t n = 0;

	arena_init(&a, 0);
	while (query_next(&query, &a, &pair)) {
		int added = snprintf(got + n, sizeof(got) - n, "%.*s=%.*s|", STR_ARG(pair.name),
				     STR_ARG(pair.value));

		n += (size_t)added;
	}
	got[n] = '\0';
	assert_string_equal(got, wanted);
	arena_fini(&a);
}

static void query_is_cut_into_pairs(void **state)
{
	assert_pairs(S(""), "");
	assert_pairs(S("&&"), "");
	assert_pairs(S("a=1&b=2"), "a=1|b=2|");
	assert_pairs(S("&a=1&&b=2&"), "a=1|b=2|");
	assert_pairs(S("a"), "a=|");
	assert_pairs(S("a=&=b&="), "a=|=b|=|");
	assert_pairs(S("a=b=c"), "a=b=c|");
	assert_pairs(S("a%26b=c%3Dd%26e"), "a&b=c=d&e|");
	assert_pairs(S("a+b=c+d&info[]=1"), "a b=c d|info[]=1|");
	assert_pairs(S("a=1&a=2&A=3"), "a=1|a=2|A=3|");
}

static void assert_segments(str path, const char *wanted)
{
	char got[100] = { 0 };
	size_t n = 0;
	str segment;

	while (path_next(&path, &segment))
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s|", STR_ARG(segment));
	assert_string_equal(got, wanted);
}

static void path_is_cut_into_segments(void **state)
{
	assert_segments(S(""), "");
	assert_segments(S("/"), "|");
	assert_segments(S("/up"), "up|");
	assert_segments(S("/apps/a%2Fb/events"), "apps|a%2Fb|events|");
	assert_segments(S("/app/"), "app||");
	assert_segments(S("//x"), "|x|");
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(url_decode_undoes_percent_signs_only),
	cmocka_unit_test(form_decode_knows_plus_and_replaces_invalid_text),
	cmocka_unit_test(text_without_escapes_is_not_copied),
	cmocka_unit_test(query_is_cut_into_pairs),
	cmocka_unit_test(path_is_cut_into_segments),
};

int main(void)
{
	return cmocka_run_group_tests_name("urlencode", TESTS, NULL, NULL);
}
