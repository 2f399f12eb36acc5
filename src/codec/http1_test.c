#include "codec/http1.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct http_limits LIMITS = { 8192, 4096, HTTP_HEADERS_MAX };

/* From memory that ends where the bytes end, so that a sanitizer sees a read behind them. */
struct attempt {
	struct http_request request;
	unsigned status;
	err e;
	char *bytes;
};

static void attempt_with(struct attempt *a, str bytes, const struct http_limits *lim,
			 size_t *scanned)
{
	a->bytes = xalloc(bytes.n + (bytes.n == 0));
	memcpy(a->bytes, bytes.p, bytes.n);
	a->status = 0;
	a->e = http_head_parse((str){ a->bytes, bytes.n }, lim, scanned, &a->request, &a->status);
}

static void attempt(struct attempt *a, str bytes)
{
	size_t scanned = 0;

	attempt_with(a, bytes, &LIMITS, &scanned);
}

static void attempt_done(struct attempt *a)
{
	xfree(a->bytes);
}

/* As a peer that sends one byte at a time; a->e is the first answer that is not ERR_AGAIN. */
static void attempt_bytewise(struct attempt *a, str bytes, const struct http_limits *lim)
{
	size_t scanned = 0;

	for (size_t n = 0; n <= bytes.n; n++) {
		attempt_with(a, str_take(bytes, n), lim, &scanned);
		if (a->e != ERR_AGAIN)
			return;
		if (n < bytes.n)
			attempt_done(a);
	}
}

static void assert_str(str got, const char *wanted)
{
	assert_int_equal(got.n, strlen(wanted));
	assert_memory_equal(got.p, wanted, got.n);
}

#define BROWSER_UPGRADE                                                                            \
	"GET /app/app-key?protocol=7&client=js&version=8.4.0&flash=false HTTP/1.1\r\n"             \
	"Host: ws.example.com:6001\r\n"                                                            \
	"Connection: keep-alive, Upgrade\r\n"                                                      \
	"Pragma: no-cache\r\n"                                                                     \
	"Cache-Control: no-cache\r\n"                                                              \
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "      \
	"Chrome/128.0.0.0 Safari/537.36\r\n"                                                       \
	"Upgrade: websocket\r\n"                                                                   \
	"Origin: https://www.example.com\r\n"                                                      \
	"Sec-WebSocket-Version: 13\r\n"                                                            \
	"Accept-Encoding: gzip, deflate, br, zstd\r\n"                                             \
	"Accept-Language: en-US,en;q=0.9\r\n"                                                      \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                                          \
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"                 \
	"\r\n"

struct good {
	const char *text;
	enum http_method method;
	const char *path, *query; /* query NULL: no '?' */
	int minor;
	bool keep_alive;
	uint64_t content_length;
	bool is_chunked, expects_continue;
	uint32_t n_headers;
};

