#include "core/channel_name.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

#include <stdio.h>

static const struct {
	const char *name;
	unsigned traits;
} TRAITS[] = {
	{ "my-channel", 0 },
	{ "private-chat", CHANNEL_AUTHORIZED },
	{ "private-", CHANNEL_AUTHORIZED },
	{ "private-encrypted-vault", CHANNEL_AUTHORIZED | CHANNEL_ENCRYPTED },
	{ "private-encrypted-cache-vault", CHANNEL_AUTHORIZED | CHANNEL_ENCRYPTED | CHANNEL_CACHE },
	{ "private-cache-prices", CHANNEL_AUTHORIZED | CHANNEL_CACHE },
	{ "presence-room", CHANNEL_AUTHORIZED | CHANNEL_PRESENCE },
	{ "presence-cache-room", CHANNEL_AUTHORIZED | CHANNEL_PRESENCE | CHANNEL_CACHE },
	{ "cache-prices", CHANNEL_CACHE },
	{ "#server-to-user-42", CHANNEL_USER },
	{ "", 0 },
	{ "private", 0 },
	{ "Private-chat", 0 },
	{ "PRESENCE-room", 0 },
	{ "xprivate-chat", 0 },
	{ "#private-chat", 0 },
	{ "#server-to-user", 0 },
	{ "private-encrypted", CHANNEL_AUTHORIZED },
	{ "private-#server-to-user-1", CHANNEL_AUTHORIZED },
	/* "cache-" anywhere but in front says nothing */
	{ "private-mycache-1", CHANNEL_AUTHORIZED },
	{ "private-x-cache-1", CHANNEL_AUTHORIZED },
	{ "presence-mycache-1", CHANNEL_AUTHORIZED | CHANNEL_PRESENCE },
	{ "private-encrypted-mycache-1", CHANNEL_AUTHORIZED | CHANNEL_ENCRYPTED },
	{ "my-cache-1", 0 },
	{ "private-cache", CHANNEL_AUTHORIZED },
	{ "private-cache-encrypted-x", CHANNEL_AUTHORIZED | CHANNEL_CACHE },
	{ "presence-encrypted-x", CHANNEL_AUTHORIZED | CHANNEL_PRESENCE },
};

static void prefix_alone_decides_the_traits(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(TRAITS); i++)
		assert_row(channel_traits(str_from_cstr(TRAITS[i].name)) == TRAITS[i].traits, i);
}

