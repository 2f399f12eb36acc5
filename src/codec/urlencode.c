/* urlencode.c: decoding in one pass into the arena; text without anything to decode is not copied.
 */
#include "codec/urlencode.h"

#include "base/text.h"
#include "base/utf8.h"

/* The byte behind a well-formed %XX at s[i], or -1. */
static int percent_byte(str s, size_t i)
{
	int high, low;

	if (s.n - i < 3 || s.p[i] != '%')
		return -1;
	high = hex_digit(s.p[i + 1]);
	low = hex_digit(s.p[i + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static str decode(str s, char plus, struct arena *a)
{
	char *out = arena_alloc(a, s.n);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int byte = percent_byte(s, i);

		if (byte >= 0) {
			out[n++] = (char)byte;
			i += 2;
		} else {
			out[n++] = s.p[i] == '+' ? plus : s.p[i];
		}
	}
	return (str){ out, n };
}

/* One U+FFFD for each longest piece that starts a character but does not become one, as the
 * original's decoder (and every browser) does. */
static str replace_invalid(str s, struct arena *a)
{
	char *out = arena_alloc(a, 3 * s.n);
	size_t n = 0, start = 0; /* start: of the unfinished character */
	struct utf8 u = { 0 };

	for (size_t i = 0; i < s.n; i++) {
		bool is_good = utf8_feed(&u, (str){ s.p + i, 1 });

		if (is_good && !utf8_at_boundary(&u))
			continue;
		if (is_good) {
			memcpy(out + n, s.p + start, i + 1 - start);
			n += i + 1 - start;
			start = i + 1;
			continue;
		}
		u = (struct utf8){ 0 };
		n += utf8_encode(0xfffd, out + n);
		if (i > start)
			i--; /* this byte may start the next character */
		start = i + 1;
	}
	if (start < s.n)
		n += utf8_encode(0xfffd, out + n);
	return (str){ out, n };
}

str url_decode(str s, struct arena *a)
{
	return str_find_char(s, '%') == s.n ? s : decode(s, '+', a);
}

str form_decode(str s, struct arena *a)
{
	if (str_find_char(s, '%') < s.n || str_find_char(s, '+') < s.n)
		s = decode(s, ' ', a);
	return utf8_valid(s) ? s : replace_invalid(s, a);
}

bool query_next(str *rest, struct arena *a, struct query_pair *out)
{
	while (rest->n > 0) {
		str value = str_split(rest, '&');
		str name;

		if (value.n == 0)
			continue;
		name = str_split(&value, '=');
		out->name = form_decode(name, a);
		out->value = form_decode(value, a);
		return true;
	}
	return false;
}

bool path_next(str *path, str *segment)
{
	if (path->n == 0)
		return false;
	*path = str_skip(*path, 1);
	*segment = str_take(*path, str_find_char(*path, '/'));
	*path = str_skip(*path, segment->n);
	return true;
}
