#include "codec/pusher.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#define NONE ((str){ 0 })
#define DECODE "Invalid message format: Decode failed: JSON deserialization failed: "

static void assert_str(str got, const char *wanted)
{
	if (!str_eq(got, str_from_cstr(wanted)))
		fail_msg("'%.*s' instead of '%s'", STR_ARG(got), wanted);
}

/* In */

struct good {
	const char *text, *event, *channel, *data; /* NULL: not there */
};

static const struct good GOOD[] = {
	{ "{\"event\":\"pusher:ping\"}", "pusher:ping", NULL, NULL },
	{ " \n{\"event\":\"pusher:ping\"}\n", "pusher:ping", NULL, NULL },
	{ "{\"event\":\"\"}", "", NULL, NULL },
	{ "{\"event\":\"client-x\",\"channel\":\"private-c\",\"data\": {\"a\": [1.50, 1e2]} }",
	  "client-x", "private-c", "{\"a\": [1.50, 1e2]}" },
	{ "{\"data\":null,\"event\":\"e\"}", "e", NULL, "null" },
	{ "{\"data\":\"{\\\"a\\\":1}\",\"event\":\"e\"}", "e", NULL, "\"{\\\"a\\\":1}\"" },
	/* the last one wins */
	{ "{\"event\":1,\"event\":\"b\",\"channel\":\"c\",\"channel\":\"d\",\"data\":1,\"data\":2}",
	  "b", "d", "2" },
	{ "{\"event\":\"e\",\"channel\":\"c\",\"channel\":7}", "e", NULL, NULL },
	/* what is not needed is ignored, whatever its type */
	{ "{\"event\":\"e\",\"tags\":5,\"serial\":\"x\",\"user_id\":7,\"unknown\":[1],\"channel\":"
	  "7}",
	  "e", NULL, NULL },
	{ "{\"event\":\"e\",\"channel\":null}", "e", NULL, NULL },
	{ "{\"event\":\"e\",\"x\":{\"channel\":\"c\",\"data\":1}}", "e", NULL, NULL },
	/* text is decoded, names too */
	{ "{\"\\u0065vent\":\"caf\\u00e9\\n\",\"channel\":\"a\\/b\"}", "caf\xc3\xa9\n", "a/b",
	  NULL },
};

static void messages_are_taken_apart(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		const struct good *g = &GOOD[i];
		struct pusher_message m;
		struct arena a;
		str problem;

		arena_init(&a, 0);
		assert_int_equal(pusher_parse(str_from_cstr(g->text), &a, &m, &problem), OK);
		assert_str(m.event, g->event);
		assert_int_equal(m.has_channel, g->channel != NULL);
		if (g->channel)
			assert_str(m.channel, g->channel);
		assert_int_equal(m.has_data, g->data != NULL);
		if (g->data)
			assert_str(m.data.raw, g->data);
		arena_fini(&a);
	}
}

static const struct {
	const char *text, *problem; /* DECODE alone: it starts so and says more */
} BAD[] = {
	{ "", DECODE },
	{ "{", DECODE },
	{ "nonsense", DECODE },
	{ "{'event':'pusher:ping'}", DECODE },
	{ "{\"event\":\"pusher:ping\"} x", DECODE },
	{ "\xef\xbb\xbf{\"event\":\"pusher:ping\"}", DECODE },
	{ "\xff\xee", DECODE },
	{ "{\"event\":\"\xff\"}", DECODE },
	{ "[]", DECODE "invalid type: array, expected an object at line 1 column 1" },
	{ "\"text\"", DECODE "invalid type: string, expected an object at line 1 column 1" },
	{ " 12", DECODE "invalid type: number, expected an object at line 1 column 2" },
	{ "null", DECODE "invalid type: null, expected an object at line 1 column 1" },
	{ "true", DECODE "invalid type: boolean `true`, expected an object at line 1 column 1" },
	{ "{\"event\":1}", DECODE "invalid type: number, expected a string at line 1 column 10" },
	{ "{\"event\":\n{}}", DECODE "invalid type: object, expected a string at line 2 column 1" },
	{ "{\"event\":\"e\",\"event\":[]}",
	  DECODE "invalid type: array, expected a string at line 1 column 22" },
	{ "{}", "Invalid event name: Event name is required" },
	{ "{\"data\":{}}", "Invalid event name: Event name is required" },
	{ "{\"event\":null}", "Invalid event name: Event name is required" },
	{ "{\"event\":\"e\",\"event\":null}", "Invalid event name: Event name is required" },
	{ "{\"Event\":\"e\"}", "Invalid event name: Event name is required" },
};

