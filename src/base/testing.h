/* testing.h: cmocka, and what it lacks for our types. For x_test.c files only. */
#ifndef BASE_TESTING_H
#define BASE_TESTING_H

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline void testing_assert_str(str got, str want, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error("got \"%.*s\", want \"%.*s\"\n", STR_ARG(got), STR_ARG(want));
	_fail(file, line);
}
#define assert_str(got, want) testing_assert_str(got, want, __FILE__, __LINE__)

/* For rows of a table: says which row it was. */
#define assert_row(x, row)                                                                         \
	((x) ? (void)0 : (print_error("row %zu\n", (size_t)(row)), _fail(__FILE__, __LINE__)))

#endif
