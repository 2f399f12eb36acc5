/* dismissal.h: back-ends close everything that is signed in as a user, for good (4009) or to have it
 * come again (4200).
 *
 * Who was known to be signed in when the request left has to be gone once it was answered. Who
 * signs in meanwhile may be hit or not; nobody else may. */
#ifndef SIM_DISMISSAL_H
#define SIM_DISMISSAL_H

#include "client.h"
#include "publisher.h"

/* An act. */
bool dismissal_act(struct world *w);
/* Its request was answered with 200. */
void dismissal_done(struct world *w, uint32_t dismissal);
/* May it be, or have been, hit? */
bool dismissal_threatens(const struct client *c);
/* Is this one's error? */
bool dismissal_says(const struct client *c, uint64_t code, str message);
/* The world rests: who was to go has gone, and the next round knows nothing of it. */
void dismissal_rest(struct world *w);

#endif
