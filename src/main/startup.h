/* startup.h: all that a start reads, for the server and for the commands that only look at it. */
#ifndef MAIN_STARTUP_H
#define MAIN_STARTUP_H

#include "core/app.h"
#include "io/tls.h"
#include "main/cli.h"
#include "main/config.h"

struct startup {
	struct config_input input;
	struct hash_key key; /* random */
	struct config_report report;
	struct config *config;
	struct app_table *apps;	 /* NULL: somebody took them */
	struct tls_context *tls; /* NULL: none is wanted, or somebody took it */
};

/* Reads file (NULL: the default one), the environment, the certificate. What is wrong, at most
 * n_errors_max of it in words, is in the report; without errors everything may be used. */
void startup_init(struct startup *s, const char *file, unsigned n_errors_max);
void startup_fini(struct startup *s);

/* The report's errors on stderr; answers the exit code. */
int startup_print_errors(const struct startup *s);

/* For the small clients: what of the app's id, key and secret is no option comes from the variables
 * that configure the server, as texts in a. False: why not was said on stderr. */
bool startup_read_app(struct cli *cli, struct arena *a);

#endif
