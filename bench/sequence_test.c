#include "sequence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct arrival_case {
	const char *what;
	uint32_t n_sent;
	const uint32_t *arrived;
	size_t n_arrived;
	struct verdict expected;
};

#define ARRIVED(...)                                                                               \
	(const uint32_t[]){ __VA_ARGS__ },                                                         \
		sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)

static const struct arrival_case arrival_cases[] = {
	{ "all in order", 4, ARRIVED(0, 1, 2, 3), { .received = 4 } },
	{ "nothing arrives", 3, NULL, 0, { .lost = 3 } },
	{ "first lost", 3, ARRIVED(1, 2), { .received = 2, .lost = 1 } },
	{ "middle lost", 5, ARRIVED(0, 1, 4), { .received = 3, .lost = 2 } },
	{ "last lost", 3, ARRIVED(0, 1), { .received = 2, .lost = 1 } },
	{ "one twice, at once", 2, ARRIVED(0, 0, 1), { .received = 2, .duplicated = 1 } },
	{ "one twice, later", 3, ARRIVED(0, 1, 2, 0), { .received = 3, .duplicated = 1 } },
	{ "two swapped", 3, ARRIVED(0, 2, 1), { .received = 3, .out_of_order = 1 } },
	{ "late, then again", 3, ARRIVED(0, 2, 1, 1), { 3, .duplicated = 1, .out_of_order = 1 } },
	{ "reversed", 4, ARRIVED(3, 2, 1, 0), { .received = 4, .out_of_order = 3 } },
	{ "late, 64 numbers back", 64, ARRIVED(1, 63, 0), { 3, .lost = 61, .out_of_order = 1 } },
	{ "again, 64 numbers back", 65, ARRIVED(1, 64, 1), { 2, .lost = 63, .duplicated = 1 } },
	{ "late, 65 numbers back", 65, ARRIVED(1, 64, 0), { 2, .lost = 63, .out_of_order = 1 } },
	{ "a jump over all memory",
	  200,
	  ARRIVED(0, 199, 136),
	  { 3, .lost = 197, .out_of_order = 1 } },
};

static struct verdict judge(const uint32_t *arrived, size_t n_arrived, uint32_t n_sent)
{
	struct sequence s = { 0 };
	struct verdict v = { 0 };

	for (size_t i = 0; i < n_arrived; i++)
		sequence_take(&s, arrived[i], &v);
	sequence_end(&s, n_sent, &v);
	return v;
}

static void sequence_judges_every_case(void **state)
{
	for (size_t i = 0; i < sizeof arrival_cases / sizeof arrival_cases[0]; i++) {
		const struct arrival_case *c = &arrival_cases[i];
		struct verdict v = judge(c->arrived, c->n_arrived, c->n_sent);

		if (memcmp(&v, &c->expected, sizeof v) != 0)
			fail_msg("%s: received %llu, lost %llu, twice %llu, out of order %llu",
				 c->what, (unsigned long long)v.received,
				 (unsigned long long)v.lost, (unsigned long long)v.duplicated,
				 (unsigned long long)v.out_of_order);
	}
}

static void sequence_tells_first_arrivals_from_repetitions(void **state)
{
	struct sequence s = { 0 };
	struct verdict v = { 0 };

	assert_true(sequence_take(&s, 0, &v));
	assert_false(sequence_take(&s, 0, &v));
	assert_true(sequence_take(&s, 2, &v));
	assert_true(sequence_take(&s, 1, &v));
	assert_false(sequence_take(&s, 1, &v));
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* Messages arrive in blocks of 32 that are shuffled, thinned and doubled; a plain set is the oracle. */
static void sequence_agrees_with_a_set(void **state)
{
	enum { BLOCK = 32, N = 100 * BLOCK };
	static unsigned char times[N];
	struct sequence s = { 0 };
	struct verdict v = { 0 };
	uint64_t n_unique = 0, n_repeated = 0;
	uint32_t seed = 7;

	for (uint32_t i = 0; i < N; i++) {
		uint32_t number = i / BLOCK * BLOCK + next_random(&seed) % BLOCK;

		if (times[number]++ == 0)
			n_unique++;
		else
			n_repeated++;
		sequence_take(&s, number, &v);
	}
	sequence_end(&s, N, &v);
	assert_true(n_repeated > 0);
	assert_int_equal(v.received, n_unique);
	assert_int_equal(v.duplicated, n_repeated);
	assert_int_equal(v.lost, N - n_unique);
	assert_true(v.out_of_order > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_judges_every_case),
		cmocka_unit_test(sequence_tells_first_arrivals_from_repetitions),
		cmocka_unit_test(sequence_agrees_with_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
