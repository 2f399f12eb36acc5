#include "base/secret.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

static const char marker[] = "a marker that is not in this program twice";

/* Does the mapping around p say so in its VmFlags? Two letters each: smaps of proc(5). */
static bool has_flag(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	bool is_around = false, found = false;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *end;
		uintptr_t from = strtoull(line, &end, 16), to;

		if (*end == '-') {
			to = strtoull(end + 1, NULL, 16);
			is_around = (uintptr_t)p >= from && (uintptr_t)p < to;
		}
		if (is_around && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(f);
	return found;
}

/* ThreadSanitizer answers mlock itself, and locks nothing. */
static bool locks_are_real(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool is_real = mlock(p, 4096) != 0 || has_flag(p, " lo");

	munmap(p, 4096);
	return is_real;
}

static void secret_memory_is_locked_and_left_out_of_dumps_and_forks(void **state)
{
	size_t sizes[] = { 1, 64, 5000, 16 << 10, 100000 };

	if (SECRET_ON_HEAP)
		skip();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void *p = secret_alloc(sizes[i]);

		assert_true(has_flag(p, " dd"));
		assert_true(has_flag(p, " dc"));
		if (locks_are_real())
			assert_true(has_flag(p, " lo") || secret_memory().unlocked_bytes > 0);
		secret_free(p, sizes[i]);
	}
}

static void secret_blocks_are_zeroed_when_new_and_when_used_again(void **state)
{
	static const char zeros[3000];

	for (int round = 0; round < 3; round++) {
		char *p = secret_alloc(sizeof(zeros));

		assert_memory_equal(p, zeros, sizeof(zeros));
		memset(p, 'x', sizeof(zeros));
		secret_free(p, sizeof(zeros));
	}
}

static void secret_blocks_are_wiped_when_they_are_freed(void **state)
{
	char *p;

	if (SECRET_ON_HEAP)
		skip();
	p = secret_alloc(200);
	memset(p, 'x', 200);
	secret_free(p, 200);
	/* Behind the link to the next free block, nothing; the page is still there. */
	for (size_t i = sizeof(void *); i < 200; i++)
		assert_int_equal(p[i], 0);
}

static void secret_sizes_are_kept_apart(void **state)
{
	enum { N = 600 };
	char *blocks[N];

	for (size_t i = 0; i < N; i++) {
		blocks[i] = secret_alloc(i * 37);
		memset(blocks[i], (int)(i % 251), i * 37);
	}
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < i * 37; j++)
			assert_int_equal((unsigned char)blocks[i][j], i % 251);
	}
	for (size_t i = 0; i < N; i++)
		secret_free(blocks[i], i * 37);
}

static void secret_bytes_count_as_live(void **state)
{
	int64_t start = mem_live_bytes();
	void *small = secret_alloc(100), *large = secret_alloc(1 << 20);
	str s = secret_str(S("hush"));

	assert_true(mem_live_bytes() >= start + (1 << 20) + 105);
	assert_true(str_eq(s, S("hush")) && s.p[4] == '\0');
	secret_str_free(s);
	secret_free(large, 1 << 20);
	secret_free(small, 100);
	secret_free(NULL, 9);
	assert_int_equal(mem_live_bytes(), start);
}

static void secret_memory_goes_on_where_nothing_may_be_locked(void **state)
{
	struct rlimit had, none;
	struct secret_memory before = secret_memory();
	char *p;

	if (SECRET_ON_HEAP)
		skip();
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &had), 0);
	none = (struct rlimit){ 0, had.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	p = secret_alloc(1 << 20);
	memset(p, 'x', 1 << 20);
	assert_true(has_flag(p, " dd"));
	/* Root may lock whatever the limit says. */
	if (locks_are_real() && !has_flag(p, " lo"))
		assert_true(secret_memory().unlocked_bytes >= before.unlocked_bytes + (1 << 20));
	secret_free(p, 1 << 20);
	assert_int_equal(secret_memory().unlocked_bytes, before.unlocked_bytes);
	assert_int_equal(secret_memory().bytes, before.bytes);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &had), 0);
}

static void a_secret_arena_and_a_secret_buf_are_of_secret_memory(void **state)
{
	int64_t start = mem_live_bytes();
	struct arena a;
	struct buf b;

	arena_init_secret(&a);
	buf_init_secret(&b, 1 << 20);
	for (int i = 0; i < 2000; i++) {
		arena_copy(&a, str_from_cstr(marker));
		buf_puts(&b, str_from_cstr(marker));
	}
	assert_true(buf_ok(&b) && str_has_prefix(buf_str(&b), str_from_cstr(marker)));
	if (!SECRET_ON_HEAP) {
		assert_true(has_flag(arena_copy(&a, str_from_cstr(marker)).p, " dd"));
		assert_true(has_flag(b.p, " dd"));
	}
	arena_fini(&a);
	buf_fini(&b);
	buf_puts(&b, S("again"));
	assert_true(SECRET_ON_HEAP || has_flag(b.p, " dd"));
	buf_fini(&b);
	assert_int_equal(mem_live_bytes(), start);
}

static void secret_blocks_are_known_by_their_address(void **state)
{
	char *small = secret_alloc(SECRET_BLOCK_BYTES_MAX), *heap = xalloc(100), on_stack;

	assert_int_equal(secret_owns(small), !SECRET_ON_HEAP);
	assert_int_equal(secret_owns(small + SECRET_BLOCK_BYTES_MAX - 1), !SECRET_ON_HEAP);
	assert_false(secret_owns(heap) || secret_owns(&on_stack) || secret_owns(NULL));
	secret_free(small, SECRET_BLOCK_BYTES_MAX);
	xfree(heap);
}

static void *take_and_give(void *arg)
{
	for (size_t i = 0; i < 2000; i++) {
		size_t n = i * 7 % 900;
		char *p = secret_alloc(n);

		memset(p, 1, n);
		secret_free(p, n);
	}
	return NULL;
}

static void secret_memory_is_for_all_threads(void **state)
{
	int64_t start = mem_live_bytes();
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(mem_live_bytes(), start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_memory_is_locked_and_left_out_of_dumps_and_forks),
		cmocka_unit_test(secret_blocks_are_zeroed_when_new_and_when_used_again),
		cmocka_unit_test(secret_blocks_are_wiped_when_they_are_freed),
		cmocka_unit_test(secret_sizes_are_kept_apart),
		cmocka_unit_test(secret_bytes_count_as_live),
		cmocka_unit_test(secret_memory_goes_on_where_nothing_may_be_locked),
		cmocka_unit_test(a_secret_arena_and_a_secret_buf_are_of_secret_memory),
		cmocka_unit_test(secret_blocks_are_known_by_their_address),
		cmocka_unit_test(secret_memory_is_for_all_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
