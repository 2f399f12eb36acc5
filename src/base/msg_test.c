#include "base/msg.h"

#include "base/mem.h"
#include "base/testing.h"

/* A loop: gcc 12 takes the bytes behind the struct for none and warns of memcpy. */
static void fill(struct msg *m, str s)
{
	for (size_t i = 0; i < s.n; i++)
		m->bytes[i] = s.p[i];
}

static void msg_lives_until_its_last_reference_goes(void **state)
{
	int64_t live = mem_live_bytes();
	struct msg *m = msg_new(5);

	fill(m, S("hello"));
	m->head_len = 2;
	assert_ptr_equal(msg_ref(m), m);
	msg_unref(m);
	assert_true(mem_live_bytes() > live);
	assert_true(str_eq(msg_str(m), S("hello")));
	assert_true(str_eq(msg_payload(m), S("llo")));
	msg_unref(m);
	assert_int_equal(mem_live_bytes(), live);
}

static void msg_may_be_empty(void **state)
{
	struct msg *m = msg_new(0);

	assert_int_equal(msg_str(m).n, 0);
	assert_int_equal(msg_payload(m).n, 0);
	msg_unref(m);
	msg_unref(NULL);
}

static void msg_new_refuses_what_it_cannot_count(void **state)
{
	assert_null(msg_new((size_t)UINT32_MAX + 1));
	assert_null(msg_new(SIZE_MAX));
}

static void msg_new_says_that_memory_is_short(void **state)
{
	mem_fail_nth(1);
	assert_null(msg_new(5));
	mem_fail_nth(0);
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(msg_lives_until_its_last_reference_goes),
	cmocka_unit_test(msg_may_be_empty),
	cmocka_unit_test(msg_new_refuses_what_it_cannot_count),
	cmocka_unit_test(msg_new_says_that_memory_is_short),
};

int main(void)
{
	return cmocka_run_group_tests_name("msg", TESTS, NULL, NULL);
}
