#include "core/namespace.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

#define X20 "xxxxxxxxxxxxxxxxxxxx"
#define X200 X20 X20 X20 X20 X20 X20 X20 X20 X20 X20

/* Namespaces "chat" (30 bytes), "num" (digits), "vip" (limited to users). */
static struct app *app_with_namespaces(struct app_table *t)
{
	struct app *a = app_table_add(t, S("id"), S("key"), S("secret"));
	struct arena arena;
	str problem;

	arena_init(&arena, 0);
	namespace_add(a, S("chat"))->channel_name_bytes_max = 30;
	namespace_add(a, S("num"))->pattern = pattern_new(S("^num:[0-9]+$"), &arena, &problem);
	namespace_add(a, S("vip"))->allow_user_limited_channels = true;
	arena_fini(&arena);
	return a;
}

static void assert_checked(const struct app *a, const char *name, const char *want)
{
	struct arena arena;
	str problem = S("");

	arena_init(&arena, 0);
	if (namespace_check(a, str_from_cstr(name), &arena, &problem) != !want)
		fail_msg("%s: %.*s", name, STR_ARG(problem));
	if (want)
		assert_str(problem, str_from_cstr(want));
	arena_fini(&arena);
}

static void names_are_checked_in_the_documented_order_and_words(void **state)
{
	static const struct {
		const char *name, *problem; /* NULL: fine */
	} rows[] = {
		{ "plain", NULL },
		{ "chat:room", NULL },
		{ "chat:a:b", NULL },
		{ "private-chat:room", NULL },
		{ "private-encrypted-cache-chat:r", NULL },
		{ "chat", NULL }, /* without ':' nobody's */
		{ "num:12", NULL },
		{ "presence-num:12", NULL },
		{ "#server-to-user-a:b", NULL },
		{ "#x", NULL }, /* nobody's users */
		{ "other:room", "Unknown channel namespace 'other'" },
		{ "private-other:room", "Unknown channel namespace 'other'" },
		{ ":room", "Unknown channel namespace ''" },
		{ "Chat:room", "Unknown channel namespace 'Chat'" },
		{ "private-", NULL },
		{ "ch at:room", "Unknown channel namespace 'ch at'" },
		{ "chat:" X20 "xxxxx", NULL },
		{ "chat:" X20 "xxxxxx", "Channel name too long. Max length is 30" },
		{ "private-chat:" X20, "Channel name too long. Max length is 30" },
		{ X200, NULL },
		{ X200 "x", "Channel name too long. Max length is 200" },
		{ "num:" X200, "Channel name too long. Max length is 200" },
		{ "other:" X200, "Unknown channel namespace 'other'" },
		{ "chat:a b",
		  "Channel name contains invalid characters: 'chat:a b' (invalid chars: "
		  "[' '])" },
		{ "", "Channel name contains invalid characters" },
		{ "num:ab", "Channel 'num:ab' does not match namespace 'num' pattern" },
		{ "private-num:ab",
		  "Channel 'private-num:ab' does not match namespace 'num' pattern" },
		{ "a#b", "Channel 'a#b' uses user-limited syntax but the namespace does not allow "
			 "it" },
		{ "chat:a#b", "Channel 'chat:a#b' uses user-limited syntax but the namespace does "
			      "not allow it" },
		{ "vip:room#alice", NULL },
		{ "private-vip:room#alice,bob_2,c@d.e=f-g", NULL },
		{ "vip:room", NULL },
		{ "vip:room#", "Channel 'vip:room#' has an empty user limit segment" },
		{ "vip:room#a#b",
		  "Channel 'vip:room#a#b' contains multiple user limit separators" },
		{ "vip:room#a,,b", "Channel 'vip:room#a,,b' contains an empty user id in its user "
				   "limit segment" },
		{ "vip:room#a,",
		  "Channel 'vip:room#a,' contains an empty user id in its user limit "
		  "segment" },
		{ "vip:room#a;b", "Channel 'vip:room#a;b' contains an invalid user id in its user "
				  "limit segment" },
		{ "vip:room#a:b", "Channel 'vip:room#a:b' contains an invalid user id in its user "
				  "limit segment" },
		{ "plain#a:b", "Channel 'plain#a:b' contains an invalid user id in its user limit "
			       "segment" },
		/* Users do not count for the pattern. */
		{ "num:1#a", "Channel 'num:1#a' uses user-limited syntax but the namespace does "
			     "not allow it" },
	};
	struct app_table *t = app_table_new((struct hash_key){ 1, 2 });
	struct app *a = app_with_namespaces(t);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_checked(a, rows[i].name, rows[i].problem);
	a->namespaces[1]->allow_user_limited_channels = true;
	assert_checked(a, "num:1#a", NULL);
	assert_checked(a, "num:x#1", "Channel 'num:x#1' does not match namespace 'num' pattern");
	app_table_free(t);
}

