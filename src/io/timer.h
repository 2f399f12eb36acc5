/* timer.h: the wheel under loop.h's timers; for loop.c and timer.c.
 *
 * Ticks are 16 ms of the loop's monotonic clock, counted in 32 bits that wrap: only differences
 * mean anything. */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include "base/list.h"

#include <stdint.h>

enum {
	TIMER_TICK_NS = 16 * 1000 * 1000,
	TIMER_LEVELS = 5,
	TIMER_SLOT_BITS = 6,
	TIMER_SLOTS = 1 << TIMER_SLOT_BITS,
};

struct timer_wheel {
	uint32_t done_tick; /* everything due up to here was called */
	/* Bit set: the slot may hold timers. Disarming does not know the wheel and leaves the
	 * bit. */
	uint64_t maybe[TIMER_LEVELS];
	struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ns);
/* Calls what is due at now_ns. */
void timer_wheel_run(struct timer_wheel *w, uint64_t now_ns);
/* How long the wheel can be left alone, in ns; UINT64_MAX when nothing is armed. */
uint64_t timer_wheel_wait_ns(struct timer_wheel *w, uint64_t now_ns);

#endif
