#include "base/text.h"

#include "base/check.h"
#include "base/testing.h"

static void hex_writes_two_lower_case_digits_a_byte(void **state)
{
	char out[9] = "________";

	hex_encode((const uint8_t *)"\x00\x1f\xab", 3, out);
	assert_string_equal(out, "001fab__");
}

static void hex_digit_knows_22_characters(void **state)
{
	const char *digits = "0123456789abcdefABCDEF";
	int n_known = 0;

	for (int c = 0; c < 256; c++)
		n_known += hex_digit((char)c) >= 0;
	assert_int_equal(n_known, 22);
	for (int i = 0; digits[i]; i++)
		assert_int_equal(hex_digit(digits[i]), i < 16 ? i : i - 6);
}

/* RFC 4648, section 10, and the three bytes that use the last two letters. */
static const struct {
	str plain, coded;
} BASE64_ROWS[] = {
	{ S(""), S("") },
	{ S("f"), S("Zg==") },
	{ S("fo"), S("Zm8=") },
	{ S("foo"), S("Zm9v") },
	{ S("foob"), S("Zm9vYg==") },
	{ S("fooba"), S("Zm9vYmE=") },
	{ S("foobar"), S("Zm9vYmFy") },
	{ S("\xfb\xff\xbe"), S("+/++") },
	{ S("\0\0\0\0"), S("AAAAAA==") },
};

static void base64_encodes_and_decodes_the_rfc_vectors(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(BASE64_ROWS); i++) {
		str plain = BASE64_ROWS[i].plain, coded = BASE64_ROWS[i].coded;
		char text[16];
		uint8_t bytes[16];
		size_t n;

		n = base64_encode((const uint8_t *)plain.p, plain.n, text);
		assert_str(((str){ text, n }), coded);
		assert_true(base64_decode(coded, bytes, &n));
		assert_str(((str){ (char *)bytes, n }), plain);
	}
}

static void base64_refuses_every_other_spelling(void **state)
{
	static const str ROWS[] = {
		S("Zg"),     S("Zg="),	S("Zg==="),    S("Zh=="), /* bits behind the last byte */
		S("Zm9="),   S("Z==="), S("===="),     S("=Zg="),    S("Z=g="),	     S("Zm 8"),
		S("Zm9v\n"), S("Zm-_"), S("Zg==Zg=="), S("Zm9\xff"), S("Zm9v Zm9v"), S("Zm\0v"),
	};
	uint8_t out[16];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		assert_row(!base64_decode(ROWS[i], out, &n), i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_writes_two_lower_case_digits_a_byte),
		cmocka_unit_test(hex_digit_knows_22_characters),
		cmocka_unit_test(base64_encodes_and_decodes_the_rfc_vectors),
		cmocka_unit_test(base64_refuses_every_other_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
