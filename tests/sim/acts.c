/* acts.c: a table of acts. For each run its weights are drawn anew, many of them as nothing: two
 * runs differ not only in the order of things, but in what is usual.
 *
 * An act answers whether anything came of it: who is to act may not be there. */
#include "acts.h"

#include "base/check.h"
#include "client.h"
#include "clocks.h"
#include "dismissal.h"
#include "ghost.h"
#include "identity.h"
#include "plan.h"
#include "pressure.h"
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
	return t->node == c->node->number && t->app == c->app;
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
	uint64_t salt = pick(w, UINT64_MAX), highest = 0;

	for (unsigned i = 0; i < o->n_topics && c; i++) {
		uint64_t rank = world_rank(salt, i);

		if (fits(c, &o->topics[i]) && rank >= highest) {
			found = &o->topics[i];
			highest = rank;
		}
	}
	return found;
}

static bool connect_to(struct world *w, unsigned app)
{
	struct node *n = node_any(w);

	if (!n || world_n_clients(w) >= w->plan.n_clients)
		return false;
	client_connect(n, app, false);
	return true;
}

static bool connect_client(struct world *w)
{
	return connect_to(w, chance(w, 70) ? APP_MAIN : APP_SMALL);
}

static bool connect_in_vain(struct world *w)
{
	return connect_to(w, chance(w, 50) ? APP_UNKNOWN : APP_DISABLED);
}

static bool subscribe(struct world *w)
{
	struct client *c = any_asker(w);
	struct topic *t = any_topic(w, c, is_open_to);

	if (t)
		client_subscribe(c, t, (int)pick(w, w->plan.n_users));
	return t;
}

static bool is_user_for(const struct client *c, const struct topic *t)
{
	return is_open_to(c, t) && t->is_user;
}

static bool sign_in(struct world *w)
{
	struct client *c = any_asker(w);
	struct topic *t = any_topic(w, c, is_user_for);

	if (t)
		client_subscribe(c, t, NOBODY);
	return t;
}

static bool unsubscribe(struct world *w)
{
	struct client *c = any_asker(w);
	struct topic *t = any_topic(w, c, chance(w, 80) ? will_be_on : is_open_to);

	if (!t || t->is_user)
		return false;
	client_unsubscribe(c, t);
	return true;
}

static bool send_event(struct world *w)
{
	struct client *c = any_asker(w);
	struct topic *t = any_topic(w, c, can_send_to);

	if (t)
		client_send_event(c, t);
	return t;
}

