/* webhooks_test.c: what the hub says, and what receivers get, in simulated time. */
#include "webhook/webhooks.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"

#include <stdio.h>

enum { POSTS_MAX = 300, EVENTS_MAX = 50, BODY_MAX = 1024 };
#define ALL_EVENTS ((1u << N_WEBHOOK_EVENTS) - 1)

struct post {
	char url[64], headers[512], body[BODY_MAX];
	uint64_t at_ms;
};

struct fixture {
	int64_t live_before;
	struct sim *sim;
	struct loop *loop;
	struct log *log;
	struct buf said; /* in the log */
	struct app_table *apps;
	struct app *app;
	struct webhooks *webhooks;
	void *listener; /* of app */
	struct webhook_counts counts;
	struct post posts[POSTS_MAX]; /* as they arrived */
	size_t n_posts, n_read;
	struct sim_post_fate fates[POSTS_MAX]; /* of the next ones, then 200 */
	size_t n_fates, n_fates_used;
};

/* The receiver */

static void write_down(struct fixture *f, const struct http_post *post)
{
	struct post *p = &f->posts[f->n_posts++];
	size_t n = 0;

	assert_in_range(f->n_posts, 1, POSTS_MAX);
	snprintf(p->url, sizeof(p->url), "%.*s", STR_ARG(post->url));
	snprintf(p->body, sizeof(p->body), "%.*s", STR_ARG(post->body));
	for (size_t i = 0; i < post->n_headers; i++)
		n += snprintf(p->headers + n, sizeof(p->headers) - n, "%.*s: %.*s\n",
			      STR_ARG(post->headers[i].name), STR_ARG(post->headers[i].value));
	p->at_ms = clock_ms(loop_clock(f->loop));
}

static struct sim_post_fate on_post(void *ctx, const struct http_post *post)
{
	struct fixture *f = ctx;

	write_down(f, post);
	if (f->n_fates_used < f->n_fates)
		return f->fates[f->n_fates_used++];
	return (struct sim_post_fate){ .status = 200 };
}

static void answer_next(struct fixture *f, unsigned status, unsigned delay_ms)
{
	f->fates[f->n_fates++] = (struct sim_post_fate){ .status = status, .delay_ms = delay_ms };
}

static bool on_log(void *ctx, str line)
{
	buf_puts(&((struct fixture *)ctx)->said, line);
	return true;
}

static int64_t no_time(void *ctx)
{
	return 0;
}

/* Fixture */

static struct webhook *add_hook(struct app *a, const char *url)
{
	struct webhook *w = webhook_add(a, str_from_cstr(url));

	w->events = ALL_EVENTS;
	return w;
}

static struct webhook_counts *counts_of(void *ctx, const struct app *app)
{
	return &((struct fixture *)ctx)->counts;
}

static uint64_t count(const struct fixture *f, enum webhook_outcome o)
{
	return counter_get(&f->counts.outcomes[o]);
}

static int set_up(void **state)
{
	struct sim_options calm = sim_options_calm();
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct hash_key key = { 1, 2 };
	struct http_client_options o = { .n_posts_max = OUTLET_POSTS_MAX };
	const char *why;

	f->live_before = mem_live_bytes();
	buf_init(&f->said, 1 << 20);
	buf_reserve(&f->said, 1 << 16); /* that memory which fails is never its own */
	f->sim = sim_new(1, &calm);
	f->loop = sim_loop_new(f->sim);
	sim_set_receiver(f->sim, &(struct sim_receiver){ .ctx = f, .on_post = on_post });
	f->log = log_new(&(struct log_options){
		.level = LOG_INFO, .write = on_log, .wall_us = no_time, .ctx = f });
	f->apps = app_table_new(key);
	f->app = app_table_add(f->apps, S("app-id"), S("app-key"), S("app-secret"));
	f->webhooks = webhooks_new(
		&(struct webhooks_options){ .loop = f->loop,
					    .client = http_client_new(f->loop, &o, &why),
					    .log = f->log,
					    .hash_key = key,
					    .events_max = EVENTS_MAX,
					    .counts_of = counts_of,
					    .ctx = f });
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	webhooks_free(f->webhooks);
	app_table_free(f->apps);
	log_free(f->log);
	loop_free(f->loop);
	sim_free(f->sim);
	buf_fini(&f->said);
	assert_int_equal(mem_live_bytes(), f->live_before);
	test_free(f);
	return 0;
}

