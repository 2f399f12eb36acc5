#include "base/msg.h"

#include "base/mem.h"
#include "base/testing.h"

#include <pthread.h>

/* A loop: gcc 12 takes the bytes behind the struct for none and warns of memcpy. */
static void fill(struct msg *m, str s)
{
	for (size_t i = 0; i < s.n; i++)
		m->bytes[i] = s.p[i];
}

static void msg_lives_until_its_last_reference_goes(void **state)
{
	int64_t live = mem_live_bytes();
	struct msg *m = msg_new(5);

	fill(m, S("hello"));
	m->head_len = 2;
	assert_ptr_equal(msg_ref(m), m);
	msg_unref(m);
	assert_true(mem_live_bytes() > live);
	assert_true(str_eq(msg_str(m), S("hello")));
	assert_true(str_eq(msg_payload(m), S("llo")));
	msg_unref(m);
	assert_int_equal(mem_live_bytes(), live);
}

static void msg_may_be_empty(void **state)
{
	struct msg *m = msg_new(0);

	assert_int_equal(msg_str(m).n, 0);
	assert_int_equal(msg_payload(m).n, 0);
	msg_unref(m);
	msg_unref(NULL);
}

static void msg_new_refuses_what_it_cannot_count(void **state)
{
	assert_null(msg_new((size_t)UINT32_MAX + 1));
	assert_null(msg_new(SIZE_MAX));
}

static void msg_new_says_that_memory_is_short(void **state)
{
	mem_fail_nth(1);
	assert_null(msg_new(5));
	mem_fail_nth(0);
}

static void msg_form_is_found_once_added_and_dies_with_its_message(void **state)
{
	int64_t live = mem_live_bytes();
	struct msg *m = msg_new(5), *nine = msg_new(2), *fifteen = msg_new(3);

	assert_null(msg_form_find(m, 9));
	assert_ptr_equal(msg_form_add(m, 9, nine), nine);
	assert_null(msg_form_find(m, 15));
	assert_ptr_equal(msg_form_add(m, 15, fifteen), fifteen);
	assert_ptr_equal(msg_form_find(m, 9), nine);
	assert_ptr_equal(msg_form_find(m, 15), fifteen);
	msg_unref(m);
	assert_int_equal(mem_live_bytes(), live);
}

static void msg_form_that_comes_second_is_let_go_of(void **state)
{
	struct msg *m = msg_new(5), *first = msg_new(2);
	int64_t live;

	msg_form_add(m, 10, msg_new(1));
	msg_form_add(m, 9, first);
	live = mem_live_bytes();
	assert_ptr_equal(msg_form_add(m, 9, msg_new(2)), first);
	assert_int_equal(mem_live_bytes(), live);
	msg_unref(m);
}

static void msg_form_may_outlive_its_message(void **state)
{
	int64_t live = mem_live_bytes();
	struct msg *m = msg_new(5), *f = msg_new(2);

	fill(f, S("ok"));
	msg_form_add(m, 9, msg_new(1));
	msg_ref(msg_form_add(m, 10, f));
	msg_form_add(m, 11, msg_new(1));
	msg_unref(m);
	assert_str(msg_str(f), S("ok"));
	msg_unref(f);
	assert_int_equal(mem_live_bytes(), live);
}

enum { RACERS = 4, ROUNDS = 500 };

struct race {
	struct msg *m[ROUNDS];
	pthread_barrier_t start;
	atomic_uint n_good;
};

static void *race(void *race)
{
	struct race *r = race;

	pthread_barrier_wait(&r->start);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct msg *ours = msg_new(1), *f;

		fill(ours, S("x"));
		f = msg_form_add(r->m[i], 1 + i % 2, ours);
		r->n_good += msg_form_find(r->m[i], 1 + i % 2) == f && f->bytes[0] == 'x';
		msg_unref(r->m[i]);
	}
	return NULL;
}

static void msg_form_is_the_same_for_all_threads(void **state)
{
	int64_t live = mem_live_bytes();
	pthread_t threads[RACERS];
	struct race r = { .n_good = 0 };

	pthread_barrier_init(&r.start, NULL, RACERS);
	for (unsigned i = 0; i < ROUNDS; i++) {
		r.m[i] = msg_new(1);
		for (unsigned k = 1; k < RACERS; k++)
			msg_ref(r.m[i]);
	}
	for (unsigned i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &r), 0);
	for (unsigned i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&r.start);
	assert_int_equal(r.n_good, RACERS * ROUNDS);
	assert_int_equal(mem_live_bytes(), live);
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(msg_lives_until_its_last_reference_goes),
	cmocka_unit_test(msg_may_be_empty),
	cmocka_unit_test(msg_new_refuses_what_it_cannot_count),
	cmocka_unit_test(msg_new_says_that_memory_is_short),
	cmocka_unit_test(msg_form_is_found_once_added_and_dies_with_its_message),
	cmocka_unit_test(msg_form_that_comes_second_is_let_go_of),
	cmocka_unit_test(msg_form_may_outlive_its_message),
	cmocka_unit_test(msg_form_is_the_same_for_all_threads),
};

int main(void)
{
	return cmocka_run_group_tests_name("msg", TESTS, NULL, NULL);
}
