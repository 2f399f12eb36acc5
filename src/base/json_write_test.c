#include "base/json.h"

#include "base/check.h"
#include "base/testing.h"

static void json_writer_escapes_what_it_must_and_no_more(void **state)
{
	static const struct {
		str plain, want;
	} ROWS[] = {
		{ S(""), S("\"\"") },
		{ S("abc"), S("\"abc\"") },
		{ S("\"\\"), S("\"\\\"\\\\\"") },
		{ S("\b\t\n\f\r"), S("\"\\b\\t\\n\\f\\r\"") },
		{ S("\0\x01\x0b\x1f"), S("\"\\u0000\\u0001\\u000b\\u001f\"") },
		{ S("</a> \x7f gr\xc3\xbc\xc3\x9f"), S("\"</a> \x7f gr\xc3\xbc\xc3\x9f\"") },
	};
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		buf_clear(&b);
		jw_string(&b, ROWS[i].plain);
		assert_str(buf_str(&b), ROWS[i].want);
		buf_clear(&b);
		jw_escape(&b, ROWS[i].plain);
		assert_str(buf_str(&b), ((str){ ROWS[i].want.p + 1, ROWS[i].want.n - 2 }));
	}
	buf_fini(&b);
}

/* Every character, at every distance from a word boundary. */
static void json_written_strings_read_back_the_same(void **state)
{
	struct arena a;
	struct buf b;

	arena_init(&a, 4096);
	buf_init(&b, 1000);
	for (int c = 0; c < 128; c++) {
		for (size_t at = 0; at < 20; at++) {
			char text[24];
			struct json v;

			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			buf_clear(&b);
			jw_string(&b, (str){ text, sizeof(text) });
			assert_row(json_parse(buf_str(&b), 0, &v, NULL) == OK, c);
			assert_str(json_decode(v, &a), ((str){ text, sizeof(text) }));
		}
		arena_reset(&a);
	}
	buf_fini(&b);
	arena_fini(&a);
}

static void json_writer_respects_the_maximum(void **state)
{
	struct buf b;

	buf_init(&b, 7);
	jw_string(&b, S("\n\n"));
	assert_true(buf_ok(&b) && b.len == 6);
	jw_escape(&b, S("\n"));
	assert_false(buf_ok(&b));
	buf_fini(&b);
}

static void json_compact_drops_blanks_between_tokens_alone(void **state)
{
	static const struct {
		str text, want;
	} ROWS[] = {
		{ S(" 1 "), S("1") },
		{ S("\" a \\\" b \""), S("\" a \\\" b \"") },
		{ S("{ \"a b\" : [ 1 ,\t2 ] ,\r\n\"c\":{ } }"), S("{\"a b\":[1,2],\"c\":{}}") },
		{ S("[\" \" , \"\\\\\" , 1e5 ]"), S("[\" \",\"\\\\\",1e5]") },
		{ S("[1,2]"), S("[1,2]") },
	};
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct json v;

		assert_row(json_parse(ROWS[i].text, 4, &v, NULL) == OK, i);
		buf_clear(&b);
		jw_compact(&b, v);
		assert_str(buf_str(&b), ROWS[i].want);
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_writer_escapes_what_it_must_and_no_more),
		cmocka_unit_test(json_written_strings_read_back_the_same),
		cmocka_unit_test(json_writer_respects_the_maximum),
		cmocka_unit_test(json_compact_drops_blanks_between_tokens_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
