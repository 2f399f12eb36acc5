/* hash.h: keyed hashing of names that a peer chose (SipHash-1-3), and mixing of integers.
 *
 * The key is drawn once per process and handed down, so nobody outside can aim collisions at our
 * maps. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

struct hash_key {
	uint64_t k0, k1;
};

uint64_t hash_str(const struct hash_key *key, str s);
/* A bijection: different integers never collide as 64-bit hashes. */
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#endif
