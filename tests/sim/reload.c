#include "reload.h"

#include "base/check.h"
#include "client.h"
#include "plan.h"
#include "publisher.h"

static const struct {
	unsigned meets;
	uint64_t code;
	unsigned status;
} ENDS[] = {
	{ MEETS_NO_APP, 4001, 404 },
	{ MEETS_DISABLED, 4003, 403 },
};

bool reload_may_close(unsigned meets, uint64_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(ENDS); i++)
		if (ENDS[i].code == code && (meets & ENDS[i].meets))
			return true;
	return false;
}

bool reload_may_answer(unsigned meets, unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(ENDS); i++)
		if (ENDS[i].status == status && (meets & ENDS[i].meets))
			return true;
	return false;
}

unsigned reload_meets(const struct node *n, unsigned app)
{
	if (app == APP_SMALL)
		return n->small_meets;
	if (app == APP_MAIN)
		return MEETS_SERVICE;
	return app == APP_DISABLED ? MEETS_DISABLED : MEETS_NO_APP;
}

/* Who is under way may meet that, too. */
static void warn_everybody(struct node *n, unsigned meets)
{
	struct world *w = n->world;

	n->small_meets |= meets;
	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (c && c->node == n && c->app == APP_SMALL)
			c->meets |= meets;
	}
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
		if (w->publishers[i]->node == n)
			publisher_warn(w->publishers[i], APP_SMALL, meets);
}

static void widen(struct range *r, uint32_t value)
{
	r->now = value;
	if (value < r->low)
		r->low = value;
	if (value > r->high)
		r->high = value;
}

static const char *word(unsigned meets)
{
	return meets == MEETS_SERVICE ? "is served" :
	       meets == MEETS_NO_APP  ? "is gone" :
					"is disabled";
}

static bool reload(struct node *n, unsigned small, uint32_t quota, uint32_t connections,
		   unsigned n_guests, bool renews_hooks)
{
	struct world *w = n->world;
	struct server_options o = w->options;
	unsigned was_small = n->small_is;
	struct app_table *next;

	if (n->apps_before || n->is_draining)
		return false;
	trace_note(w->trace, "world",
		   "node %u reloads: app 1 %s, quota %u, connections %u, %u guest apps", n->number,
		   word(small), quota, connections, n_guests);
	widen(&n->quota, quota ? quota : UINT32_MAX);
	widen(&n->connections, connections ? connections : UINT32_MAX);
	warn_everybody(n, small);
	n->small_is = small;
	next = plan_table(w, small != MEETS_NO_APP, small == MEETS_SERVICE, quota, n_guests);
	n->hooks.is_mixed |= small != was_small || renews_hooks;
	n->hooks.generation += renews_hooks;
	hooks_give(n, next);
	app_table_follow(next, n->apps);
	o.max_connections = connections;
	n->apps_before = n->apps;
	n->apps = next;
	server_reload(n->server, &o, next);
	return true;
}

bool reload_act(struct world *w)
{
	static const unsigned STATES[] = { MEETS_SERVICE, MEETS_SERVICE, MEETS_SERVICE,
					   MEETS_NO_APP,  MEETS_NO_APP,	 MEETS_DISABLED };
	struct node *n = node_any(w);
	unsigned small = STATES[pick(w, ARRAY_LEN(STATES))];
	uint32_t quota = chance(w, 50) ? 2 + (uint32_t)pick(w, 7) : 0;
	uint32_t connections = chance(w, 20) ? 4 + (uint32_t)pick(w, 17) : 0;

	return w->plan.reloads && n &&
	       reload(n, small, quota, connections, (unsigned)pick(w, 4), chance(w, 25));
}

void reload_restore(struct node *n)
{
	const struct plan *p = &n->world->plan;

	if (p->reloads)
		reload(n, MEETS_SERVICE, p->quota, p->max_connections, 0, false);
}

void reload_serve(struct node *n)
{
	if (!n->apps_before || server_is_reloading(n->server))
		return;
	app_table_free(n->apps_before);
	n->apps_before = NULL;
	n->small_meets = n->small_is;
	trace_note(n->world->trace, "world", "node %u has reloaded", n->number);
}

void reload_init(struct node *n)
{
	const struct plan *p = &n->world->plan;

	n->quota = (struct range){ .low = UINT32_MAX };
	n->connections = (struct range){ .low = UINT32_MAX };
	widen(&n->quota, p->quota ? p->quota : UINT32_MAX);
	widen(&n->connections, p->max_connections ? p->max_connections : UINT32_MAX);
	n->small_is = n->small_meets = MEETS_SERVICE;
	n->apps = plan_table(n->world, true, true, p->quota, 0);
	hooks_give(n, n->apps);
}

void reload_fini(struct node *n)
{
	app_table_free(n->apps);
	app_table_free(n->apps_before);
	n->apps = n->apps_before = NULL;
}

/* A lower limit cuts nobody off: those who are there may stay. */
static void settle(struct range *r, unsigned n)
{
	r->low = r->now;
	r->high = r->now > n ? r->now : n;
}

/* The next round begins for c. */
static void meet_anew(struct client *c)
{
	c->meets = reload_meets(c->node, c->app);
	if (!(c->meets & MEETS_SERVICE))
		trace_fail(c->world->trace, "%s is still there, though its app %s", c->name,
			   word(c->node->small_is));
}

void reload_rest(struct node *n)
{
	const struct world *w = n->world;
	unsigned n_small = 0;

	if (n->apps_before)
		trace_fail(w->trace, "the reload of node %u does not come to its end", n->number);
	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (!c || c->node != n)
			continue;
		n_small += c->app == APP_SMALL;
		meet_anew(c);
	}
	settle(&n->quota, n_small);
	settle(&n->connections, world_n_clients_of(n));
}
