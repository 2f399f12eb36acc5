/* Who wins; what single keys and variables mean; what is checked across keys. (The table is walked row
 * by row in config_walk_test.c.) */
#include "main/config.h"

#include "base/check.h"
#include "base/mem.h"
#include "main/config_file.h"
#include "main/config_fixture.h"
#include "main/config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* Sources */

static void defaults_hold_without_file_and_environment(void **state)
{
	struct fixture f;

	fixture_load(&f, "{}", NULL);
	assert_true(str_eq(f.config->host, S("0.0.0.0")));
	assert_int_equal(f.config->port, 6001);
	assert_int_equal(f.config->workers, FIXTURE_CORES);
	assert_int_equal(f.config->unix_socket.permission_mode, 0660);
	assert_int_equal(f.config->websocket.max_messages, 1000);
	assert_true(f.config->websocket.max_bytes == CONFIG_NONE);
	assert_true(f.config->websocket.disconnect_on_buffer_full);
	assert_true(str_eq(f.config->logging.level, S("info")));
	fixture_free(&f);
}

static void environment_wins_over_file(void **state)
{
	static const char *const env[] = { "PORT=7002", NULL };
	struct fixture f;

	fixture_load(&f, "{\"port\": 7001, \"activity_timeout\": 30}", env);
	assert_int_equal(f.config->port, 7002);
	assert_int_equal(f.config->activity_timeout, 30);
	fixture_free(&f);
}

static void an_empty_variable_counts_as_not_set(void **state)
{
	static const char *const env[] = {
		"PORT=", "HOST=", "DEBUG_MODE=", "WEBSOCKET_MAX_MESSAGES=", "ADAPTER_DRIVER=", NULL
	};
	struct fixture f;

	fixture_load(&f, "{\"port\": 7001}", env);
	assert_errors(&f, "");
	assert_int_equal(f.config->port, 7001);
	assert_true(str_eq(f.config->host, S("0.0.0.0")));
	assert_int_equal(f.config->websocket.max_messages, 1000);
	fixture_free(&f);
}

