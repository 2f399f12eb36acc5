#include "base/hash.h"

#include "base/check.h"
#include "base/testing.h"

/* Made with CPython 3.11, whose hash of bytes is SipHash-1-3 with a key derived from
 * PYTHONHASHSEED. */
static void hash_str_agrees_with_another_implementation(void **state)
{
	static const struct {
		struct hash_key key;
		str text;
		uint64_t want;
	} ROWS[] = {
		{ { 0, 0 }, S("a"), 0x407448d2b89b1813 },
		{ { 0, 0 }, S("abcdefg"), 0x6db12aae9070f506 },
		{ { 0, 0 }, S("abcdefgh"), 0x3f7b849c0b8e35ea },
		{ { 0, 0 }, S("abcdefghi"), 0xf89b34a3d11eb6e5 },
		{ { 0xaed66ce184be2329, 0xebe9bbf1f1499052 }, S("abcdefgh"), 0xfd3011ff3947e7f4 },
		{ { 0xaed66ce184be2329, 0xebe9bbf1f1499052 },
		  S("presence-room-1"),
		  0x7b8a556e1dfa4da9 },
		{ { 0xdc504fd368cd90af, 0xb920bb9ffe99e9c1 }, S("a"), 0xfe4a47335692551e },
		{ { 0xdc504fd368cd90af, 0xb920bb9ffe99e9c1 },
		  S("private-encrypted-channel-0123456789"),
		  0x5897e70bd12776c6 },
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		assert_row(hash_str(&ROWS[i].key, ROWS[i].text) == ROWS[i].want, i);
}

static void hash_str_depends_on_every_byte_and_the_length(void **state)
{
	struct hash_key key = { 1, 2 };
	char text[17] = "0123456789abcdef";
	uint64_t whole = hash_str(&key, (str){ text, 16 });

	for (size_t i = 0; i < 16; i++) {
		text[i] ^= 1;
		assert_row(hash_str(&key, (str){ text, 16 }) != whole, i);
		text[i] ^= 1;
		assert_row(hash_str(&key, (str){ text, i }) != whole, i);
	}
	assert_true(hash_str(&key, S("")) == hash_str(&key, (str){ NULL, 0 }));
	assert_true(hash_str(&key, S("")) != hash_str(&key, S("\0")));
}

static void hash_u64_spreads_small_integers_over_low_bits(void **state)
{
	bool seen[256] = { false };
	int n_distinct = 0;

	for (uint64_t i = 1; i <= 256; i++) {
		bool *slot = &seen[hash_u64(i << 40) & 255];

		n_distinct += !*slot;
		*slot = true;
	}
	assert_in_range(n_distinct, 140, 190); /* 162 expected of a random function */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_str_agrees_with_another_implementation),
		cmocka_unit_test(hash_str_depends_on_every_byte_and_the_length),
		cmocka_unit_test(hash_u64_spreads_small_integers_over_low_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
