/* json_write.c: the one place where text becomes a JSON string.
 *
 * Escapes are the shortest there are (\n, not \u000a) and only where the grammar demands them, as the serializers that
 * our clients' libraries were tested against do; '/' and non-ASCII characters stay. */
#include "base/json_priv.h"

static void put_escaped(struct buf *b, unsigned char c)
{
	static const char SHORT[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};
	static const char HEX[] = "0123456789abcdef";

	if (c >= 0x20)
		buf_put(b, (char[]){ '\\', (char)c }, 2);
	else if (SHORT[c])
		buf_put(b, (char[]){ '\\', SHORT[c] }, 2);
	else
		buf_put(b, (char[]){ '\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15] }, 6);
}

void jw_escape(struct buf *b, str s)
{
	while (s.n) {
		size_t run = (size_t)(json_plain_end(s.p, s.p + s.n) - s.p);

		buf_put(b, s.p, run);
		s = str_skip(s, run);
		if (s.n)
			put_escaped(b, (unsigned char)s.p[0]);
		s = str_skip(s, 1);
	}
}

void jw_string(struct buf *b, str s)
{
	buf_putc(b, '"');
	jw_escape(b, s);
	buf_putc(b, '"');
}

void jw_compact(struct buf *b, struct json v)
{
	const char *p = v.raw.p, *end = p + v.raw.n, *run = p;
	bool ignored;

	while (p < end) {
		if (*p == '"') {
			p = json_string_end(p, end, &ignored);
		} else if (json_is_blank(*p)) {
			buf_put(b, run, (size_t)(p - run));
			run = p = json_skip_blanks(p, end);
		} else {
			p++;
		}
	}
	buf_put(b, run, (size_t)(p - run));
}
