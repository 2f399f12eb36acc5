#include "codec/proxy_header.h"

#include "base/check.h"
#include "base/testing.h"

#include <string.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
/* A string literal that may hold NULs. */
#define BYTES(lit)                                                                                 \
	{                                                                                          \
		"" lit, sizeof(lit) - 1                                                            \
	}
#define V4_BLOCK "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"
#define V6_SOURCE "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6_BLOCK V6_SOURCE V6_SOURCE "\xdc\x04\x01\xbb"

/* Complete ones. */
static const struct {
	str bytes;
	const char *source; /* NULL: none */
	uint16_t port;
} GOOD[] = {
	{ BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), "192.0.2.1", 56324 },
	{ BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255",
	  65535 },
	{ BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"), "2001:db8::1", 56324 },
	{ BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 0 1\r\n"), "192.0.2.1", 0 },
	{ BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535 },
	{ BYTES("PROXY UNKNOWN\r\n"), NULL, 0 },
	{ BYTES("PROXY UNKNOWN ffff::1 what ever 1 2\r\n"), NULL, 0 },
	{ BYTES(V2 "\x21\x11\x00\x0c" V4_BLOCK), "192.0.2.1", 56324 },
	{ BYTES(V2 "\x21\x21\x00\x24" V6_BLOCK), "2001:db8::1", 56324 },
	/* TLVs are passed over. */
	{ BYTES(V2 "\x21\x11\x00\x13" V4_BLOCK "\x02\x00\x04name"), "192.0.2.1", 56324 },
	{ BYTES(V2 "\x21\x11\x00\x0f" V4_BLOCK "\xff\xff\xff"), "192.0.2.1", 56324 },
	/* For itself; datagrams, Unix sockets, unknown families: nobody that we could name. */
	{ BYTES(V2 "\x20\x00\x00\x00"), NULL, 0 },
	{ BYTES(V2 "\x20\x11\x00\x0c" V4_BLOCK), NULL, 0 },
	{ BYTES(V2 "\x21\x00\x00\x00"), NULL, 0 },
	{ BYTES(V2 "\x21\x00\x00\x02hi"), NULL, 0 },
	{ BYTES(V2 "\x21\x12\x00\x0c" V4_BLOCK), NULL, 0 },
	{ BYTES(V2 "\x21\x31\x00\x04path"), NULL, 0 },
	{ BYTES(V2 "\x21\xf1\x00\x00"), NULL, 0 },
};

/* Parsed on memory of exactly that size. */
static err parse(str in, struct proxy_header *out)
{
	char *exact = test_malloc(in.n + 1);
	err e;

	memcpy(exact, in.p, in.n);
	e = proxy_header_parse((str){ exact, in.n }, out);
	test_free(exact);
	return e;
}

static void assert_good(size_t i, str in)
{
	struct proxy_header h;
	char text[IP_TEXT_MAX];

	assert_row(parse(in, &h) == OK && h.bytes == GOOD[i].bytes.n, i);
	assert_row(h.has_source == (GOOD[i].source != NULL), i);
	if (!h.has_source)
		return;
	assert_str(ip_format(&h.source, text), str_from_cstr(GOOD[i].source));
	assert_int_equal(h.source_port, GOOD[i].port);
}

static void headers_of_both_versions_name_the_client(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
		assert_good(i, GOOD[i].bytes);
}

static void what_follows_belongs_to_the_client(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		char in[512];

		memcpy(in, GOOD[i].bytes.p, GOOD[i].bytes.n);
		memcpy(in + GOOD[i].bytes.n, "\r\nGET /", 7);
		assert_good(i, (str){ in, GOOD[i].bytes.n + 7 });
	}
}

static void every_piece_of_one_asks_for_more(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
		for (size_t n = 0; n < GOOD[i].bytes.n; n++) {
			struct proxy_header h;

			assert_row(parse(str_take(GOOD[i].bytes, n), &h) == ERR_AGAIN, i);
		}
}

static const struct {
	str bytes;
	err e;
} BAD[] = {
	{ BYTES("GET / HTTP/1.1\r\n"), ERR_NOT_FOUND },
	{ BYTES("\x16\x03\x01"), ERR_NOT_FOUND },
	{ BYTES("PROXX"), ERR_NOT_FOUND },
	{ BYTES("PROXY\t"), ERR_NOT_FOUND },
	{ BYTES("proxy TCP4"), ERR_NOT_FOUND },
	{ BYTES("\r\n\r\nGET"), ERR_NOT_FOUND },
	{ BYTES("\r\n\r\n\0\r\nQUIT\r"), ERR_NOT_FOUND },
	{ BYTES("PROXY \r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP6 192.0.2.1 ::1 1 2\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n"), ERR_SYNTAX },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx"), ERR_SYNTAX },
	{ BYTES(V2 "\x11\x11\x00\x0c"), ERR_SYNTAX },
	{ BYTES(V2 "\x22\x11\x00\x0c"), ERR_SYNTAX },
	{ BYTES(V2 "\x31\x11\x00\x0c"), ERR_SYNTAX },
	{ BYTES(V2 "\x21\x11\x00\x0b" V4_BLOCK), ERR_SYNTAX },
	{ BYTES(V2 "\x21\x21\x00\x23" V6_BLOCK), ERR_SYNTAX },
	/* One byte more than is taken, said before it is sent. */
	{ BYTES(V2 "\x21\x11\x0f\xf1"), ERR_LIMIT },
	{ BYTES(V2 "\x20\x00\xff\xff"), ERR_LIMIT },
};

static void what_makes_no_sense_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		struct proxy_header h;

		assert_row(parse(BAD[i].bytes, &h) == BAD[i].e, i);
		assert_row(proxy_header_is_begun(BAD[i].bytes) == (BAD[i].e != ERR_NOT_FOUND), i);
	}
}

static void a_line_without_an_end_is_given_up(void **state)
{
	struct proxy_header h;
	char line[200];

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(parse((str){ line, 105 }, &h), ERR_AGAIN);
	assert_int_equal(parse((str){ line, 107 }, &h), ERR_LIMIT);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(parse((str){ line, 107 }, &h), OK);
	assert_int_equal(h.bytes, 107);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(parse((str){ line, 108 }, &h), ERR_LIMIT);
}

static void the_largest_binary_header_is_taken(void **state)
{
	static char in[PROXY_HEADER_BYTES_MAX];
	struct proxy_header h;

	memcpy(in, V2 "\x21\x11\x0f\xf0" V4_BLOCK, 28);
	assert_int_equal(parse((str){ in, sizeof(in) - 1 }, &h), ERR_AGAIN);
	assert_int_equal(parse((str){ in, sizeof(in) }, &h), OK);
	assert_int_equal(h.bytes, PROXY_HEADER_BYTES_MAX);
	assert_true(h.has_source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_of_both_versions_name_the_client),
		cmocka_unit_test(what_follows_belongs_to_the_client),
		cmocka_unit_test(every_piece_of_one_asks_for_more),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(a_line_without_an_end_is_given_up),
		cmocka_unit_test(the_largest_binary_header_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
