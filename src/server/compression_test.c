/* The complete server in the simulated world: who agreed on compression gets the same messages as
 * who did not, and each is compressed once, on whichever worker its receivers are. zlib's own
 * function is in our hands, and counts. */
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "codec/deflate.h"
#include "codec/websocket.h"
#include "core/auth.h"
#include "io/sim.h"
#include "server/server.h"

#include <dlfcn.h>
#include <stdio.h>
#include <zlib.h>

#define N_WORKERS 3
#define CLIENTS_MAX 12
#define STEPS_MAX 2000000

static unsigned n_compressions;

int deflate(z_streamp z, int flush)
{
	static int (*real)(z_streamp, int);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "deflate");
	n_compressions++;
	return real(z, flush);
}

struct client {
	struct sim_peer *peer;
	struct deflate *deflate;
	bool may_be_compressed;
	bool is_open; /* the 101 was read */
	struct buf in;
	struct buf heard; /* texts, one a line */
	unsigned n_compressed;
};

struct world {
	struct sim *sim;
	struct loop *loops[N_WORKERS + 1];
	struct app_table *apps;
	struct app *app;
	struct server *server;
	struct net_address address;
	struct deflate *deflate; /* the clients' */
	struct client clients[CLIENTS_MAX];
	size_t n_clients;
	struct sim_peer *publisher;
	int64_t live_bytes;
};

/* The world */

static void world_begin(struct world *w, uint8_t window_bits, struct sim_options sim)
{
	struct server_options o = server_options_default();
	struct hash_key key = { 1, 2 };
	int system_error;

	o.n_workers = N_WORKERS;
	o.compression_window_bits = window_bits;
	w->sim = sim_new(7, &sim);
	for (size_t i = 0; i < ARRAY_LEN(w->loops); i++)
		w->loops[i] = sim_loop_new(w->sim);
	w->apps = app_table_new(key);
	w->app = app_table_add(w->apps, S("app-id"), S("app-key"), S("app-secret"));
	w->app->enable_client_messages = true;
	w->server = server_new(&o, w->apps, NULL, w->loops, w->loops[N_WORKERS], key);
	net_address_parse(S("127.0.0.1"), 0, &w->address);
	assert_int_equal(server_listen(w->server, LISTENER_CLIENTS, &w->address, &system_error),
			 OK);
	w->deflate = deflate_new();
	n_compressions = 0;
}

static void settle(struct world *w)
{
	assert_true(sim_settle(w->sim, STEPS_MAX));
}

static void write_all(struct world *w, struct sim_peer *p, str bytes)
{
	while (bytes.n > 0) {
		size_t n = sim_peer_write(p, bytes.p, bytes.n);

		bytes = str_skip(bytes, n);
		if (bytes.n > 0)
			assert_true(sim_step(w->sim));
	}
}

static int world_setup(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	w->live_bytes = mem_live_bytes();
	*state = w;
	return 0;
}

static void client_end(struct client *c)
{
	if (c->peer)
		sim_peer_close(c->peer);
	c->peer = NULL;
	buf_fini(&c->in);
	buf_fini(&c->heard);
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < w->n_clients; i++)
		client_end(&w->clients[i]);
	if (w->publisher)
		sim_peer_close(w->publisher);
	settle(w);
	assert_int_equal(server_n_connections(w->server), 0);
	server_free(w->server);
	for (size_t i = 0; i < ARRAY_LEN(w->loops); i++)
		loop_free(w->loops[i]);
	sim_free(w->sim);
	app_table_free(w->apps);
	deflate_free(w->deflate);
	assert_int_equal(mem_live_bytes(), w->live_bytes);
	test_free(w);
	return 0;
}

/* Clients */

static void hear(struct client *c, uint8_t first, str payload)
{
	struct buf text;

	assert_int_equal(first & ~WS_COMPRESSED_BIT, 0x81);
	if (!(first & WS_COMPRESSED_BIT)) {
		buf_puts(&c->heard, payload);
		buf_putc(&c->heard, '\n');
		return;
	}
	assert_true(c->may_be_compressed);
	buf_init(&text, SIZE_MAX / 2);
	assert_int_equal(deflate_inflate(c->deflate, payload, &text), OK);
	buf_puts(&c->heard, buf_str(&text));
	buf_putc(&c->heard, '\n');
	buf_fini(&text);
	c->n_compressed++;
}

/* Takes the next frame off the front of in. */
static bool take_frame(struct client *c)
{
	const uint8_t *p = (const uint8_t *)c->in.p;
	size_t n_head = 2, n;

	if (c->in.len < 4)
		return false;
	n = p[1];
	if (n == 126) {
		n = (size_t)p[2] << 8 | p[3];
		n_head = 4;
	}
	assert_true(n < 65536 && p[1] < 127);
	if (c->in.len < n_head + n)
		return false;
	hear(c, p[0], (str){ c->in.p + n_head, n });
	buf_drop_front(&c->in, n_head + n);
	return true;
}

