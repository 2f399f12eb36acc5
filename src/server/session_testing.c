#include "server/session_testing.h"

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "codec/pusher.h"
#include "io/unlucky.h"
#include "server/server.h"

#define PEERS_MAX 64
#define MAILS_MAX 64
/* So that memory which a test lets fail is never ours. */
#define HEARD_ROOM 16384

struct note {
	uint32_t kind;
	void *record;
};

struct notes {
	struct note all[MAILS_MAX];
	size_t n, taken;
};

static struct {
	struct worker worker;
	struct server_options options;
	struct app_table *apps;
	struct app *app;
	struct hub *hub;
	struct notes to_hub, to_worker;
	struct peer *peers[PEERS_MAX];
	size_t n_peers;
	struct admission admission;
	struct activities activities;
	struct clock clock;
	struct rng rng;
	struct {
		struct timer *timer;
		uint64_t due_ms;
	} armed[PEERS_MAX];
	unsigned n_armed;
	uint64_t fail_nth;
	int64_t live_bytes;
} world;

static struct peer *peer_of(const struct conn *c)
{
	return container_of(c, struct peer, conn);
}

/* Mail */

static void *note_add(struct notes *n, uint32_t kind, size_t bytes)
{
	assert_true(n->n < MAILS_MAX);
	n->all[n->n] = (struct note){ kind, bytes > 4096 ? try_alloc(bytes) : xalloc(bytes) };
	return n->all[n->n].record ? n->all[n->n++].record : NULL;
}

void *outbox_add(struct outbox *o, uint32_t kind, size_t bytes)
{
	return note_add(&world.to_hub, kind, bytes);
}

static void *sink_mail(void *ctx, unsigned worker, enum mail_to_worker kind, size_t bytes)
{
	return note_add(&world.to_worker, kind, bytes);
}

static struct note *note_take(struct notes *n)
{
	if (n->taken == n->n) {
		n->taken = n->n = 0;
		return NULL;
	}
	return &n->all[n->taken++];
}

static void answered(struct conn *c)
{
	assert_true(c->awaits_hub);
	c->awaits_hub = false;
}

static void deliver(const struct to_worker_deliver *d)
{
	const struct local_channel *ch = d->local;

	for (uint32_t i = 0; i < ch->n; i++) {
		if (!socket_id_eq(ch->entries[i].conn->id, d->exclude))
			conn_send(ch->entries[i].conn, msg_ref(d->frame));
	}
	msg_unref(d->frame);
}

static void close_all(const struct to_worker_close *m)
{
	const struct local_channel *ch = m->local;

	while (ch->n > 0)
		conn_refuse(ch->entries[0].conn, (uint16_t)m->code, m->reason);
}

static void take_mail(const struct note *n)
{
	const struct to_worker_answer *answer = n->record;
	const struct to_worker_connected *connected = n->record;
	const struct to_worker_subscribed *subscribed = n->record;
	const struct to_worker_released *released = n->record;

	switch (n->kind) {
	case TO_WORKER_CONNECTED:
		session_on_connected(connected->conn, connected);
		answered(connected->conn);
		return;
	case TO_WORKER_SUBSCRIBED:
		session_on_subscribed(subscribed->conn, subscribed);
		answered(subscribed->conn);
		return;
	case TO_WORKER_RELEASED:
		local_release(released->local);
		return;
	case TO_WORKER_DELIVER:
		deliver(n->record);
		return;
	case TO_WORKER_CLOSE:
		close_all(n->record);
		return;
	case TO_WORKER_ANSWER:
		assert_int_equal(answer->result, ANSWER_OK);
		msg_unref(answer->body);
		return;
	}
	fail_msg("mail of kind %u", n->kind);
}

/* In rounds, as a worker does: first the hub takes all, then the worker. */
void world_settle(void)
{
	struct note *n;

	while (world.to_hub.n > 0 || world.to_worker.n > 0) {
		while ((n = note_take(&world.to_hub))) {
			hub_take(world.hub, 0, n->kind & 0xff, n->record);
			xfree(n->record);
		}
		hub_end_batch(world.hub);
		while ((n = note_take(&world.to_worker))) {
			take_mail(n);
			xfree(n->record);
		}
	}
}

/* Time */

#ifdef SOCKUDO_UNLUCKY
bool loop_is_unlucky(const struct loop *l, enum unlucky point)
{
	return false;
}
#endif

const struct clock *loop_clock(const struct loop *l)
{
	return &world.clock;
}

struct rng *loop_rng(struct loop *l)
{
	return &world.rng;
}

static void fill(void *ctx, void *p, size_t n)
{
	memset(p, 7, n);
}

