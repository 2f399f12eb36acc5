#include "server/subscribe_request.h"

#include "base/testing.h"
#include "core/app.h"

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X200 X50 X50 X50 X50

static struct arena arena;

static int reset(void **state)
{
	arena_fini(&arena);
	return 0;
}

/* The message {"event":"e"<rest>}. */
static struct pusher_message message(const char *rest)
{
	struct pusher_message m;
	str pieces[] = { S("{\"event\":\"e\""), str_from_cstr(rest), S("}") }, problem;
	struct refusal text;

	refusal_set(&text, &arena, PUSHER_GENERIC, pieces, ARRAY_LEN(pieces));
	assert_int_equal(pusher_parse(text.text, &arena, &m, &problem), OK);
	return m;
}

static void subscribe_request_takes_an_object_or_a_string_that_holds_one(void **state)
{
	static const char *const rows[] = {
		",\"data\":{\"channel\":\"a\\u0062\",\"auth\":\"k:s\",\"channel_data\":\"{}\"}",
		",\"data\":\"{\\\"channel\\\":\\\"ab\\\",\\\"auth\\\":\\\"k:s\\\","
		"\\\"channel_data\\\":\\\"{}\\\"}\"",
		",\"data\":{\"channel\":1,\"filter\":5,\"channel\":\"ab\",\"auth\":\"k:s\","
		"\"channel_data\":\"{}\",\"modes\":{}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pusher_message m = message(rows[i]);
		struct subscribe_request r;
		struct refusal why;

		assert_row(subscribe_request_read(&m, &arena, &r, &why), i);
		assert_str(r.channel, S("ab"));
		assert_str(r.auth, S("k:s"));
		assert_str(r.channel_data, S("{}"));
		assert_row(!r.has_rewind, i);
	}
}

static void subscribe_request_takes_what_is_no_string_for_missing(void **state)
{
	struct pusher_message m =
		message(",\"data\":{\"channel\":\"a\",\"auth\":5,\"channel_data\":{}}");
	struct subscribe_request r;
	struct refusal why;

	assert_true(subscribe_request_read(&m, &arena, &r, &why));
	assert_null(r.auth.p);
	assert_null(r.channel_data.p);
}

static void subscribe_request_is_refused_as_documented(void **state)
{
#define INVALID "Invalid message format: "
	static const struct {
		const char *rest, *text;
	} rows[] = {
		{ "", INVALID "Invalid subscription data format" },
		{ ",\"channel\":\"a\"", INVALID "Invalid subscription data format" },
		{ ",\"data\":null", INVALID "Invalid subscription data format" },
		{ ",\"data\":\"x\"", INVALID "Failed to parse subscription data" },
		{ ",\"data\":\"\"", INVALID "Failed to parse subscription data" },
		{ ",\"data\":\"{}\"", INVALID "Missing channel field in string data" },
		{ ",\"data\":\"5\"", INVALID "Missing channel field in string data" },
		{ ",\"data\":5", INVALID "Missing channel field" },
		{ ",\"data\":true", INVALID "Missing channel field" },
		{ ",\"data\":[]", INVALID "Missing channel field" },
		{ ",\"data\":{}", INVALID "Missing channel field" },
		{ ",\"data\":{\"channel\":5}", INVALID "Missing channel field" },
		{ ",\"data\":{\"channel\":null}", INVALID "Missing channel field" },
		{ ",\"data\":{\"channel\":\"a\",\"channel\":5}", INVALID "Missing channel field" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pusher_message m = message(rows[i].rest);
		struct subscribe_request r;
		struct refusal why;

		assert_row(!subscribe_request_read(&m, &arena, &r, &why), i);
		assert_str(why.text, str_from_cstr(rows[i].text));
		assert_row(why.code == PUSHER_GENERIC, i);
	}
}

static bool check(str name, bool has_rewind, struct refusal *why)
{
	struct subscribe_request r = { .channel = name, .has_rewind = has_rewind };

	return subscribe_request_check(&r, &(struct app){ .limits.max_channel_name_length = 200 },
				       &arena, why);
}

static void subscribe_request_allows_legal_names(void **state)
{
	static const str rows[] = {
		{ "a", 1 },
		{ "-", 1 },
		{ ".", 1 },
		{ "a,b", 3 },
		{ "a;b", 3 },
		{ "ns:x", 4 },
		{ "private-ns:x", 12 },
		{ "cache-", 6 },
		{ "ALL_-=@,.;9", 11 },
		{ "meta", 4 },
		{ X200, 200 },
		{ "#server-to-user-alice", 21 },
	};
	struct refusal why;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(check(rows[i], false, &why), i);
}

static void subscribe_request_refuses_names_as_documented(void **state)
{
#define CHANNEL "Channel error: "
	static const struct {
		str name;
		const char *text;
	} rows[] = {
		{ { "", 0 }, CHANNEL "Channel name contains invalid characters" },
		{ { "a b", 3 },
		  CHANNEL
		  "Channel name contains invalid characters: 'a b' (invalid chars: [' '])" },
		{ { "a/b", 3 },
		  CHANNEL
		  "Channel name contains invalid characters: 'a/b' (invalid chars: ['/'])" },
		{ { "caf\xc3\xa9", 5 },
		  CHANNEL "Channel name contains invalid characters: 'caf\xc3\xa9' (invalid chars: "
			  "['\xc3\xa9'])" },
		{ { X200 "x", 201 }, CHANNEL "Channel name too long. Max length is 200" },
		{ { "a#b", 3 },
		  CHANNEL "Channel 'a#b' uses user-limited syntax but the namespace does not allow "
			  "it" },
		{ { "#x", 2 },
		  CHANNEL "Channel '#x' uses user-limited syntax but the namespace does not allow "
			  "it" },
		{ { "a*", 2 }, CHANNEL "Wildcard subscriptions are only supported on protocol V2" },
		{ { "[meta]a", 7 },
		  CHANNEL "Metachannel subscriptions are only supported on protocol V2" },
	};
	struct refusal why;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(!check(rows[i].name, false, &why), i);
		assert_str(why.text, str_from_cstr(rows[i].text));
		assert_row(why.code == PUSHER_CHANNEL, i);
	}
	assert_false(check(S("a"), true, &why));
	assert_str(why.text, S(CHANNEL "Channel rewind is only supported on protocol V2"));
}

