/* Admission, frames, silence, the end. */
#include "codec/deflate.h"
#include "server/session_testing.h"

#include <stdio.h>

#define JSON_ERROR "Invalid message format: Decode failed: JSON deserialization failed: "

/* Admission */

static void session_is_established_at_once_without_a_quota(void **state)
{
	struct peer *p = peer_begin("app-key", "");
	char text[SOCKET_ID_TEXT_MAX], line[200];
	str id;

	assert_int_equal(p->conn.phase, CONN_OPEN);
	assert_true(p->conn.is_counted && p->conn.is_admitted && !p->conn.awaits_hub);
	id = socket_id_format(p->conn.id, text);
	snprintf(line, sizeof(line),
		 "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":"
		 "\\\"%.*s\\\",\\\"activity_timeout\\\":120}\"}\n",
		 STR_ARG(id));
	assert_heard(p, line);
	world_settle();
	assert_int_equal(world_count().connections, 1);
}

static void session_of_an_unknown_key_is_refused_with_4001(void **state)
{
	struct peer *p = peer_begin("nope", "");

	assert_heard(p, PUSHER_REFUSAL(4001, "Application does not exist"));
	assert_int_equal(p->conn.phase, CONN_CLOSING);
}

static void session_of_a_disabled_app_is_refused_with_4003(void **state)
{
	struct peer *p;

	world_app()->enabled = false;
	app_add_origin(world_app(), S("https://good.example"));
	p = peer_begin("app-key", "https://evil.example"); /* the app comes before the origin */
	assert_heard(p, PUSHER_REFUSAL(4003, "Application disabled"));
}

static void session_from_a_foreign_origin_is_refused_with_4009(void **state)
{
	app_add_origin(world_app(), S("https://good.example"));
	world_limit_sessions(1);
	assert_int_equal(peer_begin("app-key", "https://good.example")->conn.phase, CONN_OPEN);
	/* The origin comes before the capacity. */
	for (int i = 0; i < 2; i++)
		assert_heard(peer_begin("app-key", i ? "https://evil.example" : ""),
			     PUSHER_REFUSAL(4009, "Origin not allowed"));
	world_limit_sessions(2);
	assert_int_equal(peer_begin("app-key", "https://GOOD.example")->conn.phase, CONN_OPEN);
}

static void session_above_the_nodes_capacity_is_refused_with_4100(void **state)
{
	struct peer *first, *p;

	world_limit_sessions(1);
	first = peer_open(0);
	p = peer_begin("app-key", "");
	assert_heard(p, PUSHER_REFUSAL(4100, "Over capacity"));
	assert_false(p->conn.is_admitted);
	conn_end(&first->conn);
	assert_int_equal(peer_begin("app-key", "")->conn.phase, CONN_OPEN);
}

static void session_above_the_apps_quota_is_refused_with_4004(void **state)
{
	struct peer *first, *p;

	world_app()->limits.max_connections = 1;
	first = peer_open(0);
	assert_true(first->conn.is_counted);
	p = peer_begin("app-key", "");
	assert_heard(p, ""); /* the hub has not answered yet */
	assert_int_equal(p->conn.phase, CONN_OPENING);
	world_settle();
	assert_heard(p, PUSHER_REFUSAL(4004, "Application is over connection quota"));
	assert_false(p->conn.is_counted);
	conn_end(&first->conn);
	world_settle();
	peer_open(1);
	assert_int_equal(world_count().connections, 1);
}

static void session_that_ends_while_the_hub_is_asked_is_not_counted(void **state)
{
	struct peer *p;

	world_app()->limits.max_connections = 1;
	p = peer_begin("app-key", "");
	conn_end(&p->conn);
	world_settle();
	assert_heard(p, "");
	assert_int_equal(world_count().connections, 0);
}

