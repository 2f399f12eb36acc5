/* upgrade.c: the opening handshake of RFC 6455, and nothing of what comes after it.
 *
 * What a browser's page could not read is not answered here: whether the key, the origin and the
 * quotas are right is told by frames after the 101, by the session. HTTP answers are for
 * requests that are no handshake, for queries that cannot be understood (the typed parameters of
 * the original).
 *
 * protocol=2 asks for the native protocol, which we do not speak yet. The original always does,
 * so nothing is documented for that case; Pusher's code for it is 4007, which tells its clients
 * to give up. */
#include "server/upgrade.h"

#include "base/check.h"
#include "codec/deflate.h"
#include "codec/pusher.h"
#include "codec/urlencode.h"
#include "server/http_priv.h"
#include "server/session.h"
#include "server/drain.h"
#include "server/worker.h"

/* The request */

/* Does any header of that name contain the word, any case, as part of anything? */
static bool header_mentions(const struct http_request *r, str name, str word)
{
	for (uint32_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if (str_eq_nocase(h->name, name) && str_contains_nocase(h->value, word))
			return true;
	}
	return false;
}

static bool is_other_version(const struct http_request *r)
{
	const struct http_header *version = http_header_find(r, S("sec-websocket-version"));

	return version && !str_eq(version->value, S("13"));
}

/* Text of the 400, or empty. */
static str handshake_problem(const struct http_request *r)
{
	if (!http_header_find(r, S("upgrade")))
		return S("Missing Upgrade header");
	if (!header_mentions(r, S("upgrade"), S("websocket")))
		return S("Invalid Upgrade header");
	if (!http_header_find(r, S("connection")))
		return S("Missing Connection header");
	if (!header_mentions(r, S("connection"), S("upgrade")))
		return S("Invalid Connection header");
	if (!http_header_find(r, S("sec-websocket-key")))
		return S("Missing Sec-WebSocket-Key");
	if (!http_header_find(r, S("sec-websocket-version")))
		return S("Missing Sec-WebSocket-Version");
	if (is_other_version(r))
		return S("Unsupported WebSocket version");
	return (str){ 0 };
}

/* The query */

enum parameter {
	PROTOCOL,
	CLIENT,
	VERSION,
	FORMAT,
	ECHO_MESSAGES,
	APPEND_ROLLUP_WINDOW,
	APPEND_MODE,
	TOKEN,
	N_PARAMETERS
};

static const str PARAMETER_NAMES[] = {
	[PROTOCOL] = { "protocol", 8 },
	[CLIENT] = { "client", 6 },
	[VERSION] = { "version", 7 },
	[FORMAT] = { "format", 6 },
	[ECHO_MESSAGES] = { "echo_messages", 13 },
	[APPEND_ROLLUP_WINDOW] = { "append_rollup_window", 20 },
	[APPEND_MODE] = { "append_mode", 11 },
	[TOKEN] = { "token", 5 },
};
_Static_assert(ARRAY_LEN(PARAMETER_NAMES) == N_PARAMETERS, "each has a name");

static enum parameter parameter_find(str name)
{
	enum parameter p = 0;

	while (p < N_PARAMETERS && !str_eq(PARAMETER_NAMES[p], name))
		p++;
	return p;
}

struct upgrade_query {
	unsigned given; /* 1 << enum parameter */
	uint64_t protocol;
	const char *problem; /* NULL, or what to say after the parameter's name */
	enum parameter culprit;
};

static const char *read_protocol(str text, uint64_t *protocol)
{
	if (text.n == 0)
		return "cannot parse integer from empty string";
	if (text.n > 1 && text.p[0] == '+')
		text = str_skip(text, 1);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return "invalid digit found in string";
	}
	return str_to_u64(text, UINT8_MAX, protocol) ? NULL :
						       "number too large to fit in target type";
}

static const char *read_parameter(struct upgrade_query *q, enum parameter p, str value)
{
	if (p == PROTOCOL)
		return read_protocol(value, &q->protocol);
	if (p == ECHO_MESSAGES && !str_eq(value, S("true")) && !str_eq(value, S("false")))
		return "provided string was not `true` or `false`";
	return NULL;
}

/* Stops at the first problem. */
static struct upgrade_query read_query(str text, struct arena *a)
{
	struct upgrade_query q = { 0 };
	struct query_pair pair;

	while (!q.problem && query_next(&text, a, &pair)) {
		enum parameter p = parameter_find(pair.name);

		if (p == N_PARAMETERS)
			continue;
		q.culprit = p;
		q.problem = q.given & 1u << p ? "" : read_parameter(&q, p, pair.value);
		q.given |= 1u << p;
	}
	return q;
}

