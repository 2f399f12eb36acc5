/* Joining and leaving. */
#include "server/session_testing.h"

#include "base/mem.h"

#include <stdio.h>

#define SAY_SUBSCRIBE(data) "{\"event\":\"pusher:subscribe\",\"data\":" data "}"
#define SIGNED(channel, sig)                                                                       \
	SAY_SUBSCRIBE("{\"channel\":\"" channel "\",\"auth\":\"app-key:" sig "\"}")
#define SIGNED_DATA(channel, data, sig)                                                            \
	SAY_SUBSCRIBE("{\"channel\":\"" channel "\",\"channel_data\":\"" data                      \
		      "\",\"auth\":\"app-key:" sig "\"}")
#define ROSTER(channel, ids, hash, count)                                                          \
	"{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"" channel             \
	"\",\"data\":\"{\\\"presence\\\":{\\\"ids\\\":[" ids "],\\\"hash\\\":{" hash               \
	"},\\\"count\\\":" count "}}\"}\n"
#define ALICE ROSTER("presence-a", "\\\"alice\\\"", "\\\"alice\\\":{}", "1")
#define NO_AUTH                                                                                    \
	PUSHER_ERROR(4009, "Authentication error: Authentication signature required for this "     \
			   "channel")
#define BAD_AUTH PUSHER_ERROR(4009, "Authentication error: Channel requires authentication")

static struct app_counts counts(void)
{
	world_settle();
	return world_count();
}

/* The published signatures, for socket 1234.5678. */
static void subscribe_checks_signatures(void **state)
{
	static const struct {
		const char *says, *hears;
	} rows[] = {
		{ SIGNED("private-chat",
			 "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719"),
		  SUBSCRIBED("private-chat") },
		{ SIGNED("private-encrypted-vault",
			 "4053c190e5d8c41a6c0caea978423aba7191f9da573e8dd87bca52321a5b26b3"),
		  SUBSCRIBED("private-encrypted-vault") },
		{ SIGNED("private-cache-prices",
			 "17a411a0140f9e9b55ea347122f6201fd8777d23891c7e8f8574ccfb9378c902"),
		  SUBSCRIBED("private-cache-prices") CACHE_MISS("private-cache-prices") },
		{ SIGNED("private-encrypted-cache-vault",
			 "65fc5b50e3848e59dcef8bd83ee20c6d595170d9e9a3e55ae0b0efec7d28aa16"),
		  SUBSCRIBED("private-encrypted-cache-vault")
			  CACHE_MISS("private-encrypted-cache-vault") },
		{ SIGNED_DATA("presence-room",
			      "{\\\"user_id\\\":\\\"alice\\\",\\\"user_info\\\":{\\\"name\\\":"
			      "\\\"Alice\\\"}}",
			      "b177db1f38909a337f6bf86eb895634ec4effae88a822648ef63c4f0df2f0e02"),
		  ROSTER("presence-room", "\\\"alice\\\"",
			 "\\\"alice\\\":{\\\"name\\\":\\\"Alice\\\"}", "1") },
		{ SIGNED_DATA("presence-cache-room",
			      "{\\\"user_id\\\":\\\"alice\\\",\\\"user_info\\\":{\\\"name\\\":"
			      "\\\"Alice\\\"}}",
			      "b7dd188159e33985babcf592099994a8150cb3fa3d1b80d4d2dbdc01ee58e42e"),
		  ROSTER("presence-cache-room", "\\\"alice\\\"",
			 "\\\"alice\\\":{\\\"name\\\":\\\"Alice\\\"}", "1")
			  CACHE_MISS("presence-cache-room") },
		/* On a private channel with and without channel_data in what is signed. */
		{ SIGNED_DATA("private-chat", "{\\\"user_id\\\":\\\"alice\\\"}",
			      "e43914b6bbded323223fc3b56f3876ff089f23b4778ecd1bdda3b8bef824cebc"),
		  SUBSCRIBED("private-chat") },
		{ SIGNED_DATA("private-chat", "{\\\"user_id\\\":\\\"alice\\\"}",
			      "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719"),
		  SUBSCRIBED("private-chat") },
		{ SAY_SUBSCRIBE("{\"channel\":\"private-x\"}"), NO_AUTH },
		{ SAY_SUBSCRIBE("{\"channel\":\"private-x\",\"auth\":5}"), NO_AUTH },
		{ SAY_SUBSCRIBE("{\"channel\":\"presence-x\",\"channel_data\":\"{}\"}"), NO_AUTH },
		{ SAY_SUBSCRIBE("{\"channel\":\"private-x\",\"auth\":\"\"}"), BAD_AUTH },
		{ SIGNED("private-x", "00"), BAD_AUTH },
		{ SIGNED("private-x",
			 "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719"),
		  BAD_AUTH },
		/* Any signature does for the original's cache kinds, none of ours. */
		{ SIGNED("private-cache-x",
			 "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719"),
		  BAD_AUTH },
		{ SIGNED_DATA("presence-cache-x", "{\\\"user_id\\\":\\\"a\\\"}", "00"), BAD_AUTH },
		/* A presence channel's signature without its channel_data. */
		{ SIGNED_DATA("presence-room", "{\\\"user_id\\\":\\\"alice\\\"}",
			      "1e6f4f8e0dbf2085899e0207d29d988d1520b07be0f3fb4d8e2e740298620815"),
		  BAD_AUTH },
		{ SIGNED("presence-room",
			 "1e6f4f8e0dbf2085899e0207d29d988d1520b07be0f3fb4d8e2e740298620815"),
		  PUSHER_ERROR(4000, "Invalid message format: Missing channel_data for presence "
				     "channel") },
		{ SAY_SUBSCRIBE("{\"channel\":\"#server-to-user-alice\"}"), BAD_AUTH },
	};
	struct peer *p = peer_open(0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		peer_say(p, str_from_cstr(rows[i].says));
		assert_heard(p, rows[i].hears);
		assert_row(p->conn.phase == CONN_OPEN, i);
	}
	assert_int_equal(p->conn.subs.n, 6);
}

