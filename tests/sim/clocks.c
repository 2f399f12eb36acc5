#include "clocks.h"

#include "base/check.h"
#include "client.h"
#include "publisher.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, STALL_MS_MAX = 5000 };

/* In the middle of things everybody may be late for his deadline; when all is settled those who do not
 * read, and those who wait at a door that is shut. */
static void warn_clients(struct world *w, bool is_settled)
{
	for (unsigned i = 0; i < w->n_places; i++) {
		struct client *c = w->clients[i];

		if (c && (!is_settled || c->is_paused || c->state <= CLIENT_WAITING))
			c->has_slept = true;
	}
}

static void warn_publishers(struct world *w, bool is_settled)
{
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
		if (!is_settled || w->publishers[i]->n > 0)
			publisher_sleep(w->publishers[i]);
}

bool clocks_leap(struct world *w)
{
	uint64_t ms = MINUTE_MS + pick(w, pick(w, 2) ? 24 * HOUR_MS : HOUR_MS);
	bool is_settled = chance(w, 50);

	if (!w->plan.leaps)
		return false;
	if (is_settled)
		world_settle(w);
	warn_clients(w, is_settled);
	warn_publishers(w, is_settled);
	trace_fault(w->trace, "time leaps by %llu s", (unsigned long long)ms / 1000);
	sim_leap_ms(w->sim, ms);
	return true;
}

/* While nothing is under way: what was signed before is asked by publisher_ask_at. */
bool clocks_set_wall(struct world *w)
{
	static const int64_t SHIFTS_MS[] = { 1000,	     MINUTE_MS, 8 * MINUTE_MS,
					     12 * MINUTE_MS, HOUR_MS,	5 * HOUR_MS };
	int64_t shift_ms = SHIFTS_MS[pick(w, ARRAY_LEN(SHIFTS_MS))] * (pick(w, 2) ? 1 : -1);
	unsigned i = (unsigned)pick(w, w->plan.n_publishers);

	if (!w->plan.sets_wall)
		return false;
	world_settle(w);
	warn_publishers(w, true);
	trace_fault(w->trace, "the wall clock is set by %lld s", (long long)shift_ms / 1000);
	sim_set_wall_ms(w->sim, sim_wall_ms(w->sim) + shift_ms);
	if (publisher_may_ask(w->publishers[i]))
		publisher_ask_at(w->publishers[i], -shift_ms);
	world_settle(w);
	return true;
}

bool clocks_stall_loop(struct world *w)
{
	struct node *n = node_any(w);
	unsigned i = n ? (unsigned)pick(w, n->n_loops) : 0;
	uint64_t ms = 1 + pick(w, STALL_MS_MAX);

	if (!w->plan.stalls || !n)
		return false;
	trace_fault(w->trace, "loop %u of node %u gets no turn for %llu ms", i, n->number,
		    (unsigned long long)ms);
	sim_stall_loop(n->loops[i], ms);
	return true;
}
