/* Requests in, answers out: whole and in pieces, good and bad, at once and after the hub. */
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "server/http_testing.h"

#include <stdio.h>

#define JSON_TYPE "content-type: application/json\r\n"
#define TAIL(length) FIXTURE_CORS "content-length: " length "\r\ndate: " FIXTURE_DATE "\r\n\r\n"
#define UP_OK                                                                                      \
	"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\nx-health-check: "           \
	"OK\r\n" TAIL("2") "OK"
#define OK_TRUE "HTTP/1.1 200 OK\r\n" JSON_TYPE TAIL("11") "{\"ok\":true}"
#define REFUSED(status)                                                                            \
	"HTTP/1.1 " status "\r\nconnection: close\r\ncontent-length: 0\r\ndate: " FIXTURE_DATE     \
	"\r\n\r\n"
#define EVENT "{\"name\":\"e\",\"channel\":\"c\",\"data\":\"x\"}"

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

/* A new connection gets the text at once; all of it is taken. */
static void feed(struct http_fixture *f, const char *text)
{
	http_fixture_restart(f);
	http_fixture_feed(f, str_from_cstr(text));
}

static void assert_sent(struct http_fixture *f, const char *text)
{
	assert_str(buf_str(&f->sent), str_from_cstr(text));
}

static bool sent_begins(const struct http_fixture *f, const char *text)
{
	return str_has_prefix(buf_str(&f->sent), str_from_cstr(text));
}

static bool sent_contains(const struct http_fixture *f, const char *text)
{
	return str_contains_nocase(buf_str(&f->sent), str_from_cstr(text));
}

static void feed_signed(struct http_fixture *f, const char *method, const char *path,
			const char *params, const char *headers, const char *body)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	http_fixture_sign(&b, method, path, params, headers, str_from_cstr(body));
	http_fixture_restart(f);
	assert_int_equal(http_fixture_feed(f, buf_str(&b)), 0);
	buf_fini(&b);
}

static void publish(struct http_fixture *f)
{
	feed_signed(f, "POST", "/apps/app-id/events", "", JSON_TYPE, EVENT);
}

/* Unsigned routes and the frame around them */

static const struct {
	const char *request, *answer;
} PLAIN[] = {
	{ "GET /up HTTP/1.1\r\n\r\n", UP_OK },
	{ "GET /up/?x=1 HTTP/1.1\r\n\r\n", UP_OK },
	{ "\r\n\r\nGET http://a.example/up HTTP/1.1\r\n\r\n", UP_OK },
	{ "GET /up/app-id HTTP/1.1\r\n\r\n", UP_OK },
	{ "GET /up/app%2Did HTTP/1.1\r\n\r\n", UP_OK },
	{ "GET /up HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", UP_OK },
	{ "HEAD /up HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-type: text/plain; "
				       "charset=utf-8\r\nx-health-check: OK\r\n" TAIL("2") },
	{ "GET /up/off HTTP/1.1\r\n\r\n",
	  "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
	  "x-health-check: ERROR\r\n" TAIL("5") "ERROR" },
	{ "GET /up/app-key HTTP/1.1\r\n\r\n",
	  "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\n"
	  "x-health-check: NOT_FOUND\r\n" TAIL("9") "NOT_FOUND" },
	{ "GET /live HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n" TAIL("0") },
	{ "GET /nope HTTP/1.1\r\n\r\n",
	  "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: "
	  "13\r\ndate: " FIXTURE_DATE "\r\n\r\n404 NOT FOUND" },
	{ "OPTIONS /nope HTTP/1.1\r\n\r\n",
	  "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: "
	  "13\r\ndate: " FIXTURE_DATE "\r\n\r\n404 NOT FOUND" },
	{ "PATCH /live HTTP/1.1\r\n\r\n",
	  "HTTP/1.1 405 Method Not Allowed\r\n" FIXTURE_CORS
	  "allow: GET,HEAD\r\ncontent-length: 0\r\ndate: " FIXTURE_DATE "\r\n\r\n" },
	{ "BREW /apps/app-id/events HTTP/1.1\r\n\r\n",
	  "HTTP/1.1 405 Method Not Allowed\r\n" FIXTURE_CORS
	  "allow: POST\r\ncontent-length: 0\r\ndate: " FIXTURE_DATE "\r\n\r\n" },
	{ "OPTIONS /apps/app-id/events HTTP/1.1\r\norigin: https://x.example\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nvary: origin, access-control-request-method, "
	  "access-control-request-headers\r\n"
	  "access-control-allow-methods: "
	  "GET,POST,PUT,PATCH,DELETE,OPTIONS\r\naccess-control-allow-headers: "
	  "authorization,content-type,x-requested-with,accept,x-ably-clientid,x-ably-version,x-"
	  "ably-lib,"
	  "x-ably-devicetoken,ably-agent,ably-version,ably-clientid,x-idempotency-key\r\n"
	  "access-control-allow-origin: *\r\nallow: POST\r\ncontent-length: "
	  "0\r\ndate: " FIXTURE_DATE "\r\n\r\n" },
	{ "GET /up HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
	  "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\nx-health-check: "
	  "OK\r\n" FIXTURE_CORS "connection: keep-alive\r\ncontent-length: 2\r\ndate: " FIXTURE_DATE
	  "\r\n\r\nOK" },
};