static const struct good GOOD[] = {
	{ BROWSER_UPGRADE, HTTP_GET, "/app/app-key",
	  "protocol=7&client=js&version=8.4.0&flash=false", 1, true, 0, false, false, 12 },
	{ "GET / HTTP/1.1\r\n\r\n", HTTP_GET, "/", NULL, 1, true, 0, false, false, 0 },
	{ "GET /up HTTP/1.0\r\n\r\n", HTTP_GET, "/up", NULL, 0, false, 0, false, false, 0 },
	{ "GET /up HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HTTP_GET, "/up", NULL, 0, true, 0,
	  false, false, 1 },
	{ "GET /up HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", HTTP_GET, "/up", NULL, 0,
	  false, 0, false, false, 1 },
	{ "GET /up HTTP/1.1\r\nConnection: foo , CLOSE\r\n\r\n", HTTP_GET, "/up", NULL, 1, false, 0,
	  false, false, 1 },
	{ "GET /up HTTP/1.1\r\nConnection: Upgrade\r\nConnection: close\r\n\r\n", HTTP_GET, "/up",
	  NULL, 1, false, 0, false, false, 2 },
	{ "GET /up HTTP/1.1\r\nConnection: closed\r\nX-Connection: close\r\n\r\n", HTTP_GET, "/up",
	  NULL, 1, true, 0, false, false, 2 },
	{ "\r\n\r\nHEAD /up/ HTTP/1.1\r\n\r\n", HTTP_HEAD, "/up", NULL, 1, true, 0, false, false,
	  0 },
	{ "GET // HTTP/1.1\r\n\r\n", HTTP_GET, "/", NULL, 1, true, 0, false, false, 0 },
	{ "GET /a// HTTP/1.1\r\n\r\n", HTTP_GET, "/a/", NULL, 1, true, 0, false, false, 0 },
	{ "GET /a/?b/ HTTP/1.1\r\n\r\n", HTTP_GET, "/a", "b/", 1, true, 0, false, false, 0 },
	{ "GET /a? HTTP/1.1\r\n\r\n", HTTP_GET, "/a", "", 1, true, 0, false, false, 0 },
	{ "GET /a?b?c=/d HTTP/1.1\r\n\r\n", HTTP_GET, "/a", "b?c=/d", 1, true, 0, false, false, 0 },
	{ "GET /%2F%zz?\"{}|^`\\<> HTTP/1.1\r\n\r\n", HTTP_GET, "/%2F%zz", "\"{}|^`\\<>", 1, true,
	  0, false, false, 0 },
	{ "GET http://u:p%40@[::1]:80/up HTTP/1.1\r\n\r\n", HTTP_GET, "/up", NULL, 1, true, 0,
	  false, false, 0 },
	{ "GET http://example.com:6001/up?x HTTP/1.1\r\n\r\n", HTTP_GET, "/up", "x", 1, true, 0,
	  false, false, 0 },
	{ "GET HTTPS://example.com HTTP/1.1\r\n\r\n", HTTP_GET, "/", NULL, 1, true, 0, false, false,
	  0 },
	{ "GET http://example.com?q=http://x/ HTTP/1.1\r\n\r\n", HTTP_GET, "/", "q=http://x/", 1,
	  true, 0, false, false, 0 },
	{ "OPTIONS * HTTP/1.1\r\n\r\n", HTTP_OPTIONS, "*", NULL, 1, true, 0, false, false, 0 },
	{ "OPTIONS /apps HTTP/1.1\r\n\r\n", HTTP_OPTIONS, "/apps", NULL, 1, true, 0, false, false,
	  0 },
	{ "PUT /a HTTP/1.1\r\n\r\n", HTTP_PUT, "/a", NULL, 1, true, 0, false, false, 0 },
	{ "PATCH /a HTTP/1.1\r\n\r\n", HTTP_PATCH, "/a", NULL, 1, true, 0, false, false, 0 },
	{ "DELETE /a HTTP/1.1\r\n\r\n", HTTP_DELETE, "/a", NULL, 1, true, 0, false, false, 0 },
	{ "BREW /up HTTP/1.1\r\n\r\n", HTTP_OTHER, "/up", NULL, 1, true, 0, false, false, 0 },
	{ "get /up HTTP/1.1\r\n\r\n", HTTP_OTHER, "/up", NULL, 1, true, 0, false, false, 0 },
	{ "POST /a HTTP/1.1\r\nContent-Length: 12\r\n\r\n", HTTP_POST, "/a", NULL, 1, true, 12,
	  false, false, 1 },
	{ "POST /a HTTP/1.1\r\ncontent-length:  007  \r\n\r\n", HTTP_POST, "/a", NULL, 1, true, 7,
	  false, false, 1 },
	{ "POST /a HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\n", HTTP_POST, "/a", NULL,
	  1, true, INT64_MAX, false, false, 1 },
	{ "POST /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n",
	  HTTP_POST, "/a", NULL, 1, true, 0, true, true, 2 },
	{ "POST /a HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", HTTP_POST, "/a",
	  NULL, 0, false, 1, false, false, 2 },
	{ "GET / HTTP/1.1\r\nA:\r\nB: \t \r\nC: \x80\xff\t~ x\r\n\r\n", HTTP_GET, "/", NULL, 1,
	  true, 0, false, false, 3 },
};

