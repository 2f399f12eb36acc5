#include "io/http_client.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/http_sink_testing.h"
#include "io/sandbox.h"
#include "io/sim.h"
#include "io/tls_testing.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What came of a post, and how often. */
struct outcome {
	unsigned n;
	struct http_result result;
	char words[256]; /* result.words */
};

static void on_done(void *user, const struct http_result *r)
{
	struct outcome *o = user;

	o->n++;
	o->result = *r;
	snprintf(o->words, sizeof(o->words), "%s", r->words);
	o->result.words = NULL;
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
	static const char *const good[] = { "http://a",
					    "https://a.example/hook?x=1#y",
					    "HTTPS://user:secret@[::1]:8443/",
					    "http://127.0.0.1:1",
					    "http://a:?x",
					    "http://a@b:c@d",
					    "http://[::1]" };
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
					   "a.example/hook",
					   "http://a:65536",
					   "http://a:0",
					   "http://a:b",
					   "http://a:1:2",
					   "http://[::1",
					   "http://[::1]x",
					   "http://a@",
					   "http://a@:1" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_row(http_client_is_url(str_from_cstr(good[i])), i);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(!http_client_is_url(str_from_cstr(bad[i])), i);
	assert_false(http_client_is_url((str){ "http://a\0b", 10 }));
}