static void subscribe_request_sees_rewind_whatever_its_type(void **state)
{
	static const struct {
		const char *rest;
		bool has_rewind;
	} rows[] = {
		{ ",\"data\":{\"channel\":\"a\",\"rewind\":1}", true },
		{ ",\"data\":{\"channel\":\"a\",\"rewind\":\"2m\"}", true },
		{ ",\"data\":{\"channel\":\"a\",\"rewind\":null}", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pusher_message m = message(rows[i].rest);
		struct subscribe_request r;
		struct refusal why;

		assert_row(subscribe_request_read(&m, &arena, &r, &why), i);
		assert_row(r.has_rewind == rows[i].has_rewind, i);
	}
}

static void presence_data_keeps_user_info_as_written(void **state)
{
	static const struct {
		const char *channel_data, *user_id, *user_info;
	} rows[] = {
		{ "{\"user_id\":\"alice\"}", "alice", "" },
		{ "{ \"user_id\" : \"e4\" , \"user_info\" : { \"b\" : 1.50 } }", "e4",
		  "{ \"b\" : 1.50 }" },
		{ "{\"user_id\":\"e1\",\"user_info\":null}", "e1", "null" },
		{ "{\"user_id\":\"d\",\"user_info\":\"text\"}", "d", "\"text\"" },
		{ "{\"user_id\":\"zo\\u00eb\"}", "zo\xc3\xab", "" },
		{ "{\"user_id\":\"q\\\"\\\\\",\"extra\":1}", "q\"\\", "" },
		{ "{\"user_id\":10}", "10", "" },
		{ "{\"user_id\":-7}", "-7", "" },
		{ "{\"user_id\":-0}", "0", "" },
		{ "{\"user_id\":123456789012345678901234567890}", "123456789012345678901234567890",
		  "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct presence_data d;
		struct refusal why;

		assert_row(presence_data_read(str_from_cstr(rows[i].channel_data), NO_LIMIT, &arena,
					      &d, &why),
			   i);
		assert_str(d.user_id, str_from_cstr(rows[i].user_id));
		assert_str(d.user_info, str_from_cstr(rows[i].user_info));
	}
}

static void presence_data_needs_a_user_id(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"\"\"",
		"5",
		"{\"user_info\":{}}",
		"{\"user_id\":\"\"}",
		"{\"user_id\":null}",
		"{\"user_id\":true}",
		"{\"user_id\":1.5}",
		"{\"user_id\":1e2}",
		"{\"user_id\":{}}",
	};
	struct presence_data d;
	struct refusal why;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(!presence_data_read(str_from_cstr(rows[i]), NO_LIMIT, &arena, &d, &why),
			   i);
		assert_str(why.text, S("Channel error: Missing user_id in channel_data"));
		assert_row(why.code == PUSHER_CHANNEL, i);
	}
}

