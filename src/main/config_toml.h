/* config_toml.h: a TOML file becomes the JSON that the readers know. */
#ifndef MAIN_CONFIG_TOML_H
#define MAIN_CONFIG_TOML_H

#include "main/config.h"

/* Is that the name of a TOML file? Others are JSON. */
bool config_toml_is(str name);
/* c->file holds the text, and is JSON afterwards unless something was reported. */
void config_toml_translate(struct config *c, struct config_report *r);

#endif
