/* http1.c: what our codec reads in a stream of requests:  oracle-http1 [PIECE_BYTES]
 *
 * Each record is a connection's bytes. For each complete request a line "request METHOD TARGET BODY" (the last two in hex; the
 * target as the routes see it: without authority and without one trailing '/'), then "end HOW": complete, closed (the last
 * request wanted that; what follows was not read), incomplete, or "refused STATUS". With PIECE_BYTES the bytes arrive in pieces
 * of that size, as they do from a slow peer. The maxima are the server's defaults. */
#include "tests/oracle/records.h"

#include "codec/http1.h"

#define BODY_BYTES_MAX (10 * 1024 * 1024)

static const struct http_limits LIMITS = { 64 * 1024, 32 * 1024, HTTP_HEADERS_MAX };

/* A connection's bytes, of which the first n_arrived are there. */
struct stream {
	str bytes;
	size_t at, n_arrived, piece_bytes;
};

/* ERR_AGAIN when nothing more will come. */
static err arrive(struct stream *s)
{
	size_t n_left = s->bytes.n - s->n_arrived;

	if (n_left == 0)
		return ERR_AGAIN;
	s->n_arrived += n_left < s->piece_bytes ? n_left : s->piece_bytes;
	return OK;
}

static str unread(const struct stream *s)
{
	return str_skip(str_take(s->bytes, s->n_arrived), s->at);
}

static err read_head(struct stream *s, struct http_request *r, unsigned *status)
{
	size_t scanned = 0;
	err e;

	do
		e = http_head_parse(unread(s), &LIMITS, &scanned, r, status);
	while (e == ERR_AGAIN && arrive(s) == OK);
	if (e == OK)
		s->at += r->head_bytes;
	return e;
}

static err read_counted(struct stream *s, uint64_t n, struct buf *body)
{
	if (n > BODY_BYTES_MAX)
		return ERR_LIMIT;
	while (unread(s).n < n)
		if (arrive(s) != OK)
			return ERR_AGAIN;
	buf_puts(body, str_take(unread(s), n));
	s->at += n;
	return OK;
}

static err read_chunked(struct stream *s, struct buf *body)
{
	struct http_chunked chunked = { 0 };
	size_t used;
	err e;

	do {
		e = http_chunked_feed(&chunked, unread(s), &used, body);
		s->at += used;
	} while (e == ERR_AGAIN && arrive(s) == OK);
	return e;
}

static err read_body(struct stream *s, const struct http_request *r, struct buf *body,
		     unsigned *status)
{
	err e = r->is_chunked ? read_chunked(s, body) : read_counted(s, r->content_length, body);

	*status = e == ERR_LIMIT ? 413 : 400;
	return e;
}

static void print_request(const struct http_request *r, str body)
{
	printf("request %.*s ", STR_ARG(r->method_text));
	print_hex(r->path.p, r->path.n);
	if (r->has_query)
		print_hex("?", 1);
	print_hex(r->query.p, r->query.n);
	printf(" ");
	print_hex(body.p, body.n);
	printf("\n");
}

static bool rests(const struct stream *s)
{
	str left = unread(s);

	while (str_has_prefix(left, S("\r\n")))
		left = str_skip(left, 2);
	return left.n == 0 && s->n_arrived == s->bytes.n;
}

static void print_end(const struct stream *s, err e, unsigned status)
{
	if (e == OK)
		printf("end closed\n");
	else if (e != ERR_AGAIN)
		printf("end refused %u\n", status);
	else
		printf("end %s\n", rests(s) ? "complete" : "incomplete");
}

static void judge(struct stream *s)
{
	struct http_request r = { .keep_alive = true };
	struct buf body;
	unsigned status = 0;
	size_t start = 0;
	err e = OK;

	buf_init(&body, BODY_BYTES_MAX);
	while (e == OK && r.keep_alive) {
		start = s->at;
		buf_clear(&body);
		e = read_head(s, &r, &status);
		if (e == OK)
			e = read_body(s, &r, &body, &status);
		if (e == OK)
			print_request(&r, buf_str(&body));
	}
	if (e == ERR_AGAIN)
		s->at = start;
	print_end(s, e, status);
	buf_fini(&body);
}

int main(int argc, char **argv)
{
	size_t piece_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : SIZE_MAX;
	struct stream s = { .piece_bytes = piece_bytes };
	char *bytes;

	while (record_read(&bytes, &s.bytes.n)) {
		s.bytes.p = bytes;
		s.at = s.n_arrived = 0;
		judge(&s);
		free(bytes);
	}
	return 0;
}
