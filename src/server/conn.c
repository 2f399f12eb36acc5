#include "server/conn.h"

#include "base/check.h"
#include "base/mem.h"
#include "codec/proxy_header.h"
#include "codec/pusher.h"
#include "io/tls.h"
#include "server/client_address.h"
#include "server/http.h"
#include "server/drain.h"
#include "server/leaving.h"
#include "server/server.h"
#include "server/session.h"
#include "server/worker.h"

/* Reads of one connection per turn: a fast sender must not starve the others. */
#define READS_PER_TURN 4
/* Bytes that may become a thousand times as many when they are inflated. */
#define COMPRESSED_RECV_BYTES 2048
/* What is for one alone is compressed from this size on: below it costs more than it saves. */
#define COMPRESSED_ANSWER_BYTES_MIN 1024

struct conn_kept {
	size_t at, len;
	char bytes[];
};

uint64_t conn_now_ms(const struct conn *c)
{
	return clock_ms(loop_clock(c->worker->loop));
}

uint32_t conn_now_s(const struct conn *c)
{
	return (uint32_t)(conn_now_ms(c) / 1000);
}

/* Input */

static bool may_handle(const struct conn *c)
{
	switch ((enum conn_phase)c->phase) {
	case CONN_OPENING:
		return false;
	case CONN_HTTP:
	case CONN_OPEN:
		return !c->awaits_hub && !c->blocked;
	case CONN_CLOSING:
		return true;
	case CONN_ENDED:
		return false;
	}
	NEVER("unknown phase");
}

/* A laden connection is written in this turn, or has a queue then: either goes on with the rest. */
static bool may_go_on(const struct conn *c)
{
	return may_handle(c) && (c->phase == CONN_CLOSING || !conn_is_laden(c));
}

/* Hands *in to the protocol of the phase until it is taken or has to wait. */
static void feed(struct conn *c, str *in)
{
	while (in->n > 0 && may_go_on(c)) {
		if (c->is_websocket)
			session_feed(c, in);
		else if (c->phase == CONN_HTTP)
			http_feed(c, in);
		else
			in->n = 0;
	}
	arena_reset(&c->worker->arena);
}

static void keep(struct conn *c, str in)
{
	struct conn_kept *k = try_alloc(sizeof *k + in.n);

	ASSERT(!c->kept);
	if (!k) {
		conn_end(c);
		return;
	}
	k->at = 0;
	k->len = in.n;
	memcpy(k->bytes, in.p, in.n);
	c->kept = k;
}

static void take_input(struct conn *c, str in)
{
	feed(c, &in);
	if (in.n > 0 && c->phase != CONN_ENDED)
		keep(c, in);
}

/* Goes on with what was kept. */
static void resume(struct conn *c)
{
	struct conn_kept *k = c->kept;

	if (k && may_go_on(c)) {
		str in = { k->bytes + k->at, k->len - k->at };

		c->kept = NULL;
		feed(c, &in);
		k->at = k->len - in.n;
		if (in.n > 0 && c->phase != CONN_ENDED)
			c->kept = k;
		else
			xfree(k);
	}
	if (c->phase != CONN_ENDED)
		conn_update_watch(c);
}

/* The peer ended its stream, and may still wait: for answers, or for our last words. */
static void on_end_of_stream(struct conn *c)
{
	bool is_owed = c->phase == CONN_HTTP || c->phase == CONN_CLOSING;

	if (!is_owed || !out_has_pending(c)) {
		conn_end(c);
		return;
	}
	c->peer_ended = true;
	if (c->phase == CONN_HTTP)
		conn_finish(c);
	else
		conn_update_watch(c);
}

/* A scanner's noise, or the reason why somebody cannot connect. */
static void log_tls_failure(const struct conn *c)
{
	const char *reason = tls_failure(&c->file);

	if (reason)
		log_limited(c->worker->log, LOG_INFO, "tls failed", LF_CSTR("reason", reason));
}

static void receive_bytes(struct conn *c)
{
	struct worker *w = c->worker;

	for (int i = 0; i < READS_PER_TURN; i++) {
		size_t max = c->compression ? COMPRESSED_RECV_BYTES : WORKER_RECV_BYTES, n;
		err e = net_recv(w->loop, &c->file, w->recv, max, &n);
		str in = { w->recv, n };

		if (e == ERR_AGAIN)
			return;
		if (e != OK) {
			log_tls_failure(c);
			conn_end(c);
			return;
		}
		if (n == 0) {
			on_end_of_stream(c);
			return;
		}
		take_input(c, in);
		if (n < WORKER_RECV_BYTES || c->kept || !may_go_on(c))
			return;
	}
}

/* The deadline of the first request is the handshake's as well. received: of it, already. */
static err start_tls(struct conn *c, str received)
{
	struct tls_context *tls =
		c->role == LISTENER_CLIENTS ? server_tls(c->worker->server) : NULL;
	err e = tls ? tls_accept(c->worker->loop, &c->file, tls, received) : OK;

	tls_context_unref(tls);
	return e;
}

/* The PROXY header, in front of everything else */

