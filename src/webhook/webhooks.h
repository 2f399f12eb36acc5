/* webhooks.h: those who are told what happens in the apps of this node.
 *
 * It hears everything from the hub, on the hub's loop, and decides what is told when: departures wait
 * until they are certain (departures.h), events are gathered (target.h) and posted. All is kept in memory,
 * within bounds; nothing here waits. It names no app beyond the call that brought it: what is still to be
 * told holds the app's set of webhooks (core/webhook.h). */
#ifndef WEBHOOK_WEBHOOKS_H
#define WEBHOOK_WEBHOOKS_H

#include "webhook/target.h"

struct webhooks;

struct webhooks_options {
	struct loop *loop;	    /* the hub's */
	struct http_client *client; /* of that loop, for OUTLET_POSTS_MAX posts; taken over */
	struct log *log;
	struct hash_key hash_key;
	size_t events_max; /* told, and neither delivered nor given up */
	/* Where its events are counted; valid until webhooks_free. */
	struct webhook_counts *(*counts_of)(void *ctx, const struct app *app);
	void *ctx;
};

struct webhooks *webhooks_new(const struct webhooks_options *o);
/* What is not delivered is lost. NULL is fine. */
void webhooks_free(struct webhooks *w);

/* For hub_sink: the listener of an app that has webhooks, NULL for others. */
void *webhooks_meet(struct webhooks *w, const struct app *app, void *known);
void webhooks_tell(struct webhooks *w, const struct hub_news *n);

/* From now on: who has left does not come back, and nothing is gathered longer than it must. What rests has
 * one more attempt now. */
void webhooks_settle(struct webhooks *w);
bool webhooks_is_settling(const struct webhooks *w);
/* How many events have not found their end yet, departures that are not certain among them. */
size_t webhooks_n_waiting(const struct webhooks *w);

#endif
