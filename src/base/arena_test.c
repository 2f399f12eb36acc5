#include "base/arena.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/poison.h"
#include "base/testing.h"

static void arena_blocks_are_aligned_and_do_not_overlap(void **state)
{
	struct arena a;
	unsigned char *blocks[200];

	arena_init(&a, 64 * 1024);
	for (size_t i = 0; i < 200; i++) {
		blocks[i] = arena_alloc(&a, i * 3);
		assert_int_equal((uintptr_t)blocks[i] % 16, 0);
		memset(blocks[i], (int)i, i * 3);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t j = 0; j < i * 3; j++)
			assert_int_equal(blocks[i][j], i);
	arena_fini(&a);
}

static void arena_serves_blocks_larger_than_it_keeps(void **state)
{
	struct arena a;
	char *p;

	arena_init(&a, 100);
	p = arena_alloc(&a, 1 << 20);
	p[0] = p[(1 << 20) - 1] = 'x';
	arena_reset(&a);
	assert_null(a.chunks);
	arena_fini(&a);
}

static void arena_copy_is_followed_by_a_nul(void **state)
{
	struct arena a;

	arena_init(&a, 4096);
	assert_string_equal(arena_copy(&a, S("hello")).p, "hello");
	assert_string_equal(arena_copy(&a, (str){ NULL, 0 }).p, "");
	arena_fini(&a);
}

static void arena_reuses_its_chunk_after_a_reset(void **state)
{
	struct arena a;
	void *first = NULL;

	arena_init(&a, 64 * 1024);
	for (int turn = 0; turn < 20; turn++) {
		void *p = arena_alloc(&a, 100);

		for (int i = 0; i < 300; i++)
			arena_alloc(&a, 100);
		if (turn == 10)
			first = p;
		if (turn > 10)
			assert_ptr_equal(p, first);
		arena_reset(&a);
	}
	arena_fini(&a);
}

static void arena_joins_pieces_and_writes_numbers(void **state)
{
	str pieces[] = { S("a"), { NULL, 0 }, S("bc"), S("") };
	struct arena a;
	str joined;

	arena_init(&a, 4096);
	joined = arena_join(&a, pieces, ARRAY_LEN(pieces));
	assert_str(joined, S("abc"));
	assert_int_equal(joined.p[3], 0);
	assert_int_equal(arena_join(&a, pieces, 0).n, 0);
	assert_str(arena_number(&a, 0), S("0"));
	assert_str(arena_number(&a, UINT64_MAX), S("18446744073709551615"));
	arena_fini(&a);
}

static void arena_is_not_counted_as_live(void **state)
{
	int64_t start = mem_live_bytes();
	struct arena a;

	arena_init(&a, 4096);
	arena_alloc(&a, 1000);
	assert_int_equal(mem_live_bytes(), start);
	arena_fini(&a);
}

static void arena_poisons_what_was_reset(void **state)
{
#ifdef POISON_ENABLED
	struct arena a;
	char *p;

	arena_init(&a, 4096);
	p = arena_alloc(&a, 10);
	assert_false(__asan_address_is_poisoned(p + 9));
	assert_true(__asan_address_is_poisoned(p + 10));
	arena_reset(&a);
	assert_true(__asan_address_is_poisoned(p));
	arena_fini(&a);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_blocks_are_aligned_and_do_not_overlap),
		cmocka_unit_test(arena_serves_blocks_larger_than_it_keeps),
		cmocka_unit_test(arena_copy_is_followed_by_a_nul),
		cmocka_unit_test(arena_reuses_its_chunk_after_a_reset),
		cmocka_unit_test(arena_joins_pieces_and_writes_numbers),
		cmocka_unit_test(arena_is_not_counted_as_live),
		cmocka_unit_test(arena_poisons_what_was_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
