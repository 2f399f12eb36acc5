/* main.c: which command, with which configuration. */
#include "base/mem.h"
#include "main/certificate.h"
#include "main/cli.h"
#include "main/commands.h"
#include "main/config_apps.h"
#include "main/config_print.h"
#include "main/environment.h"
#include "main/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { OUTPUT_BYTES_MAX = 64 << 20 };

static const char *get_variable(void *ctx, const char *name)
{
	return getenv(name);
}

static unsigned count_cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

static struct hash_key random_key(void)
{
	struct hash_key key;

	/* Up to 256 bytes come whole. */
	if (getrandom(&key, sizeof(key), 0) != sizeof(key)) {
		fputs("sockudo: the system has no random numbers\n", stderr);
		exit(EXIT_FAILED);
	}
	return key;
}

static int print(struct buf *b)
{
	bool is_out = buf_ok(b) && fwrite(b->p, 1, b->len, stdout) == b->len && fflush(stdout) == 0;

	buf_fini(b);
	return is_out ? 0 : EXIT_FAILED;
}

static int print_help(const char *program, enum cli_command topic)
{
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	cli_put_help(program, topic, &b);
	return print(&b);
}

static int print_markdown(void)
{
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	config_print_markdown(&b);
	return print(&b);
}

static int print_config(const struct config *c, const struct app_table *apps)
{
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	config_print_json(c, apps, &b);
	return print(&b);
}

/* Each line with our name in front, as compilers do it. */
static void print_lines(str lines)
{
	while (lines.n) {
		str line = str_split(&lines, '\n');

		fprintf(stderr, "sockudo: %.*s\n", STR_ARG(line));
	}
}

static int print_errors(const struct config_report *r)
{
	print_lines(buf_str(&r->errors));
	if (r->n_errors > CONFIG_ERRORS_SHOWN_MAX)
		fprintf(stderr, "sockudo: and %u more\n", r->n_errors - CONFIG_ERRORS_SHOWN_MAX);
	return EXIT_USAGE;
}

/* Takes the apps and the certificate. */
static int serve(const struct config_input *in, struct config *c, struct app_table **apps,
		 struct tls_context **tls, struct hash_key key, const char *program,
		 const struct config_report *report)
{
	struct run_input run = {
		.config_input = in,
		.config = c,
		.apps = *apps,
		.tls = *tls,
		.key = key,
		.program = program,
		.warnings = buf_str(&report->warnings),
	};

	*apps = NULL;
	*tls = NULL;
	return run_server(&run);
}

static int with_config(const struct cli *cli, const char *program)
{
	struct config_input in = { .file = cli->config_file,
				   .env = { .get = get_variable },
				   .n_cores = count_cores() };
	struct hash_key key = random_key();
	struct config_report report;
	struct app_table *apps;
	struct tls_context *tls;
	struct config *c;
	int status;

	config_report_init(&report);
	c = config_load(&in, &report);
	apps = config_apps_new(c, key, &report);
	tls = certificate_load(c, &report);
	if (report.n_errors)
		status = print_errors(&report);
	else if (cli->command == CLI_PRINT_CONFIG)
		status = print_config(c, apps);
	else
		status = serve(&in, c, &apps, &tls, key, program, &report);
	app_table_free(apps);
	tls_context_unref(tls);
	config_free(c);
	config_report_fini(&report);
	return status;
}

/* The server is asked where its configuration says that it listens. */
static int check_health(const struct cli *cli)
{
	struct config_input in = { .file = cli->config_file,
				   .env = { .get = get_variable },
				   .n_cores = count_cores() };
	struct config_report report;
	struct config *c;
	int status;

	if (cli->url)
		return command_health(cli, NULL);
	config_report_init(&report);
	c = config_load(&in, &report);
	status = report.n_errors ? print_errors(&report) : command_health(cli, c);
	if (status == EXIT_USAGE)
		status = EXIT_FAILED; /* to a probe it is as good as down */
	config_free(c);
	config_report_fini(&report);
	return status;
}

static int print_usage_problem(struct buf *problem)
{
	fprintf(stderr, "sockudo: %.*s\nsockudo: --help shows what there is\n",
		STR_ARG(buf_str(problem)));
	buf_fini(problem);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *program = argc > 0 ? argv[0] : "sockudo";
	struct buf problem;
	struct cli cli;

	environment_hide();
	buf_init(&problem, 4096);
	if (!cli_parse(&cli, argc, argv, &problem))
		return print_usage_problem(&problem);
	switch (cli.command) {
	case CLI_HELP:
		return print_help(program, cli.topic);
	case CLI_VERSION:
		puts("sockudo " SOCKUDO_VERSION);
		return 0;
	case CLI_PRINT_MARKDOWN:
		return print_markdown();
	case CLI_PUBLISH:
		return command_publish(&cli);
	case CLI_WATCH:
		return command_watch(&cli);
	case CLI_DOCTOR:
		return command_doctor(&cli);
	case CLI_HEALTH:
		return check_health(&cli);
	case CLI_SERVE:
	case CLI_PRINT_CONFIG:
		return with_config(&cli, program);
	}
	return EXIT_USAGE;
}
