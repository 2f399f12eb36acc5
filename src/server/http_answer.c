/* http_answer.c: answers, from a handler or from the hub, to bytes.
 *
 * An answer is one message, head and body together. The commonest one, to a plain publish, is
 * the same for everybody during a second (its date): it is built once and shared. How an answer
 * has to look (kept alive, HEAD, HTTP/1.0) is noted in the connection when its request begins,
 * so that an answer which comes later needs no memory to wait in. */
#include "base/json.h"
#include "base/mem.h"
#include "io/unlucky.h"
#include "server/http_priv.h"
#include "server/worker.h"

#define HEAD_BYTES_MAX (16 * 1024)
/* No page has a longer one. */
#define ORIGIN_BYTES_MAX 1024
#define JSON "application/json"

/* Kept only where the answer has to name it. Without memory the answer does not: the page cannot
 * read it. */
static void note_origin(struct conn *c, const struct http_request *r)
{
	const struct cors *cors = &c->worker->options->cors;
	const struct http_header *h = cors->n_origins ? http_header_find(r, S("origin")) : NULL;

	http_forget_manner(c);
	if (!h || h->value.n > ORIGIN_BYTES_MAX || !cors_names(cors, h->value))
		return;
	c->origin = try_alloc(sizeof(*c->origin) + h->value.n);
	if (!c->origin)
		return;
	c->origin->n = (uint32_t)h->value.n;
	memcpy(c->origin->text, h->value.p, h->value.n);
}

void http_note_manner(struct conn *c, const struct http_request *r)
{
	c->counted_as = NULL;
	c->answer_keeps_alive = r->keep_alive && !c->worker->is_draining && !c->worker->is_crowded;
	c->answer_is_1_0 = r->minor == 0;
	c->answer_is_head = r->method == HTTP_HEAD;
	c->answer_is_batch = false;
	c->answer_rate = CLIENT_RATE_NONE;
	note_origin(c, r);
}

void http_forget_manner(struct conn *c)
{
	xfree(c->origin);
	c->origin = NULL;
}

void http_put_cors(const struct conn *c, enum http_cors cors, struct buf *b)
{
	const struct cors *lines = &c->worker->options->cors;

	if (cors == HTTP_CORS_NONE || c->role != LISTENER_CLIENTS)
		return;
	buf_puts(b, cors == HTTP_CORS_PREFLIGHT ? lines->preflight : lines->answer);
	if (c->origin)
		http_header_put(b, S("access-control-allow-origin"),
				(str){ c->origin->text, c->origin->n });
}

struct msg *http_message(struct buf *head, str body)
{
	struct msg *m = buf_ok(head) ? msg_new(head->len + body.n) : NULL;

	if (m) {
		memcpy(m->bytes, head->p, head->len);
		if (body.n)
			memcpy(m->bytes + head->len, body.p, body.n);
	}
	buf_fini(head);
	return m;
}

static struct msg *reply_message(struct conn *c, const struct http_reply *reply)
{
	struct buf b;

	buf_init(&b, HEAD_BYTES_MAX);
	http_head_begin(&b, reply->status);
	if (reply->content_type)
		http_header_put(&b, S("content-type"), str_from_cstr(reply->content_type));
	client_rate_put(c, &b);
	buf_puts(&b, reply->lines);
	http_put_cors(c, reply->cors, &b);
	if (reply->allow.n)
		http_header_put(&b, S("allow"), reply->allow);
	if (c->answer_is_1_0 && c->answer_keeps_alive)
		http_header_put(&b, S("connection"), S("keep-alive"));
	http_head_end(&b, worker_date(c->worker), reply->body.n, c->answer_keeps_alive);
	return http_message(&b, c->answer_is_head ? (str){ 0 } : reply->body);
}

static void go_on(struct conn *c)
{
	struct worker *w = c->worker;

	http_forget_manner(c);
	if (c->answer_keeps_alive)
		timer_arm(w->loop, &c->timer, w->options->idle_timeout_ms);
	else
		conn_finish(c);
}

/* What was refused does not count. */
static void count_call(struct conn *c, const struct http_reply *reply)
{
	struct activity *a = c->counted_as;

	if (!a || reply->status >= 400)
		return;
	counter_add(&a->http_calls, 1);
	counter_add(&a->http_received_bytes, c->request_bytes);
	counter_add(&a->http_sent_bytes, c->answer_is_head ? 0 : reply->body.n);
}

void http_reply(struct conn *c, const struct http_reply *reply)
{
	count_call(c, reply);
	conn_send(c, reply_message(c, reply));
	go_on(c);
}