static void nothing_at_all_is_a_bad_message(void **state)
{
	struct pusher_message m;
	struct arena a;
	str problem;

	arena_init(&a, 0);
	assert_int_equal(pusher_parse(NONE, &a, &m, &problem), ERR_SYNTAX);
	assert_str(problem, DECODE "the text ends too early at line 1 column 1");
	arena_fini(&a);
}

static void bad_messages_are_answered_in_words(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		struct pusher_message m;
		struct arena a;
		str problem;

		arena_init(&a, 0);
		assert_int_equal(pusher_parse(str_from_cstr(BAD[i].text), &a, &m, &problem),
				 ERR_SYNTAX);
		if (str_eq(str_from_cstr(BAD[i].problem), S(DECODE))) {
			assert_true(str_has_prefix(problem, S(DECODE)));
			assert_true(problem.n > strlen(DECODE " at line 1 column 1"));
		} else {
			assert_str(problem, BAD[i].problem);
		}
		arena_fini(&a);
	}
}

static err parse_nested(unsigned depth)
{
	struct pusher_message m;
	struct arena a;
	struct buf b;
	str problem;
	err e;

	arena_init(&a, 0);
	buf_init(&b, 10000);
	buf_puts(&b, S("{\"event\":\"e\",\"data\":"));
	for (unsigned i = 1; i < depth; i++)
		buf_putc(&b, '[');
	for (unsigned i = 1; i < depth; i++)
		buf_putc(&b, ']');
	buf_puts(&b, S("}"));
	e = pusher_parse(buf_str(&b), &a, &m, &problem);
	if (e != OK)
		assert_true(str_has_prefix(problem, S(DECODE)));
	buf_fini(&b);
	arena_fini(&a);
	return e;
}

static void nesting_is_limited(void **state)
{
	assert_int_equal(parse_nested(PUSHER_DEPTH_MAX), OK);
	assert_int_equal(parse_nested(PUSHER_DEPTH_MAX + 1), ERR_DEPTH);
}

/* Out */

static void assert_frame(struct msg *m, const char *text)
{
	assert_non_null(m);
	assert_int_equal((uint8_t)m->bytes[0], 0x81);
	assert_int_equal(m->head_len, m->len < 128 ? 2 : 4);
	assert_str(msg_payload(m), text);
	msg_unref(m);
}

static void events_have_their_members_in_order(void **state)
{
	assert_frame(pusher_event_new(S("e"), S("c"), S("{\"a\": 1}"), S("u")),
		     "{\"event\":\"e\",\"channel\":\"c\",\"data\":{\"a\": 1},\"user_id\":\"u\"}");
	assert_frame(pusher_event_new(S("e"), S("c"), S("\"x\""), NONE),
		     "{\"event\":\"e\",\"channel\":\"c\",\"data\":\"x\"}");
	assert_frame(pusher_event_new(S("pusher:pong"), NONE, S("{}"), NONE),
		     "{\"event\":\"pusher:pong\",\"data\":{}}");
	assert_frame(pusher_event_new(S(""), S(""), S("1"), S("")),
		     "{\"event\":\"\",\"channel\":\"\",\"data\":1,\"user_id\":\"\"}");
}