/* One request per event, unless a test says otherwise. */
static struct webhook *one_hook(struct fixture *f)
{
	struct webhook *w = add_hook(f->app, "http://a/");

	f->app->webhooks->gather_ms = 0;
	f->app->webhooks->events_max = 1;
	return w;
}

/* The hub speaks within a turn, which has looked at the clock. */
static void begin_turn(struct fixture *f)
{
	loop_wake(f->loop);
	sim_run_ms(f->sim, 1);
}

static struct hub_news news(struct fixture *f, enum webhook_event e, const char *channel)
{
	f->listener = webhooks_meet(f->webhooks, f->app, f->listener);
	return (struct hub_news){ .event = e,
				  .listener = f->listener,
				  .channel = str_from_cstr(channel),
				  .sender = { 1, 2 },
				  .n_subscriptions = 3 };
}

static void tell(struct fixture *f, enum webhook_event e, const char *channel)
{
	struct hub_news n;

	begin_turn(f);
	n = news(f, e, channel);
	webhooks_tell(f->webhooks, &n);
}

static void tell_member(struct fixture *f, enum webhook_event e, const char *channel,
			const char *user_id)
{
	struct hub_news n = news(f, e, channel);

	n.user_id = str_from_cstr(user_id);
	webhooks_tell(f->webhooks, &n);
}

static void hang_up(struct fixture *f, const char *channel)
{
	struct hub_news n = news(f, WEBHOOK_channel_vacated, channel);

	n.has_hung_up = true;
	webhooks_tell(f->webhooks, &n);
}

/* The events of the next request: what stands between the brackets. */
static const char *next_events(struct fixture *f)
{
	char *body = f->posts[f->n_read].body, *events = strchr(body, '[');

	assert_true(f->n_read++ < f->n_posts);
	assert_non_null(events);
	events[strlen(events) - 2] = '\0';
	return events + 1;
}

static void assert_events(struct fixture *f, const char *events)
{
	assert_string_equal(next_events(f), events);
}

static void assert_silence(const struct fixture *f)
{
	assert_int_equal(f->n_posts, f->n_read);
}

#define EVENT(name, rest) "{\"name\":\"" name "\",\"channel\":\"a\"" rest "}"
#define OCCUPIED EVENT("channel_occupied", "")
#define VACATED EVENT("channel_vacated", "")
#define MISS EVENT("cache_miss", ",\"data\":\"{}\"")

/* Requests */

static void each_event_has_its_members_in_order(void **state)
{
	struct fixture *f = *state;
	struct hub_news n;

	one_hook(f);
	tell(f, WEBHOOK_channel_occupied, "a");
	tell_member(f, WEBHOOK_member_added, "a", "u\"1");
	tell(f, WEBHOOK_subscription_count, "a");
	tell(f, WEBHOOK_cache_miss, "a");
	n = news(f, WEBHOOK_client_event, "a");
	n.name = S("client-x");
	n.data = S("{\"z\": 1.50}");
	webhooks_tell(f->webhooks, &n);
	n.data = S("");
	webhooks_tell(f->webhooks, &n);
	hang_up(f, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, OCCUPIED);
	assert_events(f, EVENT("member_added", ",\"user_id\":\"u\\\"1\""));
	assert_events(f, EVENT("subscription_count", ",\"subscription_count\":3"));
	assert_events(f, MISS);
	assert_events(f, EVENT("client_event", ",\"event\":\"client-x\",\"data\":{\"z\": 1.50},"
					       "\"socket_id\":\"1.2\""));
	assert_events(f, EVENT("client_event", ",\"event\":\"client-x\",\"data\":null,"
					       "\"socket_id\":\"1.2\""));
	assert_events(f, VACATED);
	assert_silence(f);
}

