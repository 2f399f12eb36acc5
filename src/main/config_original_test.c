/* What somebody who comes from the original relies on: its two kinds of files, and the rules that it
 * has for single keys and variables. Where we are stricter on purpose, that is here as well. */
#include "base/check.h"
#include "main/config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char classic[] =
	"{ \"host\": \"0.0.0.0\", \"port\": 6001, \"debug\": false,\n"
	"  \"app_manager\": { \"driver\": \"memory\", \"array\": { \"apps\": [ {\n"
	"    \"id\": \"app-id\", \"key\": \"a-key\", \"secret\": \"a-secret\", \"enabled\": true,\n"
	"    \"max_connections\": \"100000\", \"enable_client_messages\": true,\n"
	"    \"max_client_events_per_second\": 1000, \"allowed_origins\": [\"*\"] } ] } },\n"
	"  \"adapter\": { \"driver\": \"local\" }, \"cache\": { \"driver\": \"memory\" },\n"
	"  \"queue\": { \"driver\": \"memory\" }, \"rate_limiter\": { \"enabled\": false },\n"
	"  \"unix_socket\": { \"enabled\": true, \"path\": \"/var/run/sockudo/sockudo.sock\",\n"
	"                     \"permission_mode\": \"660\" } }\n";

static const char nested[] = "port = 6001\n"
			     "host = \"0.0.0.0\"\n"
			     "debug = false\n"
			     "adapter.driver = \"local\"\n"
			     "cache.driver = \"memory\"\n"
			     "queue.driver = \"memory\"\n"
			     "rate_limiter.enabled = false\n"
			     "[unix_socket]\n"
			     "enabled = true\n"
			     "path = '/var/run/sockudo/sockudo.sock'\n"
			     "permission_mode = \"660\"\n"
			     "[app_manager]\n"
			     "driver = \"memory\"\n"
			     "[[app_manager.array.apps]]\n"
			     "id = \"app-id\"\n"
			     "key = \"a-key\"\n"
			     "secret = \"a-secret\"\n"
			     "enabled = true\n"
			     "[app_manager.array.apps.policy.limits]\n"
			     "max_connections = 100_000\n"
			     "max_client_events_per_second = 1000\n"
			     "[app_manager.array.apps.policy.features]\n"
			     "enable_client_messages = true\n"
			     "[app_manager.array.apps.policy.channels]\n"
			     "allowed_origins = [\"*\"]\n";

static void the_classic_file_and_the_nested_one_say_the_same(void **state)
{
	struct fixture json, toml;

	fixture_load(&json, classic, NULL);
	assert_errors(&json, "");
	assert_int_equal(json.apps->n, 1);
	assert_int_equal(json.apps->apps[0]->limits.max_connections, 100000);
	assert_true(json.config->unix_socket.enabled);
	fixture_load_named(&toml, "config.toml", str_from_cstr(nested), NULL);
	assert_errors(&toml, "");
	assert_same(&json, &toml);
	fixture_free(&json);
	fixture_free(&toml);
}

/* A file, variables, and the lines of errors that come of them ("": none). */
static void check_errors(const char *json, const char *const *env, const char *errors)
{
	struct fixture f;

	fixture_load(&f, json, env);
	assert_errors(&f, errors);
	fixture_free(&f);
}

#define ENV(...)                                                                                   \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static void what_the_original_passes_over_is_refused(void **state)
{
	check_errors("{\"port\": 7001}", ENV("PORT=abc"),
		     "environment: PORT: expected a whole number from 0 to 65535, got \"abc\"\n");
	check_errors("{\"prot\": 7001}", NULL,
		     "test.json:1:2: prot: unknown key, did you mean \"port\"?\n");
	check_errors("{\"unix_socket\": {\"permission_mode\": 660}}", NULL,
		     "test.json:1:37: unix_socket.permission_mode: expected an octal number in "
		     "quotes, at most \"777\", got 660\n");
	check_errors("{\"cors\": {\"origin\": [\"*.*bad\"]}}", NULL,
		     "test.json:1:21: cors.origin: the origin \"*.*bad\" has more than one '*'\n");
	check_errors("{\"port\": ${X}}", NULL,
		     "test.json:1:10: ${X}: the variable is not set, and there is no "
		     "${X:-default}\n");
	check_errors("{\"port\": 1, \"port\": 2}", NULL,
		     "test.json:1:13: port: comes twice, first in line 1\n");
}

