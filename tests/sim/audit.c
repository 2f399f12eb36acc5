#include "audit.h"

#include "base/check.h"
#include "base/mem.h"
#include "client.h"
#include "publisher.h"
#include "page.h"
#include "reload.h"
#include "scrape.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned n_members(const struct topic *t)
{
	return (unsigned)__builtin_popcount(oracle_members(t));
}

static struct app_counts model_counts(const struct node *node, unsigned app)
{
	const struct world *w = node->world;
	struct app_counts n = { 0 };

	for (unsigned i = 0; i < w->n_places; i++) {
		const struct client *c = w->clients[i];

		n.connections += c && c->node == node && c->app == app;
	}
	for (unsigned i = 0; i < w->oracle.n_topics; i++) {
		const struct topic *t = &w->oracle.topics[i];
		bool is_meant = t->node == node->number && t->app == app;
		unsigned n_subs = is_meant ? oracle_count_subs(t) : 0;

		if (t->is_user) {
			n.users += n_subs > 0;
			continue;
		}
		n.channels += n_subs > 0;
		n.subscriptions += n_subs;
		n.presence_members += is_meant ? n_members(t) : 0;
	}
	return n;
}

static void check_counts(struct node *n, unsigned app)
{
	const struct world *w = n->world;
	const struct app *served = app_by_id(n->apps, w->app[app]->id);
	struct app_counts is = served ? server_count(n->server, served) : (struct app_counts){ 0 };
	struct app_counts should = model_counts(n, app);

	if (is.connections != should.connections || is.channels != should.channels ||
	    is.subscriptions != should.subscriptions ||
	    is.presence_members != should.presence_members || is.users != should.users)
		trace_fail(w->trace,
			   "node %u, app %u: %zu connections, %zu channels, %zu subscriptions, %zu "
			   "members, "
			   "%zu users; there should be %zu, %zu, %zu, %zu, %zu",
			   n->number, app, is.connections, is.channels, is.subscriptions,
			   is.presence_members, is.users, should.connections, should.channels,
			   should.subscriptions, should.presence_members, should.users);
}

static void check_limits(const struct node *n)
{
	const struct world *w = n->world;
	const struct plan *p = &w->plan;

	if (model_counts(n, APP_SMALL).connections > n->quota.high)
		trace_fail(w->trace, "more connections than the quota of %u allows", n->quota.high);
	if (world_n_clients_of(n) > n->connections.high)
		trace_fail(w->trace, "more connections than max_connections %u allows",
			   n->connections.high);
	for (unsigned i = 0; i < w->oracle.n_topics && p->members_max; i++) {
		const struct topic *t = &w->oracle.topics[i];

		if (t->app == APP_SMALL && n_members(t) > p->members_max)
			trace_fail(w->trace, "more members on %s than %u", t->name, p->members_max);
	}
}

static bool is_at(const struct publisher *p, const struct node *n)
{
	return p && p->peer && p->node == n;
}

static void check_n_connections(const struct node *n)
{
	const struct world *w = n->world;
	size_t should = world_n_clients_of(n) + is_at(n->auditor, n);

	for (unsigned i = 0; i < PUBLISHERS_MAX; i++)
		should += is_at(w->publishers[i], n);
	if (server_n_connections(n->server) != should)
		trace_fail(w->trace, "node %u has %zu connections, there should be %zu", n->number,
			   server_n_connections(n->server), should);
}

/* The API */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct topic *const *)a)->name,
		      (*(const struct topic *const *)b)->name);
}

