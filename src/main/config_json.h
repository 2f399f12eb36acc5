/* config_json.h: a JSON file's keys into the configuration. */
#ifndef MAIN_CONFIG_JSON_H
#define MAIN_CONFIG_JSON_H

#include "main/config.h"

enum { CONFIG_JSON_DEPTH_MAX = 32 };

/* c->file holds the text. */
void config_json_read(struct config *c, struct config_report *r);

/* What is said about a value that is not what was expected: "a list", "null", "70000",
 * "\"abc\"". How much of it is shown depends on whether it may be a secret. */
enum config_show { CONFIG_SHOW_KIND, CONFIG_SHOW_NUMBER, CONFIG_SHOW_TEXT };
void config_json_put_got(struct json v, enum config_show show, struct buf *b);
/* Walks the members of object, reporting keys that come twice. Keys that begin with '_' are
 * comments and skipped. */
bool config_json_next(struct json_iter *it, struct json object, str path, struct config *c,
		      struct json_member *m, struct config_report *r);
/* "path.name", or "name" when path is empty; in c's arena. */
str config_path(struct config *c, str path, str name);
str config_json_path(struct config *c, str path, struct json key);
/* "path[i]", likewise. */
str config_item_path(struct config *c, str path, size_t i);
/* Where v stands in c's file. */
struct config_place config_json_place(const struct config *c, struct json v);

#endif
