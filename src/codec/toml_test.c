/* What documents mean, where each piece of them stands, and what is said about bad ones. A second
 * opinion on many more comes from tests/oracle. */
#include "codec/toml.h"

#include "base/check.h"
#include "base/json.h"
#include "base/testing.h"

#include <stdio.h>

static const struct {
	const char *toml, *json;
} GOOD[] = {
	{ "", "{}" },
	{ "# nothing\n\n", "{}" },
	{ "a = 1", "{'a':1}" },
	{ "a = 'x'\r\nb = \"y\\n\\u00e9\\U0001F600\" # c\r\n",
	  "{'a':'x','b':'y\\n\xc3\xa9\xf0\x9f\x98\x80'}" },
	{ "'a b'.\"c.d\" . e = true", "{'a b':{'c.d':{'e':true}}}" },
	{ "a = 0xFF\nb = 0o17\nc = 0b11\nd = -1_000\ne = +5\nf = -0",
	  "{'a':255,'b':15,'c':3,'d':-1000,'e':5,'f':0}" },
	{ "a = 9223372036854775807\nb = -9223372036854775808",
	  "{'a':9223372036854775807,'b':-9223372036854775808}" },
	{ "a = 1.50\nb = +1e+05\nc = -6.6_2E-3", "{'a':1.50,'b':1e+05,'c':-6.62e-3}" },
	{ "a = \"\"\"\nx\\\n   y\"\"\"\"\nb = '''\r\nx\r\n'''", "{'a':'xy\\u0022','b':'x\\n'}" },
	{ "a = [ 1, [ 2 ], # c\n { b = 3 }, ]", "{'a':[1,[2],{'b':3}]}" },
	{ "a = { b.c = 1, b.d = 2, e = {} }", "{'a':{'b':{'c':1,'d':2},'e':{}}}" },
	{ "[a.b]\nc = 1\n[d]\n[a]\ne = 2", "{'a':{'b':{'c':1},'e':2},'d':{}}" },
	{ "[[a]]\nb = 1\n[a.c]\nd = 2\n[[a]]", "{'a':[{'b':1,'c':{'d':2}},{}]}" },
	{ "a = 1979-05-27\nb = 07:32:00\nc = 1979-05-27 07:32:00.5-07:00\nd = -inf\ne = nan",
	  "{'a':'1979-05-27','b':'07:32:00','c':'1979-05-27 07:32:00.5-07:00','d':'-inf',"
	  "'e':'nan'}" },
};

static const struct {
	const char *toml, *problem; /* "line:column key: text, line of the first" */
} BAD[] = {
	{ "a", "1:2 the text ends too early" },
	{ "a\n", "1:2 expected '=' after a key" },
	{ "a =", "1:4 the text ends too early" },
	{ "a = \n", "1:5 expected a value; a text stands in quotes" },
	{ "a = b", "1:5 expected a value; a text stands in quotes" },
	{ "a = 1 b", "1:7 expected the end of the line" },
	{ "a = 'x", "1:7 the text ends too early" },
	{ "a = 'x\n'", "1:7 a string ends with its line, unless it is quoted three times" },
	{ "a = \"\\x\"", "1:6 unknown escape in a string; in '…' a backslash is a backslash" },
	{ "a = \"\\ud800\"", "1:6 there is no such character" },
	{ "a = \"\\u12\"", "1:6 \\u needs four hexadecimal digits" },
	{ "a = \"\x01\"", "1:6 control character in a string" },
	{ "# \x01\n", "1:3 control character in a comment" },
	{ "a = '\xff'", "1:6 invalid UTF-8" },
	{ "\xef\xbb\xbf", "1:1 the file begins with a byte order mark" },
	{ "a = 01", "1:5 a number may not begin with zero" },
	{ "a = 1__0", "1:5 expected a value; a text stands in quotes" },
	{ "a = 0xFFFFFFFFFFFFFFFF", "1:5 a whole number has at most 63 bits" },
	{ "a = 2023-02-29", "1:5 there is no such date or time" },
	{ "a = 25:00:00", "1:5 there is no such date or time" },
	{ "a = [ 1 2 ]", "1:9 expected ',' or ']'" },
	{ "a = { b = 1,\n }", "1:13 expected a key" },
	{ "a = { b = 1\n }", "1:12 expected ',' or '}' in the same line" },
	{ "[a\n", "1:3 expected ']'" },
	{ "[[a]\n", "1:4 expected ']]'" },
	{ "[]\n", "1:2 expected a key" },
	{ "\"\"\"a\"\"\" = 1", "1:1 a key cannot span lines" },
	{ "a = 1\nb = 2\na = 3", "3:1 a: comes twice, 1" },
	{ "[x]\na = 1\n\n[x]", "4:2 x: comes twice, 1" },
	{ "[x.y]\n[x]\ny.z = 1", "3:1 x.y: takes no further keys, 1" },
	{ "[[l]]\n[[l]]\na = 1\na = 2", "4:1 l[1].a: comes twice, 3" },
	{ "a = 1\n[a.b]", "2:2 a: takes no further keys, 1" },
	{ "a = [ {} ]\n[[a]]", "2:3 a: takes no further keys, 1" },
	{ "a.b = 1\n[a]", "2:2 a: comes twice, 1" },
};

/* ' for ", which C writes with a backslash. */
static str quoted(const char *json, struct arena *a)
{
	str copy = arena_copy(a, str_from_cstr(json));

	for (size_t i = 0; i < copy.n; i++) {
		if (copy.p[i] == '\'')
			((char *)copy.p)[i] = '"';
	}
	return copy;
}

