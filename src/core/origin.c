/* origin.c: origins against patterns.
 *
 * A pattern is a whole origin ("https://example.com:8443"), its part after the scheme,
 * "*.example.com" (the domain itself and everything below it, with any scheme), a text with one
 * '*' in it, or "*" and "any" for all. The port is ordinary text: "*.example.com" does not let
 * "https://a.example.com:8443" in. An origin is compared with what the operator wrote, not
 * interpreted: nothing but its "://" is looked for. */
#include "core/origin.h"

static const str SCHEME_END = { "://", 3 };

/* Where "://" starts, or s.n. */
static size_t scheme_len(str s)
{
	const char *hit = s.n ? memmem(s.p, s.n, SCHEME_END.p, SCHEME_END.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

static bool has_scheme(str s)
{
	return scheme_len(s) < s.n;
}

static str after_scheme(str s)
{
	return has_scheme(s) ? str_skip(s, scheme_len(s) + SCHEME_END.n) : s;
}

static bool is_everything(str pattern)
{
	return str_eq(pattern, S("*")) || str_eq_nocase(pattern, S("any"));
}

static bool is_subdomain_pattern(str pattern)
{
	return str_has_prefix(pattern, S("*.")) && !has_scheme(pattern);
}

/* Labels of at least one character between the dots. */
static bool is_domain(str s)
{
	do {
		if (str_split(&s, '.').n == 0)
			return false;
	} while (s.p);
	return true;
}

const char *origin_pattern_problem(str pattern)
{
	str after_star = str_skip(pattern, str_find_char(pattern, '*') + 1);

	if (pattern.n == 0)
		return "is empty";
	if (str_find_char(after_star, '*') < after_star.n)
		return "has more than one '*'";
	if (is_subdomain_pattern(pattern) && !is_domain(str_skip(pattern, 2)))
		return "needs a domain after '*.', without empty parts";
	if (has_scheme(pattern) && scheme_len(pattern) == 0)
		return "has no scheme before '://'";
	if (has_scheme(pattern) && after_scheme(pattern).n == 0)
		return "has no host after '://'";
	return NULL;
}

static bool has_prefix_nocase(str s, str prefix)
{
	return s.n >= prefix.n && str_eq_nocase(str_take(s, prefix.n), prefix);
}

static bool has_suffix_nocase(str s, str suffix)
{
	return s.n >= suffix.n && str_eq_nocase(str_skip(s, s.n - suffix.n), suffix);
}

static bool matches(str origin, str pattern)
{
	size_t star = str_find_char(pattern, '*');
	str before = str_take(pattern, star), after = str_skip(pattern, star + 1);

	if (is_everything(pattern) || str_eq_nocase(origin, pattern))
		return true;
	if (star == pattern.n)
		return !has_scheme(pattern) && str_eq_nocase(after_scheme(origin), pattern);
	if (is_subdomain_pattern(pattern) &&
	    str_eq_nocase(after_scheme(origin), str_skip(after, 1)))
		return true;
	return origin.n >= before.n + after.n && has_prefix_nocase(origin, before) &&
	       has_suffix_nocase(origin, after);
}

bool origin_allowed(str origin, const str *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (matches(origin, patterns[i]))
			return true;
	}
	return n == 0;
}
