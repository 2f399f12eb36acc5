/* Both schemas, the app from the environment, the demo app, and what an app that says nothing
 * gets. */
#include "main/config_apps.h"

#include "core/namespace.h"
#include "main/config_fixture.h"
#include "main/config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define APP(rest)                                                                                  \
	"{\"app_manager\": {\"array\": {\"apps\": [{\"id\": \"1\", \"key\": \"k\", \"secret\": "   \
	"\"s\", \"enabled\": true" rest "}]}}}"

#define ID "SOCKUDO_DEFAULT_APP_ID=e"
#define KEY "SOCKUDO_DEFAULT_APP_KEY=ek"
#define SECRET "SOCKUDO_DEFAULT_APP_SECRET=es"

#define NAMESPACES                                                                                 \
	"[{\"name\": \"chat\", \"max_channel_name_length\": \"30\","                               \
	"\"channel_name_pattern\": \"^chat:[a-z]+$\", \"allow_user_limited_channels\": true,"      \
	"\"allow_subscribe_for_client\": null, \"allow_publish_for_client\": false,"               \
	"\"annotations_enabled\": false, \"history\": {}},"                                        \
	"{\"name\": \"news\", \"channel_name_pattern\": null, \"max_channel_name_length\": null,"  \
	"\"allow_subscribe_for_client\": false, \"allow_presence_for_client\": false}]"

/* One row of each schema that says the same. */
static const char flat[] =
	APP(", \"max_connections\": \"10\", \"max_client_events_per_second\": 20,"
	    "\"max_backend_events_per_second\": \"30\", \"max_read_requests_per_second\": 40,"
	    "\"max_presence_members_per_channel\": 50, \"max_presence_member_size_in_kb\": \"60\","
	    "\"max_channel_name_length\": 70, \"max_event_channels_at_once\": 80,"
	    "\"max_event_name_length\": \"90\", \"max_event_payload_in_kb\": 100,"
	    "\"max_event_batch_size\": 110, \"decay_seconds\": 2, \"terminate_on_limit\": true,"
	    "\"message_rate_limit\": {\"enabled\": true, \"max_attempts\": 3},"
	    "\"enable_client_messages\": true, \"enable_user_authentication\": true,"
	    "\"enable_watchlist_events\": true, \"enable_subscription_count\": true,"
	    "\"idempotency\": {\"ttl_seconds\": \"7\"}, \"channel_namespaces\": " NAMESPACES
	    ", \"allowed_origins\": [\"https://A.example\"]");
static const char nested[] =
	APP(", \"policy\": {\"limits\": {\"max_connections\": \"10\","
	    "\"max_client_events_per_second\": 20, \"max_backend_events_per_second\": \"30\","
	    "\"max_read_requests_per_second\": 40, \"max_presence_members_per_channel\": 50,"
	    "\"max_presence_member_size_in_kb\": \"60\", \"max_channel_name_length\": 70,"
	    "\"max_event_channels_at_once\": 80, \"max_event_name_length\": \"90\","
	    "\"max_event_payload_in_kb\": 100, \"max_event_batch_size\": 110, \"decay_seconds\": 2,"
	    "\"terminate_on_limit\": true,"
	    "\"message_rate_limit\": {\"enabled\": true, \"max_attempts\": 3}},"
	    "\"features\": {\"enable_client_messages\": true, \"enable_user_authentication\": true,"
	    "\"enable_watchlist_events\": true, \"enable_subscription_count\": true},"
	    "\"idempotency\": {\"enabled\": true, \"ttl_seconds\": 7},"
	    "\"channels\": {\"channel_namespaces\": " NAMESPACES
	    ", \"allowed_origins\": [\"https://A.example\"]}}");

static void assert_namespaces_set(const struct app *a)
{
	const struct namespace *chat, *news;

	assert_int_equal(a->n_namespaces, 2);
	chat = a->namespaces[0];
	assert_true(str_eq(chat->name, S("chat")));
	assert_int_equal(chat->channel_name_bytes_max, 30);
	assert_true(pattern_matches(chat->pattern, S("chat:room")));
	assert_false(pattern_matches(chat->pattern, S("chat:1")));
	assert_true(chat->allow_user_limited_channels && chat->allow_subscribe_for_client);
	assert_true(!chat->allow_publish_for_client && chat->allow_presence_for_client);
	news = a->namespaces[1];
	assert_true(str_eq(news->name, S("news")));
	assert_true(!news->pattern && news->channel_name_bytes_max == 0);
	assert_true(!news->allow_user_limited_channels && !news->allow_subscribe_for_client);
	assert_true(news->allow_publish_for_client && !news->allow_presence_for_client);
}

