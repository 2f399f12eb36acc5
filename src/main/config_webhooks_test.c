/* An app's webhooks: what each key does, what the global keys do, and what is refused. */
#include "main/config_apps.h"

#include "base/check.h"
#include "core/webhook.h"
#include "main/config_changes.h"
#include "main/config_fixture.h"
#include "main/config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define APPS(rest)                                                                                 \
	"\"app_manager\": {\"array\": {\"apps\": [{\"id\": \"1\", \"key\": \"k\", \"secret\": "    \
	"\"s\", \"enabled\": true" rest "}]}}"
#define HOOKS(list) "{" APPS(",\n\"webhooks\": " list) "}"
#define HOOK(rest) "{\"url\": \"http://x/\", \"event_types\": [\"cache_miss\"]" rest "}"

static const char full[] =
	"{\"url\": \"https://me:word@example.com/hook?x=1\","
	" \"event_types\": [\"channel_occupied\", \"channel_vacated\"],"
	" \"filter\": {\"channel_prefix\": \"private-\", \"channel_suffix\": \"-end\","
	"  \"channel_pattern\": \"[0-9]\", \"channel_namespace\": \"chat\","
	"  \"channel_namespaces\": [\"news\", \"talk\"]},"
	" \"headers\": {\"X-One\": \"first\", \"Authorization\": \"Bearer abc\"},"
	" \"retry\": {\"enabled\": false, \"max_attempts\": 7, \"max_elapsed_time_ms\": 8000,"
	"  \"initial_backoff_ms\": 9, \"max_backoff_ms\": \"10\"},"
	" \"request_timeout_ms\": 11}";

static const struct webhook_set *set_of(const struct fixture *f)
{
	return f->apps->apps[0]->webhooks;
}

static void assert_full(const struct webhook *w)
{
	assert_int_equal(w->events, 1 << WEBHOOK_channel_occupied | 1 << WEBHOOK_channel_vacated);
	assert_true(str_eq(w->channel_prefix, S("private-")));
	assert_true(str_eq(w->channel_suffix, S("-end")));
	assert_true(str_eq(pattern_text(w->channel_pattern), S("[0-9]")));
	assert_int_equal(w->n_namespaces, 3);
	assert_true(str_eq(w->namespaces[2], S("talk")));
	assert_int_equal(w->n_headers, 2);
	assert_true(str_eq(w->headers[1].name, S("Authorization")));
	assert_false(w->retry.enabled);
	assert_int_equal(w->retry.max_attempts, 7);
	assert_int_equal(w->retry.max_elapsed_ms, 8000);
	assert_int_equal(w->retry.initial_backoff_ms, 9);
	assert_int_equal(w->retry.max_backoff_ms, 10);
	assert_int_equal(w->timeout_ms, 11);
}

static void each_key_is_read_in_both_schemas(void **state)
{
	static const struct {
		const char *before, *after;
	} forms[] = { { "\"webhooks\": [", "]" }, { "\"policy\": {\"webhooks\": [", "]}" } };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		char json[2048];
		struct fixture f;

		snprintf(json, sizeof(json), "{" APPS(", %s%s%s") "}", forms[i].before, full,
			 forms[i].after);
		fixture_load(&f, json, NULL);
		assert_errors(&f, "");
		assert_warnings(&f, "");
		assert_int_equal(set_of(&f)->n, 1);
		assert_true(str_eq(set_of(&f)->hooks[0]->url,
				   S("https://me:word@example.com/hook?x=1")));
		assert_true(str_eq(set_of(&f)->hooks[0]->headers[1].value, S("Bearer abc")));
		assert_full(set_of(&f)->hooks[0]);
		fixture_free(&f);
	}
}

static void what_is_left_out_is_as_in_the_global_keys(void **state)
{
	const struct webhook *w;
	struct fixture f;

	fixture_load(
		&f,
		"{\"webhooks\": {\"retry\": {\"enabled\": true, \"max_attempts\": 3,"
		" \"max_elapsed_time_ms\": 4, \"initial_backoff_ms\": 5, \"max_backoff_ms\": 6},"
		" \"request_timeout_ms\": 7, \"batching\": {\"duration\": 8, \"size\": 9}}," APPS(
			", \"webhooks\": [" HOOK(
				", \"retry\": {\"max_attempts\": null, \"max_elapsed_time_ms\": "
				"99}") "]") "}",
		NULL);
	assert_errors(&f, "");
	w = set_of(&f)->hooks[0];
	assert_true(w->retry.enabled);
	assert_int_equal(w->retry.max_attempts, 3);
	assert_int_equal(w->retry.max_elapsed_ms, 99);
	assert_int_equal(w->retry.initial_backoff_ms, 5);
	assert_int_equal(w->retry.max_backoff_ms, 6);
	assert_int_equal(w->timeout_ms, 7);
	assert_int_equal(set_of(&f)->gather_ms, 8);
	assert_int_equal(set_of(&f)->events_max, 9);
	fixture_free(&f);
}

