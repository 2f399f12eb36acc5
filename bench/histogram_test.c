#include "histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void histogram_of_nothing_is_zero(void **state)
{
	struct histogram h;

	histogram_clear(&h);
	assert_int_equal(histogram_percentile(&h, 0.5), 0);
	assert_int_equal(histogram_percentile(&h, 1), 0);
}

static void histogram_is_exact_below_128(void **state)
{
	struct histogram h;

	histogram_clear(&h);
	for (uint64_t v = 0; v < 128; v++)
		histogram_add(&h, v);
	for (uint64_t v = 0; v < 128; v++)
		assert_int_equal(histogram_percentile(&h, (double)(v + 1) / 128), v);
}

/* Checked with a single value beside a huge one, at every power of two and around it. */
static void histogram_is_at_most_one_64th_above_the_value(void **state)
{
	for (unsigned bit = 0; bit < 63; bit++) {
		for (int64_t off = -1; off <= 1; off++) {
			uint64_t value = ((uint64_t)1 << bit) + (uint64_t)off;
			struct histogram h;
			uint64_t found;

			histogram_clear(&h);
			histogram_add(&h, value);
			histogram_add(&h, UINT64_MAX);
			found = histogram_percentile(&h, 0.5);
			assert_true(found >= value);
			assert_true(found - value <= value / 64);
		}
	}
}

static void histogram_percentile_needs_the_whole_share(void **state)
{
	struct histogram h;

	histogram_clear(&h);
	for (int i = 0; i < 990; i++)
		histogram_add(&h, 10);
	for (int i = 0; i < 10; i++)
		histogram_add(&h, 100);
	assert_int_equal(histogram_percentile(&h, 0.5), 10);
	assert_int_equal(histogram_percentile(&h, 0.99), 10);
	assert_int_equal(histogram_percentile(&h, 0.991), 100);
	assert_int_equal(histogram_percentile(&h, 1), 100);
}

static void histogram_never_reports_more_than_the_maximum(void **state)
{
	struct histogram h;

	histogram_clear(&h);
	histogram_add(&h, 1000001);
	assert_int_equal(histogram_percentile(&h, 0.5), 1000001);
	assert_int_equal(h.max, 1000001);
	histogram_add(&h, UINT64_MAX);
	assert_true(histogram_percentile(&h, 1) == UINT64_MAX);
}

static void histogram_is_empty_after_clear(void **state)
{
	struct histogram h;

	histogram_clear(&h);
	histogram_add(&h, 77);
	histogram_clear(&h);
	assert_int_equal(h.n, 0);
	assert_int_equal(h.max, 0);
	assert_int_equal(histogram_percentile(&h, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histogram_of_nothing_is_zero),
		cmocka_unit_test(histogram_is_exact_below_128),
		cmocka_unit_test(histogram_is_at_most_one_64th_above_the_value),
		cmocka_unit_test(histogram_percentile_needs_the_whole_share),
		cmocka_unit_test(histogram_never_reports_more_than_the_maximum),
		cmocka_unit_test(histogram_is_empty_after_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
