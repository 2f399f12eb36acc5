/* json_write.c: the one place where text becomes a JSON string.
 *
 * Escapes are the shortest there are (\n, not \u000a) and only where the grammar demands them,
 * as the serializers that our clients' libraries were tested against do; '/' and non-ASCII
 * characters stay. */
#include "base/json_priv.h"

static const char SHORT_ESCAPE[256] = {
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
	['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
};

static size_t escaped_len(str s)
{
	size_t len = s.n;
	const char *p = s.p, *end = p + s.n;

	for (;; p++) {
		p = json_plain_end(p, end);
		if (p == end)
			return len;
		len += SHORT_ESCAPE[(unsigned char)*p] ? 1 : 5;
	}
}

static char *write_escape(char *out, unsigned char c)
{
	static const char HEX[] = "0123456789abcdef";

	*out++ = '\\';
	if (SHORT_ESCAPE[c]) {
		*out++ = SHORT_ESCAPE[c];
		return out;
	}
	memcpy(out, "u00", 3);
	out[3] = HEX[c >> 4];
	out[4] = HEX[c & 15];
	return out + 5;
}

/* Copies whole words, and what was not plain in one again as an escape. What is left of the
 * output is never shorter than what is left of the input, so the surplus falls on room that is
 * written next. */
static void write_escaped(char *out, const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t special = json_special_of_8(p);
		size_t n = special ? (size_t)__builtin_ctzll(special) >> 3 : 8;

		memcpy(out, p, 8);
		p += n;
		out += n;
		if (special)
			out = write_escape(out, (unsigned char)*p++);
	}
	for (; p < end; p++) {
		if (json_is_plain(*p))
			*out++ = *p;
		else
			out = write_escape(out, (unsigned char)*p);
	}
}

void jw_escape(struct buf *b, str s)
{
	size_t len = s.n ? escaped_len(s) : 0;
	char *out = len ? buf_reserve(b, len) : NULL;

	if (!out)
		return;
	write_escaped(out, s.p, s.p + s.n);
	buf_commit(b, len);
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
