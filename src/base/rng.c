/* rng.c: a buffer in front of an expensive source.
 *
 * A socket id takes a few bytes; asking the kernel for each would be a system call per
 * connection. Bytes are used once and wiped, so that a later leak of memory does not reveal what
 * was drawn. It does not stretch or mix: the source alone decides the quality. */
#include "base/rng.h"

#include "base/check.h"

#include <string.h>

void rng_init(struct rng *r, void (*fill)(void *ctx, void *p, size_t n), void *ctx)
{
	*r = (struct rng){ .fill = fill, .ctx = ctx };
}

void rng_bytes(struct rng *r, void *p, size_t n)
{
	uint8_t *next;

	if (n > sizeof(r->buffer)) {
		r->fill(r->ctx, p, n);
		return;
	}
	if (n > r->left) {
		r->fill(r->ctx, r->buffer, sizeof(r->buffer));
		r->left = sizeof(r->buffer);
	}
	next = r->buffer + sizeof(r->buffer) - r->left;
	memcpy(p, next, n);
	memset(next, 0, n);
	r->left -= n;
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t v;

	rng_bytes(r, &v, sizeof(v));
	return v;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	uint64_t v, biased;

	ASSERT(n > 0);
	biased = (0 - n) % n; /* 2^64 mod n: the values that would make small results likelier */
	do
		v = rng_u64(r);
	while (v < biased);
	return v % n;
}
