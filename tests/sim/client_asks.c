/* client_asks.c: what a client says: requests, well-formed and not, and ways to go. */
#include "client.h"

#include "base/check.h"
#include "base/json.h"
#include "codec/deflate.h"
#include "codec/digest.h"
#include "reload.h"
#include "watch.h"
#include "wire.h"

/* Of the server after its Close, and a little less. */
#define GRACE_US UINT64_C(1900000)
/* Between two pieces of a stream that has not come to its end. */
#define STREAM_GAP_US_MAX UINT64_C(500000)

static uint32_t draw_mask(struct client *c)
{
	return (uint32_t)pick(c->world, (uint64_t)UINT32_MAX + 1);
}

static void put_ws_ping(struct client *c)
{
	uint32_t tag = draw_mask(c);

	wire_put_frame(&c->out, WIRE_FIN | WIRE_PING, (str){ (char *)&tag, sizeof(tag) },
		       draw_mask(c));
	client_ask(c, ASK_WS_PING)->tag = tag;
}

/* In the oracle's arena. */
static str packed_text(struct client *c, str text)
{
	size_t max = text.n + text.n / 8 + 64;
	char *packed = arena_alloc(&c->world->oracle.arena, max);
	size_t n = deflate_compress(c->world->deflate, 15, text, packed, max);

	ASSERT(n > 0);
	return (str){ packed, n };
}

/* In one frame, or in several with pings between them. The pings' pongs come first. */
static void say(struct client *c, str text)
{
	unsigned opcode = WIRE_TEXT, packed = 0;
	size_t n_bytes = text.n;

	trace_text(c->world->trace, c->name, '>', text);
	if (c->is_packed && text.n > 0 && chance(c->world, 50)) {
		text = packed_text(c, text);
		packed = WIRE_PACKED;
	}
	while (chance(c->world, 10) && text.n > 1) {
		size_t n = 1 + pick(c->world, text.n - 1);

		wire_put_frame(&c->out, packed | opcode, str_take(text, n), draw_mask(c));
		if (chance(c->world, 30) && c->n_asks < ASKS_MAX - 4)
			put_ws_ping(c);
		text = str_skip(text, n);
		opcode = WIRE_CONTINUATION;
		packed = 0;
	}
	wire_put_frame(&c->out, WIRE_FIN | packed | opcode, text, draw_mask(c));
	amount_add(&c->meter.said, n_bytes);
	client_change(c);
}

static void say_buf(struct client *c, struct buf *b)
{
	say(c, buf_str(b));
	buf_fini(b);
}

bool client_may_ask(const struct client *c)
{
	return c->state <= CLIENT_OPEN && !c->is_dead && !c->is_half_closed &&
	       (c->meets & MEETS_SERVICE) && !c->farewell && c->n_asks < ASKS_MAX - 16;
}

/* Subscribing */

static size_t index_of(const struct client *c, const struct topic *t)
{
	return (size_t)(t - c->world->oracle.topics);
}

static void put_auth(struct client *c, struct buf *b, const struct topic *t, str channel_data)
{
	const struct app *app = c->world->app[c->app];
	char hex[SHA256_HEX_LEN];
	struct hmac h;

	hmac_begin(&h, &app->hmac);
	hmac_add(&h, str_from_cstr(c->id));
	hmac_add(&h, S(":"));
	hmac_add(&h, str_from_cstr(t->name));
	if (channel_data.p) {
		hmac_add(&h, S(":"));
		hmac_add(&h, channel_data);
	}
	hmac_end_hex(&h, &app->hmac, hex);
	buf_puts(b, S(",\"auth\":\""));
	buf_puts(b, app->key);
	buf_putc(b, ':');
	buf_put(b, hex, sizeof(hex));
	buf_putc(b, '"');
}