static void the_host_of_a_url_is_told_without_secrets(void **state)
{
	assert_str(http_client_host(S("https://me:word@a.example:81/path?x@y")), S("a.example:81"));
	assert_str(http_client_host(S("HTTP://[::1]")), S("[::1]"));
	assert_str(http_client_host(S("http://a@b:c@d?e")), S("d"));
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
	sim_set_receiver(w->sim, &(struct sim_receiver){ .ctx = w, .on_post = receive });
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

/* The kernel's world */

enum { POSTS_MAX = 20, PATIENCE_MS = 20000 };

struct kernel_world {
	struct loop *loop;
	struct http_client *client;
	struct sink *sink;
	struct testing_pair pair; /* of an https sink */
	int64_t live_before;
};

static bool kernel_client_open(struct kernel_world *w, const char *ca_file)
{
	struct http_client_options o = { .n_posts_max = POSTS_MAX, .ca_file = ca_file };
	const char *why = NULL;

	w->loop = loop_new_kernel();
	assert_non_null(w->loop);
	w->client = http_client_new(w->loop, &o, &why);
	if (!w->client) {
		print_message("no client: %s\n", why);
		loop_free(w->loop);
	}
	return w->client;
}

/* To a sink that speaks https with a certificate of its own for "localhost", or http. */
static void kernel_world_open(struct kernel_world *w, bool is_https, bool is_trusted)
{
	*w = (struct kernel_world){ .live_before = mem_live_bytes() };
	if (is_https)
		testing_pair_make(&w->pair, TESTING_EC, TESTING_PKCS8, 30);
	if (!kernel_client_open(w, is_trusted ? w->pair.certificate_path : NULL)) {
		if (is_https)
			testing_pair_remove(&w->pair);
		skip();
	}
	w->sink = is_https ? sink_new(w->pair.certificate_path, w->pair.key_path) :
			     sink_new(NULL, NULL);
}

static void kernel_world_close(struct kernel_world *w)
{
	http_client_free(w->client);
	loop_free(w->loop);
	if (w->sink)
		sink_free(w->sink);
	if (w->pair.key_path[0])
		testing_pair_remove(&w->pair);
	assert_int_equal(mem_live_bytes(), w->live_before);
}

static void await(struct kernel_world *w, const unsigned *n, unsigned wanted)
{
	uint64_t end_ns = loop_now_ns(w->loop) + PATIENCE_MS * UINT64_C(1000000);

	while (*n < wanted && loop_now_ns(w->loop) < end_ns)
		loop_turn(w->loop, 100);
	assert_int_equal(*n, wanted);
}

struct url {
	char text[128];
};

static struct url url_of(const struct kernel_world *w, const char *origin, const char *path)
{
	struct url u;

	snprintf(u.text, sizeof(u.text), "%s:%u%s", origin, w->sink->port, path);
	return u;
}

static struct outcome post_to(struct kernel_world *w, const char *origin, const char *path,
			      unsigned timeout_ms)
{
	struct url url = url_of(w, origin, path);
	struct outcome o = { 0 };
	struct http_post post = post_of(url.text, &o);

	post.timeout_ms = timeout_ms;
	assert_int_equal(http_client_post(w->client, &post), OK);
	await(w, &o.n, 1);
	return o;
}

#define HTTP "http://127.0.0.1"
#define HTTPS "https://localhost"

static void a_post_is_the_request_that_was_asked_for(void **state)
{
	struct kernel_world w;
	char last[SINK_REQUEST_MAX], expected[SINK_REQUEST_MAX];
	struct outcome o;

	kernel_world_open(&w, false, false);
	o = post_to(&w, HTTP, "/200/hook?x=1", 5000);
	assert_int_equal(o.result.status, 200);
	assert_null(o.result.error);
	assert_string_equal(o.words, "");
	snprintf(expected, sizeof(expected),
		 "POST /200/hook?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
		 "Content-Type: application/json\r\nX-Pusher-Key: key\r\n"
		 "Content-Length: 25\r\n\r\n{\"time_ms\":1,\"events\":[]}",
		 w.sink->port);
	assert_str(sink_last(w.sink, last), str_from_cstr(expected));
	kernel_world_close(&w);
}

static void headers_may_be_there_twice_and_may_be_empty(void **state)
{
	static const struct http_post_header headers[] = {
		{ S("Content-Type"), S("application/json") },
		{ S("content-type"), S("text/x") },
		{ S("X-Empty"), S("") },
		{ S("Host"), S("other.example") },
	};
	struct kernel_world w;
	struct outcome o = { 0 };
	struct http_post post;
	struct url url;
	char last[SINK_REQUEST_MAX];

	kernel_world_open(&w, false, false);
	url = url_of(&w, HTTP, "/200");
	post = post_of(url.text, &o);
	post.headers = headers;
	post.n_headers = ARRAY_LEN(headers);
	assert_int_equal(http_client_post(w.client, &post), OK);
	await(&w, &o.n, 1);
	assert_str(sink_last(w.sink, last),
		   S("POST /200 HTTP/1.1\r\nHost: other.example\r\nAccept: */*\r\n"
		     "Content-Type: application/json\r\ncontent-type: text/x\r\nX-Empty:\r\n"
		     "Content-Length: 25\r\n\r\n{\"time_ms\":1,\"events\":[]}"));
	kernel_world_close(&w);
}

/* A text that a library could take for something else: an option, a file, a form. */
static void a_body_is_sent_byte_by_byte_whatever_it_is(void **state)
{
	static const str bodies[] = { S("@/etc/passwd"), S(""), S("a=b&c"),
				      S("\xff\xfe\r\n\r\n.") };
	struct kernel_world w;
	char last[SINK_REQUEST_MAX];

	kernel_world_open(&w, false, false);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct url url = url_of(&w, HTTP, "/200");
		struct outcome o = { 0 };
		struct http_post post = post_of(url.text, &o);
		str got;

		post.body = bodies[i];
		post.n_headers = 0;
		assert_int_equal(http_client_post(w.client, &post), OK);
		await(&w, &o.n, 1);
		got = sink_last(w.sink, last);
		assert_str(str_skip(got, got.n - bodies[i].n), bodies[i]);
		assert_null(strstr(last, "Content-Type"));
		assert_null(strstr(last, "Expect"));
	}
	kernel_world_close(&w);
}

static void a_post_that_is_none_is_refused_at_once(void **state)
{
	struct kernel_world w;
	struct outcome o = { 0 };
	struct http_post post = post_of("ftp://127.0.0.1/", &o);
	const struct http_post_header injected = { S("X"), S("a\r\nY: b") };

	kernel_world_open(&w, false, false);
	assert_int_equal(http_client_post(w.client, &post), ERR_SYNTAX);
	post = post_of("http://127.0.0.1/", &o);
	post.headers = &injected;
	post.n_headers = 1;
	assert_int_equal(http_client_post(w.client, &post), ERR_SYNTAX);
	kernel_world_close(&w);
}

static void every_status_is_told_and_the_connection_is_used_again(void **state)
{
	static const unsigned statuses[] = { 200, 204, 301, 304, 400, 404, 410, 429, 500, 503 };
	struct kernel_world w;

	kernel_world_open(&w, false, false);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		char path[16];
		struct outcome o;

		snprintf(path, sizeof(path), "/%u", statuses[i]);
		if (statuses[i] == 204 || statuses[i] == 304)
			continue; /* have no body, the sink's always has one */
		o = post_to(&w, HTTP, path, 5000);
		assert_row(o.result.status == statuses[i] && !o.result.error, i);
	}
	assert_int_equal(w.sink->n_connections, 1);
	kernel_world_close(&w);
}

