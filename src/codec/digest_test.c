#include "codec/digest.h"

#include "base/check.h"
#include "base/secret.h"
#include "base/text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#define APP "app-secret"
#define DOCS "7ad3773142a6692b25b8" /* of the examples in Pusher's documentation */

struct vector {
	const char *secret, *text, *hex;
};

static const struct vector HMACS[] = {
	/* channel and user authentication */
	{ APP, "1234.5678:private-chat",
	  "56f901ee21a52ef3dd91b1c155900190e056142b3b5016e873c27db1a4607719" },
	{ APP, "1234.5678:private-encrypted-vault",
	  "4053c190e5d8c41a6c0caea978423aba7191f9da573e8dd87bca52321a5b26b3" },
	{ APP, "1234.5678:private-cache-prices",
	  "17a411a0140f9e9b55ea347122f6201fd8777d23891c7e8f8574ccfb9378c902" },
	{ APP, "1234.5678:private-encrypted-cache-vault",
	  "65fc5b50e3848e59dcef8bd83ee20c6d595170d9e9a3e55ae0b0efec7d28aa16" },
	{ APP, "1234.5678:presence-room:{\"user_id\":\"alice\",\"user_info\":{\"name\":\"Alice\"}}",
	  "b177db1f38909a337f6bf86eb895634ec4effae88a822648ef63c4f0df2f0e02" },
	{ APP, "1234.5678:presence-room:{\"user_id\":10}",
	  "c601b81ab5b3982543a83cc7c934510f443624ceee0a3cae037fc0f9a084579e" },
	{ APP,
	  "1234.5678:presence-room:{\"user_id\":\"zo\xc3\xab\",\"user_info\":{\"name\":"
	  "\"Zo\xc3\xab \xe2\x98\x83\"}}",
	  "78792c961ef6c8138700ab4fa13ae022b31a9d22a7ac87c54521c4517fc8dd08" },
	{ APP, "1234.5678:presence-room:{\"user_id\":\"zo\\u00eb\"}",
	  "fd9523e9629cf1707e1b0d5e407c6cf81a72f847c1cbed6a2b71f377df848abd" },
	{ APP,
	  "1234.5678:presence-cache-room:{\"user_id\":\"alice\",\"user_info\":{\"name\":\"Alice\"}"
	  "}",
	  "b7dd188159e33985babcf592099994a8150cb3fa3d1b80d4d2dbdc01ee58e42e" },
	{ APP, "1234.5678:presence-room",
	  "1e6f4f8e0dbf2085899e0207d29d988d1520b07be0f3fb4d8e2e740298620815" },
	{ APP, "1234.5678:private-chat:{\"user_id\":\"alice\"}",
	  "e43914b6bbded323223fc3b56f3876ff089f23b4778ecd1bdda3b8bef824cebc" },
	{ APP, "1234.5678::user::{\"id\":\"alice\"}",
	  "4fcac7b391c27ff59c71413baab0576b6aa27a657812e29610542f48c281ee2d" },
	{ APP,
	  "1234.5678::user::{\"id\":\"alice\",\"user_info\":{\"name\":\"Alice\"},\"watchlist\":["
	  "\"bob\",\"carol\"]}",
	  "47f3cf773e23dac11dc119dc3a19a8d9d736464385aa63610ebfcd92121c4809" },
	{ APP, "9999999999.10000000000:private-chat",
	  "c6f667c19c00484704b598c5f0af33fce5788e03701de7431510023bc4f9cb51" },
	{ APP, "0.0:private-chat",
	  "ffbe9e8feb938292f3f7f89b85d427c89c77ffb52db13f5fd67b5139cefe7d79" },
	{ DOCS, "1234.1234::user::{\"id\":\"12345\"}",
	  "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba" },
	{ DOCS, "1234.1234:private-foobar",
	  "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4" },
	{ DOCS,
	  "1234.1234:presence-foobar:{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Channels\"}}",
	  "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80" },
	{ APP, "1234.5678:private-foo",
	  "d7d4254b75e2b60944b91bc92e916d56da84c4835011f5aa3c59a8e7f6e8b65d" },
	{ APP,
	  "1234.5678:presence-foo:{\"user_id\":\"10\",\"user_info\":{\"name\":\"Mr. Pusher\"}}",
	  "0f1adc628a84b92b753c086f08f9c2bf5b4c77517708651eb57febe28efc2363" },
	{ APP, "1234.5678::user::{\"id\":\"12345\"}",
	  "1c75b95d03fd84827d82faee2488541d5f3e2839a569d85d275eef0222ec58f4" },
	/* HTTP API requests */
	{ APP,
	  "POST\n/apps/app-id/events\nauth_key=app-key&auth_timestamp=1700000000&auth_version=1.0"
	  "&body_md5=f984b586ccc3da92e33e792eef5a14e2",
	  "95a684ac99e162f9627b44192e3e8ffa458c5c05397b1c0cf9030202c59adca0" },
	{ APP,
	  "GET\n/apps/app-id/channels\nauth_key=app-key&auth_timestamp=1700000000&auth_version=1.0"
	  "&filter_by_prefix=presence-&info=user_count",
	  "fd5a1b38d92aee2b7913a8cf43136cffab888ee5a097536910d6239f08eb68a2" },
	{ DOCS,
	  "POST\n/apps/3/"
	  "events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
	  "&body_md5=ec365a775a4cd0599faeb73354201b6f",
	  "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c" },
	/* RFC 4231, cases 2 and 6: a short key, and one longer than a block */
	{ "Jefe", "what do ya want for nothing?",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
	  "\xaa\xaa\xaa\xaa\xaa",
	  "Test Using Larger Than Block-Size Key - Hash Key First",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void assert_hex(const char *got, const char *wanted, size_t n)
{
	assert_int_equal(strlen(wanted), n);
	assert_memory_equal(got, wanted, n);
}

static void hmac_gives_the_published_values(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(HMACS); i++) {
		struct hmac_key key;
		struct hmac h;
		char hex[SHA256_HEX_LEN];

		hmac_key_init(&key, str_from_cstr(HMACS[i].secret));
		hmac_begin(&h, &key);
		hmac_add(&h, str_from_cstr(HMACS[i].text));
		hmac_end_hex(&h, &key, hex);
		assert_hex(hex, HMACS[i].hex, SHA256_HEX_LEN);
	}
}

static void hmac_text_may_come_in_pieces(void **state)
{
	str text = str_from_cstr(HMACS[4].text);

	for (size_t cut = 0; cut <= text.n; cut++) {
		struct hmac_key key, copy;
		struct hmac h;
		char hex[SHA256_HEX_LEN];

		hmac_key_init(&key, str_from_cstr(HMACS[4].secret));
		copy = key;
		secret_wipe(&key, sizeof(key));
		hmac_begin(&h, &copy);
		hmac_add(&h, str_take(text, cut));
		hmac_add(&h, (str){ 0 });
		hmac_add(&h, str_skip(text, cut));
		hmac_end_hex(&h, &copy, hex);
		assert_hex(hex, HMACS[4].hex, SHA256_HEX_LEN);
	}
}

static void md5_gives_the_published_values(void **state)
{
	static const struct {
		const char *text, *hex;
	} rows[] = {
		{ "{\"name\":\"my-event\",\"channels\":[\"my-channel\"],\"data\":\"{\\\"hello\\\":"
		  "\\\"world\\\"}\"}",
		  "4a2297b34d32420d05955925447cdaf7" },
		{ "{\"batch\":[{\"channel\":\"a\",\"name\":\"e1\",\"data\":\"1\"},"
		  "{\"channel\":\"b\",\"name\":\"e2\",\"data\":\"2\",\"info\":\"subscription_"
		  "count\"}]}",
		  "41f7894f5a17e42adb69b6e66e4c597b" },
		{ "{}", "99914b932bd37a50b983c5e7c90ae93b" },
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "{\"name\":\"\xc3\xa9v\xc3\xa9n\",\"channel\":\"my-channel\",\"data\":"
		  "\"h\xc3\xa9llo \xe2\x9c\x93\"}",
		  "cddd9898ec1391c9595113fab1866c61" },
		{ "{\"name\":\"foo\",\"channels\":[\"project-3\"],\"data\":\"{\\\"some\\\":"
		  "\\\"data\\\"}\"}",
		  "ec365a775a4cd0599faeb73354201b6f" },
		{ "{\"name\":\"greet\",\"channel\":\"my-channel\",\"data\":\"{\\\"hello\\\":"
		  "\\\"world\\\"}\"}",
		  "f984b586ccc3da92e33e792eef5a14e2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char hex[MD5_HEX_LEN];

		md5_hex(str_from_cstr(rows[i].text), hex);
		assert_hex(hex, rows[i].hex, MD5_HEX_LEN);
	}
}

static void sha1_takes_pieces(void **state)
{
	const str pieces[] = { S("a"), S(""), S("bc") };
	uint8_t digest[20];
	char hex[40];

	sha1(pieces, ARRAY_LEN(pieces), digest);
	hex_encode(digest, sizeof(digest), hex);
	assert_hex(hex, "a9993e364706816aba3e25717850c26c9cd0d89d", sizeof(hex));
}

static void digest_eq_compares_length_and_every_byte(void **state)
{
	char a[] = "0123456789abcdef", b[] = "0123456789abcdef";

	assert_true(digest_eq(S(""), (str){ 0 }));
	assert_true(digest_eq((str){ a, 16 }, (str){ b, 16 }));
	assert_false(digest_eq((str){ a, 16 }, (str){ b, 15 }));
	for (size_t i = 0; i < 16; i++) {
		b[i] ^= 0x20;
		assert_false(digest_eq((str){ a, 16 }, (str){ b, 16 }));
		b[i] ^= 0x20;
	}
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(hmac_gives_the_published_values),
	cmocka_unit_test(hmac_text_may_come_in_pieces),
	cmocka_unit_test(md5_gives_the_published_values),
	cmocka_unit_test(sha1_takes_pieces),
	cmocka_unit_test(digest_eq_compares_length_and_every_byte),
};

int main(void)
{
	return cmocka_run_group_tests_name("digest", TESTS, NULL, NULL);
}
