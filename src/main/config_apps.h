/* config_apps.h: the apps that a configuration describes: of its file, of the environment, or
 * the demo app. */
#ifndef MAIN_CONFIG_APPS_H
#define MAIN_CONFIG_APPS_H

#include "core/app.h"
#include "main/config.h"

/* Served when nothing is configured, so that a first try works. Everybody knows them. */
#define DEMO_APP_ID "app-id"
#define DEMO_APP_KEY "app-key"
#define DEMO_APP_SECRET "app-secret"

/* Usable when r has no errors. c was loaded just before, from the environment that is asked again. */
struct app_table *config_apps_new(struct config *c, struct hash_key key, struct config_report *r);

bool app_is_demo(const struct app *a);

#endif