static void assert_is(const struct attempt *a, const struct good *g)
{
	const struct http_request *r = &a->request;

	assert_int_equal(a->e, OK);
	assert_int_equal(r->method, g->method);
	assert_str(r->path, g->path);
	assert_int_equal(r->has_query, g->query != NULL);
	assert_str(r->query, g->query ? g->query : "");
	assert_int_equal(r->minor, g->minor);
	assert_int_equal(r->keep_alive, g->keep_alive);
	assert_int_equal(r->content_length, g->content_length);
	assert_int_equal(r->is_chunked, g->is_chunked);
	assert_int_equal(r->expects_continue, g->expects_continue);
	assert_int_equal(r->n_headers, g->n_headers);
	assert_int_equal(r->head_bytes, strlen(g->text));
}

static void head_parses_good_requests(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		struct attempt a;

		attempt(&a, str_from_cstr(GOOD[i].text));
		assert_is(&a, &GOOD[i]);
		attempt_done(&a);
	}
}

static void head_leaves_what_follows_it(void **state)
{
	const char *text = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
	struct attempt a;

	attempt(&a, str_from_cstr(text));
	assert_int_equal(a.e, OK);
	assert_str(a.request.path, "/1");
	assert_int_equal(a.request.head_bytes, strlen(text) / 2);
	attempt_done(&a);
}

static void head_is_incomplete_at_every_split_point(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		str text = str_from_cstr(GOOD[i].text);

		for (size_t n = 0; n < text.n; n++) {
			struct attempt a;
			size_t scanned = 0;

			attempt_with(&a, str_take(text, n), &LIMITS, &scanned);
			assert_int_equal(a.e, ERR_AGAIN);
			attempt_done(&a);
			attempt_with(&a, text, &LIMITS, &scanned);
			assert_is(&a, &GOOD[i]);
			attempt_done(&a);
		}
	}
}

static void head_may_come_byte_by_byte(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		struct attempt a;

		attempt_bytewise(&a, str_from_cstr(GOOD[i].text), &LIMITS);
		assert_is(&a, &GOOD[i]);
		attempt_done(&a);
	}
}

#define LINE "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n"