static void unsigned_routes_answer_as_recorded(void **state)
{
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(PLAIN); i++) {
		feed(f, PLAIN[i].request);
		assert_sent(f, PLAIN[i].answer);
		assert_row(f->conn.phase == CONN_HTTP && !f->conn.http, i);
		assert_row(f->timer_ms == f->options.idle_timeout_ms, i);
	}
}

static void whoever_wants_the_end_gets_it(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "GET /up HTTP/1.1\r\nconnection: close\r\n\r\nGET /up HTTP/1.1\r\n\r\n");
	assert_true(sent_contains(f, "content-length: 2\r\nconnection: close\r\ndate: "));
	assert_int_equal(f->n_sent, 1);
	assert_int_equal(f->conn.phase, CONN_CLOSING);
	feed(f, "GET /up HTTP/1.0\r\n\r\n");
	assert_int_equal(f->conn.phase, CONN_CLOSING);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "GET /up HTTP/1.1\r\n\r\nGET /live HTTP/1.1\r\n\r\nGET /up HTTP/1.1\r\n\r\n");
	assert_sent(f, UP_OK "HTTP/1.1 200 OK\r\n" TAIL("0") UP_OK);
}

static const struct {
	const char *request, *answer;
} MALFORMED[] = {
	{ "NONSENSE\r\n\r\n", REFUSED("400 Bad Request") },
	{ "GET /up HTTP/9.9\r\n\r\n", REFUSED("400 Bad Request") },
	{ "GET /up HTTP/1.1\r\nbad name: x\r\n\r\n", REFUSED("400 Bad Request") },
	{ "GET /up HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
	  REFUSED("400 Bad Request") },
	{ "POST /up HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", REFUSED("400 Bad Request") },
	{ "POST /up HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx", REFUSED("400 Bad Request") },
};

static void what_is_no_request_ends_the_connection(void **state)
{
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(MALFORMED); i++) {
		feed(f, MALFORMED[i].request);
		assert_sent(f, MALFORMED[i].answer);
		assert_row(f->conn.phase == CONN_CLOSING && !f->conn.http, i);
	}
}

static void a_head_beyond_its_limits_ends_the_connection(void **state)
{
	struct http_fixture *f = *state;
	char text[4096];

	snprintf(text, sizeof(text), "GET /%01500d HTTP/1.1\r\n\r\n", 0);
	feed(f, text);
	assert_sent(f, REFUSED("414 URI Too Long"));
	snprintf(text, sizeof(text), "GET /up HTTP/1.1\r\nx: %03000d\r\n\r\n", 0);
	feed(f, text);
	assert_sent(f, REFUSED("431 Request Header Fields Too Large"));
}