static void assert_all_set(const struct app *a)
{
	assert_true(a->enabled && a->enable_client_messages && a->enable_user_authentication);
	assert_true(a->enable_watchlist_events && a->terminate_on_limit);
	assert_int_equal(a->limits.max_connections, 10);
	assert_int_equal(a->limits.max_client_events_per_second, 20);
	assert_int_equal(a->limits.max_backend_events_per_second, 30);
	assert_int_equal(a->limits.max_read_requests_per_second, 40);
	assert_int_equal(a->limits.max_presence_members_per_channel, 50);
	assert_int_equal(a->limits.max_presence_member_size_in_kb, 60);
	assert_int_equal(a->limits.max_channel_name_length, 70);
	assert_int_equal(a->limits.max_event_channels_at_once, 80);
	assert_int_equal(a->limits.max_event_name_length, 90);
	assert_int_equal(a->limits.max_event_payload_in_kb, 100);
	assert_int_equal(a->limits.max_event_batch_size, 110);
	assert_int_equal(a->limits.decay_seconds, 2);
	assert_true(a->enable_subscription_count);
	assert_int_equal(a->idempotency_ttl_s, 7);
	assert_namespaces_set(a);
	assert_true(a->message_rate.enabled && !a->message_rate.terminate_on_limit);
	assert_int_equal(a->message_rate.max_attempts, 3);
	assert_int_equal(a->message_rate.decay_seconds, 60);
	assert_int_equal(a->n_allowed_origins, 1);
	assert_true(str_eq(a->allowed_origins[0], S("https://a.example")));
}

static void both_schemas_say_the_same(void **state)
{
	const char *files[] = { flat, nested };

	for (size_t i = 0; i < 2; i++) {
		struct fixture f;

		fixture_load(&f, files[i], NULL);
		assert_errors(&f, "");
		assert_warnings(&f, "");
		assert_all_set(app_by_id(f.apps, S("1")));
		fixture_free(&f);
	}
}

static void a_policy_makes_flat_keys_ignored_with_a_warning(void **state)
{
	struct fixture f;

	fixture_load(&f, APP(", \"policy\": {}, \"max_connections\": 5"), NULL);
	assert_errors(&f, "");
	assert_warnings(&f, "test.json:1:107: app_manager.array.apps[0].max_connections: is "
			    "ignored, because the app has a \"policy\"\n");
	assert_int_equal(f.apps->apps[0]->limits.max_connections, 0);
	fixture_free(&f);
}

static void a_policy_of_null_is_none(void **state)
{
	struct fixture f;

	fixture_load(&f, APP(", \"policy\": null, \"max_connections\": 5"), NULL);
	assert_errors(&f, "");
	assert_warnings(&f, "");
	assert_int_equal(f.apps->apps[0]->limits.max_connections, 5);
	fixture_free(&f);
}

static void null_leaves_a_limit_open(void **state)
{
	struct fixture f;

	fixture_load(&f,
		     APP(", \"max_connections\": null, \"max_event_batch_size\": null,"
			 "\"allowed_origins\": null, \"enable_client_messages\": null,"
			 "\"webhooks\": null"),
		     NULL);
	assert_errors(&f, "");
	assert_warnings(&f, "");
	assert_memory_equal(&f.apps->apps[0]->limits, &app_limits_unset, sizeof(app_limits_unset));
	fixture_free(&f);
}

static void an_app_that_does_not_say_enabled_is_disabled_with_a_warning(void **state)
{
	struct fixture f;

	fixture_load(&f,
		     "{\"app_manager\": {\"array\": {\"apps\": [\n"
		     "  {\"id\": \"1\", \"key\": \"k\", \"secret\": \"s\"},\n"
		     "  {\"id\": \"2\", \"key\": \"l\", \"secret\": \"s\", \"enabled\": false}]}}}",
		     NULL);
	assert_errors(&f, "");
	assert_warnings(&f, "test.json:2:3: app_manager.array.apps[0]: the app is disabled, "
			    "because it does not say \"enabled\": true\n");
	assert_false(f.apps->apps[0]->enabled);
	assert_false(f.apps->apps[1]->enabled);
	fixture_free(&f);
}

