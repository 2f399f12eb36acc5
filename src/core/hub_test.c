/* Joining, leaving, being asked. */
#include "core/hub_testing.h"

#include "base/mem.h"

static void quota_counts_and_frees_connections(void **state)
{
	struct hub_fixture *f = *state;

	f->app->limits.max_connections = 2;
	ask_connect(f, 0, 1);
	ask_connect(f, 1, 2);
	ask_connect(f, 0, 3);
	assert_said(f, "0 connected 1\n1 connected 2\n0 connected 3 over quota\n");
	tell_disconnect(f, 1);
	ask_connect(f, 0, 4);
	assert_said(f, "0 connected 4\n");
	assert_int_equal(hub_count(f->hub, f->app).connections, 2);
	tell_disconnect(f, 0);
	tell_disconnect(f, 0);
}

static void event_goes_once_to_each_worker_with_subscribers(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e = { S("e"), S("\"1\""), { S("news") }, 0, S("") };
	struct place a = ask_public(f, 0, 1, 10, S("news")), b = ask_public(f, 0, 2, 10, S("news")),
		     c = ask_public(f, 1, 3, 20, S("news"));

	assert_said(f, "0 subscribed 1\n0 subscribed 2\n1 subscribed 3\n");
	ask_publish(f, 1, 7, false, &e, 1);
	assert_said(f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"news\",\"data\":\"1\"}\n"
		       "1 deliver 20 {\"event\":\"e\",\"channel\":\"news\",\"data\":\"1\"}\n"
		       "1 answer 7 0 \n");
	tell_leave(f, a);
	assert_said(f, "");
	tell_leave(f, b);
	assert_said(f, "0 released 10\n");
	ask_publish(f, 1, 7, false, &e, 1);
	assert_said(f, "1 deliver 20 {\"event\":\"e\",\"channel\":\"news\",\"data\":\"1\"}\n1 "
		       "answer 7 0 \n");
	tell_leave(f, c);
	assert_said(f, "1 released 20\n");
	assert_int_equal(hub_count(f->hub, f->app).channels, 0);
}

static void rejoin_after_release_may_bring_another_local(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("x") }, 0, S("") };

	tell_leave(f, ask_public(f, 0, 1, 10, S("x")));
	struct place p = ask_public(f, 0, 1, 11, S("x"));
	ask_publish(f, 0, 7, false, &e, 1);
	tell_leave(f, p);
	assert_said(f, "0 subscribed 1\n0 released 10\n0 subscribed 1\n"
		       "0 deliver 11 {\"event\":\"e\",\"channel\":\"x\",\"data\":1}\n0 answer 7 0 "
		       "\n0 released 11\n");
}

static void presence_member_leaves_once_when_its_last_connection_does(void **state)
{
	struct hub_fixture *f = *state;
	str room = S("presence-room");
	struct place tab1 = ask_subscribe(f, 0, 1, 10, room, S("alice"), S("{\"n\": 1}"));
	struct place tab2 = ask_subscribe(f, 1, 2, 20, room, S("alice"), S("{\"n\":2}"));
	struct place bob = ask_subscribe(f, 1, 3, 20, room, S("bob"), S(""));

	assert_said(f, "0 subscribed 1 "
		       "{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":"
		       "\"presence-room\",\"data\":"
		       "\"{\\\"presence\\\":{\\\"ids\\\":[\\\"alice\\\"],\\\"hash\\\":{"
		       "\\\"alice\\\":{\\\"n\\\": 1}},\\\"count\\\":1}}\"}\n"
		       "1 subscribed 2 "
		       "{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":"
		       "\"presence-room\",\"data\":"
		       "\"{\\\"presence\\\":{\\\"ids\\\":[\\\"alice\\\"],\\\"hash\\\":{"
		       "\\\"alice\\\":{\\\"n\\\": 1}},\\\"count\\\":1}}\"}\n"
		       "0 deliver 10 "
		       "{\"event\":\"pusher_internal:member_added\",\"channel\":\"presence-room\","
		       "\"data\":"
		       "\"{\\\"user_id\\\":\\\"bob\\\",\\\"user_info\\\":{}}\"}\n"
		       "1 deliver 20 "
		       "{\"event\":\"pusher_internal:member_added\",\"channel\":\"presence-room\","
		       "\"data\":"
		       "\"{\\\"user_id\\\":\\\"bob\\\",\\\"user_info\\\":{}}\"}\n"
		       "1 subscribed 3 "
		       "{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":"
		       "\"presence-room\",\"data\":"
		       "\"{\\\"presence\\\":{\\\"ids\\\":[\\\"alice\\\",\\\"bob\\\"],\\\"hash\\\":{"
		       "\\\"alice\\\":{\\\"n\\\": 1},\\\"bob\\\":{}},"
		       "\\\"count\\\":2}}\"}\n");
	assert_int_equal(hub_count(f->hub, f->app).presence_members, 2);
	tell_leave(f, tab1);
	assert_said(f, "0 released 10\n");
	tell_leave(f, tab2);
	assert_said(f, "1 deliver 20 "
		       "{\"event\":\"pusher_internal:member_removed\",\"channel\":\"presence-"
		       "room\",\"data\":"
		       "\"{\\\"user_id\\\":\\\"alice\\\"}\"}\n");
	tell_leave(f, bob);
	assert_said(f, "1 released 20\n");
}

