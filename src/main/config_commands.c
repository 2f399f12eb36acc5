/* config_commands.c: what can be asked about a configuration without starting the server. */
#include "main/commands.h"

#include "main/config_explain.h"
#include "main/config_print.h"
#include "main/startup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUTPUT_BYTES_MAX = 64 << 20 };

#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define GREEN "\033[1;32m"
#define PLAIN "\033[0m"

int command_print(struct buf *b)
{
	bool is_out = buf_ok(b) && fwrite(b->p, 1, b->len, stdout) == b->len && fflush(stdout) == 0;

	buf_fini(b);
	return is_out ? 0 : EXIT_FAILED;
}

int command_print_config(const struct cli *cli)
{
	struct startup s;
	struct buf b;
	int status = EXIT_USAGE;

	startup_init(&s, cli->config_file, CONFIG_ERRORS_SHOWN_MAX);
	if (s.report.n_errors) {
		startup_print_errors(&s);
	} else {
		buf_init(&b, OUTPUT_BYTES_MAX);
		(cli->command == CLI_CONFIG_SHOW ? config_print_toml :
						   config_print_json)(s.config, s.apps, &b);
		status = command_print(&b);
	}
	startup_fini(&s);
	return status;
}

int command_config_explain(const struct cli *cli)
{
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	if (config_explain(str_from_cstr(cli->config_key ? cli->config_key : ""), &b))
		return command_print(&b);
	fprintf(stderr, "sockudo: %.*s\n", STR_ARG(buf_str(&b)));
	buf_fini(&b);
	return EXIT_USAGE;
}

/* check */

static bool has_colors(int fd)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(fd) && (!no_color || !no_color[0]);
}

static void print_problems(str lines, const char *kind, const char *color)
{
	bool is_colored = has_colors(STDERR_FILENO);

	while (lines.n) {
		str line = str_split(&lines, '\n');

		fprintf(stderr, "%s%s%s: %.*s\n", is_colored ? color : "", kind,
			is_colored ? PLAIN : "", STR_ARG(line));
	}
}

/* "3 apps" */
static void put_count(struct buf *b, size_t n, const char *what)
{
	buf_printf(b, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static size_t count_set(const struct config *c, enum config_source source)
{
	size_t n = 0;

	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		n += c->settings[i].from.source == source;
	return n;
}

/* A feature's details go without a warning when the server starts; who asks shall be told. */
static void print_unread(const struct config *c)
{
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		if (config_is_set_in_vain(c, &config_keys[i]))
			buf_printf(&b, " %.*s", STR_ARG(config_keys[i].path));
	}
	if (b.len)
		fprintf(stderr, "note: not in this build, and read by nothing:%.*s\n",
			STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void print_summary(const struct startup *s)
{
	bool is_colored = has_colors(STDOUT_FILENO), is_good = s->report.n_errors == 0;
	str file = s->config->file.name;
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	buf_puts(&b, file.n ? file : S("no file"));
	buf_printf(&b, ": %s%s%s: ", is_colored ? is_good ? GREEN : RED : "",
		   is_good ? "good" : "not good", is_colored ? PLAIN : "");
	if (is_good) {
		put_count(&b, s->apps->n, "app");
		buf_puts(&b, S(", "));
		put_count(&b, count_set(s->config, CONFIG_FROM_FILE), "key");
		buf_puts(&b, S(" set by the file, "));
		put_count(&b, count_set(s->config, CONFIG_FROM_ENV), "key");
		buf_puts(&b, S(" by the environment"));
	} else {
		put_count(&b, s->report.n_errors, "error");
	}
	buf_puts(&b, S(", "));
	put_count(&b, s->report.n_warnings, "warning");
	buf_putc(&b, '\n');
	command_print(&b);
}

int command_check(const struct cli *cli)
{
	struct startup s;
	int status;

	startup_init(&s, cli->config_file, UINT_MAX);
	print_problems(buf_str(&s.report.errors), "error", RED);
	print_problems(buf_str(&s.report.warnings), "warning", YELLOW);
	print_unread(s.config);
	fflush(stderr);
	print_summary(&s);
	status = s.report.n_errors ? EXIT_USAGE : 0;
	startup_fini(&s);
	return status;
}
