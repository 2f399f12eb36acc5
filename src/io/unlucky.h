/* unlucky.h: places where the real code asks whether it has bad luck now.
 *
 * A fast path that is always taken hides the bugs of the slow one, and a batch that is always whole
 * those at its seams. So a few places, listed in unlucky.def, ask the loop's world; only a
 * simulated one ever says yes, by its seed, and only for the points that are at work in that run.
 * What follows must be legal in the real world as well: late, little, alone, or full; never lost.
 *
 * Builds of the product do not ask: without SOCKUDO_UNLUCKY (meson option unlucky: builds for
 * debugging, sanitizers and the swarm) the answer is a constant, and the compiler drops the
 * question. The loop's thread. */
#ifndef IO_UNLUCKY_H
#define IO_UNLUCKY_H

#include <stdbool.h>

struct loop;

enum unlucky {
#define UNLUCKY(name, word) UNLUCKY_##name,
#include "io/unlucky.def"
#undef UNLUCKY
	N_UNLUCKY
};

#ifdef SOCKUDO_UNLUCKY
enum { UNLUCKY_IS_BUILT = 1 };
bool loop_is_unlucky(const struct loop *l, enum unlucky point);
#else
enum { UNLUCKY_IS_BUILT = 0 };
static inline bool loop_is_unlucky(const struct loop *l, enum unlucky point)
{
	(void)l, (void)point;
	return false;
}
#endif

#endif
