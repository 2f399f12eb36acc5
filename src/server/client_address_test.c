/* Who is asking, by what the peer is and what it says. Asked through a route that shows it. */
#include "server/client_address.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "server/http_testing.h"

#include <stdio.h>

#define XFF(value) "X-Forwarded-For: " value "\r\n"
#define XRI(value) "X-Real-IP: " value "\r\n"

static int set_up(void **state)
{
	struct http_fixture *f = test_calloc(1, sizeof(*f));

	http_fixture_init(f);
	f->options.trusted_proxies = ip_set_default;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	http_fixture_fini(*state);
	test_free(*state);
	return 0;
}

static struct net_address peer_of(const char *text)
{
	struct net_address a = { .family = NET_UNIX };

	if (strcmp(text, "unix") != 0)
		assert_true(net_address_parse(str_from_cstr(text), 50000, &a));
	return a;
}

static void arrive_from(struct http_fixture *f, const char *peer)
{
	http_fixture_restart(f);
	f->conn.peer = peer_of(peer);
	f->conn.peer_is_trusted =
		client_peer_is_trusted(&f->options.trusted_proxies, &f->conn.peer);
}

/* Text of the client that the headers name, "none" without one. */
static str client_of(struct http_fixture *f, const char *peer, const char *headers, uint32_t hops,
		     char out[IP_TEXT_MAX])
{
	struct http_limits lim = { 8192, 1024, HTTP_HEADERS_MAX };
	struct http_request r;
	size_t scanned = 0;
	unsigned status;
	struct buf b;
	struct ip ip;
	bool is_known;

	buf_init(&b, 8192);
	buf_printf(&b, "GET / HTTP/1.1\r\n%s\r\n", headers);
	assert_int_equal(http_head_parse(buf_str(&b), &lim, &scanned, &r, &status), OK);
	arrive_from(f, peer);
	is_known = client_address_find(&f->conn, &r, hops, &ip);
	buf_fini(&b);
	return is_known ? ip_format(&ip, out) : S("none");
}

