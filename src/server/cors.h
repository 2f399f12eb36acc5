/* cors.h: which pages of other origins may read answers, as header lines that are ready before the
 * first request.
 *
 * Every answer of a route carries the same lines, but for one: where not everybody is allowed, the
 * request's own origin is named, if it is one of those that are. */
#ifndef SERVER_CORS_H
#define SERVER_CORS_H

#include "base/arena.h"

struct cors {
	str answer;    /* "name: value\r\n" … */
	str preflight; /* likewise, for the answer to OPTIONS */
	const str *origins;
	size_t n_origins; /* 0: no origin is named */
};

/* All origins, the documented methods and headers. */
extern const struct cors cors_default;

struct cors_rules {
	const str *origins; /* sound patterns (core/origin.h); "*" or "any" among them: everybody */
	size_t n_origins;   /* 0: nobody */
	const str *methods;
	size_t n_methods;
	const str *headers;
	size_t n_headers;
	bool credentials; /* without effect for everybody and for nobody */
};

/* Can it be a header's name, or a method? */
bool cors_is_token(str s);
/* All texts live in a, but for the rules' origins, which are used as they are. */
struct cors cors_new(const struct cors_rules *rules, struct arena *a);
/* Is the origin (a header's value) to be named? */
bool cors_names(const struct cors *c, str origin);

#endif
