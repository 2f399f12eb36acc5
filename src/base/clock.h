/* clock.h: what time it is, read once per loop turn by the floor that may ask the kernel.
 *
 * Everything above takes a pointer to a clock and reads it; the simulator's clock is virtual. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	uint64_t mono_ns; /* never goes back; zero point unknown */
	int64_t wall_ms;  /* since 1970, may jump */
};

static inline uint64_t clock_ms(const struct clock *c)
{
	return c->mono_ns / 1000000u;
}

#endif
