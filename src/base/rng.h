/* rng.h: unpredictable bytes through a seam: the kernel's in production, a seeded stream in the
 * simulator.
 *
 * Small draws are served from a buffer; bytes are wiped as they are handed out. One per loop. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	void (*fill)(void *ctx, void *p, size_t n);
	void *ctx;
	uint8_t buffer[256];
	size_t left;
};

void rng_init(struct rng *r, void (*fill)(void *ctx, void *p, size_t n), void *ctx);
void rng_bytes(struct rng *r, void *p, size_t n);
uint64_t rng_u64(struct rng *r);
/* Uniform in 0..n-1, without modulo bias. */
uint64_t rng_below(struct rng *r, uint64_t n);

#endif
