/* hub.h: the one owner of everything that is shared: which channels exist, who is present, in
 * which order events happen.
 *
 * It takes records (mail.h) one after the other and answers with records through its sink; it
 * does no I/O, holds no lock, knows no socket. The order of a channel is the order in which
 * records were taken. One thread. Counts are read from the structures themselves. */
#ifndef CORE_HUB_H
#define CORE_HUB_H

#include "base/clock.h"
#include "base/hash.h"
#include "core/mail.h"
#include "core/webhook.h"

struct hub;

/* What happened, for webhooks. Texts are the hub's; what does not belong to the event is empty. */
struct hub_news {
	enum webhook_event event;
	void *listener; /* what hub_sink.meet has answered for the app */
	str channel;
	str user_id;		  /* of a member */
	str name, data;		  /* of a client event: data is JSON as the client wrote it */
	struct socket_id sender;  /* of a client event */
	uint32_t n_subscriptions; /* now */
	bool has_hung_up;	  /* who left did not unsubscribe: the connection has ended */
};

struct hub_sink {
	/* Room for a record to that worker, sent when the hub's owner flushes. Never NULL
	 * (records are small). */
	void *(*mail)(void *ctx, unsigned worker, enum mail_to_worker kind, size_t bytes);
	/* All workers use the newest table: nobody names the one before it any more. */
	void (*reloaded)(void *ctx);
	/* In the order in which it happened; for apps that have a webhook which may want it. An edge is
	 * told whole: who wants to know when channels are vacated, or members gone, hears of the other
	 * edge as well. */
	void (*tell)(void *ctx, const struct hub_news *n);
	/* An app is new, has changed, or is gone (NULL) and nobody of it is left. Answers what is to be
	 * given back with its news; known: what it was until now, or NULL. */
	void *(*meet)(void *ctx, const struct app *app, void *known);
	void *ctx;
};

/* apps: until a TO_HUB_RELOAD brings another table. */
struct hub *hub_new(const struct app_table *apps, unsigned n_workers, struct hash_key key,
		    const struct clock *clock, struct hub_sink sink);
/* Everybody must have left. */
void hub_free(struct hub *h);
/* One record from that worker; borrowed. */
void hub_take(struct hub *h, unsigned worker, enum mail_to_hub kind, const void *record);
/* After a batch of records: says what is said once however often it changed. */
void hub_end_batch(struct hub *h);

/* Somebody listens from now on: sink.meet is called for every app. */
void hub_meet_apps(struct hub *h);
/* Nobody is connected, and all who were have been said to be gone. */
bool hub_is_deserted(const struct hub *h);

/* Counted anew by a walk over every channel: for tests. */
struct app_counts hub_count(const struct hub *h, const struct app *app);

#endif
