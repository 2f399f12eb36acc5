/* settings.h: what a reload replaces as a whole: the options and the apps. Never changed while
 * somebody reads it. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include "core/app.h"
#include "server/options.h"

struct server_settings {
	struct server_options options;
	const struct app_table *apps;
};

#endif