static void subscribe_makes_authorized_what_had_a_signature(void **state)
{
	struct peer *p = peer_open(0);

	peer_subscribe(p, "public", NULL);
	assert_false(p->conn.is_authorized);
	peer_say(p, S(SIGNED("private-a", "00")));
	assert_false(p->conn.is_authorized);
	peer_subscribe(p, "private-cache-a", NULL);
	assert_true(p->conn.is_authorized);
}

static void subscribe_again_acknowledges_again_and_changes_nothing(void **state)
{
	static const char *const names[] = { "a", "cache-a", "private-a", "private-cache-a",
					     "private-encrypted-a" };
	struct peer *p = peer_open(0);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char line[300];

		snprintf(line, sizeof(line), SUBSCRIBED("%s"), names[i]);
		if (strstr(names[i], "cache-"))
			snprintf(line, sizeof(line), SUBSCRIBED("%s") CACHE_MISS("%s"), names[i],
				 names[i]);
		for (int n = 0; n < 3; n++) {
			peer_subscribe(p, names[i], NULL);
			assert_heard(p, line);
		}
	}
	assert_int_equal(counts().subscriptions, ARRAY_LEN(names));
	assert_int_equal(p->conn.subs.n, ARRAY_LEN(names));
}

static void subscribe_again_to_presence_brings_the_roster_and_no_event(void **state)
{
	struct peer *p = peer_open(0), *other = peer_open(1);

	peer_subscribe(p, "presence-a", "{\"user_id\":\"alice\"}");
	assert_heard(p, ALICE);
	peer_subscribe(other, "presence-a", "{\"user_id\":\"bob\"}");
	buf_clear(&p->heard);
	buf_clear(&other->heard);
	peer_subscribe(p, "presence-a", "{\"user_id\":\"alice\"}");
	assert_heard(p, ROSTER("presence-a", "\\\"alice\\\",\\\"bob\\\"",
			       "\\\"alice\\\":{},\\\"bob\\\":{}", "2"));
	assert_heard(other, "");
	assert_int_equal(counts().presence_members, 2);
}

static void subscribe_again_still_checks_the_signature(void **state)
{
	struct peer *p = peer_open(0);

	peer_subscribe(p, "private-a", NULL);
	buf_clear(&p->heard);
	peer_say(p, S(SIGNED("private-a", "00")));
	assert_heard(p, BAD_AUTH);
	assert_int_equal(counts().subscriptions, 1);
}