static void posts_go_side_by_side_and_there_is_a_limit(void **state)
{
	struct kernel_world w;
	struct outcome all = { 0 };
	struct http_post post;
	struct url url;

	kernel_world_open(&w, false, false);
	url = url_of(&w, HTTP, "/200");
	post = post_of(url.text, &all);
	for (unsigned i = 0; i < POSTS_MAX; i++)
		assert_int_equal(http_client_post(w.client, &post), OK);
	assert_int_equal(http_client_post(w.client, &post), ERR_LIMIT);
	await(&w, &all.n, POSTS_MAX);
	assert_int_equal(w.sink->n_requests, POSTS_MAX);
	assert_in_range(w.sink->n_connections, 1, POSTS_MAX);
	kernel_world_close(&w);
}

struct chain {
	struct kernel_world *w;
	const char *url;
	unsigned n;
};

static void on_link_done(void *user, const struct http_result *r)
{
	struct chain *c = user;

	if (++c->n < 5) {
		struct http_post post = post_of(c->url, NULL);

		post.user = c;
		post.on_done = on_link_done;
		assert_int_equal(http_client_post(c->w->client, &post), OK);
	}
}

static void who_is_told_may_post_again(void **state)
{
	struct kernel_world w;
	struct chain c = { .w = &w };
	struct url url;

	kernel_world_open(&w, false, false);
	url = url_of(&w, HTTP, "/200");
	c.url = url.text;
	on_link_done(&c, NULL);
	await(&w, &c.n, 5);
	assert_int_equal(w.sink->n_requests, 4);
	kernel_world_close(&w);
}

static void silence_ends_in_time(void **state)
{
	struct kernel_world w;
	struct outcome o;

	kernel_world_open(&w, false, false);
	o = post_to(&w, HTTP, "/silent", 200);
	assert_string_equal(o.result.error, "timeout");
	assert_int_equal(o.result.status, 0);
	assert_in_range(o.result.took_ms, 190, PATIENCE_MS);
	kernel_world_close(&w);
}

static void what_is_no_answer_has_a_name(void **state)
{
	struct kernel_world w;
	struct outcome o;
	struct sink *sink;

	kernel_world_open(&w, false, false);
	assert_string_equal(post_to(&w, HTTP, "/lost", 5000).result.error, "lost");
	assert_string_equal(post_to(&w, HTTP, "/junk", 5000).result.error, "protocol");
	assert_string_equal(post_to(&w, HTTP, "/long", 5000).result.error, "protocol");
	sink = w.sink;
	w.sink = NULL;
	sink_free(sink);
	w.sink = &(struct sink){ .port = 1 }; /* nobody is there */
	o = post_to(&w, HTTP, "/", 5000);
	w.sink = NULL;
	assert_string_equal(o.result.error, "refused");
	kernel_world_close(&w);
}

static void an_answer_counts_whatever_becomes_of_its_body(void **state)
{
	struct kernel_world w;

	kernel_world_open(&w, false, false);
	assert_int_equal(post_to(&w, HTTP, "/huge", 5000).result.status, 200);
	assert_int_equal(post_to(&w, HTTP, "/cut", 200).result.status, 200);
	kernel_world_close(&w);
}

/* Whether there is a resolver that says so at once is not up to us. */
static bool is_lost_name(const struct outcome *o)
{
	return strcmp(o->result.error, "timeout") == 0 ||
	       (strcmp(o->result.error, "dns") == 0 && strstr(o->words, "resolve host"));
}

static void a_name_that_leads_nowhere_holds_up_nobody(void **state)
{
	struct outcome lost = { 0 };
	struct http_post post = post_of("http://no-such-host.invalid/", &lost);
	struct kernel_world w;

	kernel_world_open(&w, false, false);
	post.timeout_ms = 1000;
	assert_int_equal(http_client_post(w.client, &post), OK);
	assert_int_equal(post_to(&w, HTTP, "/200", 5000).result.status, 200);
	await(&w, &lost.n, 1);
	assert_true(is_lost_name(&lost));
	kernel_world_close(&w);
}

