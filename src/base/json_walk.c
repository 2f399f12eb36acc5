/* json_walk.c: moving through text that json_parse accepted, and turning what is found there
 * into values.
 *
 * Nothing is checked a second time. Walking past a container reads its bytes, so a path of depth
 * d reads the innermost d times: fine for messages of a few levels, which is what depth_max is
 * for. */
#include "base/json_priv.h"

#include "base/check.h"
#include "base/text.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

static enum json_kind kind_of(char first)
{
	switch (first) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

static const char *container_end(const char *p, const char *end)
{
	size_t depth = 0;
	bool ignored;

	for (;;) {
		switch (*p) {
		case '"':
			p = json_string_end(p, end, &ignored);
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return p + 1;
			break;
		default:
			break;
		}
		p++;
	}
}

static const char *scalar_end(const char *p, const char *end)
{
	while (p < end && *p != ',' && *p != '}' && *p != ']' && !json_is_blank(*p))
		p++;
	return p;
}

/* The value at p; *p moves behind it. */
static struct json take_value(const char **p, const char *end)
{
	struct json v = { .kind = kind_of(**p), .raw.p = *p };

	if (v.kind == JSON_STRING)
		*p = json_string_end(*p, end, &v.has_escapes);
	else if (v.kind == JSON_OBJECT || v.kind == JSON_ARRAY)
		*p = container_end(*p, end);
	else
		*p = scalar_end(*p, end);
	v.raw.n = (size_t)(*p - v.raw.p);
	return v;
}

struct json json_value(str raw)
{
	struct json v = { .kind = kind_of(raw.p[0]), .raw = raw };

	v.has_escapes = v.kind == JSON_STRING && str_find_char(raw, '\\') < raw.n;
	return v;
}

struct json_iter json_enter(struct json v)
{
	ASSERT(v.kind == JSON_OBJECT || v.kind == JSON_ARRAY);
	return (struct json_iter){
		.at = v.raw.p + 1,
		.end = v.raw.p + v.raw.n - 1,
		.is_object = v.kind == JSON_OBJECT,
	};
}

/* Past the comma and blanks to what comes next; false at the end. */
static bool next_element(struct json_iter *it)
{
	it->at = json_skip_blanks(it->at, it->end);
	if (it->at < it->end && *it->at == ',')
		it->at = json_skip_blanks(it->at + 1, it->end);
	return it->at < it->end;
}

bool json_next_member(struct json_iter *it, struct json_member *m)
{
	ASSERT(it->is_object);
	if (!next_element(it))
		return false;
	m->key = take_value(&it->at, it->end);
	it->at = json_skip_blanks(it->at, it->end);
	it->at = json_skip_blanks(it->at + 1, it->end);
	m->value = take_value(&it->at, it->end);
	return true;
}

bool json_next_item(struct json_iter *it, struct json *item)
{
	ASSERT(!it->is_object);
	if (!next_element(it))
		return false;
	*item = take_value(&it->at, it->end);
	return true;
}

static uint32_t hex4(const char *p)
{
	return (uint32_t)(hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 |
			  hex_digit(p[3]));
}

/* The code point of the \u at *p, half a pair becoming U+FFFD; *p moves behind what was used. */
static uint32_t take_unicode(const char **p, const char *end)
{
	uint32_t high = hex4(*p + 2), low;

	*p += 6;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return 0xfffd;
	low = hex4(*p + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*p += 6;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static uint32_t take_escape(const char **p, const char *end)
{
	char c = (*p)[1];

	if (c == 'u')
		return take_unicode(p, end);
	*p += 2;
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return (uint32_t)(unsigned char)c;
	}
}

/* Decoded text at *p up to the next seam: a plain run, or one character out of an escape, which
 * is put in scratch. */
static str take_piece(const char **p, const char *end, char scratch[4])
{
	const char *start = *p;

	if (*start != '\\') {
		*p = json_plain_end(start, end);
		return (str){ start, (size_t)(*p - start) };
	}
	return (str){ scratch, utf8_encode(take_escape(p, end), scratch) };
}

static str inner(struct json v)
{
	ASSERT(v.kind == JSON_STRING);
	return (str){ v.raw.p + 1, v.raw.n - 2 };
}

bool json_string_is(struct json v, str s)
{
	char scratch[4];

	if (v.kind != JSON_STRING)
		return false;
	if (!v.has_escapes)
		return str_eq(inner(v), s);
	for (const char *p = inner(v).p, *end = p + inner(v).n; p < end;) {
		str piece = take_piece(&p, end, scratch);

		if (!str_has_prefix(s, piece))
			return false;
		s = str_skip(s, piece.n);
	}
	return s.n == 0;
}

str json_decode(struct json v, struct arena *a)
{
	str text = inner(v);
	char *out, *to, scratch[4];

	if (!v.has_escapes)
		return text;
	/* No escape is shorter than what it stands for. */
	out = to = arena_alloc(a, text.n);
	for (const char *p = text.p, *end = p + text.n; p < end;) {
		str piece = take_piece(&p, end, scratch);

		memcpy(to, piece.p, piece.n);
		to += piece.n;
	}
	return (str){ out, (size_t)(to - out) };
}

bool json_to_u64(struct json v, uint64_t max, uint64_t *out)
{
	return v.kind == JSON_NUMBER && str_to_u64(v.raw, max, out);
}

bool json_to_i64(struct json v, int64_t *out)
{
	return v.kind == JSON_NUMBER && str_to_i64(v.raw, out);
}

bool json_to_double(struct json v, double *out)
{
	char text[1024];
	double d;

	if (v.kind != JSON_NUMBER || v.raw.n >= sizeof(text))
		return false;
	memcpy(text, v.raw.p, v.raw.n);
	text[v.raw.n] = '\0';
	d = strtod(text, NULL);
	if (!isfinite(d))
		return false;
	*out = d;
	return true;
}

void json_position(str text, size_t offset, unsigned *line, unsigned *column)
{
	str before = str_take(text, offset), piece;

	*line = 0;
	do {
		piece = str_split(&before, '\n');
		*column = (unsigned)piece.n + 1;
		++*line;
	} while (before.p);
}

struct json json_find(struct json v, str name)
{
	struct json found = { 0 };
	struct json_member m;
	struct json_iter it;

	if (v.kind != JSON_OBJECT)
		return found;
	it = json_enter(v);
	while (json_next_member(&it, &m)) {
		if (json_string_is(m.key, name))
			found = m.value;
	}
	return found;
}

str json_find_text(struct json v, str name, struct arena *a)
{
	struct json found = json_find(v, name);

	return found.raw.p && found.kind == JSON_STRING ? json_decode(found, a) : (str){ 0 };
}
