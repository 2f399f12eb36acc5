/* Requests of one client, counted: who counts as one, what is counted, and what answers say. */
#include "server/client_rate.h"

#include "base/check.h"
#include "base/rate_table.h"
#include "base/testing.h"
#include "server/client_address.h"
#include "server/http_testing.h"

#include <stdio.h>

#define JSON_TYPE "content-type: application/json\r\n"
#define RATE(left, reset)                                                                          \
	"x-ratelimit-limit: 3\r\nx-ratelimit-remaining: " left "\r\nx-ratelimit-reset: " reset     \
	"\r\n"
#define TAIL(length) FIXTURE_CORS "content-length: " length "\r\ndate: " FIXTURE_DATE "\r\n\r\n"
#define TOO_MANY_BODY                                                                              \
	"{\"error\":\"Too Many Requests\",\"message\":\"Rate limit exceeded. Please try again "    \
	"later.\"}"
#define EVENT "{\"name\":\"e\",\"channel\":\"c\",\"data\":\"x\"}"
#define SHAKE                                                                                      \
	"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "                         \
	"dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

static int set_up(void **state)
{
	struct http_fixture *f = test_calloc(1, sizeof(*f));

	http_fixture_init(f);
	f->options.trusted_proxies = ip_set_default;
	f->options.limits_client_rates = true;
	f->options.client_rates[CLIENT_RATE_API] = (struct client_rate_limit){ 3, 60, 0 };
	f->options.client_rates[CLIENT_RATE_UPGRADE] = (struct client_rate_limit){ 2, 30, 0 };
	f->worker.rates = rate_table_new((struct hash_key){ 3, 4 });
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct http_fixture *f = *state;

	rate_table_free(f->worker.rates);
	http_fixture_fini(f);
	test_free(f);
	return 0;
}

static void arrive_from(struct http_fixture *f, const char *peer)
{
	struct net_address a = { .family = NET_UNIX };

	if (strcmp(peer, "unix") != 0)
		assert_true(net_address_parse(str_from_cstr(peer), 50000, &a));
	http_fixture_restart(f);
	f->conn.peer = a;
	f->conn.peer_is_trusted = client_peer_is_trusted(&f->options.trusted_proxies, &a);
}

/* A new connection of peer gets the text. */
static void feed_from(struct http_fixture *f, const char *peer, const char *text)
{
	arrive_from(f, peer);
	http_fixture_feed(f, str_from_cstr(text));
}

static void feed(struct http_fixture *f, const char *text)
{
	feed_from(f, "192.0.2.1", text);
}

static void publish(struct http_fixture *f, const char *peer)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	http_fixture_sign(&b, "POST", "/apps/app-id/events", "", JSON_TYPE, S(EVENT));
	arrive_from(f, peer);
	assert_int_equal(http_fixture_feed(f, buf_str(&b)), 0);
	if (f->conn.awaits_hub)
		http_fixture_answer(f, ANSWER_OK, NULL);
	buf_fini(&b);
}

static bool sent_contains(const struct http_fixture *f, const char *text)
{
	return memmem(f->sent.p, f->sent.len, text, strlen(text)) != NULL;
}

static bool is_refused(const struct http_fixture *f)
{
	return str_has_prefix(buf_str(&f->sent), S("HTTP/1.1 429 Too Many Requests\r\n"));
}

static void answers_say_what_is_left(void **state)
{
	struct http_fixture *f = *state;

	publish(f, "192.0.2.1");
	assert_str(buf_str(&f->sent),
		   S("HTTP/1.1 200 OK\r\n" JSON_TYPE RATE("2", "60") TAIL("11") "{\"ok\":true}"));
	f->clock.mono_ns += UINT64_C(10500000000);
	publish(f, "192.0.2.1");
	assert_true(sent_contains(f, RATE("1", "49")));
	publish(f, "192.0.2.1");
	assert_true(sent_contains(f, RATE("0", "49")));
	publish(f, "192.0.2.1");
	assert_str(buf_str(&f->sent),
		   S("HTTP/1.1 429 Too Many Requests\r\n" JSON_TYPE RATE(
			   "0", "49") "retry-after: 49\r\n" TAIL("86") TOO_MANY_BODY));
}

static void a_window_ends(void **state)
{
	struct http_fixture *f = *state;

	for (int i = 0; i < 4; i++)
		publish(f, "192.0.2.1");
	assert_true(is_refused(f));
	f->clock.mono_ns += UINT64_C(60000000000);
	publish(f, "192.0.2.1");
	assert_true(sent_contains(f, RATE("2", "60")));
}

