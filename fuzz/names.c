/* names: channel names and their namespaces, socket ids and web origins. Input: a name on the first
 * line, patterns of origins on the others. */
#include "fuzz.h"

#include "base/mem.h"
#include "core/channel_name.h"
#include "core/namespace.h"
#include "core/origin.h"
#include "core/socket_id.h"

enum { PATTERNS_MAX = 8 };

static str take_line(str *rest)
{
	str line = str_take(*rest, str_find_char(*rest, '\n'));

	*rest = str_skip(*rest, line.n + 1);
	return line;
}

static bool is_legal(str name)
{
	static const char LEGAL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_=@,;.:#";

	for (size_t i = 0; i < name.n; i++) {
		if (!memchr(LEGAL, name.p[i], sizeof(LEGAL) - 1))
			return false;
	}
	return name.n > 0;
}

static void check_traits(str name)
{
	unsigned t = channel_traits(name);
	bool is_private = str_has_prefix(name, S("private-"));
	bool is_presence = str_has_prefix(name, S("presence-"));

	CHECK(!(t & CHANNEL_AUTHORIZED) == !(is_private || is_presence));
	CHECK(!(t & CHANNEL_PRESENCE) == !is_presence);
	CHECK(!(t & CHANNEL_ENCRYPTED) == !str_has_prefix(name, S("private-encrypted-")));
	CHECK(!(t & CHANNEL_USER) == !str_has_prefix(name, S("#server-to-user-")));
	if (t & CHANNEL_USER)
		CHECK(channel_user(name).n == name.n - 16);
}

static void check_channel_name(str name, uint32_t bytes_max)
{
	struct arena a;
	str problem = { 0 };
	err e;

	arena_init(&a, 0);
	e = channel_name_check(name, bytes_max, &a, &problem);
	if (name.n > bytes_max)
		CHECK(e == ERR_LIMIT);
	else
		CHECK(e == (is_legal(name) ? OK : ERR_SYNTAX));
	if (e == ERR_SYNTAX)
		CHECK(problem.n > 0 && naive_utf8_valid(problem));
	arena_fini(&a);
}

static const struct app_table *the_apps(void)
{
	static struct app_table *apps;
	struct namespace *ns;
	struct app *a;

	if (apps)
		return apps;
	apps = app_table_new((struct hash_key){ 1, 2 });
	app_table_add(apps, S("plain"), S("plain"), S("secret"));
	a = app_table_add(apps, S("spaces"), S("spaces"), S("secret"));
	ns = namespace_add(a, S("chat"));
	ns->channel_name_bytes_max = 12;
	ns = namespace_add(a, S("users"));
	ns->allow_user_limited_channels = true;
	return apps;
}

/* A '#' at the beginning limits nothing. */
static bool has_users(str name)
{
	str base = channel_base(name);
	size_t at = str_find_char(base, '#');

	return at > 0 && at < base.n;
}

/* What may be, for an app that says nothing. */
static bool is_ordinary(const struct app *a, str name)
{
	return is_legal(name) && name.n <= a->limits.max_channel_name_length && !has_users(name);
}

static void check_namespaces(const struct app *a, str name)
{
	const struct namespace *ns = namespace_of(a, name);
	str problem = { 0 }, users, first;
	struct arena arena;

	arena_init(&arena, 0);
	if (namespace_check(a, name, &arena, &problem)) {
		users = namespace_users(name);
		first = str_take(users, str_find_char(users, ','));
		CHECK(is_legal(name) && name.n <= namespace_bytes_max(a, name));
		CHECK(!has_users(name) || (ns && ns->allow_user_limited_channels));
		CHECK(!has_users(name) || (first.n > 0 && namespace_has_user(users, first)));
		CHECK(ns || a->n_namespaces || is_ordinary(a, name));
	} else {
		CHECK(a->n_namespaces || !is_ordinary(a, name));
		CHECK(problem.n > 0 && (naive_utf8_valid(problem) || !naive_utf8_valid(name)));
	}
	arena_fini(&arena);
}

/* Leading zeros are the only other spelling. */
static void check_socket_id(str text)
{
	char out[SOCKET_ID_TEXT_MAX];
	struct socket_id id, again;

	if (!socket_id_parse(text, &id)) {
		CHECK(socket_id_eq(id, SOCKET_ID_NONE));
		return;
	}
	CHECK(socket_id_parse(socket_id_format(id, out), &again));
	CHECK(socket_id_eq(id, again));
	CHECK(socket_id_format(id, out).n <= text.n);
}

static bool is_sound(str pattern)
{
	return origin_pattern_problem(pattern) == NULL;
}

static void check_origin(str origin, const str *patterns, size_t n)
{
	char *upper = fuzz_copy(origin);
	bool any = n == 0;

	for (size_t i = 0; i < n; i++) {
		bool one = origin_allowed(origin, &patterns[i], 1);

		if (str_eq(patterns[i], S("*")) || str_eq_nocase(origin, patterns[i]))
			CHECK(one);
		if (one && str_find_char(patterns[i], '*') == patterns[i].n &&
		    !str_eq_nocase(patterns[i], S("any")))
			CHECK(str_contains_nocase(origin, patterns[i]));
		any |= one;
	}
	for (size_t i = 0; i < origin.n; i++) {
		if (upper[i] >= 'a' && upper[i] <= 'z')
			upper[i] = (char)(upper[i] - 'a' + 'A');
	}
	CHECK(origin_allowed(origin, patterns, n) == any);
	CHECK(origin_allowed((str){ upper, origin.n }, patterns, n) == any);
	xfree(upper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str rest = fuzz_input(data, size, &choice), patterns[PATTERNS_MAX];
	str name = take_line(&rest);
	size_t n = 0;

	check_traits(name);
	check_channel_name(name, choice);
	for (size_t i = 0; i < the_apps()->n; i++)
		check_namespaces(the_apps()->apps[i], name);
	check_socket_id(name);
	while (rest.n > 0 && n < PATTERNS_MAX) {
		patterns[n] = take_line(&rest);
		n += is_sound(patterns[n]);
	}
	check_origin(name, patterns, n);
	return 0;
}
