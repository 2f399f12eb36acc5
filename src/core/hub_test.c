/* hub_test.c: two workers talk to a hub. What it answers is written down as lines of text, one per record, so that a test reads as
 * the conversation it promises. Workers, locals and connections are small numbers dressed as pointers. */
#include "core/hub.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"
#include "core/channel_name.h"

#define AS_POINTER(n) ((void *)(uintptr_t)(n))

struct fixture {
	struct app_table *apps;
	struct app *app;
	struct hub *hub;
	struct clock clock;
	struct buf said;
	_Alignas(8) char record[128];
	enum mail_to_worker kind;
	unsigned worker;
	char *last;
	struct channel *channel;       /* of the last answer to a subscribe */
	struct membership *membership;
	int64_t live_before;
};

static unsigned number(const void *p)
{
	return (unsigned)(uintptr_t)p;
}

static void say_frame(struct buf *b, struct msg *m)
{
	buf_putc(b, ' ');
	if (m)
		buf_puts(b, msg_payload(m));
	msg_unref(m);
}

/* Writes down the record that was reserved last: only now is it filled. */
static void write_down(struct fixture *f)
{
	const void *r = f->last;

	if (!r)
		return;
	f->last = NULL;
	buf_printf(&f->said, "%u ", f->worker);
	if (f->kind == TO_WORKER_CONNECTED) {
		const struct to_worker_connected *c = r;

		buf_printf(&f->said, "connected %u%s", number(c->conn), c->over_quota ? " over quota" : "");
	} else if (f->kind == TO_WORKER_SUBSCRIBED) {
		const struct to_worker_subscribed *s = r;

		buf_printf(&f->said, "subscribed %u%s%s", number(s->conn), s->is_repeat ? " again" : "",
			   s->over_capacity ? " full" : "");
		if (s->roster)
			say_frame(&f->said, s->roster);
		if (s->follow)
			say_frame(&f->said, s->follow);
		f->channel = s->channel;
		f->membership = s->membership;
	} else if (f->kind == TO_WORKER_RELEASED) {
		buf_printf(&f->said, "released %u", number(((const struct to_worker_released *)r)->local));
	} else if (f->kind == TO_WORKER_DELIVER) {
		const struct to_worker_deliver *d = r;

		buf_printf(&f->said, "deliver %u", number(d->local));
		say_frame(&f->said, d->frame);
	} else if (f->kind == TO_WORKER_CLOSE) {
		const struct to_worker_close *c = r;

		buf_printf(&f->said, "close %u %u %.*s", number(c->local), c->code, STR_ARG(c->reason));
	} else {
		const struct to_worker_answer *a = r;

		buf_printf(&f->said, "answer %u %u", number(a->conn), a->result);
		say_frame(&f->said, a->body);
	}
	buf_putc(&f->said, '\n');
}

static void *on_mail(void *ctx, unsigned worker, enum mail_to_worker kind, size_t bytes)
{
	struct fixture *f = ctx;

	write_down(f);
	assert_true(bytes <= sizeof f->record);
	f->kind = kind;
	f->worker = worker;
	f->last = f->record;
	return f->last;
}

/* Everything said since the last call. */
#define assert_said(f, want)                                                                       \
	do {                                                                                       \
		write_down(f);                                                                     \
		assert_str(buf_str(&(f)->said), S(want));                                          \
		buf_clear(&(f)->said);                                                             \
	} while (0)

static int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);
	struct hash_key key = { 1, 2 };

	f->live_before = mem_live_bytes();
	buf_init(&f->said, 65536);
	f->apps = app_table_new(key);
	f->app = app_table_add(f->apps, S("app-id"), S("app-key"), S("app-secret"));
	f->hub = hub_new(f->apps, 2, key, &f->clock, (struct hub_sink){ on_mail, f });
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	hub_free(f->hub);
	app_table_free(f->apps);
	buf_fini(&f->said);
	assert_int_equal(mem_live_bytes(), f->live_before);
	xfree(f);
	return 0;
}

