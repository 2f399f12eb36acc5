#include "base/check.h"
#include "base/list.h"
#include "base/testing.h"

struct item {
	int id;
	struct list node;
};

static void assert_order(struct list *head, const char *want)
{
	char got[16], *p = got;

	for (struct list *l = head->next; l != head; l = l->next) {
		assert_ptr_equal(l->next->prev, l);
		*p++ = (char)('0' + container_of(l, struct item, node)->id);
	}
	*p = '\0';
	assert_string_equal(got, want);
}

static void list_keeps_order_of_pushes(void **state)
{
	struct item items[3] = { { .id = 1 }, { .id = 2 }, { .id = 3 } };
	struct list head;

	list_init(&head);
	assert_true(list_is_empty(&head));
	assert_null(list_pop_front(&head));
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		list_push_back(&head, &items[i].node);
	assert_order(&head, "123");
	assert_ptr_equal(list_pop_front(&head), &items[0].node);
	assert_order(&head, "23");
}

static void list_remove_twice_is_harmless(void **state)
{
	struct item items[3] = { { .id = 1 }, { .id = 2 }, { .id = 3 } };
	struct list head;

	list_init(&head);
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		list_push_back(&head, &items[i].node);
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	assert_order(&head, "13");
}

static void list_splice_moves_all_and_empties_the_source(void **state)
{
	struct item items[4] = { { .id = 1 }, { .id = 2 }, { .id = 3 }, { .id = 4 } };
	struct list to, from;

	list_init(&to);
	list_init(&from);
	list_splice_back(&to, &from);
	assert_order(&to, "");
	list_push_back(&from, &items[0].node);
	list_push_back(&from, &items[1].node);
	list_splice_back(&to, &from);
	list_push_back(&from, &items[2].node);
	list_push_back(&from, &items[3].node);
	list_splice_back(&to, &from);
	assert_order(&to, "1234");
	assert_true(list_is_empty(&from));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_keeps_order_of_pushes),
		cmocka_unit_test(list_remove_twice_is_harmless),
		cmocka_unit_test(list_splice_moves_all_and_empties_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