static const struct {
	const char *peer, *headers;
	uint32_t hops;
	const char *client;
} CLIENTS[] = {
	/* Nobody says anything. */
	{ "192.0.2.1", "", 0, "192.0.2.1" },
	{ "2001:db8::1", "", 0, "2001:db8::1" },
	{ "127.0.0.1", "", 0, "127.0.0.1" },
	{ "unix", "", 0, "none" },
	/* Strangers are not believed. */
	{ "192.0.2.1", XFF("8.8.8.8") XRI("8.8.8.8"), 0, "192.0.2.1" },
	{ "192.0.2.1", XFF("8.8.8.8") XRI("8.8.8.8"), 1, "192.0.2.1" },
	{ "2001:db8::1", XFF("8.8.8.8"), 0, "2001:db8::1" },
	/* One proxy. */
	{ "127.0.0.1", XFF("8.8.8.8"), 0, "8.8.8.8" },
	{ "::1", XFF("8.8.8.8"), 0, "8.8.8.8" },
	{ "10.1.2.3", XFF("8.8.8.8"), 0, "8.8.8.8" },
	{ "unix", XFF("8.8.8.8"), 0, "8.8.8.8" },
	{ "unix", XRI("8.8.8.8"), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF("2001:0DB8::1"), 0, "2001:db8::1" },
	/* What a client wrote itself stands further left. */
	{ "127.0.0.1", XFF("7.7.7.7, 8.8.8.8"), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF("127.0.0.1,7.7.7.7 ,\t8.8.8.8"), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF("nonsense, 8.8.8.8"), 0, "8.8.8.8" },
	/* Several proxies; several lines are one list. */
	{ "127.0.0.1", XFF("7.7.7.7, 8.8.8.8, 10.0.0.1, 192.168.1.1"), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF("7.7.7.7") XFF("8.8.8.8") XFF("10.0.0.1"), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF("8.8.8.8, 10.0.0.1") XFF(""), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF("8.8.8.8,,") XFF(" , "), 0, "8.8.8.8" },
	/* All of them are ours: the farthest is the client. */
	{ "127.0.0.1", XFF("192.168.0.7, 10.0.0.1"), 0, "192.168.0.7" },
	{ "unix", XFF("127.0.0.1"), 0, "127.0.0.1" },
	/* Ports and brackets. */
	{ "127.0.0.1", XFF("8.8.8.8:4711"), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF("[2001:db8::1]:4711"), 0, "2001:db8::1" },
	{ "127.0.0.1", XFF("[2001:db8::1]"), 0, "2001:db8::1" },
	{ "127.0.0.1", XFF("2001:db8::1, [fd00::1]:80"), 0, "2001:db8::1" },
	{ "127.0.0.1", XFF("::ffff:8.8.8.8"), 0, "8.8.8.8" },
	/* Senseless: as far as sense goes. */
	{ "127.0.0.1", XFF("unknown"), 0, "127.0.0.1" },
	{ "127.0.0.1", XFF("8.8.8.8, unknown, 10.0.0.1"), 0, "10.0.0.1" },
	{ "127.0.0.1", XFF("8.8.8.8, 10.0.0.1:http"), 0, "127.0.0.1" },
	{ "127.0.0.1", XFF("8.8.8.8:"), 0, "127.0.0.1" },
	{ "127.0.0.1", XFF("8.8.8.8:65536"), 0, "127.0.0.1" },
	{ "127.0.0.1", XFF("[2001:db8::1"), 0, "127.0.0.1" },
	{ "127.0.0.1", XFF("[2001:db8::1]80"), 0, "127.0.0.1" },
	{ "127.0.0.1", XFF("]"), 0, "127.0.0.1" },
	{ "127.0.0.1", XFF("["), 0, "127.0.0.1" },
	{ "unix", XFF("unknown"), 0, "none" },
	/* X-Real-IP counts where there is no X-Forwarded-For. */
	{ "127.0.0.1", XRI("8.8.8.8"), 0, "8.8.8.8" },
	{ "127.0.0.1", XRI("8.8.8.8"), 2, "8.8.8.8" },
	{ "127.0.0.1", XFF("8.8.8.8") XRI("9.9.9.9"), 0, "8.8.8.8" },
	{ "127.0.0.1", XFF(" ") XRI("9.9.9.9"), 0, "9.9.9.9" },
	{ "127.0.0.1", XFF("unknown") XRI("9.9.9.9"), 0, "127.0.0.1" },
	{ "127.0.0.1", XRI("8.8.8.8") XRI("8.8.8.8"), 0, "127.0.0.1" },
	{ "127.0.0.1", XRI("8.8.8.8, 9.9.9.9"), 0, "127.0.0.1" },
	{ "127.0.0.1", XRI(""), 0, "127.0.0.1" },
	/* A position from the right, whoever it is. */
	{ "127.0.0.1", XFF("6.6.6.6, 7.7.7.7, 8.8.8.8"), 1, "8.8.8.8" },
	{ "127.0.0.1", XFF("6.6.6.6, 7.7.7.7, 8.8.8.8"), 2, "7.7.7.7" },
	{ "127.0.0.1", XFF("6.6.6.6, 7.7.7.7") XFF("8.8.8.8"), 3, "6.6.6.6" },
	{ "127.0.0.1", XFF("6.6.6.6, 7.7.7.7, 8.8.8.8"), 4, "127.0.0.1" },
	{ "127.0.0.1", XFF("6.6.6.6, x, 8.8.8.8"), 2, "127.0.0.1" },
	{ "127.0.0.1", XFF("8.8.8.8, 10.0.0.1"), 1, "10.0.0.1" },
	{ "127.0.0.1", XFF("8.8.8.8"), UINT32_MAX, "127.0.0.1" },
	{ "unix", XFF("8.8.8.8"), 2, "none" },
};

static void the_client_is_the_nearest_that_is_not_ours(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(CLIENTS); i++) {
		char text[IP_TEXT_MAX];
		str client = client_of(*state, CLIENTS[i].peer, CLIENTS[i].headers, CLIENTS[i].hops,
				       text);

		assert_row(str_eq(client, str_from_cstr(CLIENTS[i].client)), i);
	}
}