/* What workers say */

static void ask_connect(struct fixture *f, unsigned worker, unsigned conn)
{
	struct to_hub_connect r = { .conn = AS_POINTER(conn), .app = f->app, .wants_answer = true };

	hub_take(f->hub, worker, TO_HUB_CONNECT, &r);
}

static void tell_disconnect(struct fixture *f, unsigned worker)
{
	struct to_hub_leave r = { .app = f->app, .is_disconnect = true };

	hub_take(f->hub, worker, TO_HUB_LEAVE, &r);
}

struct place {
	unsigned worker;
	struct channel *channel;
	struct membership *membership;
};

static struct place ask_subscribe(struct fixture *f, unsigned worker, unsigned conn, unsigned local, str name, str user_id,
				  str user_info)
{
	union {
		struct to_hub_subscribe r;
		char room[512];
	} u = { .r = { .conn = AS_POINTER(conn), .local = AS_POINTER(local), .app = f->app, .traits = channel_traits(name) } };
	char *p = u.r.text;

	u.r.name_len = (uint32_t)name.n;
	u.r.user_id_len = (uint32_t)user_id.n;
	u.r.user_info_len = (uint32_t)user_info.n;
	memcpy(p, name.p, name.n);
	memcpy(p + name.n, user_id.p, user_id.n);
	memcpy(p + name.n + user_id.n, user_info.p, user_info.n);
	hub_take(f->hub, worker, TO_HUB_SUBSCRIBE, &u.r);
	write_down(f);
	return (struct place){ worker, f->channel, f->membership };
}

static struct place ask_public(struct fixture *f, unsigned worker, unsigned conn, unsigned local, str name)
{
	return ask_subscribe(f, worker, conn, local, name, S(""), S(""));
}

static void tell_leave(struct fixture *f, struct place p)
{
	union {
		struct to_hub_leave r;
		char room[sizeof(struct to_hub_leave) + sizeof(struct to_hub_leave_entry)];
	} u = { .r = { .app = f->app, .n = 1 } };

	u.r.entries[0] = (struct to_hub_leave_entry){ p.channel, p.membership };
	hub_take(f->hub, p.worker, TO_HUB_LEAVE, &u.r);
}

struct test_event {
	str name, data, channels[2];
	uint32_t info;
	str key;
};

static void put_event(struct buf *b, const struct test_event *e)
{
	size_t at = b->len;
	struct published_event h = { .info = e->info, .has_info = e->info != 0, .exclude = SOCKET_ID_NONE };

	h.name_len = (uint32_t)e->name.n;
	h.data_len = (uint32_t)e->data.n;
	h.key_len = (uint32_t)e->key.n;
	buf_put(b, &h, offsetof(struct published_event, text));
	buf_puts(b, e->name);
	buf_puts(b, e->data);
	buf_puts(b, e->key);
	for (; h.n_channels < 2 && e->channels[h.n_channels].n; h.n_channels++) {
		uint16_t n = (uint16_t)e->channels[h.n_channels].n;

		buf_put(b, &n, sizeof n);
		buf_puts(b, e->channels[h.n_channels]);
	}
	while (b->len % 8)
		buf_putc(b, 0);
	h.bytes = (uint32_t)(b->len - at);
	memcpy(b->p + at, &h, offsetof(struct published_event, text));
}

static void ask_publish_keyed(struct fixture *f, unsigned worker, unsigned conn, bool is_batch, const struct test_event *e,
			      uint32_t n, str batch_key)
{
	struct to_hub_publish r = { .conn = AS_POINTER(conn), .app = f->app, .n_events = n, .is_batch = is_batch };
	struct buf b;

	r.key_len = (uint32_t)batch_key.n;
	buf_init(&b, 4096);
	buf_put(&b, &r, offsetof(struct to_hub_publish, text));
	buf_puts(&b, batch_key);
	while (b.len < mail_events_offset(batch_key.n))
		buf_putc(&b, 0);
	for (uint32_t i = 0; i < n; i++)
		put_event(&b, &e[i]);
	hub_take(f->hub, worker, TO_HUB_PUBLISH, b.p);
	buf_fini(&b);
}

