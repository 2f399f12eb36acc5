/* scenario.h: runs with a purpose, beside the random ones. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "world.h"

/* A random run. Returns the hash of everything that happened. */
uint64_t scenario_random(struct world *w, struct trace *t, uint64_t seed, unsigned n_steps,
			 const struct world_wish *wish);
/* n connections come, subscribe, hear something and go, a few at a time. */
void scenario_churn(struct world *w, struct trace *t, unsigned n);

#endif
