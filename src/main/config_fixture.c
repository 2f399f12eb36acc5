/* config_fixture.c: see config_fixture.h. */
#include "main/config_fixture.h"

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

void fixture_load_named(struct fixture *f, const char *name, str json, const char *const *env)
{
	struct config_input in = { .n_cores = FIXTURE_CORES };

	*f = (struct fixture){ .env = env };
	in.env = (struct config_env){ get, f };
	config_report_init(&f->report);
	if (json.p) {
		f->config = config_load_text(&in, str_from_cstr(name), json, &f->report);
	} else {
		f->config = config_load(&in, &f->report);
	}
	f->apps = config_apps_new(f->config, &in.env, (struct hash_key){ 1, 2 }, &f->report);
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