static void ask_publish(struct fixture *f, unsigned worker, unsigned conn, bool is_batch, const struct test_event *e, uint32_t n)
{
	ask_publish_keyed(f, worker, conn, is_batch, e, n, S(""));
}

static void ask_close_user(struct fixture *f, str user_id)
{
	union {
		struct to_hub_close_user r;
		char room[128];
	} u = { .r = { .conn = AS_POINTER(9), .app = f->app, .code = 4009, .reason = S("bye") } };

	u.r.user_id_len = (uint32_t)user_id.n;
	memcpy(u.r.text, user_id.p, user_id.n);
	hub_take(f->hub, 0, TO_HUB_CLOSE_USER, &u.r);
}

static struct place ask_sign_in(struct fixture *f, unsigned worker, unsigned conn, unsigned local, str channel, str watchlist)
{
	return ask_subscribe(f, worker, conn, local, channel, S(""), watchlist);
}

static void ask_query(struct fixture *f, enum hub_query kind, str text, uint32_t info)
{
	union {
		struct to_hub_query r;
		char room[256];
	} u = { .r = { .conn = AS_POINTER(9), .app = f->app, .kind = kind, .info = info, .has_info = info != 0 } };

	u.r.text_len = (uint32_t)text.n;
	memcpy(u.r.text, text.p, text.n);
	hub_take(f->hub, 0, TO_HUB_QUERY, &u.r);
}

/* Promises */

static void quota_counts_and_frees_connections(void **state)
{
	struct fixture *f = *state;

	f->app->limits.max_connections = 2;
	ask_connect(f, 0, 1);
	ask_connect(f, 1, 2);
	ask_connect(f, 0, 3);
	assert_said(f, "0 connected 1\n1 connected 2\n0 connected 3 over quota\n");
	tell_disconnect(f, 1);
	ask_connect(f, 0, 4);
	assert_said(f, "0 connected 4\n");
	assert_int_equal(hub_count(f->hub, f->app).connections, 2);
	tell_disconnect(f, 0);
	tell_disconnect(f, 0);
}

static void event_goes_once_to_each_worker_with_subscribers(void **state)
{
	struct fixture *f = *state;
	struct test_event e = { S("e"), S("\"1\""), { S("news") }, 0, S("") };
	struct place a = ask_public(f, 0, 1, 10, S("news")), b = ask_public(f, 0, 2, 10, S("news")),
		     c = ask_public(f, 1, 3, 20, S("news"));

	assert_said(f, "0 subscribed 1\n0 subscribed 2\n1 subscribed 3\n");
	ask_publish(f, 1, 7, false, &e, 1);
	assert_said(f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"news\",\"data\":\"1\"}\n"
		       "1 deliver 20 {\"event\":\"e\",\"channel\":\"news\",\"data\":\"1\"}\n"
		       "1 answer 7 0 \n");
	tell_leave(f, a);
	assert_said(f, "");
	tell_leave(f, b);
	assert_said(f, "0 released 10\n");
	ask_publish(f, 1, 7, false, &e, 1);
	assert_said(f, "1 deliver 20 {\"event\":\"e\",\"channel\":\"news\",\"data\":\"1\"}\n1 answer 7 0 \n");
	tell_leave(f, c);
	assert_said(f, "1 released 20\n");
	assert_int_equal(hub_count(f->hub, f->app).channels, 0);
}

