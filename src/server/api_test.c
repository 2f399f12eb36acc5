/* Routes of the HTTP API and what becomes of their calls: a record to the hub, or a refusal. */
#include "base/check.h"
#include "base/testing.h"
#include "codec/pusher.h"
#include "server/http_testing.h"

#define JSON_TYPE "content-type: application/json\r\n"
#define OK_TRUE                                                                                    \
	"HTTP/1.1 200 OK\r\n" JSON_TYPE FIXTURE_CORS "content-length: 11\r\ndate: " FIXTURE_DATE   \
	"\r\n\r\n{\"ok\":true}"
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

static void post(struct http_fixture *f, const char *path, const char *headers, const char *body)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	http_fixture_sign(&b, "POST", path, "", headers, str_from_cstr(body));
	http_fixture_restart(f);
	assert_int_equal(http_fixture_feed(f, buf_str(&b)), 0);
	buf_fini(&b);
}

static bool sent_contains(const struct http_fixture *f, const char *text)
{
	return memmem(f->sent.p, f->sent.len, text, strlen(text)) != NULL;
}

/* Users */

static void closing_a_user_is_asked_of_the_hub(void **state)
{
	static const struct {
		const char *path, *body, *channel;
		unsigned code;
		const char *reason;
	} rows[] = {
		{ "/apps/app-id/users/user-1/terminate_connections", "{}", "#server-to-user-user-1",
		  4009, "You got disconnected by the app." },
		{ "/apps/app-id/users/user-1/force_reconnect", "{}", "#server-to-user-user-1", 4200,
		  "Force reconnect requested by the app." },
		/* Bodies are signed and not looked at. */
		{ "/apps/app-id/users/u/terminate_connections", "", "#server-to-user-u", 4009,
		  "You got disconnected by the app." },
		{ "/apps/app-id/users/u/terminate_connections", "{nonsense", "#server-to-user-u",
		  4009, "You got disconnected by the app." },
		{ "/apps/app-id/users/zo%C3%AB%20%2F+1/terminate_connections", "{}",
		  "#server-to-user-zo\xc3\xab /+1", 4009, "You got disconnected by the app." },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_fixture *f = *state;
		const struct to_hub_close_user *r;

		post(f, rows[i].path, "", rows[i].body);
		assert_row(f->conn.awaits_hub && f->record_kind == TO_HUB_CLOSE_USER, i);
		r = f->record;
		assert_ptr_equal(r->conn, &f->conn);
		assert_ptr_equal(r->app, f->app);
		assert_int_equal(r->code, rows[i].code);
		assert_str(r->reason, str_from_cstr(rows[i].reason));
		assert_str(((str){ r->text, r->channel_len }), str_from_cstr(rows[i].channel));
		http_fixture_answer(f, ANSWER_OK, NULL);
		assert_str(buf_str(&f->sent), S(OK_TRUE));
	}
}

static void closing_a_user_needs_a_signature_and_post(void **state)
{
	struct http_fixture *f = *state;

	http_fixture_feed(f, S("POST /apps/app-id/users/u/terminate_connections HTTP/1.1\r\n\r\n"));
	assert_true(sent_contains(f, "\"Missing authentication query parameters\""));
	http_fixture_restart(f);
	http_fixture_feed(f, S("GET /apps/app-id/users/u/force_reconnect HTTP/1.1\r\n\r\n"));
	assert_true(sent_contains(f, "HTTP/1.1 405 Method Not Allowed\r\n"));
	assert_true(sent_contains(f, "\r\nallow: POST\r\n"));
	assert_false(f->conn.awaits_hub);
}

static void closing_a_user_without_memory_is_answered_with_503(void **state)
{
	struct http_fixture *f = *state;

	f->is_out_of_memory = true;
	post(f, "/apps/app-id/users/u/terminate_connections", "", "{}");
	assert_false(f->conn.awaits_hub);
	assert_true(sent_contains(f, "HTTP/1.1 503 Service Unavailable\r\n"));
}

/* Idempotency keys: the header's way; what may stand in a body is tested with it. */

static str key_of_event(const struct http_fixture *f)
{
	const struct to_hub_publish *r = f->record;
	const struct published_event *e =
		(const void *)((const char *)r + mail_events_offset(r->key_len));

	return (str){ e->text + e->name_len + e->data_len, e->key_len };
}

static void idempotency_header_guards_the_event_or_the_whole_batch(void **state)
{
	struct http_fixture *f = *state;
	const struct to_hub_publish *r;

	post(f, "/apps/app-id/events", JSON_TYPE "X-Idempotency-Key:  k1 \r\n", EVENT);
	assert_str(key_of_event(f), S("k1"));
	assert_int_equal(((const struct to_hub_publish *)f->record)->key_len, 0);
	post(f, "/apps/app-id/batch_events", JSON_TYPE "x-idempotency-key: k2\r\n",
	     "{\"batch\":[" EVENT "]}");
	r = f->record;
	assert_str(((str){ r->text, r->key_len }), S("k2"));
	assert_int_equal(key_of_event(f).n, 0);
	post(f, "/apps/app-id/events", JSON_TYPE, EVENT);
	assert_int_equal(key_of_event(f).n, 0);
}

static void idempotency_header_that_is_empty_is_refused(void **state)
{
	struct http_fixture *f = *state;

	post(f, "/apps/app-id/events", JSON_TYPE "x-idempotency-key:\r\n", EVENT);
	assert_false(f->conn.awaits_hub);
	assert_true(sent_contains(f, "HTTP/1.1 400 Bad Request\r\n"));
	assert_true(sent_contains(f, "{\"error\":\"Idempotency key must not be empty\","
				     "\"code\":\"invalid_input\",\"status\":400}"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(closing_a_user_is_asked_of_the_hub),
		TEST(closing_a_user_needs_a_signature_and_post),
		TEST(closing_a_user_without_memory_is_answered_with_503),
		TEST(idempotency_header_guards_the_event_or_the_whole_batch),
		TEST(idempotency_header_that_is_empty_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
