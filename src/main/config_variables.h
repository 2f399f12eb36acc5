/* config_variables.h: the environment's variables, and files that stand for them.
 *
 * A secret in a variable is seen by everything that sees the environment. So for every variable NAME
 * that we read, NAME_FILE may name a file with the value instead: the way of Docker's and
 * Kubernetes' secrets and of systemd's credentials. */
#ifndef MAIN_CONFIG_VARIABLES_H
#define MAIN_CONFIG_VARIABLES_H

#include "main/config_report.h"

#include "base/arena.h"

enum { CONFIG_VARIABLE_FILE_BYTES_MAX = 64 << 10 };

/* The environment itself. get answers NULL for a variable that is not set; at answers the i-th as
 * "NAME=value", NULL behind the last. Without at nobody looks for misspelt names. */
struct config_env {
	const char *(*get)(void *ctx, const char *name);
	const char *(*at)(void *ctx, size_t i);
	void *ctx;
};

struct config_variables {
	struct config_env env;
	struct arena *arena;
	struct config_report *report; /* problems with files go there, each once */
	struct config_variable_file *files;
};

/* A file that was read for a variable. */
struct config_variable_file {
	struct config_variable_file *next;
	str name; /* NAME_FILE */
	str path;
	const char *value; /* NULL: there was a problem with it */
};

/* The value of NAME, or the text of the file that NAME_FILE names without the line end behind it.
 * NULL when there is none or it is empty: we make no difference. Lives as long as the arena. */
const char *config_variable_get(struct config_variables *v, const char *name);
/* NAME alone: for names that are not ours alone. */
const char *config_variable_get_plain(const struct config_variables *v, const char *name);
/* Is NAME or NAME_FILE set, even if no value came of it? */
bool config_variable_is_named(struct config_variables *v, const char *name);
/* NAME, or NAME_FILE if that is what is set. */
struct config_place config_variable_place(struct config_variables *v, const char *name);

#endif
