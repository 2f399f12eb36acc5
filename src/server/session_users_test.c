/* Signing in, and what being signed in means: events for the user, its end, who watches it. */
#include "server/session_testing.h"

#include "base/mem.h"

#include <stdio.h>

#define SAY_SIGN_IN(data) "{\"event\":\"pusher:signin\",\"data\":" data "}"
/* The published signature of this user_data, for socket 1234.5678. */
#define ALICE_AUTH "app-key:4fcac7b391c27ff59c71413baab0576b6aa27a657812e29610542f48c281ee2d"
#define ALICE_DATA "{\\\"id\\\":\\\"alice\\\"}"
#define AUTH_ERROR(text) PUSHER_ERROR(4009, "Authentication error: " text)
#define NOT_AUTHORIZED AUTH_ERROR("Connection not authorized for signin.")
#define BAD_SHAPE PUSHER_ERROR(4000, "Invalid message format: Invalid signin data format")
#define BAD_CHANNEL_AUTH AUTH_ERROR("Channel requires authentication")
#define SAY_SUBSCRIBE(channel)                                                                     \
	"{\"event\":\"pusher:subscribe\",\"data\":{\"auth\":\"\",\"channel\":\"" channel "\"}}"
#define SAY_UNSUBSCRIBE(channel)                                                                   \
	"{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"" channel "\"}}"
#define ROSTER(channel, ids, hash, count)                                                          \
	"{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"" channel             \
	"\",\"data\":\"{\\\"presence\\\":{\\\"ids\\\":[" ids "],\\\"hash\\\":{" hash               \
	"},\\\"count\\\":" count "}}\"}\n"
#define EVENT(channel, name) "{\"event\":\"" name "\",\"channel\":\"" channel "\",\"data\":\"d\"}\n"
#define WATCH(events)                                                                              \
	"{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[" events      \
	"]}\"}\n"
#define ENTRY(name, ids) "{\\\"name\\\":\\\"" name "\\\",\\\"user_ids\\\":[" ids "]}"
#define COUNT(channel, n)                                                                          \
	"{\"event\":\"pusher_internal:subscription_count\",\"channel\":\"" channel                 \
	"\",\"data\":\"{\\\"subscription_count\\\":" n "}\"}\n"

static struct peer *open_user(unsigned n, const char *user_data)
{
	struct peer *p;

	world_app()->enable_user_authentication = true;
	p = peer_open(n);
	peer_sign_in(p, user_data);
	assert_true(p->conn.user && p->conn.user->is_confirmed);
	buf_clear(&p->heard);
	return p;
}

static struct peer *open_alice(void)
{
	return open_user(0, "{\"id\":\"alice\"}");
}

/* Signing in */

static void sign_in_is_refused_where_the_app_does_not_allow_it(void **state)
{
	struct peer *p = peer_open(0);

	peer_sign_in(p, "{\"id\":\"alice\"}");
	assert_heard(p, AUTH_ERROR("User authentication is disabled for this app"));
	peer_say(p, S("{\"event\":\"pusher:signin\"}"));
	assert_heard(p, AUTH_ERROR("User authentication is disabled for this app"));
	assert_null(p->conn.user);
}

