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

unsigned reload_meets(const struct world *w, unsigned app)
{
	if (app == APP_SMALL)
		return w->small_meets;
	if (app == APP_MAIN)
		return MEETS_SERVICE;
	return app == APP_DISABLED ? MEETS_DISABLED : MEETS_NO_APP;
}

/* Who is under way may meet that, too. */
static void warn_everybody(struct world *w, unsigned meets)
{
	w->small_meets |= meets;
	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i] && w->clients[i]->app == APP_SMALL)
			w->clients[i]->meets |= meets;
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
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

static bool reload(struct world *w, unsigned small, uint32_t quota, uint32_t connections,
		   unsigned n_guests)
{
	struct server_options o = w->options;
	struct app_table *next;

	if (w->apps_before || w->is_draining)
		return false;
	trace_note(w->trace, "world", "reloads: app 1 %s, quota %u, connections %u, %u guest apps",
		   word(small), quota, connections, n_guests);
	widen(&w->quota, quota ? quota : UINT32_MAX);
	widen(&w->connections, connections ? connections : UINT32_MAX);
	warn_everybody(w, small);
	w->small_is = small;
	next = plan_table(w, small != MEETS_NO_APP, small == MEETS_SERVICE, quota, n_guests);
	app_table_follow(next, w->apps);
	o.max_connections = connections;
	w->apps_before = w->apps;
	w->apps = next;
	server_reload(w->server, &o, next);
	return true;
}

bool reload_act(struct world *w)
{
	static const unsigned STATES[] = { MEETS_SERVICE, MEETS_SERVICE, MEETS_SERVICE,
					   MEETS_NO_APP,  MEETS_NO_APP,	 MEETS_DISABLED };
	unsigned small = STATES[pick(w, ARRAY_LEN(STATES))];
	uint32_t quota = chance(w, 50) ? 2 + (uint32_t)pick(w, 7) : 0;
	uint32_t connections = chance(w, 20) ? 4 + (uint32_t)pick(w, 17) : 0;

	return w->plan.reloads && reload(w, small, quota, connections, (unsigned)pick(w, 4));
}

void reload_restore(struct world *w)
{
	if (w->plan.reloads)
		reload(w, MEETS_SERVICE, w->plan.quota, w->plan.max_connections, 0);
}

void reload_serve(struct world *w)
{
	if (!w->apps_before || server_is_reloading(w->server))
		return;
	app_table_free(w->apps_before);
	w->apps_before = NULL;
	w->small_meets = w->small_is;
	trace_note(w->trace, "world", "has reloaded");
}

void reload_init(struct world *w)
{
	w->quota = (struct range){ .low = UINT32_MAX };
	w->connections = (struct range){ .low = UINT32_MAX };
	widen(&w->quota, w->plan.quota ? w->plan.quota : UINT32_MAX);
	widen(&w->connections, w->plan.max_connections ? w->plan.max_connections : UINT32_MAX);
	w->small_is = w->small_meets = MEETS_SERVICE;
	w->apps = plan_table(w, true, true, w->plan.quota, 0);
}

void reload_fini(struct world *w)
{
	app_table_free(w->apps);
	app_table_free(w->apps_before);
}

/* A lower limit cuts nobody off: those who are there may stay. */
static void settle(struct range *r, unsigned n)
{
	r->low = r->now;
	r->high = r->now > n ? r->now : n;
}

void reload_rest(struct world *w)
{
	unsigned n_small = 0;

	if (w->apps_before)
		trace_fail(w->trace, "the reload does not come to its end");
	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (!c)
			continue;
		n_small += c->app == APP_SMALL;
		c->meets = reload_meets(w, c->app);
		if (!(c->meets & MEETS_SERVICE))
			trace_fail(w->trace, "%s is still there, though its app %s", c->name,
				   word(w->small_is));
	}
	settle(&w->quota, n_small);
	settle(&w->connections, world_n_clients(w));
}