static void a_request_is_signed_and_says_when(void **state)
{
	struct fixture *f = *state;
	struct webhook *w = one_hook(f);
	char body[128], headers[512], hex[SHA256_HEX_LEN];
	struct hmac_key key;
	struct hmac h;

	webhook_add_header(w, S("X-Own"), S("1"));
	snprintf(body, sizeof(body), "{\"time_ms\":%lld,\"events\":[" OCCUPIED "]}",
		 (long long)loop_clock(f->loop)->wall_ms);
	hmac_key_init(&key, S("app-secret"));
	hmac_begin(&h, &key);
	hmac_add(&h, str_from_cstr(body));
	hmac_end_hex(&h, &key, hex);
	snprintf(headers, sizeof(headers),
		 "Content-Type: application/json\nX-Pusher-Key: app-key\n"
		 "X-Pusher-Signature: %.*s\nX-Own: 1\n",
		 SHA256_HEX_LEN, hex);
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 100);
	assert_string_equal(f->posts[0].url, "http://a/");
	assert_string_equal(f->posts[0].body, body);
	assert_string_equal(f->posts[0].headers, headers);
}

static void events_are_gathered_until_they_are_many_or_time_is_up(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	f->app->webhooks->gather_ms = 500;
	f->app->webhooks->events_max = 3;
	for (int i = 0; i < 4; i++)
		tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 400);
	assert_events(f, MISS "," MISS "," MISS);
	assert_silence(f);
	sim_run_ms(f->sim, 200);
	assert_events(f, MISS);
	assert_silence(f);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
	assert_int_equal(count(f, WEBHOOK_DELIVERED), 4);
}

static void what_is_no_whole_batch_waits_for_the_one_before(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	f->app->webhooks->gather_ms = 10;
	f->app->webhooks->events_max = 2;
	answer_next(f, 200, 1000);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, MISS);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 500);
	assert_silence(f);
	tell(f, WEBHOOK_cache_miss, "a"); /* whole now */
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, MISS "," MISS);
	assert_silence(f);
	sim_run_ms(f->sim, 500);
	assert_events(f, OCCUPIED);
	assert_silence(f);
}

static void slow_receivers_leave_a_place_for_others(void **state)
{
	enum { BUSY = 3, EACH = 14 };
	struct fixture *f = *state;

	for (int i = 0; i < BUSY; i++)
		webhook_set_prefix(add_hook(f->app, "http://slow/"), S("slow"));
	webhook_set_prefix(add_hook(f->app, "http://idle/"), S("idle"));
	f->app->webhooks->events_max = 1;
	for (int i = 0; i < BUSY * EACH; i++)
		answer_next(f, 200, 5000);
	for (int i = 0; i < EACH; i++)
		tell(f, WEBHOOK_cache_miss, "slow");
	sim_run_ms(f->sim, 100);
	assert_int_equal(f->n_posts, OUTLET_POSTS_MAX / 2);
	tell(f, WEBHOOK_cache_miss, "idle");
	sim_run_ms(f->sim, 100);
	assert_string_equal(f->posts[OUTLET_POSTS_MAX / 2].url, "http://idle/");
	sim_run_ms(f->sim, 20000);
	assert_int_equal(f->n_posts, BUSY * EACH + 1);
}

static void one_receiver_has_few_at_once(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	for (int i = 0; i < 30; i++) {
		answer_next(f, 200, 5000);
		tell(f, WEBHOOK_cache_miss, "a");
	}
	sim_run_ms(f->sim, 100);
	assert_int_equal(f->n_posts, 16);
	sim_run_ms(f->sim, 12000);
	assert_int_equal(f->n_posts, 30);
}

