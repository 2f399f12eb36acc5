/* docs/configuration.md is what the program would write. */
#include "base/arena.h"
#include "main/config_print.h"
#include "main/config_file.h"
#include "main/config_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_reference_page_is_up_to_date(void **state)
{
	struct arena a;
	struct buf b;
	str page;

	arena_init(&a, 0);
	buf_init(&b, 1 << 20);
	config_print_markdown(&b);
	assert_true(buf_ok(&b));
	assert_int_equal(config_file_read(S(SOURCE_ROOT "/docs/configuration.md"),
					  CONFIG_FILE_BYTES_MAX, &a, &page),
			 0);
	if (!str_eq(page, buf_str(&b)))
		fail_msg("sockudo --print-config=markdown > docs/configuration.md");
	buf_fini(&b);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_page_is_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