static void oldest_live_connection_shows_its_user_info(void **state)
{
	struct hub_fixture *f = *state;
	str room = S("presence-r");
	struct place a = ask_subscribe(f, 0, 1, 10, room, S("u"), S("1"));
	struct place b = ask_subscribe(f, 0, 2, 10, room, S("u"), S("2"));

	tell_leave(f, a);
	buf_clear(&f->said);
	tell_leave(f, ask_subscribe(f, 0, 3, 10, room, S("u"), S("3")));
	assert_said(f, "0 subscribed 3 "
		       "{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":"
		       "\"presence-r\",\"data\":"
		       "\"{\\\"presence\\\":{\\\"ids\\\":[\\\"u\\\"],\\\"hash\\\":{\\\"u\\\":2},"
		       "\\\"count\\\":1}}\"}\n");
	tell_leave(f, b);
	assert_said(f, "0 released 10\n");
}

static void full_presence_channel_refuses_new_users_only(void **state)
{
	struct hub_fixture *f = *state;
	str room = S("presence-r");

	f->app->limits.max_presence_members_per_channel = 1;
	struct place a = ask_subscribe(f, 0, 1, 10, room, S("u"), S("1"));
	buf_clear(&f->said);
	struct place b = ask_subscribe(f, 1, 2, 20, room, S("v"), S("1"));
	assert_said(f, "1 subscribed 2 full\n");
	assert_null(b.channel);
	tell_leave(f, ask_subscribe(f, 1, 3, 20, room, S("u"), S("1")));
	assert_int_equal(hub_count(f->hub, f->app).subscriptions, 1);
	tell_leave(f, a);
	f->app->limits.max_presence_members_per_channel = 0;
	ask_subscribe(f, 0, 1, 10, room, S("u"), S("1"));
	assert_int_equal(hub_count(f->hub, f->app).channels, 0);
}

static void questions_are_answered_sorted_by_name(void **state)
{
	struct hub_fixture *f = *state;
	struct place a = ask_public(f, 0, 1, 10, S("b")), b = ask_public(f, 0, 1, 11, S("a")),
		     c = ask_subscribe(f, 1, 1, 12, S("presence-c"), S("u"), S(""));

	buf_clear(&f->said);
	ask_query(f, QUERY_CHANNELS, S(""), 0);
	ask_query(f, QUERY_CHANNELS, S("presence-"), INFO_USER_COUNT);
	ask_query(f, QUERY_CHANNELS, S("p"), INFO_USER_COUNT);
	ask_query(f, QUERY_CHANNELS, S(""), INFO_USER_COUNT);
	ask_query(f, QUERY_CHANNELS, S(""), INFO_CACHE);
	ask_query(f, QUERY_CHANNEL, S("presence-c"), INFO_USER_COUNT | INFO_SUBSCRIPTION_COUNT);
	ask_query(f, QUERY_CHANNEL, S("nobody"), INFO_SUBSCRIPTION_COUNT);
	ask_query(f, QUERY_USERS, S("presence-c"), 0);
	ask_query(f, QUERY_USERS, S("presence-d"), 0);
	assert_said(f,
		    "0 answer 9 0 {\"channels\":{\"a\":{},\"b\":{},\"presence-c\":{}}}\n"
		    "0 answer 9 0 {\"channels\":{\"presence-c\":{\"user_count\":1}}}\n"
		    "0 answer 9 0 {\"channels\":{\"presence-c\":{\"user_count\":1}}}\n"
		    "0 answer 9 1 \n"
		    "0 answer 9 0 {\"channels\":{}}\n"
		    "0 answer 9 0 {\"occupied\":true,\"subscription_count\":1,\"user_count\":1}\n"
		    "0 answer 9 0 {\"occupied\":false,\"subscription_count\":0}\n"
		    "0 answer 9 0 {\"users\":[{\"id\":\"u\"}]}\n"
		    "0 answer 9 0 {\"users\":[]}\n");
	tell_leave(f, a);
	tell_leave(f, b);
	tell_leave(f, c);
}

