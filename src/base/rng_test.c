#include "base/rng.h"

#include "base/check.h"
#include "base/testing.h"

#include <string.h>

/* 1, 2, 3, … */
static void fill_counting(void *ctx, void *p, size_t n)
{
	uint8_t *next = ctx, *out = p;

	while (n--)
		*out++ = ++*next;
}

struct script {
	const uint64_t *values;
	size_t n_calls;
};

/* The same 32 words at every call. */
static void fill_scripted(void *ctx, void *p, size_t n)
{
	struct script *s = ctx;

	s->n_calls++;
	memcpy(p, s->values, n);
}

static void rng_hands_out_every_byte_once(void **state)
{
	uint8_t next = 0, got[16];
	struct rng r;

	rng_init(&r, fill_counting, &next);
	for (int i = 0; i < 16; i++) {
		rng_bytes(&r, got, sizeof(got));
		for (int j = 0; j < 16; j++)
			assert_int_equal(got[j], (uint8_t)(i * 16 + j + 1));
	}
	assert_int_equal(r.left, 0);
}

static void rng_wipes_what_it_handed_out(void **state)
{
	uint8_t next = 0, got[100];
	struct rng r;

	rng_init(&r, fill_counting, &next);
	rng_bytes(&r, got, sizeof(got));
	for (size_t i = 0; i < sizeof(r.buffer); i++)
		assert_int_equal(r.buffer[i], i < sizeof(got) ? 0 : (uint8_t)(i + 1));
}

static void rng_large_draws_go_to_the_source(void **state)
{
	uint8_t next = 0, got[1000];
	struct rng r;

	rng_init(&r, fill_counting, &next);
	rng_bytes(&r, got, sizeof(got));
	assert_int_equal(r.left, 0);
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], (uint8_t)(i + 1));
}

static void rng_below_discards_values_that_would_bias(void **state)
{
	/* 2^64 mod 10 is 6: 0 to 5 would come up once more than the others. */
	uint64_t values[32] = { 0, 5, 6, 17, UINT64_MAX };
	struct script script = { .values = values };
	struct rng r;

	rng_init(&r, fill_scripted, &script);
	assert_int_equal(rng_below(&r, 10), 6);
	assert_int_equal(rng_below(&r, 10), 7);
	assert_int_equal(rng_below(&r, 10), 5);
	assert_int_equal(script.n_calls, 1);
}

static void rng_below_stays_below(void **state)
{
	static const uint64_t LIMITS[] = { 1, 2, 3, 7, 256, 1000003, UINT64_MAX };
	uint8_t next = 0;
	struct rng r;

	rng_init(&r, fill_counting, &next);
	for (size_t i = 0; i < ARRAY_LEN(LIMITS); i++)
		for (int j = 0; j < 100; j++)
			assert_row(rng_below(&r, LIMITS[i]) < LIMITS[i], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rng_hands_out_every_byte_once),
		cmocka_unit_test(rng_wipes_what_it_handed_out),
		cmocka_unit_test(rng_large_draws_go_to_the_source),
		cmocka_unit_test(rng_below_discards_values_that_would_bias),
		cmocka_unit_test(rng_below_stays_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
