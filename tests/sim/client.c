/* client.c: a client's life, and what it understands. What it says is in client_asks.c. */
#include "client.h"

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/deflate.h"
#include "codec/websocket.h"
#include "dismissal.h"
#include "reload.h"
#include "watch.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>

static _Noreturn void fail(const struct client *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void fail(const struct client *c, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trace_fail(c->world->trace, "%s: %s", c->name, text);
}

/* Beginning and end */

static void on_change(struct sim_peer *p)
{
	client_change(sim_peer_user(p));
}

static void draw_ws_key(struct client *c)
{
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)pick(c->world, 256);
	base64_encode(bytes, sizeof(bytes), c->ws_key);
}

static str app_key(const struct client *c)
{
	return c->app == APP_UNKNOWN ? S("nobodys-key") : c->world->app[c->app]->key;
}

static void ask_for_upgrade(struct client *c)
{
	buf_puts(&c->out, S("GET /app/"));
	buf_puts(&c->out, app_key(c));
	buf_puts(&c->out, S("?protocol=7&client=js&version=8.6.0&flash=false HTTP/1.1\r\n"
			    "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			    "Sec-WebSocket-Version: 13\r\n"));
	if (c->offers_packing)
		buf_puts(&c->out, S("Sec-WebSocket-Extensions: permessage-deflate; "
				    "client_max_window_bits\r\n"));
	buf_puts(&c->out, S("Sec-WebSocket-Key: "));
	buf_puts(&c->out, str_from_cstr(c->ws_key));
	buf_puts(&c->out, S("\r\n\r\n"));
}

static unsigned find_place(struct world *w)
{
	for (unsigned i = 0; i < w->n_places; i++)
		if (!w->clients[i])
			return i;
	ASSERT(w->n_places < CLIENTS_MAX);
	return w->n_places++;
}

void client_change(struct client *c)
{
	c->world->changed[c->place / 64] |= UINT64_C(1) << c->place % 64;
}

struct client *client_connect(struct node *n, unsigned app, bool is_witness)
{
	struct client *c = xnew(struct client);
	struct world *w = n->world;
	unsigned door = (unsigned)pick(w, DOORS);

	c->world = w;
	c->node = n;
	c->place = find_place(w);
	w->clients[c->place] = c;
	c->connection = ++w->n_connections;
	c->came_in_act = w->n_acts;
	c->app = app;
	c->is_witness = is_witness;
	c->meets = reload_meets(n, app);
	c->pressure = w->pressure;
	c->may_be_shut_out = n->has_few_files || w->plan.fails_calls;
	c->hangs_up = chance(w, 50);
	c->offers_packing = w->plan.compresses && chance(w, 60);
	c->appetite = is_witness || chance(w, 80) ? 4096 : 16 + pick(w, 100);
	snprintf(c->name, sizeof(c->name), "%s%u", is_witness ? "w" : "c", c->came_in_act);
	for (unsigned i = 0; i < TOPICS_MAX; i++)
		c->users[i] = NOBODY;
	buf_init(&c->in, SIZE_MAX / 2);
	buf_init(&c->out, SIZE_MAX / 2);
	draw_ws_key(c);
	ask_for_upgrade(c);
	n->n_small_max += app == APP_SMALL;
	n->n_all_max++;
	c->peer = node_connect(n, door, c->name, on_change, c);
	trace_note(w->trace, c->name, "connects through door %u of node %u to app %u", door,
		   n->number, app);
	return c;
}

static void lose_subs(struct client *c)
{
	meter_lose_asks(c);
	c->awaits = NULL;
	for (unsigned i = 0; i < TOPICS_MAX; i++) {
		if (c->subs[i])
			oracle_lose(&c->world->oracle, c->subs[i]);
		c->subs[i] = NULL;
	}
	c->n_asks = 0;
}

static void client_free(struct client *c)
{
	struct world *w = c->world;

	lose_subs(c);
	meter_end(c);
	w->clients[c->place] = NULL;
	w->changed[c->place / 64] &= ~(UINT64_C(1) << c->place % 64);
	if (w->witness == c)
		w->witness = NULL;
	buf_fini(&c->in);
	buf_fini(&c->out);
	xfree(c);
}

void client_vanish(struct client *c, bool by_reset)
{
	trace_note(c->world->trace, c->name, by_reset ? "resets" : "closes its socket");
	if (by_reset)
		tunnel_reset(c->peer);
	else
		tunnel_close(c->peer);
	client_free(c);
}

/* The list of what was asked for */

struct ask *client_ask(struct client *c, enum ask_kind kind)
{
	struct ask *a = &c->asks[(c->first_ask + c->n_asks++) % ASKS_MAX];

	ASSERT(c->n_asks <= ASKS_MAX);
	*a = (struct ask){ .kind = kind, .said = c->meter.said };
	client_change(c);
	return a;
}

static void forget_first(struct client *c)
{
	c->meter.handled = c->asks[c->first_ask].said;
	c->first_ask = (c->first_ask + 1) % ASKS_MAX;
	c->n_asks--;
}

static bool is_silent(const struct ask *a)
{
	return a->kind == ASK_UNSUBSCRIBE || a->kind == ASK_EVENT || a->kind == ASK_SILENT;
}

static struct sub **sub_of(struct client *c, const struct topic *t)
{
	return &c->subs[t - c->world->oracle.topics];
}

static void handled_silently(struct client *c, const struct ask *a)
{
	struct oracle *o = &c->world->oracle;

	if (a->kind == ASK_EVENT) {
		oracle_taken(o, a->event);
	} else if (a->kind == ASK_UNSUBSCRIBE && *sub_of(c, a->topic)) {
		oracle_leave(o, *sub_of(c, a->topic), a->asked.at);
		meter_count(c->node, c->app, METER_UNSUBSCRIPTIONS);
		*sub_of(c, a->topic) = NULL;
	}
}

/* The first one that needs an answer, or NULL. What is before it has been handled. */
static struct ask *first_unanswered(struct client *c)
{
	while (c->n_asks > 0) {
		struct ask *a = &c->asks[c->first_ask];

		if (!is_silent(a))
			return a;
		handled_silently(c, a);
		forget_first(c);
	}
	return NULL;
}

static const char *ask_text(const struct ask *a)
{
	static const char *const TEXTS[] = {
		[ASK_SUBSCRIBE] = "a subscription",
		[ASK_UNSUBSCRIBE] = "an end of one",
		[ASK_EVENT] = "a client event",
		[ASK_SILENT] = "something silent",
		[ASK_PING] = "pusher:pong",
		[ASK_WS_PING] = "a WebSocket pong",
		[ASK_NONSENSE] = "an error for nonsense",
		[ASK_CLOSE] = "a Close",
	};

	return a ? TEXTS[a->kind] : "nothing";
}

static struct ask *expect(struct client *c, enum ask_kind kind)
{
	struct ask *a = first_unanswered(c);

	if (!a || a->kind != kind)
		fail(c, "got %s, but waits for %s", ask_text(&(struct ask){ .kind = kind }),
		     ask_text(a));
	return a;
}

/* Understanding */

struct words {
	str event, channel, data; /* decoded; p NULL: none */
	str user_id;
	struct json raw_data;
};

static str decoded(struct client *c, struct json v)
{
	return v.raw.p && v.kind == JSON_STRING ? json_decode(v, &c->world->oracle.arena) :
						  (str){ 0 };
}

static struct words read_words(struct client *c, str text)
{
	struct json doc, event = { 0 }, channel = { 0 }, data = { 0 }, user = { 0 };
	struct json_member m;
	struct json_iter it;

	if (json_parse(text, 64, &doc, NULL) != OK || doc.kind != JSON_OBJECT)
		fail(c, "got no JSON object: %.*s", STR_ARG(text));
	it = json_enter(doc);
	while (json_next_member(&it, &m)) {
		struct json *place = json_string_is(m.key, S("event"))	 ? &event :
				     json_string_is(m.key, S("channel")) ? &channel :
				     json_string_is(m.key, S("data"))	 ? &data :
				     json_string_is(m.key, S("user_id")) ? &user :
									   NULL;

		if (!place || place->raw.p)
			fail(c, "got a message with a strange or doubled member: %.*s",
			     STR_ARG(text));
		*place = m.value;
	}
	if (event.kind != JSON_STRING || !data.raw.p)
		fail(c, "got a message without event or data: %.*s", STR_ARG(text));
	return (struct words){ decoded(c, event), decoded(c, channel), decoded(c, data),
			       decoded(c, user), data };
}

static struct json find_member(struct json object, str name)
{
	struct json_member m;
	struct json_iter it = json_enter(object);

	while (json_next_member(&it, &m))
		if (json_string_is(m.key, name))
			return m.value;
	return (struct json){ 0 };
}

static bool is_socket_id_taken(const struct client *c)
{
	const struct world *w = c->world;

	for (unsigned i = 0; i < w->n_places; i++) {
		const struct client *other = w->clients[i];

		if (other && other != c && strcmp(other->id, c->id) == 0)
			return true;
	}
	return false;
}

static void on_welcome(struct client *c, const struct words *words)
{
	struct json doc;
	str id = { 0 };

	if (json_parse(words->data, 4, &doc, NULL) == OK && doc.kind == JSON_OBJECT)
		id = decoded(c, find_member(doc, S("socket_id")));
	if (c->state != CLIENT_WAITING || !(c->meets & MEETS_SERVICE) || id.n == 0 ||
	    id.n >= sizeof(c->id))
		fail(c, "is welcomed out of place: %.*s", STR_ARG(words->data));
	memcpy(c->id, id.p, id.n);
	c->id[id.n] = '\0';
	if (is_socket_id_taken(c))
		fail(c, "got the socket_id of somebody else: %s", c->id);
	c->state = CLIENT_OPEN;
	meter_count(c->node, c->app, METER_CONNECTIONS);
}

/* May the server refuse a newcomer so? */
static bool is_legal_refusal(const struct client *c, uint64_t code)
{
	const struct node *n = c->node;

	if (reload_may_close(c->meets, code))
		return true;
	if (n->is_draining && (code == 4100 || code == 4200))
		return true;
	if (!(c->meets & MEETS_SERVICE))
		return false;
	if (code == 4004)
		return c->app == APP_SMALL && n->n_small_max > n->quota.low;
	return code == 4100 && n->n_all_max > n->connections.low;
}

static bool is_legal_farewell(const struct client *c, uint64_t code, str message)
{
	if (dismissal_says(c, code, message))
		return true;
	if (code == 4200)
		return c->node->is_draining;
	return (code == 4201 && (c->is_dead || c->has_slept)) || reload_may_close(c->meets, code);
}

static void on_refused_subscribe(struct client *c, const struct ask *a)
{
	size_t i = (size_t)(a->topic - c->world->oracle.topics);

	if (c->outlook[i] == WILL_SEE)
		c->outlook[i] = WILL_BE_OFF;
	forget_first(c);
}

static void on_error(struct client *c, const struct words *words)
{
	struct ask *a;
	uint64_t code = 0;
	str message = { 0 };

	if (words->raw_data.kind == JSON_OBJECT) {
		json_to_u64(find_member(words->raw_data, S("code")), 9999, &code);
		message = decoded(c, find_member(words->raw_data, S("message")));
	}
	if (c->state == CLIENT_WAITING ? is_legal_refusal(c, code) :
					 is_legal_farewell(c, code, message)) {
		c->farewell = (uint16_t)code;
		return;
	}
	a = first_unanswered(c);
	if (a && a->kind == ASK_NONSENSE && a->code == code)
		forget_first(c);
	else if (a && a->kind == ASK_SUBSCRIBE && a->may_be_refused && code == 4100)
		on_refused_subscribe(c, a);
	else if (a && a->kind == ASK_CLOSE && a->has_error_first && code == 4000)
		a->has_error_first = false;
	else
		fail(c, "got error %.*s, but waits for %s (%u)", STR_ARG(words->raw_data.raw),
		     ask_text(a), a ? a->code : 0);
}

/* The acknowledgement of a subscribe to t, or of a sign-in. */
static void on_joined(struct client *c, struct topic *t, str data)
{
	struct oracle *o = &c->world->oracle;
	struct ask *a = expect(c, ASK_SUBSCRIBE);
	struct sub like = { .topic = t, .connection = c->connection, .is_witness = c->is_witness };
	size_t i;

	if (t != a->topic)
		fail(c, "got the acknowledgement for %s instead of %s", t ? t->name : "nothing",
		     a->topic->name);
	i = (size_t)(t - o->topics);
	like.user = t->is_presence ? a->user : NOBODY;
	snprintf(like.who, sizeof(like.who), "%s", c->name);
	if (c->subs[i]) {
		oracle_rejoin(o, c->subs[i], data);
	} else {
		c->subs[i] = oracle_join(o, &like, a->asked, data);
		if (!t->is_user)
			meter_count(c->node, c->app, METER_SUBSCRIPTIONS);
	}
	if (t->is_cache)
		c->awaits = t;
	if (t->is_user)
		watch_begin(c, t->user);
	if (c->outlook[i] == WILL_SEE)
		c->outlook[i] = WILL_BE_ON;
	forget_first(c);
}

static void on_subscribed(struct client *c, const struct words *words)
{
	struct topic *t = oracle_topic(&c->world->oracle, c->node->number, c->app, words->channel);

	if (t && t->is_user)
		fail(c, "got an acknowledgement of %s", t->name);
	on_joined(c, t, words->data);
}

/* {"user_data":"…"} as it was signed. */
static void on_signed_in(struct client *c, const struct words *words)
{
	struct ask *a = expect(c, ASK_SUBSCRIBE);
	str said = words->raw_data.kind == JSON_OBJECT ?
			   decoded(c, find_member(words->raw_data, S("user_data"))) :
			   (str){ 0 };

	if (!a->topic->is_user || !str_eq(said, client_user_data(c, a->topic)))
		fail(c, "is signed in as %.*s", STR_ARG(said));
	on_joined(c, a->topic, S("{}"));
}

static struct sub *sub_for(struct client *c, const struct words *words)
{
	struct topic *t = oracle_topic(&c->world->oracle, c->node->number, c->app, words->channel);

	if (!t || !*sub_of(c, t))
		fail(c, "hears %.*s on %.*s, where it is not", STR_ARG(words->event),
		     STR_ARG(words->channel));
	return *sub_of(c, t);
}

static void on_edge(struct client *c, const struct words *words, bool is_added)
{
	struct sub *s = sub_for(c, words);

	oracle_hear_edge(&c->world->oracle, s, is_added, words->data);
}

static void on_event(struct client *c, const struct words *words)
{
	bool is_client_event = str_has_prefix(words->event, S("client-"));
	struct sub *s = sub_for(c, words);

	oracle_hear(&c->world->oracle, s, is_client_event,
		    is_client_event ? words->raw_data.raw : words->data, words->user_id);
}

/* True: it was the one. Without memory it may be missing. */
static bool on_follow(struct client *c, const struct words *words)
{
	struct oracle *o = &c->world->oracle;
	struct topic *t = c->awaits;
	bool is_miss = str_eq(words->event, S("pusher:cache_miss"));

	c->awaits = NULL;
	if (oracle_topic(o, c->node->number, c->app, words->channel) != t ||
	    (!is_miss && words->data.p == NULL)) {
		if (c->world->plan.fails_memory)
			return false;
		fail(c, "got %.*s instead of the last event of %s", STR_ARG(words->event), t->name);
	}
	if (is_miss)
		hooks_note_miss(c->node, t);
	if (is_miss)
		oracle_hear_miss(o, *sub_of(c, t), words->data);
	else if (str_eq(words->event, S("e")))
		oracle_hear_last(o, *sub_of(c, t), words->data);
	else if (c->world->plan.fails_memory)
		return false;
	else
		fail(c, "got %.*s as the last event of %s", STR_ARG(words->event), t->name);
	return true;
}

static void on_missing_state(struct client *c, const struct words *words)
{
	const struct plan *p = &c->world->plan;

	c->watch.awaits = false;
	if (!p->fails_memory && !p->drops_newest)
		fail(c, "got %.*s instead of the state of its watchlist", STR_ARG(words->event));
}

static void on_ping(struct client *c)
{
	if (c->state == CLIENT_OPEN && !c->is_half_closed) {
		str pong = S("{\"event\":\"pusher:pong\"}");

		wire_put_frame(&c->out, WIRE_FIN | WIRE_TEXT, pong,
			       (uint32_t)pick(c->world, UINT32_MAX));
		amount_add(&c->meter.said, pong.n);
		client_ask(c, ASK_SILENT);
	}
}

static void on_text(struct client *c, str text)
{
	struct words words = read_words(c, text);
	str event = words.event;

	if (c->awaits && on_follow(c, &words))
		return;
	if (c->watch.awaits && !str_eq(event, S("pusher_internal:watchlist_events")))
		on_missing_state(c, &words);
	if (str_eq(event, S("pusher:connection_established"))) {
		on_welcome(c, &words);
	} else if (str_eq(event, S("pusher:error"))) {
		on_error(c, &words);
	} else if (str_eq(event, S("pusher:pong"))) {
		expect(c, ASK_PING);
		forget_first(c);
	} else if (str_eq(event, S("pusher:ping"))) {
		on_ping(c);
	} else if (str_eq(event, S("pusher_internal:subscription_succeeded"))) {
		on_subscribed(c, &words);
	} else if (str_eq(event, S("pusher:signin_success"))) {
		on_signed_in(c, &words);
	} else if (str_eq(event, S("pusher_internal:watchlist_events"))) {
		watch_hear(c, words.data);
	} else if (str_eq(event, S("pusher_internal:member_added"))) {
		on_edge(c, &words, true);
	} else if (str_eq(event, S("pusher_internal:member_removed"))) {
		on_edge(c, &words, false);
	} else {
		on_event(c, &words);
	}
}

static bool is_legal_close(struct client *c, unsigned code)
{
	const struct ask *a;

	if (code == 4100 && world_is_lenient(c->world))
		return true;
	if (code == 1011 && c->world->plan.fails_memory)
		return true;
	if (c->farewell)
		return code == c->farewell;
	a = first_unanswered(c);
	return a && a->kind == ASK_CLOSE && !a->has_error_first && code == a->code;
}

static void on_close(struct client *c, str payload)
{
	unsigned code = wire_close_code(payload);

	if (!is_legal_close(c, code))
		fail(c, "got a Close with code %u, waits for %s", code,
		     ask_text(first_unanswered(c)));
	if (c->n_asks > 0 && c->asks[c->first_ask].kind == ASK_CLOSE)
		forget_first(c);
	if (c->state != CLIENT_LEAVING && !c->is_half_closed)
		wire_put_close(&c->out, code, (uint32_t)pick(c->world, UINT32_MAX));
	c->state = CLIENT_OVER;
	lose_subs(c);
}

static void on_ws_pong(struct client *c, str payload)
{
	uint32_t tag;

	if (payload.n != sizeof(tag))
		fail(c, "got a WebSocket pong with other bytes");
	memcpy(&tag, payload.p, sizeof(tag));
	if (expect(c, ASK_WS_PING)->tag != tag)
		fail(c, "got the WebSocket pong of another ping");
	forget_first(c);
}

/* In the oracle's arena. */
static str unpacked(struct client *c, str payload)
{
	struct buf text;
	str copy;

	buf_init(&text, 1 << 20);
	if (!c->is_packed || deflate_inflate(c->world->deflate, payload, &text) != OK)
		fail(c, "got a compressed message that it did not ask for, or cannot read");
	copy = arena_copy(&c->world->oracle.arena, buf_str(&text));
	buf_fini(&text);
	return copy;
}

static void on_frame(struct client *c, struct wire_frame *f)
{
	if (f->is_packed)
		f->payload = unpacked(c, f->payload);
	amount_add(&c->meter.heard, f->payload.n);
	if (f->opcode == WIRE_CLOSE)
		trace_say(c->world->trace, c->name, '<', "Close %u", wire_close_code(f->payload));
	else
		trace_text(c->world->trace, c->name, '<',
			   f->opcode == WIRE_PONG ? S("(WebSocket pong)") : f->payload);
	if (c->state == CLIENT_OVER)
		fail(c, "got a frame after the Close");
	switch (f->opcode) {
	case WIRE_TEXT:
		on_text(c, f->payload);
		return;
	case WIRE_CLOSE:
		on_close(c, f->payload);
		return;
	case WIRE_PONG:
		on_ws_pong(c, f->payload);
		return;
	case WIRE_PING:
	case WIRE_CONTINUATION:
	case WIRE_PACKED:
	case WIRE_FIN:
		break;
	}
	fail(c, "got a frame that servers of this protocol do not send");
}

static void on_answer(struct client *c, const struct wire_answer *a)
{
	char accept[WS_ACCEPT_LEN];

	trace_text(c->world->trace, c->name, '<', str_take(a->head, str_find_char(a->head, '\r')));
	c->is_refused = (a->status == 503 && c->pressure != PRESSURE_IS_NOT) ||
			(a->status == 408 && c->has_slept);
	if (c->is_refused)
		return;
	if (a->status == 503 && c->world->plan.fails_memory) {
		c->state = CLIENT_OVER;
		return;
	}
	if (c->pressure == PRESSURE_IS)
		fail(c, "is let in, though memory is short");
	ws_accept(str_from_cstr(c->ws_key), accept);
	if (a->status != 101 || !str_eq(wire_header(a->head, S("sec-websocket-accept")),
					(str){ accept, sizeof(accept) }))
		fail(c, "got another answer than the upgrade: %.*s", STR_ARG(a->head));
	c->is_packed = wire_header(a->head, S("sec-websocket-extensions")).n > 0;
	if (c->is_packed && !c->offers_packing)
		fail(c, "got an extension that it did not offer");
	c->state = CLIENT_WAITING;
}

/* One thing from the input; false: there is no more whole one. */
static bool understand(struct client *c, str *in)
{
	struct wire_answer answer;
	struct wire_frame frame;
	err e;

	if (c->state == CLIENT_KNOCKING) {
		e = wire_take_answer(in, false, &answer);
		if (e == OK)
			on_answer(c, &answer);
	} else {
		e = wire_take_frame(in, &frame);
		if (e == OK)
			on_frame(c, &frame);
	}
	if (e != OK && e != ERR_AGAIN)
		fail(c, "got bytes that make no sense");
	return e == OK;
}

/* Serving */

static bool receive(struct client *c)
{
	size_t n = tunnel_read(c->peer, buf_reserve(&c->in, c->appetite), c->appetite);

	buf_commit(&c->in, n);
	c->has_heard |= n > 0;
	if (n > 0)
		c->heard_at_us = sim_now_us(c->world->sim);
	return n > 0;
}

static void send(struct client *c)
{
	size_t n = tunnel_write(c->peer, c->out.p, c->out.len);

	buf_drop_front(&c->out, n);
	if (c->is_half_closed && c->out.len == 0)
		tunnel_shutdown(c->peer);
}

/* Has it been, or may it have been, told to go? */
static bool was_to_go(const struct client *c)
{
	bool may_be_refused = is_legal_refusal(c, 4004) || is_legal_refusal(c, 4100);

	return c->state == CLIENT_LEAVING || c->has_slept || c->meets != MEETS_SERVICE ||
	       dismissal_threatens(c) || c->node->is_draining ||
	       (c->state <= CLIENT_WAITING && may_be_refused);
}

/* Its handshake has a deadline, which does not wait for readers. */
static bool is_late_for_tls(const struct client *c)
{
	return tunnel_is_tls(c->peer) && client_was_absent(c) && c->state == CLIENT_KNOCKING;
}

static bool is_legal_end(const struct client *c)
{
	const struct world *w = c->world;
	/* A worker without a turn may be late with its last words, too. */
	bool may_miss_words = client_was_absent(c) || client_is_behind(c) || w->plan.stalls;

	return c->state == CLIENT_OVER || (may_miss_words && was_to_go(c)) ||
	       ((w->plan.resets || w->plan.fails_calls) &&
		tunnel_state(c->peer) == SIM_PEER_RESET) ||
	       c->is_dead || c->is_half_closed || (c->has_slept && c->state <= CLIENT_WAITING) ||
	       (c->pressure != PRESSURE_IS_NOT && c->state == CLIENT_KNOCKING) ||
	       is_late_for_tls(c) || world_is_lenient(w) || (c->may_be_shut_out && !c->has_heard) ||
	       (c->node->is_draining && c->state == CLIENT_KNOCKING) || c->node->is_lost;
}

static void note_whether_to_go(struct client *c)
{
	if (!was_to_go(c))
		c->to_go_at_us = 0;
	else if (!c->to_go_at_us)
		c->to_go_at_us = sim_now_us(c->world->sim);
}

static bool has_ended(const struct client *c)
{
	enum sim_peer_state state = tunnel_state(c->peer);

	return state == SIM_PEER_ENDED || state == SIM_PEER_RESET || state == SIM_PEER_REFUSED;
}

void client_serve(struct client *c)
{
	str in;

	note_whether_to_go(c);
	send(c);
	if (receive(c))
		client_change(c); /* there may be more */
	in = buf_str(&c->in);
	while (!c->is_refused && understand(c, &in))
		continue;
	if (c->is_refused) {
		client_vanish(c, false);
		return;
	}
	buf_drop_front(&c->in, c->in.len - in.n);
	send(c);
	if (tunnel_state(c->peer) == SIM_PEER_REFUSED && !c->node->is_lost)
		fail(c, "is refused by the network");
	if (has_ended(c)) {
		trace_note(c->world->trace, c->name, "its stream is over");
		if (!is_legal_end(c))
			fail(c, "is hung up on, waits for %s", ask_text(first_unanswered(c)));
		client_vanish(c, false);
	} else if (c->state == CLIENT_OVER && c->hangs_up && c->out.len == 0) {
		client_vanish(c, false);
	}
}

void client_rest(struct client *c)
{
	const struct ask *a = first_unanswered(c);
	size_t n_unsent;

	c->has_slept = false;
	if (c->is_dead)
		fail(c, "is dead, but the server does not give it up");
	if (a)
		fail(c, "never got %s", ask_text(a));
	if (c->state != CLIENT_OPEN)
		fail(c, "is left alone in state %d", c->state);
	n_unsent = c->out.len + tunnel_n_unsent(c->peer);
	if (c->in.len > 0 || n_unsent > 0)
		fail(c, "%zu bytes are stuck on their way in, %zu out", c->in.len, n_unsent);
}
