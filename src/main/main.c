/* main.c: which command, with which configuration. */
#include "io/tls_secret.h"
#include "main/cli.h"
#include "main/commands.h"
#include "main/config_print.h"
#include "main/descriptors.h"
#include "main/environment.h"
#include "main/run.h"
#include "main/startup.h"

#include <signal.h>
#include <stdio.h>

enum { OUTPUT_BYTES_MAX = 64 << 20 };

static int print_help(const char *program, enum cli_command topic)
{
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	cli_put_help(program, topic, &b);
	return command_print(&b);
}

static int print_markdown(void)
{
	struct buf b;

	buf_init(&b, OUTPUT_BYTES_MAX);
	config_print_markdown(&b);
	return command_print(&b);
}

/* A reload that is asked for while we start is made when we can; it would end us otherwise. */
static void keep_hangup_for_later(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int serve(const struct cli *cli, const char *program)
{
	struct startup s;
	struct run_input run;
	int status;

	keep_hangup_for_later();
	startup_init(&s, cli->config_file, CONFIG_ERRORS_SHOWN_MAX);
	if (s.report.n_errors) {
		status = startup_print_errors(&s);
	} else {
		run = (struct run_input){
			.config_input = &s.input,
			.config = s.config,
			.apps = s.apps,
			.tls = s.tls,
			.key = s.key,
			.program = program,
			.warnings = buf_str(&s.report.warnings),
		};
		/* The server takes them. */
		s.apps = NULL;
		s.tls = NULL;
		status = run_server(&run);
	}
	startup_fini(&s);
	return status;
}

/* The server is asked where its configuration says that it listens. */
static int check_health(const struct cli *cli)
{
	struct startup s;
	int status;

	if (cli->url)
		return command_health(cli, NULL);
	startup_init(&s, cli->config_file, CONFIG_ERRORS_SHOWN_MAX);
	status = s.report.n_errors ? startup_print_errors(&s) : command_health(cli, s.config);
	if (status == EXIT_USAGE)
		status = EXIT_FAILED; /* to a probe it is as good as down */
	startup_fini(&s);
	return status;
}

static int run_client(struct cli *cli, int (*command)(const struct cli *c))
{
	struct arena a;
	int status = EXIT_USAGE;

	arena_init_secret(&a);
	if (startup_read_app(cli, &a))
		status = command(cli);
	arena_fini(&a);
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

	descriptors_hold_standard();
	environment_hide();
	tls_secret_install();
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
		return run_client(&cli, command_publish);
	case CLI_WATCH:
		return run_client(&cli, command_watch);
	case CLI_DOCTOR:
		return run_client(&cli, command_doctor);
	case CLI_HEALTH:
		return check_health(&cli);
	case CLI_CHECK:
		return command_check(&cli);
	case CLI_PRINT_CONFIG:
	case CLI_CONFIG_SHOW:
		return command_print_config(&cli);
	case CLI_CONFIG_EXPLAIN:
		return command_config_explain(&cli);
	case CLI_SERVE:
		return serve(&cli, program);
	}
	return EXIT_USAGE;
}
