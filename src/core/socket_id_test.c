#include "core/socket_id.h"

#include "base/check.h"
#include "base/testing.h"

#include <stdio.h>

static const struct {
	struct socket_id id;
	const char *text;
} IDS[] = {
	{ { 0, 0 }, "0.0" },
	{ { 1234, 5678 }, "1234.5678" },
	{ { 10, 1 }, "10.1" },
	{ { 9999999999, 10000000000 }, "9999999999.10000000000" },
	{ { UINT64_MAX - 1, UINT64_MAX }, "18446744073709551614.18446744073709551615" },
};

static void socket_id_survives_formatting_and_parsing(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(IDS); i++) {
		char text[SOCKET_ID_TEXT_MAX];
		struct socket_id id;

		assert_str(socket_id_format(IDS[i].id, text), str_from_cstr(IDS[i].text));
		assert_true(socket_id_parse(str_from_cstr(IDS[i].text), &id));
		assert_true(socket_id_eq(id, IDS[i].id));
	}
}

static void longest_socket_id_fills_its_text(void **state)
{
	char text[SOCKET_ID_TEXT_MAX];

	assert_int_equal(socket_id_format(SOCKET_ID_NONE, text).n, SOCKET_ID_TEXT_MAX);
}

static void malformed_socket_id_names_nobody(void **state)
{
	static const char *const BAD[] = {
		"",
		".",
		"1",
		"1.",
		".1",
		"1.2.3",
		"1..2",
		"a.1",
		"1.a",
		"-1.2",
		"+1.2",
		"1.-2",
		" 1.2",
		"1.2 ",
		"1 .2",
		"1,2",
		"0x1.2",
		"1e3.2",
		"١.٢",
		"null",
		"18446744073709551616.1",
		"1.18446744073709551616",
	};

	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		struct socket_id id = { 1, 2 };

		assert_row(!socket_id_parse(str_from_cstr(BAD[i]), &id), i);
		assert_row(socket_id_eq(id, SOCKET_ID_NONE), i);
	}
	assert_false(socket_id_parse((str){ "1.\0002", 4 }, &(struct socket_id){ 0 }));
}

/* Counts upwards through everything it is asked for. */
static void fill_steps(void *ctx, void *p, size_t n)
{
	uint64_t *x = ctx;
	uint8_t *out = p;

	for (size_t i = 0; i < n; i++) {
		*x = *x * 6364136223846793005u + 1442695040888963407u;
		out[i] = (uint8_t)(*x >> 56);
	}
}

static void random_socket_ids_are_valid_and_differ(void **state)
{
	uint64_t seed = 7, largest = 0;
	struct socket_id previous = SOCKET_ID_NONE;
	struct rng r;

	rng_init(&r, fill_steps, &seed);
	for (int i = 0; i < 10000; i++) {
		struct socket_id id = socket_id_random(&r);

		assert_true(id.a <= 10000000000 && id.b <= 10000000000);
		assert_false(socket_id_eq(id, previous));
		assert_int_not_equal(id.a, id.b);
		largest = id.a > largest ? id.a : largest;
		previous = id;
	}
	assert_true(largest > 9900000000); /* the whole range is used */
}

static void socket_ids_are_equal_only_in_both_parts(void **state)
{
	struct socket_id id = { 1, 2 };

	assert_true(socket_id_eq(id, (struct socket_id){ 1, 2 }));
	assert_false(socket_id_eq(id, (struct socket_id){ 1, 3 }));
	assert_false(socket_id_eq(id, (struct socket_id){ 3, 2 }));
	assert_false(socket_id_eq(id, (struct socket_id){ 2, 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_id_survives_formatting_and_parsing),
		cmocka_unit_test(longest_socket_id_fills_its_text),
		cmocka_unit_test(malformed_socket_id_names_nobody),
		cmocka_unit_test(random_socket_ids_are_valid_and_differ),
		cmocka_unit_test(socket_ids_are_equal_only_in_both_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
