/* acts.c: a table of acts. For each run its weights are drawn anew, many of them as nothing: two
 * runs differ not only in the order of things, but in what is usual. */
#include "acts.h"

#include "base/check.h"
#include "client.h"
#include "publisher.h"
#include "reload.h"

/* Clients */

static struct client *any_asker(struct world *w)
{
	struct client *c = world_random_client(w);

	return c && client_may_ask(c) ? c : NULL;
}

static bool will_be_on(const struct client *c, const struct topic *t)
{
	return c->outlook[t - c->world->oracle.topics] == WILL_BE_ON;
}

static bool is_open_to(const struct client *c, const struct topic *t)
{
	return t->app == c->app;
}

static bool can_send_to(const struct client *c, const struct topic *t)
{
	return is_open_to(c, t) && t->takes_client_events && will_be_on(c, t);
}

/* One of those that fit c, or NULL. */
static struct topic *any_topic(struct world *w, const struct client *c,
			       bool (*fits)(const struct client *c, const struct topic *t))
{
	struct oracle *o = &w->oracle;
	struct topic *found = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < o->n_topics && c; i++)
		if (fits(c, &o->topics[i]) && pick(w, ++n) == 0)
			found = &o->topics[i];
	return found;
}

static void connect_client(struct world *w)
{
	if (world_n_clients(w) < w->plan.n_clients)
		client_connect(w, chance(w, 70) ? APP_MAIN : APP_SMALL, false);
}

static void connect_in_vain(struct world *w)
{
	if (world_n_clients(w) < w->plan.n_clients)
		client_connect(w, chance(w, 50) ? APP_UNKNOWN : APP_DISABLED, false);
}

static void subscribe(struct world *w)
{
	struct client *c = any_asker(w);
	struct topic *t = any_topic(w, c, is_open_to);

	if (t)
		client_subscribe(c, t, (int)pick(w, w->plan.n_users));
}

static void unsubscribe(struct world *w)
{
	struct client *c = any_asker(w);
	struct topic *t = any_topic(w, c, chance(w, 80) ? will_be_on : is_open_to);

	if (t && !t->is_user)
		client_unsubscribe(c, t);
}

static void send_event(struct world *w)
{
	struct client *c = any_asker(w);
	struct topic *t = any_topic(w, c, can_send_to);

	if (t)
		client_send_event(c, t);
}

#define ASKER_ACT(name, function)                                                                  \
	static void name(struct world *w)                                                          \
	{                                                                                          \
		struct client *c = any_asker(w);                                                   \
                                                                                                   \
		if (c)                                                                             \
			function(c);                                                               \
	}
ASKER_ACT(ping, client_ping)
ASKER_ACT(subscribe_badly, client_subscribe_badly)
ASKER_ACT(talk_nonsense, client_talk_nonsense)

/* These need a session: before the welcome nothing is understood, or nobody is known. */
static struct client *any_open(struct world *w)
{
	struct client *c = any_asker(w);

	return c && c->state == CLIENT_OPEN ? c : NULL;
}

#define OPEN_ACT(name, function)                                                                   \
	static void name(struct world *w)                                                          \
	{                                                                                          \
		struct client *c = any_open(w);                                                    \
                                                                                                   \
		if (c)                                                                             \
			function(c);                                                               \
	}
OPEN_ACT(send_event_badly, client_send_event_badly)
OPEN_ACT(break_protocol, client_break)
OPEN_ACT(close_politely, client_close)
OPEN_ACT(half_close, client_half_close)
OPEN_ACT(die, client_die)

static void vanish(struct world *w)
{
	struct client *c = world_random_client(w);

	if (c)
		client_vanish(c, chance(w, 50));
}

static void pause_or_resume(struct world *w)
{
	struct client *c = world_random_client(w);

	if (c && !c->is_dead)
		client_pause(c, !c->is_paused);
}

/* Back-ends */

static struct publisher *any_publisher(struct world *w)
{
	struct publisher *p = w->publishers[pick(w, w->plan.n_publishers)];

	return publisher_may_ask(p) ? p : NULL;
}

#define PUBLISHER_ACT(name, function)                                                              \
	static void name(struct world *w)                                                          \
	{                                                                                          \
		struct publisher *p = any_publisher(w);                                            \
                                                                                                   \
		if (p)                                                                             \
			function(p);                                                               \
	}
PUBLISHER_ACT(publish, publisher_publish)
PUBLISHER_ACT(publish_batch, publisher_publish_batch)
PUBLISHER_ACT(publish_again, publisher_publish_again)
PUBLISHER_ACT(ask, publisher_ask)
PUBLISHER_ACT(ask_nonsense, publisher_talk_nonsense)
PUBLISHER_ACT(stall, publisher_stall)
PUBLISHER_ACT(half_close_publisher, publisher_half_close)

