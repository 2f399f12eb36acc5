/* Events on their way: order, caches, repetitions, rates, memory. */
#include "core/hub_testing.h"

static void batch_is_delivered_in_order_and_answered_per_item(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event events[] = {
		{ S("a"), S("1"), { S("x"), S("y") }, INFO_SUBSCRIPTION_COUNT, S("") },
		{ S("b"), S("2"), { S("x") }, 0, S("") },
		{ S("c"), S("3"), { S("presence-none") }, INFO_USER_COUNT, S("") },
	};
	struct place x = ask_public(f, 0, 1, 10, S("x"));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, true, events, 3);
	assert_said(
		f, "0 deliver 10 {\"event\":\"a\",\"channel\":\"x\",\"data\":1}\n"
		   "0 deliver 10 {\"event\":\"b\",\"channel\":\"x\",\"data\":2}\n"
		   "0 answer 7 0 {\"batch\":[{\"subscription_count\":1},{},{\"user_count\":0}]}\n");
	ask_publish(f, 0, 7, false, events, 1);
	assert_said(f, "0 deliver 10 {\"event\":\"a\",\"channel\":\"x\",\"data\":1}\n"
		       "0 answer 7 0 "
		       "{\"channels\":{\"x\":{\"subscription_count\":1},\"y\":{\"subscription_"
		       "count\":0}}}\n");
	tell_leave(f, x);
}

static void client_event_names_its_sender_on_presence_channels_only(void **state)
{
	struct hub_fixture *f = *state;
	struct place places[] = { ask_subscribe(f, 0, 1, 10, S("presence-p"), S("u\""), S("")),
				  ask_public(f, 0, 1, 11, S("private-p")) };
	union {
		struct to_hub_client_event r;
		char room[128];
	} u;

	buf_clear(&f->said);
	for (int i = 0; i < 2; i++) {
		u.r = (struct to_hub_client_event){ .channel = places[i].channel,
						    .membership = places[i].membership,
						    .sender = { 1, 2 },
						    .event_len = 8,
						    .data_len = 4 };
		memcpy(u.r.text, "client-x1.50", 12);
		hub_take(f->hub, 0, TO_HUB_CLIENT_EVENT, &u.r);
	}
	assert_said(
		f,
		"0 deliver 10 "
		"{\"event\":\"client-x\",\"channel\":\"presence-p\",\"data\":1.50,\"user_id\":"
		"\"u\\\"\"}\n"
		"0 deliver 11 {\"event\":\"client-x\",\"channel\":\"private-p\",\"data\":1.50}\n");
	tell_leave(f, places[0]);
	tell_leave(f, places[1]);
}

static void cache_channel_keeps_its_last_event_for_a_while(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event events[] = { { S("a"), S("1"), { S("cache-x") }, 0, S("") },
				       { S("b"), S("2"), { S("cache-x") }, 0, S("") } };

	tell_leave(f, ask_public(f, 0, 1, 10, S("cache-x")));
	ask_publish(f, 0, 7, true, events, 2);
	tell_leave(f, ask_public(f, 0, 2, 10, S("cache-x")));
	f->clock.mono_ns += 1500 * 1000000ull;
	ask_query(f, QUERY_CHANNEL, S("cache-x"), INFO_CACHE);
	f->clock.mono_ns += 3600 * 1000000000ull;
	ask_query(f, QUERY_CHANNEL, S("cache-x"), INFO_CACHE);
	tell_leave(f, ask_public(f, 0, 3, 10, S("cache-x")));
	assert_said(f, "0 subscribed 1 "
		       "{\"event\":\"pusher:cache_miss\",\"channel\":\"cache-x\",\"data\":\"{}\"}"
		       "\n0 released 10\n"
		       "0 answer 7 0 \n"
		       "0 subscribed 2 {\"event\":\"b\",\"channel\":\"cache-x\",\"data\":2}\n0 "
		       "released 10\n"
		       "0 answer 9 0 "
		       "{\"occupied\":false,\"cache\":{\"data\":\"{\\\"event\\\":\\\"b\\\","
		       "\\\"channel\\\":\\\"cache-x\\\","
		       "\\\"data\\\":2}\",\"ttl\":3598}}\n"
		       "0 answer 9 0 {\"occupied\":false}\n"
		       "0 subscribed 3 "
		       "{\"event\":\"pusher:cache_miss\",\"channel\":\"cache-x\",\"data\":\"{}\"}"
		       "\n0 released 10\n");
}

