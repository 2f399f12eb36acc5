/* http.c: requests: from bytes to a route's handler.
 *
 * The usual request lies whole in what was read: it is parsed, checked and handled where it
 * lies, and leaves nothing behind. Only of one that is still incomplete something is kept: its
 * head as it came (to be parsed again, which is cheaper than keeping what was understood), then
 * its body as it grows, never more than arrived. Each wait has its deadline. A body that nobody will
 * read, or whose sender has not proven who he is, is counted and forgotten as it comes: strangers
 * cost their heads.
 *
 * Where a request ends must be beyond doubt: whatever the parser refuses ends the connection. So
 * does a body that is too large; it is refused from its announcement, before it is read. */
#include "server/http.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec/digest.h"
#include "codec/proxy_header.h"
#include "codec/urlencode.h"
#include "core/auth.h"
#include "server/api.h"
#include "server/http_priv.h"
#include "server/redirect.h"
#include "server/routes.h"
#include "server/upgrade.h"
#include "server/worker.h"

/* When descriptors are short. */
#define CROWDED_HEAD_TIMEOUT_MS 1000

struct http_state {
	struct http_limits limits; /* of its beginning: a reload may change them meanwhile */
	struct buf head;	   /* as it came */
	size_t scanned;		   /* http_head_parse's */
	bool has_head;		   /* it is complete: the body is awaited */
	bool is_chunked;
	struct http_chunked chunked;
	uint64_t body_left; /* when not chunked */
	size_t body_bytes;  /* that have come */
	bool is_wanted;	    /* the body is kept */
	struct buf body;
};

