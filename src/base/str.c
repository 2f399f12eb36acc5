/* str.c: what is too long to be inline. Bytes are bytes: case folding touches ASCII letters
 * alone, and no function looks at the locale. */
#include "base/str.h"

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(str a, str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return false;
	return true;
}

bool str_contains_nocase(str a, str b)
{
	for (; a.n >= b.n; a = str_skip(a, 1))
		if (str_eq_nocase(str_take(a, b.n), b))
			return true;
	return false;
}

int str_cmp(str a, str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

str str_trim(str s)
{
	while (s.n && is_blank(s.p[0]))
		s = str_skip(s, 1);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

str str_split(str *rest, char sep)
{
	size_t at = str_find_char(*rest, sep);
	str head = str_take(*rest, at);

	*rest = at < rest->n ? str_skip(*rest, at + 1) : (str){ NULL, 0 };
	return head;
}

bool str_to_u64(str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

		if (digit > 9 || digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

bool str_to_i64(str s, int64_t *out)
{
	bool negative = s.n && s.p[0] == '-';
	uint64_t v;

	if (negative || (s.n && s.p[0] == '+'))
		s = str_skip(s, 1);
	if (!str_to_u64(s, (uint64_t)INT64_MAX + negative, &v))
		return false;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}
