/* config_env.h: the environment's variables into the configuration. They win over the file. */
#ifndef MAIN_CONFIG_ENV_H
#define MAIN_CONFIG_ENV_H

#include "main/config.h"

void config_env_read(struct config *c, struct config_report *r);

/* For variables that are no keys. A variable that is not set leaves *out alone and answers
 * false; one that is not understood is an error and leaves it too. */
bool config_env_flag(struct config *c, const char *name, bool *out, struct config_report *r);
bool config_env_number(struct config *c, const char *name, uint64_t min, uint64_t max,
		       uint64_t *out, struct config_report *r);

#endif
