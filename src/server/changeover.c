#include "server/changeover.h"

#include "base/check.h"
#include "base/mem.h"
#include "codec/deflate.h"
#include "codec/pusher.h"
#include "server/metrics.h"
#include "server/server.h"

/* Connections looked at per turn for sessions of apps that are gone. */
#define SWEEP_SLICE 250

/* Apps */

/* At least one, so that it is never NULL. */
static void resize(struct worker *w, size_t n)
{
	struct local_app **all = xcalloc(n ? n : 1, sizeof(*all));

	for (size_t i = 0; i < n && i < w->n_local_apps; i++)
		all[i] = w->local_apps[i];
	xfree(w->local_apps);
	w->local_apps = all;
	w->n_local_apps = n;
}

/* True when it lets nobody in who may be there already. */
static bool set_app(struct worker *w, const struct app *a)
{
	struct local_app **l = &w->local_apps[a->index];
	bool is_closed = *l && (*l)->app->enabled && !a->enabled;

	if (!*l)
		*l = local_app_new(a, &w->hash_key,
				   activity_get(&w->metrics->activities, w->index, a->id));
	(*l)->app = a;
	(*l)->is_removed = false;
	return is_closed;
}

/* The same: is there anybody to be closed? */
static bool set_apps(struct worker *w, const struct app_table *apps)
{
	size_t n_removed = 0;
	bool closes = false;

	for (size_t i = 0; i < w->n_local_apps; i++) {
		if (w->local_apps[i])
			w->local_apps[i]->is_removed = true;
	}
	if (apps->n_slots > w->n_local_apps)
		resize(w, apps->n_slots);
	for (size_t i = 0; i < apps->n; i++)
		closes |= set_app(w, apps->apps[i]);
	for (size_t i = 0; i < w->n_local_apps; i++)
		n_removed += w->local_apps[i] && w->local_apps[i]->is_removed;
	return closes || n_removed > 0;
}

static void forget_removed(struct worker *w)
{
	for (size_t i = 0; i < w->n_local_apps; i++) {
		if (w->local_apps[i] && w->local_apps[i]->is_removed) {
			local_app_forget(w->local_apps[i]);
			w->local_apps[i] = NULL;
		}
	}
	resize(w, w->apps->n_slots);
}

void changeover_init(struct worker *w)
{
	set_apps(w, w->apps);
}

void changeover_fini(struct worker *w)
{
	for (size_t i = 0; i < w->n_local_apps; i++) {
		if (w->local_apps[i])
			local_app_free(w->local_apps[i]);
	}
	xfree(w->local_apps);
}

/* Sessions of apps that are gone */

static void close_if_gone(struct conn *c)
{
	if ((c->phase != CONN_OPENING && c->phase != CONN_OPEN) || !c->local_app)
		return;
	if (c->local_app->is_removed)
		conn_refuse(c, PUSHER_NO_APP, S("Application does not exist"));
	else if (!c->local_app->app->enabled)
		conn_refuse(c, PUSHER_APP_DISABLED, S("Application disabled"));
}

static void tell_hub(struct worker *w, enum reload_step step)
{
	struct to_hub_reload *r = worker_mail(w, TO_HUB_RELOAD, sizeof(*r));

	*r = (struct to_hub_reload){ .apps = w->apps, .step = step };
}

/* Newcomers stand behind the end of the walk, or are met in vain. */
static void sweep(struct worker *w)
{
	for (unsigned n = SWEEP_SLICE; n > 0 && w->sweep != &w->all; n--) {
		struct conn *c = container_of(w->sweep, struct conn, link);

		w->sweep = w->sweep->next;
		close_if_gone(c);
		w->sweep_n_kept = w->leaving.n_kept;
	}
	if (w->sweep == &w->all && leaving_has_told(&w->leaving, w->sweep_n_kept)) {
		w->sweep = NULL;
		tell_hub(w, RELOAD_SWEPT);
	}
}

/* The steps */

static void switch_over(struct worker *w, const struct server_settings *next)
{
	bool closes = set_apps(w, next->apps);

	w->settings = next;
	w->options = &next->options;
	w->apps = next->apps;
	if (w->options->compression_window_bits && !w->deflate)
		w->deflate = deflate_new();
	if (w->index == 0)
		admission_refresh(w->admission);
	w->published_s = WORKER_NEVER_S; /* it names the CORS lines of before */
	w->is_reloading = true;
	tell_hub(w, RELOAD_SWITCHED);
	w->sweep = closes ? w->all.next : &w->all;
	w->sweep_n_kept = w->leaving.n_kept;
}

bool changeover_is_due(const struct worker *w)
{
	return w->settings != server_settings(w->server) && !w->is_reloading;
}

bool changeover_turn(struct worker *w)
{
	if (changeover_is_due(w))
		switch_over(w, server_settings(w->server));
	if (w->sweep && !mailbox_is_full(w->hub_inbox))
		sweep(w);
	return w->sweep != NULL;
}

void changeover_on_mail(struct worker *w, const struct to_worker_reload *m)
{
	if (m->step == RELOAD_SWEPT) {
		tell_hub(w, RELOAD_DONE);
		return;
	}
	forget_removed(w);
	w->is_reloading = false;
}