static void redirects_are_asked_again_by_post(void **state)
{
	static const char *const paths[] = { "/to/301", "/to/302", "/to/307", "/to/308" };
	struct kernel_world w;
	char last[SINK_REQUEST_MAX];

	kernel_world_open(&w, false, false);
	snprintf(w.sink->location, sizeof(w.sink->location), "/202/there");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		str request;

		assert_row(post_to(&w, HTTP, paths[i], 5000).result.status == 202, i);
		request = sink_last(w.sink, last);
		assert_row(str_has_prefix(request, S("POST /202/there HTTP/1.1\r\n")), i);
		assert_row(str_contains_nocase(request, S("{\"time_ms\":1,\"events\":[]}")), i);
		assert_row(str_contains_nocase(request, S("X-Pusher-Key: key\r\n")), i);
	}
	assert_int_equal(post_to(&w, HTTP, "/to/303", 5000).result.status, 202);
	assert_true(str_has_prefix(sink_last(w.sink, last), S("GET /202/there HTTP/1.1\r\n")));
	assert_int_equal(w.sink->n_connections, 1);
	kernel_world_close(&w);
}

static void redirects_have_an_end_and_lead_to_http_alone(void **state)
{
	struct kernel_world w;

	kernel_world_open(&w, false, false);
	snprintf(w.sink->location, sizeof(w.sink->location), "/to/307");
	assert_string_equal(post_to(&w, HTTP, "/to/307", 5000).result.error, "redirect");
	assert_int_equal(w.sink->n_requests, 11);
	snprintf(w.sink->location, sizeof(w.sink->location), "ftp://127.0.0.1/x");
	assert_string_equal(post_to(&w, HTTP, "/to/307", 5000).result.error, "redirect");
	snprintf(w.sink->location, sizeof(w.sink->location), "file:///etc/passwd");
	assert_string_equal(post_to(&w, HTTP, "/to/307", 5000).result.error, "redirect");
	kernel_world_close(&w);
}

static void https_is_verified(void **state)
{
	struct kernel_world w;

	kernel_world_open(&w, true, true);
	assert_int_equal(post_to(&w, HTTPS, "/200", 5000).result.status, 200);
	assert_string_equal(post_to(&w, "https://other.localhost", "/200", 5000).result.error,
			    "certificate");
	assert_int_equal(w.sink->n_requests, 1);
	kernel_world_close(&w);
	kernel_world_open(&w, true, false);
	assert_string_equal(post_to(&w, HTTPS, "/200", 5000).result.error, "certificate");
	assert_int_equal(w.sink->n_requests, 0);
	kernel_world_close(&w);
}

static void https_is_not_left_for_http(void **state)
{
	struct kernel_world w;
	struct sink *plain;
	struct outcome o;

	kernel_world_open(&w, true, true);
	plain = sink_new(NULL, NULL);
	snprintf(w.sink->location, sizeof(w.sink->location), "http://127.0.0.1:%u/200",
		 plain->port);
	o = post_to(&w, HTTPS, "/to/307", 5000);
	assert_string_equal(o.result.error, "redirect");
	assert_int_equal(plain->n_requests, 0);
	sink_free(plain);
	kernel_world_close(&w);
}

/* It answers the CONNECT, and then goes away. */
static void a_proxy_that_says_yes_has_not_answered_for_the_server(void **state)
{
	struct kernel_world w;
	struct outcome o;

	kernel_world_open(&w, false, false);
	setenv("https_proxy", url_of(&w, HTTP, "").text, 1);
	o = post_to(&w, HTTPS, "/200", 5000);
	unsetenv("https_proxy");
	assert_int_equal(o.result.status, 0);
	assert_non_null(o.result.error);
	assert_int_equal(w.sink->n_requests, 1);
	kernel_world_close(&w);
}

static void a_real_client_that_is_freed_tells_nobody(void **state)
{
	for (unsigned i = 0; i < 6; i++) {
		struct kernel_world w;
		struct outcome o = { 0 };
		struct http_post post;
		struct url url;

		kernel_world_open(&w, false, false);
		url = url_of(&w, HTTP, i % 2 ? "/200" : "/silent");
		post = post_of(url.text, &o);
		for (unsigned n = 0; n < 8; n++)
			assert_int_equal(http_client_post(w.client, &post), OK);
		if (i > 1) /* answers of /200 are there, and untold */
			poll(NULL, 0, 20 * (int)i);
		http_client_free(w.client);
		w.client = NULL;
		loop_turn(w.loop, 0);
		assert_int_equal(o.n, 0);
		kernel_world_close(&w);
	}
}

