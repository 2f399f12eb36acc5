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

struct hub;

struct hub_sink {
	/* Room for a record to that worker, sent when the hub's owner flushes. Never NULL
	 * (records are small). */
	void *(*mail)(void *ctx, unsigned worker, enum mail_to_worker kind, size_t bytes);
	/* All workers use the newest table: nobody names the one before it any more. */
	void (*reloaded)(void *ctx);
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

/* Counted anew by a walk over every channel: for tests. */
struct app_counts hub_count(const struct hub *h, const struct app *app);

#endif