void http_refuse(struct conn *c, unsigned status)
{
	struct buf b;

	http_discard(c);
	buf_init(&b, HEAD_BYTES_MAX);
	http_head_begin(&b, status);
	http_header_put(&b, S("connection"), S("close"));
	http_head_end(&b, worker_date(c->worker), 0, true);
	conn_send(c, http_message(&b, (str){ 0 }));
	conn_finish(c);
}

static void reply_json(struct conn *c, unsigned status, str lines, str body)
{
	http_reply(c, &(struct http_reply){ .status = status,
					    .content_type = JSON,
					    .lines = lines,
					    .cors = HTTP_CORS_ANSWER,
					    .body = body });
}

static void reply_error(struct conn *c, unsigned status, str lines, const char *code, str text)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("{\"error\":"));
	jw_string(&b, text);
	buf_puts(&b, S(",\"code\":"));
	jw_string(&b, str_from_cstr(code));
	buf_puts(&b, S(",\"status\":"));
	buf_putu(&b, status);
	buf_putc(&b, '}');
	reply_json(c, status, lines, buf_ok(&b) ? buf_str(&b) : S("{}"));
	buf_fini(&b);
}

void http_reply_busy(struct conn *c)
{
	reply_error(c, 503, S("retry-after: 1\r\n"), "backpressure", S("Too much is waiting"));
}

void http_answer_over_rate(struct conn *c)
{
	struct buf line;

	buf_init(&line, 64);
	buf_printf(&line, "retry-after: %u\r\n", c->rate_reset_s);
	reply_json(c, 429, buf_str(&line),
		   S("{\"error\":\"Too Many Requests\",\"message\":\"Rate limit exceeded. Please "
		     "try again later.\"}"));
	buf_fini(&line);
}

/* To handlers */

void http_answer(const struct http_call *call, unsigned status, const char *content_type, str extra,
		 str body)
{
	http_reply(call->conn, &(struct http_reply){ .status = status,
						     .content_type = content_type,
						     .lines = extra,
						     .cors = HTTP_CORS_ANSWER,
						     .body = body });
}

void http_answer_json(const struct http_call *call, unsigned status, str body)
{
	reply_json(call->conn, status, (str){ 0 }, body);
}

void http_answer_error(const struct http_call *call, unsigned status, const char *code, str text)
{
	reply_error(call->conn, status, (str){ 0 }, code, text);
}

void http_answer_busy(const struct http_call *call)
{
	http_reply_busy(call->conn);
}

/* From the hub */

/* The shared answer, with a reference of its own. */
static struct msg *published_message(struct conn *c, const struct http_reply *plain)
{
	struct worker *w = c->worker;

	worker_date(w);
	if (!w->published || w->published_s != w->date_s ||
	    loop_is_unlucky(w->loop, UNLUCKY_ANSWER_OLD)) {
		msg_unref(w->published);
		w->published = reply_message(c, plain);
		w->published_s = w->date_s;
	}
	return w->published ? msg_ref(w->published) : NULL;
}

static void reply_published(struct conn *c)
{
	struct http_reply plain = { .status = 200,
				    .content_type = JSON,
				    .cors = HTTP_CORS_ANSWER,
				    .body = S("{\"ok\":true}") };
	bool is_common = c->answer_keeps_alive && !c->answer_is_1_0 && !c->answer_is_batch &&
			 !c->origin && !c->answer_rate;

	if (c->answer_is_batch)
		plain.body = S("{}");
	count_call(c, &plain);
	conn_send(c, is_common ? published_message(c, &plain) : reply_message(c, &plain));
	go_on(c);
}

void http_on_hub_answer(struct conn *c, const struct to_worker_answer *a)
{
	if (c->phase != CONN_HTTP)
		; /* it ended while it waited */
	else if (a->result == ANSWER_NO_MEMORY)
		http_reply_busy(c);
	else if (a->result == ANSWER_TOO_MANY)
		reply_error(c, 429, S("retry-after: 1\r\n"), "rate_limited",
			    a->body ? msg_str(a->body) : S("Too many requests"));
	else if (a->result == ANSWER_NOT_PRESENCE)
		reply_error(c, 400, (str){ 0 }, "invalid_input",
			    S("user_count is only available for presence channels. "
			      "Use filter_by_prefix=presence-"));
	else if (a->body)
		reply_json(c, 200, (str){ 0 }, msg_str(a->body));
	else
		reply_published(c);
	msg_unref(a->body);
}
