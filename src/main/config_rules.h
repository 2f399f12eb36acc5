/* config_rules.h: values that are right alone and wrong together. */
#ifndef MAIN_CONFIG_RULES_H
#define MAIN_CONFIG_RULES_H

#include "main/config.h"

void config_rules_check(const struct config *c, struct config_report *r);

#endif