static void rejoin_after_release_may_bring_another_local(void **state)
{
	struct fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("x") }, 0, S("") };

	tell_leave(f, ask_public(f, 0, 1, 10, S("x")));
	struct place p = ask_public(f, 0, 1, 11, S("x"));
	ask_publish(f, 0, 7, false, &e, 1);
	tell_leave(f, p);
	assert_said(f, "0 subscribed 1\n0 released 10\n0 subscribed 1\n"
		       "0 deliver 11 {\"event\":\"e\",\"channel\":\"x\",\"data\":1}\n0 answer 7 0 \n0 released 11\n");
}

static void presence_member_leaves_once_when_its_last_connection_does(void **state)
{
	struct fixture *f = *state;
	str room = S("presence-room");
	struct place tab1 = ask_subscribe(f, 0, 1, 10, room, S("alice"), S("{\"n\": 1}"));
	struct place tab2 = ask_subscribe(f, 1, 2, 20, room, S("alice"), S("{\"n\":2}"));
	struct place bob = ask_subscribe(f, 1, 3, 20, room, S("bob"), S(""));

	assert_said(
		f,
		"0 subscribed 1 {\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"presence-room\",\"data\":"
		"\"{\\\"presence\\\":{\\\"ids\\\":[\\\"alice\\\"],\\\"hash\\\":{\\\"alice\\\":{\\\"n\\\": 1}},\\\"count\\\":1}}\"}\n"
		"1 subscribed 2 {\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"presence-room\",\"data\":"
		"\"{\\\"presence\\\":{\\\"ids\\\":[\\\"alice\\\"],\\\"hash\\\":{\\\"alice\\\":{\\\"n\\\": 1}},\\\"count\\\":1}}\"}\n"
		"0 deliver 10 {\"event\":\"pusher_internal:member_added\",\"channel\":\"presence-room\",\"data\":"
		"\"{\\\"user_id\\\":\\\"bob\\\",\\\"user_info\\\":{}}\"}\n"
		"1 deliver 20 {\"event\":\"pusher_internal:member_added\",\"channel\":\"presence-room\",\"data\":"
		"\"{\\\"user_id\\\":\\\"bob\\\",\\\"user_info\\\":{}}\"}\n"
		"1 subscribed 3 {\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"presence-room\",\"data\":"
		"\"{\\\"presence\\\":{\\\"ids\\\":[\\\"alice\\\",\\\"bob\\\"],\\\"hash\\\":{\\\"alice\\\":{\\\"n\\\": 1},\\\"bob\\\":{}},"
		"\\\"count\\\":2}}\"}\n");
	assert_int_equal(hub_count(f->hub, f->app).presence_members, 2);
	tell_leave(f, tab1);
	assert_said(f, "0 released 10\n");
	tell_leave(f, tab2);
	assert_said(f, "1 deliver 20 {\"event\":\"pusher_internal:member_removed\",\"channel\":\"presence-room\",\"data\":"
		       "\"{\\\"user_id\\\":\\\"alice\\\"}\"}\n");
	tell_leave(f, bob);
	assert_said(f, "1 released 20\n");
}

static void oldest_live_connection_shows_its_user_info(void **state)
{
	struct fixture *f = *state;
	str room = S("presence-r");
	struct place a = ask_subscribe(f, 0, 1, 10, room, S("u"), S("1"));
	struct place b = ask_subscribe(f, 0, 2, 10, room, S("u"), S("2"));

	tell_leave(f, a);
	buf_clear(&f->said);
	tell_leave(f, ask_subscribe(f, 0, 3, 10, room, S("u"), S("3")));
	assert_said(f, "0 subscribed 3 {\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"presence-r\",\"data\":"
		       "\"{\\\"presence\\\":{\\\"ids\\\":[\\\"u\\\"],\\\"hash\\\":{\\\"u\\\":2},\\\"count\\\":1}}\"}\n");
	tell_leave(f, b);
	assert_said(f, "0 released 10\n");
}