#define ASKER_ACT(name, function)                                                                  \
	static bool name(struct world *w)                                                          \
	{                                                                                          \
		struct client *c = any_asker(w);                                                   \
                                                                                                   \
		if (c)                                                                             \
			function(c);                                                               \
		return c;                                                                          \
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
	static bool name(struct world *w)                                                          \
	{                                                                                          \
		struct client *c = any_open(w);                                                    \
                                                                                                   \
		if (c)                                                                             \
			function(c);                                                               \
		return c;                                                                          \
	}
OPEN_ACT(send_event_badly, client_send_event_badly)
OPEN_ACT(break_protocol, client_break)
OPEN_ACT(close_politely, client_close)
OPEN_ACT(half_close, client_half_close)
OPEN_ACT(die, client_die)

static bool vanish(struct world *w)
{
	struct client *c = world_random_client(w);

	if (c)
		client_vanish(c, chance(w, 50));
	return c;
}

static bool pause_or_resume(struct world *w)
{
	struct client *c = world_random_client(w);

	if (!c || c->is_dead)
		return false;
	client_pause(c, !c->is_paused);
	return true;
}

/* Back-ends */

static struct publisher *any_publisher(struct world *w)
{
	struct publisher *p = w->publishers[pick(w, w->plan.n_publishers)];

	return publisher_may_ask(p) ? p : NULL;
}

#define PUBLISHER_ACT(name, function)                                                              \
	static bool name(struct world *w)                                                          \
	{                                                                                          \
		struct publisher *p = any_publisher(w);                                            \
                                                                                                   \
		if (p)                                                                             \
			function(p);                                                               \
		return p;                                                                          \
	}
PUBLISHER_ACT(publish, publisher_publish)
PUBLISHER_ACT(publish_batch, publisher_publish_batch)
PUBLISHER_ACT(ask, publisher_ask)
PUBLISHER_ACT(ask_nonsense, publisher_talk_nonsense)
PUBLISHER_ACT(stall, publisher_stall)
PUBLISHER_ACT(half_close_publisher, publisher_half_close)

static bool publish_again(struct world *w)
{
	struct publisher *p = any_publisher(w);

	return p && keyed_repeat_answered(p);
}

static bool repeat_unanswered(struct world *w)
{
	struct publisher *p = any_publisher(w);

	return p && keyed_repeat_unanswered(p);
}

static bool vanish_publisher(struct world *w)
{
	struct publisher *p = w->publishers[pick(w, w->plan.n_publishers)];

	if (!p->peer)
		return false;
	publisher_vanish(p, chance(w, 50));
	return true;
}

/* The world */

static bool let_time_pass(struct world *w)
{
	uint64_t ms = 1 + pick(w, 1 + pick(w, 5000));

	trace_fault(w->trace, "nobody does anything for %llu ms", (unsigned long long)ms);
	world_pass_ms(w, ms);
	return true;
}

static bool limit_files(struct world *w)
{
	struct node *n = node_any(w);

	if (!w->plan.limits_files || !n)
		return false;
	node_limit_files(n, n->has_few_files ? UINT32_MAX : 3 + (unsigned)pick(w, 6));
	return true;
}

static bool reset_somebody(struct world *w)
{
	if (!w->plan.resets || !sim_reset_any(w->sim))
		return false;
	trace_fault(w->trace, "the network resets a connection");
	return true;
}

static bool fail_call(struct world *w)
{
	uint64_t n = 1 + pick(w, 40);

	if (!w->plan.fails_calls)
		return false;
	sim_fail_nth(w->sim, n);
	trace_fault(w->trace, "call %llu of the loops fails", (unsigned long long)n);
	return true;
}

static const struct act {
	const char *word;
	unsigned weight;
	bool (*run)(struct world *w);
} ACTS[] = {
	{ "connect", 12, connect_client },
	{ "connect-in-vain", 1, connect_in_vain },
	{ "subscribe", 30, subscribe },
	{ "unsubscribe", 10, unsubscribe },
	{ "send-event", 15, send_event },
	{ "ping", 6, ping },
	{ "subscribe-badly", 1, subscribe_badly },
	{ "send-event-badly", 1, send_event_badly },
	{ "talk-nonsense", 2, talk_nonsense },
	{ "break-protocol", 1, break_protocol },
	{ "close", 3, close_politely },
	{ "half-close", 1, half_close },
	{ "die", 1, die },
	{ "vanish", 3, vanish },
	{ "pause", 3, pause_or_resume },
	{ "publish", 30, publish },
	{ "publish-batch", 8, publish_batch },
	{ "publish-again", 6, publish_again },
	{ "ask", 5, ask },
	{ "ask-nonsense", 1, ask_nonsense },
	{ "stall", 1, stall },
	{ "half-close-publisher", 1, half_close_publisher },
	{ "vanish-publisher", 2, vanish_publisher },
	{ "wait", 1, let_time_pass },
	{ "files", 2, limit_files },
	{ "reset", 2, reset_somebody },
	{ "reload", 3, reload_act },
	{ "fail-call", 4, fail_call },
	{ "leap", 1, clocks_leap },
	{ "set-wall", 2, clocks_set_wall },
	{ "stall-loop", 2, clocks_stall_loop },
	{ "ghost", 2, ghost_appear },
	{ "pressure", 2, pressure_act },
	{ "dismiss", 4, dismissal_act },
	{ "lose-node", 1, node_lose },
	{ "drain-node", 1, node_drain },
	{ "repeat-unanswered", 8, repeat_unanswered },
	{ "renew-certificate", 1, identity_renew },
	{ "sign-in", 12, sign_in },
};

_Static_assert(ARRAY_LEN(ACTS) <= ACTS_MAX, "world.n_done has a place for each");

const char *acts_word(unsigned kind)
{
	return kind < ARRAY_LEN(ACTS) ? ACTS[kind].word : NULL;
}

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

	world_take_dice(w, DICE_MIX, 0);
	for (size_t i = 0; i < ARRAY_LEN(ACTS); i++) {
		unsigned times = (unsigned)pick(w, 4);

		if (times == 0 && is_indispensable(i))
			times = 1;
		m.weights[i] = ACTS[i].weight * times;
		m.sum += m.weights[i];
	}
	return m;
}