static void defaults_are_those_of_the_original(void **state)
{
	const struct webhook *w;
	struct fixture f;

	fixture_load(&f, HOOKS("[" HOOK("") "]"), NULL);
	w = set_of(&f)->hooks[0];
	assert_true(w->retry.enabled);
	assert_int_equal(w->retry.max_attempts, 0);
	assert_int_equal(w->retry.max_elapsed_ms, 300000);
	assert_int_equal(w->retry.initial_backoff_ms, 1000);
	assert_int_equal(w->retry.max_backoff_ms, 60000);
	assert_int_equal(w->timeout_ms, 10000);
	assert_int_equal(set_of(&f)->gather_ms, 50);
	assert_int_equal(set_of(&f)->events_max, 100);
	fixture_free(&f);
}

static void without_batching_each_event_goes_alone(void **state)
{
	static const char *const env[] = { "WEBHOOK_BATCHING_ENABLED=false", NULL };
	struct fixture f;

	fixture_load(&f, HOOKS("[" HOOK("") "]"), env);
	assert_int_equal(set_of(&f)->gather_ms, 0);
	assert_int_equal(set_of(&f)->events_max, 1);
	fixture_free(&f);
}

static void without_a_queue_nobody_is_told(void **state)
{
	static const char *const env[] = { "QUEUE_DRIVER=none", NULL };
	struct fixture f;

	fixture_load(&f, HOOKS("[" HOOK("") "]"), env);
	assert_errors(&f, "");
	assert_warnings(&f, "test.json:2:13: app_manager.array.apps[0].webhooks: are not sent, "
			    "because queue.driver is \"none\"\n");
	assert_null(set_of(&f));
	fixture_free(&f);
}

static void what_later_versions_have_is_warned_about(void **state)
{
	struct fixture f;

	fixture_load(&f,
		     HOOKS("[{\"url\": \"http://x\", \"lambda_function\": \"f\",\n"
			   "\"event_types\": [\"member_updated\", \"cache_miss\"]},\n"
			   "{\"lambda\": {\"function_name\": \"f\"}, \"event_types\": []}]"),
		     NULL);
	assert_errors(&f, "");
	assert_warnings(
		&f,
		"test.json:2:53: app_manager.array.apps[0].webhooks[0].lambda_function: is "
		"ignored, because there is a \"url\"\n"
		"test.json:3:17: app_manager.array.apps[0].webhooks[0].event_types[0]: "
		"\"member_updated\": no such event in this build\n"
		"test.json:4:1: app_manager.array.apps[0].webhooks[1]: webhooks to AWS Lambda are "
		"not available in this build\n");
	assert_int_equal(set_of(&f)->n, 1);
	assert_int_equal(set_of(&f)->hooks[0]->events, 1 << WEBHOOK_cache_miss);
	fixture_free(&f);
}

