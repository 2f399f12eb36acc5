/* world.c: making a world, letting it go on, and ending it. */
#include "world.h"

#include "audit.h"
#include "base/check.h"
#include "base/mem.h"
#include "client.h"
#include "codec/deflate.h"
#include "dismissal.h"
#include "ghost.h"
#include "identity.h"
#include "luck.h"
#include "plan.h"
#include "pressure.h"
#include "publisher.h"
#include "reload.h"

#include <stdio.h>

/* Longer than any grace period, and than the server's patience with a silent back-end. */
enum { GRACE_MS = 3000, PATIENCE_MS = 36000 };
/* The server's grace period and what a silent peer's Close may take. */
enum { DRAIN_MS_MAX = 12500 };
/* Of simulated time and of steps, until everything that has begun must have come to its end. */
#define SETTLE_US_MAX UINT64_C(600000000)
#define SETTLE_STEPS_MAX UINT64_C(3000000)

void world_forget_round(struct world *w)
{
	oracle_rest(&w->oracle);
	w->round_began = w->n_acts;
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		w->nodes[i].keyed = (struct keyed_publishes){ 0 };
}

/* Chance */

void world_take_dice(struct world *w, enum dice d, uint32_t number)
{
	sim_reseed(w->sim, w->seed, (uint64_t)d << 32 | number);
}

bool world_begin_act(struct world *w)
{
	w->trace->act = ++w->n_acts;
	w->trace->is_resting = false;
	if (cut_skips(&w->wish->cut, w->n_acts, w->n_acts))
		return false;
	world_take_dice(w, DICE_ACT, w->n_acts);
	return true;
}

/* Time */

static bool serve_clients(struct world *w)
{
	bool any = false;

	for (unsigned i = 0; i * 64 < w->n_places; i++) {
		uint64_t changed = w->changed[i];

		w->changed[i] = 0;
		any |= changed != 0;
		for (; changed; changed &= changed - 1)
			client_serve(w->clients[i * 64 + (unsigned)__builtin_ctzll(changed)]);
	}
	return any;
}

static bool serve_publisher(struct publisher *p)
{
	if (!p || !p->is_changed)
		return false;
	publisher_serve(p);
	return true;
}

static bool serve(struct world *w)
{
	bool any;

	w->trace->now_us = sim_now_us(w->sim);
	for (unsigned i = 0; i < w->plan.n_nodes; i++) {
		reload_serve(&w->nodes[i]);
		hooks_serve(&w->nodes[i]);
	}
	ghost_serve(w);
	any = serve_clients(w);
	for (unsigned i = 0; i < PUBLISHERS_MAX; i++)
		any |= serve_publisher(w->publishers[i]);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		any |= serve_publisher(w->nodes[i].auditor);
	return serve_publisher(w->scraper) || any;
}

bool world_step(struct world *w)
{
	bool is_quiet = sim_quiet(w->sim);

	if (!is_quiet) {
		if (w->plan.fails_memory && !w->is_resting && chance(w, 5))
			mem_fail_run(1 + pick(w, 4), pick(w, 4) ? 0 : pick(w, 4));
		sim_step(w->sim);
		mem_fail_nth(0);
	}
	return serve(w) || !is_quiet;
}

void world_settle(struct world *w)
{
	uint64_t end_us = sim_now_us(w->sim) + SETTLE_US_MAX;
	uint64_t n_steps = 0;

	while (world_step(w))
		if (++n_steps > SETTLE_STEPS_MAX || sim_now_us(w->sim) > end_us)
			trace_fail(w->trace, "the world does not come to rest");
}

void world_pass_ms(struct world *w, uint64_t ms)
{
	uint64_t end_us = sim_now_us(w->sim) + ms * 1000;

	world_settle(w);
	while (sim_now_us(w->sim) < end_us) {
		sim_run_ms(w->sim, ms > 10000 ? 1000 : 100);
		world_settle(w);
	}
}

/* People */

bool world_is_lenient(const struct world *w)
{
	return w->plan.is_tight || w->plan.fails_memory;
}

unsigned world_n_clients(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_places; i++)
		n += w->clients[i] != NULL;
	return n;
}

unsigned world_n_clients_of(const struct node *n)
{
	const struct world *w = n->world;
	unsigned count = 0;

	for (unsigned i = 0; i < w->n_places; i++)
		count += w->clients[i] && w->clients[i]->node == n;
	return count;
}

