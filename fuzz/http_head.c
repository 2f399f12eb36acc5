/* http_head: a head means the same however it arrives, and nothing of it lies outside of it. */
#include "fuzz.h"

#include "base/mem.h"
#include "codec/http1.h"

static const struct http_limits LIMITS[] = {
	{ .head_bytes_max = 1500, .target_bytes_max = 700, .n_headers_max = 100 },
	{ .head_bytes_max = 120, .target_bytes_max = 40, .n_headers_max = 5 },
};

struct result {
	err e;
	unsigned status;
	struct http_request r;
};

static void parse(str bytes, const struct http_limits *lim, size_t *scanned, struct result *out)
{
	out->status = 0;
	out->e = http_head_parse(bytes, lim, scanned, &out->r, &out->status);
	CHECK(out->e == OK || out->e == ERR_AGAIN || out->e == ERR_SYNTAX || out->e == ERR_LIMIT);
	if (out->e == ERR_SYNTAX)
		CHECK(out->status == 400);
	if (out->e == ERR_LIMIT)
		CHECK(out->status == 414 || out->status == 431);
}

static void parse_fresh(str bytes, const struct http_limits *lim, struct result *out)
{
	size_t scanned = 0;

	parse(bytes, lim, &scanned, out);
}

/* One request */

static void check_inside(str part, str whole)
{
	CHECK(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void check_header(const struct http_header *h, str head)
{
	check_inside(h->name, head);
	check_inside(h->value, head);
	CHECK(h->name.n > 0);
	for (size_t i = 0; i < h->name.n; i++)
		CHECK(h->name.p[i] > ' ' && h->name.p[i] < 0x7f && h->name.p[i] != ':');
	for (size_t i = 0; i < h->value.n; i++)
		CHECK(h->value.p[i] != '\r' && h->value.p[i] != '\n' && h->value.p[i] != '\0');
	CHECK(str_eq(str_trim(h->value), h->value));
}

static bool has(const struct http_request *r, str name)
{
	return http_header_find(r, name) != NULL;
}

static void check_request(const struct http_request *r, str bytes, const struct http_limits *lim)
{
	str head = str_take(bytes, r->head_bytes);

	CHECK(r->head_bytes <= bytes.n && r->head_bytes <= lim->head_bytes_max);
	CHECK(str_eq(str_skip(head, head.n - 4), S("\r\n\r\n")));
	check_inside(r->method_text, head);
	check_inside(r->query, head);
	CHECK(r->path.n > 0 && (r->path.p[0] == '/' || str_eq(r->path, S("*"))));
	CHECK(r->path.n + r->query.n <= lim->target_bytes_max + 1);
	CHECK(str_find_char(r->path, '?') == r->path.n);
	CHECK(r->n_headers <= lim->n_headers_max);
	CHECK(r->has_query || r->query.n == 0);
	CHECK(!r->is_chunked || (r->content_length == 0 && !has(r, S("Content-Length"))));
	CHECK(r->is_chunked == has(r, S("transfer-encoding")));
	for (uint32_t i = 0; i < r->n_headers; i++) {
		check_header(&r->headers[i], head);
		CHECK(has(r, r->headers[i].name));
	}
}

/* Two of them, in different memory */

static bool same_headers(const struct http_request *a, const struct http_request *b)
{
	for (uint32_t i = 0; i < a->n_headers; i++) {
		if (!str_eq(a->headers[i].name, b->headers[i].name) ||
		    !str_eq(a->headers[i].value, b->headers[i].value))
			return false;
	}
	return a->n_headers == b->n_headers;
}

static bool same_request(const struct http_request *a, const struct http_request *b)
{
	return a->method == b->method && str_eq(a->method_text, b->method_text) &&
	       str_eq(a->path, b->path) && str_eq(a->query, b->query) &&
	       a->has_query == b->has_query && a->minor == b->minor &&
	       a->keep_alive == b->keep_alive && a->expects_continue == b->expects_continue &&
	       a->is_chunked == b->is_chunked && a->content_length == b->content_length &&
	       a->head_bytes == b->head_bytes && same_headers(a, b);
}

static void check_same(const struct result *a, const struct result *b)
{
	CHECK(a->e == b->e && a->status == b->status);
	CHECK(a->e != OK || same_request(&a->r, &b->r));
}

/* What is known early stays true, whatever follows: the whole agrees with what a prefix decided. */
static void check_prefixes(str bytes, const struct http_limits *lim, uint8_t choice,
			   const struct result *whole)
{
	struct fuzz_cuts cuts = fuzz_cuts(choice);
	size_t scanned = 0;
	struct result fresh, resumed;

	for (size_t at = 0; at < bytes.n;) {
		str prefix;
		char *copy;

		at += fuzz_cut(&cuts, bytes.n - at);
		copy = fuzz_copy(str_take(bytes, at));
		prefix = (str){ copy, at };
		parse_fresh(prefix, lim, &fresh);
		if (fresh.e != ERR_AGAIN)
			check_same(&fresh, whole);
		parse(prefix, lim, &scanned, &resumed);
		if (resumed.e != ERR_AGAIN)
			check_same(&resumed, &fresh);
		else
			CHECK(fresh.e != OK); /* a refusal may wait for the end of its line */
		xfree(copy);
		if (resumed.e != ERR_AGAIN)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str bytes = fuzz_input(data, size, &choice);
	const struct http_limits *lim = &LIMITS[choice & 1];
	static struct result whole;

	parse_fresh(bytes, lim, &whole);
	if (whole.e == OK)
		check_request(&whole.r, bytes, lim);
	if (bytes.n >= lim->head_bytes_max)
		CHECK(whole.e != ERR_AGAIN);
	check_prefixes(bytes, lim, choice >> 1, &whole);
	return 0;
}