static void repetition_of_a_key_delivers_nothing_and_answers_the_same(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("x") }, INFO_SUBSCRIPTION_COUNT, S("k") };
	struct place p = ask_public(f, 0, 1, 10, S("x"));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, false, &e, 1);
	tell_leave(f, ask_public(f, 0, 2, 10, S("x")));
	buf_clear(&f->said);
	ask_publish(f, 1, 8, false, &e, 1);
	ask_publish(f, 1, 8, true, &e, 1);
	f->clock.mono_ns += 120 * 1000000000ull;
	ask_publish(f, 1, 8, false, &e, 1);
	assert_said(f, "1 answer 8 0 {\"channels\":{\"x\":{\"subscription_count\":1}}}\n"
		       "1 answer 8 0 {\"batch\":[{}]}\n"
		       "0 deliver 10 {\"event\":\"e\",\"channel\":\"x\",\"data\":1}\n"
		       "1 answer 8 0 {\"channels\":{\"x\":{\"subscription_count\":1}}}\n");
	e.key = S("");
	ask_publish_keyed(f, 0, 7, true, &e, 1, S("k"));
	ask_publish_keyed(f, 0, 7, true, &e, 1, S("k"));
	assert_said(f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"x\",\"data\":1}\n"
		       "0 answer 7 0 {\"batch\":[{\"subscription_count\":1}]}\n"
		       "0 answer 7 0 {\"batch\":[{\"subscription_count\":1}]}\n");
	tell_leave(f, p);
}

static void rates_are_counted_per_second_and_app(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e[3] = { { S("e"), S("1"), { S("x") }, 0, S("") },
				   { S("e"), S("1"), { S("x") }, 0, S("") },
				   { S("e"), S("1"), { S("x") }, 0, S("") } };

	f->app->limits.max_backend_events_per_second = 3;
	f->app->limits.max_read_requests_per_second = 1;
	ask_publish(f, 0, 1, true, e, 2);
	ask_publish(f, 0, 2, true, e, 2);
	ask_publish(f, 0, 3, false, e, 1);
	ask_query(f, QUERY_USERS, S("presence-x"), 0);
	ask_query(f, QUERY_USERS, S("presence-x"), 0);
	f->clock.mono_ns += 1000000000ull;
	ask_publish(f, 0, 4, true, e, 3);
	assert_said(
		f,
		"0 answer 1 0 \n0 answer 2 3 Rate of 4 events in one second exceeds the limit of 3 "
		"(max_backend_events_per_second)\n0 answer 3 0 \n0 answer 9 0 "
		"{\"users\":[]}\n0 answer 9 3 Rate of 2 requests in one second exceeds the limit "
		"of 1 "
		"(max_read_requests_per_second)\n0 answer 4 0 \n");
}

static void event_for_nobody_is_answered_all_the_same(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e[] = { PLAIN_EVENT("e", "1", "nobody"),
				  PLAIN_EVENT("e", "1", "#server-to-user-nobody") };

	ask_publish(f, 0, 7, true, e, 2);
	ask_publish(f, 0, 7, false, e, 1);
	assert_said(f, "0 answer 7 0 \n0 answer 7 0 \n");
	assert_int_equal(hub_count(f->hub, f->app).channels, 0);
}

static void event_of_several_channels_is_delivered_in_their_order(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("b"), S("a") }, 0, S("") };
	struct place a = ask_public(f, 0, 1, 10, S("a")), b = ask_public(f, 0, 1, 11, S("b"));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, false, &e, 1);
	assert_said(f, "0 deliver 11 {\"event\":\"e\",\"channel\":\"b\",\"data\":1}\n"
		       "0 deliver 10 {\"event\":\"e\",\"channel\":\"a\",\"data\":1}\n"
		       "0 answer 7 0 \n");
	e.channels[0] = e.channels[1] = S("a"); /* named twice, meant twice */
	ask_publish(f, 0, 7, false, &e, 1);
	assert_said(f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"a\",\"data\":1}\n"
		       "0 deliver 10 {\"event\":\"e\",\"channel\":\"a\",\"data\":1}\n"
		       "0 answer 7 0 \n");
	tell_leave(f, a);
	tell_leave(f, b);
}