static bool has_entered_the_sandbox(const char *ca_file)
{
	const struct sandbox_path paths[] = {
		{ str_from_cstr(ca_file), SANDBOX_READ },  { S("/etc/hosts"), SANDBOX_READ },
		{ S("/etc/nsswitch.conf"), SANDBOX_READ }, { S("/etc/resolv.conf"), SANDBOX_READ },
		{ S("/etc/ssl"), SANDBOX_READ },
	};
	struct sandbox_status s = sandbox_enter(&(struct sandbox_options){
		.paths = paths, .n_paths = ARRAY_LEN(paths), .uses_http_client = true });

	return !s.no_calls && !s.no_files;
}

enum { POSTED, NOT_POSTED, NO_SANDBOX };

/* In the child. The client was made before, as a server does; the thread and all the rest begin inside. */
static int post_from_the_sandbox(const char *url, const char *ca_file)
{
	struct kernel_world w = { 0 };
	struct outcome o = { 0 }, lost = { 0 };
	struct http_post post = post_of(url, &o),
			 to_nobody = post_of("http://no-such-host.invalid/", &lost);

	to_nobody.timeout_ms = 1000;
	if (!kernel_client_open(&w, ca_file))
		return NOT_POSTED;
	if (!has_entered_the_sandbox(ca_file))
		return NO_SANDBOX;
	if (http_client_post(w.client, &post) != OK || http_client_post(w.client, &to_nobody) != OK)
		return NOT_POSTED;
	await(&w, &o.n, 1);
	await(&w, &lost.n, 1);
	http_client_free(w.client);
	return o.result.status == 200 && is_lost_name(&lost) ? POSTED : NOT_POSTED;
}

static void it_works_inside_the_sandbox(void **state)
{
	struct kernel_world w;
	struct url url;
	int status;
	pid_t pid;

	kernel_world_open(&w, true, true);
	url = url_of(&w, HTTPS, "/200");
	pid = fork();
	if (pid == 0)
		_exit(post_from_the_sandbox(url.text, w.pair.certificate_path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != NO_SANDBOX)
		assert_int_equal(WEXITSTATUS(status), POSTED);
	kernel_world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_http_or_https_with_a_host_and_no_line_end),
		cmocka_unit_test(the_host_of_a_url_is_told_without_secrets),
		cmocka_unit_test(headers_cannot_bring_others_along_nor_frame_the_body),
		cmocka_unit_test(a_simulated_post_arrives_and_is_answered_later),
		cmocka_unit_test(a_simulated_receiver_may_think_refuse_or_be_silent),
		cmocka_unit_test(a_simulated_post_can_be_lost_on_either_way),
		cmocka_unit_test(a_client_that_is_freed_tells_nobody),
		cmocka_unit_test(it_works_inside_the_sandbox),
		cmocka_unit_test(a_post_is_the_request_that_was_asked_for),
		cmocka_unit_test(headers_may_be_there_twice_and_may_be_empty),
		cmocka_unit_test(a_body_is_sent_byte_by_byte_whatever_it_is),
		cmocka_unit_test(a_post_that_is_none_is_refused_at_once),
		cmocka_unit_test(every_status_is_told_and_the_connection_is_used_again),
		cmocka_unit_test(posts_go_side_by_side_and_there_is_a_limit),
		cmocka_unit_test(who_is_told_may_post_again),
		cmocka_unit_test(silence_ends_in_time),
		cmocka_unit_test(what_is_no_answer_has_a_name),
		cmocka_unit_test(an_answer_counts_whatever_becomes_of_its_body),
		cmocka_unit_test(a_name_that_leads_nowhere_holds_up_nobody),
		cmocka_unit_test(redirects_are_asked_again_by_post),
		cmocka_unit_test(redirects_have_an_end_and_lead_to_http_alone),
		cmocka_unit_test(https_is_verified),
		cmocka_unit_test(https_is_not_left_for_http),
		cmocka_unit_test(a_proxy_that_says_yes_has_not_answered_for_the_server),
		cmocka_unit_test(a_real_client_that_is_freed_tells_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
