/* Every file of tests/config/bad is refused with exactly the lines that lie beside it. To add
 * one: write x.json or x.toml, run this with CONFIG_BAD_WRITE=1 in the environment, and read what it wrote
 * to x.txt. */
#include "base/mem.h"
#include "main/config_file.h"
#include "main/config_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FOLDER SOURCE_ROOT "/tests/config/bad"
enum { N_FILES_MIN = 200, PATH_BYTES_MAX = 1024 };

static const char *const env[] = { "EMPTY=", "LONG_VALUE=a.host.with.a.long.name", NULL };

/* The file beside that of the name, with another ending of four letters. */
static str path_of(const char *name, const char *ending, struct arena *a)
{
	char path[PATH_BYTES_MAX];

	snprintf(path, sizeof(path), "%s/%.*s%s", FOLDER, (int)(strlen(name) - strlen(".json")),
		 name, ending);
	return arena_copy(a, str_from_cstr(path));
}

static void write_expected(str path, const struct buf *lines)
{
	FILE *f = fopen(path.p, "w");

	assert_non_null(f);
	fwrite(lines->p, 1, lines->len, f);
	fclose(f);
}

static void check_file(const char *name, struct arena *a)
{
	str text, expected, expected_path = path_of(name, ".txt", a);
	struct fixture f;

	assert_int_equal(config_file_read(path_of(name, strrchr(name, '.'), a),
					  CONFIG_FILE_BYTES_MAX, a, &text),
			 0);
	fixture_load_named(&f, name, text, env);
	if (getenv("CONFIG_BAD_WRITE"))
		write_expected(expected_path, &f.report.errors);
	assert_int_equal(config_file_read(expected_path, CONFIG_FILE_BYTES_MAX, a, &expected), 0);
	if (!str_eq(buf_str(&f.report.errors), expected))
		fail_msg("%s\nexpected %.*s\ngot %.*s", name, STR_ARG(expected),
			 STR_ARG(buf_str(&f.report.errors)));
	if (f.report.n_errors == 0)
		fail_msg("%s is accepted", name);
	fixture_free(&f);
}

static void bad_files_are_refused_with_place_key_and_reason(void **state)
{
	DIR *folder = opendir(FOLDER);
	size_t n = 0;
	struct arena a;
	struct dirent *e;

	assert_non_null(folder);
	arena_init(&a, 0);
	while ((e = readdir(folder))) {
		if (!strstr(e->d_name, ".json") && !strstr(e->d_name, ".toml"))
			continue;
		check_file(e->d_name, &a);
		n++;
	}
	closedir(folder);
	arena_fini(&a);
	assert_true(n >= N_FILES_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files_are_refused_with_place_key_and_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
