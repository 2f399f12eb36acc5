/* NAME_FILE: a file that stands for a variable, wherever a variable counts. */
#include "base/check.h"
#include "main/config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_TEMPLATE "/tmp/sockudo-variable-XXXXXX"
enum { TEXT_MAX = 256 };

/* A file of that content, and "NAME_FILE=" its path. */
struct secret_file {
	char path[sizeof(FILE_TEMPLATE)];
	char variable[TEXT_MAX];
};

static void secret_file_init(struct secret_file *f, const char *name, const void *bytes, size_t n)
{
	int fd;

	memcpy(f->path, FILE_TEMPLATE, sizeof(f->path));
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	snprintf(f->variable, sizeof(f->variable), "%s_FILE=%s", name, f->path);
}

static void a_file_holds_the_value_without_its_line_end(void **state)
{
	static const char *const texts[] = { "7001", "7001\n", "7001\r\n" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct secret_file file;
		struct fixture f;
		const struct config_setting *port;

		secret_file_init(&file, "PORT", texts[i], strlen(texts[i]));
		fixture_load(&f, "{\"port\": 1}", (const char *[]){ file.variable, NULL });
		assert_errors(&f, "");
		assert_int_equal(f.config->port, 7001);
		port = config_setting(f.config, S("port"));
		assert_int_equal(port->from.source, CONFIG_FROM_ENV);
		assert_true(str_eq(port->from.name, S("PORT_FILE")));
		fixture_free(&f);
		unlink(file.path);
	}
}

static void only_the_last_line_end_is_taken_away(void **state)
{
	struct secret_file file;
	struct fixture f;

	secret_file_init(&file, "ENVIRONMENT", " two\nlines \n\n", 13);
	fixture_load(&f, "{}", (const char *[]){ file.variable, NULL });
	assert_errors(&f, "");
	assert_true(str_eq(f.config->mode, S(" two\nlines \n")));
	fixture_free(&f);
	unlink(file.path);
}

static void files_stand_for_variables_of_the_default_app_and_of_the_text(void **state)
{
	struct secret_file secret, size, flag, text;
	const char *env[] = { "SOCKUDO_DEFAULT_APP_ID=1",
			      "SOCKUDO_DEFAULT_APP_KEY=k",
			      secret.variable,
			      size.variable,
			      flag.variable,
			      text.variable,
			      NULL };
	struct fixture f;

	secret_file_init(&secret, "SOCKUDO_DEFAULT_APP_SECRET", "hidden\n", 7);
	secret_file_init(&size, "SOCKUDO_DEFAULT_APP_MAX_CONNECTIONS", "7\n", 2);
	secret_file_init(&flag, "SOCKUDO_DEFAULT_APP_ENABLE_CLIENT_MESSAGES", "yes\n", 4);
	secret_file_init(&text, "MY_OWN", "127.0.0.9\n", 10);
	fixture_load(&f, "{\"host\": \"${MY_OWN}\"}", env);
	assert_errors(&f, "");
	assert_int_equal(f.apps->n, 1);
	assert_true(str_eq(f.apps->apps[0]->secret, S("hidden")));
	assert_int_equal(f.apps->apps[0]->limits.max_connections, 7);
	assert_true(f.apps->apps[0]->enable_client_messages);
	assert_true(str_eq(f.config->host, S("127.0.0.9")));
	fixture_free(&f);
	unlink(secret.path);
	unlink(size.path);
	unlink(flag.path);
	unlink(text.path);
}

static void assert_refused(const char *const *env, const char *json, const char *errors)
{
	struct fixture f;

	fixture_load(&f, json, env);
	assert_errors(&f, errors);
	fixture_free(&f);
}

static void a_file_that_gives_no_value_is_told_once(void **state)
{
	/* CACHE_TTL_SECONDS sets several keys. */
	assert_refused((const char *[]){ "CACHE_TTL_SECONDS_FILE=/nowhere/at-all", NULL },
		       "{\"mode\": \"${CACHE_TTL_SECONDS}\"}",
		       "environment: CACHE_TTL_SECONDS_FILE: /nowhere/at-all cannot be read: No "
		       "such file or directory\n");
	assert_refused((const char *[]){ "PORT_FILE=/dev/null", NULL }, "{}",
		       "environment: PORT_FILE: /dev/null is empty\n");
	assert_refused((const char *[]){ "PORT_FILE=/", NULL }, "{}",
		       "environment: PORT_FILE: / cannot be read: Is a directory\n");
	assert_refused((const char *[]){ "PORT_FILE=/dev/zero", NULL }, "{}",
		       "environment: PORT_FILE: /dev/zero is larger than 64 KiB\n");
	assert_refused((const char *[]){ "SOCKUDO_DEFAULT_APP_ID=1", "SOCKUDO_DEFAULT_APP_KEY=k",
					 "SOCKUDO_DEFAULT_APP_SECRET_FILE=/dev/null", NULL },
		       "{}", "environment: SOCKUDO_DEFAULT_APP_SECRET_FILE: /dev/null is empty\n");
}

static void assert_content_refused(const void *bytes, size_t n, const char *problem)
{
	char expected[TEXT_MAX];
	struct secret_file file;

	secret_file_init(&file, "PORT", bytes, n);
	snprintf(expected, sizeof(expected), "environment: PORT_FILE: %s%s\n",
		 problem[0] == ':' ? "" : file.path, problem[0] == ':' ? problem + 2 : problem);
	assert_refused((const char *[]){ file.variable, NULL }, "{}", expected);
	unlink(file.path);
}