/* The same when it comes byte by byte, and never more is kept than the limit. */
static void a_slowly_growing_head_is_stopped_at_its_limit(void **state)
{
	struct http_fixture *f = *state;
	size_t n = 0;

	feed(f, "GET /up HTTP/1.1\r\nx: ");
	for (; f->conn.phase == CONN_HTTP && n < 4096; n++)
		http_fixture_feed(f, S("y"));
	assert_sent(f, REFUSED("431 Request Header Fields Too Large"));
	assert_int_equal(n + 21, f->options.request_head_bytes_max);
}

/* Bodies */

static void assert_too_large(struct http_fixture *f)
{
	assert_sent(f, "HTTP/1.1 413 Payload Too Large\r\ncontent-type: text/plain; "
		       "charset=utf-8\r\n" FIXTURE_CORS
		       "content-length: 56\r\nconnection: close\r\ndate: " FIXTURE_DATE
		       "\r\n\r\nFailed to buffer the request body: length limit exceeded");
	assert_int_equal(f->conn.phase, CONN_CLOSING);
	assert_null(f->conn.http);
}

static void a_large_body_is_refused_before_it_is_read(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "POST /apps/app-id/events HTTP/1.1\r\ncontent-length: 4097\r\nexpect: "
		"100-continue\r\n\r\n");
	assert_too_large(f);
	feed(f, "POST /apps/app-id/events HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n800\r\n");
	assert_int_equal(f->conn.phase, CONN_HTTP);
	feed(f, "POST /apps/app-id/events HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1001\r\n");
	assert_too_large(f);
}

static void a_declared_length_takes_no_memory_by_itself(void **state)
{
	struct http_fixture *f = *state;
	int64_t before;

	f->options.request_body_bytes_max = 1u << 30;
	feed(f, "");
	before = mem_live_bytes();
	http_fixture_feed(f,
			  S("POST /up HTTP/1.1\r\ncontent-length: 1073741824\r\n\r\n0123456789"));
	assert_true(mem_live_bytes() - before < 2048);
}

/* A body in pieces, counted or in chunks. */
static void feed_body(struct http_fixture *f, bool is_chunked, size_t n_pieces)
{
	enum { PIECE = 1000 };
	char text[PIECE + 16];
	int n = 0;

	if (is_chunked)
		n = snprintf(text, sizeof(text), "%x\r\n", PIECE);
	memset(text + n, ' ', PIECE);
	if (is_chunked)
		memcpy(text + n + PIECE, "\r\n", 2);
	for (; n_pieces > 0; n_pieces--)
		http_fixture_feed(f, (str){ text, (size_t)n + PIECE + (is_chunked ? 2 : 0) });
}

static void end_body(struct http_fixture *f, bool is_chunked)
{
	if (is_chunked)
		http_fixture_feed(f, S("0\r\n\r\n"));
	else
		feed_body(f, false, 1);
}

static const struct {
	const char *head, *answer;
} STRANGERS[] = {
	{ "POST /apps/app-id/events HTTP/1.1\r\n", "HTTP/1.1 400 " },
	{ "POST /apps/app-id/events?auth_key=app-key&auth_timestamp=1700000000&auth_version=1.0&"
	  "body_md5=00000000000000000000000000000000&auth_signature=00 HTTP/1.1\r\n",
	  "HTTP/1.1 401 " },
	{ "POST /apps/app-id/events?auth_key=nobody HTTP/1.1\r\n", "HTTP/1.1 404 " },
	{ "GET /up HTTP/1.1\r\n", UP_OK },
	{ "POST /nothing/here HTTP/1.1\r\n", "HTTP/1.1 404 " },
	{ "POST /up HTTP/1.1\r\n", "HTTP/1.1 405 " },
};

static void a_strangers_body_is_not_kept(void **state)
{
	enum { PIECES = 1000 };
	struct http_fixture *f = *state;
	int64_t before;
	char head[400];

	f->options.request_body_bytes_max = 1u << 30;
	for (size_t i = 0; i < 2 * ARRAY_LEN(STRANGERS); i++) {
		bool is_chunked = i % 2;

		feed(f, "");
		before = mem_live_bytes();
		snprintf(head, sizeof(head), "%s%s\r\n\r\n", STRANGERS[i / 2].head,
			 is_chunked ? "transfer-encoding: chunked" : "content-length: 1000000");
		http_fixture_feed(f, str_from_cstr(head));
		feed_body(f, is_chunked, PIECES - 1);
		assert_row(mem_live_bytes() - before < 2048, i);
		end_body(f, is_chunked);
		assert_row(sent_begins(f, STRANGERS[i / 2].answer), i);
	}
}

