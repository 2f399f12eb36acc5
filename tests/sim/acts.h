/* acts.h: who does what, and when. */
#ifndef SIM_ACTS_H
#define SIM_ACTS_H

#include "world.h"

/* A whole run of that many acts in several rounds, without the end. It may be cut short after
 * n_acts_max: what happens until then is the same. */
void acts_run(struct world *w, unsigned n_steps, uint64_t n_acts_max);

#endif
