/* Handshakes, good and bad, and what is handed to the session. */
#include "base/check.h"
#include "base/testing.h"
#include "server/http_testing.h"

#include <stdio.h>

#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define GOOD UPGRADE CONNECTION KEY VERSION
#define SWITCHING(more)                                                                            \
	"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"        \
	"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" more FIXTURE_CORS                 \
	"date: " FIXTURE_DATE "\r\n\r\n"

static int set_up(void **state)
{
	struct http_fixture *f = test_calloc(1, sizeof(*f));

	http_fixture_init(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	http_fixture_fini(*state);
	test_free(*state);
	return 0;
}

static size_t request(struct http_fixture *f, const char *line, const char *headers)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s HTTP/1.1\r\n%s\r\n", line, headers);

	http_fixture_restart(f);
	return http_fixture_feed(f, (str){ text, (size_t)n });
}

static void assert_sent(struct http_fixture *f, const char *text)
{
	assert_str(buf_str(&f->sent), str_from_cstr(text));
}

static void a_handshake_begins_a_session(void **state)
{
	struct http_fixture *f = *state;

	request(f, "GET /app/app-key?protocol=7&client=js&version=8.6.0&flash=false",
		GOOD "Origin: https://a.example\r\n");
	assert_sent(f, SWITCHING(""));
	assert_true(f->has_begun);
	assert_ptr_equal(f->begun, f->app);
	assert_string_equal(f->origin, "https://a.example");
}

static void the_first_offered_subprotocol_is_taken_up(void **state)
{
	struct http_fixture *f = *state;

	request(f, "GET /app/app-key", GOOD "Sec-WebSocket-Protocol: pusher, other\r\n");
	assert_sent(f, SWITCHING("sec-websocket-protocol: pusher\r\n"));
}

static void unknown_and_disabled_apps_are_the_sessions_business(void **state)
{
	struct http_fixture *f = *state;

	request(f, "GET /app/nobody?token=x", GOOD);
	assert_true(f->has_begun && !f->begun);
	request(f, "GET /app/key-off?token=x", GOOD);
	assert_true(f->has_begun && !f->begun->enabled);
}

static void the_key_is_decoded(void **state)
{
	struct http_fixture *f = *state;

	request(f, "GET /app/app%2Dkey/", GOOD);
	assert_ptr_equal(f->begun, f->app);
}

static void bytes_after_the_handshake_are_the_sessions(void **state)
{
	struct http_fixture *f = *state;

	assert_int_equal(request(f, "GET /app/app-key", GOOD "\r\n\x81\x80"),
			 4); /* the macro's last CRLF too */
	assert_true(f->has_begun);
}

static void a_handshake_in_pieces_is_the_same(void **state)
{
	struct http_fixture *f = *state;
	str text = S("GET /app/app-key?protocol=7 HTTP/1.1\r\n" GOOD "\r\n");

	for (size_t i = 0; i <= text.n; i++) {
		http_fixture_restart(f);
		http_fixture_feed(f, str_take(text, i));
		http_fixture_feed(f, str_skip(text, i));
		assert_row(f->has_begun, i);
		assert_sent(f, SWITCHING(""));
	}
}

#define OFFER "Sec-WebSocket-Extensions: "
#define ANSWER                                                                                     \
	"sec-websocket-extensions: permessage-deflate; server_no_context_takeover; "               \
	"client_no_context_takeover"

