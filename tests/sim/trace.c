#include "trace.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A signal handler has no other way to its run. */
static struct trace *watched;

#ifdef __SANITIZE_ADDRESS__
/* Findings of the sanitizers end like a failed assertion, so that they are reported with their seed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "abort_on_error=1:handle_abort=0:disable_coredump=1";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}
#endif

static void print_report(const struct trace *t)
{
	uint64_t first = t->n_lines > TRACE_LINES ? t->n_lines - TRACE_LINES : 0;

	printf("# run: %s\n# after act: %u\n# replay: %s\n", t->run, t->act, t->replay);
	if (t->is_shown)
		return;
	printf("# the last %u of %llu lines:\n# %s\n", (unsigned)(t->n_lines - first),
	       (unsigned long long)t->n_lines, LINE_TITLES);
	for (uint64_t i = first; i < t->n_lines; i++)
		line_print(&t->lines[i % TRACE_LINES], "# ", t->is_coloured);
}

static void on_signal(int number)
{
	signal(number, SIG_DFL);
	trace_failing(watched);
	if (number == SIGALRM)
		printf("# violation: the run does not end\n");
	else
		printf("# the process was ended by signal %d\n", number);
	print_report(watched);
	fflush(stdout);
	raise(number);
}

void trace_watch(struct trace *t)
{
	static const int NUMBERS[] = {
		SIGALRM, SIGABRT,
#ifndef __SANITIZE_ADDRESS__ /* which says more about these, and aborts */
		SIGSEGV, SIGBUS,  SIGFPE,
#endif
	};
	struct sigaction a = { .sa_handler = on_signal };

	watched = t;
	for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++)
		sigaction(NUMBERS[i], &a, NULL);
}

void trace_begin(struct trace *t, str replay, unsigned patience_s)
{
	snprintf(t->replay, sizeof(t->replay), "%.*s", STR_ARG(replay));
	t->run[0] = '\0';
	t->n_lines = t->n_events = 0;
	t->now_us = 0;
	t->act = 0;
	alarm(patience_s);
}

void trace_describe(struct trace *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->run, sizeof(t->run), fmt, args);
	va_end(args);
	if (t->is_shown)
		printf("# run: %s\n%s\n", t->run, LINE_TITLES);
}

static bool is_listed(str list, str word)
{
	while (list.n > 0)
		if (str_eq(str_split(&list, ','), word))
			return true;
	return false;
}

static bool is_wanted(const struct trace *t, const char *who, char sign, str text)
{
	bool is_said = sign == '>' || sign == '<';

	if (t->who.n > 0 ? is_listed(t->who, str_from_cstr(who)) : strcmp(who, "audit") != 0)
		return t->channel.n == 0 || !is_said ||
		       memmem(text.p, text.n, t->channel.p, t->channel.n);
	return strcmp(who, "world") == 0;
}

void trace_text(struct trace *t, const char *who, char sign, str text)
{
	struct line *l = &t->lines[t->n_lines % TRACE_LINES];

	t->n_events++;
	if (t->is_muted || !is_wanted(t, who, sign, text))
		return;
	t->n_lines++;
	l->at_us = t->now_us;
	l->act = t->is_resting ? 0 : t->act;
	snprintf(l->who, sizeof(l->who), "%s", who);
	l->sign = sign;
	l->is_cut = text.n > LINE_BYTES_MAX;
	l->n = (uint16_t)(l->is_cut ? LINE_BYTES_MAX : text.n);
	if (l->n)
		memcpy(l->text, text.p, l->n);
	if (t->is_shown)
		line_print(l, "", t->is_coloured);
}

void trace_say(struct trace *t, const char *who, char sign, const char *fmt, ...)
{
	char text[4 * LINE_BYTES_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trace_text(t, who, sign, str_take((str){ text, (size_t)n }, sizeof(text) - 1));
}

void trace_failing(struct trace *t)
{
	if (!t->is_failing)
		printf("not ok %u - %s\n", t->case_number, t->case_name);
	t->is_failing = true;
}

void trace_fail(struct trace *t, const char *fmt, ...)
{
	va_list args;

	trace_failing(t);
	printf("# violation: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	print_report(t);
	fflush(stdout);
	_Exit(1);
}
