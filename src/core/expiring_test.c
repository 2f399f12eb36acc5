#include "core/expiring.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/testing.h"

static struct msg *text_new(str text)
{
	struct msg *m = msg_new(text.n);

	memcpy(m->bytes, text.p, text.n);
	return m;
}

static uint64_t hash_of(str name)
{
	return hash_str(&(struct hash_key){ 1, 2 }, name);
}

static void put(struct expiring *x, str name, str text, uint64_t now_ms)
{
	expiring_put(x, hash_of(name), name, text_new(text), now_ms);
}

/* What stands for the name; p is NULL when nothing does. */
static str get(struct expiring *x, str name, uint64_t now_ms)
{
	const struct expiring_entry *e = expiring_find(x, hash_of(name), name, now_ms);

	return e ? msg_str(e->msg) : (str){ 0 };
}

static int set_up(void **state)
{
	static int64_t live_bytes;

	live_bytes = mem_live_bytes();
	*state = &live_bytes;
	return 0;
}

static int tear_down(void **state)
{
	assert_int_equal(mem_live_bytes(), *(int64_t *)*state);
	return 0;
}

static void entry_lasts_for_its_lifetime_and_no_longer(void **state)
{
	struct expiring x;

	expiring_init(&x, 1000, 10);
	put(&x, S("a"), S("1"), 5000);
	assert_str(get(&x, S("a"), 5999), S("1"));
	assert_null(get(&x, S("b"), 5999).p);
	assert_null(get(&x, S("a"), 6000).p);
	assert_int_equal(x.by_name.n, 0);
	expiring_fini(&x);
}

static void later_entry_replaces_an_earlier_one_and_lasts_anew(void **state)
{
	struct expiring x;

	expiring_init(&x, 1000, 10);
	put(&x, S("a"), S("1"), 0);
	put(&x, S("b"), S("2"), 100);
	put(&x, S("a"), S("3"), 900);
	assert_int_equal(x.by_name.n, 2);
	assert_str(get(&x, S("a"), 1000), S("3"));
	assert_str(get(&x, S("b"), 1000), S("2"));
	assert_null(get(&x, S("b"), 1100).p);
	assert_str(get(&x, S("a"), 1899), S("3"));
	expiring_fini(&x);
}

static void full_table_forgets_the_oldest(void **state)
{
	struct expiring x;

	expiring_init(&x, 1000, 2);
	put(&x, S("a"), S("1"), 0);
	put(&x, S("b"), S("2"), 0);
	put(&x, S("a"), S("3"), 0); /* younger than b now */
	put(&x, S("c"), S("4"), 0);
	assert_null(get(&x, S("b"), 0).p);
	assert_str(get(&x, S("a"), 0), S("3"));
	assert_str(get(&x, S("c"), 0), S("4"));
	assert_int_equal(x.by_name.n, 2);
	expiring_fini(&x);
}

static void expired_entries_give_way_before_living_ones(void **state)
{
	struct expiring x;

	expiring_init(&x, 1000, 2);
	put(&x, S("a"), S("1"), 0);
	put(&x, S("b"), S("2"), 900);
	put(&x, S("c"), S("3"), 1000);
	assert_str(get(&x, S("b"), 1000), S("2"));
	assert_str(get(&x, S("c"), 1000), S("3"));
	expiring_fini(&x);
}

static void nothing_is_kept_without_a_lifetime_or_without_room(void **state)
{
	struct expiring x;

	expiring_init(&x, 0, 10);
	put(&x, S("a"), S("1"), 0);
	assert_null(get(&x, S("a"), 0).p);
	expiring_fini(&x);
	expiring_init(&x, 1000, 0);
	put(&x, S("a"), S("1"), 0);
	assert_null(get(&x, S("a"), 0).p);
	expiring_fini(&x);
}

static void name_alone_may_be_what_is_kept(void **state)
{
	struct expiring x;
	const struct expiring_entry *e;

	expiring_init(&x, 1000, 10);
	expiring_put(&x, hash_of(S("a")), S("a"), NULL, 0);
	e = expiring_find(&x, hash_of(S("a")), S("a"), 999);
	assert_non_null(e);
	assert_null(e->msg);
	expiring_fini(&x);
}