static const struct {
	uint8_t window_bits;
	const char *headers, *answer;
	uint8_t compression;
} EXTENSIONS[] = {
	{ 0, OFFER "permessage-deflate\r\n", "", 0 },
	{ 15, "", "", 0 },
	{ 15, OFFER "permessage-deflate\r\n", ANSWER "\r\n", 15 },
	{ 15, OFFER "permessage-deflate; client_max_window_bits\r\n", ANSWER "\r\n", 15 },
	{ 15, OFFER "permessage-deflate; server_max_window_bits=10\r\n",
	  ANSWER "; server_max_window_bits=10\r\n", 10 },
	{ 15, OFFER "permessage-deflate; server_max_window_bits=8\r\n", "", 0 },
	{ 12, OFFER "permessage-deflate\r\n", "", 0 },
	{ 12, OFFER "permessage-deflate; client_max_window_bits\r\n",
	  ANSWER "; server_max_window_bits=12; client_max_window_bits=12\r\n", 12 },
	{ 15, OFFER "x, permessage-deflate; bogus=1\r\n", "", 0 },
	/* Lines add up to one list. */
	{ 15, OFFER "x\r\n" OFFER "permessage-deflate; bogus=1\r\n" OFFER "permessage-deflate\r\n",
	  ANSWER "\r\n", 15 },
	{ 15,
	  "sec-websocket-extensions: permessage-deflate; server_max_window_bits=9, "
	  "permessage-deflate\r\n" OFFER "permessage-deflate; server_max_window_bits=10\r\n",
	  ANSWER "; server_max_window_bits=9\r\n", 9 },
	{ 15, "Sec-WebSocket-Protocol: a\r\n" OFFER "permessage-deflate\r\n",
	  "sec-websocket-protocol: a\r\n" ANSWER "\r\n", 15 },
};

static void compression_is_agreed_on_where_it_suits_both(void **state)
{
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(EXTENSIONS); i++) {
		char headers[600], wanted[600];

		f->options.compression_window_bits = EXTENSIONS[i].window_bits;
		snprintf(headers, sizeof(headers), GOOD "%s", EXTENSIONS[i].headers);
		snprintf(wanted, sizeof(wanted), SWITCHING("%s"), EXTENSIONS[i].answer);
		request(f, "GET /app/app-key", headers);
		assert_sent(f, wanted);
		assert_row(f->has_begun && f->conn.compression == EXTENSIONS[i].compression, i);
	}
}

static void who_sends_frames_too_early_is_not_compressed(void **state)
{
	struct http_fixture *f = *state;

	f->options.compression_window_bits = 15;
	request(f, "GET /app/app-key", GOOD OFFER "permessage-deflate\r\n\r\n\x81\x80");
	assert_sent(f, SWITCHING(""));
	assert_true(f->has_begun && f->conn.compression == 0);
}

static const struct {
	const char *headers, *text;
} BAD[] = {
	{ CONNECTION KEY VERSION, "Missing Upgrade header" },
	{ "Upgrade: h2c\r\n" CONNECTION KEY VERSION, "Invalid Upgrade header" },
	{ UPGRADE KEY VERSION, "Missing Connection header" },
	{ UPGRADE "Connection: keep-alive\r\n" KEY VERSION, "Invalid Connection header" },
	{ UPGRADE CONNECTION VERSION, "Missing Sec-WebSocket-Key" },
	{ UPGRADE CONNECTION KEY, "Missing Sec-WebSocket-Version" },
};

static void what_is_no_handshake_is_told_why(void **state)
{
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		char want[512];

		request(f, "GET /app/app-key", BAD[i].headers);
		snprintf(want, sizeof(want),
			 "HTTP/1.1 400 Bad Request\r\n" FIXTURE_CORS
			 "content-length: %zu\r\ndate: " FIXTURE_DATE "\r\n\r\n%s",
			 strlen(BAD[i].text), BAD[i].text);
		assert_sent(f, want);
		assert_row(f->conn.phase == CONN_HTTP, i);
	}
}