static void what_the_original_accepts_is_accepted(void **state)
{
	check_errors("{\"unix_socket\": {\"permission_mode\": \"0660\"}}", NULL, "");
	check_errors("{\"unix_socket\": {\"path\": \"../x\"}}", NULL, ""); /* it is off */
	check_errors("{\"port\": ${X:-7}}", NULL, "");
	check_errors("{\"cleanup\": {\"worker_threads\": \"auto\"}}",
		     ENV("CLEANUP_WORKER_THREADS=4"), "");
	check_errors("{\"logging\": null}", ENV("ADAPTER_ENABLE_SOCKET_COUNTING=1"), "");
	check_errors("{}", ENV("APP_MANAGER_DRIVER=Memory", "CACHE_DRIVER=MEMORY"), "");
}

/* The codec's own words are met again in what the server gets: see config_test.c. */
static void the_compression_mode_is_written_in_any_case(void **state)
{
	static const char *const words[] = { "Window1KB", "window1kb", "WINDOW1KB" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char json[100];
		struct fixture f;

		snprintf(json, sizeof(json), "{\"websocket\": {\"compression\": \"%s\"}}",
			 words[i]);
		fixture_load(&f, json, NULL);
		assert_errors(&f, "");
		assert_true(str_eq(f.config->websocket.compression, S("window1kb")));
		fixture_free(&f);
	}
	check_errors("{\"adapter\": {\"driver\": \"Local\"}}", NULL,
		     "test.json:1:24: adapter.driver: expected one of \"local\", \"redis\", "
		     "\"redis-cluster\", \"nats\", \"pulsar\", \"rabbitmq\", \"google-pubsub\", "
		     "\"kafka\", \"iggy\", \"omq\", got \"Local\", did you mean \"local\"?\n");
}

