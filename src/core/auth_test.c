/* Signatures of subscriptions and sign-ins: the published vectors, and each byte of a valid one. */
#include "core/auth.h"

#include "base/check.h"
#include "base/testing.h"

#include <stdio.h>

struct fixture {
	struct app_table *apps;
	const struct app *app, *official;
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->apps = app_table_new((struct hash_key){ 1, 2 });
	f->app = app_table_add(f->apps, S("app-id"), S("app-key"), S("app-secret"));
	f->official = app_table_add(f->apps, S("3"), S("278d425bdf160c739803"),
				    S("7ad3773142a6692b25b8"));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	app_table_free(f->apps);
	test_free(f);
	return 0;
}

static const struct {
	const char *channel, *channel_data;
	bool is_presence;
	uint64_t a, b; /* socket id */
	const char *hex;
} CHANNEL_VECTORS[] = {
	{ "private-chat", "", false, 1234, 5678,
	  "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719" },
	{ "private-encrypted-vault", "", false, 1234, 5678,
	  "4053c190e5d8c41a6c0caea978423aba7191f9da573e8dd87bca52321a5b26b3" },
	{ "private-cache-prices", "", false, 1234, 5678,
	  "17a411a0140f9e9b55ea347122f6201fd8777d23891c7e8f8574ccfb9378c902" },
	{ "private-encrypted-cache-vault", "", false, 1234, 5678,
	  "65fc5b50e3848e59dcef8bd83ee20c6d595170d9e9a3e55ae0b0efec7d28aa16" },
	{ "presence-room", "{\"user_id\":\"alice\",\"user_info\":{\"name\":\"Alice\"}}", true, 1234,
	  5678, "b177db1f38909a337f6bf86eb895634ec4effae88a822648ef63c4f0df2f0e02" },
	{ "presence-room", "{\"user_id\":10}", true, 1234, 5678,
	  "c601b81ab5b3982543a83cc7c934510f443624ceee0a3cae037fc0f9a084579e" },
	{ "presence-room", "{\"user_id\":\"zoë\",\"user_info\":{\"name\":\"Zoë ☃\"}}", true, 1234,
	  5678, "78792c961ef6c8138700ab4fa13ae022b31a9d22a7ac87c54521c4517fc8dd08" },
	{ "presence-room", "{\"user_id\":\"zo\\u00eb\"}", true, 1234, 5678,
	  "fd9523e9629cf1707e1b0d5e407c6cf81a72f847c1cbed6a2b71f377df848abd" },
	{ "presence-cache-room", "{\"user_id\":\"alice\",\"user_info\":{\"name\":\"Alice\"}}", true,
	  1234, 5678, "b7dd188159e33985babcf592099994a8150cb3fa3d1b80d4d2dbdc01ee58e42e" },
	{ "presence-room", "", true, 1234, 5678,
	  "1e6f4f8e0dbf2085899e0207d29d988d1520b07be0f3fb4d8e2e740298620815" },
	{ "private-chat", "{\"user_id\":\"alice\"}", false, 1234, 5678,
	  "e43914b6bbded323223fc3b56f3876ff089f23b4778ecd1bdda3b8bef824cebc" },
	{ "private-chat", "{\"user_id\":\"alice\"}", false, 1234, 5678,
	  "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719" },
	{ "private-chat", "", false, 9999999999, 10000000000,
	  "c6f667c19c00484704b598c5f0af33fce5788e03701de7431510023bc4f9cb51" },
	{ "private-chat", "", false, 0, 0,
	  "ffbe9e8feb938292f3f7f89b85d427c89c77ffb52db13f5fd67b5139cefe7d79" },
	{ "private-foo", "", false, 1234, 5678,
	  "d7d4254b75e2b60944b91bc92e916d56da84c4835011f5aa3c59a8e7f6e8b65d" },
	{ "presence-foo", "{\"user_id\":\"10\",\"user_info\":{\"name\":\"Mr. Pusher\"}}", true,
	  1234, 5678, "0f1adc628a84b92b753c086f08f9c2bf5b4c77517708651eb57febe28efc2363" },
};

static const struct {
	const char *user_data, *hex;
} USER_VECTORS[] = {
	{ "{\"id\":\"alice\"}",
	  "4fcac7b391c27ff59c71413baab0576b6aa27a657812e29610542f48c281ee2d" },
	{ "{\"id\":\"alice\",\"user_info\":{\"name\":\"Alice\"},\"watchlist\":[\"bob\",\"carol\"]}",
	  "47f3cf773e23dac11dc119dc3a19a8d9d736464385aa63610ebfcd92121c4809" },
	{ "{\"id\":\"12345\"}",
	  "1c75b95d03fd84827d82faee2488541d5f3e2839a569d85d275eef0222ec58f4" },
};

static bool channel_ok(const struct app *app, struct socket_id id, const char *channel,
		       const char *channel_data, bool is_presence, const char *hex)
{
	char auth[128];

	snprintf(auth, sizeof(auth), "%s:%s", app->key.p, hex);
	return auth_channel_ok(app, id, str_from_cstr(channel), str_from_cstr(channel_data),
			       is_presence, str_from_cstr(auth));
}

static bool user_ok(const struct app *app, struct socket_id id, const char *user_data,
		    const char *hex)
{
	char auth[128];

	snprintf(auth, sizeof(auth), "%s:%s", app->key.p, hex);
	return auth_user_ok(app, id, str_from_cstr(user_data), str_from_cstr(auth));
}