static void vanish_publisher(struct world *w)
{
	struct publisher *p = w->publishers[pick(w, w->plan.n_publishers)];

	if (p->peer)
		publisher_vanish(p, chance(w, 50));
}

/* The world */

static void let_time_pass(struct world *w)
{
	world_pass_ms(w, 1 + pick(w, 1 + pick(w, 5000)));
}

static void limit_files(struct world *w)
{
	if (!w->plan.limits_files)
		return;
	world_limit_files(w, w->has_few_files ? UINT32_MAX : 3 + (unsigned)pick(w, 6));
}

static void reset_somebody(struct world *w)
{
	if (w->plan.resets && sim_reset_any(w->sim))
		trace_note(w->trace, "world", "the network resets a connection");
}

static const struct act {
	unsigned weight;
	void (*run)(struct world *w);
} ACTS[] = {
	{ 12, connect_client },
	{ 1, connect_in_vain },
	{ 30, subscribe },
	{ 10, unsubscribe },
	{ 15, send_event },
	{ 6, ping },
	{ 1, subscribe_badly },
	{ 1, send_event_badly },
	{ 2, talk_nonsense },
	{ 1, break_protocol },
	{ 3, close_politely },
	{ 1, half_close },
	{ 1, die },
	{ 3, vanish },
	{ 3, pause_or_resume },
	{ 30, publish },
	{ 8, publish_batch },
	{ 6, publish_again },
	{ 5, ask },
	{ 1, ask_nonsense },
	{ 1, stall },
	{ 1, half_close_publisher },
	{ 2, vanish_publisher },
	{ 1, let_time_pass },
	{ 2, limit_files },
	{ 2, reset_somebody },
	{ 3, reload_act },
};

struct mix {
	unsigned weights[ARRAY_LEN(ACTS)];
	unsigned sum;
};

/* What makes the others possible is never left out. */
static bool is_indispensable(size_t i)
{
	return ACTS[i].run == connect_client || ACTS[i].run == subscribe || ACTS[i].run == publish;
}

static struct mix draw_mix(struct world *w)
{
	struct mix m = { .sum = 0 };

	for (size_t i = 0; i < ARRAY_LEN(ACTS); i++) {
		unsigned times = (unsigned)pick(w, 4);

		if (times == 0 && is_indispensable(i))
			times = 1;
		m.weights[i] = ACTS[i].weight * times;
		m.sum += m.weights[i];
	}
	return m;
}

static void act(struct world *w, const struct mix *m)
{
	uint64_t at = pick(w, m->sum);
	size_t i = 0;

	while (at >= m->weights[i])
		at -= m->weights[i++];
	ACTS[i].run(w);
	for (uint64_t n = pick(w, w->plan.pause_steps + 1); n > 0 && world_step(w); n--)
		continue;
}

/* The witness goes where it is wanted in the next round. */
static void place_witness(struct world *w)
{
	struct oracle *o = &w->oracle;

	if (!w->plan.has_witness)
		return;
	if (!w->witness) {
		w->witness = client_connect(w, APP_MAIN, true);
		world_settle(w);
	}
	for (unsigned i = 0; i < o->n_topics && w->witness; i++) {
		struct topic *t = &o->topics[i];
		bool is_wanted = t->app == APP_MAIN && !t->is_user && chance(w, 75);

		if (is_wanted && !will_be_on(w->witness, t))
			client_subscribe(w->witness, t, WITNESS_USER);
		else if (!is_wanted && will_be_on(w->witness, t))
			client_unsubscribe(w->witness, t);
	}
	world_rest(w);
}

/* Without it a short run would be over before anybody talks to anybody. */
static void start_running(struct world *w)
{
	for (uint64_t n = pick(w, w->plan.n_clients + 1); n > 0; n--)
		connect_client(w);
	world_settle(w);
	for (uint64_t n = pick(w, 2 * w->plan.n_clients * w->plan.n_topics); n > 0; n--)
		subscribe(w);
}

void acts_run(struct world *w, unsigned n_steps, uint64_t n_acts_max)
{
	struct mix m = draw_mix(w);

	place_witness(w);
	start_running(w);
	while (n_steps > 0 && n_acts_max > 0) {
		unsigned n = 1 + (unsigned)pick(w, n_steps < 150 ? n_steps : 150);

		for (unsigned i = 0;
		     i < n && n_acts_max > 0 && w->oracle.n_events < EVENTS_MAX - 16;
		     i++, n_acts_max--)
			act(w, &m);
		n_steps -= n;
		world_rest(w);
		place_witness(w);
	}
}
