#include "core/hub_testing.h"

#include "base/mem.h"

#include <stdio.h>

/* Taken at once, so that memory which a test lets fail is never ours. */
#define SAID_ROOM 65536
#define AS_POINTER(n) ((void *)(uintptr_t)(n))

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
void hub_write_down(struct hub_fixture *f)
{
	const void *r = f->last;

	if (!r)
		return;
	f->last = NULL;
	buf_printf(&f->said, "%u ", f->worker);
	if (f->kind == TO_WORKER_CONNECTED) {
		const struct to_worker_connected *c = r;

		buf_printf(&f->said, "connected %u%s", number(c->conn),
			   c->over_quota ? " over quota" : "");
	} else if (f->kind == TO_WORKER_SUBSCRIBED) {
		const struct to_worker_subscribed *s = r;

		buf_printf(&f->said, "subscribed %u%s%s", number(s->conn),
			   s->is_repeat ? " again" : "", s->over_capacity ? " full" : "");
		if (s->roster)
			say_frame(&f->said, s->roster);
		if (s->follow)
			say_frame(&f->said, s->follow);
		f->channel = s->channel;
		f->membership = s->membership;
	} else if (f->kind == TO_WORKER_RELEASED) {
		buf_printf(&f->said, "released %u",
			   number(((const struct to_worker_released *)r)->local));
	} else if (f->kind == TO_WORKER_DELIVER) {
		const struct to_worker_deliver *d = r;

		buf_printf(&f->said, "deliver %u", number(d->local));
		say_frame(&f->said, d->frame);
	} else if (f->kind == TO_WORKER_RELOAD) {
		buf_printf(&f->said, "reload step %u", ((const struct to_worker_reload *)r)->step);
	} else if (f->kind == TO_WORKER_CLOSE) {
		const struct to_worker_close *c = r;

		buf_printf(&f->said, "close %u %u %.*s", number(c->local), c->code,
			   STR_ARG(c->reason));
	} else {
		const struct to_worker_answer *a = r;

		buf_printf(&f->said, "answer %u %u", number(a->conn), a->result);
		say_frame(&f->said, a->body);
	}
	buf_putc(&f->said, '\n');
}

static void *on_mail(void *ctx, unsigned worker, enum mail_to_worker kind, size_t bytes)
{
	struct hub_fixture *f = ctx;

	hub_write_down(f);
	assert_true(bytes <= sizeof f->record);
	f->kind = kind;
	f->worker = worker;
	f->last = f->record;
	return f->last;
}

static void on_reloaded(void *ctx)
{
	struct hub_fixture *f = ctx;

	hub_write_down(f);
	buf_puts(&f->said, S("reloaded\n"));
}

static void on_news(void *ctx, const struct hub_news *n)
{
	struct hub_fixture *f = ctx;

	hub_write_down(f);
	buf_printf(&f->said, "news %.*s %.*s", STR_ARG(webhook_event_names[n->event]),
		   STR_ARG(n->channel));
	if (n->user_id.n)
		buf_printf(&f->said, " %.*s", STR_ARG(n->user_id));
	if (n->event == WEBHOOK_subscription_count)
		buf_printf(&f->said, " %u", n->n_subscriptions);
	if (n->name.n)
		buf_printf(&f->said, " %.*s %.*s of %u", STR_ARG(n->name), STR_ARG(n->data),
			   (unsigned)n->sender.a);
	buf_puts(&f->said, n->has_hung_up ? S(" hung up\n") : S("\n"));
}

/* The listener of an app with webhooks is its name. */
static void *on_meet(void *ctx, const struct app *app, void *known)
{
	struct hub_fixture *f = ctx;

	hub_write_down(f);
	if (known && !app)
		buf_printf(&f->said, "forget %s\n", (const char *)known);
	return app && app->webhooks ? (void *)app->id.p : NULL;
}

int hub_set_up(void **state)
{
	struct hub_fixture *f = xnew(struct hub_fixture);
	struct hash_key key = { 1, 2 };

	f->live_before = mem_live_bytes();
	buf_init(&f->said, SAID_ROOM);
	buf_reserve(&f->said, SAID_ROOM);
	f->apps = app_table_new(key);
	f->app = app_table_add(f->apps, S("app-id"), S("app-key"), S("app-secret"));
	app_table_add(f->apps, S("other"), S("other-key"), S("other-secret"));
	f->hub = hub_new(f->apps, 2, key, &f->clock,
			 (struct hub_sink){ .mail = on_mail,
					    .reloaded = on_reloaded,
					    .tell = on_news,
					    .meet = on_meet,
					    .ctx = f });
	*state = f;
	return 0;
}

int hub_tear_down(void **state)
{
	struct hub_fixture *f = *state;

	hub_free(f->hub);
	app_table_free(f->apps);
	buf_fini(&f->said);
	assert_int_equal(mem_live_bytes(), f->live_before);
	xfree(f);
	return 0;
}

/* What workers say */

static void take(struct hub_fixture *f, unsigned worker, enum mail_to_hub kind, const void *record)
{
	mem_fail_nth(f->fail_nth);
	hub_take(f->hub, worker, kind, record);
	mem_fail_nth(0);
}

void ask_connect(struct hub_fixture *f, unsigned worker, unsigned conn)
{
	struct to_hub_connect r = { .conn = AS_POINTER(conn), .app = f->app, .wants_answer = true };

	take(f, worker, TO_HUB_CONNECT, &r);
}

