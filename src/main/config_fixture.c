/* config_fixture.c: see config_fixture.h. */
#include "main/config_fixture.h"

#include "main/app_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *get(void *ctx, const char *name)
{
	const char *const *env = ((struct fixture *)ctx)->env;
	size_t n = strlen(name);

	for (; env && *env; env++) {
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	}
	return NULL;
}

static const char *at(void *ctx, size_t i)
{
	const struct fixture *f = ctx;

	return f->env ? f->env[i] : NULL;
}

void fixture_load_named(struct fixture *f, const char *name, str text, const char *const *env)
{
	struct config_input in = { .n_cores = FIXTURE_CORES };

	*f = (struct fixture){ .env = env };
	in.env = (struct config_env){ .get = get, .at = at, .ctx = f };
	config_report_init(&f->report);
	if (text.p) {
		f->config = config_load_text(&in, str_from_cstr(name), text, &f->report);
	} else {
		f->config = config_load(&in, &f->report);
	}
	f->apps = config_apps_new(f->config, (struct hash_key){ 1, 2 }, &f->report);
}

void fixture_load(struct fixture *f, const char *json, const char *const *env)
{
	fixture_load_named(f, "test.json", json ? str_from_cstr(json) : (str){ 0 }, env);
}

void fixture_free(struct fixture *f)
{
	app_table_free(f->apps);
	config_free(f->config);
	config_report_fini(&f->report);
}

static void assert_lines(struct buf *b, const char *lines)
{
	buf_putc(b, '\0');
	assert_string_equal(b->p, lines);
	b->len--;
}

void assert_errors(struct fixture *f, const char *lines)
{
	assert_lines(&f->report.errors, lines);
}

void assert_warnings(struct fixture *f, const char *lines)
{
	assert_lines(&f->report.warnings, lines);
}

static void assert_same_app(const struct app *a, const struct app *b)
{
	assert_true(str_eq(a->id, b->id) && str_eq(a->key, b->key) && str_eq(a->secret, b->secret));
	assert_memory_equal(&a->limits, &b->limits, sizeof(a->limits));
	assert_int_equal(a->message_rate.enabled, b->message_rate.enabled);
	assert_int_equal(a->message_rate.max_attempts, b->message_rate.max_attempts);
	assert_int_equal(a->message_rate.decay_seconds, b->message_rate.decay_seconds);
	assert_int_equal(a->message_rate.terminate_on_limit, b->message_rate.terminate_on_limit);
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		size_t offset = app_keys[i].offset;

		if (app_keys[i].kind == APP_KEY_FLAG)
			assert_int_equal(*(const bool *)((const char *)a + offset),
					 *(const bool *)((const char *)b + offset));
	}
	assert_int_equal(a->enabled, b->enabled);
	assert_int_equal(a->idempotency_ttl_s, b->idempotency_ttl_s);
	assert_int_equal(a->n_namespaces, b->n_namespaces);
	assert_int_equal(a->n_allowed_origins, b->n_allowed_origins);
	for (size_t i = 0; i < a->n_allowed_origins; i++)
		assert_true(str_eq(a->allowed_origins[i], b->allowed_origins[i]));
}

void assert_same(struct fixture *a, struct fixture *b)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_setting *x = &a->config->settings[i];
		const struct config_setting *y = &b->config->settings[i];
		bool is_same = config_keys[i].type == CONFIG_APPS ||
			       config_value_eq(&config_keys[i], x->value, y->value);

		if (!is_same || x->from.source != y->from.source)
			fail_msg("%.*s differs", STR_ARG(config_keys[i].path));
	}
	assert_int_equal(a->apps->n, b->apps->n);
	for (size_t i = 0; i < a->apps->n; i++)
		assert_same_app(a->apps->apps[i], b->apps->apps[i]);
}
