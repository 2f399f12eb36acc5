/* run.h: the server's life: listen, say so, serve until a signal, drain, end. */
#ifndef MAIN_RUN_H
#define MAIN_RUN_H

#include "core/app.h"
#include "main/config.h"

struct run_input {
	const struct config_input *config_input; /* where c came from, for the next reading */
	struct config *config;
	struct app_table *apps;	 /* taken over */
	struct tls_context *tls; /* taken over; NULL: none */
	struct hash_key key;
	const char *program; /* how we were called, for the start-up screen */
	str warnings;	     /* logged first */
};
/* Answers the exit code. */
int run_server(const struct run_input *in);

#endif
