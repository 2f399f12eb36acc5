/* The hub when its apps change while two workers go on. */
#include "core/hub.h"

#include "base/mem.h"
#include "base/testing.h"
#include "core/hub_testing.h"

/* What follows f's apps, with this quota for app-id; without "other" if it is to go. */
static struct app_table *next_table(const struct hub_fixture *f, uint32_t quota, bool has_other)
{
	struct app_table *t = app_table_new(f->apps->hash_key);

	app_table_add(t, S("new"), S("new-key"), S("new-secret"));
	app_table_add(t, S("app-id"), S("app-key"), S("app-secret"))->limits.max_connections =
		quota;
	if (has_other)
		app_table_add(t, S("other"), S("other-key"), S("other-secret"));
	app_table_follow(t, f->apps);
	return t;
}

/* The fixture asks in the name of its app. */
static void use(struct hub_fixture *f, struct app_table *t)
{
	app_table_free(f->apps);
	f->apps = t;
	f->app = (struct app *)app_by_id(t, S("app-id"));
}

static void reload_of(struct hub_fixture *f, unsigned worker, const struct app_table *t)
{
	tell_reload(f, worker, t, RELOAD_SWITCHED);
	tell_reload(f, worker, t, RELOAD_SWEPT);
	tell_reload(f, worker, t, RELOAD_DONE);
}

static void reload_is_over_when_every_worker_is_done(void **state)
{
	struct hub_fixture *f = *state;
	struct app_table *t = next_table(f, 0, true);

	reload_of(f, 0, t);
	assert_said(f, "0 reload step 1\n0 reload step 2\n");
	reload_of(f, 1, t);
	assert_said(f, "1 reload step 1\n1 reload step 2\nreloaded\n");
	use(f, t);
}

static void channels_and_their_members_are_there_afterwards(void **state)
{
	struct hub_fixture *f = *state;
	struct place a = ask_subscribe(f, 0, 1, 11, S("presence-x"), S("u"), S(""));
	struct app_table *t = next_table(f, 0, false);

	reload_of(f, 0, t);
	reload_of(f, 1, t);
	buf_clear(&f->said);
	use(f, t);
	assert_int_equal(hub_count(f->hub, f->app).presence_members, 1);
	assert_int_equal(hub_count(f->hub, app_by_id(t, S("new"))).channels, 0);
	tell_leave(f, a);
	assert_said(f, "0 released 11\n");
}

/* The old record still counts; the limit is that of the newest table. */
static void first_switch_makes_limits_hold_for_all_workers(void **state)
{
	struct hub_fixture *f = *state;
	struct app_table *t = next_table(f, 1, true);

	ask_connect(f, 0, 1);
	ask_connect(f, 1, 2);
	assert_said(f, "0 connected 1\n1 connected 2\n");
	tell_reload(f, 0, t, RELOAD_SWITCHED);
	ask_connect(f, 1, 3);
	assert_said(f, "1 connected 3 over quota\n");
	tell_disconnect(f, 0);
	tell_disconnect(f, 1);
	reload_of(f, 1, t);
	tell_reload(f, 0, t, RELOAD_SWEPT);
	tell_reload(f, 0, t, RELOAD_DONE);
	buf_clear(&f->said);
	use(f, t);
	ask_connect(f, 1, 4);
	assert_said(f, "1 connected 4\n");
	tell_disconnect(f, 1);
}

/* A worker that has not heard of a quota lets its connections in without asking. */
static void who_does_not_wait_for_an_answer_is_counted(void **state)
{
	struct hub_fixture *f = *state;
	struct app_table *t = next_table(f, 1, true);
	struct to_hub_connect r = { .app = f->app };

	tell_reload(f, 0, t, RELOAD_SWITCHED);
	hub_take(f->hub, 1, TO_HUB_CONNECT, &r);
	hub_take(f->hub, 1, TO_HUB_CONNECT, &r);
	assert_int_equal(hub_count(f->hub, f->app).connections, 2);
	tell_disconnect(f, 1);
	tell_disconnect(f, 1);
	reload_of(f, 1, t);
	tell_reload(f, 0, t, RELOAD_SWEPT);
	tell_reload(f, 0, t, RELOAD_DONE);
	buf_clear(&f->said);
	use(f, t);
}

static void thousand_reloads_leave_no_more_than_one(void **state)
{
	struct hub_fixture *f = *state;
	int64_t live = 0;

	for (unsigned i = 0; i <= 1000; i++) {
		struct app_table *t = next_table(f, i, i % 2 == 0);

		reload_of(f, i % 2, t);
		reload_of(f, 1 - i % 2, t);
		buf_clear(&f->said);
		f->last = NULL;
		use(f, t);
		assert_true(t->n_slots <= 4);
		if (i == 100)
			live = mem_live_bytes();
	}
	/* The heap may round up otherwise. */
	assert_in_range(mem_live_bytes(), live - 500, live + 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(reload_is_over_when_every_worker_is_done),
		HUB_TEST(channels_and_their_members_are_there_afterwards),
		HUB_TEST(first_switch_makes_limits_hold_for_all_workers),
		HUB_TEST(who_does_not_wait_for_an_answer_is_counted),
		HUB_TEST(thousand_reloads_leave_no_more_than_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