static void documents_mean_what_toml_says(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		struct toml_json j;
		struct toml_error e;
		struct arena a;
		struct json v;
		struct buf b;

		arena_init(&a, 0);
		buf_init(&b, 4096);
		assert_row(toml_to_json(str_from_cstr(GOOD[i].toml), 8, &a, &j, &e) == OK, i);
		assert_row(json_parse(j.text, 8, &v, NULL) == OK, i);
		jw_compact(&b, v);
		/* The writer escapes quotes in its own way. */
		if (!memmem(GOOD[i].json, strlen(GOOD[i].json), "\\u0022", 6))
			assert_row(str_eq(buf_str(&b), quoted(GOOD[i].json, &a)), i);
		else
			assert_row(memmem(b.p, b.len, "xy\\\"", 4) != NULL, i);
		buf_fini(&b);
		arena_fini(&a);
	}
}

static void bad_documents_are_refused_with_place_and_reason(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		str text = str_from_cstr(BAD[i].toml);
		unsigned line, column;
		struct toml_json j;
		struct toml_error e;
		struct arena a;
		struct buf b;

		arena_init(&a, 0);
		buf_init(&b, 4096);
		assert_row(toml_to_json(text, 8, &a, &j, &e) == ERR_SYNTAX, i);
		json_position(text, e.offset, &line, &column);
		buf_printf(&b, "%u:%u ", line, column);
		if (e.key.n)
			buf_printf(&b, "%.*s: ", STR_ARG(e.key));
		buf_puts(&b, str_from_cstr(e.text));
		if (e.first != TOML_NO_OFFSET) {
			json_position(text, e.first, &line, &column);
			buf_printf(&b, ", %u", line);
		}
		if (!str_eq(buf_str(&b), str_from_cstr(BAD[i].problem)))
			fail_msg("row %zu: %.*s", i, STR_ARG(buf_str(&b)));
		buf_fini(&b);
		arena_fini(&a);
	}
}

/* The place of the first value of that text in the JSON. */
static size_t source_of(const struct toml_json *j, const char *piece)
{
	const char *p = memmem(j->text.p, j->text.n, piece, strlen(piece));

	assert_non_null(p);
	return toml_mark_at(j, (size_t)(p - j->text.p))->from;
}

static void every_key_and_value_is_led_back_to_its_place(void **state)
{
	static const char text[] = "one = 1\n[a]\ntwo.'three' = 3_3\n[b.c]\nl = [ 4, {d = 5} ]\n"
				   "[[e]]\n[a.f]\nday = 1979-05-27\n";
	static const struct {
		const char *json, *toml;
	} table[] = {
		{ "\"one\"", "one" }, { "1,", "1\n" },	      { "\"a\"", "a]" },
		{ "\"two\"", "two" }, { "\"three\"", "'th" }, { "33", "3_3" },
		{ "\"b\"", "b.c" },   { "\"c\"", "c]" },      { "[4", "[ 4" },
		{ "4,", "4," },	      { "{\"d\"", "{d" },     { "\"d\"", "d =" },
		{ "5}", "5}" },	      { "\"e\"", "e]]" },     { "{}", "e]]" },
		{ "\"f\"", "f]\n" },  { "\"day\"", "day" },   { "\"1979", "1979" },
	};
	struct toml_json j;
	struct toml_error e;
	struct arena a;

	arena_init(&a, 0);
	assert_int_equal(toml_to_json(str_from_cstr(text), 8, &a, &j, &e), OK);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_row(source_of(&j, table[i].json) ==
				   (size_t)(strstr(text, table[i].toml) - text),
			   i);
	assert_true(toml_mark_at(&j, str_find_char(j.text, '9') - 2)->is_foreign);
	assert_false(toml_mark_at(&j, 1)->is_foreign);
	arena_fini(&a);
}

/* Tables, lists and dotted keys count alike. */
static void nesting_is_bounded(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} table[] = {
		{ "a.b.c = 1", true },
		{ "a.b.c.d = 1", false },
		{ "[a.b]\nc = 1", true },
		{ "[a.b.c]", false },
		{ "a = [[]]", true },
		{ "a = [[[]]]", false },
		{ "[[a]]\nb = 1", true },
		{ "[[a]]\nb.c = 1", false },
		{ "[[a.b]]", false },
		{ "a = {b = {}}", true },
		{ "a = {b = {c = {}}}", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct toml_json j;
		struct toml_error e;
		struct arena a;
		struct json v;

		arena_init(&a, 0);
		assert_row(toml_to_json(str_from_cstr(table[i].text), 3, &a, &j, &e) ==
				   (table[i].is_good ? OK : ERR_DEPTH),
			   i);
		if (table[i].is_good)
			assert_row(json_parse(j.text, 3, &v, NULL) == OK, i);
		arena_fini(&a);
	}
}

/* Whatever is cut off, there is an answer, and its place lies in the text. */
static void a_document_may_end_anywhere(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		size_t n = strlen(GOOD[i].toml);

		for (size_t cut = 0; cut < n; cut++) {
			struct toml_json j;
			struct toml_error e;
			struct arena a;
			err got;

			arena_init(&a, 0);
			got = toml_to_json((str){ GOOD[i].toml, cut }, 8, &a, &j, &e);
			assert_row(got == OK || (e.offset <= cut && e.text), i);
			arena_fini(&a);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_mean_what_toml_says),
		cmocka_unit_test(bad_documents_are_refused_with_place_and_reason),
		cmocka_unit_test(every_key_and_value_is_led_back_to_its_place),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(a_document_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
