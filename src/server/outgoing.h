/* outgoing.h: the second half of a turn: one write per connection that has something to say.
 *
 * During a turn messages are only marked. Which messages a connection has pending is one pointer into a tree whose path from the root
 * spells the set: connections with the same pending messages share a node, so that marking a thousand subscribers allocates once, and
 * the bytes of a set are laid side by side once for all who share it. At the end of the turn each dirty connection gets one send();
 * only a short write makes a queue of its own (references and an offset), with a budget.
 * Writing goes on in slices between polls; until the last dirty connection is written, no new deliveries are taken (worker.c), which
 * bounds the tree and keeps each connection's order. Connections that wait for an answer to their own words go first. */
#ifndef SERVER_OUTGOING_H
#define SERVER_OUTGOING_H

#include "base/arena.h"
#include "base/list.h"
#include "base/msg.h"

struct conn;
struct worker;

struct out_set {
	struct out_set *parent; /* one message less */
	struct out_set *child;	/* the last that grew out of it */
	struct msg *msg;
	char *joined; /* all bytes of the path, once built for sharing */
	uint32_t n;   /* messages on the path */
	uint32_t n_conns;
	size_t bytes;
};

struct outgoing {
	struct list dirty;
	struct out_set root;
	struct arena sets;
	struct msg **held; /* references that end with the turn */
	size_t n_held, cap_held;
	char *scratch;
	struct list blocked_ends; /* unused links are empty */
};

void out_init(struct outgoing *o);
void out_fini(struct outgoing *o);

/* Takes over one reference until the turn is written; the message may then be marked for any number of connections. */
void out_hold(struct outgoing *o, struct msg *m);
/* m is held. urgent: the connection waits for it (its own answer). Never ends the connection. */
void out_mark(struct outgoing *o, struct conn *c, struct msg *m, bool urgent);

/* Writes at most n_conns dirty connections. True when some are left. */
bool out_write(struct outgoing *o, unsigned n_conns);
static inline bool out_is_clean(const struct outgoing *o)
{
	return list_is_empty(&o->dirty);
}
/* The socket takes bytes again. */
void out_resume(struct conn *c);
/* Forgets what is pending or queued. */
void out_discard(struct outgoing *o, struct conn *c);
/* Messages and bytes in c's own queue. */
size_t out_queued(const struct conn *c, size_t *bytes);

#endif
