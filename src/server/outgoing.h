/* outgoing.h: the second half of a turn: one write per connection that has something to say.
 *
 * During a turn messages are only marked. Which messages a connection has pending is one pointer
 * into a tree whose path from the root spells the set: connections with the same pending
 * messages share a node, so that marking a thousand subscribers allocates once, and the bytes of
 * a shared set are laid side by side once for all of them. At the end of the turn each dirty
 * connection gets one send(); only a short write gives it a queue of its own (references and an
 * offset), with a budget.
 *
 * Writing goes on in slices between polls. What arrives meanwhile joins the sets that are still
 * waiting, so that batches grow by themselves under load; a connection that was written already
 * goes to the end of the line. The tree is forgotten whenever the line is empty; when it grows
 * beyond out_has_room, no new deliveries are taken until then (worker.c). Connections that wait
 * for the answer to their own words have a line of their own that goes first, so that a ping is not
 * late because a large fan-out is under way; every fourth place is for the others nevertheless. */
#ifndef SERVER_OUTGOING_H
#define SERVER_OUTGOING_H

#include "base/arena.h"
#include "base/list.h"
#include "base/msg.h"

struct conn;
struct latency;
struct loop;

struct out_set {
	struct out_set *parent; /* the same without msg; NULL: the root, nothing */
	struct out_set *child;	/* the last that grew out of it */
	struct msg *msg;
	bool is_answer;
	char *joined;	  /* all bytes of the path, once they were built to be shared */
	uint32_t n;	  /* messages on the path */
	uint32_t n_conns; /* that have exactly this pending */
	size_t bytes;
};

struct outgoing {
	const struct loop *loop; /* tells the time */
	struct list urgent,
		dirty; /* struct conn by dirty: two lines, the first before the second */
	unsigned n_urgent_in_row;
	struct out_set root;
	struct arena sets;     /* nodes and shared bytes; forgotten when all is written */
	struct out_held *held; /* references that end with it */
	size_t bytes;	       /* in held messages and in sets */
	size_t bytes_full;
	char *scratch; /* where an unshared set is laid side by side */
};

/* bytes_full: see out_has_room. */
void out_init(struct outgoing *o, const struct loop *l, size_t bytes_full);
void out_fini(struct outgoing *o);

/* Takes over one reference until everything dirty is written; until then the message may be
 * marked for any number of connections. */
void out_hold(struct outgoing *o, struct msg *m);
/* When all is written, the time since the message that was held last was born is added to it. */
void out_time_held(struct outgoing *o, struct latency *latency);
/* m is held. is_answer: to the connection's own words; it goes first and is always taken. Never
 * ends a connection. */
void out_mark(struct outgoing *o, struct conn *c, struct msg *m, bool is_answer);
/* Has c visited at the next write though it may have nothing to say. */
void out_touch(struct outgoing *o, struct conn *c);

/* Visits at most n_conns dirty connections. True when some are left. */
bool out_write(struct outgoing *o, unsigned n_conns);
static inline bool out_is_clean(const struct outgoing *o)
{
	return list_is_empty(&o->urgent) && list_is_empty(&o->dirty);
}
static inline bool out_has_room(const struct outgoing *o)
{
	return o->bytes < o->bytes_full || out_is_clean(o);
}
/* Answers are taken when deliveries are not any more, so that a ping is not late; but not for ever:
 * who asks again as soon as he is answered would keep the line from ever being empty. */
static inline bool out_is_full(const struct outgoing *o)
{
	return o->bytes / 2 >= o->bytes_full && !out_is_clean(o);
}
/* c's socket takes bytes again. */
void out_resume(struct conn *c);
/* Forgets what is pending and queued. */
void out_discard(struct conn *c);
/* Is anything not yet handed to the socket? */
bool out_has_pending(const struct conn *c);
/* Puts m in place of everything that is pending or queued; only a message of which the kernel
 * took a part already is finished first. Takes over the reference. */
void out_replace(struct conn *c, struct msg *m);

#endif