/* Attempts */

static void what_may_pass_is_tried_again(void **state)
{
	static const struct {
		struct sim_post_fate fate;
		bool is_again;
	} rows[] = {
		{ { .status = 200 }, false }, { { .status = 204 }, false },
		{ { .status = 302 }, false }, { { .status = 304 }, false },
		{ { .status = 400 }, false }, { { .status = 404 }, false },
		{ { .status = 410 }, false }, { { .status = 408 }, true },
		{ { .status = 409 }, true },  { { .status = 425 }, true },
		{ { .status = 429 }, true },  { { .status = 500 }, true },
		{ { .status = 503 }, true },  { { .error = "lost" }, true },
		{ { .error = NULL }, true }, /* silence */
	};
	struct fixture *f = *state;

	one_hook(f)->retry.max_attempts = 2;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		f->n_posts = 0;
		f->fates[f->n_fates++] = rows[i].fate;
		tell(f, WEBHOOK_cache_miss, "a");
		sim_run_ms(f->sim, 30000);
		assert_row(f->n_posts == 1u + rows[i].is_again, i);
		if (rows[i].is_again)
			assert_string_equal(f->posts[0].body, f->posts[1].body);
	}
	assert_int_equal(count(f, WEBHOOK_GIVEN_UP), 5);
	assert_int_equal(count(f, WEBHOOK_DELIVERED), ARRAY_LEN(rows) - 5);
}

static void attempts_come_ever_more_slowly_until_they_end(void **state)
{
	static const uint64_t after_ms[] = { 100, 200, 300, 300 };
	struct fixture *f = *state;
	struct webhook *w = one_hook(f);

	w->retry.initial_backoff_ms = 100;
	w->retry.max_backoff_ms = 300;
	w->retry.max_elapsed_ms = 1050;
	for (int i = 0; i < 9; i++)
		answer_next(f, 500, 0);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 10000);
	assert_int_equal(f->n_posts, 1 + ARRAY_LEN(after_ms));
	for (size_t i = 0; i < ARRAY_LEN(after_ms); i++)
		assert_in_range(f->posts[i + 1].at_ms - f->posts[i].at_ms, after_ms[i],
				after_ms[i] + 40);
	assert_int_equal(count(f, WEBHOOK_GIVEN_UP), 1);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
}

static void without_retries_there_is_one_attempt(void **state)
{
	struct fixture *f = *state;

	one_hook(f)->retry.enabled = false;
	answer_next(f, 500, 0);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 10000);
	assert_int_equal(f->n_posts, 1);
}

static void a_request_that_rests_holds_up_nobody(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	answer_next(f, 500, 0);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 100);
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, MISS);
	assert_events(f, OCCUPIED);
	sim_run_ms(f->sim, 2000);
	assert_events(f, MISS);
	assert_silence(f);
}

static void the_log_says_who_fails_without_secrets(void **state)
{
	struct fixture *f = *state;

	webhook_add(f->app, S("https://me:word@host:81/path?token=x"))->events = ALL_EVENTS;
	answer_next(f, 404, 0);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 1000);
	buf_putc(&f->said, '\0');
	assert_non_null(strstr(f->said.p, "webhook given up"));
	assert_non_null(strstr(f->said.p, "host:81"));
	assert_non_null(strstr(f->said.p, "404"));
	assert_null(strstr(f->said.p, "me:word"));
	assert_null(strstr(f->said.p, "token"));
}

/* Departures */

static void who_unsubscribes_may_come_back(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	tell(f, WEBHOOK_channel_occupied, "a");
	tell(f, WEBHOOK_channel_vacated, "a");
	sim_run_ms(f->sim, 2000);
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 5000);
	assert_events(f, OCCUPIED);
	assert_silence(f);
	tell(f, WEBHOOK_channel_vacated, "a");
	sim_run_ms(f->sim, 2900);
	assert_silence(f);
	sim_run_ms(f->sim, 200);
	assert_events(f, VACATED);
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, OCCUPIED);
}