static void sign_in_answers_each_mistake_in_its_own_words(void **state)
{
	static const struct {
		const char *says, *hears;
	} rows[] = {
		{ "{\"event\":\"pusher:signin\"}", BAD_SHAPE },
		{ SAY_SIGN_IN("null"), BAD_SHAPE },
		{ SAY_SIGN_IN("5"), BAD_SHAPE },
		{ SAY_SIGN_IN("[]"), BAD_SHAPE },
		{ SAY_SIGN_IN("\"nonsense\""), BAD_SHAPE },
		{ SAY_SIGN_IN("\"[]\""), BAD_SHAPE },
		{ SAY_SIGN_IN("{}"), AUTH_ERROR("Missing 'user_data' field in signin data") },
		{ SAY_SIGN_IN("\"{}\""), AUTH_ERROR("Missing 'user_data' field in signin data") },
		{ SAY_SIGN_IN("{\"auth\":5,\"user_data\":5}"),
		  AUTH_ERROR("Missing 'user_data' field in signin data") },
		{ SAY_SIGN_IN("{\"user_data\":\"" ALICE_DATA "\"}"),
		  AUTH_ERROR("Missing 'auth' field in signin data") },
		{ SAY_SIGN_IN("{\"user_data\":\"" ALICE_DATA "\",\"auth\":5}"),
		  AUTH_ERROR("Missing 'auth' field in signin data") },
		{ SAY_SIGN_IN("{\"user_data\":\"" ALICE_DATA "\",\"auth\":\"\"}"), NOT_AUTHORIZED },
		{ SAY_SIGN_IN("{\"user_data\":\"" ALICE_DATA "\",\"auth\":\"app-key:00\"}"),
		  NOT_AUTHORIZED },
		/* The signature alone, that of another key's owner, in capitals, of another text:
		 * the original takes the first two. */
		{ SAY_SIGN_IN("{\"user_data\":\"" ALICE_DATA "\",\"auth\":\"4fcac7b391c27ff59c7141"
			      "3baab0576b6aa27a657812e29610542f48c281ee2d\"}"),
		  NOT_AUTHORIZED },
		{ SAY_SIGN_IN("{\"user_data\":\"" ALICE_DATA "\",\"auth\":\"other-key:4fcac7b391c2"
			      "7ff59c71413baab0576b6aa27a657812e29610542f48c281ee2d\"}"),
		  NOT_AUTHORIZED },
		{ SAY_SIGN_IN("{\"user_data\":\"" ALICE_DATA "\",\"auth\":\"app-key:4FCAC7B391C27F"
			      "F59C71413BAAB0576B6AA27A657812E29610542F48C281EE2D\"}"),
		  NOT_AUTHORIZED },
		{ SAY_SIGN_IN(
			  "{\"user_data\":\"{\\\"id\\\": \\\"alice\\\"}\",\"auth\":\"" ALICE_AUTH
			  "\"}"),
		  NOT_AUTHORIZED },
		/* What is not signed is not even read. */
		{ SAY_SIGN_IN("{\"user_data\":\"nonsense\",\"auth\":\"" ALICE_AUTH "\"}"),
		  NOT_AUTHORIZED },
		{ SAY_SIGN_IN("{\"user_data\":\"{}\",\"auth\":\"app-key:00\"}"), NOT_AUTHORIZED },
	};
	struct peer *p;

	world_app()->enable_user_authentication = true;
	p = peer_open(0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		peer_say(p, str_from_cstr(rows[i].says));
		assert_heard(p, rows[i].hears);
		assert_row(p->conn.phase == CONN_OPEN && !p->conn.user, i);
	}
	assert_int_equal(world_count().users, 0);
}

static void sign_in_needs_an_id_in_what_was_signed(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"5",
		"null",
		"\"alice\"",
		"{\"id\":5}",
		"{\"id\":null}",
		"{\"id\":\"\"}",
		"{\"id\":[\"alice\"]}",
		"{\"ID\":\"alice\"}",
		/* The last of two counts. */
		"{\"id\":\"alice\",\"id\":5}",
	};
	struct peer *p;

	world_app()->enable_user_authentication = true;
	p = peer_open(0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		peer_sign_in(p, rows[i]);
		assert_heard(p, AUTH_ERROR("Missing 'id' field in user_data"));
		assert_row(!p->conn.user, i);
	}
	peer_sign_in(p, "nonsense");
	assert_heard(p, AUTH_ERROR("Invalid user_data JSON: expected a value"));
	peer_sign_in(p, "");
	assert_heard(p, AUTH_ERROR("Invalid user_data JSON: the text ends too early"));
	assert_int_equal(world_count().users, 0);
}

static void sign_in_takes_its_data_as_an_object_or_as_a_string_of_one(void **state)
{
	struct peer *p;

	world_app()->enable_user_authentication = true;
	p = peer_open(0);
	peer_say(p,
		 S(SAY_SIGN_IN("{\"auth\":\"" ALICE_AUTH "\",\"user_data\":\"" ALICE_DATA "\"}")));
	assert_heard(p, SIGNED_IN(ALICE_DATA));
	peer_say(p, S(SAY_SIGN_IN("\"{\\\"auth\\\":\\\"" ALICE_AUTH "\\\",\\\"user_data\\\":"
				  "\\\"{\\\\\\\"id\\\\\\\":\\\\\\\"alice\\\\\\\"}\\\"}\"")));
	assert_heard(p, SIGNED_IN(ALICE_DATA));
	assert_int_equal(world_count().users, 1);
}

