/* config_fixture.h: for tests: a configuration from texts, with an environment that is a list. */
#ifndef MAIN_CONFIG_FIXTURE_H
#define MAIN_CONFIG_FIXTURE_H

#include "main/config_apps.h"

enum { FIXTURE_CORES = 3 };

struct fixture {
	const char *const *env; /* "NAME=value" …, NULL at the end */
	struct config_report report;
	struct config *config;
	struct app_table *apps;
};

/* json NULL: there is no file. env NULL: there are no variables. The file is called name. */
void fixture_load_named(struct fixture *f, const char *name, str json, const char *const *env);
/* The same for a file called "test.json". */
void fixture_load(struct fixture *f, const char *json, const char *const *env);
void fixture_free(struct fixture *f);

/* The problems, or the warnings, are exactly these lines. */
void assert_errors(struct fixture *f, const char *lines);
void assert_warnings(struct fixture *f, const char *lines);

#endif
