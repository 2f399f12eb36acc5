/* toml.h: a TOML 1.0 document as the JSON text that means the same, and where each piece of it came
 * from.
 *
 * Whoever reads JSON thus reads TOML too, with the same checks and messages, and can still say at
 * which byte of the TOML something stands. What JSON cannot say (dates, times, inf, nan) becomes a
 * string of its text that is marked as foreign. Everything is in the caller's arena; the text is
 * borrowed only for the call. */
#ifndef CODEC_TOML_H
#define CODEC_TOML_H

#include "base/arena.h"
#include "base/err.h"

#define TOML_DEPTH_MAX 64
#define TOML_NO_OFFSET SIZE_MAX

/* A key or a value begins at offset at of the JSON; in the TOML it stands at offset from. */
struct toml_mark {
	size_t at, from;
	bool is_foreign;
};

struct toml_json {
	str text;
	struct toml_mark *marks; /* in the order of at */
	size_t n_marks;
};

struct toml_error {
	size_t offset;	  /* of the offending byte */
	const char *text; /* static */
	str key;	  /* n == 0: it is about none. "a.b[2].c" */
	size_t first;	  /* where the key that comes twice stands first, else TOML_NO_OFFSET */
};

/* Tables and arrays nested above depth_max (at most TOML_DEPTH_MAX; the document itself is the
 * first): ERR_DEPTH. Else ERR_SYNTAX. */
err toml_to_json(str text, unsigned depth_max, struct arena *a, struct toml_json *out,
		 struct toml_error *error);
/* The mark of the key or value that offset at of the JSON belongs to. */
const struct toml_mark *toml_mark_at(const struct toml_json *j, size_t at);

#endif