/* Whatever comes of a request of those routes, it was counted and says so. */
static void every_answer_of_a_counted_route_says_so(void **state)
{
	static const char *const requests[] = {
		"GET /apps/app-id/channels HTTP/1.1\r\n\r\n",
		"DELETE /apps/app-id/channels HTTP/1.1\r\n\r\n",
		"HEAD /apps/app-id/channels HTTP/1.1\r\n\r\n",
		"POST /apps/app-id/events HTTP/1.1\r\ncontent-length: 99999\r\n\r\n",
		"GET /apps/%ff/channels HTTP/1.1\r\n\r\n",
		"GET /app/app-key HTTP/1.1\r\n\r\n",
		"POST /app/app-key HTTP/1.1\r\n\r\n",
		"GET /app/app-key?protocol=abc HTTP/1.1\r\n" SHAKE "\r\n",
		"GET /app/app-key?protocol=7 HTTP/1.1\r\n" SHAKE "\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct http_fixture *f = *state;
		char peer[16];

		snprintf(peer, sizeof(peer), "192.0.2.%zu", i);
		feed_from(f, peer, requests[i]);
		assert_row(sent_contains(f, "\r\nx-ratelimit-remaining: ") && !is_refused(f), i);
	}
}

static void other_routes_are_not_counted(void **state)
{
	static const char *const requests[] = {
		"GET /up HTTP/1.1\r\n\r\n",
		"GET /live HTTP/1.1\r\n\r\n",
		"GET /apps/app-id/nothing HTTP/1.1\r\n\r\n",
		"OPTIONS /apps/app-id/events HTTP/1.1\r\n\r\n",
		"OPTIONS /app/app-key HTTP/1.1\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct http_fixture *f = *state;

		for (int n = 0; n < 5; n++) {
			feed(f, requests[i]);
			assert_row(!sent_contains(f, "x-ratelimit") && !is_refused(f), i);
		}
	}
}

static void a_refusal_comes_before_signature_and_handshake(void **state)
{
	struct http_fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		feed(f, "GET /apps/app-id/channels HTTP/1.1\r\n\r\n");
		assert_false(is_refused(f));
	}
	feed(f, "GET /apps/app-id/channels HTTP/1.1\r\n\r\n");
	assert_true(is_refused(f));
	feed(f, "DELETE /apps/app-id/channels HTTP/1.1\r\n\r\n");
	assert_true(is_refused(f));
	for (int i = 0; i < 2; i++)
		feed(f, "GET /app/app-key HTTP/1.1\r\n\r\n");
	assert_false(is_refused(f));
	feed(f, "GET /app/app-key?protocol=7 HTTP/1.1\r\n" SHAKE "\r\n");
	assert_true(is_refused(f));
	assert_false(f->has_begun);
}

static void who_speaks_of_others_is_not_counted_for_them(void **state)
{
	struct http_fixture *f = *state;

	for (int i = 0; i < 10; i++) {
		char request[128];

		snprintf(request, sizeof(request),
			 "GET /apps/app-id/channels HTTP/1.1\r\nX-Forwarded-For: 192.0.2.%d\r\n"
			 "\r\n",
			 i);
		feed_from(f, "127.0.0.1", request);
		assert_false(is_refused(f));
		feed_from(f, "198.51.100.1", request);
		assert_int_equal(is_refused(f), i >= 3);
	}
}

static void each_limiter_counts_hops_as_it_is_told(void **state)
{
	struct http_fixture *f = *state;

	f->options.client_rates[CLIENT_RATE_API].trust_hops = 2;
	for (int i = 0; i < 4; i++) {
		char request[128];

		snprintf(request, sizeof(request),
			 "GET /apps/app-id/channels HTTP/1.1\r\n"
			 "X-Forwarded-For: 192.0.2.%d, 10.0.0.%d\r\n\r\n",
			 i / 2, i);
		feed_from(f, "127.0.0.1", request);
	}
	assert_true(sent_contains(f, RATE("1", "59")));
}

