/* config_print.h: the configuration for people: what is in effect and who said so, and the
 * reference page. */
#ifndef MAIN_CONFIG_PRINT_H
#define MAIN_CONFIG_PRINT_H

#include "core/app.h"
#include "main/config.h"

/* JSON that would be accepted as a file again, but for the secrets, which are masked. Its member
 * "_source" says where each value comes from that is not the default. */
void config_print_json(const struct config *c, const struct app_table *apps, struct buf *b);
/* One app of it. */
void config_print_app(const struct app *a, struct buf *b);
/* docs/configuration.md, all of it. */
void config_print_markdown(struct buf *b);

#endif
