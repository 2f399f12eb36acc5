#include "core/ip_set.h"

#include "base/check.h"
#include "base/testing.h"

#define ITEMS_MAX 4

static ptrdiff_t parse(const char *const *items, struct arena *a, struct ip_set *out)
{
	str texts[ITEMS_MAX];
	size_t n = 0;

	for (; n < ITEMS_MAX && items[n]; n++)
		texts[n] = str_from_cstr(items[n]);
	return ip_set_parse(texts, n, a, out);
}

static bool has(const struct ip_set *s, const char *text)
{
	struct ip ip;

	assert_true(ip_parse(str_from_cstr(text), &ip));
	return ip_set_has(s, &ip);
}

static const struct {
	const char *items[ITEMS_MAX];
	const char *inside, *outside; /* NULL: there is none */
	bool has_unix;
} SETS[] = {
	{ { NULL }, NULL, "127.0.0.1", false },
	{ { "none" }, NULL, "127.0.0.1", false },
	{ { "all" }, "8.8.8.8", NULL, true },
	{ { "ALL" }, "2001:db8::1", NULL, true },
	{ { "unix" }, NULL, "127.0.0.1", true },
	{ { "loopback" }, "127.255.0.1", "128.0.0.1", false },
	{ { "loopback" }, "::1", "::2", false },
	{ { "loopback" }, "::ffff:127.0.0.1", "10.0.0.1", false },
	{ { "private" }, "10.255.255.255", "11.0.0.0", false },
	{ { "private" }, "172.16.0.0", "172.15.255.255", false },
	{ { "private" }, "172.31.255.255", "172.32.0.0", false },
	{ { "private" }, "192.168.1.1", "192.169.0.0", false },
	{ { "private" }, "fd00::1", "fe80::1", false },
	{ { "private" }, "fc00::", "127.0.0.1", false },
	{ { "192.0.2.1" }, "192.0.2.1", "192.0.2.2", false },
	{ { "192.0.2.128/25" }, "192.0.2.128", "192.0.2.127", false },
	{ { "0.0.0.0/0" }, "255.1.2.3", "2001:db8::1", false },
	{ { "::/0" }, "1.2.3.4", NULL, false },
	{ { "2001:db8::/33" }, "2001:db8:7fff::1", "2001:db8:8000::1", false },
	{ { "::ffff:10.0.0.0/104" }, "10.1.2.3", "11.0.0.0", false },
	{ { "10.0.0.0/8", "unix", "2001:db8::1" }, "2001:db8::1", "192.168.0.1", true },
	{ { "10.0.0.0/8", "unix", "2001:db8::1" }, "10.9.9.9", "2001:db8::2", true },
};

static void a_set_has_what_its_list_says(void **state)
{
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_LEN(SETS); i++) {
		struct ip_set s;

		assert_row(parse(SETS[i].items, &a, &s) == -1, i);
		assert_row(s.has_unix == SETS[i].has_unix, i);
		assert_row(!SETS[i].inside || has(&s, SETS[i].inside), i);
		assert_row(!SETS[i].outside || !has(&s, SETS[i].outside), i);
	}
	arena_fini(&a);
}

static const struct {
	const char *items[ITEMS_MAX];
	ptrdiff_t culprit;
} BAD[] = {
	{ { "" }, 0 },
	{ { "localhost" }, 0 },
	{ { "10.0.0.0/8", "10.0.0.0/33" }, 1 },
	{ { "10.0.0.0/" }, 0 },
	{ { "10.0.0.0/-1" }, 0 },
	{ { "10.0.0.1/8" }, 0 },
	{ { "2001:db8::1/64" }, 0 },
	{ { "::/129" }, 0 },
	{ { "10.0.0.0/255.0.0.0" }, 0 },
	{ { "loopback", "all" }, 1 },
	{ { "none", "loopback" }, 0 },
	{ { "[::1]" }, 0 },
	{ { "10.0.0.1:80" }, 0 },
};

static void the_item_that_makes_no_sense_is_named(void **state)
{
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		struct ip_set s;

		assert_row(parse(BAD[i].items, &a, &s) == BAD[i].culprit, i);
	}
	arena_fini(&a);
}

static void a_list_has_a_limit(void **state)
{
	static str items[IP_SET_ITEMS_MAX + 1];
	struct ip_set s;
	struct arena a;

	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		items[i] = S("private");
	arena_init(&a, 0);
	assert_int_equal(ip_set_parse(items, IP_SET_ITEMS_MAX, &a, &s), -1);
	assert_true(has(&s, "10.0.0.1"));
	assert_int_equal(ip_set_parse(items, ARRAY_LEN(items), &a, &s), IP_SET_ITEMS_MAX);
	arena_fini(&a);
}

static void the_default_is_what_the_documentation_says(void **state)
{
	static const char *const items[] = { "loopback", "private", "unix", NULL };
	struct ip_set s;
	struct arena a;

	arena_init(&a, 0);
	assert_int_equal(parse(items, &a, &s), -1);
	assert_int_equal(s.n_ranges, ip_set_default.n_ranges);
	for (size_t i = 0; i < s.n_ranges; i++)
		assert_true(ip_eq(&s.ranges[i].first, &ip_set_default.ranges[i].first) &&
			    s.ranges[i].n_bits == ip_set_default.ranges[i].n_bits);
	assert_true(s.has_unix && ip_set_default.has_unix);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_has_what_its_list_says),
		cmocka_unit_test(the_item_that_makes_no_sense_is_named),
		cmocka_unit_test(a_list_has_a_limit),
		cmocka_unit_test(the_default_is_what_the_documentation_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