static void channel_vectors_are_accepted(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(CHANNEL_VECTORS); i++) {
		struct socket_id id = { CHANNEL_VECTORS[i].a, CHANNEL_VECTORS[i].b };

		assert_true(channel_ok(f->app, id, CHANNEL_VECTORS[i].channel,
				       CHANNEL_VECTORS[i].channel_data,
				       CHANNEL_VECTORS[i].is_presence, CHANNEL_VECTORS[i].hex));
	}
}

static void user_vectors_are_accepted(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(USER_VECTORS); i++)
		assert_true(user_ok(f->app, (struct socket_id){ 1234, 5678 },
				    USER_VECTORS[i].user_data, USER_VECTORS[i].hex));
}

static void pushers_published_vectors_are_accepted(void **state)
{
	struct fixture *f = *state;
	struct socket_id id = { 1234, 1234 };

	assert_true(user_ok(f->official, id, "{\"id\":\"12345\"}",
			    "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"));
	assert_true(channel_ok(f->official, id, "private-foobar", "", false,
			       "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"));
	assert_true(channel_ok(f->official, id, "presence-foobar",
			       "{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Channels\"}}", true,
			       "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"));
}

#define CHAT_HEX "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719"

static void presence_signature_must_cover_channel_data(void **state)
{
	struct fixture *f = *state;

	assert_false(
		channel_ok(f->app, (struct socket_id){ 1234, 5678 }, "presence-room",
			   "{\"user_id\":\"mallory\"}", true,
			   "1e6f4f8e0dbf2085899e0207d29d988d1520b07be0f3fb4d8e2e740298620815"));
	assert_false(channel_ok(
		f->app, (struct socket_id){ 1234, 5678 }, "presence-room", "{\"user_id\": 10}",
		true, "c601b81ab5b3982543a83cc7c934510f443624ceee0a3cae037fc0f9a084579e"));
}

static void any_changed_byte_of_a_channels_auth_is_refused(void **state)
{
	struct fixture *f = *state;
	char auth[] = "app-key:" CHAT_HEX;
	str text = { auth, sizeof(auth) - 1 };
	struct socket_id id = { 1234, 5678 };

	for (size_t i = 0; i < text.n; i++) {
		char was = auth[i];

		for (unsigned c = 0; c < 256; c++) {
			auth[i] = (char)c;
			assert_int_equal(
				auth_channel_ok(f->app, id, S("private-chat"), S(""), false, text),
				auth[i] == was);
			assert_int_equal(auth_channel_ok(f->app, id, S("private-chat"), S("data"),
							 false, text),
					 auth[i] == was);
		}
		auth[i] = was;
	}
}

static void malformed_auth_is_refused(void **state)
{
	static const char *const BAD[] = {
		"",
		":",
		"nocolon",
		"app-key",
		"app-key:",
		"app-key:00",
		"app-key:" CHAT_HEX "0",
		"app-key:0" CHAT_HEX,
		CHAT_HEX,
		":" CHAT_HEX,
		"other-key:" CHAT_HEX,
		"app-kez:" CHAT_HEX,
		"app-key::" CHAT_HEX,
		"app-key:56F901EE21A52EF3DD91B1C155900190E056142B3B5016E873C27DB1A4607719",
	};
	struct fixture *f = *state;
	struct socket_id id = { 1234, 5678 };

	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		str auth = str_from_cstr(BAD[i]);

		assert_false(auth_channel_ok(f->app, id, S("private-chat"), S(""), false, auth));
		assert_false(auth_channel_ok(f->app, id, S("private-chat"), S("x"), true, auth));
		assert_false(auth_user_ok(f->app, id, S("private-chat"), auth));
	}
	assert_false(
		auth_channel_ok(f->app, id, S("private-chat"), S(""), false, (str){ NULL, 0 }));
}

static void auth_belongs_to_one_socket_channel_and_app(void **state)
{
	struct fixture *f = *state;

	assert_false(channel_ok(f->app, (struct socket_id){ 1234, 5679 }, "private-chat", "", false,
				CHAT_HEX));
	assert_false(channel_ok(f->app, (struct socket_id){ 1234, 5678 }, "private-chaT", "", false,
				CHAT_HEX));
	assert_false(channel_ok(f->official, (struct socket_id){ 1234, 5678 }, "private-chat", "",
				false, CHAT_HEX));
	assert_false(user_ok(f->app, (struct socket_id){ 1234, 5679 }, USER_VECTORS[0].user_data,
			     USER_VECTORS[0].hex));
	assert_false(user_ok(f->app, (struct socket_id){ 1234, 5678 }, USER_VECTORS[0].user_data,
			     USER_VECTORS[1].hex));
}

static void largest_socket_id_is_signed_whole(void **state)
{
	struct fixture *f = *state;

	char hex[SHA256_HEX_LEN + 1] = { 0 };
	struct hmac h;

	hmac_begin(&h, &f->app->hmac);
	hmac_add(&h, S("18446744073709551615.18446744073709551615:private-chat"));
	hmac_end_hex(&h, &f->app->hmac, hex);
	assert_true(channel_ok(f->app, SOCKET_ID_NONE, "private-chat", "", false, hex));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(channel_vectors_are_accepted),
		T(user_vectors_are_accepted),
		T(pushers_published_vectors_are_accepted),
		T(presence_signature_must_cover_channel_data),
		T(any_changed_byte_of_a_channels_auth_is_refused),
		T(malformed_auth_is_refused),
		T(auth_belongs_to_one_socket_channel_and_app),
		T(largest_socket_id_is_signed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
