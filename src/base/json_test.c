#include "base/json.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

/* Parses a copy that ends where its memory ends, so that a sanitizer sees any step beyond. */
static err parse_apart(str text, unsigned depth_max, struct json_error *error)
{
	char *copy = xalloc(text.n);
	struct json v;
	err e;

	if (text.n)
		memcpy(copy, text.p, text.n);
	e = json_parse((str){ copy, text.n }, depth_max, &v, error);
	xfree(copy);
	return e;
}

static void json_accepts_rfc_8259(void **state)
{
	static const str ROWS[] = {
		S("null"),
		S("true"),
		S("false"),
		S("0"),
		S("-0"),
		S("-1"),
		S("10"),
		S("0.0"),
		S("1.25e-3"),
		S("1E+2"),
		S("0e0"),
		S("1e400"),
		S("-123456789012345678901234567890.5"),
		S("\"\""),
		S("\"a\""),
		S("\"\x7f\""),
		S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
		S("\"\\u0000\""),
		S("\"\\u00fC\""),
		S("\"\\ud83d\\udc4b\""),
		S("\"\\ud800\""),
		S("\"\\udc00\\ud800\""),
		S("\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8b\""),
		S("\"\xe2\x80\xa8\xef\xbf\xbf\""),
		S("[]"),
		S("{}"),
		S("[[],{}]"),
		S("[1,2]"),
		S(" \t\r\n[ \t1 , 2\n]\r "),
		S("{\"\":0}"),
		S("{\"a\":1,\"a\":2}"),
		S("{ \"a\" : { \"b\" : [ null ] } , \"c\" : \"}\" }"),
		S("[1,[2,{\"a\":[3]},4],5]"),
		S("[{\"a\":{}},{\"b\":[]}]"),
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		assert_row(parse_apart(ROWS[i], 8, NULL) == OK, i);
}

static const struct {
	str text;
	size_t offset;
	const char *why;
} REFUSED[] = {
	{ S(""), 0, "ends too early" },
	{ S(" \n"), 2, "ends too early" },
	{ S("\xef\xbb\xbf{}"), 0, "expected a value" }, /* byte order mark */
	{ S("nul"), 3, "ends too early" },
	{ S("nulx"), 3, "expected a value" },
	{ S("True"), 0, "expected a value" },
	{ S("NaN"), 0, "expected a value" },
	{ S("-Infinity"), 1, "expected a digit" },
	{ S("undefined"), 0, "expected a value" },
	{ S("'a'"), 0, "expected a value" },
	{ S("// c\n1"), 0, "expected a value" },
	{ S("\f1"), 0, "expected a value" },
	{ S("\xc2\xa0"
	    "1"),
	  0, "expected a value" },
	{ S("nullx"), 4, "nothing after" },
	{ S("1 2"), 2, "nothing after" },
	{ S("{}}"), 2, "nothing after" },
	{ S("[]]"), 2, "nothing after" },
	{ S("{}\0"), 2, "nothing after" },
	{ S("01"), 0, "begin with zero" },
	{ S("-01"), 1, "begin with zero" },
	{ S("00"), 0, "begin with zero" },
	{ S("+1"), 0, "expected a value" },
	{ S(".5"), 0, "expected a value" },
	{ S("-"), 1, "ends too early" },
	{ S("-a"), 1, "expected a digit" },
	{ S("1."), 2, "ends too early" },
	{ S("[1.]"), 3, "expected a digit" },
	{ S("1e"), 2, "ends too early" },
	{ S("1e+"), 3, "ends too early" },
	{ S("[1ex]"), 3, "expected a digit" },
	{ S("1.e5"), 2, "expected a digit" },
	{ S("0x1"), 1, "nothing after" },
	{ S("1_0"), 1, "nothing after" },
	{ S("\""), 1, "ends too early" },
	{ S("\"a"), 2, "ends too early" },
	{ S("\"\\\""), 3, "ends too early" },
	{ S("\"\\"), 2, "ends too early" },
	{ S("\"\\x41\""), 1, "unknown escape" },
	{ S("\"\\a\""), 1, "unknown escape" },
	{ S("\"\\U0041\""), 1, "unknown escape" },
	{ S("\"\\u12\""), 1, "four hexadecimal" },
	{ S("\"\\u12g4\""), 1, "four hexadecimal" },
	{ S("\"\\u123"), 1, "four hexadecimal" },
	{ S("\"\n\""), 1, "control character" },
	{ S("\"\0\""), 1, "control character" },
	{ S("\"\x1f\""), 1, "control character" },
	{ S("\"\xff\""), 1, "invalid UTF-8" },
	{ S("\"\xed\xa0\x80\""), 2, "invalid UTF-8" },
	{ S("\"\xc3\""), 2, "invalid UTF-8" },
	{ S("\"\xc0\x80\""), 1, "invalid UTF-8" },
	{ S("["), 1, "ends too early" },
	{ S("[1"), 2, "ends too early" },
	{ S("[1,"), 3, "ends too early" },
	{ S("[1,]"), 3, "expected a value" },
	{ S("[,1]"), 1, "expected a value" },
	{ S("[,]"), 1, "expected a value" },
	{ S("[1,,2]"), 3, "expected a value" },
	{ S("[1 2]"), 3, "expected ',' or ']'" },
	{ S("[1}"), 2, "expected ',' or ']'" },
	{ S("[\"a\":1]"), 4, "expected ',' or ']'" },
	{ S("[}"), 1, "expected a value" },
	{ S("]"), 0, "expected a value" },
	{ S("{"), 1, "ends too early" },
	{ S("{]"), 1, "member name" },
	{ S("{,}"), 1, "member name" },
	{ S("{a:1}"), 1, "member name" },
	{ S("{1:1}"), 1, "member name" },
	{ S("{\"a\"}"), 4, "':'" },
	{ S("{\"a\" 1}"), 5, "':'" },
	{ S("{\"a\",1}"), 4, "':'" },
	{ S("{\"a\":}"), 5, "expected a value" },
	{ S("{\"a\"::1}"), 5, "expected a value" },
	{ S("{\"a\":1,}"), 7, "member name" },
	{ S("{\"a\":1]"), 6, "expected ',' or '}'" },
	{ S("{\"a\":1 \"b\":2}"), 7, "expected ',' or '}'" },
	{ S("{\"a\":[1}"), 7, "expected ',' or ']'" },
	{ S("[{\"a\":1]"), 7, "expected ',' or '}'" },
	{ S("{}{}"), 2, "nothing after" },
	{ S("1,"), 1, "nothing after" },
	{ S("\"a\",\"b\""), 3, "nothing after" },
};

static void json_refuses_everything_else_and_says_where(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
		struct json_error error = { 0 };

		assert_row(parse_apart(REFUSED[i].text, 8, &error) == ERR_SYNTAX, i);
		assert_row(strstr(error.text, REFUSED[i].why), i);
		assert_row(error.offset == REFUSED[i].offset, i);
		assert_row(parse_apart(REFUSED[i].text, 8, NULL) == ERR_SYNTAX, i);
	}
}