static void full_presence_channel_refuses_new_users_only(void **state)
{
	struct fixture *f = *state;
	str room = S("presence-r");

	f->app->limits.max_presence_members_per_channel = 1;
	struct place a = ask_subscribe(f, 0, 1, 10, room, S("u"), S("1"));
	buf_clear(&f->said);
	struct place b = ask_subscribe(f, 1, 2, 20, room, S("v"), S("1"));
	assert_said(f, "1 subscribed 2 full\n");
	assert_null(b.channel);
	tell_leave(f, ask_subscribe(f, 1, 3, 20, room, S("u"), S("1")));
	assert_int_equal(hub_count(f->hub, f->app).subscriptions, 1);
	tell_leave(f, a);
	f->app->limits.max_presence_members_per_channel = 0;
	ask_subscribe(f, 0, 1, 10, room, S("u"), S("1"));
	assert_int_equal(hub_count(f->hub, f->app).channels, 0);
}

static void batch_is_delivered_in_order_and_answered_per_item(void **state)
{
	struct fixture *f = *state;
	struct test_event events[] = {
		{ S("a"), S("1"), { S("x"), S("y") }, INFO_SUBSCRIPTION_COUNT, S("") },
		{ S("b"), S("2"), { S("x") }, 0, S("") },
		{ S("c"), S("3"), { S("presence-none") }, INFO_USER_COUNT, S("") },
	};
	struct place x = ask_public(f, 0, 1, 10, S("x"));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, true, events, 3);
	assert_said(f, "0 deliver 10 {\"event\":\"a\",\"channel\":\"x\",\"data\":1}\n"
		       "0 deliver 10 {\"event\":\"b\",\"channel\":\"x\",\"data\":2}\n"
		       "0 answer 7 0 {\"batch\":[{\"subscription_count\":1},{},{\"user_count\":0}]}\n");
	ask_publish(f, 0, 7, false, events, 1);
	assert_said(f, "0 deliver 10 {\"event\":\"a\",\"channel\":\"x\",\"data\":1}\n"
		       "0 answer 7 0 {\"channels\":{\"x\":{\"subscription_count\":1},\"y\":{\"subscription_count\":0}}}\n");
	tell_leave(f, x);
}

static void client_event_names_its_sender_on_presence_channels_only(void **state)
{
	struct fixture *f = *state;
	struct place places[] = { ask_subscribe(f, 0, 1, 10, S("presence-p"), S("u\""), S("")),
				  ask_public(f, 0, 1, 11, S("private-p")) };
	union {
		struct to_hub_client_event r;
		char room[128];
	} u;

	buf_clear(&f->said);
	for (int i = 0; i < 2; i++) {
		u.r = (struct to_hub_client_event){ .channel = places[i].channel, .membership = places[i].membership,
						    .sender = { 1, 2 }, .event_len = 8, .data_len = 4 };
		memcpy(u.r.text, "client-x1.50", 12);
		hub_take(f->hub, 0, TO_HUB_CLIENT_EVENT, &u.r);
	}
	assert_said(f, "0 deliver 10 {\"event\":\"client-x\",\"channel\":\"presence-p\",\"data\":1.50,\"user_id\":\"u\\\"\"}\n"
		       "0 deliver 11 {\"event\":\"client-x\",\"channel\":\"private-p\",\"data\":1.50}\n");
	tell_leave(f, places[0]);
	tell_leave(f, places[1]);
}

