#include "base/ip.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/testing.h"

#include <arpa/inet.h>

static const struct {
	const char *text, *canonical; /* NULL: refused */
} TEXTS[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::FFFF:c000:201", "192.0.2.1" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "1::", "1::" },
	{ "2001:0db8::1", "2001:db8::1" },
	{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "0:0:0:0:0:0:0:0", "::" },
	{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "", NULL },
	{ "1.2.3", NULL },
	{ "1.2.3.4.", NULL },
	{ "1.2.3.4.5", NULL },
	{ ".1.2.3.4", NULL },
	{ "1..2.3", NULL },
	{ "01.2.3.4", NULL },
	{ "1.2.3.256", NULL },
	{ "1.2.3.+4", NULL },
	{ "1.2.3.4 ", NULL },
	{ ":", NULL },
	{ ":::", NULL },
	{ ":1", NULL },
	{ "1:", NULL },
	{ "1::2::3", NULL },
	{ "1:2:3:4:5:6:7", NULL },
	{ "1:2:3:4:5:6:7:8:9", NULL },
	{ "1:2:3:4:5:6:7:8::", NULL },
	{ "::1:2:3:4:5:6:7:8", NULL },
	{ "1:2:3:4::5:6:7:8", NULL },
	{ "12345::", NULL },
	{ "g::", NULL },
	{ "fe80::1%eth0", NULL },
	{ "1.2.3.4::", NULL },
	{ "::1.2.3.4:5", NULL },
	{ "1:2:3:4:5:6:7:1.2.3.4", NULL },
};

static void addresses_have_one_value_and_one_text(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
		char text[IP_TEXT_MAX];
		struct ip ip;
		bool is_ok = ip_parse(str_from_cstr(TEXTS[i].text), &ip);

		assert_row(is_ok == (TEXTS[i].canonical != NULL), i);
		if (is_ok)
			assert_str(ip_format(&ip, text), str_from_cstr(TEXTS[i].canonical));
	}
}

static struct ip libc_ip(const char *text, bool *is_ok)
{
	uint8_t bytes[16];
	struct ip ip = { 0 };

	*is_ok = true;
	if (inet_pton(AF_INET, text, bytes) == 1)
		return ip_from_v4(bytes);
	*is_ok = inet_pton(AF_INET6, text, bytes) == 1;
	return *is_ok ? ip_from_v6(bytes) : ip;
}

/* The same numbers every time. */
static uint64_t draw_below(uint64_t *seed, uint64_t n)
{
	return hash_u64(++*seed) % n;
}

/* Text of the characters that addresses are made of, and of pieces of good ones. */
static void libc_reads_the_same(void **state)
{
	static const char *const pieces[] = {
		"0", "1", "a",	"F", "25", "255",     "256",   "00",
		":", ":", "::", ".", ".",  "1.2.3.4", "1:2:3", "ffff"
	};
	uint64_t seed = 7;
	struct buf b;

	buf_init(&b, 256);
	for (int i = 0; i < 200000; i++) {
		bool libc_ok;
		struct ip libc, ours;

		buf_clear(&b);
		for (uint64_t n = draw_below(&seed, 12); n > 0; n--)
			buf_puts(&b, str_from_cstr(pieces[draw_below(&seed, ARRAY_LEN(pieces))]));
		buf_putc(&b, '\0');
		libc = libc_ip(b.p, &libc_ok);
		if (ip_parse((str){ b.p, b.len - 1 }, &ours) != libc_ok ||
		    (libc_ok && !ip_eq(&libc, &ours)))
			fail_msg("\"%s\"", b.p);
	}
	buf_fini(&b);
}

static void any_address_is_read_as_it_was_written(void **state)
{
	uint64_t seed = 8;

	for (int i = 0; i < 50000; i++) {
		struct ip ip = { 0 }, again;
		char text[IP_TEXT_MAX];

		for (int j = 0; j < 16; j++)
			ip.bytes[j] = draw_below(&seed, 3) ? 0 : (uint8_t)draw_below(&seed, 256);
		assert_true(ip_parse(ip_format(&ip, text), &again));
		assert_true(ip_eq(&ip, &again));
	}
}

static void a_prefix_keeps_its_bits_alone(void **state)
{
	struct ip ip,
		all = ip_from_v6((const uint8_t[16]){ 255, 255, 255, 255, 255, 255, 255, 255, 255,
						      255, 255, 255, 255, 255, 255, 255 });
	char text[IP_TEXT_MAX];

	ip = ip_prefix(&all, 0);
	assert_str(ip_format(&ip, text), S("::"));
	ip = ip_prefix(&all, 1);
	assert_str(ip_format(&ip, text), S("8000::"));
	ip = ip_prefix(&all, 64);
	assert_str(ip_format(&ip, text), S("ffff:ffff:ffff:ffff::"));
	ip = ip_prefix(&all, 127);
	assert_str(ip_format(&ip, text), S("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"));
	ip = ip_prefix(&all, 128);
	assert_true(ip_eq(&ip, &all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_value_and_one_text),
		cmocka_unit_test(libc_reads_the_same),
		cmocka_unit_test(any_address_is_read_as_it_was_written),
		cmocka_unit_test(a_prefix_keeps_its_bits_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
