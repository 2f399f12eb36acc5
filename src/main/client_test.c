/* Addresses of the publish and watch commands. */
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
	static const char *const texts[] = { "",	   "localhost:6001", "https://h",
					     "wss://h",	   "http://",	     "http://:80",
					     "http://h:",  "http://h:0x1",   "http://h:65536",
					     "http://h:a", "http://[::1]x",  "ftp://h" };
	struct client_url u;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_non_null(client_url_parse(str_from_cstr(texts[i]), &u));
}

static void the_host_header_has_brackets_around_ipv6(void **state)
{
	struct client_url u;
	struct buf b;

	buf_init(&b, 64);
	assert_null(client_url_parse(S("http://[::1]:6001"), &u));
	client_url_put_host(&u, &b);
	assert_true(str_eq(buf_str(&b), S("[::1]:6001")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart),
		cmocka_unit_test(bad_urls_are_refused),
		cmocka_unit_test(the_host_header_has_brackets_around_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
