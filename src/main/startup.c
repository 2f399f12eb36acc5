/* startup.c: the one place where the process itself is asked: its environment, its processors, the
 * system's random numbers. */
#include "main/startup.h"

#include "main/certificate.h"
#include "main/config_apps.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static const char *get_variable(void *ctx, const char *name)
{
	return getenv(name);
}

static const char *variable_at(void *ctx, size_t i)
{
	return environ[i];
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

void startup_init(struct startup *s, const char *file, unsigned n_errors_max)
{
	*s = (struct startup){
		.input = { .file = file,
			   .env = { .get = get_variable, .at = variable_at },
			   .n_cores = count_cores() },
		.key = random_key(),
	};
	config_report_init(&s->report);
	s->report.n_shown_max = n_errors_max;
	s->config = config_load(&s->input, &s->report);
	s->apps = config_apps_new(s->config, s->key, &s->report);
	s->tls = certificate_load(s->config, &s->report);
}

void startup_fini(struct startup *s)
{
	app_table_free(s->apps);
	tls_context_unref(s->tls);
	config_free(s->config);
	config_report_fini(&s->report);
}

/* Each line with our name in front, as compilers do it. */
static void print_lines(str lines)
{
	while (lines.n) {
		str line = str_split(&lines, '\n');

		fprintf(stderr, "sockudo: %.*s\n", STR_ARG(line));
	}
}

int startup_print_errors(const struct startup *s)
{
	print_lines(buf_str(&s->report.errors));
	if (s->report.n_errors > s->report.n_shown_max)
		fprintf(stderr, "sockudo: and %u more (sockudo check shows all)\n",
			s->report.n_errors - s->report.n_shown_max);
	return EXIT_USAGE;
}

bool startup_read_app(struct cli *cli, struct arena *a)
{
	struct config_report report;
	struct config_variables v = { .env = { .get = get_variable },
				      .arena = a,
				      .report = &report };
	bool is_good;

	config_report_init(&report);
	if (!cli->app_id)
		cli->app_id = config_variable_get(&v, "SOCKUDO_DEFAULT_APP_ID");
	if (!cli->key)
		cli->key = config_variable_get(&v, "SOCKUDO_DEFAULT_APP_KEY");
	if (!cli->secret)
		cli->secret = config_variable_get(&v, "SOCKUDO_DEFAULT_APP_SECRET");
	is_good = report.n_errors == 0;
	print_lines(buf_str(&report.errors));
	config_report_fini(&report);
	return is_good;
}