static void session_closed_while_the_hub_is_asked_says_nothing_more(void **state)
{
	struct peer *p;

	world_app()->limits.max_connections = 1;
	p = peer_begin("app-key", "");
	conn_refuse(&p->conn, PUSHER_RECONNECT, S("Server shutting down"));
	world_settle();
	assert_heard(p, PUSHER_REFUSAL(4200, "Server shutting down"));
	assert_int_equal(world_count().connections, 0);
}

/* Messages */

static void session_answers_messages_as_documented(void **state)
{
	static const struct {
		const char *says, *hears;
	} rows[] = {
		{ "{\"event\":\"pusher:ping\"}", "{\"event\":\"pusher:pong\",\"data\":{}}\n" },
		{ " \n{\"event\":\"pusher:ping\",\"data\":{}}\n",
		  "{\"event\":\"pusher:pong\",\"data\":{}}\n" },
		{ "{\"event\":\"sockudo:ping\",\"data\":\"{}\"}",
		  "{\"event\":\"pusher:pong\",\"data\":{}}\n" },
		{ "{\"event\":\"pusher:ping\",\"tags\":5,\"channel\":7}",
		  "{\"event\":\"pusher:pong\",\"data\":{}}\n" },
		{ "{\"event\":\"\\u0070usher:ping\"}",
		  "{\"event\":\"pusher:pong\",\"data\":{}}\n" },
		{ "{\"event\":\"pusher_internal:ping\"}", "" },
		{ "{\"event\":\"pusher:pong\"}", "" },
		{ "{\"event\":\"pusher:\"}", "" },
		{ "{\"event\":\"ping\"}", "" },
		{ "{\"event\":\"subscribe\",\"data\":{\"channel\":\"a\"}}", "" },
		{ "{\"event\":\"pusher:foo\",\"data\":{}}", "" },
		{ "{\"event\":\"my-event\",\"channel\":\"c\",\"data\":1}", "" },
		{ "{\"event\":\"\"}", "" },
		{ "{\"event\":\"client_x\",\"channel\":\"private-a\"}", "" },
		{ "{}", PUSHER_ERROR(4000, "Invalid event name: Event name is required") },
		{ "{\"event\":null}",
		  PUSHER_ERROR(4000, "Invalid event name: Event name is required") },
		{ "{\"event\":\"pusher:signin\",\"data\":{}}",
		  PUSHER_ERROR(4009,
			       "Authentication error: User authentication is disabled for this "
			       "app") },
	};
	struct peer *p = peer_open(0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		peer_say(p, str_from_cstr(rows[i].says));
		assert_heard(p, rows[i].hears);
		assert_row(p->conn.phase == CONN_OPEN, i);
	}
}

static void session_answers_nonsense_with_one_error_and_stays(void **state)
{
	static const char *const rows[] = {
		"",
		"{",
		"nonsense",
		"[]",
		"[1]",
		"\"text\"",
		"12",
		"null",
		"true",
		"{\"event\":1}",
		"{'event':'pusher:ping'}",
		"{\"event\":{}}",
		"{\"event\":\"pusher:ping\"} x",
		"\xef\xbb\xbf{\"event\":\"pusher:ping\"}",
	};
	struct peer *p = peer_open(0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		str heard;

		peer_say(p, str_from_cstr(rows[i]));
		heard = buf_str(&p->heard);
		assert_row(str_has_prefix(heard, S("{\"event\":\"pusher:error\",\"data\":{\"code\":"
						   "4000,\"message\":\"" JSON_ERROR)),
			   i);
		assert_row(str_find_char(heard, '\n') == heard.n - 1, i);
		assert_row(p->conn.phase == CONN_OPEN, i);
		buf_clear(&p->heard);
	}
}

