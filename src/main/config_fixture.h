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

/* text.p NULL: there is no file. env NULL: there are no variables. The file is called name, which says
 * whether it is JSON or TOML. */
void fixture_load_named(struct fixture *f, const char *name, str text, const char *const *env);
/* The same for a file called "test.json"; json NULL: there is none. */
void fixture_load(struct fixture *f, const char *json, const char *const *env);
void fixture_free(struct fixture *f);

/* The problems, or the warnings, are exactly these lines. */
void assert_errors(struct fixture *f, const char *lines);
void assert_warnings(struct fixture *f, const char *lines);
/* Both mean the same: values, who set them (file or environment), and apps. */
void assert_same(struct fixture *a, struct fixture *b);

#endif
