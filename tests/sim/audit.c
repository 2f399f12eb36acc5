#include "audit.h"

#include "base/check.h"
#include "base/mem.h"
#include "client.h"
#include "publisher.h"
#include "reload.h"
#include "scrape.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned n_members(const struct topic *t)
{
	return (unsigned)__builtin_popcount(oracle_members(t));
}

static struct app_counts model_counts(const struct world *w, unsigned app)
{
	struct app_counts n = { 0 };

	for (unsigned i = 0; i < w->n_places; i++)
		n.connections += w->clients[i] && w->clients[i]->app == app;
	for (unsigned i = 0; i < w->oracle.n_topics; i++) {
		const struct topic *t = &w->oracle.topics[i];
		unsigned n_subs = t->app == app ? oracle_count_subs(t) : 0;

		if (t->is_user) {
			n.users += n_subs > 0;
			continue;
		}
		n.channels += n_subs > 0;
		n.subscriptions += n_subs;
		n.presence_members += t->app == app ? n_members(t) : 0;
	}
	return n;
}

static void check_counts(struct world *w, unsigned app)
{
	const struct app *served = app_by_id(w->apps, w->app[app]->id);
	struct app_counts is = served ? server_count(w->server, served) : (struct app_counts){ 0 };
	struct app_counts should = model_counts(w, app);

	if (is.connections != should.connections || is.channels != should.channels ||
	    is.subscriptions != should.subscriptions ||
	    is.presence_members != should.presence_members || is.users != should.users)
		trace_fail(w->trace,
			   "app %u: %zu connections, %zu channels, %zu subscriptions, %zu members, "
			   "%zu users; there should be %zu, %zu, %zu, %zu, %zu",
			   app, is.connections, is.channels, is.subscriptions, is.presence_members,
			   is.users, should.connections, should.channels, should.subscriptions,
			   should.presence_members, should.users);
}

static void check_limits(struct world *w)
{
	const struct plan *p = &w->plan;

	if (model_counts(w, APP_SMALL).connections > w->quota.high)
		trace_fail(w->trace, "more connections than the quota of %u allows", w->quota.high);
	if (world_n_clients(w) > w->connections.high)
		trace_fail(w->trace, "more connections than max_connections %u allows",
			   w->connections.high);
	for (unsigned i = 0; i < w->oracle.n_topics && p->members_max; i++) {
		const struct topic *t = &w->oracle.topics[i];

		if (t->app == APP_SMALL && n_members(t) > p->members_max)
			trace_fail(w->trace, "more members on %s than %u", t->name, p->members_max);
	}
}

static void check_n_connections(struct world *w)
{
	size_t should = world_n_clients(w);

	for (unsigned i = 0; i < PUBLISHERS_MAX; i++)
		should += w->publishers[i] && w->publishers[i]->peer;
	should += w->auditor && w->auditor->peer;
	if (server_n_connections(w->server) != should)
		trace_fail(w->trace, "the server has %zu connections, there should be %zu",
			   server_n_connections(w->server), should);
}

/* The API */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct topic *const *)a)->name,
		      (*(const struct topic *const *)b)->name);
}

/* {"channels":{…}}, sorted, with the count of subscriptions, or of users on presence channels. */
static str expected_channels(struct world *w, unsigned app, bool by_users)
{
	const struct topic *list[TOPICS_MAX];
	struct buf b;
	size_t n = 0;
	str text;

	for (unsigned i = 0; i < w->oracle.n_topics; i++) {
		const struct topic *t = &w->oracle.topics[i];

		if (t->app == app && !t->is_user && (t->is_presence || !by_users) &&
		    oracle_count_subs(t) > 0)
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

static void ask(struct world *w, unsigned app, str path, str query, const struct request *expected)
{
	struct request r = *expected;

	r.status = 200;
	if (!(reload_meets(w, app) & MEETS_SERVICE)) {
		r.status = reload_meets(w, app) & MEETS_NO_APP ? 404 : 403;
		r.check = BODY_HAS;
		r.body = S("");
	}
	if (!publisher_may_ask(w->auditor))
		trace_fail(w->trace, "the auditor has no connection");
	publisher_get(w->auditor, app, path, query, &r);
	world_settle(w);
}

static void ask_for_users(struct world *w, const struct topic *t)
{
	char path[80];
	int n = snprintf(path, sizeof(path), "/channels/%s/users", t->name);

	ask(w, t->app, (str){ path, (size_t)n }, S(""),
	    &(struct request){ .check = BODY_LISTS_USERS, .users = oracle_members(t) });
}

static void check_api(struct world *w)
{
	struct oracle *o = &w->oracle;

	for (unsigned app = APP_MAIN; app <= APP_SMALL; app++) {
		ask(w, app, S("/channels"), S("info=subscription_count"),
		    &(struct request){ .body = expected_channels(w, app, false) });
		ask(w, app, S("/channels"), S("filter_by_prefix=presence-&info=user_count"),
		    &(struct request){ .body = expected_channels(w, app, true) });
	}
	for (unsigned i = 0; i < o->n_topics; i++)
		if (o->topics[i].is_presence)
			ask_for_users(w, &o->topics[i]);
	publisher_rest(w->auditor);
}

static struct app_counts count_all(struct world *w, unsigned *n_used)
{
	struct app_counts all = { 0 };

	*n_used = 0;
	for (size_t i = 0; i < w->apps->n; i++) {
		struct app_counts n = server_count(w->server, w->apps->apps[i]);

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
static void check_stats(struct world *w)
{
	struct request r = { .status = 200, .check = BODY_HAS };
	unsigned n_used;
	struct app_counts n = count_all(w, &n_used);
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
	if (!publisher_may_ask(w->auditor))
		trace_fail(w->trace, "the auditor has no connection");
	publisher_get_plain(w->auditor, "/stats", &r);
	world_settle(w);
	publisher_rest(w->auditor);
}

/* An app that is gone has no series, or one that ends. */
static void check_metrics(struct world *w)
{
	str page = scrape(w);

	for (unsigned app = 0; app < N_APPS; app++) {
		struct app_counts should = model_counts(w, app);

		if (app_by_id(w->apps, w->app[app]->id))
			scrape_check(w, page, app, &should);
	}
}

void audit(struct world *w)
{
	check_n_connections(w);
	for (unsigned app = 0; app < N_APPS; app++)
		check_counts(w, app);
	check_limits(w);
	check_api(w);
	check_stats(w);
	check_metrics(w);
}

/* What a reload makes anew is as large as before, but the heap may round it up otherwise. */
static bool is_as_before(const struct world *w, int64_t live)
{
	int64_t tolerance = w->plan.reloads ? 1024 : 0;

	return live >= w->live_bytes - tolerance && live <= w->live_bytes + tolerance;
}

void audit_emptiness(struct world *w)
{
	struct sim_options calm = sim_options_calm();
	int64_t live = mem_live_bytes();

	check_n_connections(w);
	for (unsigned app = 0; app < N_APPS; app++)
		check_counts(w, app);
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
