/* What an app's namespaces let its clients do. Which names there are is tested with the rules. */
#include "server/session_testing.h"

#include "core/namespace.h"

#define CHANNEL_ERROR(text) PUSHER_ERROR(4300, "Channel error: " text)
#define AUTH_ERROR(text) PUSHER_ERROR(4009, "Authentication error: " text)

/* Peers of an app with the namespace "chat", signed in as alice, as bob, and not. */
static struct namespace *chat;
static struct peer *alice, *bob, *nobody;

static int set_up(void **state)
{
	world_setup(state);
	world_app()->enable_user_authentication = true;
	world_app()->enable_client_messages = true;
	chat = namespace_add(world_app(), S("chat"));
	alice = peer_open(0);
	bob = peer_open(1);
	nobody = peer_open(2);
	peer_sign_in(alice, "{\"id\":\"alice\"}");
	peer_sign_in(bob, "{\"id\":\"bob\"}");
	assert_heard(alice, SIGNED_IN("{\\\"id\\\":\\\"alice\\\"}"));
	assert_heard(bob, SIGNED_IN("{\\\"id\\\":\\\"bob\\\"}"));
	return 0;
}

static void names_are_those_of_the_namespaces(void **state)
{
	static const struct {
		const char *channel, *hears;
	} rows[] = {
		{ "plain", SUBSCRIBED("plain") },
		{ "chat:room", SUBSCRIBED("chat:room") },
		{ "chat:a:b", SUBSCRIBED("chat:a:b") },
		{ "other:room", CHANNEL_ERROR("Unknown channel namespace 'other'") },
		{ "num:12", SUBSCRIBED("num:12") },
		{ "num:ab",
		  CHANNEL_ERROR("Channel 'num:ab' does not match namespace 'num' pattern") },
		{ "chat:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		  CHANNEL_ERROR("Channel name too long. Max length is 30") },
		{ "private-chat:room", SUBSCRIBED("private-chat:room") },
		{ "private-other:room", CHANNEL_ERROR("Unknown channel namespace 'other'") },
	};
	struct arena a;
	str problem;

	arena_init(&a, 0);
	chat->channel_name_bytes_max = 30;
	namespace_add(world_app(), S("num"))->pattern =
		pattern_new(S("^num:[0-9]+$"), &a, &problem);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		peer_subscribe(nobody, rows[i].channel, NULL);
		assert_heard(nobody, rows[i].hears);
	}
	arena_fini(&a);
}

static void namespace_may_close_its_channels_to_clients(void **state)
{
	chat->allow_subscribe_for_client = false;
	peer_subscribe(alice, "chat:a", NULL);
	assert_heard(alice, AUTH_ERROR("Namespace 'chat' does not allow client subscriptions"));
	peer_subscribe(alice, "presence-chat:a", "{\"user_id\":\"u\"}");
	assert_heard(alice, AUTH_ERROR("Namespace 'chat' does not allow client subscriptions"));
	peer_subscribe(alice, "a", NULL);
	assert_heard(alice, SUBSCRIBED("a"));
}

static void namespace_may_do_without_presence(void **state)
{
	chat->allow_presence_for_client = false;
	peer_subscribe(alice, "presence-cache-chat:a", "{\"user_id\":\"u\"}");
	assert_heard(alice,
		     AUTH_ERROR("Namespace 'chat' does not allow client presence subscriptions"));
	peer_subscribe(alice, "private-chat:a", NULL);
	assert_heard(alice, SUBSCRIBED("private-chat:a"));
}

static void namespace_may_do_without_client_events(void **state)
{
	str event = S("{\"event\":\"client-e\",\"channel\":\"private-chat:a\",\"data\":1}");

	peer_subscribe(alice, "private-chat:a", NULL);
	peer_subscribe(bob, "private-chat:a", NULL);
	buf_clear(&bob->heard);
	peer_say(alice, event);
	assert_heard(bob, "{\"event\":\"client-e\",\"channel\":\"private-chat:a\",\"data\":1}\n");
	assert_heard(alice, SUBSCRIBED("private-chat:a"));
	chat->allow_publish_for_client = false;
	peer_say(alice, event);
	assert_heard(bob, "");
	assert_heard(alice, AUTH_ERROR("Namespace 'chat' does not allow client publishes"));
}

