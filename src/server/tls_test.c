/* tls_test.c: the whole server in the simulated world, its guests over TLS: networks that cut and
 * delay the records anywhere, guests that read slowly, leave in the middle, or never say a word. */
#include "server/server.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "core/auth.h"
#include "io/sim.h"
#include "io/tls_priv.h"
#include "io/tls_testing.h"

enum {
	REQUESTS = 30,
	WORKERS = 2,
	GUESTS = 12,
	EVENTS = 40,
	SEEDS = 12,
	STEPS_MAX = 3000000,
	DATA_BYTES_MAX = 4000
};

struct house {
	struct sim *sim;
	struct loop *loops[WORKERS + 1];
	struct app_table *apps;
	const struct app *app;
	struct server *server;
	struct net_address address;
	struct tls_context *guests_context;
	struct loop *outside; /* the guests' */
};

/* Who says out, and hears events in the order in which they were published. */
struct guest {
	struct io_file file;
	struct house *house;
	struct buf in, out;
	size_t read_max;
	unsigned n_heard, n_answers;
	bool ends; /* its stream, when all is said */
	bool is_upgraded, is_subscribed, is_told, is_gone;
};

static struct testing_pair pair;

static void house_init(struct house *h, uint64_t seed)
{
	struct server_options o = server_options_default();
	struct sim_options rough = sim_options_rough();
	struct hash_key key = { 1, 2 };
	int system_error;

	o.n_workers = WORKERS;
	h->sim = sim_new(seed, &rough);
	for (unsigned i = 0; i <= WORKERS; i++)
		h->loops[i] = sim_loop_new(h->sim);
	h->outside = sim_loop_new(h->sim);
	h->apps = app_table_new(key);
	h->app = app_table_add(h->apps, S("app-id"), S("app-key"), S("app-secret"));
	h->server = server_new(&o, h->apps, NULL, h->loops, h->loops[WORKERS], key);
	server_set_tls(h->server, testing_context(&pair));
	h->guests_context = testing_client_context(seed % 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
	assert_true(net_address_parse(S("127.0.0.1"), 6001, &h->address));
	assert_int_equal(server_listen(h->server, LISTENER_CLIENTS, &h->address, &system_error),
			 OK);
}

static void house_fini(struct house *h)
{
	server_free(h->server);
	for (unsigned i = 0; i <= WORKERS; i++)
		loop_free(h->loops[i]);
	loop_free(h->outside);
	tls_context_unref(h->guests_context);
	sim_free(h->sim);
	app_table_free(h->apps);
}

/* Hearing */

static void hear_text(struct guest *g, str text)
{
	char expected[32];

	if (str_contains_nocase(text, S("subscription_succeeded"))) {
		g->is_subscribed = true;
	} else if (str_contains_nocase(text, S("\"event\":\"e\""))) {
		snprintf(expected, sizeof(expected), "\"data\":\"%06u.", g->n_heard++);
		assert_true(str_contains_nocase(text, str_from_cstr(expected)));
	} else if (str_contains_nocase(text, S("4200"))) {
		g->is_told = true;
	}
}

/* Frames that are whole; the server's are not masked and below 64 KiB here. */
static void hear_frames(struct guest *g)
{
	for (;;) {
		const uint8_t *p = (const uint8_t *)g->in.p;
		size_t head = g->in.len > 1 && p[1] == 126 ? 4 : 2, n;

		if (g->in.len < head)
			return;
		n = head == 4 ? (size_t)p[2] << 8 | p[3] : p[1];
		if (g->in.len < head + n)
			return;
		if (p[0] == 0x81)
			hear_text(g, (str){ g->in.p + head, n });
		buf_drop_front(&g->in, head + n);
	}
}

static void hear_answers(struct guest *g)
{
	const char *end;

	while ((end = g->in.len ? memmem(g->in.p, g->in.len, "{\"ok\":true}", 11) : NULL)) {
		assert_true(str_has_prefix(buf_str(&g->in), S("HTTP/1.1 200 OK\r\n")));
		g->n_answers++;
		buf_drop_front(&g->in, (size_t)(end + 11 - g->in.p));
	}
}

static void hear(struct guest *g)
{
	const char *end = g->in.len ? memmem(g->in.p, g->in.len, "\r\n\r\n", 4) : NULL;

	if (!g->is_upgraded && end && str_has_prefix(buf_str(&g->in), S("HTTP/1.1 101 "))) {
		g->is_upgraded = true;
		buf_drop_front(&g->in, (size_t)(end + 4 - g->in.p));
	}
	if (g->is_upgraded)
		hear_frames(g);
	else
		hear_answers(g);
}

/* Guests */

static void guest_leave(struct guest *g)
{
	g->is_gone = true;
	net_close(g->house->outside, &g->file);
}

static err guest_send(struct guest *g)
{
	struct net_span span = { g->out.p, g->out.len };
	size_t n = 0;
	err e;

	if (g->out.len == 0 || !SSL_is_init_finished(g->file.tls->ssl))
		return OK;
	e = net_send(g->house->outside, &g->file, &span, 1, &n);
	if (e == OK)
		buf_drop_front(&g->out, n);
	if (g->ends && g->out.len == 0)
		net_shutdown(g->house->outside, &g->file);
	return e == ERR_AGAIN ? OK : e;
}

static void guest_on_ready(struct io_file *f, unsigned ready)
{
	struct guest *g = container_of(f, struct guest, file);
	size_t n = 0;
	err e = net_recv(g->house->outside, f, buf_reserve(&g->in, g->read_max), g->read_max, &n);

	buf_commit(&g->in, n);
	if (e == OK && n > 0)
		hear(g);
	if ((e == OK && n == 0) || (e != OK && e != ERR_AGAIN) || guest_send(g) != OK) {
		guest_leave(g);
		return;
	}
	loop_watch(g->house->outside, f,
		   LOOP_READ | (g->out.len && SSL_is_init_finished(f->tls->ssl) ? LOOP_WRITE : 0));
}

static void guest_on_connected(struct io_file *f, unsigned ready)
{
	struct guest *g = container_of(f, struct guest, file);
	int why = 0;

	if (net_connect_result(g->house->outside, f, &why) != OK)
		return;
	f->on_ready = guest_on_ready;
	testing_connect(g->house->outside, f, g->house->guests_context);
	guest_on_ready(f, LOOP_WRITE);
}

static void guest_init(struct guest *g, struct house *h)
{
	int why = 0;

	*g = (struct guest){ .file = { .fd = -1, .on_ready = guest_on_connected }, .house = h };
	g->read_max = sim_random(h->sim, 3) ? 4096 : 1 + sim_random(h->sim, 50);
	buf_init(&g->in, SIZE_MAX / 2);
	buf_init(&g->out, SIZE_MAX / 2);
	assert_int_equal(net_connect(h->outside, &g->file, &h->address, &why), OK);
	assert_true(loop_watch(h->outside, &g->file, LOOP_WRITE));
}

static void guest_fini(struct guest *g)
{
	net_close(g->house->outside, &g->file);
	buf_fini(&g->in);
	buf_fini(&g->out);
}

/* What they say */

static void say_frame(struct guest *g, str text)
{
	buf_putc(&g->out, (char)0x81);
	buf_putc(&g->out, (char)(0x80 | text.n));
	buf_put(&g->out, "\0\0\0\0", 4);
	buf_puts(&g->out, text);
}

static void say_subscribe(struct guest *g)
{
	buf_puts(&g->out,
		 S("GET /app/app-key?protocol=7 HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n"
		   "connection: upgrade\r\nsec-websocket-version: 13\r\n"
		   "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
	say_frame(g, S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"room\"}}"));
}

static void say_publish(struct guest *g, unsigned number)
{
	struct house *h = g->house;
	struct buf body, query;

	buf_init(&body, 2 * DATA_BYTES_MAX);
	buf_init(&query, 4096);
	buf_printf(&body, "{\"name\":\"e\",\"channel\":\"room\",\"data\":\"%06u.", number);
	for (uint64_t n = sim_random(h->sim, DATA_BYTES_MAX); n > 0; n--)
		buf_putc(&body, 'x');
	buf_puts(&body, S("\"}"));
	auth_request_sign(h->app->key, &h->app->hmac, S("POST"), S("/apps/app-id/events"), S(""),
			  buf_str(&body), loop_clock(h->outside)->wall_ms / 1000, &query);
	buf_printf(&g->out,
		   "POST /apps/app-id/events?%.*s HTTP/1.1\r\nhost: x\r\ncontent-type: "
		   "application/json\r\ncontent-length: %zu\r\n\r\n",
		   STR_ARG(buf_str(&query)), body.len);
	buf_puts(&g->out, buf_str(&body));
	buf_fini(&body);
	buf_fini(&query);
}

/* Does it hold for all who have not gone? */
static bool all(const struct guest *guests, bool (*holds)(const struct guest *g))
{
	for (unsigned i = 0; i < GUESTS; i++)
		if (!guests[i].is_gone && !holds(&guests[i]))
			return false;
	return true;
}

static void step_until(struct house *h, const struct guest *guests,
		       bool (*holds)(const struct guest *g))
{
	for (int i = 0; i < STEPS_MAX && !all(guests, holds); i++)
		sim_step(h->sim);
	assert_true(all(guests, holds));
}

static bool is_subscribed(const struct guest *g)
{
	return g->is_subscribed;
}

static bool has_heard_all(const struct guest *g)
{
	return g->n_heard == EVENTS;
}

static bool is_told(const struct guest *g)
{
	return g->is_told;
}

static void play(uint64_t seed)
{
	struct guest guests[GUESTS], publisher;
	struct house h;
	unsigned n_gone = 0;

	house_init(&h, seed);
	for (unsigned i = 0; i < GUESTS; i++) {
		guest_init(&guests[i], &h);
		say_subscribe(&guests[i]);
	}
	guest_init(&publisher, &h);
	publisher.read_max = 4096;
	/* One leaves while others still shake hands. */
	for (uint64_t i = sim_random(h.sim, 300); i > 0; i--)
		sim_step(h.sim);
	guest_leave(&guests[0]);
	step_until(&h, guests, is_subscribed);
	for (unsigned i = 0; i < EVENTS; i++) {
		say_publish(&publisher, i);
		if (i == EVENTS / 2)
			guest_leave(&guests[1]);
	}
	loop_watch(h.outside, &publisher.file, LOOP_READ | LOOP_WRITE);
	step_until(&h, guests, has_heard_all);
	assert_int_equal(publisher.n_answers, EVENTS);
	server_drain(h.server);
	step_until(&h, guests, is_told);
	for (unsigned i = 0; i < GUESTS; i++) {
		n_gone += guests[i].is_gone;
		guest_fini(&guests[i]);
	}
	assert_true(n_gone >= 2);
	guest_fini(&publisher);
	sim_run_ms(h.sim, 5000);
	assert_true(server_is_drained(h.server));
	house_fini(&h);
}

static void over_tls_nothing_is_lost_doubled_or_out_of_order(void **state)
{
	int64_t before;

	play(0);
	before = mem_live_bytes();
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		play(seed);
	assert_int_equal(mem_live_bytes(), before);
}

static unsigned count(str text, str what)
{
	unsigned n = 0;

	for (const char *at; (at = text.n ? memmem(text.p, text.n, what.p, what.n) : NULL); n++)
		text = str_skip(text, (size_t)(at + what.n - text.p));
	return n;
}

/* What TLS holds back is written before the end, too. */
static void answers_reach_guests_that_ended_their_stream(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct guest guests[GUESTS];
		struct house h;

		house_init(&h, seed);
		for (unsigned i = 0; i < GUESTS; i++) {
			guest_init(&guests[i], &h);
			guests[i].ends = true;
			for (unsigned n = 0; n < REQUESTS; n++)
				buf_puts(&guests[i].out, S("GET /up HTTP/1.1\r\nhost: x\r\n\r\n"));
		}
		sim_run_ms(h.sim, 60000);
		for (unsigned i = 0; i < GUESTS; i++) {
			assert_true(guests[i].is_gone);
			assert_int_equal(count(buf_str(&guests[i].in), S("x-health-check: OK")),
					 REQUESTS);
			guest_fini(&guests[i]);
		}
		house_fini(&h);
	}
}

/* Neither who is silent nor who stops in the middle of the handshake stays. */
static void a_handshake_that_does_not_end_is_ended(void **state)
{
	struct sim_peer *peers[GUESTS];
	struct house h;

	house_init(&h, 1);
	for (unsigned i = 0; i < GUESTS; i++) {
		peers[i] = sim_peer_connect(h.sim, &(struct sim_peer_init){ .to = h.address });
		sim_run_ms(h.sim, 100);
		sim_peer_write(peers[i], "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", i);
	}
	sim_run_ms(h.sim, 5000);
	assert_int_equal(server_n_connections(h.server), GUESTS);
	sim_run_ms(h.sim, 10000);
	assert_int_equal(server_n_connections(h.server), 0);
	for (unsigned i = 0; i < GUESTS; i++)
		sim_peer_close(peers[i]);
	sim_run_ms(h.sim, 1000);
	house_fini(&h);
}

static int make_pair(void **state)
{
	testing_pair_make(&pair, TESTING_EC, TESTING_PKCS8, 30);
	return 0;
}

static int remove_pair(void **state)
{
	testing_pair_remove(&pair);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_tls_nothing_is_lost_doubled_or_out_of_order),
		cmocka_unit_test(answers_reach_guests_that_ended_their_stream),
		cmocka_unit_test(a_handshake_that_does_not_end_is_ended),
	};

	return cmocka_run_group_tests(tests, make_pair, remove_pair);
}