void timer_init(struct timer *t, void (*on_due)(struct timer *t))
{
	t->on_due = on_due;
}

void timer_disarm(struct timer *t)
{
	for (size_t i = 0; i < ARRAY_LEN(world.armed); i++) {
		if (world.armed[i].timer == t)
			world.armed[i].timer = NULL;
	}
}

void timer_arm(struct loop *l, struct timer *t, uint64_t delay_ms)
{
	size_t i = 0;

	timer_disarm(t);
	while (world.armed[i].timer)
		i++;
	world.armed[i].timer = t;
	world.armed[i].due_ms = clock_ms(&world.clock) + delay_ms;
	world.n_armed++;
}

unsigned world_n_armed(void)
{
	return world.n_armed;
}

static void run_timers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(world.armed); i++) {
		struct timer *t = world.armed[i].timer;

		if (t && world.armed[i].due_ms <= clock_ms(&world.clock)) {
			world.armed[i].timer = NULL;
			session_on_timer(container_of(t, struct conn, timer));
		}
	}
}

void world_pass_s(unsigned s)
{
	for (unsigned i = 0; i < 10 * s; i++) {
		world.clock.mono_ns += 100 * UINT64_C(1000000);
		run_timers();
	}
	world_settle();
}

/* Connections */

uint32_t conn_now_s(const struct conn *c)
{
	return (uint32_t)(clock_ms(&world.clock) / 1000);
}

bool out_has_pending(const struct conn *c)
{
	return peer_of(c)->has_pending;
}

static void remember(struct peer *p, const struct msg *m)
{
	str text = msg_payload(m);

	switch (m->bytes[0] & 0x0f) {
	case WS_TEXT:
		buf_puts(&p->heard, text);
		break;
	case WS_PONG:
		buf_puts(&p->heard, S("PONG "));
		buf_puts(&p->heard, text);
		break;
	case WS_CLOSE:
		buf_puts(&p->heard, S("CLOSE"));
		if (text.n >= 2)
			buf_printf(&p->heard, " %d %.*s",
				   (uint8_t)text.p[0] << 8 | (uint8_t)text.p[1],
				   STR_ARG(str_skip(text, 2)));
		break;
	default:
		fail_msg("a frame of opcode %d", m->bytes[0] & 0x0f);
	}
	buf_putc(&p->heard, '\n');
}

void conn_send(struct conn *c, struct msg *m)
{
	bool is_deaf = c->phase == CONN_CLOSING || c->phase == CONN_ENDED;

	c->is_overflowed |= !m;
	if (!is_deaf && !m)
		buf_puts(&peer_of(c)->heard, S("LOST\n"));
	else if (!is_deaf)
		remember(peer_of(c), m);
	msg_unref(m);
}

static struct to_hub_leave *leave_record(struct conn *c, uint32_t n)
{
	struct to_hub_leave *r =
		worker_mail(c->worker, TO_HUB_LEAVE, sizeof(*r) + n * sizeof(r->entries[0]));

	*r = (struct to_hub_leave){ .app = conn_app(c), .n = n };
	return r;
}

static void leave_channels(struct conn *c)
{
	while (c->subs.n > 0) {
		struct sub *s = subs_at(&c->subs);

		leave_record(c, 1)->entries[0] =
			(struct to_hub_leave_entry){ s->local->channel, s->membership };
		subs_leave(c, s);
	}
}

static void give_place(struct conn *c)
{
	conn_uncount(c);
	if (c->is_admitted)
		admission_give_back(c->worker->admission);
	c->is_admitted = false;
}

static void begin_closing(struct conn *c)
{
	leave_channels(c);
	give_place(c);
	c->phase = CONN_CLOSING;
	timer_disarm(&c->timer);
}

void conn_close(struct conn *c, uint16_t code, str reason)
{
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
	c->finishes = true;
	begin_closing(c);
}

void conn_uncount(struct conn *c)
{
	if (c->is_counted)
		leave_record(c, 0)->is_disconnect = true;
	c->is_counted = false;
}

void conn_end(struct conn *c)
{
	if (c->phase == CONN_ENDED)
		return;
	leave_channels(c);
	give_place(c);
	ws_reader_fini(&c->reader);
	xfree(c->user);
	c->user = NULL;
	if (c->local_app)
		local_app_left(c->local_app);
	timer_disarm(&c->timer);
	c->phase = CONN_ENDED;
}

void conn_await_hub(struct conn *c)
{
	assert_false(c->awaits_hub);
	c->awaits_hub = true;
}

/* The world */

