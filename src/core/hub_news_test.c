/* hub_news_test.c: what webhooks can hear of. "news …" stands where it was told. */
#include "core/hub_testing.h"

static void listen_for(struct hub_fixture *f, uint32_t events)
{
	webhook_add(f->app, S("http://a/"))->events = events;
	hub_meet_apps(f->hub);
}

/* Was it said since the last assert_said? */
#define HAS_SAID(f, text)                                                                          \
	(hub_write_down(f), memmem((f)->said.p, (f)->said.len, text, sizeof(text) - 1) != NULL)

#define BIT(name) (1u << WEBHOOK_##name)

static void a_channel_has_two_edges(void **state)
{
	struct hub_fixture *f = *state;
	struct place a, b;

	listen_for(f, BIT(channel_vacated)); /* one edge is told with the other */
	a = ask_public(f, 0, 1, 11, S("a"));
	b = ask_public(f, 1, 2, 12, S("a"));
	assert_said(f, "news channel_occupied a\n0 subscribed 1\n1 subscribed 2\n");
	tell_leave(f, a);
	assert_said(f, "0 released 11\n");
	tell_leave(f, b);
	assert_said(f, "1 released 12\nnews channel_vacated a\n");
	a = ask_public(f, 0, 1, 11, S("a"));
	tell_hang_up(f, a);
	assert_said(f, "news channel_occupied a\n0 subscribed 1\n0 released 11\n"
		       "news channel_vacated a hung up\n");
}

static void a_member_comes_with_the_first_and_goes_with_the_last_connection(void **state)
{
	struct hub_fixture *f = *state;
	struct place a, b;

	listen_for(f, BIT(member_added) | BIT(subscription_count));
	a = ask_subscribe(f, 0, 1, 11, S("presence-a"), S("u"), S(""));
	assert_true(HAS_SAID(f, "news member_added presence-a u\n"));
	buf_clear(&f->said);
	b = ask_subscribe(f, 0, 2, 11, S("presence-a"), S("u"), S(""));
	hub_end_batch(f->hub); /* presence channels have members, not counts */
	tell_leave(f, a);
	assert_false(HAS_SAID(f, "news"));
	buf_clear(&f->said);
	tell_hang_up(f, b);
	assert_said(f, "0 released 11\nnews member_removed presence-a u hung up\n");
	a = ask_subscribe(f, 0, 1, 11, S("presence-a"), S("v"), S(""));
	buf_clear(&f->said);
	tell_leave(f, a);
	assert_said(f, "0 released 11\nnews member_removed presence-a v\n");
}

static void who_is_refused_is_no_news(void **state)
{
	struct hub_fixture *f = *state;

	listen_for(f, UINT32_MAX);
	f->app->limits.max_presence_members_per_channel = 0;
	ask_subscribe(f, 0, 1, 11, S("presence-a"), S("u"), S(""));
	assert_said(f, "0 subscribed 1 full\n");
}

static void counts_are_told_once_for_all_changes_of_a_batch(void **state)
{
	struct hub_fixture *f = *state;
	struct place a, b;

	listen_for(f, BIT(subscription_count));
	a = ask_public(f, 0, 1, 11, S("a"));
	b = ask_public(f, 0, 2, 11, S("a"));
	assert_said(f, "0 subscribed 1\n0 subscribed 2\n");
	hub_end_batch(f->hub);
	assert_said(f, "news subscription_count a 2\n");
	ask_again(f, 1, 11, a); /* changes nothing */
	hub_end_batch(f->hub);
	assert_said(f, "0 subscribed 1 again\n");
	tell_leave(f, a);
	hub_end_batch(f->hub);
	assert_said(f, "news subscription_count a 1\n");
	tell_leave(f, b);
	assert_said(f, "0 released 11\nnews subscription_count a 0\n");
	hub_end_batch(f->hub);
	assert_said(f, "");
}

static void counts_for_clients_and_for_webhooks_do_without_each_other(void **state)
{
	struct hub_fixture *f = *state;
	struct place a;

	f->app->enable_subscription_count = true;
	a = ask_public(f, 0, 1, 11, S("a"));
	hub_end_batch(f->hub);
	assert_true(HAS_SAID(f, "0 deliver 11"));
	assert_false(HAS_SAID(f, "news"));
	buf_clear(&f->said);
	listen_for(f, BIT(subscription_count));
	ask_public(f, 0, 2, 11, S("a"));
	hub_end_batch(f->hub);
	assert_true(HAS_SAID(f, "\\\"subscription_count\\\":2}"));
	assert_true(HAS_SAID(f, "news subscription_count a 2\n"));
	buf_clear(&f->said);
	f->app->enable_subscription_count = false;
	ask_public(f, 0, 3, 11, S("a"));
	hub_end_batch(f->hub);
	assert_said(f, "0 subscribed 3\nnews subscription_count a 3\n");
	tell_leave(f, a);
	tell_leave(f, a);
	tell_leave(f, a);
	buf_clear(&f->said);
}