static void global_limits_hold_for_apps_that_set_none(void **state)
{
	struct fixture f;

	fixture_load(&f,
		     "{\"event_limits\": {\"max_batch_size\": 7, \"max_payload_in_kb\": 8},"
		     "\"channel_limits\": {\"max_name_length\": 9},"
		     "\"presence\": {\"max_members_per_channel\": 11},"
		     "\"app_manager\": {\"array\": {\"apps\": [{\"id\": \"1\", \"key\": \"k\","
		     "\"secret\": \"s\", \"enabled\": true, \"max_event_batch_size\": 70,"
		     "\"max_event_payload_in_kb\": null}]}}}",
		     NULL);
	assert_errors(&f, "");
	assert_int_equal(f.apps->apps[0]->limits.max_event_batch_size, 70);
	assert_int_equal(f.apps->apps[0]->limits.max_event_payload_in_kb, 8);
	assert_int_equal(f.apps->apps[0]->limits.max_channel_name_length, 9);
	assert_int_equal(f.apps->apps[0]->limits.max_presence_members_per_channel, 11);
	/* Nobody set this one, so its default limits nobody. */
	assert_int_equal(f.apps->apps[0]->limits.max_event_channels_at_once, NO_LIMIT);
	fixture_free(&f);
}

static void what_is_remembered_is_as_the_global_settings_have_it(void **state)
{
	static const char *const env[] = { ID, KEY, SECRET, NULL };
	static const char file[] =
		"{\"idempotency\": {\"ttl_seconds\": 9, \"max_key_length\": 10},"
		"\"channel_limits\": {\"cache_ttl\": 11}, \"cache\": {\"memory\": {"
		"\"max_capacity\": 12}}, \"app_manager\": {\"array\": {\"apps\": [{\"id\": \"1\","
		"\"key\": \"k\", \"secret\": \"s\", \"enabled\": true}]}}}";

	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		const struct app *a;

		fixture_load(&f, file, i ? env : NULL);
		assert_errors(&f, "");
		assert_warnings(&f, "");
		a = f.apps->apps[0];
		assert_int_equal(a->idempotency_ttl_s, 9);
		assert_int_equal(a->idempotency_key_bytes_max, 10);
		assert_int_equal(a->cache_ttl_s, 11);
		assert_int_equal(a->n_cached_max, 12);
		fixture_free(&f);
	}
}

static void without_a_cache_nothing_is_kept(void **state)
{
	static const char *const env[] = { ID, KEY, SECRET, "CACHE_DRIVER=none", NULL };
	struct fixture f;

	fixture_load(&f, NULL, env);
	assert_errors(&f, "");
	assert_int_equal(f.apps->apps[0]->n_cached_max, 0);
	fixture_free(&f);
}

