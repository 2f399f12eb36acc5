#include "server/sign_in_request.h"

#include "base/check.h"
#include "base/testing.h"

#define AUTH "Authentication error: "
#define BAD_SHAPE "Invalid message format: Invalid signin data format"

static struct pusher_message message(str text, struct arena *a)
{
	struct pusher_message m;
	str problem;

	assert_int_equal(pusher_parse(text, a, &m, &problem), OK);
	return m;
}

static void request_is_read_from_an_object_or_a_string_of_one(void **state)
{
	static const str rows[] = {
#define ROW(data)                                                                                  \
	{ "{\"event\":\"e\",\"data\":" data "}", sizeof("{\"event\":\"e\",\"data\":" data "}") - 1 }
		ROW("{\"auth\":\"k:\\u0031\",\"user_data\":\"{\\\"id\\\":1}\"}"),
		ROW("{\"user_data\":\"x\",\"other\":{\"auth\":2},\"auth\":\"y\","
		    "\"auth\":\"k:1\",\"user_data\":\"{\\\"id\\\":1}\"}"),
		ROW("\"{\\\"auth\\\":\\\"k:1\\\",\\\"user_data\\\":\\\"{\\\\\\\"id\\\\\\\":1}\\\"}"
		    "\""),
#undef ROW
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sign_in_request r;
		struct pusher_message m;
		struct refusal why;
		struct arena a;

		arena_init(&a, 0);
		m = message(rows[i], &a);
		assert_true(sign_in_request_read(&m, &a, &r, &why));
		assert_str(r.auth, S("k:1"));
		assert_str(r.user_data, S("{\"id\":1}"));
		arena_fini(&a);
	}
}

static void request_says_what_is_missing(void **state)
{
	static const struct {
		const char *text;
		enum pusher_code code;
		const char *why;
	} rows[] = {
		{ "{\"event\":\"e\"}", PUSHER_GENERIC, BAD_SHAPE },
		{ "{\"event\":\"e\",\"data\":null}", PUSHER_GENERIC, BAD_SHAPE },
		{ "{\"event\":\"e\",\"data\":true}", PUSHER_GENERIC, BAD_SHAPE },
		{ "{\"event\":\"e\",\"data\":[{}]}", PUSHER_GENERIC, BAD_SHAPE },
		{ "{\"event\":\"e\",\"data\":\"\"}", PUSHER_GENERIC, BAD_SHAPE },
		{ "{\"event\":\"e\",\"data\":\"{\"}", PUSHER_GENERIC, BAD_SHAPE },
		{ "{\"event\":\"e\",\"data\":\"\\\"{}\\\"\"}", PUSHER_GENERIC, BAD_SHAPE },
		{ "{\"event\":\"e\",\"data\":{}}", PUSHER_UNAUTHORIZED,
		  AUTH "Missing 'user_data' field in signin data" },
		{ "{\"event\":\"e\",\"data\":{\"auth\":\"a\",\"user_data\":{}}}",
		  PUSHER_UNAUTHORIZED, AUTH "Missing 'user_data' field in signin data" },
		{ "{\"event\":\"e\",\"data\":{\"user_data\":\"{}\"}}", PUSHER_UNAUTHORIZED,
		  AUTH "Missing 'auth' field in signin data" },
		{ "{\"event\":\"e\",\"data\":{\"user_data\":\"{}\",\"auth\":null}}",
		  PUSHER_UNAUTHORIZED, AUTH "Missing 'auth' field in signin data" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sign_in_request r;
		struct pusher_message m;
		struct refusal why;
		struct arena a;

		arena_init(&a, 0);
		m = message(str_from_cstr(rows[i].text), &a);
		assert_row(!sign_in_request_read(&m, &a, &r, &why), i);
		assert_int_equal(why.code, rows[i].code);
		assert_str(why.text, str_from_cstr(rows[i].why));
		arena_fini(&a);
	}
}

static void user_is_read_as_it_was_written(void **state)
{
	static const struct {
		const char *text, *id, *user_info, *watchlist; /* user_info NULL: none */
	} rows[] = {
		{ "{\"id\":\"a\"}", "a", NULL, "" },
		{ "{\"id\":\"z\\u006f\\u00eb\"}", "zo\xc3\xab", NULL, "" },
		{ " {\"id\":\"a\",\"user_info\": {\"n\": 1.50} ,\"watchlist\": [\"b\", 5]} ", "a",
		  "{\"n\": 1.50}", "[\"b\", 5]" },
		{ "{\"id\":\"a\",\"user_info\":null,\"watchlist\":null}", "a", "null", "" },
		{ "{\"id\":\"a\",\"watchlist\":\"b\"}", "a", NULL, "" },
		{ "{\"id\":\"a\",\"watchlist\":[\"b\"],\"watchlist\":{}}", "a", NULL, "" },
		{ "{\"id\":5,\"id\":\"a\",\"watchlist\":[]}", "a", NULL, "[]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct user_data d;
		struct refusal why;
		struct arena a;

		arena_init(&a, 0);
		assert_row(user_data_read(str_from_cstr(rows[i].text), &a, &d, &why), i);
		assert_str(d.id, str_from_cstr(rows[i].id));
		assert_row((d.user_info.raw.p == NULL) == (rows[i].user_info == NULL), i);
		if (rows[i].user_info)
			assert_str(d.user_info.raw, str_from_cstr(rows[i].user_info));
		assert_str(d.watchlist, str_from_cstr(rows[i].watchlist));
		arena_fini(&a);
	}
}

static void user_without_an_id_is_none(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "{}", AUTH "Missing 'id' field in user_data" },
		{ "[\"id\"]", AUTH "Missing 'id' field in user_data" },
		{ "{\"id\":10}", AUTH "Missing 'id' field in user_data" },
		{ "{\"id\":\"\"}", AUTH "Missing 'id' field in user_data" },
		{ "{\"user\":{\"id\":\"a\"}}", AUTH "Missing 'id' field in user_data" },
		{ "{\"id\":\"a\"", AUTH "Invalid user_data JSON: the text ends too early" },
		{ "{'id':'a'}", AUTH "Invalid user_data JSON: " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct user_data d;
		struct refusal why;
		struct arena a;

		arena_init(&a, 0);
		assert_row(!user_data_read(str_from_cstr(rows[i].text), &a, &d, &why), i);
		assert_int_equal(why.code, PUSHER_UNAUTHORIZED);
		assert_row(str_has_prefix(why.text, str_from_cstr(rows[i].why)), i);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_read_from_an_object_or_a_string_of_one),
		cmocka_unit_test(request_says_what_is_missing),
		cmocka_unit_test(user_is_read_as_it_was_written),
		cmocka_unit_test(user_without_an_id_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