static void what_is_wrong_is_refused_with_its_place(void **state)
{
#define AT "app_manager.array.apps[0].webhooks"
	static const struct {
		const char *list, *error;
	} rows[] = {
		{ "[5]", "2:2: " AT "[0]: expected a webhook: { … }, got 5\n" },
		{ "[{\"event_types\": []}]",
		  "2:2: " AT
		  "[0]: the webhook needs a \"url\" that begins with http:// or https://\n" },
		{ "[{\"url\": \"ftp://x\", \"event_types\": []}]",
		  "2:10: " AT
		  "[0]: the webhook needs a \"url\" that begins with http:// or https://\n" },
		{ "[{\"url\": \"http://x\"}]",
		  "2:2: " AT "[0]: the webhook needs \"event_types\", a list of events\n" },
		{ "[{\"url\": \"http://x\", \"event_types\": [\"chanel_vacated\"]}]",
		  "2:38: " AT "[0].event_types[0]: there is no event \"chanel_vacated\", did you "
		  "mean \"channel_vacated\"?\n" },
		{ "[{\"url\": \"http://x\", \"event_types\": null}]",
		  "2:2: " AT "[0]: the webhook needs \"event_types\", a list of events\n" },
		{ "[{\"url\": \"http://x\", \"event_types\": []}]",
		  "2:2: " AT "[0]: the webhook needs \"event_types\", a list of events\n" },
		{ "[{\"url\": \"http://x\", \"event_types\": [1]}]",
		  "2:38: " AT "[0].event_types[0]: expected a text, got 1\n"
		  "test.json:2:2: " AT
		  "[0]: the webhook needs \"event_types\", a list of events\n" },
		{ "[{\"lambda\": null}]",
		  "2:2: " AT
		  "[0]: the webhook needs a \"url\" that begins with http:// or https://\n" },
		{ "{}", "2:1: " AT ": expected a list of webhooks, got an object\n" },
		{ "[" HOOK(", \"headers\": []") "]",
		  "2:65: " AT "[0].headers: expected an object, got a list\n" },
		{ "[" HOOK(", \"filter\": {\"channel_namespaces\": \"a\"}") "]",
		  "2:87: " AT "[0].filter.channel_namespaces: expected a list of namespaces, got a "
		  "text\n" },
		{ "[" HOOK(", \"retry\": {\"max_backoff_ms\": 10}") "]",
		  "2:2: " AT "[0]: initial_backoff_ms is more than max_backoff_ms, which is 10\n" },
		{ "[" HOOK(", \"filtre\": {}") "]",
		  "2:54: " AT "[0].filtre: unknown key, did you mean \"filter\"?\n" },
		{ "[" HOOK(", \"filter\": {\"channel_pattern\": \"(\"}") "]",
		  "2:84: " AT "[0].filter.channel_pattern: the pattern is wrong: missing closing "
		  "parenthesis (byte 1)\n" },
		{ "[" HOOK(", \"filter\": {\"channel_prefix\": 1}") "]",
		  "2:83: " AT "[0].filter.channel_prefix: expected a text, got 1\n" },
		{ "[" HOOK(", \"headers\": {\"X\": \"a\\r\\nY: b\"}") "]",
		  "2:66: " AT "[0].headers.X: this cannot be a header\n" },
		{ "[" HOOK(", \"headers\": {\"Content-Length\": \"1\"}") "]",
		  "2:66: " AT "[0].headers.Content-Length: this cannot be a header\n" },
		{ "[" HOOK(", \"retry\": {\"initial_backoff_ms\": 0}") "]",
		  "2:86: " AT "[0].retry.initial_backoff_ms: expected a whole number from 1 to "
		  "86400000, got 0\n" },
		{ "[" HOOK(", \"retry\": {\"attempts\": 1}") "]",
		  "2:64: " AT "[0].retry.attempts: unknown key\n" },
		{ "[" HOOK(", \"request_timeout_ms\": \"x\"") "]",
		  "2:76: " AT "[0].request_timeout_ms: expected a whole number from 1 to 86400000, "
		  "got \"x\"\n" },
	};
#undef AT

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char json[512], error[512];
		struct fixture f;

		snprintf(json, sizeof(json), "{" APPS(", \"webhooks\":\n%s") "}", rows[i].list);
		snprintf(error, sizeof(error), "test.json:%s", rows[i].error);
		fixture_load(&f, json, NULL);
		assert_errors(&f, error);
		fixture_free(&f);
	}
}

static void printing_keeps_all_but_secrets(void **state)
{
	char json[2048];
	struct fixture f, g;
	struct buf b;

	snprintf(json, sizeof(json), HOOKS("[%s]"), full);
	fixture_load(&f, json, NULL);
	buf_init(&b, 1 << 20);
	config_print_json(f.config, f.apps, &b);
	assert_null(memmem(b.p, b.len, "Bearer", 6));
	assert_null(memmem(b.p, b.len, "word@", 5));
	fixture_load_named(&g, "printed.json", buf_str(&b), NULL);
	assert_errors(&g, "");
	assert_full(set_of(&g)->hooks[0]);
	assert_true(str_eq(set_of(&g)->hooks[0]->url, S("https://********@example.com/hook?x=1")));
	buf_fini(&b);
	fixture_free(&f);
	fixture_free(&g);
}

static void a_secret_that_changes_is_a_change(void **state)
{
	struct config_changes d;
	struct fixture f, g;

	fixture_load(&f, HOOKS("[" HOOK(", \"headers\": {\"X\": \"1\"}") "]"), NULL);
	fixture_load(&g, HOOKS("[" HOOK(", \"headers\": {\"X\": \"2\"}") "]"), NULL);
	config_changes_init(&d);
	config_changes_find_apps(&d, f.apps, f.apps);
	assert_int_equal(d.apps_changed.n, 0);
	config_changes_find_apps(&d, f.apps, g.apps);
	assert_int_equal(d.apps_changed.n, 1);
	config_changes_fini(&d);
	fixture_free(&f);
	fixture_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_is_read_in_both_schemas),
		cmocka_unit_test(what_is_left_out_is_as_in_the_global_keys),
		cmocka_unit_test(defaults_are_those_of_the_original),
		cmocka_unit_test(without_batching_each_event_goes_alone),
		cmocka_unit_test(without_a_queue_nobody_is_told),
		cmocka_unit_test(what_later_versions_have_is_warned_about),
		cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
		cmocka_unit_test(printing_keeps_all_but_secrets),
		cmocka_unit_test(a_secret_that_changes_is_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
