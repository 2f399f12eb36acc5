#include "core/rate_window.h"

#include "base/check.h"
#include "base/testing.h"

static void rate_window_lets_n_pass_and_no_more(void **state)
{
	struct rate_window w = { 0 };

	for (int i = 0; i < 3; i++)
		assert_true(rate_window_take(&w, 1000, 1, 3));
	assert_false(rate_window_take(&w, 1000, 1, 3));
	assert_false(rate_window_take(&w, 1999, 1, 3));
}

static void rate_window_begins_with_the_first_event(void **state)
{
	struct rate_window w = { 0 };

	assert_true(rate_window_take(&w, 1900, 1, 1));
	assert_false(rate_window_take(&w, 2899, 1, 1));
	assert_true(rate_window_take(&w, 2900, 1, 1));
}

static void rate_window_is_not_prolonged_by_what_it_refuses(void **state)
{
	struct rate_window w = { 0 };

	assert_true(rate_window_take(&w, 0, 2, 1));
	for (uint32_t ms = 100; ms < 2000; ms += 100)
		assert_false(rate_window_take(&w, ms, 2, 1));
	assert_true(rate_window_take(&w, 2000, 2, 1));
}

static void rate_window_survives_the_wrap_of_its_clock(void **state)
{
	struct rate_window w = { 0 };

	assert_true(rate_window_take(&w, UINT32_MAX - 100, 1, 1));
	assert_false(rate_window_take(&w, 800, 1, 1));
	assert_true(rate_window_take(&w, 900, 1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_window_lets_n_pass_and_no_more),
		cmocka_unit_test(rate_window_begins_with_the_first_event),
		cmocka_unit_test(rate_window_is_not_prolonged_by_what_it_refuses),
		cmocka_unit_test(rate_window_survives_the_wrap_of_its_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
