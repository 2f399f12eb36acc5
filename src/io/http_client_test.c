#include "io/http_client.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"

#include <stdio.h>

/* What came of a post, and how often. */
struct outcome {
	unsigned n;
	struct http_result result;
};

static void on_done(void *user, const struct http_result *r)
{
	struct outcome *o = user;

	o->n++;
	o->result = *r;
}

static const struct http_post_header json_headers[] = {
	{ S("Content-Type"), S("application/json") },
	{ S("X-Pusher-Key"), S("key") },
};

static struct http_post post_of(const char *url, struct outcome *o)
{
	return (struct http_post){ .url = str_from_cstr(url),
				   .headers = json_headers,
				   .n_headers = ARRAY_LEN(json_headers),
				   .body = S("{\"time_ms\":1,\"events\":[]}"),
				   .timeout_ms = 5000,
				   .user = o,
				   .on_done = on_done };
}

/* In every world */

static void urls_are_http_or_https_with_a_host_and_no_line_end(void **state)
{
	static const char *const good[] = { "http://a", "https://a.example/hook?x=1#y",
					    "HTTPS://user:secret@[::1]:8443/",
					    "http://127.0.0.1:1" };
	static const char *const bad[] = { "",
					   "http://",
					   "https:///hook",
					   "ftp://a",
					   "file:///etc/x",
					   "//a/hook",
					   "http://a b/",
					   "http://a/\r\nX:",
					   "http://a/\x7f",
					   "http://?x",
					   "http://:80/",
					   "a.example/hook" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_row(http_client_is_url(str_from_cstr(good[i])), i);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(!http_client_is_url(str_from_cstr(bad[i])), i);
	assert_false(http_client_is_url((str){ "http://a\0b", 10 }));
}

static void headers_cannot_bring_others_along_nor_frame_the_body(void **state)
{
	static const char *const bad_names[] = {
		"", "a b", "a:", "a\r\nb", "\xc3", "a\tb", "Content-length", "transfer-encoding"
	};

	for (size_t i = 0; i < ARRAY_LEN(bad_names); i++)
		assert_row(!http_client_is_header(str_from_cstr(bad_names[i]), S("x")), i);
	assert_true(http_client_is_header(S("X-Custom_1.a~"), S("")));
	assert_true(http_client_is_header(S("X"), S("any \t text, \xc3\xa4 too")));
	assert_false(http_client_is_header(S("X"), S("a\nb")));
	assert_false(http_client_is_header(S("X"), S("a\r")));
	assert_false(http_client_is_header(S("X"), (str){ "a\0b", 3 }));
}

/* The simulated world */

struct world {
	struct sim *sim;
	struct loop *loop;
	struct http_client *client;
	int64_t live_before;
	struct sim_post_fate fate;
	unsigned n_arrived;
	char last_body[64];
};

static struct sim_post_fate receive(void *ctx, const struct http_post *post)
{
	struct world *w = ctx;

	w->n_arrived++;
	snprintf(w->last_body, sizeof(w->last_body), "%.*s", STR_ARG(post->body));
	return w->fate;
}

static void world_open(struct world *w, uint64_t seed, unsigned n_posts_max)
{
	struct sim_options o = sim_options_rough();
	const char *why = NULL;

	*w = (struct world){ .live_before = mem_live_bytes(), .fate = { .status = 200 } };
	w->sim = sim_new(seed, &o);
	w->loop = sim_loop_new(w->sim);
	sim_set_receiver(w->sim, &(struct sim_receiver){ w, receive });
	w->client = http_client_new(
		w->loop, &(struct http_client_options){ .n_posts_max = n_posts_max }, &why);
	assert_non_null(w->client);
}

static void world_close(struct world *w)
{
	http_client_free(w->client);
	loop_free(w->loop);
	sim_free(w->sim);
	assert_int_equal(mem_live_bytes(), w->live_before);
}

static void a_simulated_post_arrives_and_is_answered_later(void **state)
{
	struct outcome o = { 0 };
	struct http_post post = post_of("http://a/hook", &o);
	struct world w;

	world_open(&w, 1, 1);
	assert_int_equal(http_client_post(w.client, &post), OK);
	assert_int_equal(http_client_post(w.client, &post), ERR_LIMIT);
	assert_int_equal(o.n, 0);
	assert_true(sim_settle(w.sim, 1000));
	assert_int_equal(o.n, 1);
	assert_int_equal(o.result.status, 200);
	assert_null(o.result.error);
	assert_string_equal(w.last_body, "{\"time_ms\":1,\"events\":[]}");
	assert_int_equal(http_client_post(w.client, &post), OK);
	world_close(&w);
}

static void a_simulated_receiver_may_think_refuse_or_be_silent(void **state)
{
	struct outcome o = { 0 };
	struct http_post post = post_of("http://a/hook", &o);
	struct world w;

	world_open(&w, 2, 9);
	w.fate = (struct sim_post_fate){ .status = 503, .delay_ms = 700 };
	assert_int_equal(http_client_post(w.client, &post), OK);
	sim_run_ms(w.sim, 600);
	assert_int_equal(o.n, 0);
	sim_run_ms(w.sim, 300);
	assert_int_equal(o.result.status, 503);
	w.fate = (struct sim_post_fate){ .error = HTTP_ERROR_REFUSED };
	assert_int_equal(http_client_post(w.client, &post), OK);
	sim_run_ms(w.sim, 300);
	assert_string_equal(o.result.error, "refused");
	w.fate = (struct sim_post_fate){ 0 };
	assert_int_equal(http_client_post(w.client, &post), OK);
	sim_run_ms(w.sim, 4000);
	assert_int_equal(o.n, 2);
	sim_run_ms(w.sim, 1500);
	assert_string_equal(o.result.error, "timeout");
	assert_int_equal(o.result.status, 0);
	assert_in_range(o.result.took_ms, 5000, 5600);
	assert_int_equal(o.n, 3);
	world_close(&w);
}

static void a_simulated_post_can_be_lost_on_either_way(void **state)
{
	unsigned n_arrived = 0;

	for (uint64_t seed = 0; seed < 20; seed++) {
		struct outcome o = { 0 };
		struct http_post post = post_of("http://a/hook", &o);
		struct world w;

		world_open(&w, seed, 1);
		sim_fail_nth(w.sim, 1);
		assert_int_equal(http_client_post(w.client, &post), OK);
		assert_true(sim_settle(w.sim, 1000));
		assert_string_equal(o.result.error, "lost");
		n_arrived += w.n_arrived;
		world_close(&w);
	}
	assert_in_range(n_arrived, 1, 19);
}

/* At whatever moment it happens. */
static void a_client_that_is_freed_tells_nobody(void **state)
{
	for (unsigned n_steps = 0; n_steps < 60; n_steps++) {
		struct outcome o = { 0 };
		struct http_post post = post_of("http://a/hook", &o);
		struct world w;
		unsigned n_before;

		world_open(&w, 3, 9);
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(http_client_post(w.client, &post), OK);
		for (unsigned i = 0; i < n_steps; i++)
			sim_step(w.sim);
		n_before = o.n;
		http_client_free(w.client);
		w.client = NULL;
		sim_run_ms(w.sim, 6000);
		assert_int_equal(o.n, n_before);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_http_or_https_with_a_host_and_no_line_end),
		cmocka_unit_test(headers_cannot_bring_others_along_nor_frame_the_body),
		cmocka_unit_test(a_simulated_post_arrives_and_is_answered_later),
		cmocka_unit_test(a_simulated_receiver_may_think_refuse_or_be_silent),
		cmocka_unit_test(a_simulated_post_can_be_lost_on_either_way),
		cmocka_unit_test(a_client_that_is_freed_tells_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