static void sign_in_answers_with_the_text_that_was_signed(void **state)
{
	struct peer *p;

	world_app()->enable_user_authentication = true;
	p = peer_open(0);
	peer_sign_in(p, "{ \"id\" : \"zo\\u00eb\", \"x\": [1.50, 2] }");
	assert_heard(p, SIGNED_IN("{ \\\"id\\\" : \\\"zo\\\\u00eb\\\", \\\"x\\\": [1.50, 2] }"));
	assert_str(p->conn.user->id, S("zo\xc3\xab"));
	world_publish("#server-to-user-zo\xc3\xab", "e");
	assert_heard(p, EVENT("#server-to-user-zo\xc3\xab", "e"));
}

static void sign_in_again_as_the_same_user_succeeds_and_as_another_does_not(void **state)
{
	struct peer *p = open_alice();

	peer_sign_in(p, "{\"id\":\"alice\",\"user_info\":{\"n\":2}}");
	assert_heard(p, SIGNED_IN("{\\\"id\\\":\\\"alice\\\",\\\"user_info\\\":{\\\"n\\\":2}}"));
	peer_sign_in(p, "{\"id\":\"mallory\"}");
	assert_heard(p, AUTH_ERROR("Connection is already signed in as a different user."));
	assert_str(p->conn.user->id, S("alice"));
	assert_str(p->conn.user->user_info, S("{\"n\":2}"));
	assert_int_equal(p->conn.subs.n, 1);
	world_publish("#server-to-user-mallory", "e");
	assert_heard(p, "");
	world_publish("#server-to-user-alice", "e");
	assert_heard(p, EVENT("#server-to-user-alice", "e"));
}

static void failed_sign_in_leaves_an_earlier_one_as_it_was(void **state)
{
	struct peer *p = open_alice();

	peer_say(p, S(SAY_SIGN_IN("{\"auth\":\"app-key:00\",\"user_data\":\"" ALICE_DATA "\"}")));
	assert_heard(p, NOT_AUTHORIZED);
	assert_true(p->conn.user && p->conn.user->is_confirmed);
	world_publish("#server-to-user-alice", "e");
	assert_heard(p, EVENT("#server-to-user-alice", "e"));
}

static void sign_in_ends_the_wait_for_authentication(void **state)
{
	struct peer *alice, *mallory;

	world_app()->enable_user_authentication = true;
	world_options()->user_authentication_timeout_s = 10;
	alice = peer_open(0);
	mallory = peer_open(1);
	peer_sign_in(alice, "{\"id\":\"alice\"}");
	peer_say(mallory,
		 S(SAY_SIGN_IN("{\"auth\":\"app-key:00\",\"user_data\":\"" ALICE_DATA "\"}")));
	assert_heard(mallory, NOT_AUTHORIZED);
	assert_heard(alice, SIGNED_IN(ALICE_DATA));
	world_pass_s(9);
	assert_heard(mallory, "");
	world_pass_s(2);
	assert_heard(mallory, PUSHER_REFUSAL(4009, "Connection not authorized within timeout."));
	assert_heard(alice, "");
	assert_int_equal(alice->conn.phase, CONN_OPEN);
}

/* Presence without channel_data */

static void presence_without_channel_data_is_that_of_the_user(void **state)
{
	struct peer *alice = open_user(0, "{\"id\":\"alice\",\"user_info\":{\"n\": 1.50}}"),
		    *bob = open_user(1, "{\"id\":\"bob\"}");

	peer_subscribe(alice, "presence-r", NULL);
	assert_heard(alice,
		     ROSTER("presence-r", "\\\"alice\\\"", "\\\"alice\\\":{\\\"n\\\": 1.50}", "1"));
	peer_subscribe(bob, "presence-r", NULL);
	assert_heard(bob, ROSTER("presence-r", "\\\"alice\\\",\\\"bob\\\"",
				 "\\\"alice\\\":{\\\"n\\\": 1.50},\\\"bob\\\":{}", "2"));
	assert_heard(alice,
		     "{\"event\":\"pusher_internal:member_added\",\"channel\":\"presence-r\","
		     "\"data\":\"{\\\"user_id\\\":\\\"bob\\\",\\\"user_info\\\":{}}\"}\n");
}