/* The old message would be a lie. */
static void without_memory_neither_the_new_nor_the_old_is_kept(void **state)
{
	struct expiring x;
	struct msg *m = text_new(S("2"));

	expiring_init(&x, 1000, 10);
	put(&x, S("a"), S("1"), 0);
	mem_fail_nth(1);
	expiring_put(&x, hash_of(S("a")), S("a"), m, 0);
	mem_fail_nth(0);
	assert_null(get(&x, S("a"), 0).p);
	assert_int_equal(x.by_name.n, 0);
	expiring_fini(&x);
}

/* Thousands come and go; what is found is always what a plain model says. */
static void table_agrees_with_a_model(void **state)
{
	enum { N_NAMES = 50, TTL_MS = 70, N_MAX = 30 };
	struct {
		uint64_t put_ms, n; /* n: the n-th put; 0: never */
	} model[N_NAMES] = { 0 };
	uint64_t now_ms = 1000, seed = 1;
	struct expiring x;

	expiring_init(&x, TTL_MS, N_MAX);
	for (uint64_t n = 1; n <= 5000; n++) {
		char name[2] = { 'n', 0 }, text[2] = { 't', 0 };
		size_t i, n_younger = 0;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		i = (size_t)(seed >> 33) % N_NAMES;
		now_ms += (seed >> 50) % 4;
		name[1] = (char)('A' + i);
		text[1] = (char)n;
		for (size_t k = 0; k < N_NAMES; k++)
			n_younger += model[k].n > model[i].n;
		if (model[i].n > 0 && now_ms < model[i].put_ms + TTL_MS && n_younger < N_MAX)
			assert_int_equal(get(&x, (str){ name, 2 }, now_ms).p[1], (char)model[i].n);
		else
			assert_null(get(&x, (str){ name, 2 }, now_ms).p);
		put(&x, (str){ name, 2 }, (str){ text, 2 }, now_ms);
		model[i].put_ms = now_ms;
		model[i].n = n;
	}
	expiring_fini(&x);
}

static void other_lifetime_holds_for_what_is_there(void **state)
{
	struct expiring x;

	expiring_init(&x, 1000, 10);
	put(&x, S("a"), S("1"), 5);
	put(&x, S("b"), S("2"), 500);
	expiring_set(&x, 200, 10, 600);
	assert_null(get(&x, S("a"), 600).p);
	assert_str(get(&x, S("b"), 699), S("2"));
	put(&x, S("c"), S("3"), 650);
	expiring_set(&x, 5000, 10, 660);
	assert_str(get(&x, S("b"), 5499), S("2"));
	assert_null(get(&x, S("b"), 5500).p);
	assert_str(get(&x, S("c"), 5649), S("3"));
	expiring_set(&x, 0, 10, 5500);
	assert_null(get(&x, S("c"), 5500).p);
	expiring_fini(&x);
}

static void less_room_forgets_the_oldest(void **state)
{
	struct expiring x;

	expiring_init(&x, 1000, 3);
	put(&x, S("a"), S("1"), 0);
	put(&x, S("b"), S("2"), 0);
	put(&x, S("c"), S("3"), 0);
	expiring_set(&x, 1000, 1, 1);
	assert_null(get(&x, S("b"), 1).p);
	assert_str(get(&x, S("c"), 1), S("3"));
	expiring_set(&x, 1000, 0, 1);
	assert_null(get(&x, S("c"), 1).p);
	expiring_fini(&x);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(entry_lasts_for_its_lifetime_and_no_longer),
		TEST(later_entry_replaces_an_earlier_one_and_lasts_anew),
		TEST(full_table_forgets_the_oldest),
		TEST(expired_entries_give_way_before_living_ones),
		TEST(nothing_is_kept_without_a_lifetime_or_without_room),
		TEST(name_alone_may_be_what_is_kept),
		TEST(without_memory_neither_the_new_nor_the_old_is_kept),
		TEST(other_lifetime_holds_for_what_is_there),
		TEST(less_room_forgets_the_oldest),
		TEST(table_agrees_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