static void a_strangers_body_has_the_same_limit(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "POST /nothing HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
	feed_body(f, true, 4);
	end_body(f, true);
	assert_true(sent_begins(f, "HTTP/1.1 404 "));
	feed(f, "POST /nothing HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
	feed_body(f, true, 5);
	assert_too_large(f);
}

/* Whoever has signed the head is still asked what he has signed. */
static void a_body_that_was_not_signed_is_refused(void **state)
{
	struct http_fixture *f = *state;
	struct buf b;

	buf_init(&b, 4096);
	http_fixture_sign(&b, "POST", "/apps/app-id/events", "", JSON_TYPE, S(EVENT));
	b.p[b.len - 2] = '!';
	http_fixture_restart(f);
	http_fixture_feed(f, str_take(buf_str(&b), b.len - 10));
	assert_int_equal(f->n_sent, 0);
	http_fixture_feed(f, str_skip(buf_str(&b), b.len - 10));
	assert_true(sent_begins(f, "HTTP/1.1 401 ") && sent_contains(f, "body_md5 mismatch"));
	assert_null(f->record);
	buf_fini(&b);
}

/* Of what was not kept nothing can be made when its app is there at last. */
static void who_was_a_stranger_when_he_began_may_come_again(void **state)
{
	struct http_fixture *f = *state;
	struct buf b;

	buf_init(&b, 4096);
	http_fixture_sign(&b, "POST", "/apps/app-id/events", "", JSON_TYPE, S(EVENT));
	http_fixture_restart(f);
	f->clock.wall_ms -= 3600000;
	http_fixture_feed(f, str_take(buf_str(&b), b.len - 10));
	f->clock.wall_ms += 3600000;
	http_fixture_feed(f, str_skip(buf_str(&b), b.len - 10));
	assert_true(sent_begins(f, "HTTP/1.1 503 ") && sent_contains(f, "retry-after: "));
	assert_null(f->record);
	buf_fini(&b);
}

static void continue_is_said_only_to_who_waits_for_it(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "POST /up HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
	assert_sent(f, "HTTP/1.1 100 Continue\r\n\r\n");
	http_fixture_feed(f, S("ab"));
	http_fixture_feed(f, S("cd"));
	assert_true(sent_contains(f, "\r\n\r\nHTTP/1.1 405 "));
	feed(f, "POST /up HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nab");
	assert_int_equal(f->n_sent, 0);
	http_fixture_feed(f, S("cd"));
	assert_true(sent_begins(f, "HTTP/1.1 405 "));
}

/* Deadlines */

static void each_wait_has_its_deadline(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "");
	assert_int_equal(f->timer_ms, f->options.head_timeout_ms);
	http_fixture_feed(f, S("POST /up HTTP/1.1\r\ncontent-length: 2\r\n"));
	assert_int_equal(f->timer_ms, f->options.head_timeout_ms);
	http_fixture_feed(f, S("\r\n"));
	assert_int_equal(f->timer_ms, f->options.body_timeout_ms);
	http_fixture_feed(f, S("ab"));
	assert_int_equal(f->timer_ms, f->options.idle_timeout_ms);
}

static void an_idle_connection_ends_in_silence(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "");
	http_on_timer(&f->conn);
	assert_int_equal(f->conn.phase, CONN_ENDED);
	feed(f, "GET /live HTTP/1.1\r\n\r\n\r\n");
	http_on_timer(&f->conn);
	assert_int_equal(f->n_sent, 1);
	assert_int_equal(f->conn.phase, CONN_ENDED);
}

