/* confine.h: what this process gives up before its first client, and what it says about it. */
#ifndef MAIN_CONFINE_H
#define MAIN_CONFINE_H

#include "base/log.h"
#include "io/sandbox.h"
#include "main/config.h"

#define CONFINE_OFF "switched off by the configuration"

/* Enters the sandbox as c wants it, with the paths that c needs; call it when all listening
 * sockets are open and no thread runs. Logs what is on, and what is not and why, together with other
 * things that an operator could make safer. False: c requires what the kernel or this build does
 * not have; problem says what. */
bool confine(const struct config *c, bool has_webhooks, struct log *log, struct sandbox_status *out,
	     struct buf *problem);

/* One line for the start-up screen, without its end. */
void confine_put(const struct sandbox_status *s, struct buf *b);

#endif
