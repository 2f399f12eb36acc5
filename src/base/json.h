/* json.h: strict RFC 8259 in and out, keeping the text as it was written.
 *
 * Reading: json_parse validates a whole document in one pass, without recursion and without
 * allocating; after that a value is a span of the text (raw) and members are walked with an
 * iterator that may trust the syntax. Nothing is copied or converted until asked for: a
 * publisher's numbers and member order survive. Duplicate keys are the caller's business
 * (walking to the end makes the last one win). Lone \u surrogates are accepted as written;
 * json_decode turns them into U+FFFD. Writing: jw_* append to a buf; escaping is in one place. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json {
	enum json_kind kind;
	bool has_escapes; /* strings only: the text differs from the decoded characters */
	str raw; /* exactly the value's text: quotes and brackets included, no blanks around */
};

struct json_error {
	size_t offset;	  /* of the offending byte */
	const char *text; /* static, e.g. "expected ':' after a member name" */
};

#define JSON_DEPTH_MAX 256

struct json_iter {
	const char *at, *end;
	bool is_object;
};

struct json_member {
	struct json key; /* a JSON_STRING */
	struct json value;
};

/* One value with blanks around it. Strings must be valid UTF-8. Nesting above depth_max:
 * ERR_DEPTH. Else ERR_SYNTAX. error may be NULL. The spans point into text. depth_max is at most
 * JSON_DEPTH_MAX. */
err json_parse(str text, unsigned depth_max, struct json *out, struct json_error *error);

/* v is an object or array out of a parsed document. */
struct json_iter json_enter(struct json v);
bool json_next_member(struct json_iter *it, struct json_member *m);
bool json_next_item(struct json_iter *it, struct json *item);

/* The last member of that name; raw.p is NULL when there is none or v is no object. */
struct json json_find(struct json v, str name);
/* Its decoded characters when it is a string, as json_decode; else p is NULL. */
str json_find_text(struct json v, str name, struct arena *a);

/* Does this JSON_STRING decode to s? */
bool json_string_is(struct json v, str s);
/* Decoded characters of a JSON_STRING: the span itself when nothing is escaped, else a copy in
 * a. */
str json_decode(struct json v, struct arena *a);
/* A JSON_NUMBER written as an integer (no '.', no exponent), within range. */
bool json_to_u64(struct json v, uint64_t max, uint64_t *out);
bool json_to_i64(struct json v, int64_t *out);
/* False beyond the range of a double (1e400), or for a number of more than a thousand
 * characters. */
bool json_to_double(struct json v, double *out);

/* Line and column (from 1, in bytes) of an offset, for messages. */
void json_position(str text, size_t offset, unsigned *line, unsigned *column);

/* "…" with ", \ and U+0000-U+001F escaped, everything else as is. */
void jw_string(struct buf *b, str s);
/* The same without the quotes around it: for text that is assembled inside a string. */
void jw_escape(struct buf *b, str s);
/* Appends v's text without insignificant blanks. */
void jw_compact(struct buf *b, struct json v);

#endif