static void an_unfinished_request_ends_with_408(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "G");
	http_on_timer(&f->conn);
	assert_sent(f, REFUSED("408 Request Timeout"));
	feed(f, "POST /up HTTP/1.1\r\ncontent-length: 2\r\n\r\na");
	http_on_timer(&f->conn);
	assert_sent(f, REFUSED("408 Request Timeout"));
	assert_int_equal(f->conn.phase, CONN_CLOSING);
}

static void who_waits_for_the_hub_is_not_late(void **state)
{
	struct http_fixture *f = *state;

	publish(f);
	http_on_timer(&f->conn);
	assert_int_equal(f->conn.phase, CONN_HTTP);
	assert_int_equal(f->timer_ms, f->options.idle_timeout_ms);
}

/* Signed routes */

static void the_signature_is_checked_before_the_body(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "POST /apps/app-id/events?a=b HTTP/1.1\r\ncontent-length: 1\r\n\r\nx");
	assert_true(sent_begins(f, "HTTP/1.1 404 Not Found\r\n" JSON_TYPE));
	assert_true(sent_contains(
		f, "\r\n\r\n{\"error\":\"Application key not found or invalid: Invalid app "
		   "key\",\"code\":\"app_not_found\",\"status\":404}"));
	feed_signed(f, "POST", "/apps/app-id/events", "", "", "x");
	assert_sent(f, "HTTP/1.1 415 Unsupported Media Type\r\ncontent-type: text/plain; "
		       "charset=utf-8\r\n" TAIL(
			       "54") "Expected request with `Content-Type: application/json`");
	feed_signed(f, "POST", "/apps/app-id/events", "", JSON_TYPE, "x");
	assert_true(sent_begins(
		f, "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"));
	assert_true(sent_contains(f, "\r\n\r\nFailed to parse the request body as JSON: "));
	feed_signed(f, "POST", "/apps/app-id/events", "", JSON_TYPE, "[]");
	assert_true(sent_begins(f, "HTTP/1.1 422 "));
	feed_signed(f, "POST", "/apps/app-id/events", "", JSON_TYPE, "{}");
	assert_true(sent_contains(f, "\r\n\r\n{\"error\":\"Event name is "
				     "required\",\"code\":\"invalid_input\",\"status\":400}"));
	assert_null(f->record);
}

static const struct {
	const char *type;
	bool is_json;
} TYPES[] = {
	{ "application/json", true },
	{ "application/json; charset=utf-8", true },
	{ "APPLICATION/JSON", true },
	{ "application/vnd.x+json", true },
	{ "application/+json", false },
	{ "text/plain", false },
	{ "application/jsonp", false },
	{ "text/x+json", false },
	{ "application/x-www-form-urlencoded", false },
};

static void a_body_must_be_declared_as_json(void **state)
{
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(TYPES); i++) {
		char header[128];

		snprintf(header, sizeof(header), "Content-Type: %s\r\n", TYPES[i].type);
		feed_signed(f, "POST", "/apps/app-id/events", "", header, EVENT);
		assert_row(f->conn.awaits_hub == TYPES[i].is_json, i);
		assert_row(sent_begins(f, "HTTP/1.1 415 ") == !TYPES[i].is_json, i);
	}
}

static void a_publish_is_one_record_and_its_answer_shared(void **state)
{
	struct http_fixture *f = *state;
	const struct to_hub_publish *r;

	publish(f);
	r = f->record;
	assert_int_equal(f->record_kind, TO_HUB_PUBLISH);
	assert_ptr_equal(r->conn, &f->conn);
	assert_ptr_equal(r->app, f->app);
	assert_int_equal(r->n_events, 1);
	assert_int_equal(f->n_sent, 0);
	http_fixture_answer(f, ANSWER_OK, NULL);
	assert_sent(f, OK_TRUE);
	publish(f);
	http_fixture_answer(f, ANSWER_OK, NULL);
	assert_sent(f, OK_TRUE);
	assert_int_equal(atomic_load(&f->worker.published->refs), 1);
}