static void presence_with_channel_data_may_be_that_of_another(void **state)
{
	struct peer *p = open_alice();

	world_app()->enable_client_messages = true;
	peer_subscribe(p, "presence-r", "{\"user_id\":\"al\"}");
	assert_heard(p, ROSTER("presence-r", "\\\"al\\\"", "\\\"al\\\":{}", "1"));
	peer_say(p, S(SAY_UNSUBSCRIBE("presence-r")));
	assert_int_equal(world_count().presence_members, 0);
	assert_int_equal(world_count().users, 1);
}

static void presence_of_the_user_names_it_on_client_events(void **state)
{
	struct peer *alice = open_alice(), *bob = open_user(1, "{\"id\":\"bob\"}");

	world_app()->enable_client_messages = true;
	peer_subscribe(alice, "presence-r", NULL);
	peer_subscribe(bob, "presence-r", NULL);
	buf_clear(&alice->heard);
	peer_say(bob, S("{\"event\":\"client-e\",\"channel\":\"presence-r\",\"data\":1}"));
	assert_heard(alice, "{\"event\":\"client-e\",\"channel\":\"presence-r\",\"data\":1,"
			    "\"user_id\":\"bob\"}\n");
}

static void presence_without_channel_data_needs_a_sign_in(void **state)
{
	struct peer *p;

	world_app()->enable_user_authentication = true;
	p = peer_open(0);
	peer_subscribe(p, "presence-r", NULL);
	assert_heard(p, PUSHER_ERROR(4000, "Invalid message format: Missing channel_data for "
					   "presence channel"));
}

/* user_info of so many bytes, the quotes of a string not counted. */
static void sign_in_with_info(struct peer *p, size_t n, bool is_string)
{
	static char x[4096];
	char text[4200];

	memset(x, 'x', sizeof(x));
	if (is_string)
		snprintf(text, sizeof(text), "{\"id\":\"u\",\"user_info\":\"%.*s\"}", (int)n, x);
	else
		snprintf(text, sizeof(text), "{\"id\":\"u\",\"user_info\":[\"%.*s\"]}", (int)n - 4,
			 x);
	peer_sign_in(p, text);
	buf_clear(&p->heard);
}

static void presence_of_the_user_obeys_the_size_of_user_info(void **state)
{
	struct peer *p;

	world_app()->enable_user_authentication = true;
	world_app()->limits.max_presence_member_size_in_kb = 2;
	p = peer_open(0);
	for (int is_string = 0; is_string < 2; is_string++) {
		sign_in_with_info(p, 3 * 1024 - 1, is_string);
		peer_subscribe(p, "presence-r", NULL);
		assert_int_equal(world_count().presence_members, 1);
		peer_say(p, S(SAY_UNSUBSCRIBE("presence-r")));
		sign_in_with_info(p, 3 * 1024, is_string);
		peer_subscribe(p, "presence-r", NULL);
		assert_heard(p, PUSHER_ERROR(4300, "Channel error: Presence member data size (3KB) "
						   "exceeds limit (2KB)"));
		assert_int_equal(world_count().presence_members, 0);
	}
}

/* The user's own channel */

static void own_channel_may_be_subscribed_to_and_never_left(void **state)
{
	struct peer *p = open_alice();

	for (int i = 0; i < 2; i++) {
		peer_say(p, S(SAY_SUBSCRIBE("#server-to-user-alice")));
		assert_heard(p, SUBSCRIBED("#server-to-user-alice"));
	}
	world_publish("#server-to-user-alice", "once");
	assert_heard(p, EVENT("#server-to-user-alice", "once"));
	peer_say(p, S(SAY_UNSUBSCRIBE("#server-to-user-alice")));
	assert_heard(p, "");
	world_publish("#server-to-user-alice", "still");
	assert_heard(p, EVENT("#server-to-user-alice", "still"));
	assert_int_equal(world_count().users, 1);
}

static void channels_of_other_users_are_refused(void **state)
{
	static const char *const rows[] = {
		SAY_SUBSCRIBE("#server-to-user-bob"),
		SAY_SUBSCRIBE("#server-to-user-"),
		SAY_SUBSCRIBE("#server-to-user-alic"),
		SAY_SUBSCRIBE("#server-to-user-alicex"),
		SAY_SUBSCRIBE("#server-to-user-#server-to-user-alice"),
	};
	struct peer *p = open_alice();

	open_user(1, "{\"id\":\"bob\"}");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		peer_say(p, str_from_cstr(rows[i]));
		assert_heard(p, BAD_CHANNEL_AUTH);
	}
	world_publish("#server-to-user-bob", "e");
	assert_heard(p, "");
}