static void presence_data_must_be_json(void **state)
{
	static const char *const rows[] = { "", "x", "{", "{\"user_id\":\"a\"} x" };
	struct presence_data d;
	struct refusal why;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(!presence_data_read(str_from_cstr(rows[i]), NO_LIMIT, &arena, &d, &why),
			   i);
		assert_str(why.text,
			   S("Invalid message format: Invalid channel_data JSON for presence"));
		assert_row(why.code == PUSHER_GENERIC, i);
	}
}

/* user_info is a string of n characters. */
static bool fits(size_t n, uint32_t kb_max, struct refusal *why)
{
	char *x = arena_alloc(&arena, n);
	str pieces[] = { S("{\"user_id\":\"a\",\"user_info\":\""), { x, n }, S("\"}") };
	struct presence_data d;
	struct refusal text;

	memset(x, 'x', n);
	refusal_set(&text, &arena, PUSHER_GENERIC, pieces, ARRAY_LEN(pieces));
	return presence_data_read(text.text, kb_max, &arena, &d, why);
}

static void presence_data_is_limited_in_whole_kilobytes(void **state)
{
	struct refusal why;

	assert_true(fits(2 * 1024, 2, &why));
	assert_true(fits(3 * 1024 - 1, 2, &why));
	assert_false(fits(3 * 1024, 2, &why));
	assert_int_equal(why.code, PUSHER_CHANNEL);
	assert_str(why.text,
		   S("Channel error: Presence member data size (3KB) exceeds limit (2KB)"));
	assert_true(fits(1023, 0, &why));
	assert_false(fits(1024, 0, &why));
	assert_true(fits(100000, NO_LIMIT, &why));
}

static void unsubscribe_request_takes_an_object_or_a_bare_name(void **state)
{
	static const struct {
		const char *rest, *channel, *text;
	} rows[] = {
		{ ",\"data\":{\"channel\":\"a\"}", "a", NULL },
		{ ",\"data\":\"a\"", "a", NULL },
		{ ",\"data\":\"{\\\"channel\\\":\\\"a\\\"}\"", "{\"channel\":\"a\"}", NULL },
		{ "", NULL, "Missing data in unsubscribe message" },
		{ ",\"data\":null", NULL, "Missing data in unsubscribe message" },
		{ ",\"data\":{}", NULL, "Missing channel in unsubscribe message" },
		{ ",\"data\":{\"channel\":5}", NULL, "Missing channel in unsubscribe message" },
		{ ",\"data\":5", NULL, "Missing channel in unsubscribe message" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pusher_message m = message(rows[i].rest);
		struct refusal why;
		str channel;

		assert_row(unsubscribe_request_read(&m, &arena, &channel, &why) ==
				   (rows[i].text == NULL),
			   i);
		if (rows[i].text)
			assert_str(str_skip(why.text, sizeof(INVALID) - 1),
				   str_from_cstr(rows[i].text));
		else
			assert_str(channel, str_from_cstr(rows[i].channel));
	}
}

#define TEST(f) cmocka_unit_test_teardown(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(subscribe_request_takes_an_object_or_a_string_that_holds_one),
		TEST(subscribe_request_takes_what_is_no_string_for_missing),
		TEST(subscribe_request_is_refused_as_documented),
		TEST(subscribe_request_allows_legal_names),
		TEST(subscribe_request_refuses_names_as_documented),
		TEST(subscribe_request_sees_rewind_whatever_its_type),
		TEST(presence_data_keeps_user_info_as_written),
		TEST(presence_data_needs_a_user_id),
		TEST(presence_data_must_be_json),
		TEST(presence_data_is_limited_in_whole_kilobytes),
		TEST(unsubscribe_request_takes_an_object_or_a_bare_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