static void answer_query_problem(const struct http_call *call, const struct upgrade_query *q)
{
	str name = PARAMETER_NAMES[q->culprit];
	struct buf b;

	buf_init(&b, 256);
	buf_puts(&b, S("Failed to deserialize query string: "));
	if (q->problem[0])
		buf_printf(&b, "%.*s: %s", STR_ARG(name), q->problem);
	else
		buf_printf(&b, "duplicate field `%.*s`", STR_ARG(name));
	http_answer(call, 400, HTTP_PLAIN_TEXT, (str){ 0 }, buf_str(&b));
	buf_fini(&b);
}

/* The answer */

static void put_accept(struct buf *b, str key)
{
	char accept[WS_ACCEPT_LEN];

	ws_accept(key, accept);
	http_header_put(b, S("sec-websocket-accept"), (str){ accept, sizeof accept });
}

/* The first that is offered: browsers end a connection whose offer is not taken up. */
static void put_subprotocol(struct buf *b, const struct http_request *r)
{
	const struct http_header *offer = http_header_find(r, S("sec-websocket-protocol"));
	str first;

	if (!offer)
		return;
	first = str_trim(str_take(offer->value, str_find_char(offer->value, ',')));
	if (first.n > 0)
		http_header_put(b, S("sec-websocket-protocol"), first);
}

/* Who sends frames before it has our answer cannot know what is agreed on; it gets no compression,
 * so that conn.c decides how much is inflated at once. */
static bool agree_on_compression(const struct http_call *call, struct deflate_terms *out)
{
	const struct http_request *r = call->request;
	unsigned max = call->worker->options->compression_window_bits;

	if (max == 0 || call->is_followed)
		return false;
	for (uint32_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if (str_eq_nocase(h->name, S("sec-websocket-extensions")) &&
		    deflate_accept(h->value, max, out))
			return true;
	}
	return false;
}

static void put_extensions(struct buf *b, const struct deflate_terms *t)
{
	buf_puts(b, S("sec-websocket-extensions: "));
	deflate_put_answer(b, t);
	buf_puts(b, S("\r\n"));
}

static void send_switching(const struct http_call *call)
{
	const struct http_request *r = call->request;
	struct deflate_terms terms;
	bool is_compressed = agree_on_compression(call, &terms);
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	http_head_begin(&b, 101);
	http_header_put(&b, S("upgrade"), S("websocket"));
	http_header_put(&b, S("connection"), S("Upgrade"));
	put_accept(&b, http_header_find(r, S("sec-websocket-key"))->value);
	put_subprotocol(&b, r);
	if (is_compressed)
		put_extensions(&b, &terms);
	client_rate_put(call->conn, &b);
	http_put_cors(call->conn, HTTP_CORS_ANSWER, &b);
	http_forget_manner(call->conn);
	http_head_end(&b, worker_date(call->worker), HTTP_NO_LENGTH, true);
	conn_send(call->conn, http_message(&b, (str){ 0 }));
	if (is_compressed)
		call->conn->compression = terms.server_window_bits;
}

static void refuse(struct conn *c, uint16_t code, str message)
{
	conn_begin_frames(c);
	conn_refuse(c, code, message);
}

static void begin(const struct http_call *call, const struct upgrade_query *q)
{
	const struct app *app = app_by_key(call->worker->apps, call->segments[0]);
	const struct http_header *origin = http_header_find(call->request, S("origin"));
	bool has_token = q->given & 1u << TOKEN;

	if (q->protocol == 2)
		refuse(call->conn, PUSHER_UNSUPPORTED_PROTOCOL, S("Unsupported protocol version"));
	else if (has_token && app && app->enabled)
		refuse(call->conn, PUSHER_UNAUTHORIZED,
		       S("Authentication error: capability tokens require protocol V2"));
	else
		session_begin(call->conn, app, origin ? origin->value : (str){ 0 });
}

static void refuse_for_memory(const struct http_call *call)
{
	counter_add(&call->worker->system->memory_refusals, 1);
	http_answer(call, 503, HTTP_PLAIN_TEXT, S("retry-after: 1\r\n"), S("MEMORY_PRESSURE"));
}

void upgrade_handle(const struct http_call *call)
{
	const struct http_request *r = call->request;
	str problem = handshake_problem(r);
	struct upgrade_query q;

	if (r->method == HTTP_HEAD) { /* there is nothing to look at but the handshake itself */
		http_answer(call, 405, NULL, (str){ 0 }, S("Method Not Allowed"));
	} else if (admission_pressure(call->worker->admission) == PRESSURE_SHEDDING) {
		refuse_for_memory(call);
	} else if (problem.n > 0) {
		http_answer(call, 400, NULL,
			    is_other_version(r) ? S("sec-websocket-version: 13\r\n") : (str){ 0 },
			    problem);
	} else {
		q = read_query(r->query, &call->worker->arena);
		if (q.problem) {
			answer_query_problem(call, &q);
			return;
		}
		send_switching(call);
		if (call->worker->is_draining)
			drain_newcomer(call->conn);
		else
			begin(call, &q);
	}
}