static void event_for_a_user_reaches_its_signed_in_connections_once_each(void **state)
{
	struct peer *first = open_alice(), *second = open_user(1, "{\"id\":\"alice\"}"),
		    *stranger = peer_open(2);

	peer_subscribe(stranger, "presence-r", "{\"user_id\":\"alice\"}");
	buf_clear(&stranger->heard);
	peer_say(first, S(SAY_SUBSCRIBE("#server-to-user-alice")));
	buf_clear(&first->heard);
	world_publish("#server-to-user-alice", "notice");
	assert_heard(first, EVENT("#server-to-user-alice", "notice"));
	assert_heard(second, EVENT("#server-to-user-alice", "notice"));
	assert_heard(stranger, "");
	conn_end(&first->conn);
	world_publish("#server-to-user-alice", "again");
	assert_heard(second, EVENT("#server-to-user-alice", "again"));
	conn_end(&second->conn);
	world_settle();
	assert_int_equal(world_count().users, 0);
	world_publish("#server-to-user-alice", "nobody");
}

/* The end of a user */

static void terminating_closes_every_connection_of_the_user_with_one_error(void **state)
{
	struct peer *first = open_alice(), *second = open_user(1, "{\"id\":\"alice\"}"),
		    *bob = open_user(2, "{\"id\":\"bob\"}"), *stranger = peer_open(3);

	peer_subscribe(first, "private-a", NULL);
	peer_subscribe(stranger, "presence-r", "{\"user_id\":\"alice\"}");
	buf_clear(&first->heard);
	buf_clear(&stranger->heard);
	world_close_user("alice", PUSHER_UNAUTHORIZED, "You got disconnected by the app.");
	assert_heard(first, PUSHER_REFUSAL(4009, "You got disconnected by the app."));
	assert_heard(second, PUSHER_REFUSAL(4009, "You got disconnected by the app."));
	assert_heard(bob, "");
	assert_heard(stranger, "");
	assert_int_equal(first->conn.phase, CONN_CLOSING);
	assert_int_equal(world_count().connections, 2);
	assert_int_equal(world_count().users, 1);
	world_close_user("alice", PUSHER_UNAUTHORIZED, "You got disconnected by the app.");
	assert_heard(first, "");
	world_close_user("bob", PUSHER_RECONNECT, "Force reconnect requested by the app.");
	assert_heard(bob, PUSHER_REFUSAL(4200, "Force reconnect requested by the app."));
	world_close_user("nobody", PUSHER_UNAUTHORIZED, "You got disconnected by the app.");
}

static void connection_that_goes_away_while_it_signs_in_was_online_for_no_longer(void **state)
{
	struct peer *watcher, *ended, *closed;

	world_app()->enable_watchlist_events = true;
	watcher = open_user(0, "{\"id\":\"alice\",\"watchlist\":[\"bob\"]}");
	ended = peer_open(1);
	closed = peer_open(2);
	peer_sign_in_unsettled(ended, "{\"id\":\"bob\"}");
	assert_true(ended->conn.awaits_hub);
	conn_end(&ended->conn);
	world_settle();
	assert_heard(ended, "");
	assert_heard(watcher,
		     WATCH(ENTRY("online", "\\\"bob\\\"")) WATCH(ENTRY("offline", "\\\"bob\\\"")));
	peer_sign_in_unsettled(closed, "{\"id\":\"bob\"}");
	conn_close(&closed->conn, 4200, S("bye"));
	world_settle();
	assert_heard(closed, "CLOSE 4200 bye\n");
	assert_heard(watcher,
		     WATCH(ENTRY("online", "\\\"bob\\\"")) WATCH(ENTRY("offline", "\\\"bob\\\"")));
	assert_int_equal(world_count().users, 1);
}

/* Watchlists */

