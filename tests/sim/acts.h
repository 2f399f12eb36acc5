/* acts.h: who does what, and when. */
#ifndef SIM_ACTS_H
#define SIM_ACTS_H

#include "world.h"

/* A whole run of that many acts in several rounds, without the end. */
void acts_run(struct world *w, unsigned n_steps);
/* The word of a kind of acts (world.n_done), or NULL: there are no more. */
const char *acts_word(unsigned kind);

#endif
