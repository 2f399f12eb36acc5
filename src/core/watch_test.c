/* Channels are names dressed as pointers: the table only compares them. */
#include "core/watch.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

#define AS_CHANNEL(n) ((struct channel *)(uintptr_t)(n))
#define EVENTS(events)                                                                             \
	"{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[" events      \
	"]}\"}"
#define ENTRY(name, ids) "{\\\"name\\\":\\\"" name "\\\",\\\"user_ids\\\":[" ids "]}"

struct fixture {
	struct watch_table table;
	struct watch *lists[3]; /* of AS_CHANNEL(1) … */
	int64_t live_bytes;
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->live_bytes = mem_live_bytes();
	watch_init(&f->table, (struct hash_key){ 1, 2 });
	*state = f;
	return 0;
}

static void set(struct fixture *f, unsigned i, const char *watchlist)
{
	watch_set(&f->table, &f->lists[i], AS_CHANNEL(i + 1), str_from_cstr(watchlist));
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < ARRAY_LEN(f->lists); i++)
		set(f, i, "");
	watch_fini(&f->table);
	assert_int_equal(mem_live_bytes(), f->live_bytes);
	test_free(f);
	return 0;
}

/* A bit for each that watches the user: 1 << number of the channel. */
static unsigned watchers(const struct fixture *f, str user_id)
{
	const struct watched *w = watch_find(&f->table, user_id);
	unsigned bits = 0;

	if (!w)
		return 0;
	for (const struct list *l = w->watchers.next; l != &w->watchers; l = l->next) {
		uintptr_t n = (uintptr_t)container_of(l, struct watch, in_watched)->watcher;

		assert_int_equal(bits & 1u << n, 0); /* once each */
		bits |= 1u << n;
	}
	return bits;
}

static void assert_frame(struct msg *m, str want)
{
	assert_non_null(m);
	assert_str(msg_payload(m), want);
	msg_unref(m);
}

static void users_know_who_watches_them(void **state)
{
	struct fixture *f = *state;

	set(f, 0, "[\"bob\",\"carol\"]");
	set(f, 1, "[\"bob\"]");
	assert_int_equal(watchers(f, S("bob")), 1u << 1 | 1u << 2);
	assert_int_equal(watchers(f, S("carol")), 1u << 1);
	assert_int_equal(watchers(f, S("dave")), 0);
}

static void a_new_list_replaces_the_old_one(void **state)
{
	struct fixture *f = *state;

	set(f, 0, "[\"bob\",\"carol\"]");
	set(f, 1, "[\"carol\"]");
	set(f, 0, "[\"carol\",\"dave\"]");
	assert_int_equal(watchers(f, S("bob")), 0);
	assert_int_equal(watchers(f, S("carol")), 1u << 1 | 1u << 2);
	assert_int_equal(watchers(f, S("dave")), 1u << 1);
	set(f, 0, "");
	assert_int_equal(watchers(f, S("carol")), 1u << 2);
	assert_int_equal(f->table.by_user.n, 1);
}

static void repetitions_and_what_is_no_text_are_skipped(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;

	set(f, 1, "[\"bob\"]");
	set(f, 0, "[\"bob\",1,null,\"carol\",[\"x\"],{\"x\":1},\"b\\u006fb\",true,\"carol\"]");
	for (const struct watch *w = f->lists[0]; w; w = w->next)
		n++;
	assert_int_equal(n, 2);
	assert_int_equal(watchers(f, S("bob")), 1u << 1 | 1u << 2);
	assert_int_equal(f->table.by_user.n, 2);
}

static void what_is_no_list_of_users_is_an_empty_one(void **state)
{
	static const char *const rows[] = {
		"", "[]", "null", "{\"bob\":1}", "\"bob\"", "[\"bob\""
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		set(f, 0, "[\"bob\"]");
		set(f, 0, rows[i]);
		assert_row(!f->lists[0] && f->table.by_user.n == 0, i);
	}
}

static bool is_short(void *ctx, str user_id)
{
	return user_id.n <= *(size_t *)ctx;
}

static void state_names_both_sides_and_leaves_out_an_empty_one(void **state)
{
	static const struct {
		size_t online_max;
		str frame;
	} rows[] = {
#define ROW(n, events)                                                                             \
	{                                                                                          \
		n,                                                                                 \
		{                                                                                  \
			EVENTS(events), sizeof(EVENTS(events)) - 1                                 \
		}                                                                                  \
	}
		ROW(0, ENTRY("offline", "\\\"al\\\",\\\"bob\\\",\\\"c\\\\\\\"d\\\"")),
		ROW(2, ENTRY("online", "\\\"al\\\"") "," ENTRY("offline",
							       "\\\"bob\\\",\\\"c\\\\\\\"d\\\"")),
		ROW(9, ENTRY("online", "\\\"al\\\",\\\"bob\\\",\\\"c\\\\\\\"d\\\"")),
#undef ROW
	};
	struct fixture *f = *state;

	assert_null(watch_state_new(f->lists[0], is_short, NULL));
	set(f, 0, "[\"al\",\"bob\",\"c\\\"d\"]");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t max = rows[i].online_max;

		assert_frame(watch_state_new(f->lists[0], is_short, &max), rows[i].frame);
	}
}

static void edge_names_one_user(void **state)
{
	assert_frame(watch_edge_new(S("b\"b"), true),
		     S(EVENTS(ENTRY("online", "\\\"b\\\\\\\"b\\\""))));
	assert_frame(watch_edge_new(S("bob"), false), S(EVENTS(ENTRY("offline", "\\\"bob\\\""))));
}

/* A shorter list, never a broken one. */
static void without_memory_some_are_not_watched(void **state)
{
	struct fixture *f = *state;

	for (uint64_t nth = 1; nth <= 8; nth++) {
		mem_fail_nth(nth);
		set(f, 0, "[\"bob\",\"carol\",\"dave\"]");
		mem_fail_nth(0);
		size_t n = 0;

		for (const struct watch *w = f->lists[0]; w; w = w->next)
			n += watchers(f, w->watched->user_id) == 1u << 1;
		assert_row(n == f->table.by_user.n && n == (nth <= 6 ? 2 : 3), nth);
	}
	for (uint64_t nth = 1; nth <= 2; nth++) {
		mem_fail_nth(nth);
		assert_null(watch_edge_new(S("bob"), true));
		mem_fail_nth(nth);
		assert_null(watch_state_new(f->lists[0], is_short, &(size_t){ 3 }));
		mem_fail_nth(0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(users_know_who_watches_them),
		TEST(a_new_list_replaces_the_old_one),
		TEST(repetitions_and_what_is_no_text_are_skipped),
		TEST(what_is_no_list_of_users_is_an_empty_one),
		TEST(state_names_both_sides_and_leaves_out_an_empty_one),
		TEST(edge_names_one_user),
		TEST(without_memory_some_are_not_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
