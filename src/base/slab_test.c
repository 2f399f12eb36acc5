#include "base/slab.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/poison.h"
#include "base/testing.h"

enum { N_OBJECTS = 5000 };

static void slab_objects_do_not_overlap_at_any_size(void **state)
{
	static const size_t SIZES[] = { 16, 17, 40, 48, 100, 1000, 4096 };
	static unsigned char *objects[N_OBJECTS];

	for (size_t k = 0; k < ARRAY_LEN(SIZES); k++) {
		struct slab s;

		slab_init(&s, SIZES[k]);
		for (size_t i = 0; i < N_OBJECTS; i++) {
			objects[i] = slab_get(&s);
			assert_int_equal((uintptr_t)objects[i] % 8, 0);
			memset(objects[i], (int)i, SIZES[k]);
		}
		assert_int_equal(s.n_live, N_OBJECTS);
		for (size_t i = 0; i < N_OBJECTS; i++) {
			assert_int_equal(objects[i][0], i & 255);
			assert_int_equal(objects[i][SIZES[k] - 1], i & 255);
		}
		for (size_t i = 0; i < N_OBJECTS; i++)
			slab_put(&s, objects[i]);
		slab_fini(&s);
	}
}

static void slab_counts_live_objects_exactly(void **state)
{
	int64_t start = mem_live_bytes();
	struct slab s;
	void *a, *b;

	slab_init(&s, 40);
	a = slab_get(&s);
	b = slab_get(&s);
	assert_int_equal(mem_live_bytes(), start + 80);
	slab_put(&s, a);
	slab_put(&s, b);
	assert_int_equal(mem_live_bytes(), start);
	slab_fini(&s);
}

static void slab_hands_out_the_last_freed_object_first(void **state)
{
	struct slab s;
	void *a, *b;

	slab_init(&s, 64);
	a = slab_get(&s);
	b = slab_get(&s);
	slab_put(&s, a);
	assert_ptr_equal(slab_get(&s), a);
	slab_put(&s, a);
	slab_put(&s, b);
	slab_fini(&s);
}

static void slab_reuses_the_place_in_a_chunk_that_was_full(void **state)
{
	static void *objects[64];
	struct slab s;

	slab_init(&s, 4096);
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		objects[i] = slab_get(&s);
	slab_put(&s, objects[0]);
	slab_put(&s, objects[20]);
	assert_ptr_equal(slab_get(&s), objects[20]);
	assert_ptr_equal(slab_get(&s), objects[0]);
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		slab_put(&s, objects[i]);
	slab_fini(&s);
}

/* Objects come and go at random; each carries its own address, which nobody else may overwrite. */
static void slab_survives_random_churn(void **state)
{
	static void **objects[N_OBJECTS];
	uint64_t dice = 1;
	struct slab s;

	slab_init(&s, 48);
	for (int step = 0; step < 100000; step++) {
		dice = dice * 6364136223846793005u + 1442695040888963407u;
		void ***slot = &objects[(dice >> 33) % N_OBJECTS];

		if (*slot) {
			assert_ptr_equal(**slot, *slot);
			slab_put(&s, *slot);
			*slot = NULL;
		} else {
			*slot = slab_get(&s);
			**slot = *slot;
		}
	}
	for (int i = 0; i < N_OBJECTS; i++)
		if (objects[i])
			slab_put(&s, objects[i]);
	assert_int_equal(s.n_live, 0);
	assert_null(s.partial); /* every chunk went back but the spare */
	assert_non_null(s.spare);
	slab_fini(&s);
}

static void slab_keeps_one_spare_chunk_against_flapping(void **state)
{
	struct slab s;
	void *a;

	slab_init(&s, 4096);
	a = slab_get(&s);
	slab_put(&s, a);
	assert_non_null(s.spare);
	assert_ptr_equal(slab_get(&s), a);
	assert_null(s.spare);
	slab_put(&s, a);
	slab_fini(&s);
}

static void slab_poisons_freed_objects(void **state)
{
#ifdef POISON_ENABLED
	struct slab s;
	char *a;

	slab_init(&s, 48);
	a = slab_get(&s);
	assert_false(__asan_address_is_poisoned(a));
	assert_true(__asan_address_is_poisoned(a + 48));
	slab_put(&s, a);
	assert_true(__asan_address_is_poisoned(a));
	assert_true(__asan_address_is_poisoned(a + 47));
	slab_fini(&s);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slab_objects_do_not_overlap_at_any_size),
		cmocka_unit_test(slab_counts_live_objects_exactly),
		cmocka_unit_test(slab_hands_out_the_last_freed_object_first),
		cmocka_unit_test(slab_reuses_the_place_in_a_chunk_that_was_full),
		cmocka_unit_test(slab_survives_random_churn),
		cmocka_unit_test(slab_keeps_one_spare_chunk_against_flapping),
		cmocka_unit_test(slab_poisons_freed_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
