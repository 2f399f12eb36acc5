#include "codec/http1.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

struct outcome {
	err e;
	size_t used;
	struct buf body;
};

/* Feeds text in pieces that end at the cut and at its end; each lies in memory of its own length.
 */
static void feed(struct outcome *o, str text, size_t cut, size_t body_max)
{
	struct http_chunked c = { 0 };
	size_t from[] = { 0, cut, text.n };

	buf_init(&o->body, body_max);
	o->e = ERR_AGAIN;
	o->used = 0;
	for (size_t i = 0; i < 2 && o->e == ERR_AGAIN; i++) {
		size_t n = from[i + 1] - from[i], used;
		char *piece = xalloc(n + 1);

		memcpy(piece, text.p + from[i], n);
		o->e = http_chunked_feed(&c, (str){ piece, n }, &used, &o->body);
		if (o->e == ERR_AGAIN)
			assert_int_equal(used, n);
		o->used += used;
		xfree(piece);
	}
	if (o->e == OK) {
		size_t used = 1;

		assert_int_equal(http_chunked_feed(&c, S("more"), &used, &o->body), OK);
		assert_int_equal(used, 0);
	}
}

static void expect_body(str text, str rest, str body)
{
	for (size_t cut = 0; cut <= text.n; cut++) {
		struct outcome o;

		feed(&o, text, cut, 1000);
		assert_int_equal(o.e, OK);
		assert_int_equal(o.used, text.n - rest.n);
		assert_true(str_eq(buf_str(&o.body), body));
		buf_fini(&o.body);
	}
}

static void chunks_are_joined_at_every_split_point(void **state)
{
	expect_body(S("0\r\n\r\n"), S(""), S(""));
	expect_body(S("5\r\nhello\r\n0\r\n\r\n"), S(""), S("hello"));
	expect_body(S("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), S("GET / HTTP/1.1\r\n"),
		    S("hello"));
	expect_body(S("1\r\nh\r\nA\r\n0123456789\r\n00c\r\n\r\n\r\n45678901\r\n000\r\n\r\n"), S(""),
		    S("h0123456789\r\n\r\n45678901"));
	expect_body(S("2;a=b;c=\"d\xc3\xa9;\\\"\\\\\";d;e=f\r\nhi\r\n0;last\r\nTrailer: "
		      "x\r\nB:\r\n\r\n"),
		    S(""), S("hi"));
	expect_body(S("0\r\nContent-Lengt: 5\r\nContent-Lengths: 5\r\nX-Content-Length: 5\r\n"
		      "Transfer_Encoding: chunked\r\nContent-Encoding: x\r\n\r\n"),
		    S(""), S(""));
}

#define BAD(text)                                                                                  \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
static const str BAD_BODIES[] = {
	BAD("\r\n"),
	BAD(" 5\r\n"),
	BAD("5 \r\n"),
	BAD("5 ;a\r\n"),
	BAD("5\thello"),
	BAD("+5\r\n"),
	BAD("-5\r\n"),
	BAD("0x5\r\n"),
	BAD("g\r\n"),
	BAD(";a\r\n"),
	BAD("5\nhello"),
	BAD("5\rhello"),
	BAD("5\r\r\n"),
	BAD("5;a\nhello"),
	BAD("5;a\rb"),
	BAD("5;\0\r\n"),
	BAD("5;\x7f\r\n"),
	BAD("5\r\nhello\n"),
	BAD("5\r\nhello0\r\n"),
	BAD("5\r\nhello!\r\n"),
	BAD("5\r\nhello\r0"),
	BAD("5\r\nhello\r\n\r\n"),
	BAD("0\r\n\n"),
	BAD("0\r\n\rX"),
	BAD("0\r\nA: b\n\r\n"),
	BAD("0\r\nA: b\r\n\n"),
	BAD("0\r\nA: \0\r\n"),
	BAD("5;\r\n"),
	BAD("5;;a\r\n"),
	BAD("5; a\r\n"),
	BAD("5;a =b\r\n"),
	BAD("5;a=\r\n"),
	BAD("5;=a\r\n"),
	BAD("5;a=b=c\r\n"),
	BAD("5;a=b\"c\"\r\n"),
	BAD("5;a=\"b\r\n"),
	BAD("5;a=\"b\\\r\n"),
	BAD("5;a=\"b\"c\r\n"),
	BAD("5;\xc3\xa9\r\n"),
	BAD("0\r\nA\r\n"),
	BAD("0\r\n: b\r\n"),
	BAD("0\r\n A: b\r\n"),
	BAD("0\r\nA : b\r\n"),
	BAD("0\r\nA: b\r\n c\r\n"),
	BAD("0\r\nContent-Length: 5\r\n"),
	BAD("0\r\nA: b\r\nTRANSFER-ENCODING: chunked\r\n"),
	BAD("10000000000000000\r\n"),
	BAD("fffffffffffffffff\r\n"),
};

static void bad_chunks_are_refused_at_every_split_point(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(BAD_BODIES); i++) {
		for (size_t cut = 0; cut <= BAD_BODIES[i].n; cut++) {
			struct outcome o;

			feed(&o, BAD_BODIES[i], cut, 1000);
			if (o.e != ERR_SYNTAX)
				fail_msg("row %zu gives %d: %s", i, o.e, BAD_BODIES[i].p);
			buf_fini(&o.body);
		}
	}
}

static err feed_whole(str text, size_t body_max)
{
	struct outcome o;

	feed(&o, text, text.n, body_max);
	buf_fini(&o.body);
	return o.e;
}

static void body_limit_holds_exactly_and_before_the_data(void **state)
{
	assert_int_equal(feed_whole(S("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), 5), OK);
	assert_int_equal(feed_whole(S("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), 4), ERR_LIMIT);
	assert_int_equal(feed_whole(S("3\r\nabc\r\n2\r\n"), 4), ERR_LIMIT);
	assert_int_equal(feed_whole(S("ffffffffffffffff\r\n"), 1000), ERR_LIMIT);
}

static void what_is_skipped_is_bounded(void **state)
{
	static const str starts[] = { { "5;", 2 }, { "0\r\n", 3 }, { "00", 2 } };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct http_chunked c = { 0 };
		struct buf body;
		size_t used, n = 0;
		err e;

		buf_init(&body, 10);
		e = http_chunked_feed(&c, starts[i], &used, &body);
		for (; e == ERR_AGAIN && n < 10000; n++)
			e = http_chunked_feed(&c, S("0"), &used, &body);
		assert_int_equal(e, ERR_SYNTAX);
		assert_in_range(n, 4090, 4097);
		buf_fini(&body);
	}
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(chunks_are_joined_at_every_split_point),
	cmocka_unit_test(bad_chunks_are_refused_at_every_split_point),
	cmocka_unit_test(body_limit_holds_exactly_and_before_the_data),
	cmocka_unit_test(what_is_skipped_is_bounded),
};

int main(void)
{
	return cmocka_run_group_tests_name("http1_chunked", TESTS, NULL, NULL);
}