static void refuse_proxy_header(struct conn *c, err why)
{
	char peer[NET_ADDRESS_TEXT_MAX];

	log_limited(c->worker->log, LOG_WARN, "PROXY header refused",
		    LF_STR("peer", net_address_format(&c->peer, peer)),
		    LF_CSTR("reason", why == ERR_NOT_FOUND ? "there is none" :
				      why == ERR_LIMIT	   ? "it is too long" :
							     "it makes no sense"),
		    LF_CSTR("settings", "proxy_protocol, trusted_proxies"));
	conn_end(c);
}

/* rest: what came behind it. */
static void begin_proxied(struct conn *c, const struct proxy_header *h, str rest)
{
	c->awaits_proxy_header = false;
	c->is_proxied = true;
	if (h->has_source) {
		c->peer = client_peer_of(&h->source, h->source_port);
		c->peer_is_trusted =
			client_peer_is_trusted(&c->worker->options->trusted_proxies, &c->peer);
	}
	if (start_tls(c, rest) != OK)
		conn_end(c);
	else if (!c->file.tls)
		take_input(c, rest);
}

/* An incomplete one is kept, and put in front of what comes next. */
static void receive_proxy_header(struct conn *c)
{
	struct worker *w = c->worker;
	struct conn_kept *k = c->kept;
	size_t n_kept = k ? k->len : 0, n;
	struct proxy_header h;
	err e = net_recv(w->loop, &c->file, w->recv + n_kept, WORKER_RECV_BYTES - n_kept, &n);
	str in;

	if (e == ERR_AGAIN)
		return;
	if (e != OK || n == 0) {
		conn_end(c);
		return;
	}
	if (k)
		memcpy(w->recv, k->bytes, n_kept);
	xfree(k);
	c->kept = NULL;
	in = (str){ w->recv, n_kept + n };
	e = proxy_header_parse(in, &h);
	if (e == ERR_AGAIN)
		keep(c, in);
	else if (e != OK)
		refuse_proxy_header(c, e);
	else
		begin_proxied(c, &h, str_skip(in, h.bytes));
}

static void receive(struct conn *c)
{
	if (c->awaits_proxy_header)
		receive_proxy_header(c);
	else
		receive_bytes(c);
}

static bool wants_input(const struct conn *c)
{
	return c->awaits_proxy_header || (!c->kept && !c->peer_ended && may_handle(c));
}

/* Reading is given up only when input really comes while it cannot be handled: most waits are
 * over before that. */
static void on_ready(struct io_file *f, unsigned ready)
{
	struct conn *c = container_of(f, struct conn, file);

	if (ready & LOOP_WRITE)
		out_resume(c);
	if (c->phase == CONN_ENDED || !(ready & (LOOP_READ | LOOP_HANGUP)))
		return;
	if (wants_input(c))
		receive(c);
	else if (ready & LOOP_HANGUP)
		conn_end(c);
	else
		conn_update_watch(c);
}

void conn_update_watch(struct conn *c)
{
	unsigned events = (wants_input(c) ? LOOP_READ : 0) | (c->blocked ? LOOP_WRITE : 0);

	loop_watch(c->worker->loop, &c->file, events);
}

/* Beginning */

static void on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	if (c->phase == CONN_CLOSING)
		conn_end(c);
	else if (c->phase == CONN_HTTP)
		http_on_timer(c);
	else
		session_on_timer(c);
}

static bool expects_proxy_header(const struct conn *c)
{
	bool is_for_clients = c->role == LISTENER_CLIENTS || c->role == LISTENER_REDIRECT;

	return is_for_clients && c->worker->options->proxy_protocol && c->peer_is_trusted;
}

void conn_open(struct worker *w, int fd, enum listener_role role, const struct net_address *peer)
{
	struct conn *c = slab_get(&w->conns);

	memset(c, 0, sizeof *c);
	c->file = (struct io_file){ .fd = fd, .on_ready = on_ready };
	c->worker = w;
	c->phase = CONN_HTTP;
	c->role = (uint8_t)role;
	c->peer = *peer;
	c->peer_is_trusted = client_peer_is_trusted(&w->options->trusted_proxies, peer);
	c->opened_s = conn_now_s(c);
	list_init(&c->dirty);
	list_push_back(&w->all, &c->link);
	atomic_fetch_add_explicit(&w->n_conns, 1, memory_order_relaxed);
	timer_init(&c->timer, on_timer);
	subs_init(&c->subs);
	w->is_crowded = server_is_crowded(w->server);
	c->awaits_proxy_header = expects_proxy_header(c);
	if (loop_watch(w->loop, &c->file, LOOP_READ) &&
	    (c->awaits_proxy_header || start_tls(c, S("")) == OK))
		http_begin(c);
	else
		conn_end(c);
	if (w->is_draining)
		drain_opened(w);
}

/* A request that came in this very moment is still taken. */
void conn_end_unasked(struct conn *c)
{
	if (wants_input(c))
		receive(c);
	if (c->phase == CONN_HTTP && !c->http && !c->awaits_hub && !c->kept && !out_has_pending(c))
		conn_end(c);
}

