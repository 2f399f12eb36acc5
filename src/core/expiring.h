/* expiring.h: names that stand for a message for some time: the last event of a cache channel,
 * the answer to an idempotency key.
 *
 * One lifetime for all entries of a table, so the order of putting is the order of expiring:
 * nothing is ever searched for what is old. A table is bounded: beyond n_max the oldest goes.
 * One thread; the time is the caller's. */
#ifndef CORE_EXPIRING_H
#define CORE_EXPIRING_H

#include "base/list.h"
#include "base/map.h"
#include "base/msg.h"

struct expiring {
	struct map by_name;
	struct list oldest_first;
	uint64_t ttl_ms;
	uint32_t n_max;
};

struct expiring_entry {
	struct list link;
	uint64_t hash;
	uint64_t expires_ms;
	struct msg *msg; /* may be NULL: the name alone says it */
	str name;
	char text[];
};

void expiring_init(struct expiring *x, uint64_t ttl_ms, uint32_t n_max);
void expiring_fini(struct expiring *x);
/* Another lifetime and another number: they hold for what is there, too. */
void expiring_set(struct expiring *x, uint64_t ttl_ms, uint32_t n_max, uint64_t now_ms);
/* Replaces what was there. Takes over the reference. Without memory, or with a lifetime of 0,
 * nothing is kept. */
void expiring_put(struct expiring *x, uint64_t hash, str name, struct msg *m, uint64_t now_ms);
/* The entry, valid until the next call, or NULL. */
const struct expiring_entry *expiring_find(struct expiring *x, uint64_t hash, str name,
					   uint64_t now_ms);

#endif