/* The eight-byte steps must find each kind of byte wherever it lies in the word. */
static void json_string_verdict_does_not_depend_on_the_place(void **state)
{
	static const struct {
		str piece;
		err want;
	} ROWS[] = {
		{ S("\\n"), OK },
		{ S("\\u00e9"), OK },
		{ S("\xc3\xbc"), OK },
		{ S("\x7f"), OK },
		{ S(" "), OK },
		{ S("!"), OK },
		{ S("#"), OK },
		{ S("["), OK },
		{ S("]"), OK },
		{ S("\xf0\x9f\x91\x8b"), OK },
		{ S("\x1f"), ERR_SYNTAX },
		{ S("\0"), ERR_SYNTAX },
		{ S("\""), ERR_SYNTAX },
		{ S("\\q"), ERR_SYNTAX },
		{ S("\xff"), ERR_SYNTAX },
		{ S("\\u12"), ERR_SYNTAX },
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		for (size_t before = 0; before < 20; before++) {
			for (size_t after = 0; after < 12; after++) {
				size_t n = 0;

				text[n++] = '"';
				memset(text + n, 'x', before);
				n += before;
				memcpy(text + n, ROWS[i].piece.p, ROWS[i].piece.n);
				n += ROWS[i].piece.n;
				memset(text + n, 'x', after);
				n += after;
				text[n++] = '"';
				assert_row(parse_apart((str){ text, n }, 0, NULL) == ROWS[i].want,
					   i);
			}
		}
	}
}

static const str SAMPLE = S(
	"{\"event\":\"client-move\",\"channel\":\"private-room\\u002d1\",\"data\":{\"x\":-12.5e+3,"
	"\"y\":[true,false,null,\"gr\xc3\xbc\xc3\x9f \\ud83d\\udc4b\",{}],\"z\":{\"k\":[[0]]}}}");

static void json_every_truncation_is_an_error(void **state)
{
	assert_int_equal(parse_apart(SAMPLE, 8, NULL), OK);
	for (size_t n = 0; n < SAMPLE.n; n++) {
		struct json_error error;

		assert_row(parse_apart(str_take(SAMPLE, n), 8, &error) == ERR_SYNTAX, n);
		assert_row(error.offset <= n, n);
	}
}