static void subscribe_to_a_full_presence_channel_is_refused_with_4100(void **state)
{
	struct peer *p = peer_open(0), *tab = peer_open(1), *late = peer_open(2);

	world_app()->limits.max_presence_members_per_channel = 1;
	peer_subscribe(p, "presence-a", "{\"user_id\":\"alice\"}");
	peer_subscribe(late, "presence-a", "{\"user_id\":\"bob\"}");
	assert_heard(late, PUSHER_ERROR(4100, "Over capacity"));
	peer_subscribe(tab, "presence-a", "{\"user_id\":\"alice\"}"); /* is no new member */
	assert_heard(tab, ALICE);
	assert_int_equal(late->conn.subs.n, 0);
	assert_int_equal(counts().subscriptions, 2);
}

static void subscribe_presence_tells_the_others_once_per_user(void **state)
{
	struct peer *alice = peer_open(0), *bob = peer_open(1), *tab = peer_open(2);

	peer_subscribe(alice, "presence-a", "{\"user_id\":\"alice\"}");
	buf_clear(&alice->heard);
	peer_subscribe(bob, "presence-a", "{\"user_id\":12,\"user_info\":{ \"b\":1.50 }}");
	assert_heard(bob, ROSTER("presence-a", "\\\"alice\\\",\\\"12\\\"",
				 "\\\"alice\\\":{},\\\"12\\\":{ \\\"b\\\":1.50 }", "2"));
	assert_heard(alice,
		     "{\"event\":\"pusher_internal:member_added\",\"channel\":\"presence-a\","
		     "\"data\":\"{\\\"user_id\\\":\\\"12\\\",\\\"user_info\\\":{ "
		     "\\\"b\\\":1.50 }}\"}\n");
	peer_subscribe(tab, "presence-a", "{\"user_id\":\"12\"}");
	peer_say(bob,
		 S("{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"presence-a\"}}"));
	assert_heard(alice, "");
	conn_end(&tab->conn);
	world_settle();
	assert_heard(alice, "{\"event\":\"pusher_internal:member_removed\",\"channel\":"
			    "\"presence-a\",\"data\":\"{\\\"user_id\\\":\\\"12\\\"}\"}\n");
}

/* Races: the connection's fate changes between question and answer. */

static void subscribe_of_a_connection_that_ended_is_given_back(void **state)
{
	struct peer *p = peer_open(0), *other = peer_open(1);

	peer_subscribe(other, "presence-a", "{\"user_id\":\"bob\"}");
	buf_clear(&other->heard);
	peer_subscribe_unsettled(p, "presence-a", "{\"user_id\":\"alice\"}");
	conn_end(&p->conn);
	world_settle();
	assert_heard(p, "");
	assert_int_equal(counts().subscriptions, 1);
	assert_int_equal(counts().presence_members, 1);
	assert_int_equal(counts().connections, 1);
}

static void subscribe_of_a_connection_that_is_closing_is_given_back(void **state)
{
	struct peer *p = peer_open(0);

	peer_subscribe_unsettled(p, "a", NULL);
	conn_close(&p->conn, WS_CLOSE_NORMAL, S(""));
	world_settle();
	assert_heard(p, "CLOSE 1000 \n");
	assert_int_equal(counts().channels, 0);
	assert_int_equal(p->conn.subs.n, 0);
}

static void subscribe_again_of_a_connection_that_ended_leaks_nothing(void **state)
{
	struct peer *p = peer_open(0);

	peer_subscribe(p, "presence-a", "{\"user_id\":\"alice\"}");
	buf_clear(&p->heard);
	peer_subscribe_unsettled(p, "presence-a", "{\"user_id\":\"alice\"}");
	conn_end(&p->conn);
	assert_int_equal(counts().channels, 0);
	assert_heard(p, "");
}

