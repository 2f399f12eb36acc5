/* keyed.h: publishes with an idempotency key, which back-ends say again: because they have forgotten
 * that they were answered, because the answer was lost with the connection, or because it takes
 * them too long, so that both are under way at once.
 *
 * However often it is said, and to whichever worker, each is answered as the first would be, and
 * the events come once. They need not come only if every request was refused or is unanswered. */
#ifndef SIM_KEYED_H
#define SIM_KEYED_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct node;
struct publisher;
struct request;
struct world;

enum { KEYED_LOST_MAX = 8 };

/* In the oracle's arena: valid for the round. */
struct keyed {
	unsigned app;
	const char *path;
	str header, body; /* header.n == 0: the key is in the body */
	str answer;
	uint32_t first_event, n_events;
};

/* Of a node and the round. */
struct keyed_publishes {
	const struct keyed *answered; /* the last one, or NULL */
	/* Their connections ended before the answer came; the newest replace the oldest. */
	const struct keyed *lost[KEYED_LOST_MAX];
	unsigned n_lost; /* ever */
};

/* Gives a publish that is about to be sent a key, or not: NULL. body: one JSON object. */
const struct keyed *keyed_draw(struct world *w, unsigned app, const char *path, struct buf *body,
			       const struct request *expected);
/* k may be NULL. */
void keyed_lost(struct node *n, const struct keyed *k);

/* Acts of a back-end. False: there is nothing to repeat. */
bool keyed_repeat_answered(struct publisher *p);
bool keyed_repeat_unanswered(struct publisher *p);

#endif