static void key_is_known_within_the_batch_that_brought_it(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e[] = {
		{ S("a"), S("1"), { S("x") }, INFO_SUBSCRIPTION_COUNT, S("k") },
		{ S("b"), S("2"), { S("x") }, INFO_SUBSCRIPTION_COUNT, S("k") },
		{ S("c"), S("3"), { S("x") }, 0, S("l") },
	};
	struct place p = ask_public(f, 0, 1, 10, S("x"));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, true, e, 3);
	ask_publish(f, 0, 7, true, e, 3);
	/* The same name for a batch is another key, and so is no name at all. */
	e[0].key = S("");
	ask_publish_keyed(f, 0, 8, true, e, 1, S("k"));
	e[2].key = S("");
	ask_publish(f, 0, 9, false, &e[2], 1);
	ask_publish(f, 0, 9, false, &e[2], 1);
	assert_said(f, "0 deliver 10 {\"event\":\"a\",\"channel\":\"x\",\"data\":1}\n"
		       "0 deliver 10 {\"event\":\"c\",\"channel\":\"x\",\"data\":3}\n"
		       "0 answer 7 0 {\"batch\":[{\"subscription_count\":1},{},{}]}\n"
		       "0 answer 7 0 {\"batch\":[{},{},{}]}\n"
		       "0 deliver 10 {\"event\":\"a\",\"channel\":\"x\",\"data\":1}\n"
		       "0 answer 8 0 {\"batch\":[{\"subscription_count\":1}]}\n"
		       "0 deliver 10 {\"event\":\"c\",\"channel\":\"x\",\"data\":3}\n"
		       "0 answer 9 0 \n"
		       "0 deliver 10 {\"event\":\"c\",\"channel\":\"x\",\"data\":3}\n"
		       "0 answer 9 0 \n");
	tell_leave(f, p);
}

static void repetition_of_a_key_without_attributes_is_answered_plainly(void **state)
{
	struct hub_fixture *f = *state;
	struct test_event e = { S("e"), S("1"), { S("x") }, 0, S("k") };
	struct place p = ask_public(f, 0, 1, 10, S("x"));

	buf_clear(&f->said);
	ask_publish(f, 0, 7, false, &e, 1);
	e.info = INFO_SUBSCRIPTION_COUNT;
	ask_publish(f, 0, 7, false, &e, 1);
	assert_said(f, "0 deliver 10 {\"event\":\"e\",\"channel\":\"x\",\"data\":1}\n"
		       "0 answer 7 0 \n0 answer 7 0 \n");
	tell_leave(f, p);
}

static bool said_contains(struct hub_fixture *f, const char *text)
{
	hub_write_down(f);
	return memmem(f->said.p, f->said.len, text, strlen(text)) != NULL;
}

/* Each request is answered once; an event that is delivered is whole and is the last event from
 * then on; what is remembered of a key is true. */
static void publish_without_memory_delivers_whole_events_or_none(void **state)
{
	struct hub_fixture *f = *state;
	struct place p = ask_public(f, 0, 1, 10, S("cache-x"));
	unsigned n_lost = 0, n_complete = 0;

	for (uint64_t nth = 1; nth <= 20; nth++) {
		char key[2] = { 'k', (char)nth };
		struct test_event e = { S("e"),
					S("\"1\""),
					{ S("cache-x"), S("x") },
					INFO_SUBSCRIPTION_COUNT,
					{ key, 2 } };
		bool is_delivered;

		buf_clear(&f->said);
		f->fail_nth = nth;
		ask_publish(f, 0, 7, nth % 2 == 0, &e, 1);
		f->fail_nth = 0;
		is_delivered = said_contains(f, "0 deliver 10 {\"event\":\"e\",\"channel\":"
						"\"cache-x\",\"data\":\"1\"}\n");
		assert_row(is_delivered == said_contains(f, "deliver"), nth);
		assert_row(said_contains(f, "0 answer 7 0 "), nth);
		n_lost += !is_delivered;
		n_complete += is_delivered && said_contains(f, "subscription_count\":1");
	}
	assert_true(n_lost > 0 && n_complete > 0);
	buf_clear(&f->said);
	ask_query(f, QUERY_CHANNEL, S("cache-x"), INFO_CACHE);
	assert_said(f, "0 answer 9 0 {\"occupied\":true,\"cache\":{\"data\":\"{\\\"event\\\":"
		       "\\\"e\\\",\\\"channel\\\":\\\"cache-x\\\",\\\"data\\\":\\\"1\\\"}\","
		       "\"ttl\":3600}}\n");
	tell_leave(f, p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(batch_is_delivered_in_order_and_answered_per_item),
		HUB_TEST(client_event_names_its_sender_on_presence_channels_only),
		HUB_TEST(cache_channel_keeps_its_last_event_for_a_while),
		HUB_TEST(repetition_of_a_key_delivers_nothing_and_answers_the_same),
		HUB_TEST(event_for_nobody_is_answered_all_the_same),
		HUB_TEST(event_of_several_channels_is_delivered_in_their_order),
		HUB_TEST(key_is_known_within_the_batch_that_brought_it),
		HUB_TEST(repetition_of_a_key_without_attributes_is_answered_plainly),
		HUB_TEST(publish_without_memory_delivers_whole_events_or_none),
		HUB_TEST(rates_are_counted_per_second_and_app),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