static void a_batch_is_answered_with_an_empty_object(void **state)
{
	struct http_fixture *f = *state;

	feed_signed(f, "POST", "/apps/app-id/batch_events", "", JSON_TYPE,
		    "{\"batch\":[" EVENT "," EVENT "]}");
	assert_int_equal(((const struct to_hub_publish *)f->record)->n_events, 2);
	http_fixture_answer(f, ANSWER_OK, NULL);
	assert_sent(f, "HTTP/1.1 200 OK\r\n" JSON_TYPE TAIL("2") "{}");
	feed_signed(f, "POST", "/apps/app-id/batch_events", "", JSON_TYPE, "{\"batch\":[]}");
	assert_false(f->conn.awaits_hub);
	assert_sent(f, "HTTP/1.1 200 OK\r\n" JSON_TYPE TAIL("2") "{}");
}

static void input_waits_while_the_hub_is_asked(void **state)
{
	struct http_fixture *f = *state;
	struct buf b;

	buf_init(&b, 4096);
	http_fixture_sign(&b, "POST", "/apps/app-id/events", "", JSON_TYPE, S(EVENT));
	buf_puts(&b, S("GET /up HTTP/1.1\r\n\r\n"));
	http_fixture_restart(f);
	assert_int_equal(http_fixture_feed(f, buf_str(&b)), strlen("GET /up HTTP/1.1\r\n\r\n"));
	assert_int_equal(f->n_sent, 0);
	http_fixture_answer(f, ANSWER_OK, NULL);
	http_fixture_feed(f, S("GET /up HTTP/1.1\r\n\r\n"));
	assert_sent(f, OK_TRUE UP_OK);
	buf_fini(&b);
}

static void an_answer_to_nobody_is_dropped(void **state)
{
	struct http_fixture *f = *state;

	publish(f);
	conn_end(&f->conn);
	http_fixture_answer(f, ANSWER_OK, "{\"channels\":{}}");
	assert_int_equal(f->n_sent, 0);
}

static void what_the_hub_cannot_do_is_said(void **state)
{
	struct http_fixture *f = *state;

	publish(f);
	http_fixture_answer(f, ANSWER_NO_MEMORY, NULL);
	assert_true(sent_begins(f, "HTTP/1.1 503 Service Unavailable\r\n" JSON_TYPE
				   "retry-after: 1\r\n"));
	assert_true(sent_contains(f, "\"code\":\"backpressure\",\"status\":503}"));
	f->is_out_of_memory = true;
	publish(f);
	assert_false(f->conn.awaits_hub);
	assert_true(sent_contains(f, "\"code\":\"backpressure\",\"status\":503}"));
}

/* State */

static const struct to_hub_query *ask(struct http_fixture *f, const char *path, const char *params)
{
	feed_signed(f, "GET", path, params, "", "");
	if (!f->conn.awaits_hub)
		return NULL;
	assert_int_equal(f->record_kind, TO_HUB_QUERY);
	return f->record;
}

static void questions_go_to_the_hub(void **state)
{
	struct http_fixture *f = *state;
	const struct to_hub_query *q =
		ask(f, "/apps/app-id/channels", "filter_by_prefix=presence-&info=user_count");

	assert_int_equal(q->kind, QUERY_CHANNELS);
	assert_str(((str){ q->text, q->text_len }), S("presence-"));
	assert_true(q->has_info && q->info == INFO_USER_COUNT);
	http_fixture_answer(f, ANSWER_OK, "{\"channels\":{}}");
	assert_sent(f, "HTTP/1.1 200 OK\r\n" JSON_TYPE TAIL("15") "{\"channels\":{}}");

	q = ask(f, "/apps/app-id/channels", "info=");
	assert_true(!q->has_info && q->text_len == 0);
	q = ask(f, "/apps/app-id/channels/a%2Cb", "info=subscription_count,cache,nonsense");
	assert_int_equal(q->kind, QUERY_CHANNEL);
	assert_str(((str){ q->text, q->text_len }), S("a,b"));
	assert_int_equal(q->info, INFO_SUBSCRIPTION_COUNT | INFO_CACHE);
	q = ask(f, "/apps/app-id/channels/presence-a/users", "");
	assert_int_equal(q->kind, QUERY_USERS);
}