/* One draw, and the same client as long as he is there: the others may be left out. */
struct client *world_random_client(struct world *w)
{
	struct client *found = NULL;
	uint64_t salt = pick(w, UINT64_MAX), highest = 0;

	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];
		uint64_t rank = c ? world_rank(salt, c->came_in_act) : 0;

		if (c && c != w->witness && rank >= highest) {
			found = c;
			highest = rank;
		}
	}
	return found;
}

/* Rest */

static void resume_readers(struct world *w, bool with_dead)
{
	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (c && c->is_paused && (with_dead || !c->is_dead))
			client_pause(c, false);
	}
}

static bool has_dead_clients(const struct world *w)
{
	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i] && w->clients[i]->is_dead)
			return true;
	return false;
}

static bool has_stalled_publishers(const struct world *w)
{
	for (unsigned i = 0; i < PUBLISHERS_MAX; i++)
		if (w->publishers[i] && w->publishers[i]->peer && w->publishers[i]->is_stalled)
			return true;
	return false;
}

/* All deadlines of those who make the server wait. */
static void outwait_the_silent(struct world *w)
{
	uint64_t ms = has_stalled_publishers(w) ? PATIENCE_MS : 0;

	if (has_dead_clients(w))
		ms = w->plan.activity_timeout_s * 1000 + PATIENCE_MS;
	if (ghost_patience_ms(w) > ms)
		ms = ghost_patience_ms(w);
	if (ms == 0)
		return;
	trace_fault(w->trace, "silence for %llu s", (unsigned long long)ms / 1000);
	world_pass_ms(w, ms);
	resume_readers(w, true);
	ghost_rest(w);
	world_pass_ms(w, GRACE_MS);
}

/* What is short is plenty again. */
static void soothe(struct node *n)
{
	if (!n->is_lost && n->has_few_files)
		node_limit_files(n, UINT32_MAX);
}

static bool has_draining_nodes(const struct world *w)
{
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		if (w->nodes[i].is_draining && !w->nodes[i].is_lost)
			return true;
	return false;
}

static void check_drained(const struct node *n)
{
	struct trace *t = n->world->trace;

	if (!n->is_draining || n->is_lost)
		return;
	if (!server_is_drained(n->server))
		trace_fail(t, "%zu connections are left of node %u, which was to go",
			   server_n_connections(n->server), n->number);
	if (world_n_clients_of(n) > 0)
		trace_fail(t, "%u clients are still there, though node %u has gone",
			   world_n_clients_of(n), n->number);
}

static void come_to_rest(struct world *w)
{
	w->is_resting = true;
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		soothe(&w->nodes[i]);
	sim_fail_nth(w->sim, 0);
	if (w->is_pressed)
		pressure_set(w, false);
	resume_readers(w, false);
	/* The grace begins when the last word is spoken: a loop may have had no turn yet. */
	world_settle(w);
	world_pass_ms(w, GRACE_MS);
	w->pressure = PRESSURE_IS_NOT;
	outwait_the_silent(w);
	if (has_draining_nodes(w))
		world_pass_ms(w, DRAIN_MS_MAX);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		check_drained(&w->nodes[i]);
	hooks_outwait(w);
}

static void check_people(struct world *w)
{
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		w->nodes[i].n_small_max = w->nodes[i].n_all_max = 0;
	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (!c)
			continue;
		client_rest(c);
		c->node->n_small_max += c->app == APP_SMALL;
		c->node->n_all_max++;
	}
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
		publisher_rest(w->publishers[i]);
}

void world_rest(struct world *w)
{
	w->trace->is_resting = true;
	trace_note(w->trace, "world", "comes to rest");
	come_to_rest(w);
	check_people(w);
	dismissal_rest(w);
	for (unsigned i = 0; i < w->plan.n_nodes; i++) {
		reload_rest(&w->nodes[i]);
		watch_rest(&w->nodes[i]);
		hooks_rest(&w->nodes[i]);
		audit(&w->nodes[i]);
	}
	world_forget_round(w);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		node_rest(&w->nodes[i]);
	w->is_resting = false;
	trace_note(w->trace, "world", "rests: %u clients, live bytes %lld", world_n_clients(w),
		   (long long)mem_live_bytes());
}

/* The end */

static void leave(struct client *c)
{
	struct world *w = c->world;

	world_take_dice(w, DICE_LEAVE, c->came_in_act);
	if (c->is_dead || chance(w, 50))
		client_vanish(c, chance(w, 50));
	else if (client_may_ask(c) && c->state == CLIENT_OPEN)
		client_close(c);
}

