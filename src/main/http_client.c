/* http_client.c: lenient on purpose: whatever is between us and the server, its answer has to be
 * shown rather than refused. */
#include "main/http_client.h"

#include "codec/http1.h"

enum { HEAD_BYTES_MAX = 64 << 10, REQUEST_BYTES_MAX = 64 << 20 };

bool http_client_ask(struct client *c, const struct client_url *u, const struct http_question *q)
{
	struct buf b;
	bool is_sent;

	buf_init(&b, REQUEST_BYTES_MAX);
	buf_printf(&b, "%.*s %.*s%.*s HTTP/1.1\r\nHost: ", STR_ARG(q->method), STR_ARG(u->path),
		   STR_ARG(q->target));
	client_url_put_host(u, &b);
	buf_puts(&b, S("\r\nUser-Agent: sockudo/" SOCKUDO_VERSION "\r\nAccept: */*\r\n"));
	if (q->body.n)
		buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			   q->body.n);
	if (q->is_last)
		buf_puts(&b, S("Connection: close\r\n"));
	buf_puts(&b, q->lines);
	buf_puts(&b, S("\r\n"));
	buf_puts(&b, q->body);
	is_sent = buf_ok(&b) && client_send(c, buf_str(&b));
	buf_fini(&b);
	return is_sent;
}

str http_answer_header(const struct http_answer *a, str name)
{
	str rest = a->head;

	str_split(&rest, '\n'); /* the status line */
	while (rest.n) {
		str value = str_split(&rest, '\n');
		str line_name = str_split(&value, ':');

		if (value.p && str_eq_nocase(line_name, name)) {
			if (value.n && value.p[value.n - 1] == '\r')
				value.n--;
			return str_trim(value);
		}
	}
	return (str){ 0 };
}

/* What the first bytes look like, when there is no head in them. */
static enum http_outcome outcome_of(str in)
{
	const uint8_t *p = (const uint8_t *)in.p;

	if (in.n == 0)
		return HTTP_HUNG_UP;
	/* A frame header of HTTP/2: SETTINGS or GOAWAY on stream 0. */
	if (in.n >= 9 && p[0] == 0 && (p[3] == 4 || p[3] == 7) && p[5] == 0)
		return HTTP_IS_HTTP2;
	return str_has_prefix(in, S("HTTP/1.")) ? HTTP_HUNG_UP : HTTP_IS_OTHER;
}

static bool parse_head(str in, struct arena *a, struct http_answer *out, size_t *head_bytes)
{
	const char *end = in.n ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;
	uint64_t status;
	str connection;

	if (!end || !str_has_prefix(in, S("HTTP/1.")) ||
	    !str_to_u64(str_take(str_skip(in, 9), 3), 999, &status))
		return false;
	*head_bytes = (size_t)(end + 4 - in.p);
	out->status = (unsigned)status;
	out->minor = in.p[7] == '1';
	out->head = arena_copy(a, str_take(in, *head_bytes - 2));
	connection = http_answer_header(out, S("connection"));
	out->keeps_alive = out->minor ? !str_contains_nocase(connection, S("close")) :
					str_contains_nocase(connection, S("keep-alive"));
	return true;
}

static unsigned left_ms(uint64_t deadline_ms)
{
	uint64_t now = dial_now_ms();

	return deadline_ms > now ? (unsigned)(deadline_ms - now) : 0;
}

static bool read_head(struct client *c, uint64_t deadline_ms, struct arena *a,
		      struct http_answer *out, size_t *head_bytes)
{
	while (!parse_head(buf_str(&c->in), a, out, head_bytes)) {
		err e = c->in.len > HEAD_BYTES_MAX ? ERR_IO :
						     client_receive(c, left_ms(deadline_ms));

		if (e == OK)
			continue;
		out->outcome = outcome_of(buf_str(&c->in));
		if (e == ERR_AGAIN && out->outcome == HTTP_HUNG_UP)
			out->outcome = HTTP_SILENT;
		return false;
	}
	return true;
}

/* "100 Continue" announces nothing. */
static void skip_interim(struct client *c, uint64_t deadline_ms, struct arena *a,
			 struct http_answer *out, size_t *head_bytes)
{
	while (read_head(c, deadline_ms, a, out, head_bytes) && out->status < 200 &&
	       out->status != 101)
		buf_drop_front(&c->in, *head_bytes);
}

void http_client_read_head(struct client *c, unsigned wait_ms, struct arena *a,
			   struct http_answer *out, size_t *head_bytes)
{
	uint64_t begin = dial_now_ms();

	*out = (struct http_answer){ 0 };
	skip_interim(c, begin + wait_ms, a, out, head_bytes);
	out->ms = (unsigned)(dial_now_ms() - begin);
}

/* Bodies. Each waits until its end, the end of the stream or of the time. */

static bool is_bodyless(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

static void read_sized(struct client *c, uint64_t deadline_ms, uint64_t n, struct http_answer *out,
		       struct arena *a)
{
	while (c->in.len < n && c->in.len < HTTP_CLIENT_BODY_MAX) {
		err e = client_receive(c, left_ms(deadline_ms));

		if (e != OK) {
			out->outcome = e == ERR_AGAIN ? HTTP_SILENT : HTTP_HUNG_UP;
			break;
		}
	}
	out->keeps_alive &= c->in.len >= n;
	out->body = arena_copy(a, str_take(buf_str(&c->in), n));
	buf_drop_front(&c->in, c->in.len < n ? c->in.len : (size_t)n);
}

static void read_chunked(struct client *c, uint64_t deadline_ms, struct http_answer *out,
			 struct arena *a)
{
	struct http_chunked state = { 0 };
	struct buf body;
	err e;

	buf_init(&body, HTTP_CLIENT_BODY_MAX);
	for (;;) {
		size_t used = 0;

		e = http_chunked_feed(&state, buf_str(&c->in), &used, &body);
		buf_drop_front(&c->in, used);
		if (e != ERR_AGAIN)
			break;
		e = client_receive(c, left_ms(deadline_ms));
		if (e == OK)
			continue;
		out->outcome = e == ERR_AGAIN ? HTTP_SILENT : HTTP_HUNG_UP;
		break;
	}
	out->keeps_alive &= e == OK;
	out->body = arena_copy(a, buf_str(&body));
	buf_fini(&body);
}

static void read_rest(struct client *c, uint64_t deadline_ms, struct http_answer *out,
		      struct arena *a)
{
	while (c->in.len < HTTP_CLIENT_BODY_MAX && client_receive(c, left_ms(deadline_ms)) == OK)
		;
	out->keeps_alive = false;
	out->body = arena_copy(a, buf_str(&c->in));
}

void http_client_read(struct client *c, unsigned wait_ms, struct arena *a, struct http_answer *out)
{
	uint64_t begin = dial_now_ms(), n;
	size_t head_bytes = 0;

	*out = (struct http_answer){ 0 };
	skip_interim(c, begin + wait_ms, a, out, &head_bytes);
	if (out->outcome == HTTP_ANSWERED) {
		buf_drop_front(&c->in, head_bytes);
		if (is_bodyless(out->status))
			;
		else if (str_contains_nocase(http_answer_header(out, S("transfer-encoding")),
					     S("chunked")))
			read_chunked(c, begin + wait_ms, out, a);
		else if (str_to_u64(http_answer_header(out, S("content-length")), INT64_MAX, &n))
			read_sized(c, begin + wait_ms, n, out, a);
		else
			read_rest(c, begin + wait_ms, out, a);
	}
	out->ms = (unsigned)(dial_now_ms() - begin);
}
