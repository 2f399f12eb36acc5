/* changeover_test.c: two workers and a hub on simulated loops get other settings while somebody is
 * there. What a crowd makes of it is the simulator's matter. */
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"
#include "server/server.h"

enum { N_LOOPS = 3, STEPS_MAX = 100000 };

#define UPGRADE(key)                                                                               \
	S("GET /app/" key "?protocol=7 HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n"              \
	  "connection: upgrade\r\nsec-websocket-version: 13\r\n"                                   \
	  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")

struct world {
	struct sim *sim;
	struct loop *loops[N_LOOPS];
	struct app_table *apps;
	struct server_options options;
	struct server *server;
	struct net_address address;
};

enum { HAS_OTHER = 1, OTHER_IS_DISABLED = 2 };

static struct app_table *table(unsigned flags)
{
	struct app_table *t = app_table_new((struct hash_key){ 1, 2 });

	app_table_add(t, S("app-id"), S("app-key"), S("app-secret"));
	if (flags)
		app_table_add(t, S("other"), S("other-key"), S("secret"))->enabled =
			flags == HAS_OTHER;
	return t;
}

static void world_init(struct world *w)
{
	struct sim_options calm = sim_options_calm();
	int system_error;

	w->sim = sim_new(1, &calm);
	for (unsigned i = 0; i < N_LOOPS; i++)
		w->loops[i] = sim_loop_new(w->sim);
	w->apps = table(HAS_OTHER);
	w->options = server_options_default();
	w->options.n_workers = N_LOOPS - 1;
	w->server = server_new(&w->options, w->apps, NULL, w->loops, w->loops[N_LOOPS - 1],
			       (struct hash_key){ 1, 2 });
	assert_true(net_address_parse(S("127.0.0.1"), 6001, &w->address));
	assert_int_equal(server_listen(w->server, LISTENER_CLIENTS, &w->address, &system_error),
			 OK);
}

static void world_fini(struct world *w)
{
	server_free(w->server);
	for (unsigned i = 0; i < N_LOOPS; i++)
		loop_free(w->loops[i]);
	sim_free(w->sim);
	app_table_free(w->apps);
}

static void settle(struct world *w)
{
	assert_true(sim_settle(w->sim, STEPS_MAX));
}

static void reload(struct world *w, struct app_table *next)
{
	app_table_follow(next, w->apps);
	server_reload(w->server, &w->options, next);
	settle(w);
	assert_false(server_is_reloading(w->server));
	app_table_free(w->apps);
	w->apps = next;
}

static void say(struct world *w, struct sim_peer *p, str text)
{
	assert_int_equal(sim_peer_write(p, text.p, text.n), text.n);
	settle(w);
}

static struct sim_peer *visitor(struct world *w, str text)
{
	struct sim_peer *p = sim_peer_connect(w->sim, &(struct sim_peer_init){ .to = w->address });

	settle(w);
	say(w, p, text);
	return p;
}

static void assert_hears(struct sim_peer *p, str text)
{
	char bytes[4096];
	str heard = { bytes, sim_peer_read(p, bytes, sizeof(bytes)) };

	assert_true(text.n ? str_contains_nocase(heard, text) : heard.n == 0);
}

static void sessions_of_an_app_that_is_removed_are_closed_and_no_others(void **state)
{
	struct sim_peer *stays, *goes;
	struct world w;

	world_init(&w);
	stays = visitor(&w, UPGRADE("app-key"));
	goes = visitor(&w, UPGRADE("other-key"));
	assert_hears(stays, S("pusher:connection_established"));
	assert_hears(goes, S("pusher:connection_established"));
	reload(&w, table(0));
	assert_hears(stays, S(""));
	assert_hears(goes, S("\"code\":4001,\"message\":\"Application does not exist\""));
	sim_peer_close(goes);
	goes = visitor(&w, UPGRADE("other-key"));
	assert_hears(goes, S("\"code\":4001"));
	sim_peer_close(goes);
	reload(&w, table(HAS_OTHER));
	goes = visitor(&w, UPGRADE("other-key"));
	assert_hears(goes, S("pusher:connection_established"));
	reload(&w, table(OTHER_IS_DISABLED));
	assert_hears(goes, S("\"code\":4003,\"message\":\"Application disabled\""));
	assert_hears(stays, S(""));
	world_fini(&w);
}

static void request_that_has_begun_is_held_to_the_limits_of_its_beginning(void **state)
{
	struct sim_peer *in_head, *in_body;
	struct world w;

	world_init(&w);
	in_head = visitor(&w, S("GET /up HTTP/1.1\r\nhost: a-name-of-some-length.example\r\n"));
	in_body = visitor(&w, S("POST /up HTTP/1.1\r\nhost: a-name-of-some-length.example\r\n"
				"content-length: 100\r\n\r\n"));
	w.options.request_head_bytes_max = w.options.request_target_bytes_max = 16;
	w.options.request_body_bytes_max = 10;
	reload(&w, table(HAS_OTHER));
	say(&w, in_head, S("accept: */*\r\n\r\n"));
	assert_hears(in_head, S("HTTP/1.1 200 OK"));
	for (unsigned i = 0; i < 10; i++)
		say(&w, in_body, S("0123456789"));
	assert_hears(in_body, S("HTTP/1.1 405 Method Not Allowed"));
	say(&w, in_head, S("GET /up HTTP/1.1\r\nhost: x\r\n\r\n"));
	assert_hears(in_head, S("HTTP/1.1 414"));
	world_fini(&w);
}

static void reload_that_is_under_way_does_not_hinder_the_end(void **state)
{
	struct app_table *next;
	struct world w;

	for (unsigned n_steps = 0; n_steps < 12; n_steps++) {
		world_init(&w);
		visitor(&w, UPGRADE("app-key"));
		visitor(&w, UPGRADE("other-key"));
		next = table(0);
		app_table_follow(next, w.apps);
		server_reload(w.server, &w.options, next);
		for (unsigned i = 0; i < n_steps; i++)
			sim_step(w.sim);
		world_fini(&w);
		app_table_free(next);
	}
}

static void thousand_reloads_leave_no_more_than_one(void **state)
{
	struct sim_peer *stays;
	int64_t live = 0;
	struct world w;

	world_init(&w);
	stays = visitor(&w, UPGRADE("app-key"));
	assert_hears(stays, S("pusher:connection_established"));
	for (unsigned i = 0; i <= 1000; i++) {
		struct sim_peer *p = visitor(&w, UPGRADE("other-key"));

		reload(&w, table(i % 3));
		sim_peer_close(p);
		settle(&w);
		if (i == 100)
			live = mem_live_bytes();
	}
	/* The heap may round up otherwise. */
	assert_in_range(mem_live_bytes(), live - 1000, live + 1000);
	assert_hears(stays, S(""));
	assert_int_equal(server_n_connections(w.server), 1);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_of_an_app_that_is_removed_are_closed_and_no_others),
		cmocka_unit_test(request_that_has_begun_is_held_to_the_limits_of_its_beginning),
		cmocka_unit_test(reload_that_is_under_way_does_not_hinder_the_end),
		cmocka_unit_test(thousand_reloads_leave_no_more_than_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