static void client_event_may_go_to_a_name_as_long_as_the_namespace_says(void **state)
{
	world_app()->limits.max_channel_name_length = 15;
	chat->channel_name_bytes_max = 16;
	peer_subscribe(alice, "private-chat:123", NULL);
	assert_heard(alice, SUBSCRIBED("private-chat:123"));
	peer_say(alice, S("{\"event\":\"client-e\",\"channel\":\"private-chat:123\"}"));
	assert_heard(alice, "");
	peer_say(alice, S("{\"event\":\"client-e\",\"channel\":\"private-chat:1234\"}"));
	assert_heard(alice, PUSHER_ERROR(4300, "Channel name invalid: Channel name exceeds maximum "
					       "length of 16"));
}

static void limited_channel_is_for_its_users_only(void **state)
{
	chat->allow_user_limited_channels = true;
	peer_subscribe(alice, "chat:r#carol,alice", NULL);
	assert_heard(alice, SUBSCRIBED("chat:r#carol,alice"));
	peer_subscribe(bob, "chat:r#carol,alice", NULL);
	assert_heard(bob, AUTH_ERROR("User 'bob' is not allowed to access channel "
				     "'chat:r#carol,alice'"));
	peer_subscribe(nobody, "chat:r#carol,alice", NULL);
	assert_heard(nobody, AUTH_ERROR("User-limited channels require an authenticated user"));
	/* A user_id of one's own choice is no sign-in. */
	peer_subscribe(nobody, "presence-chat:r#alice", "{\"user_id\":\"alice\"}");
	assert_heard(nobody, AUTH_ERROR("User-limited channels require an authenticated user"));
	world_publish("chat:r#carol,alice", "e");
	assert_heard(alice,
		     "{\"event\":\"e\",\"channel\":\"chat:r#carol,alice\",\"data\":\"d\"}\n");
	assert_heard(bob, "");
}

static void limited_channel_needs_its_signature_too(void **state)
{
	chat->allow_user_limited_channels = true;
	peer_say(alice, S("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":"
			  "\"private-chat:r#alice\",\"auth\":\"app-key:00\"}}"));
	assert_heard(alice, AUTH_ERROR("Channel requires authentication"));
	peer_subscribe(alice, "private-chat:r#alice", NULL);
	assert_heard(alice, SUBSCRIBED("private-chat:r#alice"));
}

static void limited_names_exist_only_where_a_namespace_allows_them(void **state)
{
	peer_subscribe(alice, "chat:r#alice", NULL);
	assert_heard(alice, CHANNEL_ERROR("Channel 'chat:r#alice' uses user-limited syntax but the "
					  "namespace does not allow it"));
	peer_subscribe(alice, "#r", NULL);
	assert_heard(alice, CHANNEL_ERROR("Channel '#r' uses user-limited syntax but the namespace "
					  "does not allow it"));
	peer_subscribe(alice, "private-#alice", NULL);
	assert_heard(alice, CHANNEL_ERROR("Channel 'private-#alice' uses user-limited syntax but "
					  "the namespace does not allow it"));
	peer_subscribe(alice, "#server-to-user-alice", NULL);
	assert_heard(alice, SUBSCRIBED("#server-to-user-alice"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_those_of_the_namespaces),
		TEST(namespace_may_close_its_channels_to_clients),
		TEST(namespace_may_do_without_presence),
		TEST(namespace_may_do_without_client_events),
		TEST(client_event_may_go_to_a_name_as_long_as_the_namespace_says),
		TEST(limited_channel_is_for_its_users_only),
		TEST(limited_channel_needs_its_signature_too),
		TEST(limited_names_exist_only_where_a_namespace_allows_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
