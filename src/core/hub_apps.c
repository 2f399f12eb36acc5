/* hub_apps.c: what the hub keeps for each app, and how it follows a new table of apps.
 *
 * The record of an app stays where it is while the app's settings change, so channels, counts and
 * cached events are not touched by a reload. An app that is gone keeps its record until every
 * worker has closed its sessions and said so (mail.h); then nobody is on it. */
#include "base/check.h"
#include "base/mem.h"
#include "core/hub_priv.h"

static void meet(struct hub *h, struct hub_app *a, const struct app *app)
{
	if (h->sink.meet)
		a->listener = h->sink.meet(h->sink.ctx, app, a->listener);
}

void hub_meet_apps(struct hub *h)
{
	for (size_t i = 0; i < h->n_slots; i++) {
		if (h->apps[i])
			meet(h, h->apps[i], h->apps[i]->app);
	}
}

static struct hub_app *hub_app_new(struct hub *h, const struct app *app)
{
	struct hub_app *a = xnew(struct hub_app);

	a->app = app;
	map_init(&a->channels, channel_key);
	expiring_init(&a->last_events, app->cache_ttl_s * 1000ull, app->n_cached_max);
	expiring_init(&a->answers, app->idempotency_ttl_s * 1000ull, app->n_cached_max);
	expiring_init(&a->batch_answers, app->idempotency_ttl_s * 1000ull, app->n_cached_max);
	watch_init(&a->watched, h->key);
	meet(h, a, app);
	return a;
}

static void hub_app_free(struct hub_app *a)
{
	static const struct app_counts none;

	ASSERT(memcmp(&a->counts, &none, sizeof none) == 0); /* only words: no padding */
	ASSERT(a->channels.n == 0);
	map_fini(&a->channels);
	expiring_fini(&a->last_events);
	expiring_fini(&a->answers);
	expiring_fini(&a->batch_answers);
	watch_fini(&a->watched);
	xfree(a);
}

static void hub_app_set(struct hub *h, struct hub_app *a, const struct app *app)
{
	uint64_t now_ms = clock_ms(h->clock);

	a->app = app;
	a->is_removed = false;
	expiring_set(&a->last_events, app->cache_ttl_s * 1000ull, app->n_cached_max, now_ms);
	expiring_set(&a->answers, app->idempotency_ttl_s * 1000ull, app->n_cached_max, now_ms);
	expiring_set(&a->batch_answers, app->idempotency_ttl_s * 1000ull, app->n_cached_max,
		     now_ms);
	meet(h, a, app);
}

/* At least one, so that it is never NULL. */
static void resize(struct hub *h, size_t n)
{
	struct hub_app **all = xcalloc(n ? n : 1, sizeof(*all));

	for (size_t i = 0; i < n && i < h->n_slots; i++)
		all[i] = h->apps[i];
	xfree(h->apps);
	h->apps = all;
	h->n_slots = n;
}

void hub_apps_init(struct hub *h, const struct app_table *apps)
{
	h->table = apps;
	resize(h, apps->n_slots);
	for (size_t i = 0; i < apps->n; i++)
		h->apps[apps->apps[i]->index] = hub_app_new(h, apps->apps[i]);
}

void hub_apps_fini(struct hub *h)
{
	for (size_t i = 0; i < h->n_slots; i++) {
		if (h->apps[i])
			hub_app_free(h->apps[i]);
	}
	xfree(h->apps);
}

/* Reload */

static void follow(struct hub *h, const struct app_table *apps)
{
	h->table = apps;
	for (size_t i = 0; i < h->n_slots; i++) {
		if (h->apps[i])
			h->apps[i]->is_removed = true;
	}
	if (apps->n_slots > h->n_slots)
		resize(h, apps->n_slots);
	for (size_t i = 0; i < apps->n; i++) {
		struct hub_app **a = &h->apps[apps->apps[i]->index];

		if (*a)
			hub_app_set(h, *a, apps->apps[i]);
		else
			*a = hub_app_new(h, apps->apps[i]);
	}
}

static void forget_removed(struct hub *h)
{
	for (size_t i = 0; i < h->n_slots; i++) {
		if (h->apps[i] && h->apps[i]->is_removed) {
			meet(h, h->apps[i], NULL);
			hub_app_free(h->apps[i]);
			h->apps[i] = NULL;
		}
	}
	resize(h, h->table->n_slots);
}

static void send_back(struct hub *h, unsigned worker, uint32_t step)
{
	struct to_worker_reload *m = hub_mail(h, worker, TO_WORKER_RELOAD, sizeof *m);

	*m = (struct to_worker_reload){ .step = step };
}

void hub_reload(struct hub *h, unsigned worker, const struct to_hub_reload *r)
{
	switch ((enum reload_step)r->step) {
	case RELOAD_SWITCHED:
		if (h->table != r->apps)
			follow(h, r->apps);
		return;
	case RELOAD_SWEPT:
		send_back(h, worker, RELOAD_SWEPT);
		return;
	case RELOAD_DONE:
		send_back(h, worker, RELOAD_DONE);
		if (++h->n_reloaded < h->n_workers)
			return;
		h->n_reloaded = 0;
		forget_removed(h);
		h->sink.reloaded(h->sink.ctx);
		return;
	}
	NEVER("unknown step of a reload");
}