static void questions_are_answered_sorted_by_name(void **state)
{
	struct fixture *f = *state;
	struct place a = ask_public(f, 0, 1, 10, S("b")), b = ask_public(f, 0, 1, 11, S("a")),
		     c = ask_subscribe(f, 1, 1, 12, S("presence-c"), S("u"), S(""));

	buf_clear(&f->said);
	ask_query(f, QUERY_CHANNELS, S(""), 0);
	ask_query(f, QUERY_CHANNELS, S("presence-"), INFO_USER_COUNT);
	ask_query(f, QUERY_CHANNELS, S("p"), INFO_USER_COUNT);
	ask_query(f, QUERY_CHANNELS, S(""), INFO_USER_COUNT);
	ask_query(f, QUERY_CHANNELS, S(""), INFO_CACHE);
	ask_query(f, QUERY_CHANNEL, S("presence-c"), INFO_USER_COUNT | INFO_SUBSCRIPTION_COUNT);
	ask_query(f, QUERY_CHANNEL, S("nobody"), INFO_SUBSCRIPTION_COUNT);
	ask_query(f, QUERY_USERS, S("presence-c"), 0);
	ask_query(f, QUERY_USERS, S("presence-d"), 0);
	assert_said(f, "0 answer 9 0 {\"channels\":{\"a\":{},\"b\":{},\"presence-c\":{}}}\n"
		       "0 answer 9 0 {\"channels\":{\"presence-c\":{\"user_count\":1}}}\n"
		       "0 answer 9 0 {\"channels\":{\"presence-c\":{\"user_count\":1}}}\n"
		       "0 answer 9 1 \n"
		       "0 answer 9 0 {\"channels\":{}}\n"
		       "0 answer 9 0 {\"occupied\":true,\"subscription_count\":1,\"user_count\":1}\n"
		       "0 answer 9 0 {\"occupied\":false,\"subscription_count\":0}\n"
		       "0 answer 9 0 {\"users\":[{\"id\":\"u\"}]}\n"
		       "0 answer 9 0 {\"users\":[]}\n");
	tell_leave(f, a);
	tell_leave(f, b);
	tell_leave(f, c);
}

static void cache_channel_keeps_its_last_event_for_a_while(void **state)
{
	struct fixture *f = *state;
	struct test_event events[] = { { S("a"), S("1"), { S("cache-x") }, 0, S("") }, { S("b"), S("2"), { S("cache-x") }, 0, S("") } };

	tell_leave(f, ask_public(f, 0, 1, 10, S("cache-x")));
	ask_publish(f, 0, 7, true, events, 2);
	tell_leave(f, ask_public(f, 0, 2, 10, S("cache-x")));
	f->clock.mono_ns += 1500 * 1000000ull;
	ask_query(f, QUERY_CHANNEL, S("cache-x"), INFO_CACHE);
	f->clock.mono_ns += 3600 * 1000000000ull;
	ask_query(f, QUERY_CHANNEL, S("cache-x"), INFO_CACHE);
	tell_leave(f, ask_public(f, 0, 3, 10, S("cache-x")));
	assert_said(f, "0 subscribed 1 {\"event\":\"pusher:cache_miss\",\"channel\":\"cache-x\",\"data\":\"{}\"}\n0 released 10\n"
		       "0 answer 7 0 \n"
		       "0 subscribed 2 {\"event\":\"b\",\"channel\":\"cache-x\",\"data\":2}\n0 released 10\n"
		       "0 answer 9 0 {\"occupied\":false,\"cache\":{\"data\":\"{\\\"event\\\":\\\"b\\\",\\\"channel\\\":\\\"cache-x\\\","
		       "\\\"data\\\":2}\",\"ttl\":3598}}\n"
		       "0 answer 9 0 {\"occupied\":false}\n"
		       "0 subscribed 3 {\"event\":\"pusher:cache_miss\",\"channel\":\"cache-x\",\"data\":\"{}\"}\n0 released 10\n");
}

