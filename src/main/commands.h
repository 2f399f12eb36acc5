/* commands.h: the small clients that come with the server, to try it and to look into it, and what can
 * be asked about a configuration. They answer with an exit code, after saying on stderr what went
 * wrong. */
#ifndef MAIN_COMMANDS_H
#define MAIN_COMMANDS_H

#include "main/cli.h"
#include "main/config.h"

#define CLIENT_URL_DEFAULT "http://127.0.0.1:6001"

int command_publish(const struct cli *c);
int command_watch(const struct cli *c);
int command_doctor(const struct cli *c);
/* config: of the server, when no URL was given; else NULL. */
int command_health(const struct cli *c, const struct config *config);

/* --print-config, config show */
int command_print_config(const struct cli *c);
int command_config_explain(const struct cli *c);
/* All that is wrong with a configuration, and a line that sums it up. */
int command_check(const struct cli *c);
/* Writes b to stdout and frees it. */
int command_print(struct buf *b);

#endif
