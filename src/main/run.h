/* run.h: the server's life: listen, say so, serve until a signal, drain, end. */
#ifndef MAIN_RUN_H
#define MAIN_RUN_H

#include "core/app.h"
#include "main/config.h"

/* program: how we were called, for the start-up screen. warnings are logged first. Answers the
 * exit code. */
int run_server(const struct config *c, const struct app_table *apps, struct hash_key key,
	       const char *program, str warnings);

#endif
