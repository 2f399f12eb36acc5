/* The plain port beside a TLS port. */
#include "base/check.h"
#include "base/testing.h"
#include "server/http_testing.h"

static int set_up(void **state)
{
	struct http_fixture *f = test_calloc(1, sizeof(*f));

	http_fixture_init(f);
	f->options.request_head_bytes_max = 65536;
	f->options.request_target_bytes_max = 32768;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	http_fixture_fini(*state);
	test_free(*state);
	return 0;
}

static void feed(struct http_fixture *f, str request)
{
	http_fixture_restart(f);
	f->conn.role = LISTENER_REDIRECT;
	http_fixture_feed(f, request);
}

#define TAIL "content-length: 0\r\ndate: " FIXTURE_DATE "\r\n\r\n"
#define TO(url) "HTTP/1.1 308 Permanent Redirect\r\nlocation: " url "\r\n" TAIL
#define BAD "HTTP/1.1 400 Bad Request\r\n" TAIL

static void every_path_leads_to_itself_by_https(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", TO("https://example.com:6001/") },
		{ "GET /app/k?protocol=7&x HTTP/1.1\r\nHost: example.com:80\r\n\r\n",
		  TO("https://example.com:6001/app/k?protocol=7&x") },
		{ "GET /a/? HTTP/1.1\r\nhost: h\r\n\r\n", TO("https://h:6001/a/?") },
		{ "HEAD /up HTTP/1.1\r\nhost: h\r\n\r\n", TO("https://h:6001/up") },
		{ "OPTIONS /up HTTP/1.1\r\nhost: h\r\n\r\n", TO("https://h:6001/up") },
		{ "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n", TO("https://h:6001/") },
		{ "PROPFIND /x HTTP/1.1\r\nhost: h\r\n\r\n", TO("https://h:6001/x") },
		{ "POST /apps/1/events HTTP/1.1\r\nHost: [::1]:8080\r\ncontent-length: 2\r\n\r\n{}",
		  TO("https://[::1]:6001/apps/1/events") },
		{ "GET /%2e%2e//x HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n",
		  TO("https://10.0.0.1:6001/%2e%2e//x") },
		{ "GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n", TO("https://h:6001/x") },
		{ "GET /x HTTP/1.1\r\n\r\n", TO("https://localhost:6001/x") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_fixture *f = *state;

		feed(f, str_from_cstr(rows[i].request));
		assert_str(buf_str(&f->sent), str_from_cstr(rows[i].answer));
	}
}

static void a_host_that_is_none_is_refused(void **state)
{
	static const char *const values[] = { "",	 "a b",	  "a/b",     "a@b",	"a:b",
					      "a:65536", "a:1:2", "[::1",    "[]",	"[::1]x",
					      "[g::]",	 "\"",	  "a\\b",    "<a>",	"a?b",
					      "a#b",	 ":80",	  "[::1]:x", "\xc3\xa9" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct http_fixture *f = *state;
		struct buf b;

		buf_init(&b, 4096);
		buf_printf(&b, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", values[i]);
		feed(f, buf_str(&b));
		assert_row(str_eq(buf_str(&f->sent), S(BAD)), i);
		buf_fini(&b);
	}
}

static void two_hosts_are_refused(void **state)
{
	struct http_fixture *f = *state;

	feed(f, S("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"));
	assert_str(buf_str(&f->sent), S(BAD));
}

static void what_no_browser_would_follow_is_not_answered_with_a_location(void **state)
{
	struct http_fixture *f = *state;
	struct buf b;

	buf_init(&b, 65536);
	buf_puts(&b, S("GET /"));
	for (int i = 0; i < 9000; i++)
		buf_putc(&b, 'x');
	buf_puts(&b, S(" HTTP/1.1\r\nHost: a\r\n\r\n"));
	feed(f, buf_str(&b));
	assert_true(str_has_prefix(buf_str(&f->sent), S("HTTP/1.1 414 ")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_path_leads_to_itself_by_https, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_host_that_is_none_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_hosts_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_no_browser_would_follow_is_not_answered_with_a_location, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