/* {"channels":{…}}, sorted, with the count of subscriptions, or of users on presence channels. */
static str expected_channels(const struct node *node, unsigned app, bool by_users)
{
	struct world *w = node->world;
	const struct topic *list[TOPICS_MAX];
	struct buf b;
	size_t n = 0;
	str text;

	for (unsigned i = 0; i < w->oracle.n_topics; i++) {
		const struct topic *t = &w->oracle.topics[i];

		if (t->node == node->number && t->app == app && !t->is_user &&
		    (t->is_presence || !by_users) && oracle_count_subs(t) > 0)
			list[n++] = t;
	}
	qsort(list, n, sizeof(list[0]), by_name);
	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("{\"channels\":{"));
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s\"%s\":{\"%s\":%u}", i ? "," : "", list[i]->name,
			   by_users ? "user_count" : "subscription_count",
			   by_users ? n_members(list[i]) : oracle_count_subs(list[i]));
	buf_puts(&b, S("}}"));
	text = arena_copy(&w->oracle.arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static void ask(struct node *n, unsigned app, str path, str query, const struct request *expected)
{
	struct request r = *expected;

	r.status = 200;
	if (!(reload_meets(n, app) & MEETS_SERVICE)) {
		r.status = reload_meets(n, app) & MEETS_NO_APP ? 404 : 403;
		r.check = BODY_HAS;
		r.body = S("");
	}
	if (!publisher_may_ask(n->auditor))
		trace_fail(n->world->trace, "the auditor has no connection");
	publisher_get(n->auditor, app, path, query, &r);
	world_settle(n->world);
}

static void ask_for_users(struct node *n, const struct topic *t)
{
	char path[80];
	int length = snprintf(path, sizeof(path), "/channels/%s/users", t->name);

	ask(n, t->app, (str){ path, (size_t)length }, S(""),
	    &(struct request){ .check = BODY_LISTS_USERS, .users = oracle_members(t) });
}

static void check_api(struct node *n)
{
	struct oracle *o = &n->world->oracle;

	for (unsigned app = APP_MAIN; app <= APP_SMALL; app++) {
		ask(n, app, S("/channels"), S("info=subscription_count"),
		    &(struct request){ .body = expected_channels(n, app, false) });
		ask(n, app, S("/channels"), S("filter_by_prefix=presence-&info=user_count"),
		    &(struct request){ .body = expected_channels(n, app, true) });
	}
	for (unsigned i = 0; i < o->n_topics; i++)
		if (o->topics[i].node == n->number && o->topics[i].is_presence)
			ask_for_users(n, &o->topics[i]);
	publisher_rest(n->auditor);
}

static struct app_counts count_all(const struct node *node, unsigned *n_used)
{
	struct app_counts all = { 0 };

	*n_used = 0;
	for (size_t i = 0; i < node->apps->n; i++) {
		struct app_counts n = server_count(node->server, node->apps->apps[i]);

		*n_used += n.connections > 0 || n.channels > 0;
		all.connections += n.connections;
		all.user_connections += n.user_connections;
		all.users += n.users;
		all.channels += n.channels;
		all.subscriptions += n.subscriptions;
		all.presence_channels += n.presence_channels;
		all.presence_subscriptions += n.presence_subscriptions;
		all.presence_members += n.presence_members;
	}
	return all;
}

/* What operators are told is what a walk over the structures finds. */
static void check_stats(struct node *node)
{
	struct world *w = node->world;
	struct request r = { .status = 200, .check = BODY_HAS };
	unsigned n_used;
	struct app_counts n = count_all(node, &n_used);
	struct buf b;

	buf_init(&b, 1024);
	buf_printf(&b,
		   "\"totals\":{\"apps\":%u,\"connections\":%zu,\"authenticated_connections\":%zu,"
		   "\"users\":%zu,\"connections_with_meta\":0,\"occupancy\":{\"channels\":%zu,"
		   "\"subscriptions\":%zu,\"presence_channels\":%zu,"
		   "\"presence_subscriptions\":%zu,\"presence_members\":%zu}}",
		   n_used, n.connections, n.user_connections, n.users, n.channels, n.subscriptions,
		   n.presence_channels, n.presence_subscriptions, n.presence_members);
	r.body = arena_copy(&w->oracle.arena, buf_str(&b));
	buf_fini(&b);
	if (!publisher_may_ask(node->auditor))
		trace_fail(w->trace, "the auditor has no connection");
	publisher_get_plain(node->auditor, "/stats", &r);
	world_settle(w);
	publisher_rest(node->auditor);
}

/* A page during which no ping was sent. */
static str scrape_quietly(struct node *n)
{
	enum { TRIES_MAX = 100 };

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		uint64_t n_messages = meter_n_messages(n);
		str page = scrape(n);

		if (meter_n_messages(n) == n_messages)
			return page;
	}
	trace_fail(n->world->trace, "there is always something to hear");
}

/* rested: is this the second page of a rest? */
static void check_metrics(struct node *n, bool rested)
{
	str page = scrape_quietly(n);

	for (unsigned app = 0; app < N_APPS; app++) {
		struct app_counts should = model_counts(n, app);

		scrape_check(n, page, app, &should);
	}
	meter_read(n, page);
	page_follow(n, page, rested);
}

static void check_books(struct node *n)
{
	check_n_connections(n);
	for (unsigned app = 0; app < N_APPS; app++)
		check_counts(n, app);
}

void audit(struct node *n)
{
	if (n->is_lost)
		return;
	check_books(n);
	check_limits(n);
	if (n->is_draining)
		return; /* nobody is let in any more */
	check_metrics(n, false);
	check_api(n);
	check_stats(n);
	check_metrics(n, true);
}

/* What is made anew is as large as before, but the heap may round it up otherwise; and when the first
 * nodes were made the simulation's own books grew with them. */
static bool is_as_before(const struct world *w, int64_t live)
{
	enum { ROUNDING_BYTES = 1024, ROUNDING_OF_ONE = 16, BOOKS_BYTES = 4096 };
	bool is_new = w->plan.loses_nodes || w->plan.drains_nodes;
	bool is_renewed = w->plan.reloads || w->plan.speaks_tls;
	/* Each worker's answer to a plain publish, which has the date in it. Where there is
	 * one, no leak is so small. */
	int64_t of_answers = ROUNDING_OF_ONE * w->plan.n_workers * w->plan.n_nodes;
	int64_t more = is_renewed || is_new ? ROUNDING_BYTES : of_answers;
	int64_t less = is_new ? BOOKS_BYTES * w->plan.n_nodes : more;

	return live >= w->live_bytes - less && live <= w->live_bytes + more;
}

void audit_emptiness(struct world *w)
{
	struct sim_options calm = sim_options_calm();
	int64_t live = mem_live_bytes();

	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		check_books(&w->nodes[i]);
	/* Last events and idempotency keys stay; that they go with the server is seen at its end. */
	if (w->plan.remembers)
		live = w->live_bytes;
	/* A worker that was short of memory may have lost the answer that it keeps ready. */
	if (!is_as_before(w, live) && !(w->plan.fails_memory && live < w->live_bytes))
		trace_fail(w->trace, "%lld bytes more are alive than before the first client",
			   (long long)(live - w->live_bytes));
	sim_set_options(w->sim, &calm);
	/* Memory is looked at to the end. */
	if (!sim_quiet(w->sim) || (!w->plan.has_pressure && sim_step(w->sim)))
		trace_fail(w->trace, "everybody has left, but something is still going to happen");
}
