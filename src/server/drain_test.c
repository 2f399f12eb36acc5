/* drain_test.c: what is odd about going away, with workers on simulated loops. Whole crowds are the
 * simulator's matter. */
#include "base/testing.h"
#include "io/sim.h"
#include "server/server.h"

enum { WORKERS = 2, STEPS_MAX = 100000, OLD_MS = 3000 };

struct world {
	struct sim *sim;
	struct loop *loops[WORKERS + 1];
	struct app_table *apps;
	struct server *server;
	struct net_address address;
};

static void world_init(struct world *w, const struct server_options *o)
{
	struct sim_options calm = sim_options_calm();
	struct hash_key key = { 1, 2 };
	int system_error;

	w->sim = sim_new(1, &calm);
	for (unsigned i = 0; i <= WORKERS; i++)
		w->loops[i] = sim_loop_new(w->sim);
	w->apps = app_table_new(key);
	app_table_add(w->apps, S("app-id"), S("app-key"), S("app-secret"));
	w->server = server_new(o, w->apps, NULL, w->loops, w->loops[WORKERS], key);
	assert_true(net_address_parse(S("127.0.0.1"), 6001, &w->address));
	assert_int_equal(server_listen(w->server, LISTENER_CLIENTS, &w->address, &system_error),
			 OK);
}

static void world_fini(struct world *w)
{
	server_free(w->server);
	for (unsigned i = 0; i <= WORKERS; i++)
		loop_free(w->loops[i]);
	sim_free(w->sim);
	app_table_free(w->apps);
}

/* The workers see to their timers and not to what arrives, as when the hub is behind. */
static void run_paused_ms(struct world *w, uint64_t ms)
{
	uint64_t end_us = sim_now_us(w->sim) + ms * 1000;

	do {
		for (unsigned i = 0; i < WORKERS; i++)
			loop_pause_files(w->loops[i], true);
	} while (sim_now_us(w->sim) < end_us && sim_step(w->sim));
}

static void who_says_whom_he_speaks_for_at_the_last_moment_is_understood(void **state)
{
	static const char said[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
				   "GET /up HTTP/1.1\r\nhost: x\r\n\r\n";
	struct server_options o = server_options_default();
	struct sim_peer *p;
	struct world w;
	char heard[1024] = "";

	o.n_workers = WORKERS;
	o.proxy_protocol = true;
	world_init(&w, &o);
	p = sim_peer_connect(w.sim, &(struct sim_peer_init){ .to = w.address });
	sim_run_ms(w.sim, OLD_MS);
	server_drain(w.server);
	assert_int_equal(sim_peer_write(p, said, sizeof(said) - 1), sizeof(said) - 1);
	run_paused_ms(&w, 200);
	assert_true(server_is_leaving(w.server));
	assert_true(sim_settle(w.sim, STEPS_MAX));
	sim_peer_read(p, heard, sizeof(heard) - 1);
	assert_non_null(strstr(heard, "503 Service Unavailable"));
	assert_non_null(strstr(heard, "DRAINING"));
	sim_peer_close(p);
	assert_true(sim_settle(w.sim, STEPS_MAX));
	world_fini(&w);
}

/* Newcomers at a worker that has left are told to come again, and come: what the others wait for is
 * not theirs. */
static void when_one_worker_leaves_newcomers_do_not_keep_the_others(void **state)
{
	struct server_options o = server_options_default();
	struct world w;

	o.n_workers = WORKERS;
	world_init(&w, &o);
	server_drain(w.server);
	server_told(w.server, 1000);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_false(server_may_leave(w.server, 1000));
		server_has_told(w.server);
	}
	assert_false(server_may_leave(w.server, 1000));
	assert_true(server_may_leave(w.server, 60000));
	server_leaves(w.server);
	server_came_back(w.server);
	server_told(w.server, 60000);
	server_told(w.server, 60000);
	assert_true(server_may_leave(w.server, 60000));
	world_fini(&w);
}

/* A back-end finds its kept connections until no worker has anything to do any more. */
static void no_worker_sends_anybody_away_before_all_leave(void **state)
{
	enum { KEPT = 20 };
	struct server_options o = server_options_default();
	struct sim_peer *peers[KEPT];
	struct world w;

	o.n_workers = WORKERS;
	world_init(&w, &o);
	for (unsigned i = 0; i < KEPT; i++)
		peers[i] = sim_peer_connect(w.sim, &(struct sim_peer_init){ .to = w.address });
	sim_run_ms(w.sim, OLD_MS);
	assert_int_equal(server_n_connections(w.server), KEPT);
	server_drain(w.server);
	while (server_n_connections(w.server) > 0) {
		assert_true(sim_step(w.sim));
		if (server_n_connections(w.server) < KEPT)
			assert_true(server_is_leaving(w.server));
	}
	for (unsigned i = 0; i < KEPT; i++)
		sim_peer_close(peers[i]);
	assert_true(sim_settle(w.sim, STEPS_MAX));
	world_fini(&w);
}

/* Who comes too late finds nobody: the last turns are for those who were there. */
static void who_is_still_at_the_door_when_the_server_is_freed_is_not_let_in(void **state)
{
	struct server_options o = server_options_default();
	struct sim_peer *p;
	struct world w;

	o.n_workers = WORKERS;
	world_init(&w, &o);
	for (unsigned i = 0; i < WORKERS; i++)
		sim_stall_loop(w.loops[i], 1000);
	p = sim_peer_connect(w.sim, &(struct sim_peer_init){ .to = w.address });
	sim_run_ms(w.sim, 100);
	assert_int_equal(sim_peer_state(p), SIM_PEER_OPEN);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_says_whom_he_speaks_for_at_the_last_moment_is_understood),
		cmocka_unit_test(when_one_worker_leaves_newcomers_do_not_keep_the_others),
		cmocka_unit_test(no_worker_sends_anybody_away_before_all_leave),
		cmocka_unit_test(who_is_still_at_the_door_when_the_server_is_freed_is_not_let_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