static void repetition_of_a_key_delivers_nothing_and_answers_the_same(void **state)
{
	struct fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("x") }, INFO_SUBSCRIPTION_COUNT, S("k") };
	struct place p = ask_public(f, 0, 1, 10, S("x"));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, false, &e, 1);
	tell_leave(f, ask_public(f, 0, 2, 10, S("x")));
	buf_clear(&f->said);
	ask_publish(f, 1, 8, false, &e, 1);
	ask_publish(f, 1, 8, true, &e, 1);
	f->clock.mono_ns += 120 * 1000000000ull;
	ask_publish(f, 1, 8, false, &e, 1);
	assert_said(f, "1 answer 8 0 {\"channels\":{\"x\":{\"subscription_count\":1}}}\n"
		       "1 answer 8 0 {\"batch\":[{}]}\n"
		       "0 deliver 10 {\"event\":\"e\",\"channel\":\"x\",\"data\":1}\n"
		       "1 answer 8 0 {\"channels\":{\"x\":{\"subscription_count\":1}}}\n");
	e.key = S("");
	ask_publish_keyed(f, 0, 7, true, &e, 1, S("k"));
	ask_publish_keyed(f, 0, 7, true, &e, 1, S("k"));
	assert_said(f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"x\",\"data\":1}\n"
		       "0 answer 7 0 {\"batch\":[{\"subscription_count\":1}]}\n"
		       "0 answer 7 0 {\"batch\":[{\"subscription_count\":1}]}\n");
	tell_leave(f, p);
}

static void rates_are_counted_per_second_and_app(void **state)
{
	struct fixture *f = *state;
	struct test_event e[3] = { { S("e"), S("1"), { S("x") }, 0, S("") }, { S("e"), S("1"), { S("x") }, 0, S("") }, { S("e"), S("1"), { S("x") }, 0, S("") } };

	f->app->limits.max_backend_events_per_second = 3;
	f->app->limits.max_read_requests_per_second = 1;
	ask_publish(f, 0, 1, true, e, 2);
	ask_publish(f, 0, 2, true, e, 2);
	ask_publish(f, 0, 3, false, e, 1);
	ask_query(f, QUERY_USERS, S("presence-x"), 0);
	ask_query(f, QUERY_USERS, S("presence-x"), 0);
	f->clock.mono_ns += 1000000000ull;
	ask_publish(f, 0, 4, true, e, 3);
	assert_said(f, "0 answer 1 0 \n0 answer 2 3 \n0 answer 3 0 \n0 answer 9 0 {\"users\":[]}\n0 answer 9 3 \n0 answer 4 0 \n");
}

static void subscription_count_is_told_once_per_batch(void **state)
{
	struct fixture *f = *state;
	struct place a, b;

	f->app->enable_subscription_count = true;
	a = ask_public(f, 0, 1, 10, S("x"));
	b = ask_public(f, 0, 2, 10, S("x"));
	tell_leave(f, ask_public(f, 1, 3, 20, S("y")));
	hub_end_batch(f->hub);
	hub_end_batch(f->hub);
	assert_said(f, "0 subscribed 1\n0 subscribed 2\n1 subscribed 3\n1 released 20\n"
		       "0 deliver 10 {\"event\":\"pusher_internal:subscription_count\",\"channel\":\"x\",\"data\":\"{\\\"subscription_count\\\":2}\"}\n");
	tell_leave(f, a);
	tell_leave(f, b);
	hub_end_batch(f->hub);
	assert_said(f, "0 released 10\n");
}

static void subscription_count_is_told_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct place a;

	f->app->enable_subscription_count = true;
	a = ask_public(f, 0, 1, 10, S("x"));
	mem_fail_nth(1);
	hub_end_batch(f->hub);
	mem_fail_nth(0);
	assert_said(f, "0 subscribed 1\n");
	tell_leave(f, a);
}

