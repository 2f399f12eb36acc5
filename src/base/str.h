/* str.h: a borrowed view of bytes.
 *
 * Passed by value, never assumes a terminating NUL, never owns. Who holds the bytes is said by
 * whoever hands out the view. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct str {
	const char *p;
	size_t n;
} str;

/* A string literal as str. */
#define S(lit) ((str){ "" lit, sizeof(lit) - 1 })
/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

static inline str str_from_cstr(const char *c)
{
	return (str){ c, strlen(c) };
}

static inline bool str_eq(str a, str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_has_prefix(str s, str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline str str_skip(str s, size_t n)
{
	size_t cut = n < s.n ? n : s.n;

	return cut ? (str){ s.p + cut, s.n - cut } : s;
}

static inline str str_take(str s, size_t n)
{
	return (str){ s.p, n < s.n ? n : s.n };
}

/* Index of the first c, or s.n. */
static inline size_t str_find_char(str s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

/* ASCII case folding only. */
bool str_eq_nocase(str a, str b);
/* Does a contain b, ASCII case folded? An empty b is contained in everything. */
bool str_contains_nocase(str a, str b);
/* Bytewise order, the shorter first on a tie: <0, 0, >0. */
int str_cmp(str a, str b);
/* Without leading and trailing spaces and tabs. */
str str_trim(str s);
/* Cuts the text before the first sep off *rest and returns it; *rest is what follows sep (n = 0
 * and p = NULL when there was no sep left). */
str str_split(str *rest, char sep);
/* Decimal digits only, no sign, no blank; false on anything else or a value above max. */
bool str_to_u64(str s, uint64_t max, uint64_t *out);
/* As the above with an optional '-' or '+', within int64. */
bool str_to_i64(str s, int64_t *out);

#endif
