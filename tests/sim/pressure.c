#include "pressure.h"

#include "client.h"

#define LIMIT_BYTES (UINT64_C(1) << 30)

static void report(struct world *w)
{
	sim_process(w->sim)->memory = (struct process_memory){
		.resident_bytes = w->is_pressed ? LIMIT_BYTES / 20 * 19 : LIMIT_BYTES / 2,
		.limit_bytes = LIMIT_BYTES,
		.limit_source = MEMORY_LIMIT_CGROUP_V2,
	};
}

void pressure_begin(struct world *w, struct server_options *o)
{
	o->accept_traffic.enabled = w->plan.has_pressure;
	report(w);
}

/* Who is on his way meets what was, or what is. */
static void warn(struct world *w)
{
	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i] && w->clients[i]->state == CLIENT_KNOCKING)
			w->clients[i]->pressure = PRESSURE_MAY_BE;
}

void pressure_set(struct world *w, bool is_high)
{
	w->is_pressed = is_high;
	warn(w);
	report(w);
	trace_fault(w->trace, is_high ? "memory is short" : "memory is plenty");
}

bool pressure_act(struct world *w)
{
	if (!w->plan.has_pressure)
		return false;
	pressure_set(w, !w->is_pressed);
	w->pressure = PRESSURE_MAY_BE;
	if (chance(w, 70)) {
		world_pass_ms(w, 2 * server_options_default().accept_traffic.sample_interval_ms);
		w->pressure = w->is_pressed ? PRESSURE_IS : PRESSURE_IS_NOT;
	}
	return true;
}