/* Asking the hub */

static void release(struct loop_deferred *d)
{
	struct conn *c = container_of(d, struct conn, deferred);

	slab_put(&c->worker->conns, c);
}

static void let_go(struct conn *c)
{
	c->deferred.run = release;
	loop_defer(c->worker->loop, &c->deferred);
}

void conn_await_hub(struct conn *c)
{
	ASSERT(!c->awaits_hub);
	c->awaits_hub = true;
}

void conn_answered(struct conn *c)
{
	ASSERT(c->awaits_hub);
	c->awaits_hub = false;
	if (c->phase == CONN_ENDED)
		let_go(c);
	else
		resume(c);
}

/* Output */

static struct msg *answer_form(struct conn *c, struct msg *m)
{
	if (c->compression && m->len >= COMPRESSED_ANSWER_BYTES_MIN)
		return ws_frame_compressed(m, c->worker->deflate, c->compression);
	return m;
}

static void count_sent(const struct conn *c, const struct msg *m)
{
	if (c->is_websocket)
		activity_count_sent(conn_activity(c), 1, msg_payload(m).n);
}

void conn_send(struct conn *c, struct msg *m)
{
	struct outgoing *o = &c->worker->out;

	if (c->phase == CONN_CLOSING || c->phase == CONN_ENDED) {
		msg_unref(m);
	} else if (!m) {
		c->is_overflowed = true;
		out_touch(o, c);
	} else {
		count_sent(c, m);
		out_hold(o, m);
		out_mark(o, c, answer_form(c, m), true);
	}
}

void conn_written(struct conn *c)
{
	if (c->peer_ended) {
		conn_end(c);
		return;
	}
	if (c->finishes) {
		c->finishes = false;
		net_shutdown(c->worker->loop, &c->file);
	}
	if ((c->file.watched & LOOP_WRITE) || c->kept)
		resume(c);
}

/* Ending */

void conn_uncount(struct conn *c)
{
	if (c->is_counted) {
		struct to_hub_leave *r = worker_mail(c->worker, TO_HUB_LEAVE, sizeof *r);

		*r = (struct to_hub_leave){ .app = conn_app(c), .is_disconnect = true };
		counter_add(&conn_activity(c)->disconnections, 1);
	}
	c->is_counted = false;
}

/* The session is over, however long the connection lingers: its place is free. */
static void give_place(struct conn *c)
{
	conn_uncount(c);
	if (c->is_admitted)
		admission_give_back(c->worker->admission);
	c->is_admitted = false;
}

/* No more words of ours, and a bounded time for the peer's. */
static void begin_closing(struct conn *c)
{
	leaving_take(c);
	give_place(c);
	c->phase = CONN_CLOSING;
	xfree(c->kept);
	c->kept = NULL;
	timer_arm(c->worker->loop, &c->timer, c->worker->options->close_grace_ms);
	conn_update_watch(c);
}

void conn_close(struct conn *c, uint16_t code, str reason)
{
	if (c->phase == CONN_CLOSING || c->phase == CONN_ENDED)
		return;
	conn_send(c, ws_close_new(code, reason));
	begin_closing(c);
}

void conn_refuse(struct conn *c, uint16_t code, str message)
{
	conn_send(c, pusher_error_new(code, message));
	conn_close(c, code, message);
}

void conn_finish(struct conn *c)
{
	if (c->phase == CONN_CLOSING || c->phase == CONN_ENDED)
		return;
	if (!c->is_websocket)
		http_discard(c);
	c->finishes = true;
	out_touch(&c->worker->out, c);
	begin_closing(c);
}

/* A reader that wakes up within the grace hears why it was closed. */
void conn_overflow(struct conn *c)
{
	struct msg *last = NULL;

	log_limited(c->worker->log, LOG_WARN, "slow reader closed",
		    LF_CSTR("setting", "websocket.max_messages, websocket.max_bytes"));
	if (c->is_websocket)
		counter_add(&conn_activity(c)->errors[ERROR_slow_reader], 1);
	if (c->is_websocket && c->phase != CONN_CLOSING)
		last = ws_close_new(PUSHER_OVER_CAPACITY, S("Buffer full"));
	if (!last) {
		conn_end(c);
		return;
	}
	count_sent(c, last);
	out_replace(c, last);
	begin_closing(c);
}

void conn_end(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->phase == CONN_ENDED)
		return;
	leaving_take(c);
	give_place(c);
	out_discard(c);
	if (c->is_websocket) {
		ws_reader_fini(&c->reader);
		xfree(c->user);
		c->user = NULL;
		if (c->local_app)
			local_app_left(c->local_app);
	} else {
		http_discard(c);
		http_forget_manner(c);
	}
	xfree(c->kept);
	c->kept = NULL;
	timer_disarm(&c->timer);
	net_close(w->loop, &c->file);
	worker_pass_over(w, c);
	list_remove(&c->link);
	atomic_fetch_sub_explicit(&w->n_conns, 1, memory_order_relaxed);
	c->phase = CONN_ENDED;
	if (!c->awaits_hub)
		let_go(c);
}