static void a_cache_is_missed_when_it_is_empty(void **state)
{
	static const struct test_event e = PLAIN_EVENT("e", "1", "cache-a");
	struct hub_fixture *f = *state;
	struct place a;

	listen_for(f, BIT(cache_miss));
	a = ask_public(f, 0, 1, 11, S("cache-a"));
	assert_true(HAS_SAID(f, "news cache_miss cache-a\n"));
	ask_publish(f, 0, 2, false, &e, 1);
	tell_leave(f, a);
	f->last = NULL;
	buf_clear(&f->said);
	a = ask_public(f, 0, 1, 11, S("cache-a"));
	assert_false(HAS_SAID(f, "news"));
	tell_leave(f, a);
	buf_clear(&f->said);
}

static void a_client_event_is_told_as_it_came(void **state)
{
	struct hub_fixture *f = *state;
	struct place a = ask_public(f, 0, 1, 11, S("private-a"));
	union {
		struct to_hub_client_event r;
		char room[128];
	} u = { .r = { .channel = a.channel, .sender = { 7, 8 }, .event_len = 8, .data_len = 7 } };

	memcpy(u.r.text, "client-x{\"a\":1}", 15);
	hub_take(f->hub, 0, TO_HUB_CLIENT_EVENT, &u.r);
	assert_false(HAS_SAID(f, "news")); /* nobody asked for it */
	listen_for(f, BIT(client_event));
	hub_take(f->hub, 0, TO_HUB_CLIENT_EVENT, &u.r);
	assert_true(HAS_SAID(f, "news client_event private-a client-x {\"a\":1} of 7\n"));
	tell_leave(f, a);
	f->last = NULL;
	buf_clear(&f->said);
}

static void who_signs_in_is_nobodys_news(void **state)
{
	struct hub_fixture *f = *state;
	struct place p;

	listen_for(f, UINT32_MAX);
	p = ask_sign_in(f, 0, 1, 11, S("#server-to-user-u"), S(""));
	hub_end_batch(f->hub);
	tell_leave(f, p);
	assert_false(HAS_SAID(f, "news"));
	buf_clear(&f->said);
}

/* The connection may be counted out before the hub hears of its channels. */
static void nobody_is_there_when_no_connection_and_no_channel_is(void **state)
{
	struct hub_fixture *f = *state;
	struct place a;

	assert_true(hub_is_deserted(f->hub));
	ask_connect(f, 0, 1);
	assert_false(hub_is_deserted(f->hub));
	a = ask_public(f, 0, 1, 11, S("a"));
	tell_disconnect(f, 0);
	assert_false(hub_is_deserted(f->hub));
	tell_hang_up(f, a);
	assert_true(hub_is_deserted(f->hub));
	f->last = NULL;
	buf_clear(&f->said);
}

static void an_app_that_is_gone_is_forgotten_behind_its_last_news(void **state)
{
	struct hub_fixture *f = *state;
	struct app_table *next = app_table_new((struct hash_key){ 1, 2 });
	struct place a;

	app_table_add(next, S("other"), S("other-key"), S("other-secret"));
	app_table_follow(next, f->apps);
	listen_for(f, BIT(channel_vacated));
	a = ask_public(f, 0, 1, 11, S("a"));
	for (unsigned w = 0; w < 2; w++)
		tell_reload(f, w, next, RELOAD_SWITCHED);
	f->last = NULL;
	buf_clear(&f->said);
	tell_hang_up(f, a);
	for (unsigned w = 0; w < 2; w++) {
		tell_reload(f, w, next, RELOAD_SWEPT);
		tell_reload(f, w, next, RELOAD_DONE);
	}
	assert_said(f, "0 released 11\nnews channel_vacated a hung up\n0 reload step 1\n"
		       "0 reload step 2\n1 reload step 1\n1 reload step 2\nforget app-id\n"
		       "reloaded\n");
	app_table_free(f->apps);
	f->apps = next;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(a_channel_has_two_edges),
		HUB_TEST(a_member_comes_with_the_first_and_goes_with_the_last_connection),
		HUB_TEST(who_is_refused_is_no_news),
		HUB_TEST(counts_are_told_once_for_all_changes_of_a_batch),
		HUB_TEST(counts_for_clients_and_for_webhooks_do_without_each_other),
		HUB_TEST(a_cache_is_missed_when_it_is_empty),
		HUB_TEST(a_client_event_is_told_as_it_came),
		HUB_TEST(who_signs_in_is_nobodys_news),
		HUB_TEST(nobody_is_there_when_no_connection_and_no_channel_is),
		HUB_TEST(an_app_that_is_gone_is_forgotten_behind_its_last_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