str client_user_data(struct client *c, const struct topic *t)
{
	struct buf b;
	str text;

	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("{\"id\":"));
	jw_string(&b, user_id(t->user));
	buf_puts(&b, S(", \"user_info\":{\"a\": [1.50]}"));
	buf_puts(&b, S(",\"watchlist\":"));
	watch_put_list(c->world, t->user, &b);
	buf_putc(&b, '}');
	text = arena_copy(&c->world->oracle.arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static void put_sign_in(struct client *c, struct buf *b, const struct topic *t)
{
	const struct app *app = c->world->app[c->app];
	str user_data = client_user_data(c, t);
	char hex[SHA256_HEX_LEN];
	struct hmac h;

	hmac_begin(&h, &app->hmac);
	hmac_add(&h, str_from_cstr(c->id));
	hmac_add(&h, S("::user::"));
	hmac_add(&h, user_data);
	hmac_end_hex(&h, &app->hmac, hex);
	buf_printf(b,
		   "{\"event\":\"pusher:signin\",\"data\":{\"auth\":\"%.*s:%.*s\",\"user_data\":",
		   STR_ARG(app->key), (int)sizeof(hex), hex);
	jw_string(b, user_data);
	buf_puts(b, S("}}"));
}

bool client_is_somebody_else(const struct client *c, const struct topic *t)
{
	const struct oracle *o = &c->world->oracle;

	for (unsigned i = 0; i < o->n_topics; i++)
		if (o->topics[i].is_user && &o->topics[i] != t && c->outlook[i] != WILL_BE_OFF)
			return true;
	return false;
}

static void put_subscribe(struct client *c, struct buf *b, const struct topic *t, int user)
{
	struct buf who;

	buf_init(&who, SIZE_MAX / 2);
	buf_puts(b, S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\""));
	buf_puts(b, str_from_cstr(t->name));
	buf_putc(b, '"');
	if (t->is_presence) {
		buf_printf(&who, "{%.*s}", STR_ARG(user_data(user)));
		buf_puts(b, S(",\"channel_data\":"));
		jw_string(b, buf_str(&who));
	}
	if (t->is_authorized)
		put_auth(c, b, t, buf_str(&who));
	buf_puts(b, S("}}"));
	buf_fini(&who);
}

static bool is_asked_for(const struct client *c, const struct topic *t)
{
	for (unsigned i = 0; i < c->n_asks; i++)
		if (c->asks[(c->first_ask + i) % ASKS_MAX].topic == t)
			return true;
	return false;
}

static bool may_be_refused(const struct client *c, const struct topic *t)
{
	const struct plan *p = &c->world->plan;

	/* Who is it again may find no memory to be known by. */
	if (c->outlook[index_of(c, t)] == WILL_BE_ON)
		return t->is_user && p->fails_memory;
	return p->fails_memory || (p->members_max && t->is_presence && c->app == APP_SMALL);
}

void client_subscribe(struct client *c, struct topic *t, int user)
{
	bool is_unsure = may_be_refused(c, t);
	size_t i = index_of(c, t);
	struct asked asked;
	struct ask *a;
	struct buf b;

	/* A signature needs the socket_id; and what may be refused is waited for. */
	if (((t->is_authorized || t->is_user) && c->state != CLIENT_OPEN) ||
	    (is_unsure && is_asked_for(c, t)) || (t->is_user && client_is_somebody_else(c, t)))
		return;
	asked = oracle_ask(&c->world->oracle, t);
	hooks_note_ask(c->node, t);
	buf_init(&b, SIZE_MAX / 2);
	if (t->is_user) {
		put_sign_in(c, &b, t);
		watch_ask(c, t->user, c->outlook[i] == WILL_BE_OFF);
	} else {
		put_subscribe(c, &b, t, user);
	}
	say_buf(c, &b);
	if (c->outlook[i] != WILL_BE_ON) {
		c->outlook[i] = is_unsure ? WILL_SEE : WILL_BE_ON;
		c->users[i] = t->is_presence ? user : NOBODY;
	}
	a = client_ask(c, ASK_SUBSCRIBE);
	a->topic = t;
	a->user = user;
	a->may_be_refused = is_unsure;
	a->asked = asked;
}

static void say_nonsense(struct client *c, uint16_t code, str text)
{
	say(c, text);
	client_ask(c, ASK_NONSENSE)->code = code;
}

