/* urlencode: decoding takes back any encoding, never fails and never grows beyond what it says;
 * nothing of a query or a path is lost between its pieces. */
#include "fuzz.h"

#include "base/buf.h"
#include "codec/urlencode.h"

/* Every byte as %XX, or a blank as '+' where that is meant. */
static void encode(struct buf *b, str s, bool is_form)
{
	static const char HEX[] = "0123456789abcdef0123456789ABCDEF";

	buf_init(b, 3 * s.n);
	for (size_t i = 0; i < s.n; i++) {
		const char *digits = HEX + (i & 1) * 16;
		uint8_t byte = (uint8_t)s.p[i];
		char code[] = { '%', digits[byte >> 4], digits[byte & 15] };

		if (is_form && byte == ' ')
			buf_putc(b, '+');
		else
			buf_put(b, code, sizeof(code));
	}
}

static void check_url(str s, struct arena *a)
{
	struct buf b;

	CHECK(url_decode(s, a).n <= s.n);
	encode(&b, s, false);
	CHECK(str_eq(url_decode(buf_str(&b), a), s));
	buf_fini(&b);
}

/* One U+FFFD for each longest beginning of a character that is none. */
static void replace_invalid(struct buf *b, str s)
{
	uint32_t cp;

	buf_init(b, 3 * s.n);
	while (s.n) {
		size_t n = naive_utf8_take(s, &cp);

		buf_puts(b, n ? str_take(s, n) : S("\xef\xbf\xbd"));
		if (n == 0)
			for (n = 1; n < s.n && naive_utf8_may_become_valid(str_take(s, n + 1)); n++)
				continue;
		s = str_skip(s, n);
	}
}

/* Any bytes, each as %XX. */
static void check_replacement(str s, struct arena *a)
{
	struct buf sent, expected;

	encode(&sent, s, true);
	replace_invalid(&expected, s);
	CHECK(str_eq(form_decode(buf_str(&sent), a), buf_str(&expected)));
	buf_fini(&sent);
	buf_fini(&expected);
}

static void check_form(str s, struct arena *a)
{
	str decoded = form_decode(s, a);
	struct buf b;

	CHECK(decoded.n <= 3 * s.n && naive_utf8_valid(decoded));
	encode(&b, decoded, true);
	CHECK(str_eq(form_decode(buf_str(&b), a), decoded));
	buf_fini(&b);
}

/* Piece by piece, against the pairs that query_next gives. */
static void check_query(str s, struct arena *a)
{
	struct query_pair pair;
	str rest = s;

	while (s.n) {
		str piece = str_take(s, str_find_char(s, '&'));
		size_t n = str_find_char(piece, '=');

		s = str_skip(s, piece.n + 1);
		if (piece.n == 0)
			continue;
		CHECK(query_next(&rest, a, &pair));
		CHECK(str_eq(pair.name, form_decode(str_take(piece, n), a)));
		CHECK(str_eq(pair.value, form_decode(str_skip(piece, n + 1), a)));
	}
	CHECK(!query_next(&rest, a, &pair));
}

static void check_path(str s)
{
	size_t n = 0;
	str rest = s, segment;

	while (path_next(&rest, &segment)) {
		CHECK(s.p[n] == '/' && segment.p == s.p + n + 1);
		CHECK(str_find_char(segment, '/') == segment.n);
		n += 1 + segment.n;
	}
	CHECK(n == s.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str s = { (const char *)data, size };
	struct arena a;

	arena_init(&a, 0);
	check_url(s, &a);
	check_form(s, &a);
	check_replacement(s, &a);
	check_query(s, &a);
	if (str_has_prefix(s, S("/")))
		check_path(s);
	arena_fini(&a);
	return 0;
}
