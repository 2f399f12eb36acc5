/* clocks.h: time that does not flow as it should.
 *
 * A leap is a machine that slept: everything that was due in between is late, all of it at once. Who
 * had been answered before, and answers now, must not be held to have been silent. The wall clock is
 * set back or forward by hours while time goes on: signatures follow it, patience does not. And a
 * worker, or the hub, gets no turn for seconds while the others run. */
#ifndef SIM_CLOCKS_H
#define SIM_CLOCKS_H

#include "world.h"

/* Acts. */
bool clocks_leap(struct world *w);
bool clocks_set_wall(struct world *w);
bool clocks_stall_loop(struct world *w);

#endif
