/* live_bytes_test.c: the whole server on real sockets, and what it keeps of ten thousand
 * visitors: nothing.
 *
 * Loops have threads of their own, as in production. Each visitor connects, joins a public and a
 * presence channel, hears an event and leaves in one of the ways in which peers leave.
 * Afterwards the live bytes are what they were before the first. */
#include "server/server.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "codec/digest.h"
#include "codec/websocket.h"
#include "core/auth.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { VISITORS = 10000, AT_ONCE = 100, LOOPS_MAX = 5, PATIENCE_S = 30 };

struct world {
	unsigned n_loops;
	struct loop *loops[LOOPS_MAX];
	pthread_t threads[LOOPS_MAX];
	struct app_table *apps;
	struct app *app;
	struct server *server;
	uint16_t port;
};

static void world_init(struct world *w, unsigned n_workers)
{
	struct server_options o = server_options_default();
	struct hash_key key = { 1, 2 };
	struct net_address a;
	int system_error;

	o.n_workers = n_workers;
	w->n_loops = n_workers + (n_workers > 1);
	for (unsigned i = 0; i < w->n_loops; i++)
		w->loops[i] = loop_new_kernel();
	w->apps = app_table_new(key);
	w->app = app_table_add(w->apps, S("app-id"), S("app-key"), S("app-secret"));
	w->server = server_new(&o, w->apps, NULL, w->loops,
			       n_workers > 1 ? w->loops[n_workers] : NULL, key);
	assert_true(net_address_parse(S("127.0.0.1"), 0, &a));
	assert_int_equal(server_listen(w->server, LISTENER_CLIENTS, &a, &system_error), OK);
	w->port = a.port;
}

static void world_fini(struct world *w)
{
	server_free(w->server);
	for (unsigned i = 0; i < w->n_loops; i++)
		loop_free(w->loops[i]);
	app_table_free(w->apps);
}

static void *run_loop(void *loop)
{
	loop_run(loop);
	return NULL;
}

static void world_start(struct world *w)
{
	for (unsigned i = 0; i < w->n_loops; i++)
		assert_int_equal(pthread_create(&w->threads[i], NULL, run_loop, w->loops[i]), 0);
}

/* Stops the threads and lets the mail that is still under way arrive. */
static void world_rest(struct world *w)
{
	for (unsigned i = 0; i < w->n_loops; i++)
		loop_stop(w->loops[i]);
	for (unsigned i = 0; i < w->n_loops; i++)
		pthread_join(w->threads[i], NULL);
	for (unsigned turn = 0; turn < 4 * w->n_loops; turn++)
		loop_turn(w->loops[turn % w->n_loops], 0);
}

