#include "base/mem.h"

#include "base/testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_THREADS = 4, N_BLOCKS = 200 };

static void mem_live_bytes_returns_exactly_to_the_start(void **state)
{
	int64_t start = mem_live_bytes();
	void *a = xalloc(100), *b = xcalloc(3, 50), *c = try_alloc(7);

	assert_true(mem_live_bytes() >= start + 257);
	a = xrealloc(a, 5000);
	assert_true(mem_live_bytes() >= start + 5157);
	c = try_realloc(c, 1);
	b = xrealloc(b, 10);
	xfree(a);
	xfree(b);
	xfree(c);
	xfree(NULL);
	assert_int_equal(mem_live_bytes(), start);
}

static void mem_xcalloc_is_zeroed_and_zero_bytes_are_a_block(void **state)
{
	unsigned char *p = xcalloc(4, 16);
	void *none = xalloc(0);

	for (int i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
	none = xrealloc(none, 0);
	assert_non_null(none);
	xfree(none);
	xfree(p);
}

static void mem_slab_objects_count_through_mem_count(void **state)
{
	int64_t start = mem_live_bytes();
	void *chunk = mem_chunk_alloc(4096, 10000);

	assert_int_equal((uintptr_t)chunk % 4096, 0);
	assert_int_equal(mem_live_bytes(), start);
	mem_count(48);
	assert_int_equal(mem_live_bytes(), start + 48);
	mem_count(-48);
	mem_chunk_free(chunk);
	assert_int_equal(mem_live_bytes(), start);
}

static void mem_fail_nth_fails_that_one_alone(void **state)
{
	void *p;

	mem_fail_nth(2);
	p = try_alloc(10);
	assert_non_null(p);
	assert_null(try_realloc(p, 20));
	p = try_realloc(p, 20); /* the block survived its refusal */
	assert_non_null(p);
	mem_fail_nth(1);
	mem_fail_nth(0);
	p = try_realloc(p, 30);
	assert_non_null(p);
	xfree(p);
}

static void *fill_blocks(void *arg)
{
	void **blocks = arg;

	for (int i = 0; i < N_BLOCKS; i++)
		blocks[i] = xalloc((size_t)i * 7 + 1);
	return NULL;
}

static void *free_blocks(void *arg)
{
	void **blocks = arg;

	for (int i = 0; i < N_BLOCKS; i++)
		xfree(blocks[i]);
	return NULL;
}

static void mem_counts_what_another_thread_frees(void **state)
{
	static void *blocks[N_THREADS][N_BLOCKS];
	int64_t start = mem_live_bytes();
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fill_blocks, blocks[i]), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	/* They ended; what they took still counts. */
	assert_true(mem_live_bytes() > start);
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, free_blocks, blocks[i]), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(mem_live_bytes(), start);
}

static pthread_key_t late_key;

static void *leave_a_late_block(void *arg)
{
	/* Made after mem's own key, so this destructor runs after mem's. */
	pthread_setspecific(late_key, xalloc(123));
	return NULL;
}

static void mem_counts_frees_of_late_destructors(void **state)
{
	int64_t start = mem_live_bytes();
	pthread_t thread;

	assert_int_equal(pthread_key_create(&late_key, xfree), 0);
	assert_int_equal(pthread_create(&thread, NULL, leave_a_late_block, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(mem_live_bytes(), start);
	pthread_key_delete(late_key);
}

/* Pages of files that are mapped here. */
static unsigned long file_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	unsigned long kb = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "RssFile:", 8) == 0)
			kb = strtoul(line + 8, NULL, 10);
	fclose(f);
	return kb;
}

static void mem_lets_go_of_code_and_goes_on(void **state)
{
	static const char CONSTANT[] = "still here";
	static int variable = 7;
	unsigned long before = file_kb();

	variable++;
	mem_let_go_of_code();
	assert_true(file_kb() < before);
	assert_string_equal(CONSTANT, "still here");
	assert_int_equal(variable, 8);
}

static void a_copy_of_a_text_ends_with_a_nul_and_counts_until_it_is_freed(void **state)
{
	int64_t before = mem_live_bytes();
	str copy = str_dup((str){ "abc", 2 }), empty = str_dup((str){ 0 });

	assert_int_equal(copy.n, 2);
	assert_string_equal(copy.p, "ab");
	assert_string_equal(empty.p, "");
	assert_true(mem_live_bytes() > before);
	str_free(copy);
	str_free(empty);
	str_free((str){ 0 });
	assert_int_equal(mem_live_bytes(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_of_a_text_ends_with_a_nul_and_counts_until_it_is_freed),
		cmocka_unit_test(mem_live_bytes_returns_exactly_to_the_start),
		cmocka_unit_test(mem_xcalloc_is_zeroed_and_zero_bytes_are_a_block),
		cmocka_unit_test(mem_slab_objects_count_through_mem_count),
		cmocka_unit_test(mem_fail_nth_fails_that_one_alone),
		cmocka_unit_test(mem_counts_what_another_thread_frees),
		cmocka_unit_test(mem_counts_frees_of_late_destructors),
		cmocka_unit_test(mem_lets_go_of_code_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
