/* channel_name.c: prefixes, legal characters, and the text for illegal ones.
 *
 * The text quotes characters as the original does, with Rust's {:?}. What that form escapes is a
 * table of all of Unicode; ours has the controls, blanks, invisible and combining characters
 * that could disturb whoever reads the message, and leaves the marks of rare scripts as they
 * are. */
#include "core/channel_name.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"

static const str USER_PREFIX = { CHANNEL_USER_PREFIX, sizeof(CHANNEL_USER_PREFIX) - 1 };

/* The first that fits decides. */
static const struct kind {
	str prefix;
	unsigned traits;
} KINDS[] = {
	{ { "private-encrypted-cache-", 24 },
	  CHANNEL_AUTHORIZED | CHANNEL_ENCRYPTED | CHANNEL_CACHE },
	{ { "private-encrypted-", 18 }, CHANNEL_AUTHORIZED | CHANNEL_ENCRYPTED },
	{ { "private-cache-", 14 }, CHANNEL_AUTHORIZED | CHANNEL_CACHE },
	{ { "private-", 8 }, CHANNEL_AUTHORIZED },
	{ { "presence-cache-", 15 }, CHANNEL_AUTHORIZED | CHANNEL_PRESENCE | CHANNEL_CACHE },
	{ { "presence-", 9 }, CHANNEL_AUTHORIZED | CHANNEL_PRESENCE },
	{ { "cache-", 6 }, CHANNEL_CACHE },
	{ { CHANNEL_USER_PREFIX, sizeof(CHANNEL_USER_PREFIX) - 1 }, CHANNEL_USER },
};

static const bool IS_LEGAL[256] = {
	['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['-'] = true,
	['_'] = true,	      ['='] = true,	    ['@'] = true,	  [','] = true,
	[';'] = true,	      ['.'] = true,	    [':'] = true,	  ['#'] = true,
};

/* Characters that are shown by their number. */
static const struct {
	uint32_t first, last;
} UNPRINTABLE[] = {
	{ 0, 0x1f },	       { 0x7f, 0xa0 },	   { 0xad, 0xad },     { 0x300, 0x36f },
	{ 0x61c, 0x61c },      { 0x1680, 0x1680 }, { 0x180b, 0x180f }, { 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },    { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
	{ 0x20d0, 0x20ff },    { 0x3000, 0x3000 }, { 0xe000, 0xf8ff }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },    { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
	{ 0xe0000, 0x10ffff },
};

/* NULL: public. */
static const struct kind *find_kind(str name)
{
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
		if (str_has_prefix(name, KINDS[i].prefix))
			return &KINDS[i];
	}
	return NULL;
}

unsigned channel_traits(str name)
{
	const struct kind *k = find_kind(name);

	return k ? k->traits : 0;
}

enum channel_type channel_type_of(unsigned traits)
{
	if (traits & CHANNEL_CACHE)
		return CHANNEL_TYPE_CACHE;
	if (traits & CHANNEL_ENCRYPTED)
		return CHANNEL_TYPE_PRIVATE_ENCRYPTED;
	if (traits & CHANNEL_PRESENCE)
		return CHANNEL_TYPE_PRESENCE;
	return traits & CHANNEL_AUTHORIZED ? CHANNEL_TYPE_PRIVATE : CHANNEL_TYPE_PUBLIC;
}

/* A user's channel has no other name than the whole. */
str channel_base(str name)
{
	const struct kind *k = find_kind(name);

	return k && !(k->traits & CHANNEL_USER) ? str_skip(name, k->prefix.n) : name;
}

str channel_user(str name)
{
	return str_skip(name, USER_PREFIX.n);
}

/* The first character of s, which is valid UTF-8 and not empty, as bytes. */
static str first_char(str s)
{
	uint8_t lead = (uint8_t)s.p[0];

	return str_take(s, lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
}

static uint32_t code_point(str c)
{
	static const uint8_t LEAD_MASK[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t cp = (uint8_t)c.p[0] & LEAD_MASK[c.n];

	for (size_t i = 1; i < c.n; i++)
		cp = cp << 6 | ((uint8_t)c.p[i] & 0x3f);
	return cp;
}

static bool is_printable(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_LEN(UNPRINTABLE); i++) {
		if (cp >= UNPRINTABLE[i].first && cp <= UNPRINTABLE[i].last)
			return false;
	}
	return true;
}

static void put_char_debug(struct buf *b, str c)
{
	static const char ESCAPED[] = "\0\t\n\r'\\", LETTERS[] = "0tnr'\\";
	const char *hit = memchr(ESCAPED, c.p[0], sizeof(ESCAPED) - 1);

	buf_putc(b, '\'');
	if (hit) {
		buf_putc(b, '\\');
		buf_putc(b, LETTERS[hit - ESCAPED]);
	} else if (is_printable(code_point(c))) {
		buf_puts(b, c);
	} else {
		buf_printf(b, "\\u{%x}", code_point(c));
	}
	buf_putc(b, '\'');
}

static void put_problem(struct buf *b, str name)
{
	const char *separator = "";

	buf_puts(b, S("Channel name contains invalid characters: '"));
	buf_puts(b, name);
	buf_puts(b, S("' (invalid chars: ["));
	while (name.n) {
		str c = first_char(name);

		name = str_skip(name, c.n);
		if (IS_LEGAL[(uint8_t)c.p[0]])
			continue;
		buf_puts(b, str_from_cstr(separator));
		put_char_debug(b, c);
		separator = ", ";
	}
	buf_puts(b, S("])"));
}

static str problem_text(str name, struct arena *a)
{
	str text = S("Channel name contains invalid characters");
	struct buf b;

	if (name.n == 0 || !utf8_valid(name)) /* no characters that could be quoted */
		return text;
	buf_init(&b, 128 + 16 * name.n); /* no byte takes more than ", '\u{7f}'" and itself */
	put_problem(&b, name);
	if (buf_ok(&b)) /* else memory is short */
		text = arena_copy(a, buf_str(&b));
	buf_fini(&b);
	return text;
}

static bool is_all_legal(str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (!IS_LEGAL[(uint8_t)name.p[i]])
			return false;
	}
	return true;
}

err channel_name_check(str name, uint32_t bytes_max, struct arena *a, str *problem)
{
	if (name.n > bytes_max)
		return ERR_LIMIT;
	if (name.n > 0 && is_all_legal(name))
		return OK;
	*problem = problem_text(name, a);
	return ERR_SYNTAX;
}
