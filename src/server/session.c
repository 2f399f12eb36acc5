/* session.c: the life of a Pusher session: admission, input, silence, the end.
 *
 * A session has one timer, armed for the next moment at which something could be due. Input does
 * not touch it, it only notes the time; when the timer runs out it looks at that and moves on. So
 * a busy connection costs no timer work, and an idle one a few turns an hour. Stamps are whole
 * seconds: a ping may come up to a second early.
 *
 * Nothing that a client sends closes with 4000 (pusher-js would switch to TLS for good), and the
 * original's silent drops are proper refusals here. */
#include "server/session.h"

#include "core/origin.h"
#include "server/session_priv.h"

/* Fixed by the protocol: from pusher:ping to the end. */
#define PONG_TIMEOUT_S 30

/* The timer */

static uint64_t silence_ends_s(const struct conn *c)
{
	uint32_t patience_s =
		c->awaits_pong ? PONG_TIMEOUT_S : c->worker->options->activity_timeout_s;

	return (uint64_t)c->last_active_s + patience_s;
}

static bool must_authorize(const struct conn *c)
{
	return conn_app(c)->enable_user_authentication && !c->is_authorized &&
	       c->worker->options->user_authentication_timeout_s > 0;
}

static uint64_t authorization_ends_s(const struct conn *c)
{
	return (uint64_t)c->opened_s + c->worker->options->user_authentication_timeout_s;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* While a pong is awaited the next ping may be due earlier than the end of the patience. */
static void arm_timer(struct conn *c)
{
	uint64_t now_s = conn_now_s(c);
	uint64_t due_s = min(silence_ends_s(c), now_s + c->worker->options->activity_timeout_s);

	if (must_authorize(c))
		due_s = min(due_s, authorization_ends_s(c));
	timer_arm(c->worker->loop, &c->timer,
		  due_s > now_s ? min((due_s - now_s) * 1000, TIMER_DELAY_MAX_MS) : 0);
}

static void send_ping(struct conn *c)
{
	conn_send(c, msg_ref(c->worker->ping));
	c->awaits_pong = true;
	c->last_active_s = conn_now_s(c);
}

void session_on_timer(struct conn *c)
{
	uint32_t now_s = conn_now_s(c);

	if (c->phase != CONN_OPEN)
		return;
	if (must_authorize(c) && now_s >= authorization_ends_s(c)) {
		conn_refuse(c, PUSHER_UNAUTHORIZED, S("Connection not authorized within timeout."));
		return;
	}
	if (now_s >= silence_ends_s(c)) {
		if (c->awaits_pong) {
			session_count_error(c, ERROR_pong_timeout);
			conn_refuse(c, PUSHER_NO_PONG, S("Pong reply not received in time"));
			return;
		}
		send_ping(c);
	}
	arm_timer(c);
}

/* Admission */

/* It ends before it has begun. */
static void turn_away(struct conn *c, enum connection_error e, uint16_t code, str message)
{
	session_count_error(c, e);
	conn_refuse(c, code, message);
}

static void establish(struct conn *c)
{
	char id[SOCKET_ID_TEXT_MAX];

	c->phase = CONN_OPEN;
	c->opened_s = c->last_active_s = conn_now_s(c);
	conn_send(c, pusher_established_new(socket_id_format(c->id, id),
					    c->worker->options->activity_timeout_s));
	arm_timer(c);
}

/* The hub counts it from now on. */
static void count(struct conn *c)
{
	c->is_counted = true;
	counter_add(&conn_activity(c)->connections, 1);
}

static void connect_to_hub(struct conn *c)
{
	uint32_t max = conn_app(c)->limits.max_connections;
	bool has_quota = max > 0 && max != NO_LIMIT;
	struct to_hub_connect *r = worker_mail(c->worker, TO_HUB_CONNECT, sizeof(*r));

	*r = (struct to_hub_connect){ .conn = c, .app = conn_app(c), .wants_answer = has_quota };
	if (has_quota) {
		timer_disarm(&c->timer);
		conn_await_hub(c);
	} else {
		count(c);
		establish(c);
	}
}

static bool admit(struct conn *c)
{
	struct worker *w = c->worker;

	if (w->is_crowded)
		log_limited(w->log, LOG_WARN, "over capacity", LF_CSTR("hint", DESCRIPTORS_HINT));
	else if (admission_take(w->admission, w->options->max_connections))
		return true;
	else
		log_limited(w->log, LOG_WARN, "over capacity",
			    LF_CSTR("setting", "max_connections"));
	return false;
}

void session_begin(struct conn *c, const struct app *app, str origin)
{
	conn_begin_frames(c);
	c->phase = CONN_OPENING;
	c->local_app = app ? worker_local_app(c->worker, app) : NULL;
	if (c->local_app)
		c->local_app->n_conns++;
	c->id = socket_id_random(loop_rng(c->worker->loop));
	if (!app) {
		turn_away(c, ERROR_app_not_found, PUSHER_NO_APP, S("Application does not exist"));
	} else if (!app->enabled) {
		turn_away(c, ERROR_app_disabled, PUSHER_APP_DISABLED, S("Application disabled"));
	} else if (!origin_allowed(origin, app->allowed_origins, app->n_allowed_origins)) {
		turn_away(c, ERROR_origin_not_allowed, PUSHER_UNAUTHORIZED,
			  S("Origin not allowed"));
	} else if (!admit(c)) {
		turn_away(c, ERROR_over_capacity, PUSHER_OVER_CAPACITY, S("Over capacity"));
	} else {
		c->is_admitted = true;
		connect_to_hub(c);
	}
}

void session_on_connected(struct conn *c, const struct to_worker_connected *m)
{
	if (!m->over_quota)
		count(c);
	if (c->phase != CONN_OPENING) /* it ended meanwhile */
		conn_uncount(c);
	else if (m->over_quota)
		turn_away(c, ERROR_over_quota, PUSHER_OVER_QUOTA,
			  S("Application is over connection quota"));
	else
		establish(c);
}

/* Messages */

void session_error(struct conn *c, const struct refusal *why)
{
	conn_send(c, pusher_error_new(why->code, why->text));
}

bool session_rate_ok(const struct conn *c, struct rate_window *w, struct rate_counts *n,
		     uint32_t n_max, uint32_t window_s)
{
	uint32_t now_ms = (uint32_t)clock_ms(loop_clock(c->worker->loop));
	bool is_ok;

	if (n_max == 0 || n_max == NO_LIMIT)
		return true;
	is_ok = rate_window_take(w, now_ms, window_s, n_max);
	counter_add(&n->checks, 1);
	counter_add(&n->refusals, !is_ok);
	return is_ok;
}

void session_refuse_rate(struct conn *c, bool terminates)
{
	static const struct refusal why = {
		PUSHER_CLIENT_EVENT,
		{ "Client event rejected due to rate limit", 39 },
	};

	if (terminates)
		conn_refuse(c, PUSHER_CLIENT_EVENT,
			    S("Connection closed due to client event rate limit"));
	else
		session_error(c, &why);
}

void session_ping(struct conn *c, const struct pusher_message *m)
{
	conn_send(c, msg_ref(c->worker->pong));
}

/* Being a frame was enough. */
void session_pong(struct conn *c, const struct pusher_message *m)
{
}

static const struct client_event {
	str name;
	void (*handle)(struct conn *c, const struct pusher_message *m);
} CLIENT_EVENTS[] = {
#define CLIENT_EVENT(name, handler) { { name, sizeof(name) - 1 }, handler },
#include "server/client_events.def"
#undef CLIENT_EVENT
};

/* What follows the prefix, or nothing. */
static str command(str event)
{
	static const str PREFIXES[] = { { "pusher:", 7 }, { "sockudo:", 8 } };

	for (size_t i = 0; i < ARRAY_LEN(PREFIXES); i++) {
		if (str_has_prefix(event, PREFIXES[i]))
			return str_skip(event, PREFIXES[i].n);
	}
	return S("");
}

static void dispatch(struct conn *c, const struct pusher_message *m)
{
	str name = command(m->event);

	if (str_has_prefix(m->event, S("client-"))) {
		session_client_event(c, m);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(CLIENT_EVENTS); i++) {
		if (str_eq(CLIENT_EVENTS[i].name, name)) {
			CLIENT_EVENTS[i].handle(c, m);
			return;
		}
	}
}

static void refuse_format(struct conn *c, const struct refusal *why)
{
	session_count_error(c, ERROR_invalid_message_format);
	session_error(c, why);
}

static void count_received(struct conn *c, str text)
{
	struct activity *a = conn_activity(c);

	counter_add(&a->received_messages, 1);
	counter_add(&a->received_bytes, text.n);
}

static void on_text(struct conn *c, str text)
{
	const struct app_message_rate *rate = &conn_app(c)->message_rate;
	struct refusal why = { .code = PUSHER_GENERIC };
	struct pusher_message m;

	count_received(c, text);
	if (rate->enabled && !session_rate_ok(c, &c->messages, &conn_activity(c)->message_rate,
					      rate->max_attempts, rate->decay_seconds))
		session_refuse_rate(c, rate->terminate_on_limit);
	else if (pusher_parse(text, &c->worker->arena, &m, &why.text) != OK)
		refuse_format(c, &why);
	else
		dispatch(c, &m);
}

/* Frames */

static void on_message(struct conn *c, const struct ws_message *m)
{
	c->last_active_s = conn_now_s(c);
	c->awaits_pong = false;
	switch (m->opcode) {
	case WS_TEXT:
	case WS_BINARY: /* the same, as in the original */
		on_text(c, m->payload);
		return;
	case WS_PING:
		conn_send(c, ws_frame_new(WS_PONG, m->payload));
		return;
	case WS_CLOSE:
		conn_send(c, ws_close_new(m->close_code, m->payload));
		conn_finish(c);
		return;
	case WS_PONG:
	case WS_CONTINUATION:
		return;
	}
}

/* The smaller limit speaks, and with the name of what set it. */
static str too_big_text(struct conn *c, uint64_t actual_bytes)
{
	const struct server_options *o = c->worker->options;
	struct arena *a = &c->worker->arena;
	bool is_message = actual_bytes > o->message_bytes_max;
	struct refusal r;

	REFUSE(&r, a, PUSHER_GENERIC, is_message ? S("Message of ") : S("Frame of "),
	       arena_number(a, actual_bytes), S(" bytes exceeds the limit of "),
	       arena_number(a, is_message ? o->message_bytes_max : o->frame_bytes_max),
	       S(" bytes ("), is_message ? o->message_bytes_setting : S("websocket.max_frame_size"),
	       S(")"));
	return r.text;
}

static void on_failure(struct conn *c, const struct ws_failure *why)
{
	str text = str_from_cstr(why->text);

	c->is_deaf = true;
	session_count_error(c, ERROR_socket_handling_failed);
	if (why->close_code == WS_CLOSE_TOO_BIG) {
		text = too_big_text(c, why->actual_bytes);
		session_error(c, &(struct refusal){ PUSHER_GENERIC, text });
	}
	conn_close(c, why->close_code, text);
	c->finishes = true; /* a Close of the peer would not be understood: it is not waited for */
}

static err read_message(struct conn *c, str *in, struct ws_message *m, struct ws_failure *why)
{
	const struct server_options *o = c->worker->options;
	struct ws_limits lim = { o->message_bytes_max, o->frame_bytes_max,
				 c->compression ? c->worker->deflate : NULL };

	return ws_read(&c->reader, &lim, in, m, why);
}

/* The peer's Close ends it, once our last words are out. */
static void discard(struct conn *c, str *in)
{
	struct ws_message m = { 0 };
	struct ws_failure why;

	while (!c->is_deaf && m.opcode != WS_CLOSE) {
		err e = read_message(c, in, &m, &why);

		if (e == ERR_AGAIN)
			return;
		c->is_deaf = e != OK;
	}
	*in = str_skip(*in, in->n);
	if (c->is_deaf)
		return;
	if (out_has_pending(c))
		c->finishes = true;
	else
		conn_end(c);
}

void session_feed(struct conn *c, str *in)
{
	struct ws_message m;
	struct ws_failure why;

	while (c->phase == CONN_OPEN && !c->awaits_hub && !conn_is_laden(c)) {
		err e = read_message(c, in, &m, &why);

		if (e == ERR_AGAIN)
			return;
		if (e == OK)
			on_message(c, &m);
		else
			on_failure(c, &why);
	}
	if (c->phase == CONN_CLOSING)
		discard(c, in);
	else if (c->phase == CONN_OPEN) /* what came in pieces is done with: idle again */
		read_message(c, &S(""), &m, &why);
}
