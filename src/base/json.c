/* json.c: the validator: one pass over the text that decides whether it is RFC 8259 and builds
 * nothing.
 *
 * A message is a few members of which one or two are looked at, so a tree would be work for the
 * bin: the spans are found again by walking (json_walk.c), which may then trust every byte.
 * Containers are remembered as one bit each, so depth costs no stack and is bounded by the limit
 * alone. UTF-8 is checked beforehand over the whole text, because that goes a word at a time and
 * leaves strings only three kinds of byte to look for. It does not repair anything: no comments,
 * no trailing commas, no byte order mark, no NaN. */
#include "base/json.h"

#include "base/check.h"
#include "base/json_priv.h"
#include "base/text.h"
#include "base/utf8.h"

struct scan {
	const char *end;
	uint64_t objects[JSON_DEPTH_MAX / 64]; /* bit d: the container at depth d is an object */
	unsigned depth, depth_max;
	char closer; /* of the innermost container; meaningless outside */
	err error;
	const char *error_at;
	const char *error_text;
};

static __attribute__((cold)) const char *fail(struct scan *s, const char *at, const char *text)
{
	s->error = ERR_SYNTAX;
	s->error_at = at;
	s->error_text = at == s->end ? "the text ends too early" : text;
	return NULL;
}

static bool starts_with_hex4(const char *p, const char *end)
{
	return end - p >= 4 && hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0 &&
	       hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0;
}

/* Behind the escape whose backslash is at p. */
static const char *scan_escape(struct scan *s, const char *p)
{
	if (s->end - p < 2)
		return fail(s, s->end, "");
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		if (starts_with_hex4(p + 2, s->end))
			return p + 6;
		return fail(s, p, "\\u needs four hexadecimal digits");
	default:
		return fail(s, p, "unknown escape in a string");
	}
}

/* Behind the string whose opening quote is at p. */
static const char *scan_string(struct scan *s, const char *p)
{
	for (p++;;) {
		p = json_plain_end(p, s->end);
		if (p == s->end)
			return fail(s, p, "");
		if (*p == '"')
			return p + 1;
		if (*p != '\\')
			return fail(s, p, "control character in a string");
		p = scan_escape(s, p);
		if (!p)
			return NULL;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Behind one or more digits. */
static const char *scan_digits(struct scan *s, const char *p)
{
	if (p == s->end || !is_digit(*p))
		return fail(s, p, "expected a digit");
	while (p < s->end && is_digit(*p))
		p++;
	return p;
}

static const char *scan_number(struct scan *s, const char *p)
{
	if (*p == '-')
		p++;
	if (s->end - p >= 2 && p[0] == '0' && is_digit(p[1]))
		return fail(s, p, "a number may not begin with zero");
	p = scan_digits(s, p);
	if (p && p < s->end && *p == '.')
		p = scan_digits(s, p + 1);
	if (p && p < s->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		p = scan_digits(s, p);
	}
	return p;
}

static const char *scan_word(struct scan *s, const char *p, str word)
{
	for (size_t i = 0; i < word.n; i++, p++)
		if (p == s->end || *p != word.p[i])
			return fail(s, p, "expected a value");
	return p;
}

static const char *scan_scalar(struct scan *s, const char *p)
{
	switch (*p) {
	case '"':
		return scan_string(s, p);
	case 't':
		return scan_word(s, p, S("true"));
	case 'f':
		return scan_word(s, p, S("false"));
	case 'n':
		return scan_word(s, p, S("null"));
	default:
		if (*p == '-' || is_digit(*p))
			return scan_number(s, p);
		return fail(s, p, "expected a value");
	}
}

/* Behind the colon of a member whose name is expected at p. */
static const char *scan_name(struct scan *s, const char *p)
{
	p = json_skip_blanks(p, s->end);
	if (p == s->end || *p != '"')
		return fail(s, p, "expected a member name in double quotes");
	p = scan_string(s, p);
	if (!p)
		return NULL;
	p = json_skip_blanks(p, s->end);
	if (p == s->end || *p != ':')
		return fail(s, p, "expected ':' after a member name");
	return p + 1;
}

/* Behind the bracket at p. */
static const char *scan_open(struct scan *s, const char *p)
{
	uint64_t bit = (uint64_t)1 << s->depth % 64;

	if (s->depth == s->depth_max) {
		fail(s, p, "nested too deeply");
		s->error = ERR_DEPTH;
		return NULL;
	}
	if (*p == '{') {
		s->objects[s->depth / 64] |= bit;
		s->closer = '}';
	} else {
		s->objects[s->depth / 64] &= ~bit;
		s->closer = ']';
	}
	s->depth++;
	return p + 1;
}

/* Behind all brackets that close here, at what must be a comma unless the document is complete. */
static const char *scan_closers(struct scan *s, const char *p)
{
	while (s->depth > 0) {
		p = json_skip_blanks(p, s->end);
		if (p == s->end || *p != s->closer)
			break;
		p++;
		if (--s->depth > 0) {
			unsigned outer = s->depth - 1;

			s->closer = s->objects[outer / 64] >> outer % 64 & 1 ? '}' : ']';
		}
	}
	return p;
}

/* Behind the next scalar, or at the closer of an empty container, going into containers on the
 * way. */
static const char *scan_leaf(struct scan *s, const char *p)
{
	for (;;) {
		p = json_skip_blanks(p, s->end);
		if (p == s->end)
			return fail(s, p, "");
		if (*p != '{' && *p != '[')
			return scan_scalar(s, p);
		p = scan_open(s, p);
		if (!p)
			return NULL;
		p = json_skip_blanks(p, s->end);
		if (p < s->end && *p == s->closer)
			return p;
		if (s->closer == '}')
			p = scan_name(s, p);
		if (!p)
			return NULL;
	}
}

/* Behind the comma at p and, in an object, the next name. */
static const char *scan_comma(struct scan *s, const char *p)
{
	bool in_object = s->closer == '}';

	if (p == s->end || *p != ',')
		return fail(s, p, in_object ? "expected ',' or '}'" : "expected ',' or ']'");
	return in_object ? scan_name(s, p + 1) : p + 1;
}

static const char *scan_value(struct scan *s, const char *p)
{
	for (;;) {
		p = scan_leaf(s, p);
		if (!p)
			return NULL;
		p = scan_closers(s, p);
		if (s->depth == 0)
			return p;
		p = scan_comma(s, p);
		if (!p)
			return NULL;
	}
}

/* One value and blanks around it; the value's own text goes to *raw. */
static bool scan_document(struct scan *s, str text, str *raw)
{
	const char *start = json_skip_blanks(text.p, s->end);
	const char *stop = scan_value(s, start);

	if (!stop)
		return false;
	*raw = (str){ start, (size_t)(stop - start) };
	stop = json_skip_blanks(stop, s->end);
	return stop == s->end || fail(s, stop, "expected nothing after the value");
}

err json_parse(str text, unsigned depth_max, struct json *out, struct json_error *error)
{
	struct scan s;
	str raw;

	ASSERT(depth_max <= JSON_DEPTH_MAX);
	if (text.n == 0)
		text = S("");
	s.end = text.p + text.n;
	s.depth = 0;
	s.depth_max = depth_max;
	if (!utf8_valid(text))
		fail(&s, text.p + utf8_valid_bytes(text), "invalid UTF-8");
	else if (scan_document(&s, text, &raw)) {
		*out = json_value(raw);
		return OK;
	}
	if (error)
		*error = (struct json_error){ (size_t)(s.error_at - text.p), s.error_text };
	return s.error;
}
