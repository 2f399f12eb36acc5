/* What is said about keys, and that it is said about each of them. */
#include "main/config_explain.h"

#include "main/app_key.h"
#include "main/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LINE_COLUMNS_MAX = 100, TEXT_BYTES_MAX = 1 << 20 };

static void explain(str name, bool is_known, struct buf *b)
{
	buf_init(b, TEXT_BYTES_MAX);
	assert_int_equal(config_explain(name, b), is_known);
	assert_true(buf_ok(b));
}

static bool has(const struct buf *b, const char *words)
{
	return memmem(b->p, b->len, words, strlen(words)) != NULL;
}

static void assert_says(const char *name, const char *words)
{
	struct buf b;

	explain(str_from_cstr(name), true, &b);
	if (!has(&b, words))
		fail_msg("%s: %.*s", name, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void every_key_is_explained_within_a_terminal(void **state)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		struct buf b;
		str rest;

		explain(k->path, true, &b);
		assert_true(str_has_prefix(buf_str(&b), k->path));
		assert_true(has(&b, "accepts") && has(&b, "default") && has(&b, "environment") &&
			    has(&b, "this build"));
		assert_true(has(&b, "a change") == (k->otherwise == CONFIG_HONOURED));
		for (rest = buf_str(&b); rest.p;) {
			str line = str_split(&rest, '\n');

			if (line.n > LINE_COLUMNS_MAX &&
			    str_find_char(str_trim(line), ' ') < line.n &&
			    !memmem(line.p, line.n, "\",\"", 3))
				fail_msg("%.*s", STR_ARG(line));
		}
		buf_fini(&b);
	}
}

static void every_alias_variable_and_app_key_is_explained(void **state)
{
	char name[APP_ENV_NAME_MAX];
	struct buf b;

	for (size_t i = 0; i < N_CONFIG_ALIASES; i++) {
		explain(config_aliases[i].path, true, &b);
		assert_true(str_has_prefix(buf_str(&b), config_aliases[i].key));
		assert_true(has(&b, "also called"));
		buf_fini(&b);
	}
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		str rest = config_keys[i].env ? str_from_cstr(config_keys[i].env) : (str){ 0 }, env;

		while (config_key_env_next(&rest, &env)) {
			explain(env, true, &b);
			assert_non_null(
				memmem(b.p, b.len, config_keys[i].path.p, config_keys[i].path.n));
			buf_fini(&b);
		}
	}
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		explain(app_keys[i].name, true, &b);
		buf_fini(&b);
		if (!app_key_has_env(&app_keys[i]))
			continue;
		explain(str_from_cstr(app_key_env(&app_keys[i], name)), true, &b);
		buf_fini(&b);
	}
}

static void what_is_said_is_what_is_true(void **state)
{
	assert_says("port", "  accepts       a whole number from 0 to 65535\n");
	assert_says("port", "  default       6001\n");
	assert_says("port", "  environment   PORT; with _FILE behind the name:");
	assert_says("port", "  this build    honours it\n");
	assert_says("port", "  a change      counts from the next start on\n");
	assert_says("activity_timeout", "  a change      counts after SIGHUP as well\n");
	assert_says("event_limits.max_batch_size", "but only where somebody sets it\n");
	assert_says("annotations.enabled", "is answered by a warning\n");
	assert_says("RUST_LOG", "wins over all that is said about it.\n");
	assert_says("SOCKUDO_DEFAULT_APP_ID", "an app from the environment.");
	assert_says("adapter.driver", "  available     \"local\"\n");
	assert_says("adapter.cluster_health.enabled", "  also called   cluster_health.enabled\n");
	assert_says("adapter.redis.prefix", "nothing reads it\n");
	assert_says("database.mysql.password", "  default       null\n");
	assert_says("app_manager.array.apps[].policy.limits.max_event_batch_size",
		    "SOCKUDO_DEFAULT_APP_MAX_EVENT_BATCH_SIZE\n");
	assert_says("app_manager.array.apps", "  history   (not in this build)\n");
}

static void a_block_lists_its_keys(void **state)
{
	struct buf b;

	explain(S("cors"), true, &b);
	assert_true(has(&b, "cors.origin ") && has(&b, "cors.credentials "));
	assert_false(has(&b, "port "));
	buf_fini(&b);
	explain(S(""), true, &b);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		assert_non_null(memmem(b.p, b.len, config_keys[i].path.p, config_keys[i].path.n));
	buf_fini(&b);
}

static void an_unknown_name_gets_the_nearest(void **state)
{
	static const struct {
		const char *name, *answer;
	} table[] = {
		{ "prot", "unknown key \"prot\", did you mean \"port\"?" },
		{ "websocket.max_mesages", "unknown key \"websocket.max_mesages\", did you mean "
					   "\"websocket.max_messages\"?" },
		{ "compression",
		  "unknown key \"compression\", did you mean \"websocket.compression\"?" },
		{ "xyzzyxyzzy", "unknown key \"xyzzyxyzzy\"" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf b;

		explain(str_from_cstr(table[i].name), false, &b);
		buf_putc(&b, '\0');
		assert_string_equal(b.p, table[i].answer);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_explained_within_a_terminal),
		cmocka_unit_test(every_alias_variable_and_app_key_is_explained),
		cmocka_unit_test(what_is_said_is_what_is_true),
		cmocka_unit_test(a_block_lists_its_keys),
		cmocka_unit_test(an_unknown_name_gets_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