static void nobody_is_believed_when_nobody_is_trusted(void **state)
{
	struct http_fixture *f = *state;
	char text[IP_TEXT_MAX];

	f->options.trusted_proxies = (struct ip_set){ 0 };
	assert_str(client_of(f, "127.0.0.1", XFF("8.8.8.8") XRI("8.8.8.8"), 0, text),
		   S("127.0.0.1"));
	assert_str(client_of(f, "127.0.0.1", XFF("8.8.8.8"), 1, text), S("127.0.0.1"));
	assert_str(client_of(f, "unix", XFF("8.8.8.8"), 0, text), S("none"));
}

static void assert_doctor_says(struct http_fixture *f, const char *peer, const char *headers,
			       const char *body)
{
	struct buf b;

	buf_init(&b, 8192);
	http_fixture_sign(&b, "GET", "/apps/app-id/doctor", "", headers, (str){ 0 });
	arrive_from(f, peer);
	assert_int_equal(http_fixture_feed(f, buf_str(&b)), 0);
	if (!memmem(f->sent.p, f->sent.len, body, strlen(body)))
		fail_msg("got %.*s, want %s", STR_ARG(buf_str(&f->sent)), body);
	buf_fini(&b);
}

static void the_doctor_route_shows_how_a_request_arrived(void **state)
{
	assert_doctor_says(*state, "127.0.0.1",
			   "Host: ws.example.com\r\n" XFF("7.7.7.7") XFF("8.8.8.8")
				   XRI("8.8.8.8") "X-Forwarded-Proto: https\r\n",
			   "\r\n\r\n{\"peer\":\"127.0.0.1\",\"peer_trusted\":true,"
			   "\"client\":\"8.8.8.8\",\"forwarded_for\":\"7.7.7.7, 8.8.8.8\","
			   "\"real_ip\":\"8.8.8.8\",\"forwarded_proto\":\"https\","
			   "\"host\":\"ws.example.com\",\"scheme\":\"http\",\"http\":\"1.1\","
			   "\"connection\":null,\"proxy_protocol\":false,\"time\":1700000000}");
	assert_doctor_says(*state, "192.0.2.1", XFF("8.8.8.8"),
			   "{\"peer\":\"192.0.2.1\",\"peer_trusted\":false,"
			   "\"client\":\"192.0.2.1\",\"forwarded_for\":\"8.8.8.8\","
			   "\"real_ip\":null,\"forwarded_proto\":null,\"host\":null,");
	assert_doctor_says(*state, "unix", XFF("\"\\\xff"),
			   "{\"peer\":\"unix\",\"peer_trusted\":true,\"client\":null,"
			   "\"forwarded_for\":\"(not UTF-8)\",");
}

static void the_doctor_route_is_signed(void **state)
{
	struct http_fixture *f = *state;

	http_fixture_feed(f, S("GET /apps/app-id/doctor HTTP/1.1\r\n\r\n"));
	assert_true(str_has_prefix(buf_str(&f->sent), S("HTTP/1.1 400 ")));
}

static void the_doctor_route_without_memory_for_its_words_answers_503(void **state)
{
	struct http_fixture *f = *state;
	struct buf b;

	buf_init(&b, 8192);
	http_fixture_sign(&b, "GET", "/apps/app-id/doctor", "", "", (str){ 0 });
	for (uint64_t n = 1; n <= 2; n++) {
		arrive_from(f, "127.0.0.1");
		mem_fail_nth(n);
		http_fixture_feed(f, buf_str(&b));
		assert_int_equal(mem_fail_nth(0), 0);
		assert_true(str_has_prefix(buf_str(&f->sent), S("HTTP/1.1 503 ")));
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_client_is_the_nearest_that_is_not_ours, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nobody_is_believed_when_nobody_is_trusted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_doctor_route_shows_how_a_request_arrived,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_doctor_route_is_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_doctor_route_without_memory_for_its_words_answers_503, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
