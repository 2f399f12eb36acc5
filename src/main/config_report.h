/* config_report.h: what is wrong, or doubtful, about a configuration, each with its place.
 *
 * Problems are collected so that somebody who repairs a file sees all of them at once; warnings
 * so that they can be logged after the log is set up. A line is "config.json:12:5: port:
 * expected …" or "environment: PORT: expected …". */
#ifndef MAIN_CONFIG_REPORT_H
#define MAIN_CONFIG_REPORT_H

#include "base/buf.h"

enum config_source { CONFIG_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENV };

struct config_place {
	enum config_source source;
	str name;	       /* the file, or the variable */
	unsigned line, column; /* in the file; 0: the file as a whole */
};

enum { CONFIG_ERRORS_SHOWN_MAX = 10 };

struct config_report {
	struct buf errors;   /* lines, the first n_shown_max */
	struct buf warnings; /* lines */
	unsigned n_errors, n_warnings;
	unsigned n_shown_max; /* CONFIG_ERRORS_SHOWN_MAX at first */
};

void config_report_init(struct config_report *r);
void config_report_fini(struct config_report *r);

/* key: its path, "" when the problem has none; for a variable the name of the variable stands
 * instead. */
void config_error(struct config_report *r, struct config_place at, str key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void config_warn(struct config_report *r, struct config_place at, str key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* "config.json:12:5", "environment", "default". */
void config_place_put(struct config_place at, struct buf *b);
/* The same, but "environment PORT". */
void config_place_put_named(struct config_place at, struct buf *b);

#endif
