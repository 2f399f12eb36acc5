/* Users: who is online, who is told, who is closed. */
#include "core/hub_testing.h"

static void watchers_learn_of_first_and_last_connection(void **state)
{
	struct hub_fixture *f = *state;
	struct place alice, bob1, bob2;

	f->app->enable_watchlist_events = true;
	alice = ask_sign_in(f, 0, 1, 10, S("#server-to-user-alice"),
			    S("[\"bob\",7,\"carol\",\"bob\"]"));
	bob1 = ask_sign_in(f, 1, 2, 20, S("#server-to-user-bob"), S(""));
	bob2 = ask_sign_in(f, 0, 3, 30, S("#server-to-user-bob"), S("[\"alice\",\"dave\"]"));
	assert_int_equal(hub_count(f->hub, f->app).users, 2);
	assert_int_equal(hub_count(f->hub, f->app).channels, 0);
	tell_leave(f, bob1);
	tell_leave(f, bob2);
	tell_leave(f, alice);
#define EVENTS(events)                                                                             \
	"{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[" events      \
	"]}\"}\n"
#define ENTRY(name, ids) "{\\\"name\\\":\\\"" name "\\\",\\\"user_ids\\\":[" ids "]}"
	assert_said(
		f,
		"0 subscribed 1 " EVENTS(ENTRY(
			"offline",
			"\\\"bob\\\",\\\"carol\\\"")) "0 deliver 10 " EVENTS(ENTRY("online",
										   "\\\"bob\\"
										   "\"")) "1 "
											  "subsc"
											  "ribed"
											  " 2\n"
											  "0 "
											  "subsc"
											  "ribed"
											  " 3"
											  " " EVENTS(ENTRY("online", "\\\"alice\\\"") "," ENTRY(
												  "offline",
												  "\\\"dave\\\"")) "1 released 20\n0 released 30\n"
														   "0 deliver 10 " EVENTS(ENTRY(
															   "offline",
															   "\\\"bob\\\"")) "0 released 10\n");
}

static void event_for_a_user_and_its_end_reach_every_worker_with_it(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("#server-to-user-a") }, 0, S("") };
	struct place p = ask_sign_in(f, 0, 1, 10, S("#server-to-user-a"), S("")),
		     q = ask_sign_in(f, 1, 2, 20, S("#server-to-user-a"), S(""));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, false, &e, 1);
	ask_close_user(f, S("a"));
	ask_close_user(f, S("nobody"));
	ask_query(f, QUERY_CHANNELS, S(""), 0);
	assert_said(
		f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"#server-to-user-a\",\"data\":1}\n"
		   "1 deliver 20 {\"event\":\"e\",\"channel\":\"#server-to-user-a\",\"data\":1}\n0 "
		   "answer 7 0 \n"
		   "0 close 10 4009 bye\n1 close 20 4009 bye\n0 answer 9 0 \n"
		   "0 answer 9 0 \n"
		   "0 answer 9 0 {\"channels\":{}}\n");
	tell_leave(f, p);
	tell_leave(f, q);
}

static void user_is_closed_when_memory_is_short(void **state)
{
	struct hub_fixture *f = *state;
	struct place p = ask_sign_in(f, 0, 1, 10, S("#server-to-user-a"), S(""));

	buf_clear(&f->said);
	f->fail_nth = 1;
	ask_close_user(f, S("a"));
	f->fail_nth = 0;
	assert_said(f, "0 close 10 4009 bye\n0 answer 9 0 \n");
	tell_leave(f, p);
}

static void user_that_is_leaving_is_closed_no_more(void **state)
{
	struct hub_fixture *f = *state;
	struct place p = ask_sign_in(f, 0, 1, 10, S("#server-to-user-a"), S("")),
		     q = ask_sign_in(f, 1, 2, 20, S("#server-to-user-a"), S(""));

	buf_clear(&f->said);
	tell_leave(f, p);
	ask_close_user(f, S("a"));
	tell_leave(f, q);
	ask_close_user(f, S("a"));
	ask_close_user(f, S(""));
	assert_said(f, "0 released 10\n1 close 20 4009 bye\n0 answer 9 0 \n"
		       "1 released 20\n0 answer 9 0 \n0 answer 9 0 \n");
}

static void user_of_another_app_is_somebody_else(void **state)
{
	struct hub_fixture *f = *state;
	struct place p = ask_sign_in(f, 0, 1, 10, S("#server-to-user-a"), S(""));
	struct app *first = f->app;
	struct test_event e = PLAIN_EVENT("e", "1", "#server-to-user-a");

	buf_clear(&f->said);
	f->app = f->apps->apps[1];
	ask_publish(f, 0, 7, false, &e, 1);
	ask_close_user(f, S("a"));
	assert_int_equal(hub_count(f->hub, f->app).users, 0);
	assert_said(f, "0 answer 7 0 \n0 answer 9 0 \n");
	f->app = first;
	tell_leave(f, p);
}

/* A watcher that is gone is not told; a user that is watched by nobody leaves no trace. */
static void watching_ends_with_the_watcher(void **state)
{
	struct hub_fixture *f = *state;
	struct place alice, bob;

	f->app->enable_watchlist_events = true;
	alice = ask_sign_in(f, 0, 1, 10, S("#server-to-user-alice"), S("[\"bob\",\"alice\"]"));
	bob = ask_sign_in(f, 0, 2, 20, S("#server-to-user-bob"), S("[\"alice\"]"));
	buf_clear(&f->said);
	tell_leave(f, alice);
	assert_said(f, "0 released 10\n0 deliver 20 "
		       "{\"event\":\"pusher_internal:watchlist_events\",\"data\":"
		       "\"{\\\"events\\\":[{\\\"name\\\":\\\"offline\\\",\\\"user_ids\\\":"
		       "[\\\"alice\\\"]}]}\"}\n");
	tell_leave(f, bob);
	assert_said(f, "0 released 20\n");
}

static void sign_in_without_memory_is_refused_or_done(void **state)
{
	struct hub_fixture *f = *state;
	struct place bob;
	unsigned n_refused = 0, n_done = 0;

	f->app->enable_watchlist_events = true;
	bob = ask_sign_in(f, 1, 2, 20, S("#server-to-user-bob"), S("[\"alice\"]"));
	for (uint64_t nth = 1; nth <= 16; nth++) {
		struct place p;

		f->fail_nth = nth;
		p = ask_sign_in(f, 0, 1, 10, S("#server-to-user-alice"), S("[\"bob\"]"));
		f->fail_nth = 0;
		assert_row((p.channel != NULL) == (hub_count(f->hub, f->app).users == 2), nth);
		n_refused += !p.channel;
		n_done += p.channel != NULL;
		if (p.channel)
			tell_leave(f, p);
	}
	assert_true(n_refused > 0 && n_done > 0);
	tell_leave(f, bob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(watchers_learn_of_first_and_last_connection),
		HUB_TEST(event_for_a_user_and_its_end_reach_every_worker_with_it),
		HUB_TEST(user_is_closed_when_memory_is_short),
		HUB_TEST(user_that_is_leaving_is_closed_no_more),
		HUB_TEST(user_of_another_app_is_somebody_else),
		HUB_TEST(watching_ends_with_the_watcher),
		HUB_TEST(sign_in_without_memory_is_refused_or_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