static void another_version_is_told_ours(void **state)
{
	struct http_fixture *f = *state;

	request(f, "GET /app/app-key", UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 8\r\n");
	assert_sent(f, "HTTP/1.1 400 Bad Request\r\nsec-websocket-version: 13\r\n" FIXTURE_CORS
		       "content-length: 29\r\ndate: " FIXTURE_DATE
		       "\r\n\r\nUnsupported WebSocket version");
}

static const struct {
	const char *query, *problem; /* NULL: none */
} QUERIES[] = {
	{ "", NULL },
	{ "?protocol=5", NULL },
	{ "?protocol=007", NULL },
	{ "?protocol=255", NULL },
	{ "?protocol=7&echo_messages=false", NULL },
	{ "?protocol=7&format=nonsense&append_mode=full&foo=1&foo=2", NULL },
	{ "?protocol=abc", "protocol: invalid digit found in string" },
	{ "?protocol=7.0", "protocol: invalid digit found in string" },
	{ "?protocol=-1", "protocol: invalid digit found in string" },
	{ "?protocol=%2B", "protocol: invalid digit found in string" },
	{ "?protocol=", "protocol: cannot parse integer from empty string" },
	{ "?protocol", "protocol: cannot parse integer from empty string" },
	{ "?protocol=256", "protocol: number too large to fit in target type" },
	{ "?protocol=99999999999999999999", "protocol: number too large to fit in target type" },
	{ "?protocol=7&protocol=7", "duplicate field `protocol`" },
	{ "?client=a&client=b", "duplicate field `client`" },
	{ "?echo_messages=maybe", "echo_messages: provided string was not `true` or `false`" },
};

static void typed_parameters_must_be_understood(void **state)
{
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(QUERIES); i++) {
		char line[128], body[256];

		snprintf(line, sizeof(line), "GET /app/app-key%s", QUERIES[i].query);
		request(f, line, GOOD);
		assert_row(f->has_begun == !QUERIES[i].problem, i);
		if (f->has_begun)
			continue;
		snprintf(body, sizeof(body), "\r\n\r\nFailed to deserialize query string: %s",
			 QUERIES[i].problem);
		assert_row(str_has_prefix(buf_str(&f->sent),
					  S("HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; "
					    "charset=utf-8\r\n")),
			   i);
		assert_str(str_skip(buf_str(&f->sent), f->sent.len - strlen(body)),
			   str_from_cstr(body));
	}
}

static void tokens_and_the_native_protocol_are_refused_by_frame(void **state)
{
	struct http_fixture *f = *state;

	request(f, "GET /app/app-key?protocol=7&token=abc", GOOD);
	assert_sent(f, SWITCHING(""));
	assert_int_equal(f->refused, 4009);
	assert_string_equal(f->reason,
			    "Authentication error: capability tokens require protocol V2");
	request(f, "GET /app/app-key?protocol=2", GOOD);
	assert_sent(f, SWITCHING(""));
	assert_int_equal(f->refused, 4007);
	assert_false(f->has_begun);
}

static void head_post_and_options_are_no_handshakes(void **state)
{
	struct http_fixture *f = *state;

	request(f, "HEAD /app/app-key", GOOD);
	assert_sent(f, "HTTP/1.1 405 Method Not Allowed\r\n" FIXTURE_CORS
		       "content-length: 18\r\ndate: " FIXTURE_DATE "\r\n\r\n");
	request(f, "POST /app/app-key", GOOD);
	assert_sent(f, "HTTP/1.1 405 Method Not Allowed\r\n" FIXTURE_CORS
		       "allow: GET,HEAD\r\ncontent-length: 0\r\ndate: " FIXTURE_DATE "\r\n\r\n");
	request(f, "OPTIONS /app/app-key", GOOD);
	assert_true(str_has_prefix(buf_str(&f->sent), S("HTTP/1.1 200 OK\r\n")));
	assert_false(f->has_begun);
}

static void a_draining_node_upgrades_and_asks_to_come_again(void **state)
{
	struct http_fixture *f = *state;

	f->worker.is_draining = true;
	request(f, "GET /app/app-key?protocol=7", GOOD);
	assert_true(str_has_prefix(buf_str(&f->sent), S("HTTP/1.1 101 Switching Protocols\r\n")));
	assert_false(f->has_begun);
	assert_int_equal(f->refused, 4100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_handshake_begins_a_session),
		TEST(the_first_offered_subprotocol_is_taken_up),
		TEST(unknown_and_disabled_apps_are_the_sessions_business),
		TEST(the_key_is_decoded),
		TEST(bytes_after_the_handshake_are_the_sessions),
		TEST(a_handshake_in_pieces_is_the_same),
		TEST(compression_is_agreed_on_where_it_suits_both),
		TEST(who_sends_frames_too_early_is_not_compressed),
		TEST(what_is_no_handshake_is_told_why),
		TEST(another_version_is_told_ours),
		TEST(typed_parameters_must_be_understood),
		TEST(tokens_and_the_native_protocol_are_refused_by_frame),
		TEST(head_post_and_options_are_no_handshakes),
		TEST(a_draining_node_upgrades_and_asks_to_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