/* Some come while the server goes, and back-ends go on. */
static void go_on_meanwhile(struct world *w)
{
	for (unsigned i = 0; i < 40; i++) {
		struct publisher *p;

		if (!world_begin_act(w))
			continue;
		p = w->publishers[pick(w, w->plan.n_publishers)];
		if (chance(w, 10) && world_n_clients(w) < w->plan.n_clients + 2)
			client_connect(&w->nodes[pick(w, w->plan.n_nodes)], APP_MAIN, false);
		if (chance(w, 50) && w->oracle.n_events < EVENTS_MAX - 16 && publisher_may_ask(p))
			publisher_publish(p);
		for (uint64_t n = pick(w, 40); n > 0 && world_step(w); n--)
			continue;
		if (chance(w, 20))
			sim_run_ms(w->sim, pick(w, 100));
	}
}

static void drain(struct world *w)
{
	trace_fault(w->trace, "the server is told to go");
	w->is_draining = true;
	for (unsigned i = 0; i < w->plan.n_nodes; i++) {
		w->nodes[i].is_draining = true;
		server_drain(w->nodes[i].server);
		server_settle(w->nodes[i].server);
	}
	go_on_meanwhile(w);
	world_pass_ms(w, DRAIN_MS_MAX);
	come_to_rest(w);
}

void world_end(struct world *w)
{
	w->trace->is_resting = true;
	world_take_dice(w, DICE_END, 0);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		reload_restore(&w->nodes[i]);
	if (w->plan.drains)
		drain(w);
	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i])
			leave(w->clients[i]);
	come_to_rest(w);
	if (world_n_clients(w) > 0)
		trace_fail(w->trace, "%u clients are left over", world_n_clients(w));
	world_forget_round(w);
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
		publisher_free(w->publishers[i]);
	memset(w->publishers, 0, sizeof(w->publishers));
	for (unsigned i = 0; i < w->plan.n_nodes; i++) {
		publisher_free(w->nodes[i].auditor);
		w->nodes[i].auditor = NULL;
	}
	world_pass_ms(w, GRACE_MS);
	audit_emptiness(w);
	luck_end(w);
	w->ended_us = sim_now_us(w->sim);
}

/* Making it */

static void trace_plan(struct world *w)
{
	const struct plan *p = &w->plan;
	char words[TRACE_RUN_BYTES];

	plan_words(p, words, sizeof(words));
	trace_describe(w->trace, "%u nodes, %u workers, %u topics, %u clients, %u back-ends%s",
		       p->n_nodes, p->n_workers, p->n_topics, p->n_clients, p->n_publishers, words);
}

static void make_nodes(struct world *w)
{
	world_take_dice(w, DICE_SERVER, 0);
	w->hash_key = (struct hash_key){ pick(w, UINT64_MAX), pick(w, UINT64_MAX) };
	w->options = plan_options(w);
	plan_apps(w);
	plan_topics(w);
	hooks_begin(w);
	w->is_resting = true;
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		node_start(&w->nodes[i], w, i);
	w->is_resting = false;
}

void world_init(struct world *w, struct trace *t, uint64_t seed, const struct world_wish *wish)
{
	static const char *const NAMES[PUBLISHERS_MAX] = { "p1", "p2", "p3" };
	struct sim_options calm = sim_options_calm();

	*w = (struct world){ .seed = seed, .wish = wish, .trace = t, .trap = wish->trap };
	w->live_bytes_before = mem_live_bytes();
	t->is_resting = true;
	w->sim = sim_new(seed, &calm);
	plan_draw(w, wish);
	w->deflate = deflate_new();
	oracle_init(&w->oracle, t);
	w->oracle.may_drop = w->plan.drops_newest;
	w->oracle.may_lack_memory = w->plan.fails_memory;
	w->oracle.leaves_early = w->plan.n_workers > 1;
	identity_begin(w);
	make_nodes(w);
	w->weather = plan_weather(w);
	sim_set_options(w->sim, &w->weather);
	luck_begin(w);
	trace_plan(w);
	w->live_bytes = mem_live_bytes();
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
		w->publishers[i] = publisher_new(w, NULL, NAMES[i]);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		w->nodes[i].auditor = publisher_new(w, &w->nodes[i], "audit");
}

void world_fini(struct world *w)
{
	int64_t more;

	deflate_free(w->deflate);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		node_stop(&w->nodes[i]);
	identity_end(w);
	sim_free(w->sim);
	app_table_free(w->book);
	oracle_fini(&w->oracle);
	more = mem_live_bytes() - w->live_bytes_before;
	if (more != 0)
		trace_fail(w->trace, "%lld bytes are left of a server that was freed",
			   (long long)more);
}
