/* luck.h: which points of the real code (io/unlucky.def) have bad luck in a run, and how often they
 * had. Each run draws some of them: all at once would hide what one does. */
#ifndef SIM_LUCK_H
#define SIM_LUCK_H

#include "world.h"

/* Over all runs. */
struct luck_tally {
	struct sim_luck_count counts[N_UNLUCKY];
};

/* The plan says how bad it is. */
void luck_begin(struct world *w);
/* No more of it; what it did is noted. */
void luck_end(struct world *w);

void luck_count(struct luck_tally *t, const struct world *w);
void luck_print(const struct luck_tally *t);
/* The word of a point that nobody has struck, or NULL. */
const char *luck_find_dead(const struct luck_tally *t);

#endif
