/* rate_window.h: how often somebody may do something: a number per fixed window, which starts
 * with the first of them.
 *
 * Time is the low 32 bits of milliseconds: a window that was left 49 days ago may count once
 * more. */
#ifndef CORE_RATE_WINDOW_H
#define CORE_RATE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing was done yet. */
struct rate_window {
	uint32_t start_ms;
	uint32_t n;
};

/* n more, or none of them: are they within n_max per window_s? */
static inline bool rate_window_take_n(struct rate_window *w, uint32_t now_ms, uint32_t window_s,
				      uint32_t n, uint32_t n_max)
{
	uint32_t age_ms = now_ms - w->start_ms;

	if (w->n == 0 || age_ms >= (uint64_t)window_s * 1000) {
		w->start_ms = now_ms;
		w->n = 0;
	}
	if (w->n > n_max || n > n_max - w->n)
		return false;
	w->n += n;
	return true;
}

static inline bool rate_window_take(struct rate_window *w, uint32_t now_ms, uint32_t window_s,
				    uint32_t n_max)
{
	return rate_window_take_n(w, now_ms, window_s, 1, n_max);
}

#endif