static void session_reads_binary_frames_as_text(void **state)
{
	struct peer *p = peer_open(0);

	peer_say_bytes(p, 0x80 | WS_BINARY, S("{\"event\":\"pusher:ping\"}"));
	assert_heard(p, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	peer_say_bytes(p, 0x80 | WS_BINARY, S("\xff\xfe{"));
	assert_true(str_has_prefix(buf_str(&p->heard),
				   S("{\"event\":\"pusher:error\",\"data\":{\"code\":4000,")));
	assert_int_equal(p->conn.phase, CONN_OPEN);
}

static void session_answers_websocket_pings_with_their_payload(void **state)
{
	struct peer *p = peer_open(0);

	peer_say_bytes(p, 0x80 | WS_PING, S("abc"));
	assert_heard(p, "PONG abc\n");
	peer_say_bytes(p, 0x80 | WS_PONG, S("abc"));
	assert_heard(p, "");
}

static void session_limits_all_messages_of_a_connection(void **state)
{
	struct app_message_rate *rate = &world_app()->message_rate;
	struct peer *p = peer_open(0), *other = peer_open(1);

	*rate = (struct app_message_rate){ true, 2, 5, false };
	peer_say(p, S("{\"event\":\"pusher:ping\"}"));
	peer_say(p, S("{\"event\":\"x\"}"));
	assert_heard(p, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	for (int i = 0; i < 2; i++) {
		peer_say(p, S("{\"event\":\"pusher:ping\"}"));
		assert_heard(p, PUSHER_ERROR(4301, "Client event rejected due to rate limit"));
	}
	peer_say(other, S("{\"event\":\"pusher:ping\"}"));
	assert_heard(other, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	world_pass_s(5);
	peer_say(p, S("{\"event\":\"pusher:ping\"}"));
	assert_heard(p, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
}

static void session_over_its_message_rate_is_closed_if_the_app_wants_it(void **state)
{
	struct peer *p = peer_open(0);

	world_app()->message_rate = (struct app_message_rate){ true, 1, 5, true };
	for (int i = 0; i < 4; i++)
		peer_say(p, S("{\"event\":\"x\"}"));
	assert_heard(p, PUSHER_REFUSAL(4301, "Connection closed due to client event rate limit"));
}

/* The same conversation, whole and byte by byte. */
static void session_understands_input_split_anywhere(void **state)
{
	static const char *const says[] = {
		"{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"a\"}}",
		"{\"event\":\"pusher:ping\"}",
		"{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"a\"}}",
	};
	struct peer *p = peer_open(0);
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		str f = frame_new(&a, 0x80 | WS_TEXT, str_from_cstr(says[i]));

		for (size_t at = 0; at < f.n; at++)
			peer_feed(p, (str){ f.p + at, 1 });
		world_settle();
	}
	arena_fini(&a);
	assert_heard(p, SUBSCRIBED("a") "{\"event\":\"pusher:pong\",\"data\":{}}\n");
}

static void session_owns_no_input_while_the_hub_is_asked(void **state)
{
	struct peer *p = peer_open(0);
	struct arena a;
	str f;

	arena_init(&a, 0);
	f = frame_new(&a, 0x80 | WS_TEXT,
		      S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"a\"}}"));
	peer_feed(p, str_take(f, 20));
	assert_false(ws_reader_is_idle(&p->conn.reader));
	peer_feed(p, str_skip(f, 20));
	assert_true(p->conn.awaits_hub);
	assert_true(ws_reader_is_idle(&p->conn.reader));
	arena_fini(&a);
	world_settle();
}

static void session_leaves_input_behind_an_asking_message_untouched(void **state)
{
	struct peer *p = peer_open(0);
	struct arena a;
	str f, rest;

	arena_init(&a, 0);
	f = frame_new(&a, 0x80 | WS_TEXT,
		      S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"a\"}}"));
	rest = frame_new(&a, 0x80 | WS_TEXT, S("{\"event\":\"pusher:ping\"}"));
	{
		char *both = arena_alloc(&a, f.n + rest.n);
		str in = { both, f.n + rest.n };

		memcpy(both, f.p, f.n);
		memcpy(both + f.n, rest.p, rest.n);
		session_feed(&p->conn, &in);
		assert_int_equal(in.n, rest.n);
		world_settle();
		session_feed(&p->conn, &in);
		assert_int_equal(in.n, 0);
	}
	arena_fini(&a);
	assert_heard(p, SUBSCRIBED("a") "{\"event\":\"pusher:pong\",\"data\":{}}\n");
}

/* The end */

static void session_echoes_the_peers_close(void **state)
{
	static const struct {
		str payload;
		const char *hears;
	} rows[] = {
		{ { "\x03\xe8"
		    "bye",
		    5 },
		  "CLOSE 1000 bye\n" },
		{ { "\x03\xe9", 2 }, "CLOSE 1001 \n" },
		{ { "\x0f\xa0mine", 6 }, "CLOSE 4000 mine\n" },
		{ { "", 0 }, "CLOSE\n" },
		{ { "\x03\xed", 2 }, "CLOSE 1002 close code that may not be sent\n" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer *p = peer_open(i);

		peer_subscribe(p, "a", NULL);
		buf_clear(&p->heard);
		peer_say_bytes(p, 0x80 | WS_CLOSE, rows[i].payload);
		assert_heard(p, rows[i].hears);
		assert_row(p->conn.phase == CONN_CLOSING && p->conn.subs.n == 0, i);
	}
	assert_int_equal(world_count().channels, 0);
}

static void session_that_is_closing_ends_with_the_peers_close(void **state)
{
	struct peer *p = peer_open(0);

	conn_close(&p->conn, WS_CLOSE_NORMAL, S(""));
	peer_say(p, S("{\"event\":\"pusher:ping\"}"));
	assert_int_equal(p->conn.phase, CONN_CLOSING);
	peer_say_bytes(p, 0x80 | WS_CLOSE, S("\x03\xe8"));
	assert_int_equal(p->conn.phase, CONN_ENDED);
	assert_heard(p, "CLOSE 1000 \n");
}

static void session_that_is_closing_says_its_last_words_before_it_ends(void **state)
{
	struct peer *p = peer_open(0);

	conn_close(&p->conn, WS_CLOSE_NORMAL, S(""));
	p->has_pending = true;
	peer_say_bytes(p, 0x80 | WS_CLOSE, S("\x03\xe8"));
	assert_int_equal(p->conn.phase, CONN_CLOSING);
	assert_true(p->conn.finishes);
}

static void session_fails_with_the_code_of_the_violation(void **state)
{
	static const struct {
		str bytes;
		const char *hears;
	} rows[] = {
		{ { "\x81\x01x", 3 }, "CLOSE 1002 frame is not masked\n" },
		{ { "\xc1\x81\1\2\3\4x", 7 }, "CLOSE 1002 reserved bits are set\n" },
		{ { "\x81\x81\1\2\3\4\xfe", 7 }, "CLOSE 1007 text is not UTF-8\n" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer *p = peer_open(i);
		char copy[16];

		memcpy(copy, rows[i].bytes.p, rows[i].bytes.n);
		peer_feed(p, (str){ copy, rows[i].bytes.n });
		assert_heard(p, rows[i].hears);
		assert_row(p->conn.phase == CONN_CLOSING && p->conn.finishes, i);
		/* What follows is noise, even if it looks like a Close. */
		peer_say_bytes(p, 0x80 | WS_CLOSE, S("\x03\xe8"));
		assert_row(p->conn.phase == CONN_CLOSING, i);
	}
}

static void session_names_limit_size_and_setting_of_what_is_too_big(void **state)
{
	struct peer *p = peer_open(0), *q = peer_open(1);
	char message[] = "\x81\xff\0\0\0\0\0\1\1\xd2\1\2\3\4", frame[sizeof(message)];

	memcpy(frame, message, sizeof(message));
	peer_feed(p, (str){ message, sizeof(message) - 1 });
	assert_heard(p,
		     PUSHER_ERROR(4000,
				  "Message of 66002 bytes exceeds the limit of 65536 bytes "
				  "(websocket_max_payload_kb)") "CLOSE 1009 Message of 66002 bytes "
								"exceeds the limit of 65536 bytes "
								"(websocket_max_payload_kb)\n");
	world_options()->message_bytes_max = 70000;
	world_options()->frame_bytes_max = 66000;
	peer_feed(q, (str){ frame, sizeof(frame) - 1 });
	assert_heard(q,
		     PUSHER_ERROR(4000,
				  "Frame of 66002 bytes exceeds the limit of 66000 bytes "
				  "(websocket.max_frame_size)") "CLOSE 1009 Frame of 66002 bytes "
								"exceeds the limit of 66000 bytes "
								"(websocket.max_frame_size)\n");
}

/* Silence */

static void session_inflates_what_came_compressed(void **state)
{
	struct peer *p = peer_open(0), *q = peer_open(1), *plain = peer_open(2);
	struct worker *w = p->conn.worker;
	char text[60001], out[500];
	size_t n;

	w->deflate = deflate_new();
	p->conn.compression = q->conn.compression = 15;
	n = deflate_compress(w->deflate, 15, S("{\"event\":\"pusher:ping\"}"), out, sizeof(out));
	peer_say_bytes(p, 0xc1, (str){ out, n });
	assert_heard(p, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	peer_say_bytes(plain, 0xc1, (str){ out, n });
	assert_heard(plain, "CLOSE 1002 reserved bits are set\n");
	peer_say_bytes(p, 0xc1, S("no compressed data"));
	assert_heard(p, "CLOSE 1007 compressed data is damaged\n");

	world_options()->message_bytes_max = 60000;
	memset(text, ' ', sizeof(text));
	n = deflate_compress(w->deflate, 15, (str){ text, sizeof(text) }, out, sizeof(out));
	peer_say_bytes(q, 0xc1, (str){ out, n });
	assert_heard(q,
		     PUSHER_ERROR(4000,
				  "Message of 60001 bytes exceeds the limit of 60000 bytes "
				  "(websocket_max_payload_kb)") "CLOSE 1009 Message of 60001 bytes "
								"exceeds the limit of 60000 bytes "
								"(websocket_max_payload_kb)\n");
	deflate_free(w->deflate);
}

static void session_is_pinged_after_silence_and_closed_without_a_pong(void **state)
{
	struct peer *p = peer_open(0);

	world_pass_s(119);
	assert_heard(p, "");
	world_pass_s(1);
	assert_heard(p, "{\"event\":\"pusher:ping\",\"data\":{}}\n");
	world_pass_s(29);
	assert_heard(p, "");
	world_pass_s(1);
	assert_heard(p, PUSHER_REFUSAL(4201, "Pong reply not received in time"));
}

static void session_counts_any_frame_as_the_answer_to_a_ping(void **state)
{
	static const struct {
		uint8_t first_byte;
		str payload;
	} rows[] = {
		{ 0x80 | WS_TEXT, { "{\"event\":\"pusher:pong\"}", 23 } },
		{ 0x80 | WS_TEXT, { "{\"event\":\"whatever\"}", 20 } },
		{ 0x80 | WS_PONG, { "", 0 } },
		{ 0x80 | WS_BINARY, { "{\"event\":\"x\"}", 13 } },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer *p = peer_open(i);

		world_pass_s(121);
		assert_heard(p, "{\"event\":\"pusher:ping\",\"data\":{}}\n");
		peer_say_bytes(p, rows[i].first_byte, rows[i].payload);
		world_pass_s(118);
		assert_heard(p, "");
		world_pass_s(2);
		assert_heard(p, "{\"event\":\"pusher:ping\",\"data\":{}}\n");
		conn_end(&p->conn);
	}
}

/* Shorter than the wait for a pong. */
static void session_is_pinged_at_every_short_silence(void **state)
{
	struct peer *p;

	world_options()->activity_timeout_s = 2;
	p = peer_open(0);
	for (int i = 0; i < 5; i++) {
		world_pass_s(2);
		assert_heard(p, "{\"event\":\"pusher:ping\",\"data\":{}}\n");
		peer_say(p, S("{\"event\":\"pusher:pong\"}"));
	}
	world_pass_s(2);
	assert_heard(p, "{\"event\":\"pusher:ping\",\"data\":{}}\n");
	world_pass_s(29);
	assert_heard(p, "");
	world_pass_s(2);
	assert_int_equal(p->conn.phase, CONN_CLOSING);
}

static void session_input_arms_no_timer(void **state)
{
	struct peer *p = peer_open(0);
	unsigned n = world_n_armed();

	for (int i = 0; i < 100; i++)
		peer_say(p, S("{\"event\":\"x\"}"));
	assert_int_equal(world_n_armed(), n);
	world_pass_s(60);
	peer_say(p, S("{\"event\":\"x\"}"));
	world_pass_s(119);
	assert_heard(p, "");
	assert_int_equal(world_n_armed(), n + 1);
}

static void session_must_prove_itself_if_the_app_has_user_authentication(void **state)
{
	struct peer *p, *authorized, *subscriber;

	world_app()->enable_user_authentication = true;
	world_options()->user_authentication_timeout_s = 30;
	p = peer_open(0);
	authorized = peer_open(1);
	subscriber = peer_open(2);
	peer_subscribe(authorized, "private-a", NULL);
	peer_subscribe(subscriber, "public", NULL);
	buf_clear(&authorized->heard);
	buf_clear(&subscriber->heard);
	world_pass_s(29);
	assert_heard(p, "");
	world_pass_s(1);
	assert_heard(p, PUSHER_REFUSAL(4009, "Connection not authorized within timeout."));
	assert_int_equal(subscriber->conn.phase, CONN_CLOSING);
	world_pass_s(60);
	assert_heard(authorized, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(session_is_established_at_once_without_a_quota),
		TEST(session_of_an_unknown_key_is_refused_with_4001),
		TEST(session_of_a_disabled_app_is_refused_with_4003),
		TEST(session_from_a_foreign_origin_is_refused_with_4009),
		TEST(session_above_the_nodes_capacity_is_refused_with_4100),
		TEST(session_above_the_apps_quota_is_refused_with_4004),
		TEST(session_that_ends_while_the_hub_is_asked_is_not_counted),
		TEST(session_closed_while_the_hub_is_asked_says_nothing_more),
		TEST(session_answers_messages_as_documented),
		TEST(session_answers_nonsense_with_one_error_and_stays),
		TEST(session_reads_binary_frames_as_text),
		TEST(session_answers_websocket_pings_with_their_payload),
		TEST(session_limits_all_messages_of_a_connection),
		TEST(session_over_its_message_rate_is_closed_if_the_app_wants_it),
		TEST(session_understands_input_split_anywhere),
		TEST(session_owns_no_input_while_the_hub_is_asked),
		TEST(session_leaves_input_behind_an_asking_message_untouched),
		TEST(session_echoes_the_peers_close),
		TEST(session_that_is_closing_ends_with_the_peers_close),
		TEST(session_that_is_closing_says_its_last_words_before_it_ends),
		TEST(session_fails_with_the_code_of_the_violation),
		TEST(session_names_limit_size_and_setting_of_what_is_too_big),
		TEST(session_inflates_what_came_compressed),
		TEST(session_is_pinged_after_silence_and_closed_without_a_pong),
		TEST(session_counts_any_frame_as_the_answer_to_a_ping),
		TEST(session_is_pinged_at_every_short_silence),
		TEST(session_input_arms_no_timer),
		TEST(session_must_prove_itself_if_the_app_has_user_authentication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
