/* The rows as they are, and paths that must not find them. */
#include "server/routes.h"

#include "base/check.h"
#include "base/testing.h"

#define ROUTE(method, pattern, flags, handler)                                                     \
	{ HTTP_##method, { pattern, sizeof(pattern) - 1 }, flags, NULL },
static const struct route ROWS[] = {
#include "server/routes.def"
};
#undef ROUTE

static enum route_result find(enum http_method method, const char *path, struct route_match *m)
{
	return route_find(ROWS, ARRAY_LEN(ROWS), method, str_from_cstr(path), m);
}

/* The pattern with its parameters replaced: a path that fits. */
static str example(str pattern, char *out)
{
	size_t n = 0, i = 0;

	while (i < pattern.n) {
		if (pattern.p[i] == '{') {
			out[n++] = 'x';
			i += str_find_char(str_skip(pattern, i), '}') + 1;
		} else {
			out[n++] = pattern.p[i++];
		}
	}
	return (str){ out, n };
}

static void every_row_is_found_by_its_own_path_and_method(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		char path[128];
		struct route_match m;

		assert_row(route_find(ROWS, ARRAY_LEN(ROWS), ROWS[i].method,
				      example(ROWS[i].pattern, path), &m) == ROUTE_FOUND,
			   i);
		assert_row(m.route == &ROWS[i], i);
	}
}

static void signed_rows_begin_with_the_app(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		assert_row(!(ROWS[i].flags & ROUTE_SIGNED) ==
				   !str_has_prefix(ROWS[i].pattern, S("/apps/{appId}/")),
			   i);
}

static void no_row_takes_a_path_with_one_more_or_less_segment(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		char path[128];
		str fits = example(ROWS[i].pattern, path);
		struct route_match m;

		memcpy(path + fits.n, "/", 1);
		assert_row(route_find(&ROWS[i], 1, ROWS[i].method, (str){ path, fits.n + 1 }, &m) ==
				   ROUTE_UNKNOWN,
			   i);
		while (fits.n > 0 && fits.p[fits.n - 1] != '/')
			fits.n--;
		assert_row(route_find(&ROWS[i], 1, ROWS[i].method, (str){ fits.p, fits.n }, &m) ==
				   ROUTE_UNKNOWN,
			   i);
		assert_row(route_find(&ROWS[i], 1, ROWS[i].method, (str){ fits.p, fits.n - 1 },
				      &m) == ROUTE_UNKNOWN,
			   i);
	}
}

static const char *const UNKNOWN[] = {
	"/",
	"//",
	"*",
	"",
	"/app",
	"/app/",
	"/UP",
	"/up//",
	"/up/",
	"/up/a/b",
	"/%75p",
	"/app/key/x",
	"/apps",
	"/apps/a",
	"/apps/a/",
	"/apps/a/nothing",
	"/apps//events",
	"/apps/a/events/",
	"/apps/a/channels//users",
	"/apps/a/channels/c/events",
	"/apps/a/channels/c/users/u",
	"/metrics",
};

static void other_paths_are_unknown_whatever_the_method(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(UNKNOWN); i++) {
		struct route_match m;

		for (enum http_method method = HTTP_GET; method <= HTTP_OTHER; method++)
			assert_row(find(method, UNKNOWN[i], &m) == ROUTE_UNKNOWN, i);
	}
}

static void parameters_are_handed_out_as_they_came(void **state)
{
	struct route_match m;

	assert_int_equal(find(HTTP_GET, "/apps/a%20b/channels/private-x,y;z/users", &m),
			 ROUTE_FOUND);
	assert_int_equal(m.n_parameters, 2);
	assert_str(m.parameters[0], S("a%20b"));
	assert_str(m.parameters[1], S("private-x,y;z"));
}

static void head_is_answered_where_get_is(void **state)
{
	struct route_match m;

	assert_int_equal(find(HTTP_HEAD, "/up", &m), ROUTE_FOUND);
	assert_int_equal(find(HTTP_HEAD, "/apps/a/events", &m), ROUTE_OTHER_METHOD);
}

static void a_path_with_other_methods_names_them(void **state)
{
	static const struct route rows[] = {
		{ HTTP_DELETE, { "/a/{b}", 6 }, 0, NULL },
		{ HTTP_GET, { "/a/{b}", 6 }, 0, NULL },
		{ HTTP_POST, { "/a/{b}", 6 }, 0, NULL },
		{ HTTP_PUT, { "/a", 2 }, 0, NULL },
	};
	struct route_match m;
	struct arena a;

	arena_init(&a, 4096);
	assert_int_equal(find(HTTP_PATCH, "/apps/a/events", &m), ROUTE_OTHER_METHOD);
	assert_str(route_methods_text(m.methods, &a), S("POST"));
	assert_int_equal(find(HTTP_OTHER, "/live", &m), ROUTE_OTHER_METHOD);
	assert_str(route_methods_text(m.methods, &a), S("GET,HEAD"));
	assert_int_equal(route_find(rows, 4, HTTP_OPTIONS, S("/a/1"), &m), ROUTE_OTHER_METHOD);
	assert_str(route_methods_text(m.methods, &a), S("GET,HEAD,POST,DELETE"));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found_by_its_own_path_and_method),
		cmocka_unit_test(signed_rows_begin_with_the_app),
		cmocka_unit_test(no_row_takes_a_path_with_one_more_or_less_segment),
		cmocka_unit_test(other_paths_are_unknown_whatever_the_method),
		cmocka_unit_test(parameters_are_handed_out_as_they_came),
		cmocka_unit_test(head_is_answered_where_get_is),
		cmocka_unit_test(a_path_with_other_methods_names_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