/* Whatever one byte becomes, the answer is a verdict and its offset lies inside. */
static void json_every_changed_byte_gets_a_verdict(void **state)
{
	char text[256];

	for (size_t i = 0; i < SAMPLE.n; i++) {
		for (int c = 0; c < 256; c++) {
			struct json_error error = { 0 };

			memcpy(text, SAMPLE.p, SAMPLE.n);
			text[i] = (char)c;
			if (parse_apart((str){ text, SAMPLE.n }, 8, &error) != OK)
				assert_row(error.text && error.offset <= SAMPLE.n, i);
		}
	}
}

/* depth times open, then close as often. */
static size_t nest(char *text, str open, str close, size_t depth)
{
	size_t n = 0;

	for (size_t i = 0; i < depth; i++, n += open.n)
		memcpy(text + n, open.p, open.n);
	memcpy(text + n, "[]", 2);
	n += 2;
	for (size_t i = 0; i < depth; i++, n += close.n)
		memcpy(text + n, close.p, close.n);
	return n;
}

static void json_depth_limit_is_exact_for_every_container(void **state)
{
	static const struct {
		str open, close;
		unsigned levels;
	} ROWS[] = {
		{ S("["), S("]"), 1 },
		{ S("{\"a\":"), S("}"), 1 },
		{ S("[{\"a\":"), S("}]"), 2 },
		{ S("[1,{\"a\":{\"b\":"), S("},\"c\":0}]"), 3 },
	};
	static const size_t REPEATS[] = { 0, 1, 10, 31, 40, 63, 64, 84 };
	char text[2048];

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		for (size_t j = 0; j < ARRAY_LEN(REPEATS); j++) {
			size_t n = nest(text, ROWS[i].open, ROWS[i].close, REPEATS[j]);
			unsigned depth = (unsigned)REPEATS[j] * ROWS[i].levels + 1;

			assert_row(parse_apart((str){ text, n }, depth, NULL) == OK, i);
			assert_row(parse_apart((str){ text, n }, depth - 1, NULL) == ERR_DEPTH, i);
		}
	}
}

static void json_depth_zero_allows_scalars_alone(void **state)
{
	struct json_error error;

	assert_int_equal(parse_apart(S("1"), 0, NULL), OK);
	assert_int_equal(parse_apart(S(" []"), 0, &error), ERR_DEPTH);
	assert_int_equal(error.offset, 1);
	assert_string_equal(error.text, "nested too deeply");
}

static void json_endless_nesting_is_refused_at_the_limit(void **state)
{
	static char text[100000];
	struct json_error error;

	memset(text, '[', sizeof(text));
	assert_int_equal(parse_apart((str){ text, sizeof(text) }, JSON_DEPTH_MAX, &error),
			 ERR_DEPTH);
	assert_int_equal(error.offset, JSON_DEPTH_MAX);
}

static void json_value_is_the_text_without_blanks_around(void **state)
{
	static const struct {
		str text, raw;
		enum json_kind kind;
		bool has_escapes;
	} ROWS[] = {
		{ S(" null\n"), S("null"), JSON_NULL, false },
		{ S("true"), S("true"), JSON_TRUE, false },
		{ S("false "), S("false"), JSON_FALSE, false },
		{ S("\t1e400"), S("1e400"), JSON_NUMBER, false },
		{ S(" \"a\" "), S("\"a\""), JSON_STRING, false },
		{ S("\"\\u0061\""), S("\"\\u0061\""), JSON_STRING, true },
		{ S(" [ 1, \"\\n\" ] "), S("[ 1, \"\\n\" ]"), JSON_ARRAY, false },
		{ S("{ }"), S("{ }"), JSON_OBJECT, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct json v;

		assert_row(json_parse(ROWS[i].text, 4, &v, NULL) == OK, i);
		assert_str(v.raw, ROWS[i].raw);
		assert_row(v.kind == ROWS[i].kind, i);
		assert_row(v.has_escapes == ROWS[i].has_escapes, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_accepts_rfc_8259),
		cmocka_unit_test(json_refuses_everything_else_and_says_where),
		cmocka_unit_test(json_string_verdict_does_not_depend_on_the_place),
		cmocka_unit_test(json_every_truncation_is_an_error),
		cmocka_unit_test(json_every_changed_byte_gets_a_verdict),
		cmocka_unit_test(json_depth_limit_is_exact_for_every_container),
		cmocka_unit_test(json_depth_zero_allows_scalars_alone),
		cmocka_unit_test(json_endless_nesting_is_refused_at_the_limit),
		cmocka_unit_test(json_value_is_the_text_without_blanks_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
