/* cli.h: the command line, as values. */
#ifndef MAIN_CLI_H
#define MAIN_CLI_H

#include "base/buf.h"

/* Exit codes: what scripts and service managers see. */
enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum cli_command {
	CLI_SERVE,
	CLI_HELP,
	CLI_VERSION,
	CLI_PRINT_CONFIG,
	CLI_PRINT_MARKDOWN, /* the reference page */
	CLI_CHECK,
	CLI_CONFIG_SHOW,
	CLI_CONFIG_EXPLAIN,
	CLI_PUBLISH,
	CLI_WATCH,
	CLI_HEALTH,
	CLI_DOCTOR,
};

/* Texts are those of argv; NULL: not given. */
struct cli {
	enum cli_command command;
	enum cli_command topic; /* CLI_HELP: of what */
	const char *config_file;
	const char *config_key; /* config explain */
	/* of the commands that talk to a server */
	const char *url, *app_id, *key, *secret, *user_id;
	const char *ca_file;
	bool is_insecure;
	const char *channel;
	const char *event, *data;		 /* publish */
	const char *idle_s, *timeout_s, *origin; /* doctor */
	bool is_json;
};

/* False: *problem says what is wrong, in one line without an end. */
bool cli_parse(struct cli *c, int argc, char **argv, struct buf *problem);
/* What --help prints of a command. program is how it was called. */
void cli_put_help(const char *program, enum cli_command topic, struct buf *b);

#endif
