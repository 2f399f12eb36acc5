/* departures.h: who has left, but may be back in a moment: nobody is told before it is certain.
 *
 * A page that is loaded again leaves its channels and joins them within a second. So a departure waits,
 * and who comes back takes it away: then neither is told, and what others hear of one channel, or of
 * one member, is always one and the other in turn. There is no departure of what is there. */
#ifndef WEBHOOK_DEPARTURES_H
#define WEBHOOK_DEPARTURES_H

#include "base/buf.h"
#include "base/map.h"
#include "core/hub.h"
#include "io/loop.h"

enum { DEPARTURE_MS = 3000 };

struct departures {
	struct loop *loop;
	struct hash_key hash_key;
	struct map by_key;
	struct list waiting; /* oldest first */
	size_t n_max;
	struct timer timer;
	struct buf key; /* of the one that is looked for */
	void (*on_certain)(void *ctx, const struct hub_news *n);
	void *ctx;
};

void departures_init(struct departures *d, struct loop *l, struct hash_key key, size_t n_max);
/* Those that still wait are forgotten. */
void departures_fini(struct departures *d);

/* n: somebody has left. False: it cannot wait (memory, or n_max wait); it is as good as certain. */
bool departures_add(struct departures *d, const struct hub_news *n);
/* n: somebody has come. True: just back, and nobody has been told. */
bool departures_take_back(struct departures *d, const struct hub_news *n);
/* They are certain now: all, or those that one listener is to hear of. */
void departures_settle(struct departures *d);
void departures_settle_of(struct departures *d, const void *listener);
static inline size_t departures_n(const struct departures *d)
{
	return d->by_key.n;
}

#endif