/* Words of troubles come true with the run, those of acts one after the other. */
static void spring_trap(struct world *w, const char *word)
{
	str left = w->trap, next = str_split(&left, ',');
	enum trouble t;

	while ((t = trouble_find(next)) < N_TROUBLES && plan_value(&w->plan, t))
		next = str_split(&left, ',');
	if (!str_eq(next, str_from_cstr(word)))
		return;
	w->trap = left;
	if (left.n == 0)
		trace_fail(w->trace, "the trap is sprung by %s", word);
}

static void do_act(struct world *w, size_t kind)
{
	if (!ACTS[kind].run(w))
		return;
	w->n_done[kind]++;
	if (w->trap.n > 0)
		spring_trap(w, ACTS[kind].word);
}

static void act(struct world *w, const struct mix *m)
{
	uint64_t at = pick(w, m->sum);
	size_t i = 0;

	while (at >= m->weights[i])
		at -= m->weights[i++];
	do_act(w, i);
	for (uint64_t n = pick(w, w->plan.pause_steps + 1); n > 0 && world_step(w); n--)
		continue;
}

/* The witness goes where it is wanted in this round. */
static void place_witness(struct world *w, uint32_t round)
{
	struct oracle *o = &w->oracle;

	if (!w->plan.has_witness)
		return;
	world_take_dice(w, DICE_WITNESS, round);
	if (!w->witness) {
		w->witness = client_connect(node_any(w), APP_MAIN, true);
		world_settle(w);
	}
	for (unsigned i = 0; i < o->n_topics && w->witness; i++) {
		struct topic *t = &o->topics[i];
		bool is_wanted = chance(w, 75) && is_open_to(w->witness, t) && !t->is_user;

		if (is_wanted && !will_be_on(w->witness, t))
			client_subscribe(w->witness, t, WITNESS_USER);
		else if (!is_wanted && will_be_on(w->witness, t))
			client_unsubscribe(w->witness, t);
	}
	world_rest(w);
}

static size_t kind_of(bool (*run)(struct world *w))
{
	size_t i = 0;

	while (ACTS[i].run != run)
		i++;
	return i;
}

static void do_often(struct world *w, uint64_t n, bool (*run)(struct world *w))
{
	for (size_t kind = kind_of(run); n > 0; n--)
		if (world_begin_act(w))
			do_act(w, kind);
}

/* Without it a short run would be over before anybody talks to anybody. */
static void start_running(struct world *w)
{
	unsigned n_wished = w->wish->n_clients;
	uint64_t n_connects = n_wished ? n_wished : pick(w, w->plan.n_clients + 1);
	uint64_t n_subscribes = pick(w, 2 * w->plan.n_clients * w->plan.n_topics);

	do_often(w, n_connects, connect_client);
	world_settle(w);
	do_often(w, n_subscribes, subscribe);
}

static void play_round(struct world *w, const struct mix *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (world_begin_act(w) && w->oracle.n_events < EVENTS_MAX - 16)
			act(w, m);
}

/* A round of which every act is left out does not take place. */
void acts_run(struct world *w, unsigned n_steps)
{
	struct mix m = draw_mix(w);

	place_witness(w, 0);
	world_take_dice(w, DICE_ROUND, 0);
	start_running(w);
	for (uint32_t round = 1; n_steps > 0; round++) {
		unsigned n;

		world_take_dice(w, DICE_ROUND, round);
		n = 1 + (unsigned)pick(w, n_steps < 150 ? n_steps : 150);
		n_steps -= n;
		if (cut_skips(&w->wish->cut, w->n_acts + 1, w->n_acts + n)) {
			w->n_acts += n;
			continue;
		}
		if (round > 1)
			place_witness(w, round);
		play_round(w, &m, n);
		world_take_dice(w, DICE_REST, round);
		world_rest(w);
	}
	world_settle(w); /* it has not rested if no round took place */
}
