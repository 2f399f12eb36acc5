/* Client events. */
#include "server/session_testing.h"

#include "base/mem.h"

#include <stdio.h>

#define EVENT(channel, data)                                                                       \
	"{\"event\":\"client-x\",\"channel\":\"" channel "\",\"data\":" data "}"
#define NEEDS_KIND                                                                                 \
	PUSHER_ERROR(4301, "Client event error: Client events can only be sent to private or "     \
			   "presence channels")
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X200 X50 X50 X50 X50

static struct peer *subscriber(unsigned n)
{
	struct peer *p = peer_open(n);

	peer_subscribe(p, "public", NULL);
	peer_subscribe(p, "private-a", NULL);
	peer_subscribe(p, "private-cache-a", NULL);
	peer_subscribe(p, "private-encrypted-a", NULL);
	buf_clear(&p->heard);
	return p;
}

static int setup(void **state)
{
	world_setup(state);
	world_app()->enable_client_messages = true;
	return 0;
}

static void client_event_reaches_all_but_the_sender_as_written(void **state)
{
	static const char *const events[] = {
		EVENT("private-a", "{\"z\":1,\"a\":2}"),
		EVENT("private-a", "1.50"),
		EVENT("private-a", "null"),
		EVENT("private-a", "\"\\u00e9\\/\""),
		EVENT("private-a", "{ \"channel\" : \"c\" }"),
		EVENT("private-cache-a", "[12345678901234567890,1e5]"),
	};
	struct peer *sender = subscriber(0), *a = subscriber(1), *b = subscriber(2);
	struct peer *stranger = peer_open(3);

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		char line[256];

		snprintf(line, sizeof(line), "%s\n", events[i]);
		peer_say(sender, str_from_cstr(events[i]));
		assert_heard(a, line);
		assert_heard(b, line);
		assert_heard(sender, "");
		assert_heard(stranger, "");
	}
}

static void client_event_without_data_carries_null(void **state)
{
	struct peer *sender = subscriber(0), *p = subscriber(1);

	peer_say(sender, S("{\"event\":\"client-\",\"channel\":\"private-a\"}"));
	assert_heard(p, "{\"event\":\"client-\",\"channel\":\"private-a\",\"data\":null}\n");
}

static void client_event_on_presence_carries_the_senders_user_id(void **state)
{
	struct peer *sender = peer_open(0), *p = peer_open(1);

	peer_subscribe(sender, "presence-a", "{\"user_id\":\"q\\\"\"}");
	peer_subscribe(p, "presence-a", "{\"user_id\":7}");
	buf_clear(&p->heard);
	peer_say(sender, S("{\"event\":\"client-x\",\"channel\":\"presence-a\",\"data\":{},"
			   "\"user_id\":\"evil\"}"));
	assert_heard(p, "{\"event\":\"client-x\",\"channel\":\"presence-a\",\"data\":{},"
			"\"user_id\":\"q\\\"\"}\n");
}

static void client_event_is_refused_as_documented(void **state)
{
	static const struct {
		const char *says, *hears;
	} rows[] = {
		{ EVENT("public", "{}"), NEEDS_KIND },
		{ EVENT("", "{}"), NEEDS_KIND },
		{ EVENT("cache-a", "{}"), NEEDS_KIND },
		{ EVENT("#server-to-user-a", "{}"), NEEDS_KIND },
		{ EVENT("private-encrypted-a", "{}"),
		  PUSHER_ERROR(4301,
			       "Client event error: Client events cannot be sent to encrypted "
			       "channels") },
		{ EVENT("private-encrypted-cache-a", "{}"),
		  PUSHER_ERROR(4301,
			       "Client event error: Client events cannot be sent to encrypted "
			       "channels") },
		{ EVENT("private-other", "{}"),
		  PUSHER_ERROR(4301, "Client event error: Socket 1234.5678 is not subscribed to "
				     "channel private-other") },
		{ EVENT("private-c\\u0000d", "{}"),
		  PUSHER_ERROR(4301, "Client event error: Socket 1234.5678 is not subscribed to "
				     "channel private-c\\u0000d") },
		{ "{\"event\":\"client-x\",\"data\":{}}",
		  PUSHER_ERROR(4301, "Client event error: Channel required for client event") },
		{ "{\"event\":\"client-x\",\"channel\":5,\"data\":{}}",
		  PUSHER_ERROR(4301, "Client event error: Channel required for client event") },
		{ "{\"event\":\"client-" X200 "\",\"channel\":\"private-a\"}",
		  PUSHER_ERROR(4000, "Invalid event name: Event name exceeds maximum length of "
				     "200") },
		{ EVENT("private-" X200, "{}"),
		  PUSHER_ERROR(4300, "Channel name invalid: Channel name exceeds maximum length of "
				     "200") },
	};
	struct peer *p = subscriber(0), *other = subscriber(1);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		peer_say(p, str_from_cstr(rows[i].says));
		assert_heard(p, rows[i].hears);
		assert_heard(other, "");
		assert_row(p->conn.phase == CONN_OPEN, i);
	}
}

