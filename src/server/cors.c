/* cors.c: the lines and their order are the original's, preflights included, where credentials come
 * first. */
#include "server/cors.h"

#include "base/check.h"
#include "core/origin.h"

#define VARY "vary: origin, access-control-request-method, access-control-request-headers\r\n"
#define CREDENTIALS "access-control-allow-credentials: true\r\n"
#define EVERYBODY "access-control-allow-origin: *\r\n"
#define METHODS "access-control-allow-methods: "
#define HEADERS "access-control-allow-headers: "

static const char default_answer[] = VARY EVERYBODY;
static const char default_preflight[] = VARY METHODS
	"GET,POST,PUT,PATCH,DELETE,OPTIONS\r\n" HEADERS
	"authorization,content-type,x-requested-with,accept,x-ably-clientid,x-ably-version,"
	"x-ably-lib,x-ably-devicetoken,ably-agent,ably-version,ably-clientid,"
	"x-idempotency-key\r\n" EVERYBODY;

const struct cors cors_default = {
	.answer = { default_answer, sizeof(default_answer) - 1 },
	.preflight = { default_preflight, sizeof(default_preflight) - 1 },
};

bool cors_is_token(str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_alnum =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!is_alnum && !memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return s.n > 0;
}

static bool allows_everybody(const struct cors_rules *r)
{
	for (size_t i = 0; i < r->n_origins; i++) {
		if (str_eq(r->origins[i], S("*")) || str_eq_nocase(r->origins[i], S("any")))
			return true;
	}
	return false;
}

static str lower(str s, struct arena *a)
{
	char *p = (char *)arena_copy(a, s).p;

	for (size_t i = 0; i < s.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] |= 'a' - 'A';
	}
	return (str){ p, s.n };
}

/* name and the items with commas between them; nothing without items. */
static str list_line(str name, const str *items, size_t n, struct arena *a)
{
	str line = name;

	for (size_t i = 0; i < n; i++) {
		str pieces[] = { line, i > 0 ? S(",") : S(""), items[i] };

		line = arena_join(a, pieces, ARRAY_LEN(pieces));
	}
	return n == 0 ? S("") : arena_join(a, (str[]){ line, S("\r\n") }, 2);
}

static str headers_line(const struct cors_rules *r, struct arena *a)
{
	str *names = arena_alloc(a, (r->n_headers + 1) * sizeof(*names));

	for (size_t i = 0; i < r->n_headers; i++)
		names[i] = lower(r->headers[i], a);
	return list_line(S(HEADERS), names, r->n_headers, a);
}

struct cors cors_new(const struct cors_rules *r, struct arena *a)
{
	bool is_everybody = allows_everybody(r);
	str everybody = is_everybody ? S(EVERYBODY) : S("");
	str credentials =
		r->credentials && !is_everybody && r->n_origins > 0 ? S(CREDENTIALS) : S("");
	str answer[] = { S(VARY), credentials, everybody };
	str preflight[] = { credentials, S(VARY),
			    list_line(S(METHODS), r->methods, r->n_methods, a), headers_line(r, a),
			    everybody };

	return (struct cors){
		.answer = arena_join(a, answer, ARRAY_LEN(answer)),
		.preflight = arena_join(a, preflight, ARRAY_LEN(preflight)),
		.origins = r->origins,
		.n_origins = is_everybody ? 0 : r->n_origins,
	};
}

bool cors_names(const struct cors *c, str origin)
{
	return c->n_origins > 0 && origin_allowed(origin, c->origins, c->n_origins);
}