/* The setting's value as JSON. */
static void assert_value(struct fixture *f, const char *path, const char *json)
{
	const struct config_key *k = config_key_find(str_from_cstr(path));
	struct buf b;

	assert_non_null(k);
	buf_init(&b, 4096);
	config_value_put(k, config_setting(f->config, k->path)->value, &b);
	if (!str_eq(buf_str(&b), str_from_cstr(json)))
		fail_msg("%s: %.*s", path, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void one_redis_url_reaches_every_component(void **state)
{
	static const char url[] = "\"redis://h:1/0\"";
	struct fixture f;

	fixture_load(&f, "{}", ENV("REDIS_URL=redis://h:1/0"));
	assert_errors(&f, "");
	assert_value(&f, "adapter.redis.redis_pub_options", "{\"url\":\"redis://h:1/0\"}");
	assert_value(&f, "adapter.redis.redis_sub_options", "{\"url\":\"redis://h:1/0\"}");
	assert_value(&f, "cache.redis.url_override", url);
	assert_value(&f, "queue.redis.url_override", url);
	assert_value(&f, "rate_limiter.redis.url_override", url);
	fixture_free(&f);
}

static void one_time_to_live_reaches_every_cache(void **state)
{
	static const char *const paths[] = {
		"channel_limits.cache_ttl",    "cache.memory.ttl",
		"app_manager.cache.ttl",       "database.mysql.cache_ttl",
		"database.postgres.cache_ttl", "database.surrealdb.cache_ttl",
	};
	struct fixture f;

	fixture_load(&f, "{}", ENV("CACHE_TTL_SECONDS=77", "CACHE_MAX_CAPACITY=78"));
	assert_errors(&f, "");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_value(&f, paths[i], "77");
	assert_value(&f, "cache.memory.max_capacity", "78");
	assert_value(&f, "database.surrealdb.cache_max_capacity", "78");
	fixture_free(&f);
	fixture_load(&f, "{}", ENV("CACHE_TTL_SECONDS=77", "APP_MANAGER_CACHE_TTL=5"));
	assert_value(&f, "app_manager.cache.ttl", "5");
	fixture_free(&f);
}

static void cluster_health_may_stand_at_the_top(void **state)
{
	struct fixture f;

	fixture_load(&f, "{\"cluster_health\": {\"heartbeat_interval_ms\": 9000}}", NULL);
	assert_errors(&f, "");
	assert_value(&f, "adapter.cluster_health.heartbeat_interval_ms", "9000");
	fixture_free(&f);
	fixture_load(&f, "{}", ENV("CLUSTER_HEALTH_NODE_TIMEOUT=40000"));
	assert_value(&f, "adapter.cluster_health.node_timeout_ms", "40000");
	fixture_free(&f);
}

/* In whichever order they stand. */
static void the_key_itself_wins_over_its_other_name(void **state)
{
	static const char *const files[] = {
		"{\"cluster_health\": {\"enabled\": true}, "
		"\"adapter\": {\"cluster_health\": {\"enabled\": false}}}",
		"{\"adapter\": {\"cluster_health\": {\"enabled\": false}}, "
		"\"cluster_health\": {\"enabled\": true}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct fixture f;

		fixture_load(&f, files[i], NULL);
		assert_errors(&f, "");
		assert_value(&f, "adapter.cluster_health.enabled", "false");
		fixture_free(&f);
	}
}

static void variables_may_hold_lists_pairs_and_json(void **state)
{
	struct fixture f;

	fixture_load(&f, "{}",
		     ENV("SOCKUDO_OTEL_RESOURCE_ATTRIBUTES=a=1, b = x=y",
			 "DATABASE_REDIS_CLUSTER_NODES=h:1, i:2",
			 "SOCKUDO_ABLY_COMPAT_KEYS_JSON=[ {\"app_id\": \"1\"} ]",
			 "CLEANUP_WORKER_THREADS=auto"));
	assert_errors(&f, "");
	assert_value(&f, "opentelemetry.resource_attributes", "{\"a\":\"1\",\"b\":\"x=y\"}");
	assert_value(&f, "database.redis.cluster.nodes", "[\"h:1\",\"i:2\"]");
	assert_value(&f, "adapter.cluster.nodes", "[\"h:1\",\"i:2\"]");
	assert_value(&f, "ably_compat.keys", "[{\"app_id\":\"1\"}]");
	assert_value(&f, "cleanup.worker_threads", "\"auto\"");
	fixture_free(&f);
}

static void a_feature_of_the_default_app_that_is_missing_is_named(void **state)
{
	struct fixture f;

	fixture_load(&f, "{}",
		     ENV("SOCKUDO_DEFAULT_APP_ID=1", "SOCKUDO_DEFAULT_APP_KEY=k",
			 "SOCKUDO_DEFAULT_APP_SECRET=s",
			 "SOCKUDO_DEFAULT_APP_ANNOTATIONS_ENABLED=1"));
	assert_errors(&f, "");
	assert_warnings(&f,
			"environment: SOCKUDO_DEFAULT_APP_ANNOTATIONS_ENABLED: not available in "
			"this build\n");
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_classic_file_and_the_nested_one_say_the_same),
		cmocka_unit_test(what_the_original_passes_over_is_refused),
		cmocka_unit_test(what_the_original_accepts_is_accepted),
		cmocka_unit_test(the_compression_mode_is_written_in_any_case),
		cmocka_unit_test(one_redis_url_reaches_every_component),
		cmocka_unit_test(one_time_to_live_reaches_every_cache),
		cmocka_unit_test(cluster_health_may_stand_at_the_top),
		cmocka_unit_test(the_key_itself_wins_over_its_other_name),
		cmocka_unit_test(variables_may_hold_lists_pairs_and_json),
		cmocka_unit_test(a_feature_of_the_default_app_that_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