static const struct {
	const char *path, *params, *error;
} BAD_QUESTIONS[] = {
	{ "/apps/app-id/channels/a", "info=user_count",
	  "user_count is only available for presence channels" },
	{ "/apps/app-id/channels/a/users", "", "Only presence channels support this endpoint" },
	{ "/apps/app-id/channels/a%20b", "",
	  "Channel name contains invalid characters: 'a b' (invalid chars: [' '])" },
	{ "/apps/app-id/channels/a%23b", "",
	  "Channel 'a#b' uses user-limited syntax but the namespace does not allow it" },
	{ "/apps/app-id/channels/presence-%2F/users", "",
	  "Channel name contains invalid characters: 'presence-/' (invalid chars: ['/'])" },
};

static void questions_that_make_no_sense_are_refused(void **state)
{
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(BAD_QUESTIONS); i++) {
		char body[256];

		assert_row(!ask(f, BAD_QUESTIONS[i].path, BAD_QUESTIONS[i].params), i);
		snprintf(body, sizeof(body),
			 "\r\n\r\n{\"error\":\"%s\",\"code\":\"invalid_input\",\"status\":400}",
			 BAD_QUESTIONS[i].error);
		assert_row(sent_begins(f, "HTTP/1.1 400 Bad Request\r\n" JSON_TYPE) &&
				   sent_contains(f, body),
			   i);
	}
	ask(f, "/apps/app-id/channels", "info=user_count");
	http_fixture_answer(f, ANSWER_NOT_PRESENCE, NULL);
	assert_true(sent_contains(
		f, "\r\n\r\n{\"error\":\"user_count is only available for presence channels. Use "
		   "filter_by_prefix=presence-\",\"code\":\"invalid_input\",\"status\":400}"));
	feed(f, "GET /apps/app-id/channels/%ff HTTP/1.1\r\n\r\n");
	assert_true(sent_begins(f, "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain"));
}

static void head_of_a_question_has_its_length_only(void **state)
{
	struct http_fixture *f = *state;

	feed_signed(f, "HEAD", "/apps/app-id/channels", "", "", "");
	http_fixture_answer(f, ANSWER_OK, "{\"channels\":{}}");
	assert_sent(f, "HTTP/1.1 200 OK\r\n" JSON_TYPE TAIL("15"));
}

/* Draining */

static void a_draining_node_says_so_and_serves_on(void **state)
{
	struct http_fixture *f = *state;

	f->worker.is_draining = true;
	feed(f, "GET /up HTTP/1.1\r\n\r\n");
	assert_true(sent_begins(f, "HTTP/1.1 503 ") &&
		    sent_contains(f, "x-health-check: DRAINING\r\n"));
	assert_true(sent_contains(f, "connection: close\r\n") && f->conn.phase == CONN_CLOSING);
	publish(f);
	http_fixture_answer(f, ANSWER_OK, NULL);
	assert_true(sent_begins(f, "HTTP/1.1 200 ") && sent_contains(f, "connection: close\r\n"));
	feed_signed(f, "GET", "/apps/app-id/channels", "", "", "");
	assert_true(f->conn.awaits_hub);
}

/* Pieces */

static void publish_in_pieces(struct http_fixture *f, str request, size_t a, size_t b)
{
	http_fixture_restart(f);
	http_fixture_feed(f, str_take(request, a));
	http_fixture_feed(f, str_take(str_skip(request, a), b - a));
	assert_int_equal(http_fixture_feed(f, str_skip(request, b)), 0);
	assert_row(f->conn.awaits_hub && !f->conn.http, a * 10000 + b);
	http_fixture_answer(f, ANSWER_OK, NULL);
	assert_sent(f, OK_TRUE);
}

static void assert_same_in_pieces(struct http_fixture *f, str request)
{
	for (size_t i = 0; i <= request.n; i++)
		publish_in_pieces(f, request, i, i);
	for (size_t i = 0; i < request.n; i += 7) {
		for (size_t k = i; k <= request.n; k += 5)
			publish_in_pieces(f, request, i, k);
	}
}

