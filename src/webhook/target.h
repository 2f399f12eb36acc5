/* target.h: one webhook: the events that are gathered for it, and its requests: those that wait for
 * their turn, are under way, or rest until they are tried again.
 *
 * Requests go out one after the other, in the order of what happened; beside one that is under way only
 * whole batches and second attempts do: a receiver that is slower than what happens gets several at
 * once, and one that fails holds up nobody's events, not even its own. */
#ifndef WEBHOOK_TARGET_H
#define WEBHOOK_TARGET_H

#include "base/counter.h"
#include "base/log.h"
#include "core/hub.h"
#include "webhook/request.h"

enum webhook_outcome {
	WEBHOOK_DELIVERED,
	WEBHOOK_GIVEN_UP, /* the receiver did not take it */
	WEBHOOK_DROPPED,  /* there was no room, or no memory */
	N_WEBHOOK_OUTCOMES
};
/* Of events, not of requests; any thread may read them. */
struct webhook_counts {
	struct counter outcomes[N_WEBHOOK_OUTCOMES];
};

/* What all targets share: the way out, and the room to wait for it. */
struct outlet {
	struct loop *loop;
	struct http_client *client;
	struct log *log;
	struct list ready;	       /* struct target: could post, if there were a place */
	unsigned n_under_way;	       /* posts */
	size_t n_events, n_events_max; /* told, and neither taken nor given up */
	size_t n_bytes, n_bytes_max;   /* of them */
	bool is_settling;	       /* nothing is gathered any more */
};

struct target {
	struct list link;	/* its owner's */
	struct list ready_link; /* outlet.ready */
	struct outlet *outlet;
	struct webhook_set *set; /* a reference */
	const struct webhook *hook;
	struct webhook_counts *counts; /* its app's */

	struct buf gathered; /* the body but for its end */
	uint32_t n_gathered;
	bool is_due; /* what is gathered need not wait for more */
	struct timer gather;
	struct list waiting, under_way, resting; /* struct request */
	unsigned n_under_way;
	bool is_former; /* nobody tells it any more: it ends when nothing is left */
};

/* How many posts may be on their way at the same time. */
enum { OUTLET_POSTS_MAX = 64 };

struct target *target_new(struct outlet *o, struct webhook_set *set, size_t i,
			  struct webhook_counts *counts);
/* Nobody tells it any more. It delivers what it has, then outlet_pump frees it. */
void target_retire(struct target *t);
/* What it has not delivered is forgotten; its posts have been broken off. */
void target_free(struct target *t);

/* A webhook that wants the event is told. */
void target_tell(struct target *t, const struct hub_news *n);
/* What is gathered need not wait for more. */
void target_hurry(struct target *t);
/* Likewise, and what rests is tried again now. */
void target_wake(struct target *t);
static inline bool target_is_idle(const struct target *t)
{
	return t->n_gathered == 0 && t->n_under_way == 0 && list_is_empty(&t->waiting) &&
	       list_is_empty(&t->resting);
}

/* Posts what may be posted, and frees who has nothing left to do. */
void outlet_pump(struct outlet *o);

#endif
