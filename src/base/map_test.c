#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/testing.h"

#include <stdio.h>

enum { N = 2000 };

struct entry {
	uint64_t hash;
	char name[16];
	size_t name_len;
	bool is_in;
};

static str entry_key(const void *value)
{
	const struct entry *e = value;

	return (str){ e->name, e->name_len };
}

static void entry_init(struct entry *e, size_t id, uint64_t hash_mask)
{
	static const struct hash_key KEY = { 3, 4 };

	e->name_len = (size_t)snprintf(e->name, sizeof(e->name), "channel-%zu", id);
	e->hash = hash_str(&KEY, entry_key(e)) & hash_mask;
	e->is_in = false;
}

static void map_empty_finds_nothing_and_owns_nothing(void **state)
{
	int64_t start = mem_live_bytes();
	struct map m;
	size_t it = 0;

	map_init(&m, entry_key);
	assert_null(map_find(&m, 5, S("x")));
	assert_null(map_next(&m, &it));
	assert_int_equal(mem_live_bytes(), start);
	map_fini(&m);
}

/* Random puts and removes against the flags in the entries. The narrower the hash, the longer
 * the probes, the more of them wrap around and the more often keys must be compared. */
static void churn(uint64_t hash_mask)
{
	static struct entry entries[N];
	int64_t start = mem_live_bytes();
	uint64_t dice = 7;
	size_t n_in = 0;
	struct map m;

	map_init(&m, entry_key);
	for (size_t i = 0; i < N; i++)
		entry_init(&entries[i], i, hash_mask);
	for (int step = 0; step < 40000; step++) {
		dice = dice * 6364136223846793005u + 1442695040888963407u;
		struct entry *e = &entries[(dice >> 33) % N];

		assert_ptr_equal(map_find(&m, e->hash, entry_key(e)), e->is_in ? e : NULL);
		if (e->is_in)
			map_remove(&m, e->hash, e);
		else
			map_put(&m, e->hash, e);
		e->is_in = !e->is_in;
		n_in = e->is_in ? n_in + 1 : n_in - 1;
		assert_int_equal(m.n, n_in);
	}
	for (size_t i = 0; i < N; i++) {
		struct entry *e = &entries[i];

		assert_ptr_equal(map_find(&m, e->hash, entry_key(e)), e->is_in ? e : NULL);
	}
	for (size_t i = 0; i < N; i++)
		if (entries[i].is_in)
			map_remove(&m, entries[i].hash, &entries[i]);
	assert_int_equal(mem_live_bytes(), start);
	map_fini(&m);
}

static void map_agrees_with_a_model_under_churn(void **state)
{
	churn(UINT64_MAX);
}

static void map_tells_colliding_names_apart(void **state)
{
	churn(0x7f);
}

static void map_with_integer_keys_needs_no_key_function(void **state)
{
	static int values[N];
	struct map m;

	map_init(&m, NULL);
	for (uint64_t i = 0; i < N; i++)
		map_put(&m, hash_u64(i), &values[i]);
	for (uint64_t i = 0; i < N; i++)
		assert_ptr_equal(map_find(&m, hash_u64(i), (str){ NULL, 0 }), &values[i]);
	assert_null(map_find(&m, hash_u64(N), (str){ NULL, 0 }));
	map_fini(&m);
	assert_null(map_find(&m, hash_u64(1), (str){ NULL, 0 }));
}

static void map_next_visits_each_value_once(void **state)
{
	static struct entry entries[N];
	struct entry *e;
	size_t it = 0, n_seen = 0;
	struct map m;

	map_init(&m, entry_key);
	for (size_t i = 0; i < N; i++) {
		entry_init(&entries[i], i, UINT64_MAX);
		map_put(&m, entries[i].hash, &entries[i]);
	}
	while ((e = map_next(&m, &it))) {
		assert_false(e->is_in);
		e->is_in = true;
		n_seen++;
	}
	assert_int_equal(n_seen, N);
	map_fini(&m);
}

static void map_shrinks_with_its_content(void **state)
{
	static struct entry entries[N];
	size_t cap_full;
	struct map m;

	map_init(&m, entry_key);
	for (size_t i = 0; i < N; i++) {
		entry_init(&entries[i], i, UINT64_MAX);
		map_put(&m, entries[i].hash, &entries[i]);
	}
	cap_full = m.cap;
	assert_true(m.cap / 4 * 3 >= N);
	for (size_t i = 10; i < N; i++)
		map_remove(&m, entries[i].hash, &entries[i]);
	assert_true(m.cap <= 128 && m.cap < cap_full);
	for (size_t i = 0; i < 10; i++)
		assert_ptr_equal(map_find(&m, entries[i].hash, entry_key(&entries[i])),
				 &entries[i]);
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_empty_finds_nothing_and_owns_nothing),
		cmocka_unit_test(map_agrees_with_a_model_under_churn),
		cmocka_unit_test(map_tells_colliding_names_apart),
		cmocka_unit_test(map_with_integer_keys_needs_no_key_function),
		cmocka_unit_test(map_next_visits_each_value_once),
		cmocka_unit_test(map_shrinks_with_its_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