static void what_is_in_a_file_is_checked_as_a_variable_is(void **state)
{
	assert_content_refused("70\0001", 4, " is no text");
	assert_content_refused("\n", 1, " is empty");
	assert_content_refused("7001\n\n", 6,
			       ": expected a whole number from 0 to 65535, got \"7001?\"");
}

static void variable_and_file_together_are_a_contradiction(void **state)
{
	struct secret_file file;

	secret_file_init(&file, "PORT", "7001", 4);
	assert_refused((const char *[]){ "PORT=7002", file.variable, NULL }, "{}",
		       "environment: PORT_FILE: PORT is set too; which of them counts?\n");
	unlink(file.path);
}

/* An empty variable is one that is not set, in either name. */
static void an_empty_name_names_no_file(void **state)
{
	struct secret_file file;
	struct fixture f;

	secret_file_init(&file, "PORT", "7001", 4);
	fixture_load(&f, "{}", (const char *[]){ "PORT=", file.variable, "HOST_FILE=", NULL });
	assert_errors(&f, "");
	assert_int_equal(f.config->port, 7001);
	fixture_free(&f);
	unlink(file.path);
}

/* DEBUG_FILE may mean anything to others. */
static void variables_of_others_have_no_files(void **state)
{
	static const char *const env[] = { "DEBUG_FILE=/nowhere", "RUST_LOG_FILE=/nowhere", NULL };
	struct fixture f;

	fixture_load(&f, "{}", env);
	assert_errors(&f, "");
	fixture_free(&f);
}

static void a_name_that_is_nearly_ours_is_told(void **state)
{
	static const char *const env[] = {
		"SOCKUDO_WORKRS=2",
		"SOCKUDO_DEFAULT_APP_MAX_CONECTIONS=7",
		"SOCKUDO_DEFAULT_APP_SECRT_FILE=/nowhere",
		"UNIX_SOKCET_ENABLED=true",
		"SOCKUDO_LOG_DEBGU=info",
		"RATE_LIMITER_API_MAX_REQUEST=5",
		NULL,
	};
	struct fixture f;

	fixture_load(&f,
		     "{\"app_manager\":{\"array\":{\"apps\":"
		     "[{\"id\":\"1\",\"key\":\"k\",\"secret\":\"s\",\"enabled\":true}]}}}",
		     env);
	assert_warnings(
		&f,
		"environment: SOCKUDO_WORKRS: nothing reads it, did you mean SOCKUDO_WORKERS?\n"
		"environment: SOCKUDO_DEFAULT_APP_MAX_CONECTIONS: nothing reads it, did you mean "
		"SOCKUDO_DEFAULT_APP_MAX_CONNECTIONS?\n"
		"environment: SOCKUDO_DEFAULT_APP_SECRT_FILE: nothing reads it, did you mean "
		"SOCKUDO_DEFAULT_APP_SECRET_FILE?\n"
		"environment: UNIX_SOKCET_ENABLED: nothing reads it, did you mean "
		"UNIX_SOCKET_ENABLED?\n"
		"environment: SOCKUDO_LOG_DEBGU: nothing reads it, did you mean "
		"SOCKUDO_LOG_DEBUG?\n"
		"environment: RATE_LIMITER_API_MAX_REQUEST: nothing reads it, did you mean "
		"RATE_LIMITER_API_MAX_REQUESTS?\n");
	assert_errors(&f, "");
	fixture_free(&f);
}

/* Short names, empty ones, what the file itself asks for, what an orchestrator adds. */
static void names_of_others_are_passed_over(void **state)
{
	static const char *const env[] = {
		"POST=1",
		"HOSTS=x",
		"SOCKUDO_WORKRS=",
		"REDIS_URI=x",
		"SSL_CERT_FILE=/x",
		"SOCKUDO_PORT_6001_TCP_ADDR=10.0.0.1",
		"SOCKUDO_SERVICE_HOST=10.0.0.1",
		"HOSTNAME=h",
		"SOCKUDO_APP_SECRET=s",
		"SOCKUDO_WORKERS=1",
		"no name",
		NULL,
	};
	struct fixture f;

	fixture_load(&f,
		     "{\"app_manager\":{\"array\":{\"apps\":[{\"id\":\"1\",\"key\":\"k\","
		     "\"secret\":\"${REDIS_URI}\",\"enabled\":true}]}}}",
		     env);
	assert_warnings(&f, "");
	assert_errors(&f, "");
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_holds_the_value_without_its_line_end),
		cmocka_unit_test(only_the_last_line_end_is_taken_away),
		cmocka_unit_test(files_stand_for_variables_of_the_default_app_and_of_the_text),
		cmocka_unit_test(a_file_that_gives_no_value_is_told_once),
		cmocka_unit_test(what_is_in_a_file_is_checked_as_a_variable_is),
		cmocka_unit_test(variable_and_file_together_are_a_contradiction),
		cmocka_unit_test(an_empty_name_names_no_file),
		cmocka_unit_test(variables_of_others_have_no_files),
		cmocka_unit_test(a_name_that_is_nearly_ours_is_told),
		cmocka_unit_test(names_of_others_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
