#include "core/webhook.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/testing.h"

struct fixture {
	int64_t live_before;
	struct app_table *apps;
	struct app *app;
};

static int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);

	f->live_before = mem_live_bytes();
	f->apps = app_table_new((struct hash_key){ 1, 2 });
	f->app = app_table_add(f->apps, S("app-id"), S("app-key"), S("app-secret"));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	app_table_free(f->apps);
	assert_int_equal(mem_live_bytes(), f->live_before);
	xfree(f);
	return 0;
}

static struct webhook *hook(struct fixture *f)
{
	struct webhook *w = webhook_add(f->app, S("http://127.0.0.1/hook"));

	w->events = 1u << WEBHOOK_channel_occupied;
	return w;
}

static bool is_told_of(const struct webhook *w, str channel)
{
	return webhook_wants(w, WEBHOOK_channel_occupied, channel);
}

static void only_what_was_asked_for_is_wanted(void **state)
{
	struct webhook *w = hook(*state);

	assert_true(is_told_of(w, S("a")));
	assert_false(webhook_wants(w, WEBHOOK_channel_vacated, S("a")));
}

static void prefix_and_suffix_have_to_fit_both(void **state)
{
	struct webhook *w = hook(*state);

	webhook_set_prefix(w, S("private-"));
	webhook_set_suffix(w, S("-end"));
	assert_true(is_told_of(w, S("private-x-end")));
	assert_false(is_told_of(w, S("private-x")));
	assert_false(is_told_of(w, S("x-end")));
	assert_false(is_told_of(w, S("end")));
}

static void a_pattern_may_match_anywhere(void **state)
{
	struct webhook *w = hook(*state);
	struct arena a;
	str problem;

	arena_init(&a, 0);
	w->channel_pattern = pattern_new(S("a[0-9]"), &a, &problem);
	arena_fini(&a);
	assert_true(is_told_of(w, S("cache-a1-x")));
	assert_false(is_told_of(w, S("cache-ab")));
}

static void a_namespace_stands_between_kind_and_colon(void **state)
{
	struct webhook *w = hook(*state);

	webhook_add_namespace(w, S("chat"));
	webhook_add_namespace(w, S("news"));
	assert_true(is_told_of(w, S("chat:1")));
	assert_true(is_told_of(w, S("private-news:1")));
	assert_false(is_told_of(w, S("chat")));
	assert_false(is_told_of(w, S("chats:1")));
	assert_false(is_told_of(w, S(":1")));
}

static void the_app_wants_what_one_of_its_webhooks_wants(void **state)
{
	struct fixture *f = *state;

	assert_false(webhook_any_wants(f->app, UINT32_MAX));
	hook(f)->events = 0;
	hook(f)->events = 1u << WEBHOOK_cache_miss;
	assert_true(webhook_any_wants(f->app, 1u << WEBHOOK_cache_miss));
	assert_false(webhook_any_wants(f->app, 1u << WEBHOOK_channel_occupied));
}

static void a_set_outlives_its_app(void **state)
{
	struct fixture *f = *state;
	struct webhook_set *set;

	webhook_add_header(hook(f), S("X-Name"), S("value"));
	set = webhook_set_ref(f->app->webhooks);
	app_table_free(f->apps);
	f->apps = NULL;
	assert_true(str_eq(set->app_key, S("app-key")));
	assert_true(str_eq(set->hooks[0]->headers[0].value, S("value")));
	webhook_set_unref(set);
}

static struct app *app_of_next_table(struct app_table **next)
{
	*next = app_table_new((struct hash_key){ 1, 2 });
	return app_table_add(*next, S("app-id"), S("app-key"), S("app-secret"));
}

static void a_set_that_says_the_same_goes_on(void **state)
{
	struct fixture *f = *state;
	struct app_table *next;
	struct app *a = app_of_next_table(&next);

	webhook_add_header(hook(f), S("X-Name"), S("value"));
	webhook_add(a, f->app->webhooks->hooks[0]->url)->events = 1u << WEBHOOK_channel_occupied;
	app_table_follow(next, f->apps);
	assert_ptr_not_equal(a->webhooks, f->app->webhooks); /* it lacks the header */
	webhook_add_header(a->webhooks->hooks[0], S("X-Name"), S("value"));
	app_table_follow(next, f->apps);
	assert_ptr_equal(a->webhooks, f->app->webhooks);
	app_table_free(f->apps);
	f->apps = next;
	assert_true(is_told_of(a->webhooks->hooks[0], S("a")));
}

static void every_difference_makes_another_set(void **state)
{
	struct fixture *f = *state;

	hook(f);
	for (unsigned i = 0; i < 12; i++) {
		struct app_table *next;
		struct app *a = app_of_next_table(&next);
		struct webhook *w = webhook_add(a, S("http://127.0.0.1/hook"));

		w->events = 1u << WEBHOOK_channel_occupied | (i == 0);
		w->events ^= i == 1 ? 2 : 0;
		w->timeout_ms += i == 2;
		w->retry.enabled = i != 3;
		w->retry.max_attempts += i == 4;
		w->retry.max_elapsed_ms += i == 5;
		w->retry.initial_backoff_ms += i == 6;
		w->retry.max_backoff_ms += i == 7;
		webhook_set_prefix(w, i == 8 ? S("p") : S(""));
		webhook_set_suffix(w, i == 9 ? S("s") : S(""));
		if (i == 10)
			webhook_add_namespace(w, S("n"));
		a->webhooks->gather_ms += i == 11;
		app_table_follow(next, f->apps);
		assert_row((a->webhooks == f->app->webhooks) == (i == 0), i);
		app_table_free(next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(only_what_was_asked_for_is_wanted),
		TEST(prefix_and_suffix_have_to_fit_both),
		TEST(a_pattern_may_match_anywhere),
		TEST(a_namespace_stands_between_kind_and_colon),
		TEST(the_app_wants_what_one_of_its_webhooks_wants),
		TEST(a_set_outlives_its_app),
		TEST(a_set_that_says_the_same_goes_on),
		TEST(every_difference_makes_another_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
