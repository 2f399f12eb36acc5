/* leaving.h: the channels of those who have gone, which the hub is told portion by portion.
 *
 * Nobody says how many channels a connection may be on, and to leave one costs the hub and the
 * worker about a microsecond: a million at once would keep everybody waiting for seconds. So who
 * goes is taken out of the worker's channels at once, and hears nothing more; to the hub each turn
 * says what others do not notice, and the rest waits. Until it is told, the hub counts those
 * subscriptions, and delivers to nobody. */
#ifndef SERVER_LEAVING_H
#define SERVER_LEAVING_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct worker;

struct leaving {
	struct list portions;	 /* oldest first */
	size_t n;		 /* subscriptions in them */
	uint32_t n_this_turn;	 /* that the hub was told */
	uint32_t per_turn_max;	 /* about a millisecond's; any number at the end */
	uint64_t n_kept, n_told; /* portions, ever */
};

void leaving_init(struct leaving *l);
/* c is on no channel any more. */
void leaving_take(struct conn *c);
/* The turn is over, the next portions are told. */
void leaving_turn(struct worker *w);
/* Is something left for another turn? */
static inline bool leaving_is_due(const struct leaving *l)
{
	return !list_is_empty(&l->portions);
}
/* Has everything been told that had been kept when l->n_kept was n_kept? */
static inline bool leaving_has_told(const struct leaving *l, uint64_t n_kept)
{
	return l->n_told >= n_kept;
}

#endif
