/* trace.h: what happened lately in a run, and the end of one that must not go on.
 *
 * The last lines are kept in memory and printed when a run fails, together with the one command that
 * replays it; with is_shown every line is printed at once. A run ends in its first violation: what
 * comes after a broken promise proves nothing. A crash of the server ends in the same report. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TRACE_LINES 100
#define TRACE_TEXT_BYTES 200
#define TRACE_REPLAY_BYTES 8192

struct trace_line {
	uint64_t at_us;
	uint32_t act;
	char who[12];
	char sign;
	uint8_t n; /* of text */
	bool is_cut;
	char text[TRACE_TEXT_BYTES];
};

struct trace {
	bool is_shown;
	bool is_failing;
	uint64_t now_us;    /* kept by the world */
	uint32_t act;	    /* kept by the world: the number of the last one, or 0 at rest */
	char case_name[80]; /* of the TAP case that is under way */
	unsigned case_number;
	char replay[TRACE_REPLAY_BYTES]; /* the command */
	uint64_t n_lines;
	struct trace_line lines[TRACE_LINES];
};

/* From now on a crash of the process is reported as a failure of t's case. */
void trace_watch(struct trace *t);
/* Forgets the lines: a new run, replayed by this command. */
void trace_begin(struct trace *t, str replay);

/* sign: '>' to the server, '<' from it, '*' something that happened. */
void trace_text(struct trace *t, const char *who, char sign, str text);
void trace_note(struct trace *t, const char *who, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Before details of a failure are printed. */
void trace_failing(struct trace *t);
/* A promise is broken: prints what and how to see it again, and ends the process. */
_Noreturn void trace_fail(struct trace *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