static void an_ipv6_client_is_its_64(void **state)
{
	struct http_fixture *f = *state;

	for (int i = 0; i < 3; i++)
		feed_from(f, "2001:db8:0:1::1", "GET /apps/a/channels HTTP/1.1\r\n\r\n");
	feed_from(f, "2001:db8:0:1:ffff::2", "GET /apps/a/channels HTTP/1.1\r\n\r\n");
	assert_true(is_refused(f));
	feed_from(f, "2001:db8:0:2::1", "GET /apps/a/channels HTTP/1.1\r\n\r\n");
	assert_false(is_refused(f));
}

static void who_has_no_address_is_not_counted(void **state)
{
	struct http_fixture *f = *state;

	for (int i = 0; i < 10; i++) {
		feed_from(f, "unix", "GET /apps/a/channels HTTP/1.1\r\n\r\n");
		assert_false(sent_contains(f, "x-ratelimit"));
	}
	for (int i = 0; i < 4; i++)
		feed_from(f, "unix",
			  "GET /apps/a/channels HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n");
	assert_true(is_refused(f));
}

static void exhaust(struct http_fixture *f)
{
	for (int i = 0; i < 3; i++)
		feed(f, "GET /apps/a/channels HTTP/1.1\r\n\r\n");
}

static void a_refused_connection_goes_on_behind_its_body(void **state)
{
	struct http_fixture *f = *state;

	exhaust(f);
	feed(f, "POST /apps/app-id/events HTTP/1.1\r\ncontent-length: 4\r\n\r\nbodyGET /live "
		"HTTP/1.1\r\n\r\n");
	assert_true(is_refused(f));
	assert_int_equal(f->n_sent, 2);
	assert_true(sent_contains(f, TOO_MANY_BODY "HTTP/1.1 200 OK\r\n"));
	assert_int_equal(f->conn.phase, CONN_HTTP);
}

/* In two pieces: the head is then kept by the connection. */
static void a_body_that_has_not_come_is_not_waited_for(void **state)
{
	static const char *const heads[] = {
		"content-length: 4\r\n\r\nbo",
		"transfer-encoding: chunked\r\n\r\n",
		"expect: 100-continue\r\ncontent-length: 4\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct http_fixture *f = *state;

		exhaust(f);
		feed(f, "POST /apps/app-id/events HTTP/1.1\r\n");
		http_fixture_feed(f, str_from_cstr(heads[i]));
		assert_row(is_refused(f) && f->n_sent == 1, i);
		assert_row(sent_contains(f, "\r\nconnection: close\r\n"), i);
		assert_row(f->conn.phase == CONN_CLOSING && !f->conn.http, i);
	}
}

static void switched_off_nothing_is_counted(void **state)
{
	struct http_fixture *f = *state;

	f->options.limits_client_rates = false;
	for (int i = 0; i < 5; i++) {
		publish(f, "192.0.2.1");
		assert_true(str_has_prefix(buf_str(&f->sent), S("HTTP/1.1 200 ")));
		assert_false(sent_contains(f, "x-ratelimit"));
	}
	assert_int_equal(f->worker.rate_counts[CLIENT_RATE_API].n_checks, 0);
}

static void checks_and_refusals_are_counted(void **state)
{
	struct http_fixture *f = *state;

	for (int i = 0; i < 5; i++)
		feed(f, "GET /apps/a/channels HTTP/1.1\r\n\r\n");
	for (int i = 0; i < 3; i++)
		feed(f, "GET /app/key HTTP/1.1\r\n\r\n");
	assert_int_equal(f->worker.rate_counts[CLIENT_RATE_API].n_checks, 5);
	assert_int_equal(f->worker.rate_counts[CLIENT_RATE_API].n_refused, 2);
	assert_int_equal(f->worker.rate_counts[CLIENT_RATE_UPGRADE].n_checks, 3);
	assert_int_equal(f->worker.rate_counts[CLIENT_RATE_UPGRADE].n_refused, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_say_what_is_left),
		TEST(a_window_ends),
		TEST(every_answer_of_a_counted_route_says_so),
		TEST(other_routes_are_not_counted),
		TEST(a_refusal_comes_before_signature_and_handshake),
		TEST(who_speaks_of_others_is_not_counted_for_them),
		TEST(each_limiter_counts_hops_as_it_is_told),
		TEST(an_ipv6_client_is_its_64),
		TEST(who_has_no_address_is_not_counted),
		TEST(a_refused_connection_goes_on_behind_its_body),
		TEST(a_body_that_has_not_come_is_not_waited_for),
		TEST(switched_off_nothing_is_counted),
		TEST(checks_and_refusals_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
