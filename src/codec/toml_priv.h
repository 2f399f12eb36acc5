/* toml_priv.h: the cursor that toml.c and toml_scalar.c share. */
#ifndef CODEC_TOML_PRIV_H
#define CODEC_TOML_PRIV_H

#include "base/arena.h"
#include "base/buf.h"

struct toml_cursor {
	const char *at, *end;
	struct arena *arena;
	struct buf string;   /* while one is decoded; secret, as a configuration's strings may be */
	const char *problem; /* NULL: none yet */
	const char *problem_at;
};

/* What a word stands for. Strings are decoded, numbers are as JSON has them. */
enum toml_word { TOML_PLAIN, TOML_FOREIGN };

static inline bool toml_fail(struct toml_cursor *c, const char *at, const char *problem)
{
	c->problem = problem;
	c->problem_at = at;
	return false;
}

static inline bool toml_is_at(const struct toml_cursor *c, char ch)
{
	return c->at < c->end && *c->at == ch;
}

/* The length of the line end at p: 1, 2, or 0 when there is none. */
static inline size_t toml_newline(const struct toml_cursor *c, const char *p)
{
	if (p < c->end && *p == '\n')
		return 1;
	return c->end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* Neither in a string nor in a comment. */
static inline bool toml_is_control(char ch)
{
	return ((unsigned char)ch < 0x20 && ch != '\t') || ch == 0x7f;
}

/* The string at the cursor, whose quote is " or '. */
bool toml_string(struct toml_cursor *c, bool may_span_lines, str *out);
/* The number, truth value, date or time at the cursor. */
bool toml_scalar(struct toml_cursor *c, str *out, enum toml_word *word);

#endif