static void subscription_count_is_told_once_per_batch(void **state)
{
	struct hub_fixture *f = *state;
	struct place a, b;

	f->app->enable_subscription_count = true;
	a = ask_public(f, 0, 1, 10, S("x"));
	b = ask_public(f, 0, 2, 10, S("x"));
	tell_leave(f, ask_public(f, 1, 3, 20, S("y")));
	hub_end_batch(f->hub);
	hub_end_batch(f->hub);
	assert_said(f, "0 subscribed 1\n0 subscribed 2\n1 subscribed 3\n1 released 20\n"
		       "0 deliver 10 "
		       "{\"event\":\"pusher_internal:subscription_count\",\"channel\":\"x\","
		       "\"data\":\"{\\\"subscription_count\\\":2}\"}\n");
	tell_leave(f, a);
	tell_leave(f, b);
	hub_end_batch(f->hub);
	assert_said(f, "0 released 10\n");
}

static void subscription_count_is_told_whole_or_not_at_all(void **state)
{
	struct hub_fixture *f = *state;
	struct place a;

	f->app->enable_subscription_count = true;
	a = ask_public(f, 0, 1, 10, S("x"));
	mem_fail_nth(1);
	hub_end_batch(f->hub);
	mem_fail_nth(0);
	assert_said(f, "0 subscribed 1\n");
	tell_leave(f, a);
}

/* A failed allocation refuses one request and leaves everything as it was. */
static void subscribe_without_memory_is_refused_cleanly(void **state)
{
	struct hub_fixture *f = *state;

	for (uint64_t nth = 1; nth <= 3; nth++) {
		struct place p;

		f->fail_nth = nth;
		p = ask_subscribe(f, 0, 1, 10, S("presence-r"), S("u"), S("1"));
		assert_null(p.channel);
		assert_int_equal(hub_count(f->hub, f->app).channels, 0);
		assert_said(f, "0 subscribed 1 full\n");
	}
}

/* Who left before the number could be told is not told it, nor is a channel that is gone. */
static void subscription_count_of_a_channel_that_is_gone_is_owed_to_nobody(void **state)
{
	struct hub_fixture *f = *state;
	struct place stays;

	f->app->enable_subscription_count = true;
	tell_leave(f, ask_public(f, 0, 1, 10, S("x")));
	tell_leave(f, ask_subscribe(f, 0, 1, 11, S("presence-x"), S("u"), S("")));
	tell_leave(f, ask_sign_in(f, 0, 1, 12, S("#server-to-user-u"), S("")));
	hub_end_batch(f->hub);
	assert_said(f, "0 subscribed 1\n0 released 10\n"
		       "0 subscribed 1 {\"event\":\"pusher_internal:subscription_succeeded\","
		       "\"channel\":\"presence-x\",\"data\":\"{\\\"presence\\\":{\\\"ids\\\":"
		       "[\\\"u\\\"],\\\"hash\\\":{\\\"u\\\":{}},\\\"count\\\":1}}\"}\n"
		       "0 released 11\n0 subscribed 1\n0 released 12\n");
	stays = ask_public(f, 1, 2, 20, S("x"));
	tell_leave(f, ask_public(f, 0, 1, 10, S("x")));
	hub_end_batch(f->hub);
	assert_said(f, "1 subscribed 2\n0 subscribed 1\n0 released 10\n"
		       "1 deliver 20 {\"event\":\"pusher_internal:subscription_count\","
		       "\"channel\":\"x\",\"data\":\"{\\\"subscription_count\\\":1}\"}\n");
	tell_leave(f, stays);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(quota_counts_and_frees_connections),
		HUB_TEST(event_goes_once_to_each_worker_with_subscribers),
		HUB_TEST(rejoin_after_release_may_bring_another_local),
		HUB_TEST(presence_member_leaves_once_when_its_last_connection_does),
		HUB_TEST(oldest_live_connection_shows_its_user_info),
		HUB_TEST(full_presence_channel_refuses_new_users_only),
		HUB_TEST(questions_are_answered_sorted_by_name),
		HUB_TEST(subscription_count_is_told_once_per_batch),
		HUB_TEST(subscription_count_is_told_whole_or_not_at_all),
		HUB_TEST(subscription_count_of_a_channel_that_is_gone_is_owed_to_nobody),
		HUB_TEST(subscribe_without_memory_is_refused_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
