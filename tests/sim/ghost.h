/* ghost.h: peers of whom nothing comes of itself: connected and silent, a head that comes a byte at a
 * time, requests whose answers are never read. They never end their side, and no packet says that
 * they are gone. The server must let go of each in bounded time, and say nothing wrong until then.
 *
 * Those who vanish after the upgrade are client_die's. */
#ifndef SIM_GHOST_H
#define SIM_GHOST_H

#include "world.h"

/* An act. */
bool ghost_appear(struct world *w);
/* Once per step: those who drip go on. */
void ghost_serve(struct world *w);
/* How long the server may keep the most stubborn of them. */
uint64_t ghost_patience_ms(const struct world *w);
/* That time has passed: they have been let go, or it is a violation. */
void ghost_rest(struct world *w);

#endif