static void a_channel_whose_last_has_hung_up_is_vacated_at_once(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	hang_up(f, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, VACATED);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
}

static void a_member_may_always_come_back(void **state)
{
	struct fixture *f = *state;
	struct hub_news n;

	one_hook(f);
	n = news(f, WEBHOOK_member_removed, "a");
	n.has_hung_up = true;
	n.user_id = S("u");
	webhooks_tell(f->webhooks, &n);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 1);
	tell_member(f, WEBHOOK_member_added, "a", "v"); /* somebody else */
	tell(f, WEBHOOK_channel_occupied, "a");		/* and no member at all */
	sim_run_ms(f->sim, 2900);
	assert_events(f, EVENT("member_added", ",\"user_id\":\"v\""));
	assert_events(f, OCCUPIED);
	assert_silence(f);
	sim_run_ms(f->sim, 200);
	assert_events(f, EVENT("member_removed", ",\"user_id\":\"u\""));
	webhooks_tell(f->webhooks, &n);
	tell_member(f, WEBHOOK_member_added, "a", "u");
	sim_run_ms(f->sim, 5000);
	assert_silence(f);
}

static void apps_do_not_meet(void **state)
{
	struct fixture *f = *state;
	struct app *other = app_table_add(f->apps, S("2"), S("key-2"), S("secret"));
	struct hub_news n;

	one_hook(f);
	tell(f, WEBHOOK_channel_vacated, "a");
	n = news(f, WEBHOOK_channel_occupied, "a");
	webhook_add(other, S("http://2/"))->events = ALL_EVENTS;
	n.listener = webhooks_meet(f->webhooks, other, NULL);
	webhooks_tell(f->webhooks, &n);
	sim_run_ms(f->sim, 4000);
	assert_string_equal(f->posts[0].url, "http://2/");
	assert_events(f, OCCUPIED);
	assert_string_equal(f->posts[1].url, "http://a/");
	assert_events(f, VACATED);
}

static void without_memory_a_departure_is_certain(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, OCCUPIED);
	for (uint64_t n = 1; n <= 2; n++) { /* the key; the departure */
		mem_fail_nth(n);
		tell(f, WEBHOOK_channel_vacated, "a");
		if (mem_fail_nth(0) > 0)
			break;
		sim_run_ms(f->sim, 100);
		assert_events(f, VACATED);
	}
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 5000);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
}

/* Bounds */

static void what_has_no_room_is_dropped_and_counted(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	for (int i = 0; i < EVENTS_MAX + 2; i++) {
		answer_next(f, 200, 1000);
		tell(f, WEBHOOK_cache_miss, "a");
	}
	assert_int_equal(webhooks_n_waiting(f->webhooks), EVENTS_MAX);
	assert_int_equal(count(f, WEBHOOK_DROPPED), 2);
	buf_putc(&f->said, '\0');
	assert_non_null(strstr(f->said.p, "webhook event dropped"));
	assert_non_null(strstr(f->said.p, "events_max=50"));
	assert_non_null(strstr(f->said.p, "queue.reliability.memory_capacity"));
	sim_run_ms(f->sim, 10000);
	assert_int_equal(count(f, WEBHOOK_DELIVERED), EVENTS_MAX);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 2000);
	assert_int_equal(count(f, WEBHOOK_DELIVERED), EVENTS_MAX + 1);
}