void client_subscribe_badly(struct client *c)
{
	static const struct {
		uint16_t code;
		str text;
	} ROWS[] = {
#define SUBSCRIBE(data)                                                                            \
	{ "{\"event\":\"pusher:subscribe\",\"data\":" data "}",                                    \
	  sizeof("{\"event\":\"pusher:subscribe\",\"data\":" data "}") - 1 }
		{ 4009, SUBSCRIBE("{\"channel\":\"private-secret\"}") },
		{ 4009, SUBSCRIBE("{\"channel\":\"private-secret\",\"auth\":\"app-key:00\"}") },
		{ 4009,
		  SUBSCRIBE("{\"channel\":\"presence-secret\",\"auth\":\"x\",\"channel_data\":"
			    "\"{\\\"user_id\\\":\\\"eve\\\"}\"}") },
		{ 4300, SUBSCRIBE("{\"channel\":\"a/b\"}") },
		{ 4300, SUBSCRIBE("{\"channel\":\"\"}") },
		{ 4300, SUBSCRIBE("{\"channel\":\"#private\"}") },
		{ 4000, SUBSCRIBE("{}") },
		{ 4000, SUBSCRIBE("\"{\"") },
		{ 4000, SUBSCRIBE("{\"channel\":7}") },
#undef SUBSCRIBE
	};
	size_t i = pick(c->world, ARRAY_LEN(ROWS));

	say_nonsense(c, ROWS[i].code, ROWS[i].text);
}

void client_unsubscribe(struct client *c, struct topic *t)
{
	struct ask *a;
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"%s\"}}", t->name);
	c->outlook[index_of(c, t)] = WILL_BE_OFF;
	say_buf(c, &b);
	a = client_ask(c, ASK_UNSUBSCRIBE);
	a->topic = t;
	a->asked.at = ++c->world->oracle.now;
}

/* Client events */

static size_t draw_pad(struct client *c)
{
	struct world *w = c->world;

	return pick(w, 1 + pick(w, w->plan.pad_bytes_max + 1));
}

void client_send_event(struct client *c, struct topic *t)
{
	struct event like = {
		.excluded = c->connection,
		.is_client_event = true,
		.user = c->users[index_of(c, t)],
		.n_topics = 1,
		.topics = { t },
	};
	struct event *e = oracle_send(&c->world->oracle, c->connection, &like, draw_pad(c));
	struct ask *a;
	struct buf b;

	memcpy(e->socket_id, c->id, sizeof(c->id));
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "{\"event\":\"client-e\",\"channel\":\"%s\",\"data\":", t->name);
	buf_puts(&b, e->text);
	buf_putc(&b, '}');
	say_buf(c, &b);
	a = client_ask(c, ASK_EVENT);
	a->topic = t;
	a->event = e->id;
}

void client_send_event_badly(struct client *c)
{
	static const str ROWS[] = {
#define TEXT(t) { t, sizeof(t) - 1 }
		TEXT("{\"event\":\"client-e\",\"data\":{}}"),
		TEXT("{\"event\":\"client-e\",\"channel\":\"room-0\",\"data\":{}}"),
		TEXT("{\"event\":\"client-e\",\"channel\":\"private-unknown\",\"data\":{}}"),
		TEXT("{\"event\":\"client-e\",\"channel\":\"private-encrypted-x\",\"data\":{}}"),
	};

	say_nonsense(c, 4301, ROWS[pick(c->world, ARRAY_LEN(ROWS))]);
}

/* Pings, and what makes no sense */

void client_ping(struct client *c)
{
	if (chance(c->world, 30)) {
		trace_text(c->world->trace, c->name, '>', S("(WebSocket ping)"));
		put_ws_ping(c);
		return;
	}
	say(c, S("{\"event\":\"pusher:ping\",\"data\":{}}"));
	client_ask(c, ASK_PING);
}

void client_talk_nonsense(struct client *c)
{
	static const struct {
		uint16_t code; /* 0: ignored */
		str text;
	} ROWS[] = {
		{ 4000, TEXT("{") },
		{ 4000, TEXT("") },
		{ 4000, TEXT("[1,2]") },
		{ 4000, TEXT("{\"data\":{}}") },
		{ 4000, TEXT("{\"event\":7}") },
		{ 4000, TEXT("{\"event\":\"pusher:unsubscribe\"}") },
		{ 4009, TEXT("{\"event\":\"pusher:signin\",\"data\":{}}") },
		{ 0, TEXT("{\"event\":\"pusher:pong\"}") },
		{ 0, TEXT("{\"event\":\"nobody-knows-me\",\"data\":1}") },
		{ 0, TEXT("{\"event\":\"pusher:resume\"}") },
		{ 0, TEXT("{\"event\":\"pusher_internal:member_added\",\"channel\":\"room-0\"}") },
		{ 0, TEXT("{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"none\"}}") },
	};
	size_t i = pick(c->world, ARRAY_LEN(ROWS));

	if (ROWS[i].code) {
		say_nonsense(c, ROWS[i].code, ROWS[i].text);
	} else {
		say(c, ROWS[i].text);
		client_ask(c, ASK_SILENT);
	}
}

