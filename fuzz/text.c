/* text: hexadecimal and base64 there and back. */
#include "fuzz.h"

#include "base/mem.h"
#include "base/text.h"

static void check_hex(str s)
{
	char *hex = xalloc(2 * s.n);

	hex_encode((const uint8_t *)s.p, s.n, hex);
	for (size_t i = 0; i < s.n; i++)
		CHECK((hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1])) == (uint8_t)s.p[i]);
	xfree(hex);
}

static void check_encode(str s)
{
	size_t n = 4 * ((s.n + 2) / 3), back_n;
	char *text = xalloc(n);
	uint8_t *back = xalloc(n / 4 * 3);

	CHECK(base64_encode((const uint8_t *)s.p, s.n, text) == n);
	CHECK(base64_decode((str){ text, n }, back, &back_n));
	CHECK(str_eq((str){ (char *)back, back_n }, s));
	xfree(back);
	xfree(text);
}

/* One value has one spelling. */
static void check_decode(str s)
{
	uint8_t *bytes = xalloc(s.n / 4 * 3);
	char *again = xalloc(s.n + 4);
	size_t n;

	if (base64_decode(s, bytes, &n)) {
		CHECK(n <= s.n / 4 * 3);
		CHECK(str_eq((str){ again, base64_encode(bytes, n, again) }, s));
	}
	xfree(again);
	xfree(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str s = { (const char *)data, size };

	check_hex(s);
	check_encode(s);
	check_decode(s);
	return 0;
}