static void without_memory_an_event_is_dropped_and_those_before_are_not(void **state)
{
	struct fixture *f = *state;
	uint64_t n_dropped = 0;

	one_hook(f);
	f->app->webhooks->gather_ms = 100;
	f->app->webhooks->events_max = 100;
	for (int i = 0; i < 20; i++) {
		mem_fail_nth(1);
		tell(f, WEBHOOK_cache_miss, "a");
		mem_fail_nth(0);
	}
	n_dropped = count(f, WEBHOOK_DROPPED);
	assert_in_range(n_dropped, 1, 20);
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 1000);
	assert_int_equal(count(f, WEBHOOK_DELIVERED), 21 - n_dropped);
	assert_non_null(strstr(f->posts[f->n_posts - 1].body, OCCUPIED "]}"));
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
}

static void what_memory_was_lacking_for_leaves_nothing_behind(void **state)
{
	static const enum webhook_event EVENTS[] = { WEBHOOK_channel_vacated, WEBHOOK_cache_miss };
	struct fixture *f = *state;
	int64_t live;

	one_hook(f);
	f->app->webhooks->gather_ms = 100;
	f->app->webhooks->events_max = 100;
	tell(f, WEBHOOK_channel_occupied, "a");
	sim_run_ms(f->sim, 5000);
	live = mem_live_bytes();
	for (size_t i = 0; i < ARRAY_LEN(EVENTS); i++) {
		for (uint64_t n = 1; n <= 6; n++) {
			struct hub_news n_th;

			begin_turn(f);
			n_th = news(f, EVENTS[i], "a");
			mem_fail_nth(n);
			webhooks_tell(f->webhooks, &n_th);
			mem_fail_nth(0);
			sim_run_ms(f->sim, 5000);
			assert_row(mem_live_bytes() == live, i * 10 + n);
		}
	}
}

/* Changes */

static void a_new_set_takes_over_and_the_former_one_ends(void **state)
{
	struct fixture *f = *state;
	struct webhook_set *former;

	one_hook(f);
	f->app->webhooks->gather_ms = 1000;
	f->app->webhooks->events_max = 100;
	tell(f, WEBHOOK_cache_miss, "a");
	former = f->app->webhooks;
	f->app->webhooks = NULL;
	webhook_add(f->app, S("http://new/"))->events = ALL_EVENTS;
	tell(f, WEBHOOK_channel_occupied, "a");
	assert_int_equal(atomic_load(&former->n_refs), 2); /* ours, and what was gathered */
	sim_run_ms(f->sim, 100);
	assert_int_equal(atomic_load(&former->n_refs), 1);
	webhook_set_unref(former);
	assert_string_equal(f->posts[0].url, "http://a/");
	assert_events(f, MISS);
	assert_string_equal(f->posts[1].url, "http://new/");
	assert_events(f, OCCUPIED);
	assert_int_equal(count(f, WEBHOOK_DELIVERED), 2);
}

static void an_app_that_is_forgotten_is_told_the_rest(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	tell(f, WEBHOOK_channel_vacated, "a");
	answer_next(f, 500, 0);
	f->listener = webhooks_meet(f->webhooks, NULL, f->listener);
	assert_null(f->listener);
	app_table_free(f->apps);
	f->apps = app_table_new((struct hash_key){ 1, 2 });
	sim_run_ms(f->sim, 5000);
	assert_events(f, VACATED);
	assert_events(f, VACATED); /* the second attempt */
	assert_silence(f);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
}

static void at_the_end_nothing_waits_for_more(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	f->app->webhooks->gather_ms = 60000;
	f->app->webhooks->events_max = 100;
	tell(f, WEBHOOK_cache_miss, "a");
	tell(f, WEBHOOK_channel_vacated, "a");
	tell_member(f, WEBHOOK_member_removed, "a", "u");
	webhooks_settle(f->webhooks);
	sim_run_ms(f->sim, 100);
	assert_events(f, MISS "," VACATED "," EVENT("member_removed", ",\"user_id\":\"u\""));
	tell(f, WEBHOOK_channel_vacated, "a");
	sim_run_ms(f->sim, 100);
	assert_events(f, VACATED);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
}

