/* map.h: the one hash map: open addressing, linear probing, backward-shift delete (no
 * tombstones).
 *
 * Slots hold a 64-bit hash and a pointer; the key lives inside the value and is fetched by
 * key_of, so the map owns nothing but its slots. With key_of NULL the hash itself is the key
 * (use hash_u64 of an integer). Grows at 3/4, shrinks when below 1/8, frees its slots when
 * empty. Pointers to values stay valid; slots move. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_slot {
	uint64_t hash;
	void *value; /* NULL: free */
};

struct map {
	struct map_slot *slots;
	size_t n;
	size_t cap; /* power of two, or 0 */
	str (*key_of)(const void *value);
};

void map_init(struct map *m, str (*key_of)(const void *value));
/* Frees the slots, not the values. */
void map_fini(struct map *m);
/* The value, or NULL. key is ignored when key_of is NULL. */
void *map_find(const struct map *m, uint64_t hash, str key);
/* The key must not be there yet. */
void map_put(struct map *m, uint64_t hash, void *value);
/* Removes exactly this value, which must be there. */
void map_remove(struct map *m, uint64_t hash, const void *value);
/* for (size_t it = 0; (v = map_next(&m, &it));) … Do not put or remove meanwhile. */
void *map_next(const struct map *m, size_t *it);

#endif