static void text_is_escaped_and_wire_is_not(void **state)
{
	assert_frame(pusher_event_new(S("a\"b"), S("c\\d"), S("{\"\\u0041\":\t1}"),
				      S("e\n\x01/\xc3\xa9\x7f")),
		     "{\"event\":\"a\\\"b\",\"channel\":\"c\\\\d\",\"data\":{\"\\u0041\":\t1},"
		     "\"user_id\":\"e\\n\\u0001/\xc3\xa9\x7f\"}");
	assert_frame(pusher_text_event_new(S("e"), S("c"), S("{\"count\":1}")),
		     "{\"event\":\"e\",\"channel\":\"c\",\"data\":\"{\\\"count\\\":1}\"}");
	assert_frame(pusher_text_event_new(S("e"), NONE, S("")), "{\"event\":\"e\",\"data\":\"\"}");
	assert_frame(pusher_text_event_new(S("e"), NONE, NONE), "{\"event\":\"e\",\"data\":\"\"}");
}

static void escapes_are_found_at_every_place(void **state)
{
	static const char specials[] = { '"', '\\', 0x1f, 0 };

	for (size_t n = 1; n < 20; n++) {
		for (size_t at = 0; at < n; at++) {
			char text[20], wanted[80];
			struct msg *m;
			struct buf b;

			memset(text, 'x', n);
			text[at] = specials[(n + at) % sizeof(specials)];
			buf_init(&b, sizeof(wanted));
			buf_puts(&b, S("{\"event\":\"e\",\"data\":"));
			jw_string(&b, (str){ text, n });
			buf_puts(&b, S("}"));
			m = pusher_text_event_new(S("e"), NONE, (str){ text, n });
			assert_true(str_eq(msg_payload(m), buf_str(&b)));
			msg_unref(m);
			buf_fini(&b);
		}
	}
}

static void errors_carry_code_and_message(void **state)
{
	assert_frame(
		pusher_error_new(PUSHER_CLIENT_EVENT, S("Client event rejected due to rate limit")),
		"{\"event\":\"pusher:error\",\"data\":{\"code\":4301,"
		"\"message\":\"Client event rejected due to rate limit\"}}");
	assert_frame(pusher_error_new(4000, S("a \"b\"")),
		     "{\"event\":\"pusher:error\",\"data\":{\"code\":4000,\"message\":\"a "
		     "\\\"b\\\"\"}}");
}

static void greeting_is_a_string_of_json(void **state)
{
	assert_frame(
		pusher_established_new(S("1234.5678"), 120),
		"{\"event\":\"pusher:connection_established\","
		"\"data\":\"{\\\"socket_id\\\":\\\"1234.5678\\\",\\\"activity_timeout\\\":120}\"}");
}

static void plain_event_is_one_allocation(void **state)
{
	struct msg *m;

	mem_fail_nth(2);
	m = pusher_event_new(S("event"), S("channel"), S("\"data\""), S("user"));
	mem_fail_nth(0);
	assert_non_null(m);
	msg_unref(m);
}

static void short_memory_gives_no_frame_and_no_leak(void **state)
{
	int64_t live = mem_live_bytes();
	size_t n_refused = 0;

	for (uint64_t nth = 1; nth < 8; nth++) {
		struct msg *m;

		mem_fail_nth(nth);
		m = pusher_event_new(S("a\"b"), S("c\\d"), S("1"), S("\n"));
		mem_fail_nth(0);
		n_refused += m == NULL;
		msg_unref(m);
	}
	assert_int_equal(n_refused, 4); /* three escaped texts and the frame */
	assert_int_equal(mem_live_bytes(), live);
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(messages_are_taken_apart),
	cmocka_unit_test(nothing_at_all_is_a_bad_message),
	cmocka_unit_test(bad_messages_are_answered_in_words),
	cmocka_unit_test(nesting_is_limited),
	cmocka_unit_test(events_have_their_members_in_order),
	cmocka_unit_test(text_is_escaped_and_wire_is_not),
	cmocka_unit_test(escapes_are_found_at_every_place),
	cmocka_unit_test(errors_carry_code_and_message),
	cmocka_unit_test(greeting_is_a_string_of_json),
	cmocka_unit_test(plain_event_is_one_allocation),
	cmocka_unit_test(short_memory_gives_no_frame_and_no_leak),
};

int main(void)
{
	return cmocka_run_group_tests_name("pusher", TESTS, NULL, NULL);
}
