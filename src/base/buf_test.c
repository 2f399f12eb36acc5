#include "base/buf.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

static void buf_grows_and_keeps_what_was_put(void **state)
{
	struct buf b;

	buf_init(&b, 100000);
	for (int i = 0; i < 10000; i++)
		buf_putc(&b, (char)i);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(b.p[i], (char)i);
	buf_fini(&b);
}

static void buf_empty_owns_no_memory(void **state)
{
	int64_t start = mem_live_bytes();
	struct buf b;

	buf_init(&b, 10);
	buf_puts(&b, S(""));
	assert_null(b.p);
	buf_puts(&b, S("x"));
	buf_fini(&b);
	assert_int_equal(mem_live_bytes(), start);
	buf_puts(&b, S("again"));
	assert_str(buf_str(&b), S("again"));
	buf_fini(&b);
}

static void buf_overflow_sticks_until_cleared(void **state)
{
	struct buf b;

	buf_init(&b, 5);
	buf_puts(&b, S("12345"));
	assert_true(buf_ok(&b));
	buf_putc(&b, '6');
	assert_false(buf_ok(&b));
	assert_str(buf_str(&b), S("12345"));
	buf_drop_front(&b, 3);
	buf_putc(&b, 'x'); /* there is room, but the text has a hole already */
	assert_str(buf_str(&b), S("45"));
	assert_null(buf_reserve(&b, 1));
	buf_clear(&b);
	buf_puts(&b, S("ok"));
	assert_str(buf_str(&b), S("ok"));
	assert_true(buf_ok(&b));
	buf_fini(&b);
}

static void buf_never_takes_more_than_its_maximum(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	assert_null(buf_reserve(&b, 101));
	buf_clear(&b);
	assert_null(buf_reserve(&b, SIZE_MAX));
	buf_clear(&b);
	assert_non_null(buf_reserve(&b, 100));
	assert_int_equal(b.cap, 100);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void buf_refused_allocation_is_an_overflow(void **state)
{
	struct buf b;

	buf_init(&b, 1000);
	buf_puts(&b, S("kept"));
	mem_fail_nth(1);
	assert_null(buf_reserve(&b, 500));
	assert_false(buf_ok(&b));
	assert_str(buf_str(&b), S("kept"));
	buf_fini(&b);
}

static void buf_writes_numbers_to_their_ends(void **state)
{
	struct buf b;

	buf_init(&b, 200);
	buf_putu(&b, 0);
	buf_putc(&b, ' ');
	buf_putu(&b, UINT64_MAX);
	buf_putc(&b, ' ');
	buf_puti(&b, INT64_MIN);
	buf_putc(&b, ' ');
	buf_puti(&b, -1);
	buf_putc(&b, ' ');
	buf_puti(&b, 42);
	assert_str(buf_str(&b), S("0 18446744073709551615 -9223372036854775808 -1 42"));
	buf_fini(&b);
}

static void buf_printf_fills_the_maximum_exactly(void **state)
{
	struct buf b;

	buf_init(&b, 8);
	buf_printf(&b, "%s", "");
	buf_printf(&b, "%s-%d", "abc", 1234);
	assert_true(buf_ok(&b));
	assert_str(buf_str(&b), S("abc-1234"));
	buf_printf(&b, "%d", 5);
	assert_false(buf_ok(&b));
	assert_str(buf_str(&b), S("abc-1234"));
	buf_fini(&b);
}

static void buf_drop_front_moves_the_rest(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	buf_drop_front(&b, 1);
	buf_puts(&b, S("hello world"));
	buf_drop_front(&b, 6);
	assert_str(buf_str(&b), S("world"));
	buf_drop_front(&b, 99);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_grows_and_keeps_what_was_put),
		cmocka_unit_test(buf_empty_owns_no_memory),
		cmocka_unit_test(buf_overflow_sticks_until_cleared),
		cmocka_unit_test(buf_never_takes_more_than_its_maximum),
		cmocka_unit_test(buf_refused_allocation_is_an_overflow),
		cmocka_unit_test(buf_writes_numbers_to_their_ends),
		cmocka_unit_test(buf_printf_fills_the_maximum_exactly),
		cmocka_unit_test(buf_drop_front_moves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