static void take_head(struct client *c)
{
	str in = buf_str(&c->in);

	for (size_t i = 4; i <= in.n && !c->is_open; i++) {
		str head = str_take(in, i);

		if (!str_eq(str_skip(head, i - 4), S("\r\n\r\n")))
			continue;
		assert_true(str_has_prefix(head, S("HTTP/1.1 101 ")));
		c->may_be_compressed = str_contains_nocase(head, S("permessage-deflate"));
		c->is_open = true;
		buf_drop_front(&c->in, i);
	}
}

static void on_change(struct sim_peer *p)
{
	struct client *c = sim_peer_user(p);
	char *to;
	size_t n;

	while ((to = buf_reserve(&c->in, 4096)) && (n = sim_peer_read(p, to, 4096)) > 0)
		buf_commit(&c->in, n);
	if (!c->is_open)
		take_head(c);
	while (c->is_open && take_frame(c))
		;
}

static void say_bytes(struct world *w, struct client *c, uint8_t first, str payload)
{
	uint8_t frame[WS_HEADER_MAX + 4 + 1000] = { 0 };
	size_t n = ws_header_write(frame, WS_TEXT, payload.n);

	frame[0] = first;
	frame[1] |= 0x80;
	memcpy(frame + n + 4, payload.p, payload.n); /* a key of zeros */
	write_all(w, c->peer, (str){ (char *)frame, n + 4 + payload.n });
}

static struct client *client_new(struct world *w, const char *offer)
{
	struct sim_peer_init init = { .to = w->address, .on_change = on_change };
	struct client *c = &w->clients[w->n_clients++];
	char head[512];
	int n = snprintf(head, sizeof(head),
			 "GET /app/app-key HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
			 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n\r\n",
			 offer ? "Sec-WebSocket-Extensions: " : "X: ", offer ? offer : "");

	assert_true(w->n_clients <= CLIENTS_MAX);
	init.user = c;
	c->deflate = w->deflate;
	buf_init(&c->in, SIZE_MAX / 2);
	buf_init(&c->heard, SIZE_MAX / 2);
	c->peer = sim_peer_connect(w->sim, &init);
	settle(w);
	write_all(w, c->peer, (str){ head, (size_t)n });
	settle(w);
	assert_true(c->is_open);
	say_bytes(w, c, 0x81,
		  S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"room\"}}"));
	settle(w);
	assert_true(str_contains_nocase(buf_str(&c->heard), S("subscription_succeeded")));
	buf_clear(&c->heard);
	c->n_compressed = 0;
	return c;
}

/* Publishing */

/* Answers are read away: who does not read is not read from. */
static void on_answer(struct sim_peer *p)
{
	char bytes[4096];

	while (sim_peer_read(p, bytes, sizeof(bytes)) > 0)
		;
}

/* One event whose data is a text of so many bytes; does not wait. */
static void publish(struct world *w, const char *name, size_t n_data)
{
	struct sim_peer_init init = { .to = w->address, .on_change = on_answer };
	struct buf body, query, request;

	buf_init(&body, SIZE_MAX / 2);
	buf_init(&query, 4096);
	buf_init(&request, SIZE_MAX / 2);
	if (!w->publisher) {
		w->publisher = sim_peer_connect(w->sim, &init);
		settle(w);
	}
	buf_printf(&body, "{\"name\":\"%s\",\"channel\":\"room\",\"data\":\"", name);
	for (size_t i = 0; i < n_data; i++)
		buf_putc(&body, "lorem ipsum dolor sit amet, consectetur"[i * i / 30 % 39]);
	buf_puts(&body, S("\"}"));
	auth_request_sign(w->app->key, &w->app->hmac, S("POST"), S("/apps/app-id/events"), S(""),
			  buf_str(&body), loop_clock(w->loops[0])->wall_ms / 1000, &query);
	buf_printf(&request,
		   "POST /apps/app-id/events?%.*s HTTP/1.1\r\nHost: a\r\n"
		   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		   STR_ARG(buf_str(&query)), body.len);
	buf_puts(&request, buf_str(&body));
	write_all(w, w->publisher, buf_str(&request));
	buf_fini(&body);
	buf_fini(&query);
	buf_fini(&request);
}

/* So many events with names of their own. */
static void publish_many(struct world *w, unsigned n, size_t n_data)
{
	for (unsigned i = 0; i < n; i++) {
		char name[20];

		snprintf(name, sizeof(name), "event-%u", i);
		publish(w, name, n_data);
	}
	settle(w);
}

static void assert_same(const struct client *a, const struct client *b)
{
	assert_true(a->heard.len > 0);
	assert_true(str_eq(buf_str(&a->heard), buf_str(&b->heard)));
}

static unsigned n_lines(const struct client *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->heard.len; i++)
		n += c->heard.p[i] == '\n';
	return n;
}

/* The tests */

static void all_compressed_receivers_share_one_compression(void **state)
{
	struct world *w = *state;

	world_begin(w, 15, sim_options_calm());
	for (unsigned i = 0; i < 10; i++)
		client_new(w, i < 8 ? "permessage-deflate; client_max_window_bits" : NULL);
	n_compressions = 0;
	publish_many(w, 5, 300);
	assert_int_equal(n_compressions, 5);
	assert_int_equal(n_lines(&w->clients[0]), 5);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(w->clients[i].n_compressed, i < 8 ? 5 : 0);
		assert_same(&w->clients[i], &w->clients[0]);
	}
}

