/* turn_test.c: the server when it can do very little per turn, on a simulated loop. With so much
 * room as it has usually, the same takes a crowd. */
#include "server/server.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"

enum { PEERS = 8, STEPS_MAX = 100000 };

struct narrow_world {
	struct sim *sim;
	struct loop *loop;
	struct app_table *apps;
	struct server *server;
	struct net_address address;
	struct sim_peer *peers[PEERS];
};

static void world_of(struct narrow_world *w, const struct server_options *o)
{
	struct sim_options calm = sim_options_calm();
	struct hash_key key = { 1, 2 };
	struct app *app;
	int system_error;

	w->sim = sim_new(1, &calm);
	w->loop = sim_loop_new(w->sim);
	w->apps = app_table_new(key);
	app = app_table_add(w->apps, S("app-id"), S("app-key"), S("app-secret"));
	app->limits.max_connections = 2 * PEERS;
	app->enable_subscription_count = true;
	w->server = server_new(o, w->apps, NULL, &w->loop, NULL, key);
	assert_true(net_address_parse(S("127.0.0.1"), 6001, &w->address));
	assert_int_equal(server_listen(w->server, LISTENER_CLIENTS, &w->address, &system_error),
			 OK);
}

static void world_init(struct narrow_world *w)
{
	struct server_options o = server_options_default();

	o.writes_per_slice = 1;
	o.out_bytes_full = 1;
	world_of(w, &o);
}

static void world_fini(struct narrow_world *w)
{
	for (unsigned i = 0; i < PEERS; i++)
		sim_peer_close(w->peers[i]);
	assert_true(sim_settle(w->sim, STEPS_MAX));
	server_free(w->server);
	loop_free(w->loop);
	sim_free(w->sim);
	app_table_free(w->apps);
}

/* All peers say the same at the same time. */
static void peers_say(struct narrow_world *w, str text, bool ends_stream)
{
	struct sim_peer_init init = { .to = w->address };

	for (unsigned i = 0; i < PEERS; i++)
		w->peers[i] = sim_peer_connect(w->sim, &init);
	assert_true(sim_settle(w->sim, STEPS_MAX));
	for (unsigned i = 0; i < PEERS; i++) {
		assert_int_equal(sim_peer_write(w->peers[i], text.p, text.n), text.n);
		if (ends_stream)
			sim_peer_shutdown(w->peers[i]);
	}
	assert_true(sim_settle(w->sim, STEPS_MAX));
}

static void assert_all_heard(struct narrow_world *w, str text)
{
	for (unsigned i = 0; i < PEERS; i++) {
		char bytes[4096];
		size_t n = sim_peer_read(w->peers[i], bytes, sizeof(bytes));

		assert_row(str_contains_nocase((str){ bytes, n }, text), i);
	}
}

static void answers_reach_peers_that_ended_their_stream(void **state)
{
	struct narrow_world w;

	world_init(&w);
	peers_say(&w, S("GET /up HTTP/1.1\r\nhost: x\r\n\r\n"), true);
	assert_all_heard(&w, S("x-health-check: OK"));
	for (unsigned i = 0; i < PEERS; i++)
		assert_int_equal(sim_peer_state(w.peers[i]), SIM_PEER_ENDED);
	assert_int_equal(server_n_connections(w.server), 0);
	world_fini(&w);
}