static void base_is_what_follows_the_prefix(void **state)
{
	static const struct {
		const char *name, *base;
	} rows[] = {
		{ "room", "room" },
		{ "private-room", "room" },
		{ "private-cache-room", "room" },
		{ "private-encrypted-cache-private-x", "private-x" },
		{ "presence-cache-", "" },
		{ "cache-a:b", "a:b" },
		{ "#server-to-user-1", "#server-to-user-1" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_str(channel_base(str_from_cstr(rows[i].name)), str_from_cstr(rows[i].base));
}

static void private_and_presence_always_need_a_signature(void **state)
{
	static const char *const MIDDLES[] = { "",	     "cache-",
					       "encrypted-", "encrypted-cache-",
					       "mycache-",   "CACHE-",
					       "-cache-",    "cache" };
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(MIDDLES); i++) {
		snprintf(name, sizeof(name), "private-%sx", MIDDLES[i]);
		assert_true(channel_traits(str_from_cstr(name)) & CHANNEL_AUTHORIZED);
		snprintf(name, sizeof(name), "presence-%sx", MIDDLES[i]);
		assert_true(channel_traits(str_from_cstr(name)) & CHANNEL_AUTHORIZED);
		assert_true(channel_traits(str_from_cstr(name)) & CHANNEL_PRESENCE);
	}
}

static void user_channel_names_its_user(void **state)
{
	assert_str(channel_user(S("#server-to-user-42")), S("42"));
	assert_str(channel_user(S("#server-to-user-a-b#c")), S("a-b#c"));
	assert_int_equal(channel_user(S("#server-to-user-")).n, 0);
}

/* The err for a name, and the text in out. */
static err check(str name, uint32_t bytes_max, char *out, size_t out_bytes)
{
	str problem = S("untouched");
	struct arena a;
	err e;

	arena_init(&a, 4096);
	e = channel_name_check(name, bytes_max, &a, &problem);
	snprintf(out, out_bytes, "%.*s", STR_ARG(problem));
	arena_fini(&a);
	return e;
}

static void legal_characters_are_exactly_the_documented_ones(void **state)
{
	static const char LEGAL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "-_=@,;.:#";
	char text[256];

	for (unsigned c = 0; c < 256; c++) {
		char name[] = { 'a', (char)c };
		bool is_legal = c && strchr(LEGAL, (int)c);

		assert_row(check((str){ name, 2 }, 200, text, sizeof(text)) ==
				   (is_legal ? OK : ERR_SYNTAX),
			   c);
	}
	assert_int_equal(check(str_from_cstr(LEGAL), 200, text, sizeof(text)), OK);
	assert_string_equal(text, "untouched");
}

static void name_may_be_as_long_as_the_limit(void **state)
{
	char name[1001], text[256];

	memset(name, 'a', sizeof(name));
	assert_int_equal(check((str){ name, 200 }, 200, text, sizeof(text)), OK);
	assert_int_equal(check((str){ name, 201 }, 200, text, sizeof(text)), ERR_LIMIT);
	assert_int_equal(check((str){ name, 1000 }, 1000, text, sizeof(text)), OK);
	assert_int_equal(check((str){ name, 1001 }, 1000, text, sizeof(text)), ERR_LIMIT);
	assert_int_equal(check((str){ name, 1 }, 1, text, sizeof(text)), OK);
}

static void length_counts_bytes_and_comes_before_characters(void **state)
{
	char text[256];

	assert_int_equal(check(S("éé"), 3, text, sizeof(text)), ERR_LIMIT);
	assert_int_equal(check(S("éé"), 4, text, sizeof(text)), ERR_SYNTAX);
}

#define P "Channel name contains invalid characters"
static const struct {
	str name;
	const char *problem;
} PROBLEMS[] = {
	{ { "a b", 3 }, P ": 'a b' (invalid chars: [' '])" },
	{ { "a/b", 3 }, P ": 'a/b' (invalid chars: ['/'])" },
	{ { "caf\xc3\xa9", 5 }, P ": 'café' (invalid chars: ['é'])" },
	{ { "a\"b", 3 }, P ": 'a\"b' (invalid chars: ['\"'])" },
	{ { "a\nb", 3 }, P ": 'a\nb' (invalid chars: ['\\n'])" },
	{ { "a*", 2 }, P ": 'a*' (invalid chars: ['*'])" },
	{ { "[meta]a", 7 }, P ": '[meta]a' (invalid chars: ['[', ']'])" },
	/* as often as they occur */
	{ { "a b c", 5 }, P ": 'a b c' (invalid chars: [' ', ' '])" },
	{ { "!?!", 3 }, P ": '!?!' (invalid chars: ['!', '?', '!'])" },
	/* escaped as in Rust */
	{ { "\t\r'\\", 4 }, P ": '\t\r'\\' (invalid chars: ['\\t', '\\r', '\\'', '\\\\'])" },
	{ { "\x01\x1f\x7f", 3 },
	  P ": '\x01\x1f\x7f' (invalid chars: ['\\u{1}', '\\u{1f}', '\\u{7f}'])" },
	{ { "\xc2\x80\xc2\xa0\xc2\xad", 6 },
	  P ": '\xc2\x80\xc2\xa0\xc2\xad' (invalid chars: ['\\u{80}', '\\u{a0}', '\\u{ad}'])" },
	{ { "e\xcc\x81", 3 }, P ": 'e\xcc\x81' (invalid chars: ['\\u{301}'])" },
	{ { "\xe2\x80\xae", 3 }, P ": '\xe2\x80\xae' (invalid chars: ['\\u{202e}'])" },
	{ { "\xf4\x8f\xbf\xbf", 4 }, P ": '\xf4\x8f\xbf\xbf' (invalid chars: ['\\u{10ffff}'])" },
	{ { "~\xe2\x82\xac\xf0\x9f\x98\x80", 8 },
	  P ": '~\xe2\x82\xac\xf0\x9f\x98\x80' (invalid chars: ['~', '€', '😀'])" },
	/* nothing to quote */
	{ { "", 0 }, P },
	{ { NULL, 0 }, P },
	{ { "a\xff", 2 }, P },
	{ { "a\xc3", 2 }, P },
	{ { "\xed\xa0\x80", 3 }, P },
};

static void problem_names_each_bad_character(void **state)
{
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(PROBLEMS); i++) {
		assert_int_equal(check(PROBLEMS[i].name, 200, text, sizeof(text)), ERR_SYNTAX);
		assert_string_equal(text, PROBLEMS[i].problem);
	}
}

static void problem_shows_nul_as_an_escape(void **state)
{
	struct arena a;
	str problem;

	arena_init(&a, 4096);
	assert_int_equal(channel_name_check((str){ "a\0b", 3 }, 200, &a, &problem), ERR_SYNTAX);
	assert_str(problem, S(P ": 'a\0b' (invalid chars: ['\\0'])"));
	arena_fini(&a);
}

static void longest_problem_is_complete(void **state)
{
	char name[1000], text[16384];

	memset(name, 0x7f, sizeof(name));
	assert_int_equal(check((str){ name, sizeof(name) }, 1000, text, sizeof(text)), ERR_SYNTAX);
	assert_int_equal(strlen(text), strlen(P ": '' (invalid chars: [])") + 1000 * 11 - 2);
}

static void problem_is_shorter_when_memory_is_short(void **state)
{
	char text[256];

	mem_fail_nth(1);
	assert_int_equal(check(S("a b"), 200, text, sizeof(text)), ERR_SYNTAX);
	mem_fail_nth(0);
	assert_string_equal(text, P);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_alone_decides_the_traits),
		cmocka_unit_test(base_is_what_follows_the_prefix),
		cmocka_unit_test(private_and_presence_always_need_a_signature),
		cmocka_unit_test(user_channel_names_its_user),
		cmocka_unit_test(legal_characters_are_exactly_the_documented_ones),
		cmocka_unit_test(name_may_be_as_long_as_the_limit),
		cmocka_unit_test(length_counts_bytes_and_comes_before_characters),
		cmocka_unit_test(problem_names_each_bad_character),
		cmocka_unit_test(problem_shows_nul_as_an_escape),
		cmocka_unit_test(longest_problem_is_complete),
		cmocka_unit_test(problem_is_shorter_when_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
