/* hooks.h: what webhooks need of the system: the client that posts them. Opened before the sandbox is
 * entered, and only where an app has webhooks: it costs a library, a thread, and some system calls. */
#ifndef MAIN_HOOKS_H
#define MAIN_HOOKS_H

#include "server/server.h"

/* Has an app webhooks? */
bool hooks_are_wanted(const struct app_table *apps);
/* l: the hub's loop. False: nobody wants them, or this build cannot post, as the log says. */
bool hooks_open(struct server *s, struct loop *l, const struct app_table *apps, struct log *log);

/* Whose certificates receivers have: a file of the operator's own, or NULL: whom the system trusts. */
const char *hooks_ca_file(void);

/* For a reload: says in the log that what nobody wanted at the start needs a restart. */
void hooks_warn(bool were_wanted, const struct app_table *apps, struct log *log);

#endif
