#include "trace.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

static void print_line(const struct trace_line *l)
{
	char text[TRACE_TEXT_BYTES];

	for (size_t i = 0; i < l->n; i++) {
		unsigned char c = (unsigned char)l->text[i];

		text[i] = c < 0x20 || c == 0x7f ? '.' : (char)c;
	}
	printf("# %10.3f ms  %-6s %c %.*s%s\n", (double)l->at_us / 1000, l->who, l->sign, (int)l->n,
	       text, l->is_cut ? "…" : "");
}

static void print_report(const struct trace *t)
{
	uint64_t first = t->n_lines > TRACE_LINES ? t->n_lines - TRACE_LINES : 0;

	printf("# replay: %s\n", t->replay);
	if (t->is_shown)
		return;
	printf("# the last %u of %llu events:\n", (unsigned)(t->n_lines - first),
	       (unsigned long long)t->n_lines);
	for (uint64_t i = first; i < t->n_lines; i++)
		print_line(&t->lines[i % TRACE_LINES]);
}

static void on_crash(int number)
{
	signal(number, SIG_DFL);
	trace_failing(watched);
	printf("# the process was ended by signal %d\n", number);
	print_report(watched);
	fflush(stdout);
	raise(number);
}

void trace_watch(struct trace *t)
{
	static const int NUMBERS[] = {
		SIGABRT,
#ifndef __SANITIZE_ADDRESS__ /* which says more about these, and aborts */
		SIGSEGV,
		SIGBUS,
		SIGFPE,
#endif
	};
	struct sigaction a = { .sa_handler = on_crash };

	watched = t;
	for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++)
		sigaction(NUMBERS[i], &a, NULL);
}

void trace_begin(struct trace *t, str replay)
{
	snprintf(t->replay, sizeof(t->replay), "%.*s", STR_ARG(replay));
	t->n_lines = 0;
	t->now_us = 0;
}

void trace_text(struct trace *t, const char *who, char sign, str text)
{
	struct trace_line *l = &t->lines[t->n_lines++ % TRACE_LINES];

	l->at_us = t->now_us;
	l->act = t->act;
	snprintf(l->who, sizeof(l->who), "%s", who);
	l->sign = sign;
	l->is_cut = text.n > TRACE_TEXT_BYTES;
	l->n = (uint8_t)(l->is_cut ? TRACE_TEXT_BYTES : text.n);
	if (l->n)
		memcpy(l->text, text.p, l->n);
	if (t->is_shown)
		print_line(l);
}

void trace_note(struct trace *t, const char *who, const char *fmt, ...)
{
	char text[TRACE_TEXT_BYTES + 1];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trace_text(t, who, '*', str_take((str){ text, (size_t)n }, TRACE_TEXT_BYTES));
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
