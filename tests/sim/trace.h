/* trace.h: what happened lately in a run, and the end of one that must not go on.
 *
 * The last lines are kept in memory and printed when a run fails, together with the one command that
 * replays it; with is_shown every line is printed at once. Both show what they are asked for. A run
 * ends in its first violation: what comes after a broken promise proves nothing. A crash of the
 * server, and one that does not come back, end in the same report. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include "line.h"

enum { TRACE_LINES = 100, TRACE_REPLAY_BYTES = 8192, TRACE_RUN_BYTES = 400 };

struct trace {
	bool is_shown;
	bool is_coloured;
	/* Only these, if not empty: "c29,p1", and what is said about this channel. What everybody
	 * meets is always there, what the audit asks only if it is named. */
	str who, channel;
	bool is_failing;
	bool is_muted;	    /* nothing is kept or shown now */
	uint64_t now_us;    /* kept by the world */
	uint32_t act;	    /* kept by the world: the last one that began */
	bool is_resting;    /* kept by the world: between acts */
	char case_name[80]; /* of the TAP case that is under way */
	unsigned case_number;
	char replay[TRACE_REPLAY_BYTES]; /* the command */
	char run[TRACE_RUN_BYTES];	 /* what kind of run it is */
	uint64_t n_events;		 /* lines, wanted or not */
	uint64_t n_lines;
	struct line lines[TRACE_LINES];
};

/* From now on a crash of the process is reported as a failure of t's case. */
void trace_watch(struct trace *t);
/* Forgets the lines: a new run, replayed by this command. It has so many seconds of real time, or is
 * reported as one that does not end; 0: as many as it wants. */
void trace_begin(struct trace *t, str replay, unsigned patience_s);
void trace_describe(struct trace *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* sign: see line.h. */
void trace_text(struct trace *t, const char *who, char sign, str text);
void trace_say(struct trace *t, const char *who, char sign, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Somebody does something, or it happens to him. */
#define trace_note(t, who, ...) trace_say((t), (who), '*', __VA_ARGS__)
/* The network or the machine does something to everybody. */
#define trace_fault(t, ...) trace_say((t), "world", '!', __VA_ARGS__)
/* Before details of a failure are printed. */
void trace_failing(struct trace *t);
/* A promise is broken: prints what and how to see it again, and ends the process. */
_Noreturn void trace_fail(struct trace *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