static void app_without_namespaces_leaves_the_colon_alone(void **state)
{
	struct app_table *t = app_table_new((struct hash_key){ 1, 2 });
	struct app *a = app_table_add(t, S("id"), S("key"), S("secret"));

	assert_checked(a, "any:room", NULL);
	assert_checked(a, ":", NULL);
	assert_checked(a, "private-a:b:c", NULL);
	assert_checked(a, "a#b",
		       "Channel 'a#b' uses user-limited syntax but the namespace does not "
		       "allow it");
	a->limits.max_channel_name_length = 3;
	assert_checked(a, "abcd", "Channel name too long. Max length is 3");
	assert_null(namespace_of(a, S("any:room")));
	app_table_free(t);
}

static void namespace_says_how_long_its_names_may_be(void **state)
{
	struct app_table *t = app_table_new((struct hash_key){ 1, 2 });
	struct app *a = app_with_namespaces(t);

	a->limits.max_channel_name_length = 20;
	assert_int_equal(namespace_bytes_max(a, S("plain")), 20);
	assert_int_equal(namespace_bytes_max(a, S("num:1")), 20);
	assert_int_equal(namespace_bytes_max(a, S("private-chat:1")), 30); /* also a larger one */
	assert_checked(a, "private-chat:" X20 "", "Channel name too long. Max length is 30");
	assert_checked(a, "private-chat:abcdefghijklmnop", NULL);
	app_table_free(t);
}

static void namespaces_are_found_by_name_and_are_one_of_each(void **state)
{
	struct app_table *t = app_table_new((struct hash_key){ 1, 2 });
	struct app *a = app_with_namespaces(t);

	assert_null(namespace_add(a, S("num")));
	assert_int_equal(a->n_namespaces, 3);
	assert_str(namespace_of(a, S("presence-cache-num:1:chat"))->name, S("num"));
	assert_null(namespace_of(a, S("num")));
	assert_null(namespace_of(a, S("plain#num:1")));
	assert_null(namespace_of(a, S("#server-to-user-num:1")));
	app_table_free(t);
	assert_int_equal(mem_live_bytes(), 0);
}

static void users_are_those_behind_the_hash(void **state)
{
	str users = namespace_users(S("presence-vip:room#alice,bob"));

	assert_str(users, S("alice,bob"));
	assert_true(namespace_has_user(users, S("alice")));
	assert_true(namespace_has_user(users, S("bob")));
	assert_false(namespace_has_user(users, S("ali")));
	assert_false(namespace_has_user(users, S("alice,bob")));
	assert_false(namespace_has_user(users, S("")));
	assert_null(namespace_users(S("vip:room")).p);
	assert_null(namespace_users(S("#server-to-user-alice")).p);
	assert_null(namespace_users(S("private-#alice")).p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked_in_the_documented_order_and_words),
		cmocka_unit_test(app_without_namespaces_leaves_the_colon_alone),
		cmocka_unit_test(namespace_says_how_long_its_names_may_be),
		cmocka_unit_test(namespaces_are_found_by_name_and_are_one_of_each),
		cmocka_unit_test(users_are_those_behind_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