int world_setup(void **state)
{
	struct hash_key key = { 0 };
	struct worker *w = &world.worker;

	memset(&world, 0, sizeof(world));
	world.live_bytes = mem_live_bytes();
	world.clock.mono_ns = 5000 * UINT64_C(1000100000);
	world.options = (struct server_options){
		.activity_timeout_s = 120,
		.user_authentication_timeout_s = 3600,
		.message_bytes_max = 65536,
		.message_bytes_setting = S("websocket_max_payload_kb"),
		.frame_bytes_max = 1 << 24,
	};
	rng_init(&world.rng, fill, NULL);
	world.apps = app_table_new(key);
	world.app = app_table_add(world.apps, S("app-id"), S("app-key"), S("app-secret"));
	world.hub =
		hub_new(world.apps, 1, key, &world.clock, (struct hub_sink){ .mail = sink_mail });
	w->options = &world.options;
	w->apps = world.apps;
	w->local_apps = xnew(struct local_app *);
	w->local_apps[0] = local_app_new(world.app, &w->hash_key,
					 activity_get(&world.activities, 0, S("app-id")));
	w->unknown = activity_get(&world.activities, 0, ACTIVITY_UNKNOWN);
	w->admission = &world.admission;
	arena_init(&w->arena, 4096);
	w->pong = pusher_event_new(S("pusher:pong"), (str){ 0 }, S("{}"), (str){ 0 });
	w->ping = pusher_event_new(S("pusher:ping"), (str){ 0 }, S("{}"), (str){ 0 });
	return 0;
}

int world_teardown(void **state)
{
	struct worker *w = &world.worker;

	for (size_t i = 0; i < world.n_peers; i++)
		conn_end(&world.peers[i]->conn);
	world_settle();
	for (size_t i = 0; i < world.n_peers; i++) {
		assert_false(world.peers[i]->conn.awaits_hub);
		buf_fini(&world.peers[i]->heard);
		xfree(world.peers[i]);
	}
	assert_int_equal(atomic_load(&world.admission.n_sessions), 0);
	activities_fini(&world.activities);
	local_app_free(w->local_apps[0]);
	xfree(w->local_apps);
	hub_free(world.hub);
	app_table_free(world.apps);
	arena_fini(&w->arena);
	msg_unref(w->pong);
	msg_unref(w->ping);
	assert_int_equal(mem_live_bytes(), world.live_bytes);
	return 0;
}

struct app *world_app(void)
{
	return world.app;
}

struct server_options *world_options(void)
{
	return &world.options;
}

void world_limit_sessions(size_t n)
{
	world.options.max_connections = (uint32_t)n;
}

struct app_counts world_count(void)
{
	return hub_count(world.hub, world.app);
}

/* The data is the text "d". Nobody waits for the answer. */
void world_publish(const char *channel, const char *event)
{
	str name = str_from_cstr(event), data = S("\"d\""), to = str_from_cstr(channel);
	uint16_t to_len = (uint16_t)to.n;
	size_t bytes = mail_padded(offsetof(struct published_event, text) + name.n + data.n +
				   sizeof(to_len) + to.n);
	struct to_hub_publish *r =
		note_add(&world.to_hub, TO_HUB_PUBLISH, mail_events_offset(0) + bytes);
	struct published_event *e = (void *)((char *)r + mail_events_offset(0));
	char *at = e->text;

	*r = (struct to_hub_publish){ .app = world.app, .n_events = 1 };
	*e = (struct published_event){
		.bytes = (uint32_t)bytes,
		.exclude = SOCKET_ID_NONE,
		.n_channels = 1,
		.name_len = (uint32_t)name.n,
		.data_len = (uint32_t)data.n,
	};
	at = mempcpy(at, name.p, name.n);
	at = mempcpy(at, data.p, data.n);
	at = mempcpy(at, &to_len, sizeof(to_len));
	memcpy(at, to.p, to.n);
	world_settle();
}

void world_close_user(const char *user_id, enum pusher_code code, const char *reason)
{
	str prefix = S(CHANNEL_USER_PREFIX);
	size_t n = prefix.n + strlen(user_id);
	struct to_hub_close_user *r = note_add(&world.to_hub, TO_HUB_CLOSE_USER, sizeof(*r) + n);

	*r = (struct to_hub_close_user){
		.app = world.app,
		.code = code,
		.reason = str_from_cstr(reason),
		.channel_len = (uint32_t)n,
	};
	memcpy(mempcpy(r->text, prefix.p, prefix.n), user_id, n - prefix.n);
	world_settle();
}

/* Peers */

struct peer *peer_begin(const char *key, const char *origin)
{
	struct peer *p = xnew(struct peer);

	assert_true(world.n_peers < PEERS_MAX);
	world.peers[world.n_peers++] = p;
	buf_init(&p->heard, SIZE_MAX / 2);
	buf_reserve(&p->heard, HEARD_ROOM);
	p->conn.worker = &world.worker;
	subs_init(&p->conn.subs);
	session_begin(&p->conn, app_by_key(world.apps, str_from_cstr(key)), str_from_cstr(origin));
	return p;
}

