/* Addresses of the commands that talk to a server. */
#include "main/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void urls_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *host, *path;
		uint16_t port;
	} table[] = {
		{ "http://localhost", "localhost", "", 80 },
		{ "http://127.0.0.1:6001", "127.0.0.1", "", 6001 },
		{ "http://127.0.0.1:6001/", "127.0.0.1", "", 6001 },
		{ "ws://h:1/a/b//", "h", "/a/b", 1 },
		{ "http://[::1]:6001/x", "::1", "/x", 6001 },
		{ "http://[::1]", "::1", "", 80 },
		{ "https://h", "h", "", 443 },
		{ "wss://h/x", "h", "/x", 443 },
		{ "https://h:8443", "h", "", 8443 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client_url u;

		assert_null(client_url_parse(str_from_cstr(table[i].text), &u));
		assert_true(str_eq(u.host, str_from_cstr(table[i].host)));
		assert_true(str_eq(u.path, str_from_cstr(table[i].path)));
		assert_int_equal(u.port, table[i].port);
	}
}

static void bad_urls_are_refused(void **state)
{
	static const char *const texts[] = { "",	   "localhost:6001", "https://",
					     "unix:x",	   "http://",	     "http://:80",
					     "http://h:",  "http://h:0x1",   "http://h:65536",
					     "http://h:a", "http://[::1]x",  "ftp://h" };
	struct client_url u;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_non_null(client_url_parse(str_from_cstr(texts[i]), &u));
}

static void unix_sockets_have_a_path_and_no_host(void **state)
{
	struct client_url u;

	assert_null(client_url_parse(S("unix:/run/sockudo/sockudo.sock"), &u));
	assert_true(str_eq(u.unix_path, S("/run/sockudo/sockudo.sock")));
	assert_int_equal(u.path.n, 0);
	assert_false(u.is_tls);
}

static void the_host_header_has_brackets_around_ipv6_and_no_usual_port(void **state)
{
	static const char *const table[][2] = { { "http://[::1]:6001", "[::1]:6001" },
						{ "http://[::1]", "[::1]" },
						{ "http://h:80", "h" },
						{ "http://h:443", "h:443" },
						{ "https://h", "h" },
						{ "https://h:80", "h:80" },
						{ "unix:/x", "localhost" } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client_url u;
		struct buf b;

		buf_init(&b, 64);
		assert_null(client_url_parse(str_from_cstr(table[i][0]), &u));
		client_url_put_host(&u, &b);
		assert_true(str_eq(buf_str(&b), str_from_cstr(table[i][1])));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart),
		cmocka_unit_test(bad_urls_are_refused),
		cmocka_unit_test(unix_sockets_have_a_path_and_no_host),
		cmocka_unit_test(the_host_header_has_brackets_around_ipv6_and_no_usual_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
