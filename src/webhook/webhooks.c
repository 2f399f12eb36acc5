#include "webhook/webhooks.h"

#include "base/check.h"
#include "base/mem.h"
#include "webhook/departures.h"

/* A client event may be as long as a message. */
#define WAITING_BYTES_MAX ((size_t)64 << 20)

/* The listener of an app (hub_sink.meet). It exists as long as the app has webhooks. */
struct told_app {
	struct list link;	 /* in webhooks.apps */
	struct webhook_set *set; /* a reference */
	struct target **targets; /* in the order of the set */
};

struct webhooks {
	struct webhook_counts *(*counts_of)(void *ctx, const struct app *app);
	void *ctx;
	struct outlet outlet;
	struct departures departures;
	struct list apps, targets; /* all */
};

/* Apps */

static void drop_set(struct told_app *a)
{
	for (size_t i = 0; a->set && i < a->set->n; i++)
		target_retire(a->targets[i]);
	xfree(a->targets);
	webhook_set_unref(a->set);
	a->targets = NULL;
	a->set = NULL;
}

static void take_set(struct webhooks *w, struct told_app *a, const struct app *app)
{
	struct webhook_counts *counts = w->counts_of(w->ctx, app);
	struct webhook_set *set = app->webhooks;

	drop_set(a);
	a->set = webhook_set_ref(set);
	a->targets = xcalloc(set->n, sizeof(struct target *));
	for (size_t i = 0; i < set->n; i++) {
		a->targets[i] = target_new(&w->outlet, set, i, counts);
		list_push_back(&w->targets, &a->targets[i]->link);
	}
}

/* Its targets deliver what they have. */
static void let_go(struct webhooks *w, struct told_app *a)
{
	departures_settle_of(&w->departures, a);
	drop_set(a);
	list_remove(&a->link);
	xfree(a);
}

void *webhooks_meet(struct webhooks *w, const struct app *app, void *known)
{
	struct told_app *a = known;

	if (app && app->webhooks) {
		if (!a) {
			a = xnew(struct told_app);
			list_push_back(&w->apps, &a->link);
		}
		if (a->set != app->webhooks)
			take_set(w, a, app);
	} else if (a) {
		let_go(w, a);
		a = NULL;
	}
	outlet_pump(&w->outlet);
	return a;
}

/* Telling */

static void tell_all(struct webhooks *w, const struct hub_news *n)
{
	struct told_app *a = n->listener;

	for (size_t i = 0; i < a->set->n; i++) {
		if (webhook_wants(a->set->hooks[i], n->event, n->channel))
			target_tell(a->targets[i], n);
	}
	outlet_pump(&w->outlet);
}

static void on_certain(void *ctx, const struct hub_news *n)
{
	tell_all(ctx, n);
}

/* As the original: the channel of somebody whose connection has ended is vacated at once, but not who
 * was on it: pages that are loaded again are about people. */
static bool may_come_back(const struct hub_news *n)
{
	return n->event == WEBHOOK_member_removed ||
	       (n->event == WEBHOOK_channel_vacated && !n->has_hung_up);
}

static bool is_arrival(const struct hub_news *n)
{
	return n->event == WEBHOOK_member_added || n->event == WEBHOOK_channel_occupied;
}

void webhooks_tell(struct webhooks *w, const struct hub_news *n)
{
	if (is_arrival(n) && departures_take_back(&w->departures, n))
		return;
	if (may_come_back(n) && !w->outlet.is_settling && departures_add(&w->departures, n))
		return;
	tell_all(w, n);
}

/* The end */

void webhooks_settle(struct webhooks *w)
{
	departures_settle(&w->departures); /* they go out together */
	w->outlet.is_settling = true;
	for (struct list *l = w->targets.next; l != &w->targets; l = l->next)
		target_wake(container_of(l, struct target, link));
	outlet_pump(&w->outlet);
}

bool webhooks_is_settling(const struct webhooks *w)
{
	return w->outlet.is_settling;
}

size_t webhooks_n_waiting(const struct webhooks *w)
{
	return w->outlet.n_events + departures_n(&w->departures);
}

/* Life */

struct webhooks *webhooks_new(const struct webhooks_options *o)
{
	struct webhooks *w = xnew(struct webhooks);

	w->counts_of = o->counts_of;
	w->ctx = o->ctx;
	w->outlet = (struct outlet){ .loop = o->loop,
				     .client = o->client,
				     .log = o->log,
				     .n_events_max = o->events_max,
				     .n_bytes_max = WAITING_BYTES_MAX };
	list_init(&w->outlet.ready);
	list_init(&w->apps);
	list_init(&w->targets);
	departures_init(&w->departures, o->loop, o->hash_key, o->events_max);
	w->departures.on_certain = on_certain;
	w->departures.ctx = w;
	return w;
}

void webhooks_free(struct webhooks *w)
{
	if (!w)
		return;
	http_client_free(w->outlet.client);
	departures_fini(&w->departures);
	while (!list_is_empty(&w->targets))
		target_free(container_of(w->targets.next, struct target, link));
	while (!list_is_empty(&w->apps)) {
		struct told_app *a = container_of(w->apps.next, struct told_app, link);

		webhook_set_unref(a->set);
		xfree(a->targets);
		list_remove(&a->link);
		xfree(a);
	}
	xfree(w);
}