static void watchlist_follows_the_success_and_tells_of_edges_only(void **state)
{
	struct peer *alice, *bob, *bob_too, *carol;

	world_app()->enable_user_authentication = true;
	world_app()->enable_watchlist_events = true;
	alice = peer_open(0);
	peer_sign_in(alice, "{\"id\":\"alice\",\"watchlist\":[\"bob\",5,\"carol\",\"bob\"]}");
	assert_heard(alice, SIGNED_IN("{\\\"id\\\":\\\"alice\\\",\\\"watchlist\\\":[\\\"bob\\\",5,"
				      "\\\"carol\\\",\\\"bob\\\"]}")
				    WATCH(ENTRY("offline", "\\\"bob\\\",\\\"carol\\\"")));
	bob = peer_open(1);
	peer_sign_in(bob, "{\"id\":\"bob\",\"watchlist\":[\"alice\",\"dave\"]}");
	assert_heard(bob, SIGNED_IN("{\\\"id\\\":\\\"bob\\\",\\\"watchlist\\\":[\\\"alice\\\","
				    "\\\"dave\\\"]}")
				  WATCH(ENTRY("online", "\\\"alice\\\"") "," ENTRY(
					  "offline", "\\\"dave\\\"")));
	assert_heard(alice, WATCH(ENTRY("online", "\\\"bob\\\"")));
	bob_too = open_user(2, "{\"id\":\"bob\",\"watchlist\":[\"alice\"]}");
	carol = open_user(3, "{\"id\":\"carol\"}"); /* without a list of her own */
	assert_heard(alice, WATCH(ENTRY("online", "\\\"carol\\\"")));
	assert_heard(carol, "");
	conn_end(&bob->conn);
	world_settle();
	assert_heard(alice, "");
	conn_end(&bob_too->conn);
	conn_end(&carol->conn);
	world_settle();
	assert_heard(alice, WATCH(ENTRY("offline", "\\\"bob\\\""))
				    WATCH(ENTRY("offline", "\\\"carol\\\"")));
}

static void watchlist_is_that_of_the_last_sign_in(void **state)
{
	struct peer *alice, *bob;

	world_app()->enable_watchlist_events = true;
	alice = open_user(0, "{\"id\":\"alice\",\"watchlist\":[\"bob\"]}");
	peer_sign_in(alice, "{\"id\":\"alice\",\"watchlist\":[\"carol\"]}");
	assert_heard(alice,
		     SIGNED_IN("{\\\"id\\\":\\\"alice\\\",\\\"watchlist\\\":[\\\"carol\\\"]}")
			     WATCH(ENTRY("offline", "\\\"carol\\\"")));
	bob = open_user(1, "{\"id\":\"bob\"}");
	assert_heard(alice, "");
	peer_sign_in(alice, "{\"id\":\"alice\",\"watchlist\":[]}");
	assert_heard(alice, SIGNED_IN("{\\\"id\\\":\\\"alice\\\",\\\"watchlist\\\":[]}"));
	conn_end(&bob->conn);
	world_settle();
	assert_heard(alice, "");
}

static void who_watches_itself_is_told_of_itself_and_nobody_else_is(void **state)
{
	struct peer *eve, *plain;

	world_app()->enable_user_authentication = true;
	world_app()->enable_watchlist_events = true;
	eve = peer_open(0);
	peer_sign_in(eve, "{\"id\":\"eve\",\"watchlist\":[\"eve\"]}");
	assert_heard(eve, SIGNED_IN("{\\\"id\\\":\\\"eve\\\",\\\"watchlist\\\":[\\\"eve\\\"]}")
				  WATCH(ENTRY("online", "\\\"eve\\\"")));
	plain = peer_open(1);
	peer_sign_in(plain, "{\"id\":\"eve\"}");
	assert_heard(plain, SIGNED_IN("{\\\"id\\\":\\\"eve\\\"}"));
	assert_heard(eve, "");
}

static void watchlists_are_ignored_where_the_app_does_not_want_them(void **state)
{
	struct peer *alice;

	world_app()->enable_user_authentication = true;
	alice = peer_open(0);
	peer_sign_in(alice, "{\"id\":\"alice\",\"watchlist\":[\"bob\"]}");
	assert_heard(alice,
		     SIGNED_IN("{\\\"id\\\":\\\"alice\\\",\\\"watchlist\\\":[\\\"bob\\\"]}"));
	open_user(1, "{\"id\":\"bob\"}");
	assert_heard(alice, "");
}

