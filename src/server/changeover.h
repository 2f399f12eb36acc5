/* changeover.h: how one worker changes over to new settings while its sessions go on.
 *
 * server.c publishes the new settings; each worker takes them at the end of a turn, all at once:
 * nothing of it ever sees a mixture. Sessions hold the worker's record of their app (struct
 * local_app), which stays, so there is no walk over connections, unless an app was removed or
 * disabled: then its sessions are closed, a slice per turn. What is said to the hub meanwhile is
 * described in mail.h. Everything is of the worker's thread. */
#ifndef SERVER_CHANGEOVER_H
#define SERVER_CHANGEOVER_H

#include "server/worker.h"

/* There are newer settings than the worker's, and nothing is left of its last change. */
bool changeover_is_due(const struct worker *w);
/* Once per turn. True: there is more to be done in the next. */
bool changeover_turn(struct worker *w);
void changeover_on_mail(struct worker *w, const struct to_worker_reload *m);

/* The records of the worker's apps, at its beginning and at its end. */
void changeover_init(struct worker *w);
void changeover_fini(struct worker *w);

#endif