/* The refusal comes when nobody is on the channel any more, but before the hub has let go of it. */
static void subscribe_refused_after_the_last_left_keeps_the_record_until_released(void **state)
{
	struct peer *p = peer_open(0), *late = peer_open(1);

	world_app()->limits.max_presence_members_per_channel = 1;
	peer_subscribe(p, "presence-a", "{\"user_id\":\"alice\"}");
	peer_subscribe_unsettled(late, "presence-a", "{\"user_id\":\"bob\"}");
	peer_say_unsettled(
		p, S("{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"presence-a\"}}"));
	world_settle();
	assert_heard(late, PUSHER_ERROR(4100, "Over capacity"));
	assert_int_equal(counts().channels, 0);
	peer_subscribe(late, "presence-a", "{\"user_id\":\"alice\"}");
	assert_heard(late, ALICE);
}

static void subscribe_while_the_last_leaves_joins(void **state)
{
	struct peer *p = peer_open(0), *late = peer_open(1);

	peer_subscribe(p, "a", NULL);
	peer_say_unsettled(p, S("{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"a\"}}"));
	peer_subscribe_unsettled(late, "a", NULL);
	world_settle();
	assert_heard(late, SUBSCRIBED("a"));
	assert_int_equal(counts().subscriptions, 1);
	assert_int_equal(late->conn.subs.n, 1);
}

static void subscribe_that_finds_no_memory_is_refused(void **state)
{
	struct peer *p = peer_open(0);
	char text[8000];

	world_app()->limits.max_channel_name_length = 6000;
	snprintf(text, sizeof(text), SAY_SUBSCRIBE("{\"channel\":\"%06000d\"}"), 1);
	for (unsigned n = 1; n <= 2; n++) { /* the local record, the question to the hub */
		mem_fail_nth(n);
		peer_say(p, str_from_cstr(text));
		mem_fail_nth(0);
		assert_heard(p, PUSHER_ERROR(4100, "Over capacity"));
		assert_false(p->conn.awaits_hub);
	}
	assert_int_equal(counts().channels, 0);
}

/* Leaving */

static void unsubscribe_leaves_without_a_word(void **state)
{
	static const char *const says[] = {
		"{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"a\"}}",
		"{\"event\":\"sockudo:unsubscribe\",\"data\":\"a\"}",
	};
	struct peer *p = peer_open(0);

	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		peer_subscribe(p, "a", NULL);
		peer_subscribe(p, "b", NULL);
		buf_clear(&p->heard);
		for (int n = 0; n < 2; n++) { /* the second time it is not there any more */
			peer_say(p, str_from_cstr(says[i]));
			assert_heard(p, "");
			assert_int_equal(counts().channels, 1);
		}
	}
}

static void unsubscribe_of_one_leaves_the_others_in_place(void **state)
{
	struct peer *p = peer_open(0);
	char name[16], text[100];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "channel-%d", i);
		peer_subscribe(p, name, NULL);
	}
	for (int i = 0; i < 20; i += 2) {
		snprintf(text, sizeof(text),
			 "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"channel-%d\"}}",
			 i);
		peer_say(p, str_from_cstr(text));
	}
	buf_clear(&p->heard);
	assert_int_equal(counts().channels, 10);
	peer_subscribe(p, "channel-7", NULL);
	assert_heard(p, SUBSCRIBED("channel-7"));
	assert_int_equal(counts().subscriptions, 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(subscribe_checks_signatures),
		TEST(subscribe_makes_authorized_what_had_a_signature),
		TEST(subscribe_again_acknowledges_again_and_changes_nothing),
		TEST(subscribe_again_to_presence_brings_the_roster_and_no_event),
		TEST(subscribe_again_still_checks_the_signature),
		TEST(subscribe_to_a_full_presence_channel_is_refused_with_4100),
		TEST(subscribe_presence_tells_the_others_once_per_user),
		TEST(subscribe_of_a_connection_that_ended_is_given_back),
		TEST(subscribe_of_a_connection_that_is_closing_is_given_back),
		TEST(subscribe_again_of_a_connection_that_ended_leaks_nothing),
		TEST(subscribe_refused_after_the_last_left_keeps_the_record_until_released),
		TEST(subscribe_while_the_last_leaves_joins),
		TEST(subscribe_that_finds_no_memory_is_refused),
		TEST(unsubscribe_leaves_without_a_word),
		TEST(unsubscribe_of_one_leaves_the_others_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