/* Literals with their length, because some hold a NUL. */
#define BAD(text)                                                                                  \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
static const str BAD_HEADS[] = {
	/* request line */
	BAD("NONSENSE\r\n\r\n"),
	BAD("GET /\r\n\r\n"),
	BAD("GET / X\r\n\r\n"),
	BAD("GET / HTTP/9.9\r\n\r\n"),
	BAD("GET / HTTP/1.2\r\n\r\n"),
	BAD("GET / HTTP/2.0\r\n\r\n"),
	BAD("GET / http/1.1\r\n\r\n"),
	BAD("GET / HTTP/1.1 \r\n\r\n"),
	BAD("GET / HTTP/1.11\r\n\r\n"),
	BAD("GET /a b HTTP/1.1\r\n\r\n"),
	BAD("GET  / HTTP/1.1\r\n\r\n"),
	BAD("GET /  HTTP/1.1\r\n\r\n"),
	BAD("GET\t/ HTTP/1.1\r\n\r\n"),
	BAD(" GET / HTTP/1.1\r\n\r\n"),
	BAD("G@T / HTTP/1.1\r\n\r\n"),
	BAD("GET up HTTP/1.1\r\n\r\n"),
	BAD("GET * HTTP/1.1\r\n\r\n"),
	BAD("GET http:///up HTTP/1.1\r\n\r\n"),
	BAD("GET http:/up HTTP/1.1\r\n\r\n"),
	BAD("GET ftp://host/up HTTP/1.1\r\n\r\n"),
	BAD("CONNECT example.com:443 HTTP/1.1\r\n\r\n"),
	BAD("GET http://\"h\"/up HTTP/1.1\r\n\r\n"),
	BAD("GET http://h\\up HTTP/1.1\r\n\r\n"),
	BAD("GET /#up HTTP/1.1\r\n\r\n"),
	BAD("GET /long-enough?for-words#up HTTP/1.1\r\n\r\n"),
	BAD("GET /caf\xc3\xa9 HTTP/1.1\r\n\r\n"),
	BAD("GET /long-enough?for-words\x80 HTTP/1.1\r\n\r\n"),
	BAD("GET /\x7f HTTP/1.1\r\n\r\n"),
	BAD("GET /\x01 HTTP/1.1\r\n\r\n"),
	BAD("GET /\0 HTTP/1.1\r\n\r\n"),
	BAD("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	BAD("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	/* line ends */
	BAD("\nGET / HTTP/1.1\r\n\r\n"),
	BAD("\rGET / HTTP/1.1\r\n\r\n"),
	BAD("GET / HTTP/1.1\n\n"),
	BAD("GET / HTTP/1.1\r\r\n\r\n"),
	BAD(LINE "A: b\n\r\n"),
	BAD(LINE "A: b\r\n\n"),
	BAD(LINE "A: b\rC: d\r\n\r\n"),
	BAD(LINE "A: b\n\nGET /admin HTTP/1.1\r\n\r\n"),
	BAD(LINE "\rX\r\n\r\n"),
	/* header lines */
	BAD(LINE " A: b\r\n\r\n"),
	BAD(LINE "A: b\r\n c\r\n\r\n"),
	BAD(LINE "A: b\r\n\tc\r\n\r\n"),
	BAD(LINE "A : b\r\n\r\n"),
	BAD(LINE "A\t: b\r\n\r\n"),
	BAD(LINE "A b: c\r\n\r\n"),
	BAD(LINE ": b\r\n\r\n"),
	BAD(LINE "A\r\n\r\n"),
	BAD(LINE "A;: b\r\n\r\n"),
	BAD(LINE "A\xc3\xa9: b\r\n\r\n"),
	BAD(LINE "A\0: b\r\n\r\n"),
	BAD(LINE "A: b\0c\r\n\r\n"),
	BAD(LINE "A: b\x0b\r\n\r\n"),
	BAD(LINE "A: 12345678\x1f\r\n\r\n"),
	BAD(LINE "A: \x7f\r\n\r\n"),
	/* where the body ends */
	BAD(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BAD(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	BAD(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	BAD(POST "Content-Length: 0\r\nContent-Length: 6\r\n\r\n"),
	BAD(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	BAD(POST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
	BAD(POST "Content-Length:\t5\r\n\r\n"),
	BAD(POST "Content-Length: 5\t\r\n\r\n"),
	BAD(POST "Transfer-Encoding:\tchunked\r\n\r\n"),
	BAD(POST "Transfer-Encoding: chunked\t\r\n\r\n"),
	BAD(POST "Content-Length: 5, 5\r\n\r\n"),
	BAD(POST "Content-Length: x\r\n\r\n"),
	BAD(POST "Content-Length:\r\n\r\n"),
	BAD(POST "Content-Length: +5\r\n\r\n"),
	BAD(POST "Content-Length: -5\r\n\r\n"),
	BAD(POST "Content-Length: 0x5\r\n\r\n"),
	BAD(POST "Content-Length: 5 5\r\n\r\n"),
	BAD(POST "Content-Length: 5.0\r\n\r\n"),
	BAD(POST "Content-Length: 9223372036854775808\r\n\r\n"),
	BAD(POST "Content-Length: 18446744073709551617\r\n\r\n"),
	BAD(POST "Transfer-Encoding: gzip\r\n\r\n"),
	BAD(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	BAD(POST "Transfer-Encoding: chunked, identity\r\n\r\n"),
	BAD(POST "Transfer-Encoding: xchunked\r\n\r\n"),
	BAD(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
	BAD(POST "Transfer-Encoding: \x0b"
		 "chunked\r\n\r\n"),
	BAD(POST "Transfer-Encoding:\r\n\r\n"),
	BAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
	BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
};

static void head_refuses_what_could_be_read_in_two_ways(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(BAD_HEADS); i++) {
		struct attempt a;

		attempt(&a, BAD_HEADS[i]);
		if (a.e != ERR_SYNTAX || a.status != 400)
			fail_msg("row %zu gives %d, status %u: %s", i, a.e, a.status,
				 BAD_HEADS[i].p);
		attempt_done(&a);
	}
}

static void head_refuses_bad_bytes_however_they_come(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(BAD_HEADS); i++) {
		struct attempt a;

		attempt_bytewise(&a, BAD_HEADS[i], &LIMITS);
		assert_int_equal(a.e, ERR_SYNTAX);
		assert_int_equal(a.status, 400);
		attempt_done(&a);
	}
}

static void head_refuses_every_control_byte_at_every_place_of_a_value(void **state)
{
	char text[] = LINE "A: 0123456789abcdef\r\n\r\n";
	size_t first = strlen(LINE) + 3;

	for (size_t at = first; at < first + 16; at++) {
		char saved = text[at];

		for (unsigned c = 0; c < 256; c++) {
			struct attempt a;
			bool is_good = c == '\t' || (c >= 0x20 && c != 0x7f);

			text[at] = (char)c;
			attempt(&a, (str){ text, sizeof(text) - 1 });
			assert_int_equal(a.e, is_good ? OK : ERR_SYNTAX);
			attempt_done(&a);
		}
		text[at] = saved;
	}
}

static void head_takes_exactly_the_token_bytes_as_names(void **state)
{
	char text[] = LINE "AxA: b\r\n\r\n";

	for (unsigned c = 1; c < 256; c++) {
		struct attempt a;
		bool is_alnum =
			(c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		bool is_good = is_alnum || strchr("!#$%&'*+-.^_`|~", (int)c) || c == ':';

		text[strlen(LINE) + 1] = (char)c;
		attempt(&a, (str){ text, sizeof(text) - 1 });
		assert_int_equal(a.e, is_good ? OK : ERR_SYNTAX);
		attempt_done(&a);
	}
}

static void head_takes_exactly_visible_ascii_without_fragments_as_target(void **state)
{
	char text[] = "GET /0123456789abcdef HTTP/1.1\r\n\r\n";
	size_t first = strlen("GET /");

	for (size_t at = first; at < first + 16; at++) {
		char saved = text[at];

		for (unsigned c = 0; c < 256; c++) {
			struct attempt a;
			bool is_good = c > 0x20 && c < 0x7f && c != '#';

			text[at] = (char)c;
			attempt(&a, (str){ text, sizeof(text) - 1 });
			assert_int_equal(a.e, is_good ? OK : ERR_SYNTAX);
			attempt_done(&a);
		}
		text[at] = saved;
	}
}

static void expect_limit(str text, struct http_limits lim, unsigned status)
{
	struct attempt a;
	size_t scanned = 0;

	attempt_with(&a, text, &lim, &scanned);
	assert_int_equal(a.e, status ? ERR_LIMIT : OK);
	assert_int_equal(a.status, status);
	attempt_done(&a);
	attempt_bytewise(&a, text, &lim);
	assert_int_equal(a.e, status ? ERR_LIMIT : OK);
	assert_int_equal(a.status, status);
	attempt_done(&a);
}

static void head_limits_hold_exactly(void **state)
{
	str text = S("GET /0123456789 HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n");

	expect_limit(text, (struct http_limits){ (uint32_t)text.n, 11, 2 }, 0);
	expect_limit(text, (struct http_limits){ (uint32_t)text.n - 1, 11, 2 }, 431);
	expect_limit(text, (struct http_limits){ (uint32_t)text.n, 10, 2 }, 414);
	expect_limit(text, (struct http_limits){ (uint32_t)text.n, 11, 1 }, 431);
	expect_limit(text, (struct http_limits){ (uint32_t)text.n, 11, 0 }, 431);
	/* The request line alone fills the head. */
	expect_limit(text, (struct http_limits){ 10, 100, 2 }, 414);
	expect_limit(text, (struct http_limits){ 30, 100, 2 }, 431);
}

static void head_takes_as_many_headers_as_there_is_room_for(void **state)
{
	struct attempt a;
	struct http_limits lim = { 8192, 100, 1000 };
	size_t scanned = 0;
	struct buf b;

	buf_init(&b, 8192);
	buf_puts(&b, S(LINE));
	for (unsigned i = 0; i < HTTP_HEADERS_MAX; i++)
		buf_puts(&b, S("A: b\r\n"));
	buf_puts(&b, S("\r\n"));
	attempt_with(&a, buf_str(&b), &lim, &scanned);
	assert_int_equal(a.e, OK);
	assert_int_equal(a.request.n_headers, HTTP_HEADERS_MAX);
	attempt_done(&a);
	b.len -= 2;
	buf_puts(&b, S("A: b\r\n\r\n"));
	attempt_with(&a, buf_str(&b), &lim, &scanned);
	assert_int_equal(a.e, ERR_LIMIT);
	assert_int_equal(a.status, 431);
	attempt_done(&a);
	buf_fini(&b);
}

static void unfinished_target_above_the_limit_is_refused_at_once(void **state)
{
	struct attempt a;
	struct http_limits lim = { 8192, 8, 10 };
	size_t scanned = 0;

	attempt_with(&a, S("GET /12345678"), &lim, &scanned);
	assert_int_equal(a.e, ERR_LIMIT);
	assert_int_equal(a.status, 414);
	attempt_done(&a);
}

static void headers_are_found_in_any_case(void **state)
{
	struct attempt a;

	attempt(&a, S(BROWSER_UPGRADE));
	assert_int_equal(a.e, OK);
	assert_str(http_header_find(&a.request, S("sec-websocket-KEY"))->value,
		   "dGhlIHNhbXBsZSBub25jZQ==");
	assert_str(http_header_find(&a.request, S("host"))->value, "ws.example.com:6001");
	assert_null(http_header_find(&a.request, S("hos")));
	assert_null(http_header_find(&a.request, S("content-length")));
	assert_true(http_header_has_token(&a.request, S("connection"), S("upgrade")));
	assert_true(http_header_has_token(&a.request, S("Accept-Encoding"), S("ZSTD")));
	assert_false(http_header_has_token(&a.request, S("Accept-Encoding"), S("gz")));
	assert_false(http_header_has_token(&a.request, S("nothing"), S("x")));
	attempt_done(&a);
}

static void header_values_lose_the_blanks_around_them(void **state)
{
	struct attempt a;

	attempt(&a, S(LINE "A:b\r\nB: \t c d\t \r\nC: ,, ,x,\r\n\r\n"));
	assert_int_equal(a.e, OK);
	assert_str(http_header_find(&a.request, S("A"))->value, "b");
	assert_str(http_header_find(&a.request, S("B"))->value, "c d");
	assert_true(http_header_has_token(&a.request, S("C"), S("x")));
	attempt_done(&a);
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(head_parses_good_requests),
	cmocka_unit_test(head_leaves_what_follows_it),
	cmocka_unit_test(head_is_incomplete_at_every_split_point),
	cmocka_unit_test(head_may_come_byte_by_byte),
	cmocka_unit_test(head_refuses_what_could_be_read_in_two_ways),
	cmocka_unit_test(head_refuses_bad_bytes_however_they_come),
	cmocka_unit_test(head_refuses_every_control_byte_at_every_place_of_a_value),
	cmocka_unit_test(head_takes_exactly_the_token_bytes_as_names),
	cmocka_unit_test(head_takes_exactly_visible_ascii_without_fragments_as_target),
	cmocka_unit_test(head_limits_hold_exactly),
	cmocka_unit_test(head_takes_as_many_headers_as_there_is_room_for),
	cmocka_unit_test(unfinished_target_above_the_limit_is_refused_at_once),
	cmocka_unit_test(headers_are_found_in_any_case),
	cmocka_unit_test(header_values_lose_the_blanks_around_them),
};

int main(void)
{
	return cmocka_run_group_tests_name("http1", TESTS, NULL, NULL);
}
