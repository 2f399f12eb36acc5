/* config_print.h: the configuration for people: what is in effect and who said so, and the
 * reference page. */
#ifndef MAIN_CONFIG_PRINT_H
#define MAIN_CONFIG_PRINT_H

#include "core/app.h"
#include "main/config.h"

/* JSON that means the same when it is read as a file again, but for the secrets, which are masked. Its
 * member "_source" says where each value comes from, "_not_in_this_build" what is set in vain. */
void config_print_json(const struct config *c, const struct app_table *apps, struct buf *b);
/* One app of it; shows_secrets: for comparing, not for people. */
void config_print_app(const struct app *a, bool shows_secrets, struct buf *b);
/* The same as TOML for people: what is the default is commented out, and behind each value stands
 * where it comes from. */
void config_print_toml(const struct config *c, const struct app_table *apps, struct buf *b);
/* docs/configuration.md, all of it. */
void config_print_markdown(struct buf *b);

/* Is the key printed? It is unless it does nothing as nobody set it. */
bool config_print_has(const struct config *c, const struct config_key *k);
/* Has the key another value than its default, and this build does nothing with it? */
bool config_is_set_in_vain(const struct config *c, const struct config_key *k);
/* Appends JSON or TOML such that whoever reads it as a file takes no "${" in it for a variable. */
void config_print_without_variables(struct buf *b, str text);

#endif
