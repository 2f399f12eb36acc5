/* sim_time.c: time that does not flow as it should: leaps, a wall clock that is set, and a loop that
 * gets no turn. */
#include "io/sim_priv.h"

void sim_leap_ms(struct sim *s, uint64_t ms)
{
	sim_trace(s, ms);
	s->now_ns += ms * 1000000;
}

void sim_set_wall_ms(struct sim *s, int64_t wall_ms)
{
	s->wall_shift_ms += wall_ms - sim_wall_ms(s);
}

int64_t sim_wall_ms(const struct sim *s)
{
	return SIM_WALL_START_MS + s->wall_shift_ms +
	       (int64_t)((s->now_ns - s->start_ns) / 1000000);
}

void sim_stall_loop(struct loop *l, uint64_t ms)
{
	struct sim_loop *sl = sim_loop_of(l);

	sim_trace(sl->sim, sl->id);
	sl->stalled_until_ns = sl->sim->now_ns + ms * 1000000;
}
