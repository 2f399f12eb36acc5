/* Answers, good and odd, in pieces of every size. */
#include "main/http_client.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 50, LONG_MS = 5000 };

struct pair {
	struct client client;
	int peer;
	struct arena arena;
};

static void pair_open(struct pair *p)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*p = (struct pair){ .client = { .dial = { .fd = fds[0] } }, .peer = fds[1] };
	buf_init(&p->client.in, CLIENT_BYTES_MAX);
	arena_init(&p->arena, 4096);
}

static void pair_close(struct pair *p)
{
	client_close(&p->client);
	if (p->peer >= 0)
		close(p->peer);
	arena_fini(&p->arena);
}

/* The first cut bytes are read before the rest comes. */
static void say(struct pair *p, str text, size_t cut)
{
	assert_int_equal(write(p->peer, text.p, cut), (ssize_t)cut);
	if (cut)
		assert_int_equal(client_receive(&p->client, LONG_MS), OK);
	assert_int_equal(write(p->peer, text.p + cut, text.n - cut), (ssize_t)(text.n - cut));
}

struct row {
	const char *text, *body;
	unsigned status;
	bool keeps_alive;
	bool ends; /* the peer ends its stream */
};

static const struct row rows[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", 200, true, false },
	{ "HTTP/1.1 200 OK\r\ncontent-length:3\r\nConnection: close\r\n\r\nabc", "abc", 200, false,
	  true },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, false, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx", "x", 200, true,
	  false },
	{ "HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\nto the end", "to the end", 404, false, true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
	  "abcde", 200, true, false },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 \r\nContent-Length: 0\r\n\r\n", "", 413, true,
	  false },
	{ "HTTP/1.1 204 No Content\r\n\r\n", "", 204, true, false },
};

static void answers_are_read_whole_wherever_they_are_cut(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		str text = str_from_cstr(rows[i].text);

		for (size_t cut = 0; cut < text.n; cut++) {
			struct http_answer a;
			struct pair p;

			pair_open(&p);
			say(&p, text, cut);
			if (rows[i].ends)
				shutdown(p.peer, SHUT_WR);
			http_client_read(&p.client, LONG_MS, &p.arena, &a);
			assert_int_equal(a.outcome, HTTP_ANSWERED);
			assert_int_equal(a.status, rows[i].status);
			assert_true(str_eq(a.body, str_from_cstr(rows[i].body)));
			assert_int_equal(a.keeps_alive, rows[i].keeps_alive);
			pair_close(&p);
		}
	}
}

static void two_answers_on_one_connection_are_told_apart(void **state)
{
	struct http_answer a;
	struct pair p;

	pair_open(&p);
	say(&p,
	    S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 201 \r\nContent-Length: "
	      "1\r\n\r\nb"),
	    0);
	http_client_read(&p.client, LONG_MS, &p.arena, &a);
	assert_true(str_eq(a.body, S("a")));
	http_client_read(&p.client, LONG_MS, &p.arena, &a);
	assert_int_equal(a.status, 201);
	assert_true(str_eq(a.body, S("b")));
	pair_close(&p);
}

static void what_is_no_answer_is_told_apart(void **state)
{
	static const struct {
		str text;
		enum http_outcome outcome;
		bool ends;
	} table[] = {
		{ { "", 0 }, HTTP_SILENT, false },
		{ { "", 0 }, HTTP_HUNG_UP, true },
		{ { "HTTP/1.1 200 O", 14 }, HTTP_SILENT, false },
		{ { "HTTP/1.1 200 O", 14 }, HTTP_HUNG_UP, true },
		{ { "\0\0\0\4\0\0\0\0\0", 9 }, HTTP_IS_HTTP2, true },
		{ { "\0\0\x12\4\0\0\0\0\0", 9 }, HTTP_IS_HTTP2, false },
		{ { "SSH-2.0-x\r\n", 11 }, HTTP_IS_OTHER, true },
		{ { "SSH-2.0-x\r\n\r\n", 13 }, HTTP_IS_OTHER, false },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 40 }, HTTP_SILENT, false },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 40 }, HTTP_HUNG_UP, true },
		{ { "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx", 49 },
		  HTTP_HUNG_UP,
		  true },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct http_answer a;
		struct pair p;

		pair_open(&p);
		say(&p, table[i].text, 0);
		if (table[i].ends)
			shutdown(p.peer, SHUT_WR);
		http_client_read(&p.client, WAIT_MS, &p.arena, &a);
		assert_int_equal(a.outcome, table[i].outcome);
		assert_false(a.keeps_alive);
		pair_close(&p);
	}
}

static void headers_are_found_whatever_their_case(void **state)
{
	struct http_answer a = { .head = S("HTTP/1.1 200 OK\r\nServer: nginx\r\nempty:\r\n"
					   "X-A:  1 \r\nX-A: 2\r\n") };

	assert_true(str_eq(http_answer_header(&a, S("server")), S("nginx")));
	assert_true(str_eq(http_answer_header(&a, S("x-a")), S("1")));
	assert_non_null(http_answer_header(&a, S("Empty")).p);
	assert_int_equal(http_answer_header(&a, S("Empty")).n, 0);
	assert_null(http_answer_header(&a, S("HTTP/1.1 200 OK")).p);
	assert_null(http_answer_header(&a, S("serve")).p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read_whole_wherever_they_are_cut),
		cmocka_unit_test(two_answers_on_one_connection_are_told_apart),
		cmocka_unit_test(what_is_no_answer_is_told_apart),
		cmocka_unit_test(headers_are_found_whatever_their_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
