/* Answers to pages of other origins: the recorded lines, and what an answer that comes later
 * remembers. */
#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "server/http_testing.h"

#define JSON_TYPE "content-type: application/json\r\n"
#define EVENT "{\"name\":\"e\",\"channel\":\"c\",\"data\":\"x\"}"
#define VARY "vary: origin, access-control-request-method, access-control-request-headers\r\n"
#define CREDENTIALS "access-control-allow-credentials: true\r\n"
#define NAMED(origin) "access-control-allow-origin: " origin "\r\n"
#define UP(lines)                                                                                  \
	"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\nx-health-check: "           \
	"OK\r\n" lines "content-length: 2\r\ndate: " FIXTURE_DATE "\r\n\r\nOK"
#define PREFLIGHT(lines)                                                                           \
	"HTTP/1.1 200 OK\r\n" lines "allow: POST\r\ncontent-length: 0\r\ndate: " FIXTURE_DATE      \
	"\r\n\r\n"
#define METHODS(list) "access-control-allow-methods: " list "\r\n"
#define HEADERS(list) "access-control-allow-headers: " list "\r\n"
#define ALL_METHODS METHODS("GET,POST,PUT,PATCH,DELETE,OPTIONS")
#define ALL_HEADERS                                                                                \
	HEADERS("authorization,content-type,x-requested-with,accept,x-ably-clientid,"              \
		"x-ably-version,x-ably-lib,x-ably-devicetoken,ably-agent,ably-version,"            \
		"ably-clientid,x-idempotency-key")

static struct arena rules_arena;

static int set_up(void **state)
{
	struct http_fixture *f = test_calloc(1, sizeof(*f));

	http_fixture_init(f);
	arena_init(&rules_arena, 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	http_fixture_fini(*state);
	test_free(*state);
	arena_fini(&rules_arena);
	return 0;
}

static const str SOME_ORIGINS[] = { { "https://good.example", 20 }, { "*.wild.example", 14 } };

static struct cors_rules some_rules(void)
{
	static const str methods[] = { { "GET", 3 }, { "POST", 4 } };
	static const str headers[] = { { "Content-Type", 12 }, { "X-My", 4 } };

	return (struct cors_rules){ SOME_ORIGINS, 2, methods, 2, headers, 2, .credentials = true };
}

static void use(struct http_fixture *f, const struct cors_rules *rules)
{
	f->options.cors = cors_new(rules, &rules_arena);
}

static void get(struct http_fixture *f, const char *target, const char *headers, const char *want)
{
	str pieces[] = { S("GET "), str_from_cstr(target), S(" HTTP/1.1\r\n"),
			 str_from_cstr(headers), S("\r\n") };

	http_fixture_restart(f);
	http_fixture_feed(f, arena_join(&rules_arena, pieces, ARRAY_LEN(pieces)));
	assert_str(buf_str(&f->sent), str_from_cstr(want));
	assert_null(f->conn.origin);
}

static void ask_first(struct http_fixture *f, const char *headers, const char *want)
{
	str pieces[] = { S("OPTIONS /apps/app-id/events HTTP/1.1\r\n"), str_from_cstr(headers),
			 S("\r\n") };

	http_fixture_restart(f);
	http_fixture_feed(f, arena_join(&rules_arena, pieces, ARRAY_LEN(pieces)));
	assert_str(buf_str(&f->sent), str_from_cstr(want));
}

static void everybody_is_allowed_by_default(void **state)
{
	struct http_fixture *f = *state;

	get(f, "/up", "", UP(VARY NAMED("*")));
	get(f, "/up", "origin: https://evil.example\r\n", UP(VARY NAMED("*")));
	ask_first(f, "origin: https://a.example\r\naccess-control-request-method: POST\r\n",
		  PREFLIGHT(VARY ALL_METHODS ALL_HEADERS NAMED("*")));
}

static void origins_of_the_list_are_named(void **state)
{
	struct http_fixture *f = *state;
	struct cors_rules rules = some_rules();

	use(f, &rules);
	get(f, "/up", "", UP(VARY CREDENTIALS));
	get(f, "/up", "Origin: https://good.example\r\n",
	    UP(VARY CREDENTIALS NAMED("https://good.example")));
	get(f, "/up", "origin: HTTPS://Good.Example\r\n",
	    UP(VARY CREDENTIALS NAMED("HTTPS://Good.Example")));
	get(f, "/up", "origin: https://a.wild.example\r\n",
	    UP(VARY CREDENTIALS NAMED("https://a.wild.example")));
	get(f, "/up", "origin: https://evil.example\r\n", UP(VARY CREDENTIALS));
	get(f, "/up", "origin:\r\n", UP(VARY CREDENTIALS));
	get(f, "/nope", "origin: https://good.example\r\n",
	    "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n"
	    "date: " FIXTURE_DATE "\r\n\r\n404 NOT FOUND");
#define LISTS METHODS("GET,POST") HEADERS("content-type,x-my")
	ask_first(f, "", PREFLIGHT(CREDENTIALS VARY LISTS));
	ask_first(f, "origin: https://good.example\r\n",
		  PREFLIGHT(CREDENTIALS VARY LISTS NAMED("https://good.example")));
	ask_first(f, "origin: https://evil.example\r\n", PREFLIGHT(CREDENTIALS VARY LISTS));
	rules.credentials = false;
	use(f, &rules);
	get(f, "/up", "origin: https://good.example\r\n", UP(VARY NAMED("https://good.example")));
}

static void nobody_is_named_without_a_list(void **state)
{
	struct http_fixture *f = *state;
	struct cors_rules rules = some_rules();

	rules.n_origins = 0;
	rules.n_methods = 0;
	rules.n_headers = 0;
	use(f, &rules);
	get(f, "/up", "origin: https://good.example\r\n", UP(VARY));
	ask_first(f, "origin: https://good.example\r\n", PREFLIGHT(VARY));
}

static void everybody_among_others_is_everybody_without_credentials(void **state)
{
	static const str lists[][2] = { { { "https://a.example", 17 }, { "*", 1 } },
					{ { "ANY", 3 }, { "https://a.example", 17 } } };
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct cors_rules rules = some_rules();

		rules.origins = lists[i];
		use(f, &rules);
		get(f, "/up", "origin: https://a.example\r\n", UP(VARY NAMED("*")));
	}
}