static void await_empty(const struct world *w)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; server_n_connections(w->server) > 0; i++) {
		assert_true(i < PATIENCE_S * 1000);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

/* Visitors */

struct visitor {
	int fd;
	struct buf heard; /* all of it, frames as they are */
};

static void visitor_open(struct visitor *v, const struct world *w)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(w->port) };
	struct timeval patience = { .tv_sec = PATIENCE_S };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(v->fd >= 0);
	setsockopt(v->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(v->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	buf_init(&v->heard, 1 << 20);
}

static void visitor_send(struct visitor *v, str bytes)
{
	assert_int_equal(send(v->fd, bytes.p, bytes.n, MSG_NOSIGNAL), bytes.n);
}

static bool has_heard(const struct visitor *v, str text)
{
	return str_contains_nocase(buf_str(&v->heard), text);
}

static void visitor_await(struct visitor *v, str text)
{
	char bytes[4096];

	while (!has_heard(v, text)) {
		ssize_t n = recv(v->fd, bytes, sizeof(bytes), 0);

		assert_true(n > 0);
		buf_puts(&v->heard, (str){ bytes, (size_t)n });
	}
}

/* One text frame; its key is zero, which masks nothing. */
static void visitor_say(struct visitor *v, str text)
{
	uint8_t header[WS_HEADER_MAX];
	size_t n = ws_header_write(header, WS_TEXT, text.n);
	struct buf b;

	header[1] |= 0x80;
	buf_init(&b, 4096);
	buf_puts(&b, (str){ (char *)header, n });
	buf_puts(&b, S("\0\0\0\0"));
	buf_puts(&b, text);
	visitor_send(v, buf_str(&b));
	buf_fini(&b);
}

static void visitor_ask_upgrade(struct visitor *v)
{
	visitor_send(v, S("GET /app/app-key?protocol=7 HTTP/1.1\r\nUpgrade: "
			  "websocket\r\nConnection: Upgrade\r\n"
			  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
			  "13\r\n\r\n"));
}

static str socket_id_of(const struct visitor *v)
{
	str heard = buf_str(&v->heard), name = S("socket_id\\\":\\\"");
	const char *at = memmem(heard.p, heard.n, name.p, name.n);
	str id = str_skip(heard, (size_t)(at - heard.p) + name.n);

	return str_take(id, str_find_char(id, '\\'));
}

static void visitor_ask_public(struct visitor *v, unsigned room)
{
	struct buf b;

	buf_init(&b, 256);
	buf_printf(&b, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"room-%u\"}}", room);
	visitor_say(v, buf_str(&b));
	buf_fini(&b);
}

static void visitor_ask_presence(struct visitor *v, const struct app *app, unsigned user)
{
	char signature[SHA256_HEX_LEN];
	struct buf signed_text, b;
	struct hmac h;

	buf_init(&signed_text, 512);
	buf_init(&b, 1024);
	buf_puts(&signed_text, socket_id_of(v));
	buf_printf(&signed_text, ":presence-hall:{\"user_id\":%u}", user);
	hmac_begin(&h, &app->hmac);
	hmac_add(&h, buf_str(&signed_text));
	hmac_end_hex(&h, &app->hmac, signature);
	buf_printf(&b,
		   "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"presence-hall\","
		   "\"auth\":\"app-key:%.*s\","
		   "\"channel_data\":\"{\\\"user_id\\\":%u}\"}}",
		   SHA256_HEX_LEN, signature, user);
	visitor_say(v, buf_str(&b));
	buf_fini(&signed_text);
	buf_fini(&b);
}

static void visitor_leave(struct visitor *v, unsigned how)
{
	struct linger now = { .l_onoff = 1 };

	if (how % 4 == 0) {
		visitor_send(v, S("\x88\x82\0\0\0\0\x03\xe8"));
		visitor_await(v, S("\x88\x02\x03\xe8"));
	} else if (how % 4 == 1) {
		setsockopt(v->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	} else if (how % 4 == 2) {
		visitor_send(v, S("\x81\xfe\x10")); /* in the middle of a frame */
	}
	close(v->fd);
	buf_fini(&v->heard);
}

/* An event to all rooms over HTTP, from a connection that ends. */
static void publish(const struct world *w)
{
	str body = S("{\"name\":\"e\",\"channels\":[\"room-0\",\"room-1\",\"room-2\"],\"data\":"
		     "\"the event\"}");
	struct visitor v;
	struct timespec now;
	struct buf b;

	clock_gettime(CLOCK_REALTIME, &now);
	buf_init(&b, 4096);
	buf_puts(&b, S("POST /apps/app-id/events?"));
	auth_request_sign(S("app-key"), &w->app->hmac, S("POST"), S("/apps/app-id/events"), S(""),
			  body, now.tv_sec, &b);
	buf_printf(&b, " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		   body.n);
	buf_puts(&b, body);
	visitor_open(&v, w);
	visitor_send(&v, buf_str(&b));
	visitor_await(&v, S("{\"ok\":true}"));
	visitor_leave(&v, 3);
	buf_fini(&b);
}

static void visit(const struct world *w)
{
	struct visitor visitors[AT_ONCE];

	for (unsigned i = 0; i < AT_ONCE; i++) {
		visitor_open(&visitors[i], w);
		visitor_ask_upgrade(&visitors[i]);
	}
	for (unsigned i = 0; i < AT_ONCE; i++) {
		visitor_await(&visitors[i], S("activity_timeout"));
		visitor_ask_public(&visitors[i], i % 3);
		if (i % 5 == 0)
			visitor_ask_presence(&visitors[i], w->app, i % 7);
	}
	for (unsigned i = 0; i < AT_ONCE; i++)
		visitor_await(&visitors[i], i % 5 == 0 ? S("\\\"presence\\\":") : S("\"room-"));
	publish(w);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		visitor_await(&visitors[i], S("the event"));
		visitor_leave(&visitors[i], i);
	}
}

static int64_t live_bytes_at_rest(struct world *w)
{
	await_empty(w);
	world_rest(w);
	return mem_live_bytes();
}

/* What stays of the first visitors is the answer that all publishes of a second share. Each
 * worker has its own, so so many connections publish that none is left out. */
static void warm_up(struct world *w)
{
	visit(w);
	for (unsigned i = 0; i < 64; i++)
		publish(w);
}

static void assert_nothing_is_kept(unsigned n_workers)
{
	struct world w;
	int64_t before;

	world_init(&w, n_workers);
	world_start(&w);
	warm_up(&w);
	before = live_bytes_at_rest(&w);
	world_start(&w);
	for (unsigned i = 0; i < VISITORS; i += AT_ONCE)
		visit(&w);
	assert_int_equal(live_bytes_at_rest(&w), before);
	world_fini(&w);
}

static void one_worker_keeps_nothing_of_ten_thousand_visitors(void **state)
{
	assert_nothing_is_kept(1);
}

static void four_workers_and_a_hub_keep_nothing_of_ten_thousand_visitors(void **state)
{
	assert_nothing_is_kept(4);
}

static void server_gives_all_of_its_memory_back(void **state)
{
	int64_t before = mem_live_bytes();
	struct world w;

	world_init(&w, 4);
	world_start(&w);
	visit(&w);
	world_rest(&w);
	world_fini(&w);
	assert_int_equal(mem_live_bytes(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker_keeps_nothing_of_ten_thousand_visitors),
		cmocka_unit_test(four_workers_and_a_hub_keep_nothing_of_ten_thousand_visitors),
		cmocka_unit_test(server_gives_all_of_its_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
