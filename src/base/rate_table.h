/* rate_table.h: how often each of many has done something in its window: a fixed number of
 * places, shared by all threads.
 *
 * A window begins with the first deed and ends window_s later. The key is anybody's bytes; only
 * its keyed hash is kept, so a place is 24 bytes and nobody can choose whom to share one with.
 * When more are about than there are places, a newcomer takes one that is over, else the one
 * that is over soonest: such a flood is let through, which is better than refusing its
 * neighbours. Memory is taken at once and touched as it is used. Thread-safe: a lock for each
 * 64th of it, held for a few comparisons. */
#ifndef BASE_RATE_TABLE_H
#define BASE_RATE_TABLE_H

#include "base/hash.h"

#define RATE_TABLE_PLACES 65536

struct rate_table;

struct rate_verdict {
	bool is_within;
	uint32_t n_left;
	uint32_t reset_s; /* whole seconds until the window is over */
};

struct rate_table *rate_table_new(struct hash_key key);
void rate_table_free(struct rate_table *t);
/* One more deed: is it within n_max per window_s (both above 0)? now_ms never goes far back:
 * threads may differ by a turn. */
struct rate_verdict rate_table_take(struct rate_table *t, str who, uint32_t n_max,
				    uint32_t window_s, uint64_t now_ms);

#endif
