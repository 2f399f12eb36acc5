/* routes.c: a walk over the rows. There are few, and most differ in their first segment: no tree
 * is worth its code. */
#include "server/routes.h"

#include "base/check.h"
#include "codec/urlencode.h"

static bool is_parameter(str segment)
{
	return str_has_prefix(segment, S("{"));
}

static bool fits(str pattern, str path, struct route_match *m)
{
	str wanted, got;

	m->n_parameters = 0;
	while (path_next(&pattern, &wanted)) {
		if (!path_next(&path, &got))
			return false;
		if (!is_parameter(wanted)) {
			if (!str_eq(wanted, got))
				return false;
			continue;
		}
		if (got.n == 0)
			return false;
		ASSERT(m->n_parameters < ROUTE_PARAMETERS_MAX);
		m->parameters[m->n_parameters++] = got;
	}
	return path.n == 0;
}

static bool has_method(const struct route *r, enum http_method method)
{
	return r->method == method || (r->method == HTTP_GET && method == HTTP_HEAD);
}

enum route_result route_find(const struct route *rows, size_t n_rows, enum http_method method,
			     str path, struct route_match *out)
{
	out->route = NULL;
	out->methods = 0;
	out->flags = 0;
	for (size_t i = 0; i < n_rows; i++) {
		if (!fits(rows[i].pattern, path, out))
			continue;
		if (has_method(&rows[i], method)) {
			out->route = &rows[i];
			out->flags = rows[i].flags;
			return ROUTE_FOUND;
		}
		out->flags |= rows[i].flags;
		out->methods |= 1u << rows[i].method;
	}
	return out->methods ? ROUTE_OTHER_METHOD : ROUTE_UNKNOWN;
}

str route_methods_text(unsigned methods, struct arena *a)
{
	static const struct {
		enum http_method method;
		str text;
	} table[] = {
		{ HTTP_GET, { "GET,HEAD", 8 } },  { HTTP_POST, { "POST", 4 } },
		{ HTTP_PUT, { "PUT", 3 } },	  { HTTP_PATCH, { "PATCH", 5 } },
		{ HTTP_DELETE, { "DELETE", 6 } },
	};
	char *text = arena_alloc(a, 32), *at = text;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!(methods & 1u << table[i].method))
			continue;
		if (at > text)
			*at++ = ',';
		at = mempcpy(at, table[i].text.p, table[i].text.n);
	}
	return (str){ text, (size_t)(at - text) };
}
