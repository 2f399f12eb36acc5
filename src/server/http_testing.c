#include "server/http_testing.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "core/auth.h"
#include "io/unlucky.h"
#include "server/server.h"
#include "server/session.h"
#include "codec/pusher.h"
#include "server/drain.h"

#include <stdio.h>

static struct http_fixture *fixture;

/* What the HTTP side asks of the rest of the server */

void conn_send(struct conn *c, struct msg *m)
{
	assert_true(c->phase == CONN_HTTP);
	assert_non_null(m);
	buf_puts(&fixture->sent, msg_str(m));
	fixture->n_sent++;
	msg_unref(m);
}

void conn_finish(struct conn *c)
{
	http_discard(c);
	c->phase = CONN_CLOSING;
}

void conn_end(struct conn *c)
{
	http_discard(c);
	c->phase = CONN_ENDED;
}

void conn_refuse(struct conn *c, uint16_t code, str message)
{
	assert_true(c->is_websocket);
	assert_true(ws_reader_is_idle(&c->reader));
	fixture->refused = code;
	snprintf(fixture->reason, sizeof(fixture->reason), "%.*s", STR_ARG(message));
	c->phase = CONN_CLOSING;
}

void conn_await_hub(struct conn *c)
{
	assert_false(c->awaits_hub);
	c->awaits_hub = true;
}

void session_begin(struct conn *c, const struct app *app, str origin)
{
	assert_null(c->http);
	fixture->begun = app;
	fixture->has_begun = true;
	snprintf(fixture->origin, sizeof(fixture->origin), "%.*s", STR_ARG(origin));
	c->is_websocket = true;
	c->phase = CONN_OPENING;
}

void drain_newcomer(struct conn *c)
{
	conn_begin_frames(c);
	conn_refuse(c, PUSHER_OVER_CAPACITY, S("Server shutting down"));
}

uint16_t server_clients_port(const struct server *s)
{
	return 6001;
}

str worker_date(struct worker *w)
{
	w->date_s = fixture->clock.wall_ms / 1000;
	return S(FIXTURE_DATE);
}

void *outbox_add(struct outbox *o, uint32_t kind, size_t bytes)
{
	if (fixture->is_out_of_memory)
		return NULL;
	xfree(fixture->record);
	fixture->record_kind = kind & 0xff;
	fixture->record = xalloc(bytes);
	return fixture->record;
}

#ifdef SOCKUDO_UNLUCKY
bool loop_is_unlucky(const struct loop *l, enum unlucky point)
{
	return false;
}
#endif

const struct clock *loop_clock(const struct loop *l)
{
	return &fixture->clock;
}

uint64_t loop_now_ns(const struct loop *l)
{
	return fixture->clock.mono_ns;
}

uint64_t loop_idle_ns(const struct loop *l)
{
	return 0;
}

size_t mailbox_bytes(const struct mailbox *m)
{
	return 0;
}

void timer_init(struct timer *t, void (*on_due)(struct timer *t))
{
	t->on_due = on_due;
}

void timer_disarm(struct timer *t)
{
}

void timer_arm(struct loop *l, struct timer *t, uint64_t delay_ms)
{
	assert_int_equal(fixture->conn.phase, CONN_HTTP);
	fixture->timer_ms = delay_ms;
}

/* The fixture */

void http_fixture_init(struct http_fixture *f)
{
	*f = (struct http_fixture){ .clock.wall_ms = FIXTURE_NOW_S * (int64_t)1000 };
	f->options = (struct server_options){
		.cors = cors_default,
		.request_body_bytes_max = 4096,
		.request_head_bytes_max = 2048,
		.request_target_bytes_max = 1024,
		.head_timeout_ms = 10,
		.body_timeout_ms = 20,
		.idle_timeout_ms = 30,
		.shutdown_grace_period_s = 3,
	};
	f->apps = app_table_new((struct hash_key){ 1, 2 });
	f->app = app_table_add(f->apps, S("app-id"), S("app-key"), S("app-secret"));
	app_table_add(f->apps, S("off"), S("key-off"), S("secret-off"))->enabled = false;
	f->worker.options = &f->options;
	f->worker.apps = f->apps;
	f->worker.system = activity_get(&f->activities, 0, ACTIVITY_SYSTEM);
	f->worker.admission = &f->admission;
	f->worker.metrics = &f->metrics;
	f->worker.local_apps = xcalloc(f->apps->n, sizeof(*f->worker.local_apps));
	for (size_t i = 0; i < f->apps->n; i++)
		f->worker.local_apps[i] =
			local_app_new(f->apps->apps[i], &f->worker.hash_key,
				      activity_get(&f->activities, 0, f->apps->apps[i]->id));
	arena_init(&f->worker.arena, 4096);
	buf_init(&f->sent, SIZE_MAX / 2);
	f->conn.worker = &f->worker;
	fixture = f;
	http_fixture_restart(f);
}

void http_fixture_fini(struct http_fixture *f)
{
	http_fixture_restart(f);
	buf_fini(&f->sent);
	xfree(f->record);
	msg_unref(f->worker.published);
	arena_fini(&f->worker.arena);
	for (size_t i = 0; i < f->apps->n; i++)
		local_app_free(f->worker.local_apps[i]);
	xfree(f->worker.local_apps);
	activities_fini(&f->activities);
	app_table_free(f->apps);
	assert_int_equal(mem_live_bytes(), 0);
}

void http_fixture_restart(struct http_fixture *f)
{
	if (!f->conn.is_websocket) {
		http_discard(&f->conn);
		http_forget_manner(&f->conn);
	}
	f->conn = (struct conn){ .worker = &f->worker, .phase = CONN_HTTP };
	f->n_sent = 0;
	f->has_begun = false;
	f->refused = 0;
	buf_clear(&f->sent);
	http_begin(&f->conn);
}

size_t http_fixture_feed(struct http_fixture *f, str in)
{
	char *exact = xalloc(in.n);
	str rest = { exact, in.n };

	if (in.n)
		memcpy(exact, in.p, in.n);
	http_feed(&f->conn, &rest);
	arena_reset(&f->worker.arena);
	xfree(exact);
	return rest.n;
}

void http_fixture_sign(struct buf *b, const char *method, const char *path, const char *params,
		       const char *headers, str body)
{
	struct buf query;

	buf_init(&query, 4096);
	auth_request_sign(fixture->app->key, &fixture->app->hmac, str_from_cstr(method),
			  str_from_cstr(path), str_from_cstr(params), body, FIXTURE_NOW_S, &query);
	buf_printf(b, "%s %s?%.*s HTTP/1.1\r\n%s", method, path, STR_ARG(buf_str(&query)), headers);
	if (body.n)
		buf_printf(b, "content-length: %zu\r\n", body.n);
	buf_puts(b, S("\r\n"));
	buf_puts(b, body);
	buf_fini(&query);
}

void http_fixture_answer(struct http_fixture *f, enum hub_answer result, const char *body)
{
	struct to_worker_answer a = { .conn = &f->conn, .result = result };

	if (body) {
		a.body = msg_new(strlen(body));
		memcpy(a.body->bytes, body, strlen(body));
	}
	assert_true(f->conn.awaits_hub);
	http_on_hub_answer(&f->conn, &a);
	f->conn.awaits_hub = false;
}