static void publish_from(struct http_fixture *f, const char *headers)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	http_fixture_sign(&b, "POST", "/apps/app-id/events", "", headers, S(EVENT));
	http_fixture_feed(f, buf_str(&b));
	buf_fini(&b);
	assert_true(f->conn.awaits_hub);
}

static void assert_published(struct http_fixture *f, const char *lines)
{
	str pieces[] = { S("HTTP/1.1 200 OK\r\n" JSON_TYPE), str_from_cstr(lines),
			 S("content-length: 11\r\ndate: " FIXTURE_DATE "\r\n\r\n{\"ok\":true}") };

	http_fixture_answer(f, ANSWER_OK, NULL);
	assert_str(buf_str(&f->sent), arena_join(&rules_arena, pieces, ARRAY_LEN(pieces)));
	buf_clear(&f->sent);
	assert_null(f->conn.origin);
}

static void answer_that_comes_later_names_the_origin_of_its_request(void **state)
{
	struct http_fixture *f = *state;
	struct cors_rules rules = some_rules();

	use(f, &rules);
	publish_from(f, JSON_TYPE);
	assert_published(f, VARY CREDENTIALS);
	publish_from(f, JSON_TYPE "origin: https://good.example\r\n");
	assert_published(f, VARY CREDENTIALS NAMED("https://good.example"));
	publish_from(f, JSON_TYPE "origin: https://b.wild.example\r\n");
	assert_published(f, VARY CREDENTIALS NAMED("https://b.wild.example"));
	publish_from(f, JSON_TYPE "origin: https://evil.example\r\n");
	assert_published(f, VARY CREDENTIALS);
}

static void connection_that_ends_while_it_waits_leaves_nothing(void **state)
{
	struct http_fixture *f = *state;
	struct cors_rules rules = some_rules();

	use(f, &rules);
	publish_from(f, JSON_TYPE "origin: https://good.example\r\n");
	assert_non_null(f->conn.origin);
	conn_end(&f->conn); /* tear_down looks at what is left */
}

static void without_memory_the_origin_is_not_named(void **state)
{
	struct http_fixture *f = *state;
	struct cors_rules rules = some_rules();

	use(f, &rules);
	http_fixture_restart(f);
	mem_fail_nth(1);
	http_fixture_feed(f, S("GET /up HTTP/1.1\r\norigin: https://good.example\r\n\r\n"));
	mem_fail_nth(0);
	assert_str(buf_str(&f->sent), S(UP(VARY CREDENTIALS)));
}

static void origin_without_end_is_not_named(void **state)
{
	struct http_fixture *f = *state;
	struct cors_rules rules = some_rules();
	char request[1400] = "GET /up HTTP/1.1\r\norigin: https://";
	size_t n = strlen(request);

	use(f, &rules);
	memset(request + n, 'a', 1100);
	memcpy(request + n + 1100, ".wild.example\r\n\r\n", 17);
	http_fixture_restart(f);
	http_fixture_feed(f, str_from_cstr(request));
	assert_str(buf_str(&f->sent), S(UP(VARY CREDENTIALS)));
}

static void upgrade_answers_with_the_same_lines(void **state)
{
	struct http_fixture *f = *state;
	struct cors_rules rules = some_rules();

	use(f, &rules);
	http_fixture_restart(f);
	http_fixture_feed(f, S("GET /app/app-key HTTP/1.1\r\norigin: https://good.example\r\n"
			       "upgrade: websocket\r\nconnection: upgrade\r\n"
			       "sec-websocket-version: 13\r\n"
			       "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
	assert_true(f->has_begun);
	assert_non_null(memmem(f->sent.p, f->sent.len,
			       VARY CREDENTIALS NAMED("https://good.example"),
			       sizeof(VARY CREDENTIALS NAMED("https://good.example")) - 1));
	assert_null(f->conn.user);
}

static void tokens_are_what_methods_and_headers_are_made_of(void **state)
{
	static const char *const bad[] = { "", "a b", "a:b", "x\r\n", "\xc3\xa9", "a,b", "\"a\"" };

	assert_true(cors_is_token(S("X-Idempotency-Key")));
	assert_true(cors_is_token(S("a.b_c~1*")));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(!cors_is_token(str_from_cstr(bad[i])), i);
	assert_false(cors_is_token((str){ "a\0", 2 }));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(everybody_is_allowed_by_default),
		TEST(origins_of_the_list_are_named),
		TEST(nobody_is_named_without_a_list),
		TEST(everybody_among_others_is_everybody_without_credentials),
		TEST(answer_that_comes_later_names_the_origin_of_its_request),
		TEST(connection_that_ends_while_it_waits_leaves_nothing),
		TEST(without_memory_the_origin_is_not_named),
		TEST(origin_without_end_is_not_named),
		TEST(upgrade_answers_with_the_same_lines),
		TEST(tokens_are_what_methods_and_headers_are_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
