#include "base/json.h"

#include "base/check.h"
#include "base/testing.h"

static struct json parsed(str text)
{
	struct json v = { 0 };

	assert_int_equal(json_parse(text, 16, &v, NULL), OK);
	return v;
}

static void json_members_come_in_their_order_with_their_text(void **state)
{
	static const struct {
		str key, value;
		enum json_kind kind;
	} WANT[] = {
		{ S("\"a\""), S("-1.50"), JSON_NUMBER },
		{ S("\"b\\n\""), S("\"x\\\"},]\""), JSON_STRING },
		{ S("\"\""), S("{ \"in\" : [1, \"]}\", {}] }"), JSON_OBJECT },
		{ S("\"a\""), S("null"), JSON_NULL },
		{ S("\"l\""), S("[]"), JSON_ARRAY },
		{ S("\"t\""), S("true"), JSON_TRUE },
		{ S("\"f\""), S("false"), JSON_FALSE },
	};
	struct json v = parsed(
		S(" { \"a\" :-1.50 ,\"b\\n\":\"x\\\"},]\", \"\": { \"in\" : [1, \"]}\", {}] }\n"
		  ",\"a\":null,\"l\":[],\"t\":true,\"f\":false } "));
	struct json_iter it = json_enter(v);
	struct json_member m;
	size_t n = 0;

	for (; json_next_member(&it, &m); n++) {
		assert_row(n < ARRAY_LEN(WANT), n);
		assert_str(m.key.raw, WANT[n].key);
		assert_str(m.value.raw, WANT[n].value);
		assert_row(m.key.kind == JSON_STRING && m.value.kind == WANT[n].kind, n);
	}
	assert_int_equal(n, ARRAY_LEN(WANT));
	assert_false(json_next_member(&it, &m));
}

static void json_items_come_in_their_order(void **state)
{
	static const str WANT[] = { S("1"),	    S("[2,[3]]"), S("\"4,\""),
				    S("{\"a\":5}"), S("null"),	  S("-6e1") };
	struct json_iter it = json_enter(parsed(S("[1 ,[2,[3]],\"4,\",{\"a\":5}, null\t,-6e1\n]")));
	struct json item;
	size_t n = 0;

	for (; json_next_item(&it, &item); n++)
		assert_str(item.raw, WANT[n]);
	assert_int_equal(n, ARRAY_LEN(WANT));
}

static void json_empty_containers_have_nothing_in_them(void **state)
{
	static const str ARRAYS[] = { S("[]"), S("[ \n]") }, OBJECTS[] = { S("{}"), S("{\t }") };

	for (size_t i = 0; i < 2; i++) {
		struct json_iter array = json_enter(parsed(ARRAYS[i]));
		struct json_iter object = json_enter(parsed(OBJECTS[i]));
		struct json item;
		struct json_member m;

		assert_false(json_next_item(&array, &item));
		assert_false(json_next_member(&object, &m));
	}
}

static const struct {
	str text, decoded;
} STRINGS[] = {
	{ S("\"\""), S("") },
	{ S("\"plain\""), S("plain") },
	{ S("\"gr\xc3\xbc\xc3\x9f\""), S("gr\xc3\xbc\xc3\x9f") },
	{ S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), S("\"\\/\b\f\n\r\t") },
	{ S("\"a\\nb\""), S("a\nb") },
	{ S("\"\\u0041\\u00fc\\u20AC\""), S("A\xc3\xbc\xe2\x82\xac") },
	{ S("\"\\u0000\""), S("\0") },
	{ S("\"\\ud83d\\udc4b!\""), S("\xf0\x9f\x91\x8b!") },
	{ S("\"\\uDBFF\\uDFFF\""), S("\xf4\x8f\xbf\xbf") },
	/* halves of pairs */
	{ S("\"\\ud83d\""), S("\xef\xbf\xbd") },
	{ S("\"\\udc4b\""), S("\xef\xbf\xbd") },
	{ S("\"\\ud83dx\""), S("\xef\xbf\xbdx") },
	{ S("\"\\ud83d\\n\""), S("\xef\xbf\xbd\n") },
	{ S("\"\\ud83d\\u0041\""), S("\xef\xbf\xbd"
				     "A") },
	{ S("\"\\ud83d\\ud83d\\udc4b\""), S("\xef\xbf\xbd\xf0\x9f\x91\x8b") },
	{ S("\"\\udc4b\\udc4b\""), S("\xef\xbf\xbd\xef\xbf\xbd") },
	{ S("\"\\ud83d\\ue000\""), S("\xef\xbf\xbd\xee\x80\x80") },
	{ S("\"\\udc4b\\ud83d\""), S("\xef\xbf\xbd\xef\xbf\xbd") },
};