static void client_event_needs_an_app_that_wants_them(void **state)
{
	struct peer *p = subscriber(0);

	world_app()->enable_client_messages = false;
	peer_say(p, S(EVENT("private-a", "{}")));
	assert_heard(p, PUSHER_ERROR(4301, "Client event error: Client events are not enabled for "
					   "this app"));
}

static void client_event_data_is_limited_as_written(void **state)
{
	struct peer *p = subscriber(0);
	char text[1200];

	world_app()->limits.max_event_payload_in_kb = 1;
	snprintf(text, sizeof(text), EVENT("private-a", "%*d"), 1024, 1); /* blanks do not count */
	peer_say(p, str_from_cstr(text));
	assert_heard(p, "");
	snprintf(text, sizeof(text), EVENT("private-a", "\"%0*d\""), 1022, 1);
	peer_say(p, str_from_cstr(text));
	assert_heard(p, "");
	snprintf(text, sizeof(text), EVENT("private-a", "\"%0*d\""), 1023, 1);
	peer_say(p, str_from_cstr(text));
	assert_heard(p, PUSHER_ERROR(4301, "Client event error: Event payload size (1025 bytes) "
					   "exceeds limit (1KB)"));
}

static void client_events_are_limited_per_connection_and_window(void **state)
{
	struct peer *p = subscriber(0), *other = subscriber(1);

	world_app()->limits.max_client_events_per_second = 3;
	world_app()->limits.decay_seconds = 2;
	for (int i = 0; i < 3; i++)
		peer_say(p, S(EVENT("private-a", "0")));
	assert_heard(p, "");
	peer_say(p, S(EVENT("public", "1"))); /* refused ones count as well */
	assert_heard(p, PUSHER_ERROR(4301, "Client event rejected due to rate limit"));
	peer_say(p, S("{\"event\":\"pusher:ping\"}")); /* others do not */
	assert_heard(p, "{\"event\":\"pusher:pong\",\"data\":{}}\n");
	buf_clear(&other->heard);
	peer_say(other, S(EVENT("private-a", "2")));
	assert_heard(p, EVENT("private-a", "2") "\n");
	world_pass_s(2);
	peer_say(p, S(EVENT("private-a", "3")));
	assert_heard(other, EVENT("private-a", "3") "\n");
}

static void client_events_above_the_limit_close_if_the_app_wants_it(void **state)
{
	struct peer *p = subscriber(0);

	world_app()->limits.max_client_events_per_second = 1;
	world_app()->terminate_on_limit = true;
	for (int i = 0; i < 4; i++)
		peer_say(p, S(EVENT("private-a", "0")));
	assert_heard(p, PUSHER_REFUSAL(4301, "Connection closed due to client event rate limit"));
	assert_int_equal(world_count().subscriptions, 0);
}

static void client_event_that_finds_no_memory_is_refused(void **state)
{
	struct peer *p = subscriber(0);
	char text[8000];

	snprintf(text, sizeof(text), EVENT("private-a", "\"%0*d\""), 6000, 1);
	mem_fail_nth(1);
	peer_say(p, str_from_cstr(text));
	mem_fail_nth(0);
	assert_heard(p, PUSHER_ERROR(4100, "Over capacity"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_event_reaches_all_but_the_sender_as_written),
		TEST(client_event_without_data_carries_null),
		TEST(client_event_on_presence_carries_the_senders_user_id),
		TEST(client_event_is_refused_as_documented),
		TEST(client_event_needs_an_app_that_wants_them),
		TEST(client_event_data_is_limited_as_written),
		TEST(client_events_are_limited_per_connection_and_window),
		TEST(client_events_above_the_limit_close_if_the_app_wants_it),
		TEST(client_event_that_finds_no_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
