#include "base/rate_table.h"

#include "base/mem.h"
#include "base/testing.h"

#include <pthread.h>
#include <stdio.h>

static const struct hash_key KEY = { 1, 2 };

static void assert_take(struct rate_table *t, const char *who, uint64_t now_ms, bool is_within,
			uint32_t n_left, uint32_t reset_s)
{
	struct rate_verdict v = rate_table_take(t, str_from_cstr(who), 3, 10, now_ms);

	assert_int_equal(v.is_within, is_within);
	assert_int_equal(v.n_left, n_left);
	assert_int_equal(v.reset_s, reset_s);
}

static void so_many_are_within_a_window_and_no_more(void **state)
{
	struct rate_table *t = rate_table_new(KEY);

	assert_take(t, "a", 1000, true, 2, 10);
	assert_take(t, "a", 1000, true, 1, 9);
	assert_take(t, "a", 5000, true, 0, 5);
	assert_take(t, "a", 5001, false, 0, 5);
	assert_take(t, "a", 10999, false, 0, 0);
	rate_table_free(t);
}

static void a_window_ends_and_the_next_deed_begins_another(void **state)
{
	struct rate_table *t = rate_table_new(KEY);

	for (int i = 0; i < 4; i++)
		rate_table_take(t, S("a"), 3, 10, 1000);
	assert_take(t, "a", 11000, true, 2, 10);
	assert_take(t, "a", 20999, true, 1, 0);
	assert_take(t, "a", 30000, true, 2, 10);
	rate_table_free(t);
}

static void each_has_a_window_of_its_own(void **state)
{
	struct rate_table *t = rate_table_new(KEY);

	for (int i = 0; i < 4; i++)
		rate_table_take(t, S("a"), 3, 10, 1000);
	assert_take(t, "b", 1000, true, 2, 10);
	assert_take(t, "", 1000, true, 2, 10);
	assert_take(t, "a", 1001, false, 0, 9);
	rate_table_free(t);
}

static void a_thread_whose_clock_is_a_turn_behind_is_served(void **state)
{
	struct rate_table *t = rate_table_new(KEY);

	assert_take(t, "a", 1000, true, 2, 10);
	assert_take(t, "a", 990, true, 1, 10);
	rate_table_free(t);
}

static void a_lower_limit_holds_at_once(void **state)
{
	struct rate_table *t = rate_table_new(KEY);

	for (int i = 0; i < 3; i++)
		rate_table_take(t, S("a"), 100, 10, 1000);
	assert_take(t, "a", 1000, false, 0, 9);
	rate_table_free(t);
}

static struct rate_verdict take_numbered(struct rate_table *t, unsigned i, uint64_t now_ms)
{
	char who[16];
	int n = snprintf(who, sizeof(who), "%u", i);

	return rate_table_take(t, (str){ who, (size_t)n }, 3, 10, now_ms);
}

static void half_as_many_as_there_are_places_are_told_apart(void **state)
{
	struct rate_table *t = rate_table_new(KEY);
	unsigned n_forgotten = 0;

	for (unsigned round = 0; round < 4; round++)
		for (unsigned i = 0; i < RATE_TABLE_PLACES / 2; i++)
			n_forgotten += take_numbered(t, i, 1000).is_within != (round < 3);
	/* A set of eight holds more than eight of them now and then. */
	assert_true(n_forgotten < RATE_TABLE_PLACES / 20);
	rate_table_free(t);
}

static void a_flood_takes_no_memory_and_windows_that_are_over_go_first(void **state)
{
	struct rate_table *t = rate_table_new(KEY);
	int64_t before = mem_live_bytes();

	for (unsigned i = 0; i < 4 * RATE_TABLE_PLACES; i++)
		take_numbered(t, 1000 + i, 1000);
	assert_take(t, "a", 20000, true, 2, 10);
	for (unsigned i = 0; i < RATE_TABLE_PLACES / 16; i++)
		take_numbered(t, i, 20000);
	assert_take(t, "a", 20001, true, 1, 9);
	assert_int_equal(mem_live_bytes(), before);
	rate_table_free(t);
}

#define N_THREADS 4
#define N_TAKES 20000

struct taker {
	struct rate_table *table;
	unsigned n_within;
	pthread_t thread;
};

static void *take_many(void *arg)
{
	struct taker *k = arg;

	for (int i = 0; i < N_TAKES; i++)
		k->n_within += rate_table_take(k->table, S("a"), N_TAKES, 10, 1000).is_within;
	return NULL;
}

static void threads_share_one_count(void **state)
{
	struct rate_table *t = rate_table_new(KEY);
	struct taker takers[N_THREADS];
	unsigned n_within = 0;

	for (int i = 0; i < N_THREADS; i++) {
		takers[i] = (struct taker){ .table = t };
		assert_int_equal(pthread_create(&takers[i].thread, NULL, take_many, &takers[i]), 0);
	}
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(takers[i].thread, NULL);
		n_within += takers[i].n_within;
	}
	assert_int_equal(n_within, N_TAKES);
	rate_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_are_within_a_window_and_no_more),
		cmocka_unit_test(a_window_ends_and_the_next_deed_begins_another),
		cmocka_unit_test(each_has_a_window_of_its_own),
		cmocka_unit_test(a_thread_whose_clock_is_a_turn_behind_is_served),
		cmocka_unit_test(a_lower_limit_holds_at_once),
		cmocka_unit_test(half_as_many_as_there_are_places_are_told_apart),
		cmocka_unit_test(a_flood_takes_no_memory_and_windows_that_are_over_go_first),
		cmocka_unit_test(threads_share_one_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
