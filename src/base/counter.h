/* counter.h: a number that one thread adds to and others read: what a plain addition costs. */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
	_Atomic uint64_t n;
};
static inline uint64_t counter_get(const struct counter *c)
{
	return atomic_load_explicit(&c->n, memory_order_relaxed);
}
static inline void counter_add(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->n, counter_get(c) + n, memory_order_relaxed);
}

#endif