struct peer *peer_open(unsigned n)
{
	struct peer *p = peer_begin("app-key", "");

	world_settle();
	assert_int_equal(p->conn.phase, CONN_OPEN);
	p->conn.id = (struct socket_id){ 1234, 5678 + n };
	buf_clear(&p->heard);
	return p;
}

void world_fail_nth(uint64_t n)
{
	mem_fail_nth(0);
	world.fail_nth = n;
}

void peer_feed(struct peer *p, str bytes)
{
	if (world.fail_nth > 0)
		mem_fail_nth(world.fail_nth);
	world.fail_nth = 0;
	while (bytes.n > 0 && p->conn.phase != CONN_ENDED && !p->conn.awaits_hub)
		session_feed(&p->conn, &bytes);
	arena_reset(&world.worker.arena);
}

str frame_new(struct arena *a, uint8_t first_byte, str payload)
{
	static const uint8_t KEY[4] = { 1, 2, 3, 4 };
	uint8_t *p = arena_alloc(a, WS_HEADER_MAX + sizeof(KEY) + payload.n);
	size_t n = ws_header_write(p, WS_TEXT, payload.n);

	p[0] = first_byte;
	p[1] |= 0x80;
	memcpy(p + n, KEY, sizeof(KEY));
	n += sizeof(KEY);
	if (payload.n > 0)
		memcpy(p + n, payload.p, payload.n);
	ws_mask(p + n, payload.n, KEY, 0);
	return (str){ (char *)p, n + payload.n };
}

static void say(struct peer *p, uint8_t first_byte, str payload)
{
	struct arena a;

	arena_init(&a, 0);
	peer_feed(p, frame_new(&a, first_byte, payload));
	arena_fini(&a);
}

void peer_say_unsettled(struct peer *p, str text)
{
	say(p, 0x80 | WS_TEXT, text);
}

void peer_say_bytes(struct peer *p, uint8_t first_byte, str payload)
{
	say(p, first_byte, payload);
	world_settle();
}

void peer_say(struct peer *p, str text)
{
	peer_say_bytes(p, 0x80 | WS_TEXT, text);
}

/* data with p NULL: nothing follows. */
static void sign(struct peer *p, str what, str data, char hex[SHA256_HEX_LEN])
{
	char id[SOCKET_ID_TEXT_MAX];
	struct hmac h;

	hmac_begin(&h, &world.app->hmac);
	hmac_add(&h, socket_id_format(p->conn.id, id));
	hmac_add(&h, S(":"));
	hmac_add(&h, what);
	if (data.p) {
		hmac_add(&h, S(":"));
		hmac_add(&h, data);
	}
	hmac_end_hex(&h, &world.app->hmac, hex);
}

void peer_subscribe_unsettled(struct peer *p, const char *channel, const char *channel_data)
{
	char hex[SHA256_HEX_LEN];
	struct buf b;

	sign(p, str_from_cstr(channel), channel_data ? str_from_cstr(channel_data) : (str){ 0 },
	     hex);
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b,
		   "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s\",\"auth\":\""
		   "app-key:%.64s\"",
		   channel, hex);
	if (channel_data) {
		buf_puts(&b, S(",\"channel_data\":"));
		jw_string(&b, str_from_cstr(channel_data));
	}
	buf_puts(&b, S("}}"));
	peer_say_unsettled(p, buf_str(&b));
	buf_fini(&b);
}

void peer_subscribe(struct peer *p, const char *channel, const char *channel_data)
{
	peer_subscribe_unsettled(p, channel, channel_data);
	world_settle();
}

void peer_sign_in_unsettled(struct peer *p, const char *user_data)
{
	char hex[SHA256_HEX_LEN];
	struct buf b;

	sign(p, S(":user:"), str_from_cstr(user_data), hex);
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(
		&b,
		"{\"event\":\"pusher:signin\",\"data\":{\"auth\":\"app-key:%.64s\",\"user_data\":",
		hex);
	jw_string(&b, str_from_cstr(user_data));
	buf_puts(&b, S("}}"));
	peer_say_unsettled(p, buf_str(&b));
	buf_fini(&b);
}

void peer_sign_in(struct peer *p, const char *user_data)
{
	peer_sign_in_unsettled(p, user_data);
	world_settle();
}

void peer_assert_heard(struct peer *p, const char *lines, const char *file, int line)
{
	testing_assert_str(buf_str(&p->heard), str_from_cstr(lines), file, line);
	buf_clear(&p->heard);
}