static void odd_watchlists_are_no_mistake(void **state)
{
	static const char *const rows[] = {
		"{\"id\":\"a\",\"watchlist\":null}",
		"{\"id\":\"a\",\"watchlist\":{\"bob\":1}}",
		"{\"id\":\"a\",\"watchlist\":\"bob\"}",
		"{\"id\":\"a\",\"watchlist\":[1,null,{},[\"bob\"]]}",
	};
	struct peer *p;

	world_app()->enable_watchlist_events = true;
	p = open_user(0, "{\"id\":\"a\"}");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		str heard;

		peer_sign_in(p, rows[i]);
		heard = buf_str(&p->heard);
		assert_row(str_has_prefix(heard, S("{\"event\":\"pusher:signin_success\"")), i);
		assert_row(str_find_char(heard, '\n') == heard.n - 1, i);
		buf_clear(&p->heard);
	}
	peer_sign_in(p, "{\"id\":\"a\",\"watchlist\":[[[[[[[[[[[[1]]]]]]]]]]],\"b\\u00e9\"]}");
	assert_heard(
		p, SIGNED_IN("{\\\"id\\\":\\\"a\\\",\\\"watchlist\\\":[[[[[[[[[[[[1]]]]]]]]]]],"
			     "\\\"b\\\\u00e9\\\"]}") WATCH(ENTRY("offline", "\\\"b\xc3\xa9\\\"")));
}

/* Cache channels and counts, as their subscribers see them */

static void cached_event_comes_right_after_the_acknowledgement(void **state)
{
	struct peer *first = peer_open(0), *second = peer_open(1);

	peer_subscribe(first, "cache-a", NULL);
	assert_heard(first, SUBSCRIBED("cache-a") CACHE_MISS("cache-a"));
	world_publish("cache-a", "old");
	world_publish("cache-a", "last");
	world_publish("private-cache-a", "unheard");
	assert_heard(first, EVENT("cache-a", "old") EVENT("cache-a", "last"));
	peer_subscribe_unsettled(second, "cache-a", NULL);
	world_publish("cache-a", "live");
	assert_heard(second,
		     SUBSCRIBED("cache-a") EVENT("cache-a", "last") EVENT("cache-a", "live"));
	peer_subscribe(second, "cache-a", NULL);
	assert_heard(second, SUBSCRIBED("cache-a") EVENT("cache-a", "live"));
	peer_subscribe(second, "private-cache-a", NULL);
	assert_heard(second, SUBSCRIBED("private-cache-a") EVENT("private-cache-a", "unheard"));
	peer_subscribe(second, "presence-cache-a", "{\"user_id\":\"u\"}");
	assert_heard(second, ROSTER("presence-cache-a", "\\\"u\\\"", "\\\"u\\\":{}", "1")
				     CACHE_MISS("presence-cache-a"));
}

static void client_events_are_not_cached(void **state)
{
	struct peer *first, *second;

	world_app()->enable_client_messages = true;
	first = peer_open(0);
	second = peer_open(1);
	peer_subscribe(first, "private-cache-a", NULL);
	peer_say(first, S("{\"event\":\"client-e\",\"channel\":\"private-cache-a\",\"data\":1}"));
	peer_subscribe(second, "private-cache-a", NULL);
	assert_heard(second, SUBSCRIBED("private-cache-a") CACHE_MISS("private-cache-a"));
}

static void subscription_count_is_told_to_everybody_where_the_app_wants_it(void **state)
{
	struct peer *first, *second;

	world_app()->enable_subscription_count = true;
	first = peer_open(0);
	second = peer_open(1);
	peer_subscribe(first, "a", NULL);
	assert_heard(first, SUBSCRIBED("a") COUNT("a", "1"));
	peer_subscribe(second, "a", NULL);
	assert_heard(second, SUBSCRIBED("a") COUNT("a", "2"));
	assert_heard(first, COUNT("a", "2"));
	conn_end(&second->conn);
	world_settle();
	assert_heard(first, COUNT("a", "1"));
	peer_subscribe(first, "presence-r", "{\"user_id\":\"u\"}");
	assert_heard(first, ROSTER("presence-r", "\\\"u\\\"", "\\\"u\\\":{}", "1"));
}

/* Memory */

static bool is_signed_in(const struct peer *p)
{
	return p->conn.user && p->conn.user->is_confirmed;
}

enum outcome { REFUSED, LOST, WITHOUT_LIST, COMPLETE, N_OUTCOMES };

