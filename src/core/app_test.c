#include "core/app.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

#include <stdio.h>

static const struct hash_key KEY = { 1, 2 };

static void app_is_found_by_id_and_by_key(void **state)
{
	struct app_table *t = app_table_new(KEY);
	struct app *a = app_table_add(t, S("1"), S("key-1"), S("secret-1"));
	struct app *b = app_table_add(t, S("2"), S("key-2"), S("secret-2"));

	assert_ptr_equal(app_by_id(t, S("1")), a);
	assert_ptr_equal(app_by_id(t, S("2")), b);
	assert_ptr_equal(app_by_key(t, S("key-1")), a);
	assert_ptr_equal(app_by_key(t, S("key-2")), b);
	assert_null(app_by_id(t, S("key-1")));
	assert_null(app_by_key(t, S("1")));
	assert_null(app_by_key(t, S("")));
	assert_null(app_by_key(t, (str){ NULL, 0 }));
	app_table_free(t);
}

static void app_table_may_be_empty(void **state)
{
	struct app_table *t = app_table_new(KEY);

	assert_int_equal(t->n, 0);
	assert_null(app_by_id(t, S("1")));
	app_table_free(t);
	app_table_free(NULL);
}

static void app_index_is_its_position(void **state)
{
	struct app_table *t = app_table_new(KEY);
	char text[16];

	for (unsigned i = 0; i < 100; i++) {
		str id = { text, (size_t)snprintf(text, sizeof(text), "%u", i) };

		assert_int_equal(app_table_add(t, id, id, id)->index, i);
	}
	assert_int_equal(t->n, 100);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(t->apps[i]->index, i);
		assert_ptr_equal(app_by_id(t, t->apps[i]->id), t->apps[i]);
		assert_ptr_equal(app_by_key(t, t->apps[i]->key), t->apps[i]);
	}
	app_table_free(t);
}

static struct app_table *table_of(const char *ids)
{
	struct app_table *t = app_table_new(KEY);

	for (; *ids; ids++)
		app_table_add(t, (str){ ids, 1 }, (str){ ids, 1 }, S("s"));
	return t;
}

/* Each row follows the one before: its apps, their indices, and how many slots that takes. */
static void table_that_follows_keeps_indices_and_uses_free_ones_again(void **state)
{
	static const struct {
		const char *ids, *indices;
		size_t n_slots;
	} rows[] = {
		{ "abc", "012", 3 }, { "cab", "201", 3 },   { "ca", "20", 3 },
		{ "cda", "210", 3 }, { "dxya", "1340", 5 }, { "abd", "021", 3 },
		{ "zuv", "345", 6 }, { "wz", "03", 4 },	    { "", "", 0 },
		{ "pq", "01", 2 },
	};
	struct app_table *now = table_of(rows[0].ids);

	for (size_t i = 1; i < ARRAY_LEN(rows); i++) {
		struct app_table *next = table_of(rows[i].ids);

		app_table_follow(next, now);
		assert_row(next->n_slots == rows[i].n_slots, i);
		for (size_t k = 0; k < next->n; k++)
			assert_row(next->apps[k]->index == (unsigned)(rows[i].indices[k] - '0'), i);
		app_table_free(now);
		now = next;
	}
	app_table_free(now);
}

static void app_with_a_taken_id_or_key_is_refused(void **state)
{
	struct app_table *t = app_table_new(KEY);

	assert_non_null(app_table_add(t, S("1"), S("key"), S("s")));
	assert_null(app_table_add(t, S("1"), S("other"), S("s")));
	assert_null(app_table_add(t, S("2"), S("key"), S("s")));
	assert_int_equal(t->n, 1);
	assert_null(app_by_id(t, S("2")));
	assert_null(app_by_key(t, S("other")));
	app_table_free(t);
}

static void app_keeps_copies_and_a_signing_key(void **state)
{
	struct app_table *t = app_table_new(KEY);
	char id[] = "id", key[] = "key", secret[] = "secret";
	struct hmac_key expected;
	struct app *a =
		app_table_add(t, str_from_cstr(id), str_from_cstr(key), str_from_cstr(secret));

	memset(id, 'x', 2);
	memset(key, 'x', 3);
	memset(secret, 'x', 6);
	assert_str(a->id, S("id"));
	assert_str(a->key, S("key"));
	assert_str(a->secret, S("secret"));
	hmac_key_init(&expected, S("secret"));
	assert_memory_equal(&a->hmac, &expected, sizeof(expected));
	app_table_free(t);
}

static void new_app_is_enabled_without_features_or_limits(void **state)
{
	struct app_table *t = app_table_new(KEY);
	struct app *a = app_table_add(t, S("1"), S("key"), S("s"));

	assert_true(a->enabled);
	assert_false(a->enable_client_messages);
	assert_false(a->enable_user_authentication);
	assert_false(a->enable_watchlist_events);
	assert_false(a->terminate_on_limit);
	assert_false(a->message_rate.enabled);
	assert_int_equal(a->n_allowed_origins, 0);
	assert_memory_equal(&a->limits, &app_limits_unset, sizeof(a->limits));
	app_table_free(t);
}

static void unset_limits_are_within_their_range_or_off(void **state)
{
	static const struct {
		uint64_t unset, floor, ceiling;
	} ROWS[] = {
#define LIMIT(field, unset, floor, ceiling, unit, what) { unset, floor, ceiling },
#include "core/limits.def"
#undef LIMIT
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		assert_row(ROWS[i].unset == NO_LIMIT || (ROWS[i].unset >= ROWS[i].floor &&
							 ROWS[i].unset <= ROWS[i].ceiling),
			   i);
	assert_int_equal(app_limits_unset.max_connections, 0);
	assert_int_equal(app_limits_unset.max_channel_name_length, 200);
	assert_int_equal(app_limits_unset.max_event_payload_in_kb, NO_LIMIT);
}

static void origins_are_kept_in_lower_case(void **state)
{
	struct app_table *t = app_table_new(KEY);
	struct app *a = app_table_add(t, S("1"), S("key"), S("s"));

	app_add_origin(a, S("https://Example.COM:8443"));
	app_add_origin(a, S("*.Zé[]@`{"));
	assert_int_equal(a->n_allowed_origins, 2);
	assert_str(a->allowed_origins[0], S("https://example.com:8443"));
	assert_str(a->allowed_origins[1], S("*.zé[]@`{"));
	app_table_free(t);
}

static void app_table_gives_all_memory_back(void **state)
{
	int64_t start = mem_live_bytes();
	struct app_table *t = app_table_new(KEY);

	app_add_origin(app_table_add(t, S("1"), S("key"), S("s")), S("any"));
	app_table_add(t, S(""), S(""), S(""));
	app_table_free(t);
	assert_int_equal(mem_live_bytes(), start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(app_is_found_by_id_and_by_key),
		cmocka_unit_test(app_table_may_be_empty),
		cmocka_unit_test(app_index_is_its_position),
		cmocka_unit_test(table_that_follows_keeps_indices_and_uses_free_ones_again),
		cmocka_unit_test(app_with_a_taken_id_or_key_is_refused),
		cmocka_unit_test(app_keeps_copies_and_a_signing_key),
		cmocka_unit_test(new_app_is_enabled_without_features_or_limits),
		cmocka_unit_test(unset_limits_are_within_their_range_or_off),
		cmocka_unit_test(origins_are_kept_in_lower_case),
		cmocka_unit_test(app_table_gives_all_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