static void watchers_learn_of_first_and_last_connection(void **state)
{
	struct fixture *f = *state;
	struct place alice, bob1, bob2;

	f->app->enable_watchlist_events = true;
	alice = ask_sign_in(f, 0, 1, 10, S("#server-to-user-alice"), S("[\"bob\",7,\"carol\",\"bob\"]"));
	bob1 = ask_sign_in(f, 1, 2, 20, S("#server-to-user-bob"), S(""));
	bob2 = ask_sign_in(f, 0, 3, 30, S("#server-to-user-bob"), S("[\"alice\",\"dave\"]"));
	assert_int_equal(hub_count(f->hub, f->app).users, 2);
	assert_int_equal(hub_count(f->hub, f->app).channels, 0);
	tell_leave(f, bob1);
	tell_leave(f, bob2);
	tell_leave(f, alice);
#define EVENTS(events) "{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[" events "]}\"}\n"
#define ENTRY(name, ids) "{\\\"name\\\":\\\"" name "\\\",\\\"user_ids\\\":[" ids "]}"
	assert_said(f, "0 subscribed 1 " EVENTS(ENTRY("offline", "\\\"bob\\\",\\\"carol\\\""))
		       "0 deliver 10 " EVENTS(ENTRY("online", "\\\"bob\\\""))
		       "1 subscribed 2\n"
		       "0 subscribed 3 " EVENTS(ENTRY("online", "\\\"alice\\\"") "," ENTRY("offline", "\\\"dave\\\""))
		       "1 released 20\n0 released 30\n"
		       "0 deliver 10 " EVENTS(ENTRY("offline", "\\\"bob\\\""))
		       "0 released 10\n");
}

static void event_for_a_user_and_its_end_reach_every_worker_with_it(void **state)
{
	struct fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("#server-to-user-a") }, 0, S("") };
	struct place p = ask_sign_in(f, 0, 1, 10, S("#server-to-user-a"), S("")),
		     q = ask_sign_in(f, 1, 2, 20, S("#server-to-user-a"), S(""));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, false, &e, 1);
	ask_close_user(f, S("a"));
	ask_close_user(f, S("nobody"));
	ask_query(f, QUERY_CHANNELS, S(""), 0);
	assert_said(f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"#server-to-user-a\",\"data\":1}\n"
		       "1 deliver 20 {\"event\":\"e\",\"channel\":\"#server-to-user-a\",\"data\":1}\n0 answer 7 0 \n"
		       "0 close 10 4009 bye\n1 close 20 4009 bye\n0 answer 9 0 \n"
		       "0 answer 9 0 \n"
		       "0 answer 9 0 {\"channels\":{}}\n");
	tell_leave(f, p);
	tell_leave(f, q);
}

/* A failed allocation refuses one request and leaves everything as it was. */
static void subscribe_without_memory_is_refused_cleanly(void **state)
{
	struct fixture *f = *state;

	for (uint64_t nth = 1; nth <= 3; nth++) {
		struct place p;

		mem_fail_nth(nth);
		p = ask_subscribe(f, 0, 1, 10, S("presence-r"), S("u"), S("1"));
		mem_fail_nth(0);
		assert_null(p.channel);
		assert_int_equal(hub_count(f->hub, f->app).channels, 0);
		assert_said(f, "0 subscribed 1 full\n");
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(quota_counts_and_frees_connections),
		TEST(event_goes_once_to_each_worker_with_subscribers),
		TEST(rejoin_after_release_may_bring_another_local),
		TEST(presence_member_leaves_once_when_its_last_connection_does),
		TEST(oldest_live_connection_shows_its_user_info),
		TEST(full_presence_channel_refuses_new_users_only),
		TEST(batch_is_delivered_in_order_and_answered_per_item),
		TEST(client_event_names_its_sender_on_presence_channels_only),
		TEST(questions_are_answered_sorted_by_name),
		TEST(cache_channel_keeps_its_last_event_for_a_while),
		TEST(repetition_of_a_key_delivers_nothing_and_answers_the_same),
		TEST(rates_are_counted_per_second_and_app),
		TEST(subscription_count_is_told_once_per_batch),
		TEST(subscription_count_is_told_whole_or_not_at_all),
		TEST(watchers_learn_of_first_and_last_connection),
		TEST(event_for_a_user_and_its_end_reach_every_worker_with_it),
		TEST(subscribe_without_memory_is_refused_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