#define ROUTE(method, pattern, flags, handler)                                                     \
	{ HTTP_##method, { pattern, sizeof(pattern) - 1 }, flags, handler },
static const struct route ROUTES[] = {
#include "server/routes.def"
};
static const struct route METRICS_ROUTES[] = {
#include "server/metrics_routes.def"
};
#undef ROUTE

static const struct {
	const struct route *rows;
	size_t n;
	void (*otherwise)(const struct http_call *call); /* for every other path; NULL: 404 */
} TABLES[N_LISTENER_ROLES] = {
	[LISTENER_CLIENTS] = { .rows = ROUTES, .n = ARRAY_LEN(ROUTES) },
	[LISTENER_REDIRECT] = { .otherwise = redirect_handle },
	[LISTENER_METRICS] = { .rows = METRICS_ROUTES, .n = ARRAY_LEN(METRICS_ROUTES) },
};

_Static_assert(ARRAY_LEN(((struct http_call *)0)->segments) == ROUTE_PARAMETERS_MAX,
	       "one for each");

static struct http_limits limits_of(const struct conn *c)
{
	const struct server_options *o = c->worker->options;

	return (struct http_limits){ o->request_head_bytes_max, o->request_target_bytes_max,
				     HTTP_HEADERS_MAX };
}

/* Deadlines */

static void arm(struct conn *c, uint32_t delay_ms)
{
	timer_arm(c->worker->loop, &c->timer, delay_ms);
}

void http_begin(struct conn *c)
{
	uint32_t timeout_ms = c->worker->options->head_timeout_ms;

	if (c->worker->is_crowded && timeout_ms > CROWDED_HEAD_TIMEOUT_MS)
		timeout_ms = CROWDED_HEAD_TIMEOUT_MS;
	arm(c, timeout_ms);
}

void http_on_timer(struct conn *c)
{
	if (c->awaits_hub)
		arm(c, c->worker->options->idle_timeout_ms);
	else if (c->http)
		http_refuse(c, 408);
	else
		conn_end(c);
}

/* Handling a complete request */

static void answer_unknown(struct conn *c)
{
	if (c->role == LISTENER_CLIENTS)
		http_reply(c, &(struct http_reply){ .status = 404,
						    .content_type = "text/plain",
						    .body = S("404 NOT FOUND") });
	else
		http_reply(c, &(struct http_reply){ .status = 404 });
}

/* OPTIONS is a preflight, whatever else it asks. */
static void answer_other_method(const struct http_call *call, const struct route_match *m)
{
	bool is_preflight = call->request->method == HTTP_OPTIONS;

	http_reply(call->conn,
		   &(struct http_reply){
			   .status = is_preflight ? 200 : 405,
			   .cors = is_preflight ? HTTP_CORS_PREFLIGHT : HTTP_CORS_ANSWER,
			   .allow = route_methods_text(m->methods, &call->worker->arena),
		   });
}

static bool decode_parameters(struct http_call *call, const struct route_match *m)
{
	for (size_t i = 0; i < m->n_parameters; i++) {
		call->segments[i] = url_decode(m->parameters[i], &call->worker->arena);
		if (!utf8_valid(call->segments[i])) {
			http_answer(call, 400, HTTP_PLAIN_TEXT, (str){ 0 },
				    S("Invalid URL: Invalid UTF-8"));
			return false;
		}
	}
	return true;
}

static bool check_signature(struct http_call *call)
{
	struct worker *w = call->worker;
	int64_t now_s = loop_clock(w->loop)->wall_ms / 1000;
	struct auth_failure why;
	err e;

	if (call->lacks_body)
		e = auth_request_check_head(w->apps, call->request, call->segments[0], now_s,
					    &w->arena, &why);
	else
		e = auth_request_check(w->apps, call->request, call->segments[0], call->body, now_s,
				       &w->arena, &call->app, &why);
	if (e != OK)
		http_answer_error(call, why.status, why.code, why.text);
	else if (call->lacks_body) /* he was a stranger when he began */
		http_answer_busy(call);
	else
		return true;
	return false;
}

/* application/json or application/…+json, whatever its parameters. */
static bool is_json_type(str value)
{
	str type = str_trim(str_take(value, str_find_char(value, ';')));
	str prefix = S("application/"), suffix = S("+json");

	if (str_eq_nocase(type, S("application/json")))
		return true;
	return type.n > prefix.n + suffix.n && str_eq_nocase(str_take(type, prefix.n), prefix) &&
	       str_eq_nocase(str_skip(type, type.n - suffix.n), suffix);
}

static bool check_content_type(const struct http_call *call)
{
	const struct http_header *type = http_header_find(call->request, S("content-type"));

	if (type && is_json_type(type->value))
		return true;
	http_answer(call, 415, HTTP_PLAIN_TEXT, (str){ 0 },
		    S("Expected request with `Content-Type: application/json`"));
	return false;
}

/* Is the route there, on this listener? */
static bool is_served(const struct conn *c, const struct route *r)
{
	const struct server_options *o = c->worker->options;

	if (!(r->flags & ROUTE_STATS))
		return true;
	return o->usage_enabled && (c->role == LISTENER_METRICS) == o->stats_on_metrics_port;
}

static bool check_token(const struct http_call *call)
{
	const struct http_header *h = http_header_find(call->request, S("authorization"));
	str token = call->worker->options->operator_token, scheme = S("bearer ");
	str given = h ? str_trim(h->value) : (str){ 0 };

	if (token.n == 0)
		return true;
	if (given.n > scheme.n && str_eq_nocase(str_take(given, scheme.n), scheme) &&
	    digest_eq(str_trim(str_skip(given, scheme.n)), token))
		return true;
	http_answer(call, 401, HTTP_PLAIN_TEXT, S("www-authenticate: Bearer realm=\"sockudo\"\r\n"),
		    S("The operator's token is needed"));
	return false;
}

static struct route_match find_route(const struct conn *c, const struct http_request *r)
{
	struct route_match m;

	route_find(TABLES[c->role].rows, TABLES[c->role].n, r->method, r->path, &m);
	if (m.route && !is_served(c, m.route))
		m = (struct route_match){ 0 };
	return m;
}

static void handle_other(const struct http_call *call, const struct route_match *m)
{
	struct conn *c = call->conn;

	if (m->methods)
		answer_other_method(call, m);
	else if (TABLES[c->role].otherwise)
		TABLES[c->role].otherwise(call);
	else
		answer_unknown(c);
}

static void handle(struct http_call *call, const struct route_match *m)
{
	struct conn *c = call->conn;

	if (!m->route) {
		handle_other(call, m);
		return;
	}
	if ((m->route->flags & ROUTE_OPERATOR) && !check_token(call))
		return;
	if (!decode_parameters(call, m))
		return;
	if ((m->route->flags & ROUTE_SIGNED) && !check_signature(call))
		return;
	if ((m->route->flags & ROUTE_JSON) && !check_content_type(call))
		return;
	c->request_bytes = (uint32_t)call->body_bytes;
	if (call->app)
		c->counted_as = worker_local_app(call->worker, call->app)->activity;
	m->route->handle(call);
}

/* Keeping an incomplete one */

static struct http_state *state_new(struct conn *c)
{
	struct http_state *s = xnew(struct http_state);

	s->limits = limits_of(c);
	buf_init(&s->head, s->limits.head_bytes_max);
	buf_init(&s->body, 0);
	c->http = s;
	return s;
}

static void state_free(struct http_state *s)
{
	if (!s)
		return;
	buf_fini(&s->head);
	buf_fini(&s->body);
	xfree(s);
}

void http_discard(struct conn *c)
{
	state_free(c->http);
	c->http = NULL;
}

/* Memory was short for what has to be kept. */
static bool refuse_overflow(struct conn *c, const struct buf *b)
{
	if (buf_ok(b))
		return false;
	http_refuse(c, 503);
	return true;
}

static void refuse_large_body(struct conn *c)
{
	http_discard(c);
	c->answer_keeps_alive = false;
	http_reply(c,
		   &(struct http_reply){
			   .status = 413,
			   .content_type = HTTP_PLAIN_TEXT,
			   .cors = HTTP_CORS_ANSWER,
			   .body = S("Failed to buffer the request body: length limit exceeded") });
}

static void send_continue(struct conn *c)
{
	struct buf b;

	buf_init(&b, 64);
	http_head_begin(&b, 100);
	buf_puts(&b, S("\r\n"));
	conn_send(c, http_message(&b, (str){ 0 }));
}

/* Will anybody read the body, and has its sender proven who he is? */
static bool is_body_wanted(const struct conn *c, const struct http_request *r,
			   const struct route_match *m)
{
	struct worker *w = c->worker;
	struct auth_failure why;
	str app_id;

	if (!m->route || !(m->route->flags & ROUTE_SIGNED))
		return false;
	app_id = url_decode(m->parameters[0], &w->arena);
	return auth_request_check_head(w->apps, r, app_id, loop_clock(w->loop)->wall_ms / 1000,
				       &w->arena, &why) == OK;
}

/* The head is understood, the body is not all there. */
static void await_body(struct conn *c, const struct http_request *r, const struct route_match *m,
		       str head, bool has_begun)
{
	struct http_state *s = c->http;

	if (!s) {
		s = state_new(c);
		buf_puts(&s->head, head);
	}
	if (refuse_overflow(c, &s->head))
		return;
	s->has_head = true;
	s->is_wanted = is_body_wanted(c, r, m);
	s->is_chunked = r->is_chunked;
	s->body_left = r->content_length;
	buf_init(&s->body,
		 r->is_chunked ? c->worker->options->request_body_bytes_max : r->content_length);
	if (r->expects_continue && !has_begun)
		send_continue(c);
	arm(c, c->worker->options->body_timeout_ms);
}

/* Preflights ask for nothing. */
static bool is_admitted(struct conn *c, const struct http_request *r, const struct route_match *m)
{
	enum client_rate which = m->flags & ROUTE_SIGNED  ? CLIENT_RATE_API :
				 m->flags & ROUTE_UPGRADE ? CLIENT_RATE_UPGRADE :
							    CLIENT_RATE_NONE;

	return r->method == HTTP_OPTIONS || client_rate_admit(c, r, which);
}

/* A body that has not come is not waited for. */
static void refuse_over_rate(struct conn *c, const struct http_request *r, str *in)
{
	if (r->is_chunked || r->content_length > in->n)
		c->answer_keeps_alive = false;
	else
		*in = str_skip(*in, r->content_length);
	http_discard(c);
	http_answer_over_rate(c);
}

/* *in begins behind the head. */
static void take_request(struct conn *c, const struct http_request *r, str head, str *in)
{
	struct route_match m = find_route(c, r);
	struct http_call call = { .conn = c, .worker = c->worker, .request = r };
	struct http_state *s;

	http_note_manner(c, r);
	if (!is_admitted(c, r, &m)) {
		refuse_over_rate(c, r, in);
		return;
	}
	if (r->content_length > c->worker->options->request_body_bytes_max) {
		refuse_large_body(c);
		return;
	}
	if (r->is_chunked || r->content_length > in->n) {
		await_body(c, r, &m, head, in->n > 0);
		return;
	}
	call.body = str_take(*in, r->content_length);
	call.body_bytes = call.body.n;
	*in = str_skip(*in, call.body.n);
	call.is_followed = in->n > 0;
	s = c->http; /* r may point into it; the handler may need its place in c */
	c->http = NULL;
	handle(&call, &m);
	state_free(s);
}

static void take_kept_request(struct conn *c, bool is_followed)
{
	struct http_state *s = c->http;
	struct http_request r;
	struct http_call call = { .conn = c,
				  .worker = c->worker,
				  .request = &r,
				  .body = buf_str(&s->body),
				  .body_bytes = s->body_bytes,
				  .lacks_body = !s->is_wanted,
				  .is_followed = is_followed };
	struct route_match m;
	size_t scanned = 0;
	unsigned status;
	err e = http_head_parse(buf_str(&s->head), &s->limits, &scanned, &r, &status);

	ASSERT(e == OK); /* as it was when the body began */
	c->http = NULL;
	m = find_route(c, &r);
	handle(&call, &m);
	state_free(s);
}

/* Input */

/* Empty lines between requests: some clients end a body with one. */
static void skip_empty_lines(str *in)
{
	while (str_has_prefix(*in, S("\r\n")))
		*in = str_skip(*in, 2);
}

/* Of all that is no request the one thing that has a setting. */
static void refuse_garbage(struct conn *c, str garbage, unsigned status)
{
	if (proxy_header_is_begun(garbage))
		log_limited(c->worker->log, LOG_WARN, "PROXY header not expected",
			    LF_CSTR("hint", "proxy_protocol is off, or its sender is not in "
					    "trusted_proxies"));
	http_refuse(c, status);
}

static void feed_fresh(struct conn *c, str *in)
{
	str all = *in;
	struct http_limits lim = limits_of(c);
	struct http_state *s;
	struct http_request r;
	size_t scanned = 0;
	unsigned status;
	str head;
	err e;

	skip_empty_lines(in);
	if (in->n == 0)
		return;
	e = http_head_parse(*in, &lim, &scanned, &r, &status);
	if (e == OK) {
		head = str_take(*in, r.head_bytes);
		*in = str_skip(*in, head.n);
		take_request(c, &r, head, in);
	} else if (e == ERR_AGAIN) {
		s = state_new(c);
		s->scanned = scanned;
		buf_puts(&s->head, *in);
		*in = str_skip(*in, in->n);
		arm(c, c->worker->options->head_timeout_ms);
		refuse_overflow(c, &s->head);
	} else {
		refuse_garbage(c, all, status);
	}
}

static void feed_head(struct conn *c, str *in)
{
	struct http_state *s = c->http;
	size_t n_before = s->head.len, scanned = s->scanned;
	struct http_request r;
	unsigned status;
	err e;

	buf_puts(&s->head, str_take(*in, s->limits.head_bytes_max - n_before));
	if (refuse_overflow(c, &s->head))
		return;
	e = http_head_parse(buf_str(&s->head), &s->limits, &scanned, &r, &status);
	if (e == OK) {
		s->head.len = r.head_bytes;
		*in = str_skip(*in, r.head_bytes - n_before);
		take_request(c, &r, buf_str(&s->head), in);
	} else if (e == ERR_AGAIN) {
		s->scanned = scanned;
		*in = str_skip(*in, in->n);
	} else {
		http_refuse(c, status);
	}
}

static err feed_counted(struct http_state *s, str *in)
{
	str piece = str_take(*in, s->body_left < in->n ? (size_t)s->body_left : in->n);

	if (s->is_wanted)
		buf_puts(&s->body, piece);
	*in = str_skip(*in, piece.n);
	s->body_left -= piece.n;
	s->body_bytes += piece.n;
	return s->body_left ? ERR_AGAIN : OK;
}

static err feed_chunked(struct http_state *s, str *in)
{
	size_t used, n_before = s->body.len;
	err e = http_chunked_feed(&s->chunked, *in, &used, &s->body);

	*in = str_skip(*in, used);
	s->body_bytes += s->body.len - n_before;
	if (!s->is_wanted && buf_ok(&s->body)) {
		s->body.max -= s->body.len;
		buf_fini(&s->body);
	}
	return e;
}

static void feed_body(struct conn *c, str *in)
{
	struct http_state *s = c->http;
	err e = s->is_chunked ? feed_chunked(s, in) : feed_counted(s, in);

	if (refuse_overflow(c, &s->body))
		return;
	if (e == OK)
		take_kept_request(c, in->n > 0);
	else if (e == ERR_LIMIT)
		refuse_large_body(c);
	else if (e != ERR_AGAIN)
		http_refuse(c, 400);
}

void http_feed(struct conn *c, str *in)
{
	while (in->n > 0 && c->phase == CONN_HTTP && !c->awaits_hub && !conn_is_laden(c)) {
		if (!c->http)
			feed_fresh(c, in);
		else if (!c->http->has_head)
			feed_head(c, in);
		else
			feed_body(c, in);
	}
}