static void idempotency_of_an_app_overrides_the_global_one(void **state)
{
	static const struct {
		const char *global, *app;
		uint32_t ttl_s;
	} rows[] = {
		{ "{}", "{}", 120 },
		{ "{}", "null", 120 },
		{ "{}", "{\"enabled\": null, \"ttl_seconds\": null}", 120 },
		{ "{}", "{\"enabled\": false}", 0 },
		{ "{}", "{\"ttl_seconds\": 5}", 5 },
		{ "{\"enabled\": false}", "{}", 0 },
		{ "{\"enabled\": false}", "{\"ttl_seconds\": 5}", 0 },
		{ "{\"enabled\": false, \"ttl_seconds\": 6}", "{\"enabled\": true}", 6 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[512];
		struct fixture f;

		snprintf(json, sizeof(json),
			 "{\"idempotency\": %s, \"app_manager\": {\"array\": {\"apps\": [{\"id\":"
			 "\"1\", \"key\": \"k\", \"secret\": \"s\", \"enabled\": true,"
			 "\"idempotency\": %s}]}}}",
			 rows[i].global, rows[i].app);
		fixture_load(&f, json, NULL);
		assert_errors(&f, "");
		if (f.apps->apps[0]->idempotency_ttl_s != rows[i].ttl_s)
			fail_msg("row %zu: %u", i, f.apps->apps[0]->idempotency_ttl_s);
		fixture_free(&f);
	}
}

static void namespaces_that_make_no_sense_are_refused(void **state)
{
#define AT "app_manager.array.apps[0].channel_namespaces"
	static const struct {
		const char *list, *error;
	} rows[] = {
		{ "5", "test.json:2:1: " AT ": expected a list of namespaces, got 5\n" },
		{ "[\"chat\"]",
		  "test.json:2:2: " AT "[0]: expected a namespace: { … }, got a text\n" },
		{ "[{}]", "test.json:2:2: " AT
			  "[0]: the namespace needs a \"name\", a text without ':'\n" },
		{ "[{\"name\": \"\"}]",
		  "test.json:2:11: " AT "[0]: the namespace needs a \"name\", "
		  "a text without ':'\n" },
		{ "[{\"name\": \"a:b\"}]", "test.json:2:11: " AT "[0]: the namespace needs a "
					   "\"name\", a text without ':'\n" },
		{ "[{\"name\": \"a\"}, {\"name\": \"a\"}]",
		  "test.json:2:26: " AT "[1]: another namespace has the name \"a\" already\n" },
		{ "[{\"name\": \"a\", \"channel_name_pattern\": \"[0-9\"}]",
		  "test.json:2:40: " AT "[0].channel_name_pattern: the pattern is wrong: missing "
		  "terminating ] for character class (byte 4)\n" },
		{ "[{\"name\": \"a\", \"channel_name_pattern\": 5}]",
		  "test.json:2:40: " AT "[0].channel_name_pattern: expected a pattern, got 5\n" },
		{ "[{\"name\": \"a\", \"max_channel_name_length\": 0}]",
		  "test.json:2:43: " AT "[0].max_channel_name_length: expected a whole number from "
		  "1 to 1000, got 0\n" },
		{ "[{\"name\": \"a\", \"allow_publish_for_client\": \"no\"}]",
		  "test.json:2:44: " AT
		  "[0].allow_publish_for_client: expected true or false, got a "
		  "text\n" },
		{ "[{\"name\": \"a\", \"allow_publish\": true}]",
		  "test.json:2:16: " AT "[0].allow_publish: unknown key\n" },
		{ "[{\"name\": \"a\", \"allow_publish_for_clients\": true}]",
		  "test.json:2:16: " AT "[0].allow_publish_for_clients: unknown key, did you mean "
		  "\"allow_publish_for_client\"?\n" },
		{ "[{\"name\": \"a\", \"name\": \"b\"}]",
		  "test.json:2:16: " AT "[0].name: comes twice, first in line 2\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[512];
		struct fixture f;

		snprintf(json, sizeof(json), APP(", \"channel_namespaces\":\n%s"), rows[i].list);
		fixture_load(&f, json, NULL);
		assert_errors(&f, rows[i].error);
		fixture_free(&f);
	}
#undef AT
}

static void what_this_build_lacks_is_warned_about_when_it_is_on(void **state)
{
	struct fixture f;

	fixture_load(
		&f,
		APP(",\n\"webhooks\": [{\"lambda_function\": \"f\", \"event_types\": []}],\n"
		    "\"annotations_enabled\": true,\n"
		    "\"channel_delta_compression\": {\"a\": \"fossil\"},\n"
		    "\"channel_namespaces\": [{\"name\": \"a\", \"annotations_enabled\": true,\n"
		    "\"history\": {\"rewind_enabled\": true}}],"
		    "\"connection_recovery\": {\"enabled\": false, \"max_buffer_size\": 5},\n"
		    "\"history\": {}"),
		NULL);
	assert_errors(&f, "");
	assert_warnings(&f,
			"test.json:2:14: app_manager.array.apps[0].webhooks[0]: webhooks to AWS "
			"Lambda are not available in this build\n"
			"test.json:3:24: app_manager.array.apps[0].annotations_enabled: not "
			"available in this build\n"
			"test.json:4:30: app_manager.array.apps[0].channel_delta_compression: not "
			"available in this build\n"
			"test.json:5:61: app_manager.array.apps[0].channel_namespaces[0]."
			"annotations_enabled: not available in this build\n"
			"test.json:6:12: app_manager.array.apps[0].channel_namespaces[0]."
			"history: not available in this build\n");
	fixture_free(&f);
}

/* The environment */

static void an_app_from_the_environment_replaces_those_of_the_file(void **state)
{
	static const char *const env[] = { ID, KEY, SECRET, NULL };
	struct fixture f;
	const struct app *a;

	fixture_load(&f, flat, env);
	assert_errors(&f, "");
	assert_int_equal(f.apps->n, 1);
	a = app_by_key(f.apps, S("ek"));
	assert_non_null(a);
	assert_true(str_eq(a->id, S("e")) && str_eq(a->secret, S("es")) && a->enabled);
	assert_false(a->enable_client_messages);
	assert_int_equal(a->limits.max_connections, 100);
	assert_int_equal(a->limits.max_channel_name_length, 100);
	assert_int_equal(a->limits.max_event_batch_size, 100);
	assert_int_equal(a->limits.decay_seconds, 1);
	/* The original never counted these: a drop-in must not begin to. */
	assert_int_equal(a->limits.max_backend_events_per_second, 0);
	assert_int_equal(a->limits.max_read_requests_per_second, 0);
	fixture_free(&f);
}

static void variables_describe_the_app(void **state)
{
	static const char *const env[] = {
		ID,
		KEY,
		SECRET,
		"SOCKUDO_DEFAULT_APP_MAX_CONNECTIONS=5",
		"SOCKUDO_DEFAULT_APP_MAX_BACKEND_EVENTS_PER_SECOND=7",
		"SOCKUDO_DEFAULT_APP_MAX_READ_REQUESTS_PER_SECOND=8",
		"SOCKUDO_DEFAULT_APP_ENABLE_SUBSCRIPTION_COUNT=1",
		"SOCKUDO_DEFAULT_APP_MAX_EVENT_PAYLOAD_IN_KB=6",
		"SOCKUDO_ENABLE_CLIENT_MESSAGES=yes",
		"SOCKUDO_DEFAULT_APP_ENABLE_USER_AUTHENTICATION=1",
		"SOCKUDO_DEFAULT_APP_ALLOWED_ORIGINS=https://a.example, *.b.example,",
		NULL,
	};
	struct fixture f;
	const struct app *a;

	fixture_load(&f, NULL, env);
	assert_errors(&f, "");
	assert_warnings(&f, "");
	a = f.apps->apps[0];
	assert_int_equal(a->limits.max_connections, 5);
	assert_int_equal(a->limits.max_event_payload_in_kb, 6);
	assert_int_equal(a->limits.max_backend_events_per_second, 7);
	assert_int_equal(a->limits.max_read_requests_per_second, 8);
	assert_true(a->enable_subscription_count);
	assert_true(a->enable_client_messages && a->enable_user_authentication);
	assert_int_equal(a->n_allowed_origins, 2);
	assert_true(str_eq(a->allowed_origins[1], S("*.b.example")));
	fixture_free(&f);
}

static void the_apps_own_variable_wins_over_the_older_one(void **state)
{
	static const char *const env[] = { ID,
					   KEY,
					   SECRET,
					   "SOCKUDO_ENABLE_CLIENT_MESSAGES=true",
					   "SOCKUDO_DEFAULT_APP_ENABLE_CLIENT_MESSAGES=false",
					   NULL };
	struct fixture f;

	fixture_load(&f, NULL, env);
	assert_false(f.apps->apps[0]->enable_client_messages);
	fixture_free(&f);
}

static void bad_variables_of_the_app_are_refused(void **state)
{
	static const struct {
		const char *env[6], *errors;
	} table[] = {
		{ { ID, KEY },
		  "environment: SOCKUDO_DEFAULT_APP_SECRET: is not set; an app from the "
		  "environment needs SOCKUDO_DEFAULT_APP_ID, _KEY and _SECRET\n" },
		{ { ID, KEY, SECRET, "SOCKUDO_DEFAULT_APP_MAX_CONNECTIONS=many" },
		  "environment: SOCKUDO_DEFAULT_APP_MAX_CONNECTIONS: expected a whole number "
		  "from 0 to 4294967295, got \"many\"\n" },
		{ { ID, KEY, SECRET, "SOCKUDO_DEFAULT_APP_MAX_CHANNEL_NAME_LENGTH=0" },
		  "environment: SOCKUDO_DEFAULT_APP_MAX_CHANNEL_NAME_LENGTH: expected a whole "
		  "number from 1 to 1000, got \"0\"\n" },
		{ { ID, KEY, SECRET, "SOCKUDO_DEFAULT_APP_ENABLE_WATCHLIST_EVENTS=sure" },
		  "environment: SOCKUDO_DEFAULT_APP_ENABLE_WATCHLIST_EVENTS: expected true or "
		  "false, got \"sure\"\n" },
		{ { ID, KEY, SECRET, "SOCKUDO_DEFAULT_APP_ALLOWED_ORIGINS=*,a*b*c" },
		  "environment: SOCKUDO_DEFAULT_APP_ALLOWED_ORIGINS: the origin \"a*b*c\" has "
		  "more than one '*'\n" },
		{ { "SOCKUDO_DEFAULT_APP_ENABLED=perhaps", ID, KEY, SECRET },
		  "environment: SOCKUDO_DEFAULT_APP_ENABLED: expected true or false, got "
		  "\"perhaps\"\n" },
		{ { "ENVIRONMENT=production" },
		  "environment: ENVIRONMENT: no app is configured, and the demo app is not served "
		  "in production; set SOCKUDO_DEFAULT_APP_ID, _KEY and _SECRET, or name a file "
		  "with --config\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fixture f;

		fixture_load(&f, NULL, table[i].env);
		assert_errors(&f, table[i].errors);
		fixture_free(&f);
	}
}

static void apps_can_be_left_out(void **state)
{
	static const char *const variables[] = { "SOCKUDO_DEFAULT_APP_ENABLED=false",
						 "SOCKUDO_SKIP_INLINE_APPS=1",
						 "APP_MANAGER_REGISTER_INLINE_APPS=0" };

	for (size_t i = 0; i < 3; i++) {
		const char *env[] = { variables[i], NULL };
		struct fixture f;

		fixture_load(&f, flat, env);
		assert_errors(&f, "");
		assert_warnings(&f, "no app is configured: every client will be refused; add one "
				    "to app_manager.array.apps\n");
		assert_int_equal(f.apps->n, 0);
		fixture_free(&f);
	}
}

/* The demo app */

static void without_any_configuration_the_demo_app_is_served_with_a_warning(void **state)
{
	static const char *const env[] = { "PORT=7000", NULL };
	struct fixture f;

	fixture_load(&f, NULL, env);
	assert_errors(&f, "");
	assert_warnings(&f, "no app is configured: serving the demo app app-id / app-key / "
			    "app-secret, which everybody knows\n");
	assert_int_equal(f.apps->n, 1);
	assert_true(app_is_demo(f.apps->apps[0]));
	assert_true(f.apps->apps[0]->enabled && f.apps->apps[0]->enable_client_messages);
	fixture_free(&f);
}

static void demo_credentials_in_a_file_are_warned_about(void **state)
{
	struct fixture f;

	fixture_load(&f,
		     "{\"app_manager\": {\"array\": {\"apps\": [{\"id\": \"x\", \"key\": "
		     "\"app-key\", \"secret\": \"app-secret\", \"enabled\": true}]}}}",
		     NULL);
	assert_errors(&f, "");
	assert_warnings(&f, "test.json:1:37: app_manager.array.apps[0]: the app has the demo key "
			    "and secret, which everybody knows\n");
	fixture_free(&f);
}

static void printing_shows_apps_without_their_secrets(void **state)
{
	struct fixture f, g;
	struct buf b;

	fixture_load(&f, nested, NULL);
	buf_init(&b, 1 << 20);
	config_print_json(f.config, f.apps, &b);
	assert_null(memmem(b.p, b.len, "\"s\"", 3));
	fixture_load_named(&g, "printed.json", buf_str(&b), NULL);
	assert_errors(&g, "");
	assert_true(str_eq(g.apps->apps[0]->secret, S("********")));
	assert_all_set(g.apps->apps[0]);
	buf_fini(&b);
	fixture_free(&f);
	fixture_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_schemas_say_the_same),
		cmocka_unit_test(a_policy_makes_flat_keys_ignored_with_a_warning),
		cmocka_unit_test(a_policy_of_null_is_none),
		cmocka_unit_test(null_leaves_a_limit_open),
		cmocka_unit_test(an_app_that_does_not_say_enabled_is_disabled_with_a_warning),
		cmocka_unit_test(global_limits_hold_for_apps_that_set_none),
		cmocka_unit_test(what_is_remembered_is_as_the_global_settings_have_it),
		cmocka_unit_test(idempotency_of_an_app_overrides_the_global_one),
		cmocka_unit_test(namespaces_that_make_no_sense_are_refused),
		cmocka_unit_test(what_this_build_lacks_is_warned_about_when_it_is_on),
		cmocka_unit_test(an_app_from_the_environment_replaces_those_of_the_file),
		cmocka_unit_test(variables_describe_the_app),
		cmocka_unit_test(the_apps_own_variable_wins_over_the_older_one),
		cmocka_unit_test(bad_variables_of_the_app_are_refused),
		cmocka_unit_test(apps_can_be_left_out),
		cmocka_unit_test(without_a_cache_nothing_is_kept),
		cmocka_unit_test(without_any_configuration_the_demo_app_is_served_with_a_warning),
		cmocka_unit_test(demo_credentials_in_a_file_are_warned_about),
		cmocka_unit_test(printing_shows_apps_without_their_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