void tell_disconnect(struct hub_fixture *f, unsigned worker)
{
	struct to_hub_leave r = { .app = f->app, .is_disconnect = true };

	take(f, worker, TO_HUB_LEAVE, &r);
}

struct place ask_subscribe(struct hub_fixture *f, unsigned worker, unsigned conn, unsigned local,
			   str name, str user_id, str user_info)
{
	union {
		struct to_hub_subscribe r;
		char room[512];
	} u = { .r = { .conn = AS_POINTER(conn),
		       .local = AS_POINTER(local),
		       .app = f->app,
		       .traits = channel_traits(name) } };
	char *p = u.r.text;

	u.r.name_len = (uint32_t)name.n;
	u.r.user_id_len = (uint32_t)user_id.n;
	u.r.user_info_len = (uint32_t)user_info.n;
	memcpy(p, name.p, name.n);
	memcpy(p + name.n, user_id.p, user_id.n);
	memcpy(p + name.n + user_id.n, user_info.p, user_info.n);
	take(f, worker, TO_HUB_SUBSCRIBE, &u.r);
	hub_write_down(f);
	return (struct place){ worker, f->channel, f->membership };
}

struct place ask_public(struct hub_fixture *f, unsigned worker, unsigned conn, unsigned local,
			str name)
{
	return ask_subscribe(f, worker, conn, local, name, S(""), S(""));
}

static void leave(struct hub_fixture *f, struct place p, bool has_hung_up)
{
	union {
		struct to_hub_leave r;
		char room[sizeof(struct to_hub_leave) + sizeof(struct to_hub_leave_entry)];
	} u = { .r = { .app = f->app, .has_hung_up = has_hung_up, .n = 1 } };

	u.r.entries[0] = (struct to_hub_leave_entry){ p.channel, p.membership };
	take(f, p.worker, TO_HUB_LEAVE, &u.r);
}

void tell_leave(struct hub_fixture *f, struct place p)
{
	leave(f, p, false);
}

void tell_hang_up(struct hub_fixture *f, struct place p)
{
	leave(f, p, true);
}

void ask_again(struct hub_fixture *f, unsigned conn, unsigned local, struct place p)
{
	union {
		struct to_hub_subscribe r;
		char room[sizeof(struct to_hub_subscribe) + 8];
	} u = { .r = { .conn = AS_POINTER(conn),
		       .local = AS_POINTER(local),
		       .app = f->app,
		       .channel = p.channel,
		       .membership = p.membership } };

	take(f, p.worker, TO_HUB_SUBSCRIBE, &u.r);
}

static void put_event(struct buf *b, const struct test_event *e)
{
	size_t at = b->len;
	struct published_event h = { .info = e->info,
				     .has_info = e->info != 0,
				     .exclude = SOCKET_ID_NONE };

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

void ask_publish_keyed(struct hub_fixture *f, unsigned worker, unsigned conn, bool is_batch,
		       const struct test_event *e, uint32_t n, str batch_key)
{
	struct to_hub_publish r = {
		.conn = AS_POINTER(conn), .app = f->app, .n_events = n, .is_batch = is_batch
	};
	struct buf b;

	r.key_len = (uint32_t)batch_key.n;
	buf_init(&b, 4096);
	buf_put(&b, &r, offsetof(struct to_hub_publish, text));
	buf_puts(&b, batch_key);
	while (b.len < mail_events_offset(batch_key.n))
		buf_putc(&b, 0);
	for (uint32_t i = 0; i < n; i++)
		put_event(&b, &e[i]);
	take(f, worker, TO_HUB_PUBLISH, b.p);
	buf_fini(&b);
}

void ask_publish(struct hub_fixture *f, unsigned worker, unsigned conn, bool is_batch,
		 const struct test_event *e, uint32_t n)
{
	ask_publish_keyed(f, worker, conn, is_batch, e, n, S(""));
}

void ask_close_user(struct hub_fixture *f, str user_id)
{
	union {
		struct to_hub_close_user r;
		char room[128];
	} u = { .r = { .conn = AS_POINTER(9), .app = f->app, .code = 4009, .reason = S("bye") } };

	u.r.channel_len = (uint32_t)snprintf(u.r.text, sizeof(u) - sizeof(u.r),
					     CHANNEL_USER_PREFIX "%.*s", STR_ARG(user_id));
	take(f, 0, TO_HUB_CLOSE_USER, &u.r);
}

void tell_reload(struct hub_fixture *f, unsigned worker, const struct app_table *apps,
		 enum reload_step step)
{
	struct to_hub_reload r = { .apps = apps, .step = step };

	take(f, worker, TO_HUB_RELOAD, &r);
}

struct place ask_sign_in(struct hub_fixture *f, unsigned worker, unsigned conn, unsigned local,
			 str channel, str watchlist)
{
	return ask_subscribe(f, worker, conn, local, channel, S(""), watchlist);
}

void ask_query(struct hub_fixture *f, enum hub_query kind, str text, uint32_t info)
{
	union {
		struct to_hub_query r;
		char room[256];
	} u = { .r = { .conn = AS_POINTER(9),
		       .app = f->app,
		       .kind = kind,
		       .info = info,
		       .has_info = info != 0 } };

	u.r.text_len = (uint32_t)text.n;
	memcpy(u.r.text, text.p, text.n);
	take(f, 0, TO_HUB_QUERY, &u.r);
}