static void leave_with(struct client *c, uint16_t code, bool has_error_first)
{
	struct ask *a = client_ask(c, ASK_CLOSE);

	a->code = code;
	a->has_error_first = has_error_first;
	c->state = CLIENT_LEAVING;
}

void client_break(struct client *c)
{
	/* Whole frames with the mask 0; a declared length of 2^32 for the last one. */
	static const struct {
		uint16_t code;
		bool has_error_first;
		str bytes;
		const char *what;
	} ROWS[] = {
		{ 1002, false, TEXT("\x81\x02hi"), "an unmasked frame" },
		{ 1002, false, TEXT("\xa1\x80\0\0\0\0"), "a reserved bit" },
		{ 1002, false, TEXT("\x83\x80\0\0\0\0"), "an unknown opcode" },
		{ 1002, false, TEXT("\x09\x80\0\0\0\0"), "a fragmented ping" },
		{ 1002, false, TEXT("\x89\xfe\0\x7e\0\0\0\0"), "a large ping" },
		{ 1002, false, TEXT("\x80\x80\0\0\0\0"), "a continuation of nothing" },
		{ 1002, false, TEXT("\x01\x81\0\0\0\0x\x81\x81\0\0\0\0x"),
		  "an interleaved message" },
		{ 1002, false, TEXT("\x88\x82\0\0\0\0\x03\xed"), "a Close with code 1005" },
		{ 1002, false, TEXT("\x88\x81\0\0\0\0x"), "a Close of one byte" },
		{ 1007, false, TEXT("\x81\x82\0\0\0\0\xc0\x80"), "bad UTF-8" },
		{ 1007, false, TEXT("\x01\x81\0\0\0\0\xe2\x80\x81\0\0\0\0x"), "cut UTF-8" },
		{ 1009, true, TEXT("\x81\xff\0\0\0\1\0\0\0\0\0\0\0\0some"), "a huge message" },
	};
	size_t i = pick(c->world, ARRAY_LEN(ROWS));

	trace_say(c->world->trace, c->name, '>', "%s", ROWS[i].what);
	buf_puts(&c->out, ROWS[i].bytes);
	leave_with(c, ROWS[i].code, ROWS[i].has_error_first);
}

/* Ways to go */

void client_close(struct client *c)
{
	static const uint16_t CODES[] = { 0, 1000, 1001, 3000, 4999 };
	uint16_t code = CODES[pick(c->world, ARRAY_LEN(CODES))];

	trace_say(c->world->trace, c->name, '>', "Close %u", code);
	wire_put_close(&c->out, code, draw_mask(c));
	leave_with(c, code, false);
}

void client_half_close(struct client *c)
{
	trace_note(c->world->trace, c->name, "ends its own stream");
	c->is_half_closed = true;
	client_change(c);
}

bool client_is_behind(const struct client *c)
{
	uint64_t now_us = sim_now_us(c->world->sim);

	return c->to_go_at_us && now_us - c->to_go_at_us >= GRACE_US &&
	       now_us - c->heard_at_us <= STREAM_GAP_US_MAX;
}

bool client_was_absent(const struct client *c)
{
	uint64_t now_us = sim_now_us(c->world->sim);

	return c->was_absent || c->has_slept ||
	       (c->is_paused && now_us - c->paused_at_us >= GRACE_US);
}

void client_pause(struct client *c, bool is_paused)
{
	if (is_paused)
		c->paused_at_us = sim_now_us(c->world->sim);
	else
		c->was_absent = client_was_absent(c);
	trace_note(c->world->trace, c->name, is_paused ? "stops reading" : "reads again");
	c->is_paused = is_paused;
	client_change(c);
	tunnel_pause(c->peer, is_paused);
}

void client_die(struct client *c)
{
	client_pause(c, true);
	c->is_dead = true;
}
