/* doctor.c: `sockudo doctor URL`: looks at a server from where its clients are, and says what to
 * change in which file.
 *
 * It trusts nothing that it was not shown: each step is done as a Pusher client or a back-end would
 * do it, over connections like theirs. Everything is bounded: --timeout for each answer, --idle for
 * the one wait that has to be long. It changes nothing on the server but that it publishes a few
 * events on a channel of its own. */
#include "main/doctor.h"

#include "base/check.h"
#include "main/commands.h"
#include "main/config_apps.h"
#include "main/doctor_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { ARENA_KEEP_BYTES = 64 << 10, TEXT_BYTES_MAX = 4096 };
enum { IDLE_DEFAULT_S = 65, IDLE_MAX_S = 3600, TIMEOUT_DEFAULT_S = 5, TIMEOUT_MAX_S = 60 };

#define WARNING DOCTOR_WARNING
#define PROBLEM DOCTOR_PROBLEM
const struct doctor_finding_text doctor_finding_texts[N_DOCTOR_FINDINGS] = {
#define FINDING(id, level, title, meaning, change) { #id, level, title, meaning, change },
#include "main/doctor_findings.def"
#undef FINDING
};

const struct doctor_check doctor_checks[N_DOCTOR_CHECKS] = {
#define CHECK(id, name, needs, needs_text, proves, run) { name, proves, needs, needs_text, run },
#include "main/doctor_checks.def"
#undef CHECK
};

/* What a check says */

static str text_va(struct doctor *d, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static str text_va(struct doctor *d, const char *format, va_list args)
{
	char text[TEXT_BYTES_MAX];
	int n = vsnprintf(text, sizeof(text), format, args);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	return arena_copy(&d->arena, (str){ text, n > 0 ? (size_t)n : 0 });
}

str doctor_text(struct doctor *d, const char *format, ...)
{
	va_list args;
	str text;

	va_start(args, format);
	text = text_va(d, format, args);
	va_end(args);
	return text;
}

void doctor_ok(struct doctor *d, const char *format, ...)
{
	struct doctor_line *line = &d->lines[d->check];
	va_list args;

	va_start(args, format);
	line->text = text_va(d, format, args);
	va_end(args);
	line->level = DOCTOR_OK;
}

void doctor_skip(struct doctor *d, const char *format, ...)
{
	struct doctor_line *line = &d->lines[d->check];
	va_list args;

	va_start(args, format);
	line->text = text_va(d, format, args);
	va_end(args);
	line->level = DOCTOR_SKIPPED;
}

static bool is_found(const struct doctor *d, enum doctor_finding f)
{
	for (size_t i = 0; i < d->n_found; i++) {
		if (d->found[i].finding == f)
			return true;
	}
	return d->n_found == DOCTOR_FOUND_MAX;
}

void doctor_find(struct doctor *d, enum doctor_finding f, const char *format, ...)
{
	struct doctor_line *line = &d->lines[d->check];
	const struct doctor_finding_text *text = &doctor_finding_texts[f];
	va_list args;
	str seen;

	va_start(args, format);
	seen = text_va(d, format, args);
	va_end(args);
	if (!is_found(d, f))
		d->found[d->n_found++] = (struct doctor_found){ f, d->check, seen };
	if (text->level > line->level) {
		line->level = text->level;
		line->text = str_from_cstr(text->title);
	}
}

void doctor_progress(const struct doctor *d, const char *format, ...)
{
	va_list args;

	if (!d->is_terminal)
		return;
	printf("\r\x1b[K  …        %-16s", doctor_checks[d->check].name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

/* Running */

static void run_check(struct doctor *d, unsigned i)
{
	const struct doctor_check *c = &doctor_checks[i];
	bool has_needs = (d->has & c->needs) == c->needs;
	uint64_t begin = dial_now_ms();

	d->check = i;
	doctor_progress(d, "%s", c->proves);
	if (has_needs)
		c->run(d);
	else
		doctor_skip(d, "%s", c->needs_text);
	d->lines[i].ms = (unsigned)(dial_now_ms() - begin);
	/* What a problem prevented is only counted. */
	if (!d->is_json && (has_needs || d->n_found == 0))
		doctor_report_line(d, i);
}

static int run(struct doctor *d)
{
	uint64_t begin = dial_now_ms();

	if (!d->is_json)
		doctor_report_begin(d);
	for (unsigned i = 0; i < N_DOCTOR_CHECKS; i++)
		run_check(d, i);
	doctor_close_socket(d);
	return doctor_report_end(d, (unsigned)(dial_now_ms() - begin));
}

/* What is known before anything was tried. */
static unsigned has_at_first(const struct client_url *u)
{
	struct net_address a;

	if (u->unix_path.n)
		return DOCTOR_HAS_ADDRESS;
	return net_address_parse(u->host, u->port, &a) ? DOCTOR_HAS_ADDRESS : DOCTOR_HAS_NAME;
}

static bool read_seconds(const char *text, const char *name, unsigned otherwise, unsigned max,
			 unsigned *out_ms)
{
	uint64_t s = otherwise;

	if (text && !str_to_u64(str_from_cstr(text), max, &s)) {
		fprintf(stderr, "sockudo doctor: %s: expected seconds, at most %u\n", name, max);
		return false;
	}
	*out_ms = (unsigned)s * 1000;
	return true;
}

static bool read_options(struct doctor *d, const struct cli *cli)
{
	const char *problem = client_url_parse(str_from_cstr(cli->url), &d->url);

	if (problem) {
		fprintf(stderr, "sockudo doctor: %s: %s\n", cli->url, problem);
		return false;
	}
	d->url_text = str_from_cstr(cli->url);
	d->app_id = client_choose(cli->app_id, DEMO_APP_ID);
	d->key = client_choose(cli->key, DEMO_APP_KEY);
	d->secret = client_choose(cli->secret, DEMO_APP_SECRET);
	d->origin = str_from_cstr(cli->origin ? cli->origin : "");
	d->trust = (struct client_trust){ cli->ca_file, cli->is_insecure };
	d->has = has_at_first(&d->url);
	d->is_json = cli->is_json;
	d->is_terminal = !d->is_json && isatty(STDOUT_FILENO);
	return read_seconds(cli->idle_s, "--idle", IDLE_DEFAULT_S, IDLE_MAX_S, &d->idle_ms) &&
	       read_seconds(cli->timeout_s, "--timeout", TIMEOUT_DEFAULT_S, TIMEOUT_MAX_S,
			    &d->wait_ms);
}

int command_doctor(const struct cli *cli)
{
	struct doctor d = { .socket = { .dial = DIAL_CLOSED } };
	int status;

	if (!read_options(&d, cli))
		return EXIT_USAGE;
	arena_init(&d.arena, ARENA_KEEP_BYTES);
	status = run(&d);
	arena_fini(&d.arena);
	return status;
}