static void bad_variables_are_refused_with_name_and_what_is_accepted(void **state)
{
	static const struct {
		const char *variable, *error;
	} table[] = {
		{ "PORT=abc", "PORT: expected a whole number from 0 to 65535, got \"abc\"" },
		{ "PORT=70000", "PORT: expected a whole number from 0 to 65535, got \"70000\"" },
		{ "PORT=-1", "PORT: expected a whole number from 0 to 65535, got \"-1\"" },
		{ "PORT= 6001", "PORT: expected a whole number from 0 to 65535, got \" 6001\"" },
		{ "PORT=6001x", "PORT: expected a whole number from 0 to 65535, got \"6001x\"" },
		{ "DEBUG_MODE=maybe", "DEBUG_MODE: expected true or false, got \"maybe\"" },
		{ "ACTIVITY_TIMEOUT=0",
		  "ACTIVITY_TIMEOUT: expected a whole number from 1 to 604800, got \"0\"" },
		{ "SHUTDOWN_GRACE_PERIOD=1e3",
		  "SHUTDOWN_GRACE_PERIOD: expected a whole number from 0 to 86400, got \"1e3\"" },
		{ "UNIX_SOCKET_PERMISSION_MODE=888",
		  "UNIX_SOCKET_PERMISSION_MODE: expected an octal number in quotes, at most "
		  "\"777\", got \"888\"" },
		{ "RATE_LIMITER_DRIVER=zip",
		  "RATE_LIMITER_DRIVER: expected one of \"memory\", \"none\", \"redis\", "
		  "\"redis-cluster\", got \"zip\"" },
		{ "METRICS_ENABLED=2", "METRICS_ENABLED: expected true or false, got \"2\"" },
		{ "LOG_LEVEL=chatty",
		  "LOG_LEVEL: expected one of \"error\", \"warn\", \"info\", \"debug\", "
		  "\"trace\", \"off\", got \"chatty\"" },
		{ "ADAPTER_DRIVER=Redis",
		  "ADAPTER_DRIVER: \"redis\" is not available in this build, only \"local\" is" },
		{ "ADAPTER_DRIVER=zmq",
		  "ADAPTER_DRIVER: \"omq\" is not available in this build, only \"local\" is" },
		{ "SOCKUDO_SERVER_ROLE=api",
		  "SOCKUDO_SERVER_ROLE: \"api\" is not available in this build, only \"default\" "
		  "is" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *env[] = { table[i].variable, NULL };
		char expected[512];
		struct fixture f;

		snprintf(expected, sizeof(expected), "environment: %s\n", table[i].error);
		fixture_load(&f, "{}", env);
		assert_errors(&f, expected);
		fixture_free(&f);
	}
}

static void spellings_of_the_environment_are_understood(void **state)
{
	static const char *const env[] = { "PORT=+7000",
					   "DEBUG_MODE=YES",
					   "UNIX_SOCKET_ENABLED=Off",
					   "WEBSOCKET_MAX_MESSAGES=none",
					   "WEBSOCKET_MAX_BYTES=0",
					   "LOG_LEVEL=WARNING",
					   "LOG_OUTPUT_FORMAT=human",
					   NULL };
	struct fixture f;

	fixture_load(&f, "{}", env);
	assert_errors(&f, "");
	assert_int_equal(f.config->port, 7000);
	assert_true(f.config->debug);
	/* Both limits lifted: the default comes back, so that no reader is without one. */
	assert_int_equal(f.config->websocket.max_messages, 1000);
	assert_true(str_eq(f.config->logging.level, S("warn")));
	assert_true(str_eq(f.config->logging.format, S("text")));
	fixture_free(&f);
}

static void the_log_level_follows_its_variables_in_order(void **state)
{
	static const struct {
		const char *env[4];
		const char *level;
	} table[] = {
		{ { "DEBUG=1" }, "debug" },
		{ { "DEBUG=express:*" }, "info" },
		{ { "DEBUG=0", "DEBUG_MODE=1" }, "debug" },
		{ { "RUST_LOG=warn,hyper=trace" }, "warn" },
		{ { "RUST_LOG=hyper=trace,sockudo=error,debug" }, "error" },
		{ { "RUST_LOG=hyper=trace" }, "info" },
		{ { "RUST_LOG=off", "LOG_LEVEL=trace" }, "off" },
		{ { "LOG_LEVEL=error", "DEBUG=true" }, "error" },
		{ { "DEBUG=true", "SOCKUDO_LOG_DEBUG=trace" }, "trace" },
		{ { "SOCKUDO_LOG_DEBUG=trace", "SOCKUDO_LOG_PROD=warn" }, "warn" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct fixture f;

		fixture_load(&f, "{}", table[i].env);
		assert_errors(&f, "");
		if (!str_eq(f.config->logging.level, str_from_cstr(table[i].level)))
			fail_msg("row %zu: %.*s", i, STR_ARG(f.config->logging.level));
		fixture_free(&f);
	}
}

static void optional_keys_and_blocks_may_be_null(void **state)
{
	struct fixture f;

	fixture_load(&f,
		     "{\"logging\": null, \"websocket\": {\"max_messages\": null, "
		     "\"max_bytes\": 5}, \"database\": {\"redis\": {\"password\": null}}}",
		     NULL);
	assert_errors(&f, "");
	assert_true(f.config->websocket.max_messages == CONFIG_NONE);
	fixture_free(&f);
}

static void keys_that_begin_with_an_underscore_are_comments(void **state)
{
	struct fixture f;

	fixture_load(&f, "{\"_why\": 1, \"_why\": 2, \"websocket\": {\"_x\": []}}", NULL);
	assert_errors(&f, "");
	fixture_free(&f);
}

static void variables_fill_in_numbers_texts_and_keys(void **state)
{
	static const char *const env[] = { "P=7003", "K=activity_timeout", NULL };
	struct fixture f;

	fixture_load(&f,
		     "{\"port\": ${P}, \"host\": \"${H:-127.0.0.1}\", \"${K}\": ${N:-9}, "
		     "\"mode\": \"$${x ${7} ${a b}\"}",
		     env);
	assert_errors(&f, "");
	assert_int_equal(f.config->port, 7003);
	assert_int_equal(f.config->activity_timeout, 9);
	assert_true(str_eq(f.config->host, S("127.0.0.1")));
	assert_true(str_eq(f.config->mode, S("$${x ${7} ${a b}")));
	fixture_free(&f);
}

/* Other origins */

#define VARY "vary: origin, access-control-request-method, access-control-request-headers\r\n"

static void cors_is_for_everybody_by_default(void **state)
{
	struct fixture f;
	struct server_options o;

	fixture_load(&f, "{}", NULL);
	o = config_server_options(f.config);
	assert_true(str_eq(o.cors.answer, cors_default.answer));
	assert_true(str_eq(o.cors.preflight, cors_default.preflight));
	assert_int_equal(o.cors.n_origins, 0);
	fixture_free(&f);
}

static void cors_rules_become_header_lines(void **state)
{
	static const char *const env[] = { "CORS_HEADERS=Content-Type,X-My", NULL };
	struct fixture f;
	struct server_options o;

	fixture_load(&f,
		     "{\"cors\": {\"origin\": [\"https://a.example\", \"*.b.example\"],"
		     "\"methods\": [\"GET\", \"POST\"]}}",
		     env);
	assert_errors(&f, "");
	o = config_server_options(f.config);
	assert_true(str_eq(o.cors.answer, S(VARY "access-control-allow-credentials: true\r\n")));
	assert_true(
		str_eq(o.cors.preflight, S("access-control-allow-credentials: true\r\n" VARY
					   "access-control-allow-methods: GET,POST\r\n"
					   "access-control-allow-headers: content-type,x-my\r\n")));
	assert_int_equal(o.cors.n_origins, 2);
	assert_true(cors_names(&o.cors, S("http://x.b.example")));
	fixture_free(&f);
}

static void cors_without_credentials_or_origins_promises_less(void **state)
{
	static const char *const env[] = { "CORS_CREDENTIALS=false", NULL };
	struct fixture f;

	fixture_load(&f, "{\"cors\": {\"origin\": [\"https://a.example\"]}}", env);
	assert_true(str_eq(config_server_options(f.config).cors.answer, S(VARY)));
	fixture_free(&f);
	fixture_load(&f, "{\"cors\": {\"origin\": []}}", NULL);
	assert_true(str_eq(config_server_options(f.config).cors.answer, S(VARY)));
	fixture_free(&f);
}

static void cors_rules_that_make_no_sense_are_refused(void **state)
{
	static const char *const env[] = { "CORS_METHODS=GET,B AD", NULL };
	struct fixture f;

	fixture_load(&f,
		     "{\"cors\": {\"origin\": [\"https://a.example\", \"*.*bad\"],\n"
		     "\"allowed_headers\": [\"X:Y\", \"\"]}}",
		     env);
	assert_errors(&f,
		      "test.json:1:21: cors.origin: the origin \"*.*bad\" has more than one "
		      "'*'\n"
		      "environment: CORS_METHODS: \"B AD\" has characters that cannot stand "
		      "there\n"
		      "test.json:2:20: cors.allowed_headers: \"X:Y\" has characters that cannot "
		      "stand there\n"
		      "test.json:2:20: cors.allowed_headers: \"\" has characters that cannot "
		      "stand there\n");
	fixture_free(&f);
}

/* Features that this build does not have */

static void a_secret_is_not_shown(void **state)
{
	static const char *const env[] = { "SOCKUDO_OPERATOR_TOKEN=hush-hush", NULL };
	struct fixture f;
	struct buf text;
	str json;

	fixture_load(&f, "{}", env);
	assert_errors(&f, "");
	assert_true(str_eq(f.config->operator.token, S("hush-hush")));
	buf_init(&text, 1 << 20);
	config_print_json(f.config, f.apps, &text);
	json = buf_str(&text);
	assert_non_null(memmem(json.p, json.n, "\"token\": \"********\"", 19));
	assert_null(memmem(json.p, json.n, "hush", 4));
	buf_fini(&text);
	fixture_free(&f);
	fixture_load(&f, "{\"operator\":{\"token\":[\"hush-hush\"]}}", NULL);
	assert_errors(&f, "test.json:1:22: operator.token: expected a text of 0 to 1024 bytes or "
			  "null, got a list\n");
	fixture_free(&f);
}

static void health_and_metrics_have_to_fit_together(void **state)
{
	static const struct {
		const char *json, *errors;
	} ROWS[] = {
		{ "{\"http_api\":{\"readiness\":{\"high_watermark\":0.5}}}",
		  "test.json:1:44: http_api.readiness.high_watermark: has to be above "
		  "http_api.readiness.low_watermark\n" },
		{ "{\"http_api\":{\"readiness\":{\"low_watermark\":0.95}}}",
		  "test.json:1:43: http_api.readiness.low_watermark: has to be below "
		  "http_api.readiness.high_watermark\n" },
		{ "{\"http_api\":{\"accept_traffic\":{\"memory_threshold\":0}}}",
		  "test.json:1:51: http_api.accept_traffic.memory_threshold: has to be above 0\n" },
		{ "{\"metrics\":{\"prometheus\":{\"prefix\":\"1_\"}}}",
		  "test.json:1:36: metrics.prometheus.prefix: the name of a metric has letters, "
		  "digits, _ and : alone, and begins with no digit\n" },
		{ "{\"metrics\":{\"prometheus\":{\"prefix\":\"\"}}}", "" },
		{ "{\"metrics\":{\"enabled\":false},\"operator\":{\"listener\":\"metrics\"}}",
		  "test.json:1:53: operator.listener: there is no such listener: metrics.enabled "
		  "is false\n" },
	};
	struct fixture f;

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		fixture_load(&f, ROWS[i].json, NULL);
		assert_errors(&f, ROWS[i].errors);
		fixture_free(&f);
	}
}

static void a_feature_that_is_asked_for_is_warned_about_once(void **state)
{
	struct fixture f;

	fixture_load(&f,
		     "{\"metrics\": {\"tcp_exporter\": {\"enabled\": true}},\n"
		     " \"history\": {\"enabled\": true, \"backend\": \"memory\"},\n"
		     " \"queue\": {\"driver\": \"sqs\"},\n"
		     " \"tag_filtering\": {\"enabled\": true}, \"push_rules\": [{}],\n"
		     " \"push\": {\"fcm_enabled\": true, \"apns\": {\"whatever\": 5}},\n"
		     " \"app_manager\": {\"array\": {\"apps\": []}}}",
		     NULL);
	assert_errors(&f, "");
	assert_warnings(
		&f, "test.json:1:42: metrics.tcp_exporter.enabled: not available in this build\n"
		    "test.json:4:31: tag_filtering.enabled: not available in this build\n"
		    "test.json:2:25: history.enabled: not available in this build\n"
		    "test.json:5:26: push.fcm_enabled: not available in this build\n"
		    "test.json:4:52: push_rules: not available in this build\n"
		    "test.json:3:22: queue.driver: not available in this build: webhooks wait in "
		    "memory\n"
		    "no app is configured: every client will be refused; add one to "
		    "app_manager.array.apps\n");
	fixture_free(&f);
}

static void what_is_switched_off_is_not_warned_about(void **state)
{
	static const char *const env[] = { "RATE_LIMITER_ENABLED=false", "METRICS_ENABLED=0",
					   "QUEUE_DRIVER=none", NULL };
	struct fixture f;

	fixture_load(
		&f,
		"{\"rate_limiter\": {\"api_rate_limit\": {\"max_requests\": 5}},\n"
		" \"metrics\": {\"port\": 9700}, \"websocket\": {\"compression\": \"disabled\"},\n"
		" \"annotations\": {\"enabled\": false}}",
		env);
	assert_errors(&f, "");
	assert_int_equal(f.report.n_warnings, 1); /* no apps */
	fixture_free(&f);
}

/* Derived values */

static void the_smallest_message_limit_counts_and_is_named(void **state)
{
	static const struct {
		const char *json, *setting;
		uint64_t bytes;
	} table[] = {
		{ "{}", "websocket_max_payload_kb", 65536 },
		{ "{\"websocket_max_payload_kb\": 1}", "websocket_max_payload_kb", 1024 },
		{ "{\"websocket\": {\"max_message_size\": 5}}", "websocket.max_message_size", 5 },
		{ "{\"websocket\": {\"max_frame_size\": 5}}", "websocket.max_frame_size", 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct server_options o;
		struct fixture f;

		fixture_load(&f, table[i].json, NULL);
		o = config_server_options(f.config);
		assert_int_equal(o.message_bytes_max, table[i].bytes);
		assert_true(str_eq(o.message_bytes_setting, str_from_cstr(table[i].setting)));
		fixture_free(&f);
	}
}

/* The table of the codec knows every word of the row. */
static void every_compression_mode_has_its_window(void **state)
{
	static const unsigned windows[] = { 0, 15, 15, 10, 10, 11, 12, 13, 14, 15 };
	struct config_choices it = {
		.rest = str_from_cstr(config_key_find(S("websocket.compression"))->choices)
	};
	struct config_choice choice;
	size_t i = 0;

	for (; config_choice_next(&it, &choice); i++) {
		char json[100];
		struct fixture f;

		snprintf(json, sizeof(json), "{\"websocket\": {\"compression\": \"%.*s\"}}",
			 STR_ARG(choice.word));
		fixture_load(&f, json, NULL);
		assert_errors(&f, "");
		assert_true(i < ARRAY_LEN(windows));
		assert_int_equal(config_server_options(f.config).compression_window_bits,
				 windows[i]);
		fixture_free(&f);
	}
	assert_int_equal(i, ARRAY_LEN(windows));
}

static void units_are_converted_for_the_server(void **state)
{
	struct server_options o;
	struct fixture f;

	fixture_load(
		&f,
		"{\"http_api\": {\"request_limit_in_mb\": 2, \"head_limit_in_kb\": 3, "
		"\"head_timeout_ms\": 101, \"body_timeout_ms\": 102, \"idle_timeout_ms\": 103},"
		"\"websocket\": {\"max_messages\": null, \"max_bytes\": 7, "
		"\"close_grace_ms\": 8, \"disconnect_on_buffer_full\": false},"
		"\"activity_timeout\": 9, \"user_authentication_timeout\": 10,"
		"\"max_connections\": 11, \"shutdown_grace_period\": 12, \"workers\": 13}",
		NULL);
	assert_errors(&f, "");
	o = config_server_options(f.config);
	assert_int_equal(o.request_body_bytes_max, 2 << 20);
	assert_int_equal(o.request_head_bytes_max, 3 << 10);
	assert_true(o.request_target_bytes_max <= o.request_head_bytes_max);
	assert_int_equal(o.head_timeout_ms, 101);
	assert_int_equal(o.body_timeout_ms, 102);
	assert_int_equal(o.idle_timeout_ms, 103);
	assert_int_equal(o.queue_messages_max, UINT32_MAX);
	assert_int_equal(o.queue_bytes_max, 7);
	assert_int_equal(o.close_grace_ms, 8);
	assert_false(o.disconnect_on_buffer_full);
	assert_int_equal(o.activity_timeout_s, 9);
	assert_int_equal(o.user_authentication_timeout_s, 10);
	assert_int_equal(o.max_connections, 11);
	assert_int_equal(o.shutdown_grace_period_s, 12);
	assert_int_equal(o.n_workers, 13);
	fixture_free(&f);
}

static void defaults_are_those_of_the_server(void **state)
{
	struct server_options o, d = server_options_default();
	struct fixture f;

	fixture_load(&f, "{}", NULL);
	o = config_server_options(f.config);
	assert_int_equal(o.activity_timeout_s, d.activity_timeout_s);
	assert_int_equal(o.user_authentication_timeout_s, d.user_authentication_timeout_s);
	assert_int_equal(o.shutdown_grace_period_s, d.shutdown_grace_period_s);
	assert_int_equal(o.message_bytes_max, d.message_bytes_max);
	assert_int_equal(o.queue_messages_max, d.queue_messages_max);
	assert_true(o.queue_bytes_max == d.queue_bytes_max);
	assert_int_equal(o.request_body_bytes_max, d.request_body_bytes_max);
	assert_int_equal(o.request_head_bytes_max, d.request_head_bytes_max);
	assert_int_equal(o.head_timeout_ms, d.head_timeout_ms);
	assert_int_equal(o.body_timeout_ms, d.body_timeout_ms);
	assert_int_equal(o.idle_timeout_ms, d.idle_timeout_ms);
	assert_int_equal(o.close_grace_ms, d.close_grace_ms);
	fixture_free(&f);
}

/* Files */

static const char *no_variable(void *ctx, const char *name)
{
	return NULL;
}

static void assert_file_errors(const char *file, const char *errors)
{
	struct config_input in = { .file = file, .env = { .get = no_variable }, .n_cores = 1 };
	struct fixture f = { 0 };

	config_report_init(&f.report);
	config_free(config_load(&in, &f.report));
	assert_errors(&f, errors);
	config_report_fini(&f.report);
}

static void a_named_file_that_cannot_be_read_is_an_error(void **state)
{
	assert_file_errors("/nowhere/at-all.json",
			   "/nowhere/at-all.json: cannot be read: No such file or directory\n");
	assert_file_errors("/", "/: cannot be read: Is a directory\n");
	assert_file_errors("a.toml", "a.toml: cannot be read: No such file or directory\n");
}

static void the_default_file_may_be_missing(void **state)
{
	assert_int_equal(chdir("/"), 0);
	assert_file_errors(NULL, "");
}

static void load_example(struct fixture *f, const char *name, struct arena *a)
{
	static const char *const env[] = { "SOCKUDO_APP_SECRET=s", NULL };
	str pieces[] = { S(SOURCE_ROOT "/config/"), str_from_cstr(name) }, text;

	assert_int_equal(
		config_file_read(arena_join(a, pieces, 2), CONFIG_FILE_BYTES_MAX, a, &text), 0);
	fixture_load_named(f, name, text, env);
	assert_errors(f, "");
	assert_warnings(f, "");
	assert_int_equal(f->apps->n, 1);
}

static void the_examples_load_without_a_word_and_say_the_same(void **state)
{
	struct fixture json, toml;
	struct arena a;

	arena_init(&a, 0);
	load_example(&json, "example.json", &a);
	load_example(&toml, "example.toml", &a);
	assert_same(&json, &toml);
	fixture_free(&json);
	fixture_free(&toml);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_without_file_and_environment),
		cmocka_unit_test(environment_wins_over_file),
		cmocka_unit_test(an_empty_variable_counts_as_not_set),
		cmocka_unit_test(bad_variables_are_refused_with_name_and_what_is_accepted),
		cmocka_unit_test(spellings_of_the_environment_are_understood),
		cmocka_unit_test(the_log_level_follows_its_variables_in_order),
		cmocka_unit_test(optional_keys_and_blocks_may_be_null),
		cmocka_unit_test(keys_that_begin_with_an_underscore_are_comments),
		cmocka_unit_test(variables_fill_in_numbers_texts_and_keys),
		cmocka_unit_test(cors_is_for_everybody_by_default),
		cmocka_unit_test(cors_rules_become_header_lines),
		cmocka_unit_test(cors_without_credentials_or_origins_promises_less),
		cmocka_unit_test(cors_rules_that_make_no_sense_are_refused),
		cmocka_unit_test(a_secret_is_not_shown),
		cmocka_unit_test(health_and_metrics_have_to_fit_together),
		cmocka_unit_test(a_feature_that_is_asked_for_is_warned_about_once),
		cmocka_unit_test(what_is_switched_off_is_not_warned_about),
		cmocka_unit_test(the_smallest_message_limit_counts_and_is_named),
		cmocka_unit_test(every_compression_mode_has_its_window),
		cmocka_unit_test(units_are_converted_for_the_server),
		cmocka_unit_test(defaults_are_those_of_the_server),
		cmocka_unit_test(a_named_file_that_cannot_be_read_is_an_error),
		cmocka_unit_test(the_default_file_may_be_missing),
		cmocka_unit_test(the_examples_load_without_a_word_and_say_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