#define UPGRADE                                                                                    \
	S("GET /app/app-key?protocol=7 HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n"              \
	  "connection: upgrade\r\nsec-websocket-version: 13\r\n"                                   \
	  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")

/* The quota makes each wait for the hub, whose mail waits for room. */
static void mail_that_waits_for_room_is_taken_when_there_is_some(void **state)
{
	struct narrow_world w;

	world_init(&w);
	peers_say(&w, UPGRADE, false);
	assert_all_heard(&w, S("pusher:connection_established"));
	world_fini(&w);
}

#define REQUEST S("GET /up HTTP/1.1\r\nhost: x\r\n\r\n")

static void ask(struct sim_peer *p)
{
	assert_int_equal(sim_peer_write(p, REQUEST.p, REQUEST.n), REQUEST.n);
}

static void ask_again(struct sim_peer *p)
{
	char bytes[4096];

	if (sim_peer_read(p, bytes, sizeof(bytes)) == 0)
		return;
	++*(unsigned *)sim_peer_user(p);
	ask(p);
}

/* Each counts his answers. */
static void connect_askers(struct narrow_world *w, unsigned n_heard[PEERS])
{
	struct sim_peer_init init = { .to = w->address, .on_change = ask_again };

	for (unsigned i = 0; i < PEERS; i++) {
		init.user = &n_heard[i];
		w->peers[i] = sim_peer_connect(w->sim, &init);
	}
	assert_true(sim_settle(w->sim, STEPS_MAX));
}

/* Who is answered asks again at once, and there are more of them than a slice writes to: all is
 * never said. */
static void who_asks_without_end_is_answered_and_answers_do_not_pile_up(void **state)
{
	enum { STEPS = 20000, LIVE_BYTES_MAX = 10000 };
	unsigned n_heard[PEERS] = { 0 };
	struct narrow_world w;
	int64_t live;

	world_init(&w);
	connect_askers(&w, n_heard);
	for (unsigned i = 0; i < PEERS; i++)
		ask(w.peers[i]);
	for (unsigned i = 0; i < STEPS / 10; i++)
		sim_step(w.sim);
	live = mem_live_bytes();
	for (unsigned i = 0; i < STEPS; i++)
		sim_step(w.sim);
	assert_true(mem_live_bytes() - live < LIVE_BYTES_MAX);
	for (unsigned i = 0; i < PEERS; i++)
		assert_true(n_heard[i] > STEPS / PEERS / 100);
	world_fini(&w);
}

/* Who is answered asks again at once, but those who asked before him are answered before him. */
static void answers_are_given_in_the_order_of_the_questions(void **state)
{
	struct server_options o = server_options_default();
	unsigned n_heard[PEERS] = { 0 }, most = 0;
	struct narrow_world w;

	o.writes_per_slice = 1;
	world_of(&w, &o);
	connect_askers(&w, n_heard);
	sim_stall_loop(w.loop, 1000);
	for (unsigned i = 0; i < PEERS; i++)
		ask(w.peers[i]);
	for (unsigned n_steps = 0; n_steps < STEPS_MAX && most < 10; n_steps++) {
		unsigned least = UINT32_MAX;

		sim_step(w.sim);
		for (unsigned i = 0; i < PEERS; i++) {
			most = n_heard[i] > most ? n_heard[i] : most;
			least = n_heard[i] < least ? n_heard[i] : least;
		}
		assert_true(most - least <= 1);
	}
	assert_int_equal(most, 10);
	world_fini(&w);
}

/* In a frame with a mask that changes nothing. */
#define SUBSCRIBE S("\x81\xb3\0\0\0\0{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"a\"}}")

/* Those who are answered go first, but not for ever. */
static void who_listens_hears_while_others_ask_without_end(void **state)
{
	enum { LISTENER, NEWCOMER, FIRST_ASKER };
	struct server_options o = server_options_default();
	unsigned n_heard[PEERS] = { 0 };
	struct narrow_world w;
	char bytes[8192];
	bool hears = false;

	o.writes_per_slice = 1;
	world_of(&w, &o);
	connect_askers(&w, n_heard);
	for (unsigned i = 0; i < FIRST_ASKER; i++) {
		sim_peer_close(w.peers[i]);
		w.peers[i] = sim_peer_connect(w.sim, &(struct sim_peer_init){ .to = w.address });
		assert_true(sim_settle(w.sim, STEPS_MAX));
		assert_int_equal(sim_peer_write(w.peers[i], UPGRADE.p, UPGRADE.n), UPGRADE.n);
		assert_true(sim_settle(w.sim, STEPS_MAX));
	}
	sim_peer_write(w.peers[LISTENER], SUBSCRIBE.p, SUBSCRIBE.n);
	assert_true(sim_settle(w.sim, STEPS_MAX));
	sim_peer_read(w.peers[LISTENER], bytes, sizeof(bytes));
	for (unsigned i = FIRST_ASKER; i < PEERS; i++)
		ask(w.peers[i]);
	sim_peer_write(w.peers[NEWCOMER], SUBSCRIBE.p, SUBSCRIBE.n);
	for (unsigned i = 0; i < STEPS_MAX / 10; i++) {
		sim_step(w.sim);
		hears |= sim_peer_read(w.peers[LISTENER], bytes, sizeof(bytes)) > 0;
	}
	assert_true(hears);
	for (unsigned i = FIRST_ASKER; i < PEERS; i++)
		assert_true(n_heard[i] > 0);
	world_fini(&w);
}

/* So many answers at once are more than anybody has to be given before he has read some. */
static void
who_asks_a_thousand_times_and_does_not_read_is_not_answered_a_thousand_times(void **state)
{
	enum { TIMES = 1500, LIVE_BYTES_MAX = 4 * 64 * 1024, ANSWER_BYTES_MAX = 1024 };
	struct server_options o = server_options_default();
	unsigned n_heard = 0;
	struct narrow_world w;
	char bytes[ANSWER_BYTES_MAX];
	int64_t live;
	size_t n;

	world_of(&w, &o);
	for (unsigned i = 0; i < PEERS; i++)
		w.peers[i] = sim_peer_connect(w.sim, &(struct sim_peer_init){ .to = w.address });
	assert_true(sim_settle(w.sim, STEPS_MAX));
	live = mem_live_bytes();
	for (unsigned i = 0; i < TIMES; i++)
		ask(w.peers[0]);
	assert_true(sim_settle(w.sim, STEPS_MAX));
	assert_true(mem_live_bytes() - live < LIVE_BYTES_MAX);
	do {
		n = sim_peer_read(w.peers[0], bytes, sizeof(bytes));
		for (size_t i = 0; i < n; i++)
			n_heard += bytes[i] == 'K'; /* of "OK", three times */
		assert_true(sim_settle(w.sim, STEPS_MAX));
	} while (n > 0);
	assert_int_equal(n_heard, 3 * TIMES);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_reach_peers_that_ended_their_stream),
		cmocka_unit_test(mail_that_waits_for_room_is_taken_when_there_is_some),
		cmocka_unit_test(who_asks_without_end_is_answered_and_answers_do_not_pile_up),
		cmocka_unit_test(answers_are_given_in_the_order_of_the_questions),
		cmocka_unit_test(who_listens_hears_while_others_ask_without_end),
		cmocka_unit_test(
			who_asks_a_thousand_times_and_does_not_read_is_not_answered_a_thousand_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