static void json_decode_gives_the_characters(void **state)
{
	struct arena a;

	arena_init(&a, 4096);
	for (size_t i = 0; i < ARRAY_LEN(STRINGS); i++)
		assert_str(json_decode(parsed(STRINGS[i].text), &a), STRINGS[i].decoded);
	arena_fini(&a);
}

static void json_decode_borrows_when_nothing_is_escaped(void **state)
{
	str text = S(" \"plain\"");
	struct arena a;

	arena_init(&a, 4096);
	assert_ptr_equal(json_decode(parsed(text), &a).p, text.p + 2);
	assert_null(a.chunks);
	arena_fini(&a);
}

static void json_string_is_compares_the_decoded_characters(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(STRINGS); i++)
		for (size_t j = 0; j < ARRAY_LEN(STRINGS); j++)
			assert_row(json_string_is(parsed(STRINGS[i].text), STRINGS[j].decoded) ==
					   str_eq(STRINGS[i].decoded, STRINGS[j].decoded),
				   i);
	assert_false(json_string_is(parsed(S("\"a\\nb\"")), S("a\n")));
	assert_false(json_string_is(parsed(S("\"a\\nb\"")), S("a\nbc")));
	assert_false(json_string_is(parsed(S("1")), S("1")));
}

static void json_integers_are_taken_only_as_such(void **state)
{
	static const struct {
		str text;
		bool u_ok, i_ok;
		uint64_t u;
		int64_t i;
	} ROWS[] = {
		{ S("0"), true, true, 0, 0 },
		{ S("1000"), true, true, 1000, 1000 },
		{ S("1001"), false, true, 0, 1001 },
		{ S("-5"), false, true, 0, -5 },
		{ S("-0"), false, true, 0, 0 },
		{ S("1.0"), false, false, 0, 0 },
		{ S("1e2"), false, false, 0, 0 },
		{ S("9223372036854775808"), false, false, 0, 0 },
		{ S("\"1\""), false, false, 0, 0 },
		{ S("true"), false, false, 0, 0 },
	};

	for (size_t k = 0; k < ARRAY_LEN(ROWS); k++) {
		struct json v = parsed(ROWS[k].text);
		uint64_t u = 0;
		int64_t i = 0;

		assert_row(json_to_u64(v, 1000, &u) == ROWS[k].u_ok && u == ROWS[k].u, k);
		assert_row(json_to_i64(v, &i) == ROWS[k].i_ok && i == ROWS[k].i, k);
	}
}

static void json_doubles_are_rounded_right_or_refused(void **state)
{
	static char digits[1100];
	double d = 0;

	memset(digits, '1', sizeof(digits));
	assert_true(json_to_double(parsed(S("-12.5e-1")), &d) && d == -1.25);
	assert_true(json_to_double(parsed(S("0.1")), &d) && d == 0.1);
	assert_true(json_to_double(parsed(S("1e-400")), &d) && d == 0);
	assert_false(json_to_double(parsed(S("1e400")), &d));
	assert_false(json_to_double(parsed(S("-1e400")), &d));
	assert_false(json_to_double(parsed((str){ digits, sizeof(digits) }), &d));
	assert_false(json_to_double(parsed(S("\"1\"")), &d));
	/* A number that ends where the text ends, with more digits behind that are not its own. */
	assert_true(json_to_double(parsed((str){ "12345", 2 }), &d) && d == 12);
}

static void json_position_counts_lines_and_bytes_from_one(void **state)
{
	str text = S("{\n  \"a\":\n\nx");
	static const struct {
		size_t offset;
		unsigned line, column;
	} ROWS[] = { { 0, 1, 1 }, { 1, 1, 2 },	{ 2, 2, 1 },  { 4, 2, 3 },
		     { 9, 3, 1 }, { 10, 4, 1 }, { 11, 4, 2 }, { 99, 4, 2 } };

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		unsigned line, column;

		json_position(text, ROWS[i].offset, &line, &column);
		assert_row(line == ROWS[i].line && column == ROWS[i].column, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_members_come_in_their_order_with_their_text),
		cmocka_unit_test(json_items_come_in_their_order),
		cmocka_unit_test(json_empty_containers_have_nothing_in_them),
		cmocka_unit_test(json_decode_gives_the_characters),
		cmocka_unit_test(json_decode_borrows_when_nothing_is_escaped),
		cmocka_unit_test(json_string_is_compares_the_decoded_characters),
		cmocka_unit_test(json_integers_are_taken_only_as_such),
		cmocka_unit_test(json_doubles_are_rounded_right_or_refused),
		cmocka_unit_test(json_position_counts_lines_and_bytes_from_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