static enum outcome outcome_of(str heard)
{
	static const str list = { ENTRY("offline", "\\\"bob\\\",\\\"carol\\\""),
				  sizeof(ENTRY("offline", "\\\"bob\\\",\\\"carol\\\"")) - 1 };

	if (str_eq(heard, S(PUSHER_ERROR(4100, "Over capacity"))))
		return REFUSED;
	if (str_has_prefix(heard, S("LOST\n")))
		return LOST;
	return memmem(heard.p, heard.n, list.p, list.n) ? COMPLETE : WITHOUT_LIST;
}

/* Whatever fails: it is signed in or not, and the hub says the same. */
static void sign_in_without_memory_is_refused_or_done(void **state)
{
	static const char user_data[] = "{\"id\":\"alice\",\"watchlist\":[\"bob\",\"carol\"]}";
	unsigned n[N_OUTCOMES] = { 0 };

	world_app()->enable_user_authentication = true;
	world_app()->enable_watchlist_events = true;
	for (uint64_t nth = 1; nth <= 40; nth++) {
		struct peer *p = peer_open(0);

		world_fail_nth(nth);
		peer_sign_in(p, user_data);
		world_fail_nth(0);
		n[outcome_of(buf_str(&p->heard))]++;
		assert_row(is_signed_in(p) == (world_count().users == 1), nth);
		assert_row(is_signed_in(p) == (p->conn.subs.n == 1), nth);
		assert_row(p->conn.user == NULL || is_signed_in(p), nth);
		conn_end(&p->conn);
		world_settle();
	}
	for (size_t i = 0; i < N_OUTCOMES; i++)
		assert_row(n[i] > 0, i);
}

static void sign_in_again_without_memory_leaves_the_user_signed_in(void **state)
{
	static const char user_data[] = "{\"id\":\"alice\",\"watchlist\":[\"bob\"]}";
	struct peer *p;

	world_app()->enable_watchlist_events = true;
	p = open_alice();
	for (uint64_t nth = 1; nth <= 40; nth++) {
		world_fail_nth(nth);
		peer_sign_in(p, user_data);
		world_fail_nth(0);
		assert_row(is_signed_in(p) && world_count().users == 1, nth);
	}
	buf_clear(&p->heard);
	world_publish("#server-to-user-alice", "e");
	assert_heard(p, EVENT("#server-to-user-alice", "e"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(sign_in_is_refused_where_the_app_does_not_allow_it),
		TEST(sign_in_answers_each_mistake_in_its_own_words),
		TEST(sign_in_needs_an_id_in_what_was_signed),
		TEST(sign_in_takes_its_data_as_an_object_or_as_a_string_of_one),
		TEST(sign_in_answers_with_the_text_that_was_signed),
		TEST(sign_in_again_as_the_same_user_succeeds_and_as_another_does_not),
		TEST(failed_sign_in_leaves_an_earlier_one_as_it_was),
		TEST(sign_in_ends_the_wait_for_authentication),
		TEST(presence_without_channel_data_is_that_of_the_user),
		TEST(presence_with_channel_data_may_be_that_of_another),
		TEST(presence_of_the_user_names_it_on_client_events),
		TEST(presence_without_channel_data_needs_a_sign_in),
		TEST(presence_of_the_user_obeys_the_size_of_user_info),
		TEST(own_channel_may_be_subscribed_to_and_never_left),
		TEST(channels_of_other_users_are_refused),
		TEST(event_for_a_user_reaches_its_signed_in_connections_once_each),
		TEST(terminating_closes_every_connection_of_the_user_with_one_error),
		TEST(connection_that_goes_away_while_it_signs_in_was_online_for_no_longer),
		TEST(watchlist_follows_the_success_and_tells_of_edges_only),
		TEST(watchlist_is_that_of_the_last_sign_in),
		TEST(who_watches_itself_is_told_of_itself_and_nobody_else_is),
		TEST(watchlists_are_ignored_where_the_app_does_not_want_them),
		TEST(odd_watchlists_are_no_mistake),
		TEST(cached_event_comes_right_after_the_acknowledgement),
		TEST(client_events_are_not_cached),
		TEST(subscription_count_is_told_to_everybody_where_the_app_wants_it),
		TEST(sign_in_without_memory_is_refused_or_done),
		TEST(sign_in_again_without_memory_leaves_the_user_signed_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