static void at_the_end_what_rests_is_tried_once_more(void **state)
{
	struct fixture *f = *state;

	one_hook(f)->retry.initial_backoff_ms = 50000;
	answer_next(f, 500, 0);
	answer_next(f, 500, 0);
	tell(f, WEBHOOK_cache_miss, "a");
	sim_run_ms(f->sim, 100);
	webhooks_settle(f->webhooks);
	sim_run_ms(f->sim, 100);
	assert_events(f, MISS);
	assert_events(f, MISS);
	assert_silence(f);
	sim_run_ms(f->sim, 70000);
	assert_events(f, MISS);
	assert_int_equal(webhooks_n_waiting(f->webhooks), 0);
}

/* The end of a body that just fills its memory fails: nobody else will look at that target. */
static void a_former_set_that_could_not_say_its_last_words_ends_all_the_same(void **state)
{
	struct fixture *f = *state;
	unsigned n_struck = 0;

	for (unsigned name_len = 1; name_len < 64; name_len++) {
		char channel[64] = { 0 };
		struct webhook_set *former;

		one_hook(f);
		f->app->webhooks->gather_ms = 1000;
		f->app->webhooks->events_max = 100;
		memset(channel, 'a', name_len);
		tell(f, WEBHOOK_cache_miss, channel);
		former = f->app->webhooks;
		f->app->webhooks = NULL;
		mem_fail_nth(1);
		f->listener = webhooks_meet(f->webhooks, f->app, f->listener);
		n_struck += mem_fail_nth(0) == 0;
		sim_run_ms(f->sim, 1000);
		assert_int_equal(atomic_load(&former->n_refs), 1);
		webhook_set_unref(former);
	}
	assert_in_range(n_struck, 1, 63);
}

/* tear_down looks for what is left. */
static void it_can_be_freed_in_the_middle_of_everything(void **state)
{
	struct fixture *f = *state;

	one_hook(f);
	answer_next(f, 500, 0);
	tell(f, WEBHOOK_cache_miss, "a"); /* rests */
	sim_run_ms(f->sim, 100);
	tell(f, WEBHOOK_channel_vacated, "a"); /* departs */
	for (int i = 0; i < 20; i++) {	       /* some wait, some are under way */
		answer_next(f, 200, 1000);
		tell(f, WEBHOOK_cache_miss, "a");
	}
	add_hook(f->app, "http://gathers/");
	sim_run_ms(f->sim, 100);
	assert_true(webhooks_n_waiting(f->webhooks) > 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_event_has_its_members_in_order),
		TEST(a_request_is_signed_and_says_when),
		TEST(events_are_gathered_until_they_are_many_or_time_is_up),
		TEST(what_is_no_whole_batch_waits_for_the_one_before),
		TEST(slow_receivers_leave_a_place_for_others),
		TEST(one_receiver_has_few_at_once),
		TEST(what_may_pass_is_tried_again),
		TEST(attempts_come_ever_more_slowly_until_they_end),
		TEST(without_retries_there_is_one_attempt),
		TEST(a_request_that_rests_holds_up_nobody),
		TEST(the_log_says_who_fails_without_secrets),
		TEST(who_unsubscribes_may_come_back),
		TEST(a_channel_whose_last_has_hung_up_is_vacated_at_once),
		TEST(a_member_may_always_come_back),
		TEST(apps_do_not_meet),
		TEST(without_memory_a_departure_is_certain),
		TEST(what_has_no_room_is_dropped_and_counted),
		TEST(without_memory_an_event_is_dropped_and_those_before_are_not),
		TEST(what_memory_was_lacking_for_leaves_nothing_behind),
		TEST(a_new_set_takes_over_and_the_former_one_ends),
		TEST(an_app_that_is_forgotten_is_told_the_rest),
		TEST(at_the_end_nothing_waits_for_more),
		TEST(at_the_end_what_rests_is_tried_once_more),
		TEST(a_former_set_that_could_not_say_its_last_words_ends_all_the_same),
		TEST(it_can_be_freed_in_the_middle_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