static void windows_share_what_fits_in_the_smallest(void **state)
{
	struct world *w = *state;

	world_begin(w, 15, sim_options_calm());
	client_new(w, "permessage-deflate");
	client_new(w, "permessage-deflate; server_max_window_bits=15");
	client_new(w, "permessage-deflate; server_max_window_bits=11");
	client_new(w, "permessage-deflate; server_max_window_bits=10");
	client_new(w, NULL);
	client_new(w, "permessage-deflate; server_max_window_bits=8");
	publish_many(w, 3, 300); /* 9 bits are enough for all */
	assert_int_equal(n_compressions, 3);
	publish_many(w, 1, 5000); /* 13, 11 and 10 */
	assert_int_equal(n_compressions, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(w->clients[i].n_compressed, i < 4 ? 4 : 0);
		assert_same(&w->clients[i], &w->clients[0]);
	}
}

static void nothing_is_compressed_for_nobody(void **state)
{
	struct world *w = *state;

	world_begin(w, 15, sim_options_calm());
	client_new(w, NULL);
	client_new(w, "permessage-deflate; server_max_window_bits=8");
	publish_many(w, 3, 300);
	assert_int_equal(n_lines(&w->clients[1]), 3);
	/* Short ones are not for those either that could have them. */
	client_new(w, "permessage-deflate");
	publish_many(w, 3, 4);
	assert_int_equal(n_lines(&w->clients[2]), 3);
	assert_int_equal(n_compressions, 0);
}

static void compression_is_off_by_default(void **state)
{
	struct world *w = *state;

	world_begin(w, server_options_default().compression_window_bits, sim_options_calm());
	client_new(w, "permessage-deflate");
	assert_false(w->clients[0].may_be_compressed);
	publish_many(w, 3, 300);
	assert_int_equal(n_lines(&w->clients[0]), 3);
	assert_int_equal(n_compressions, 0);
}

static void client_says_it_compressed(void **state)
{
	struct world *w = *state;
	char text[500], out[500];
	struct client *c;
	size_t n;

	world_begin(w, 15, sim_options_calm());
	c = client_new(w, "permessage-deflate");
	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"event\":\"pusher:ping\"}", 23);
	n = deflate_compress(w->deflate, 15, (str){ text, sizeof(text) }, out, sizeof(out));
	say_bytes(w, c, 0xc1, (str){ out, n });
	say_bytes(w, c, 0x41, (str){ out, n / 2 });
	say_bytes(w, c, 0x80, (str){ out + n / 2, n - n / 2 });
	settle(w);
	assert_str(buf_str(&c->heard), S("{\"event\":\"pusher:pong\",\"data\":{}}\n"
					 "{\"event\":\"pusher:pong\",\"data\":{}}\n"));
}

/* Who cannot take it all at once has a queue of its own, and the order holds in it. */
static void slow_reader_gets_all_in_order(void **state)
{
	struct world *w = *state;

	world_begin(w, 15, sim_options_calm());
	client_new(w, "permessage-deflate");
	client_new(w, "permessage-deflate");
	client_new(w, NULL);
	sim_peer_pause(w->clients[0].peer, true);
	publish_many(w, 400, 4000);
	assert_int_equal(n_lines(&w->clients[0]), 0);
	assert_int_equal(n_compressions, 400);
	sim_peer_pause(w->clients[0].peer, false);
	on_change(w->clients[0].peer);
	settle(w);
	assert_int_equal(n_lines(&w->clients[0]), 400);
	assert_same(&w->clients[0], &w->clients[1]);
	assert_same(&w->clients[0], &w->clients[2]);
}

static void all_hear_the_same_in_a_rough_world(void **state)
{
	struct world *w = *state;

	world_begin(w, 12, sim_options_rough());
	for (unsigned i = 0; i < 9; i++)
		client_new(w, i % 3 == 0 ? NULL :
			      i % 3 == 1 ? "permessage-deflate; client_max_window_bits" :
					   "permessage-deflate; client_max_window_bits; "
					   "server_max_window_bits=10");
	for (unsigned round = 0; round < 5; round++) {
		publish_many(w, 20, 40);
		publish_many(w, 20, 3000);
	}
	assert_int_equal(n_lines(&w->clients[0]), 200);
	for (unsigned i = 1; i < 9; i++)
		assert_same(&w->clients[i], &w->clients[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_compressed_receivers_share_one_compression),
		TEST(windows_share_what_fits_in_the_smallest),
		TEST(nothing_is_compressed_for_nobody),
		TEST(compression_is_off_by_default),
		TEST(client_says_it_compressed),
		TEST(slow_reader_gets_all_in_order),
		TEST(all_hear_the_same_in_a_rough_world),
	};

	return cmocka_run_group_tests_name("compression", tests, NULL, NULL);
}
