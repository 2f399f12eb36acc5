/* config_misspelt.h: variables that were probably meant for us. */
#ifndef MAIN_CONFIG_MISSPELT_H
#define MAIN_CONFIG_MISSPELT_H

#include "main/config.h"

/* Warns of each variable whose name is nearly, and not quite, one that is read. */
void config_misspelt_check(struct config *c, struct config_report *r);

#endif