static void a_request_in_pieces_is_the_same_request(void **state)
{
	struct buf b;

	buf_init(&b, 4096);
	http_fixture_sign(&b, "POST", "/apps/app-id/events", "", JSON_TYPE, S(EVENT));
	assert_same_in_pieces(*state, buf_str(&b));
	buf_fini(&b);
}

static void a_chunked_request_in_pieces_is_the_same_request(void **state)
{
	str body = S(EVENT);
	struct buf b, chunked;
	size_t head;

	buf_init(&b, 4096);
	buf_init(&chunked, 4096);
	http_fixture_sign(&b, "POST", "/apps/app-id/events", "",
			  JSON_TYPE "transfer-encoding: chunked\r\n", body);
	head = b.len - body.n - strlen("content-length: 37\r\n\r\n");
	buf_put(&chunked, b.p, head);
	buf_printf(&chunked, "\r\n4;x=y\r\n%.4s\r\n%zx\r\n%s\r\n0\r\nt: u\r\n\r\n", EVENT,
		   body.n - 4, &EVENT[4]);
	assert_same_in_pieces(*state, buf_str(&chunked));
	buf_fini(&b);
	buf_fini(&chunked);
}

static void requests_byte_by_byte_are_answered_in_order(void **state)
{
	struct http_fixture *f = *state;
	const char text[] = "GET /up HTTP/1.1\r\n\r\n\r\nPOST /up HTTP/1.1\r\ncontent-length: "
			    "3\r\n\r\nabcGET /live HTTP/1.1\r\n\r\n";

	http_fixture_restart(f);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		http_fixture_feed(f, (str){ text + i, 1 });
	assert_int_equal(f->n_sent, 3);
	assert_true(sent_begins(f, UP_OK "HTTP/1.1 405 ") &&
		    sent_contains(f, "\r\n\r\nHTTP/1.1 200 OK\r\n" TAIL("0")));
	assert_null(f->conn.http);
}

static void no_memory_for_a_piece_is_503(void **state)
{
	struct http_fixture *f = *state;

	feed(f, "");
	mem_fail_nth(1);
	http_fixture_feed(f, S("GET /up"));
	mem_fail_nth(0);
	assert_sent(f, REFUSED("503 Service Unavailable"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(unsigned_routes_answer_as_recorded),
		TEST(whoever_wants_the_end_gets_it),
		TEST(pipelined_requests_are_answered_in_order),
		TEST(what_is_no_request_ends_the_connection),
		TEST(a_head_beyond_its_limits_ends_the_connection),
		TEST(a_slowly_growing_head_is_stopped_at_its_limit),
		TEST(a_large_body_is_refused_before_it_is_read),
		TEST(a_declared_length_takes_no_memory_by_itself),
		TEST(a_strangers_body_is_not_kept),
		TEST(a_strangers_body_has_the_same_limit),
		TEST(a_body_that_was_not_signed_is_refused),
		TEST(who_was_a_stranger_when_he_began_may_come_again),
		TEST(continue_is_said_only_to_who_waits_for_it),
		TEST(each_wait_has_its_deadline),
		TEST(an_idle_connection_ends_in_silence),
		TEST(an_unfinished_request_ends_with_408),
		TEST(who_waits_for_the_hub_is_not_late),
		TEST(the_signature_is_checked_before_the_body),
		TEST(a_body_must_be_declared_as_json),
		TEST(a_publish_is_one_record_and_its_answer_shared),
		TEST(a_batch_is_answered_with_an_empty_object),
		TEST(input_waits_while_the_hub_is_asked),
		TEST(an_answer_to_nobody_is_dropped),
		TEST(what_the_hub_cannot_do_is_said),
		TEST(questions_go_to_the_hub),
		TEST(questions_that_make_no_sense_are_refused),
		TEST(head_of_a_question_has_its_length_only),
		TEST(a_draining_node_says_so_and_serves_on),
		TEST(a_request_in_pieces_is_the_same_request),
		TEST(a_chunked_request_in_pieces_is_the_same_request),
		TEST(requests_byte_by_byte_are_answered_in_order),
		TEST(no_memory_for_a_piece_is_503),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
