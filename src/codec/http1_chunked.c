/* http1_chunked.c: the chunked body, byte by byte where it is framing, in one piece where it is
 * data.
 *
 * Where a chunk ends is where the next request begins for whoever sits in front of us, so nothing
 * lenient is taken: no sign, no 0x, no blanks around a size, no bare LF. What is skipped must be
 * what it claims to be (extensions are tokens and quoted strings, trailers are header lines), for
 * what one reader skips another may read. */
#include "codec/http1.h"

#include "base/check.h"
#include "base/text.h"
#include "codec/http1_priv.h"

/* Extensions, trailers and leading zeros of one body together. */
#define SKIPPED_BYTES_MAX 4096

/* Named after what is waited for. */
enum {
	CHUNK_SIZE,	 /* its first digit */
	CHUNK_SIZE_END,	 /* more digits, or what ends them */
	CHUNK_EXTENSION, /* the first byte of its name */
	CHUNK_EXTENSION_NAME,
	CHUNK_EXTENSION_VALUE, /* its first byte */
	CHUNK_EXTENSION_TOKEN,
	CHUNK_EXTENSION_QUOTED,
	CHUNK_EXTENSION_ESCAPED,
	CHUNK_EXTENSION_END,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER, /* the first byte of a line */
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_DONE,
};

static err go(struct http_chunked *c, uint8_t state)
{
	c->state = state;
	return state == CHUNK_DONE ? OK : ERR_AGAIN;
}

static err expect(struct http_chunked *c, char got, char wanted, uint8_t next)
{
	return got == wanted ? go(c, next) : ERR_SYNTAX;
}

static err skip(struct http_chunked *c, char got, uint8_t next)
{
	bool is_text = (uint8_t)got >= 0x20 ? got != 0x7f : got == '\t';

	if (!is_text || c->n_skipped >= SKIPPED_BYTES_MAX)
		return ERR_SYNTAX;
	c->n_skipped++;
	return go(c, next);
}

static err skip_tchar(struct http_chunked *c, char got, uint8_t next)
{
	return HTTP_IS_TCHAR[(uint8_t)got] ? skip(c, got, next) : ERR_SYNTAX;
}

static err add_digit(struct http_chunked *c, char got)
{
	int digit = hex_digit(got);
	bool is_after_zeros = c->state == CHUNK_SIZE_END && c->left == 0;

	if (digit < 0 || c->left >> 60)
		return ERR_SYNTAX;
	c->left = c->left << 4 | (unsigned)digit;
	return is_after_zeros ? skip(c, got, CHUNK_SIZE_END) : go(c, CHUNK_SIZE_END);
}

static err size_done(struct http_chunked *c, char got, const struct buf *out)
{
	if (c->left > out->max - out->len)
		return ERR_LIMIT;
	return expect(c, got, '\n', c->left ? CHUNK_DATA : CHUNK_TRAILER);
}

static err end_extension(struct http_chunked *c, char got)
{
	if (got == '\r')
		return go(c, CHUNK_SIZE_LF);
	return got == ';' ? skip(c, got, CHUNK_EXTENSION) : ERR_SYNTAX;
}

static err take_extension(struct http_chunked *c, char got)
{
	bool is_token = HTTP_IS_TCHAR[(uint8_t)got];

	switch (c->state) {
	case CHUNK_EXTENSION:
		return skip_tchar(c, got, CHUNK_EXTENSION_NAME);
	case CHUNK_EXTENSION_NAME:
		if (got == '=')
			return skip(c, got, CHUNK_EXTENSION_VALUE);
		return is_token ? skip(c, got, CHUNK_EXTENSION_NAME) : end_extension(c, got);
	case CHUNK_EXTENSION_VALUE:
		if (got == '"')
			return skip(c, got, CHUNK_EXTENSION_QUOTED);
		return skip_tchar(c, got, CHUNK_EXTENSION_TOKEN);
	case CHUNK_EXTENSION_TOKEN:
		return is_token ? skip(c, got, CHUNK_EXTENSION_TOKEN) : end_extension(c, got);
	case CHUNK_EXTENSION_QUOTED:
		if (got == '\\')
			return skip(c, got, CHUNK_EXTENSION_ESCAPED);
		return skip(c, got, got == '"' ? CHUNK_EXTENSION_END : CHUNK_EXTENSION_QUOTED);
	case CHUNK_EXTENSION_ESCAPED:
		return skip(c, got, CHUNK_EXTENSION_QUOTED);
	case CHUNK_EXTENSION_END:
		return end_extension(c, got);
	}
	NEVER("not within an extension");
}

static const str FRAMING_NAMES[] = { { "content-length", 14 }, { "transfer-encoding", 17 } };

static err take_trailer_name(struct http_chunked *c, char got)
{
	char lower = (char)(got | 0x20); /* or, for what is no token anyway, anything */

	for (size_t i = 0; i < ARRAY_LEN(FRAMING_NAMES); i++) {
		str name = FRAMING_NAMES[i];

		if (c->name_len >= name.n || name.p[c->name_len] != lower)
			c->framing_names &= (uint8_t) ~(1u << i);
	}
	c->name_len++;
	return skip_tchar(c, got, CHUNK_TRAILER_NAME);
}

static err begin_trailer(struct http_chunked *c, char got)
{
	c->framing_names = (1u << ARRAY_LEN(FRAMING_NAMES)) - 1;
	c->name_len = 0;
	return take_trailer_name(c, got);
}

static err end_trailer_name(struct http_chunked *c, char got)
{
	for (size_t i = 0; i < ARRAY_LEN(FRAMING_NAMES); i++) {
		if ((c->framing_names >> i & 1) && c->name_len == FRAMING_NAMES[i].n)
			return ERR_SYNTAX;
	}
	return skip(c, got, CHUNK_TRAILER_VALUE);
}

/* One byte that is not data. */
static err take_byte(struct http_chunked *c, char got, const struct buf *out)
{
	switch (c->state) {
	case CHUNK_SIZE:
		return add_digit(c, got);
	case CHUNK_SIZE_END:
		return got == '\r' || got == ';' ? end_extension(c, got) : add_digit(c, got);
	case CHUNK_EXTENSION ... CHUNK_EXTENSION_END:
		return take_extension(c, got);
	case CHUNK_SIZE_LF:
		return size_done(c, got, out);
	case CHUNK_DATA_CR:
		return expect(c, got, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return expect(c, got, '\n', CHUNK_SIZE);
	case CHUNK_TRAILER:
		return got == '\r' ? go(c, CHUNK_LAST_LF) : begin_trailer(c, got);
	case CHUNK_TRAILER_NAME:
		return got == ':' ? end_trailer_name(c, got) : take_trailer_name(c, got);
	case CHUNK_TRAILER_VALUE:
		return got == '\r' ? go(c, CHUNK_TRAILER_LF) : skip(c, got, CHUNK_TRAILER_VALUE);
	case CHUNK_TRAILER_LF:
		return expect(c, got, '\n', CHUNK_TRAILER);
	case CHUNK_LAST_LF:
		return expect(c, got, '\n', CHUNK_DONE);
	}
	NEVER("a chunk state that takes no byte");
}

static err take_data(struct http_chunked *c, str in, size_t *taken, struct buf *out)
{
	str data = str_take(in, c->left < in.n ? (size_t)c->left : in.n);

	buf_puts(out, data);
	if (!buf_ok(out))
		return ERR_LIMIT;
	*taken = data.n;
	c->left -= data.n;
	return go(c, c->left ? CHUNK_DATA : CHUNK_DATA_CR);
}

err http_chunked_feed(struct http_chunked *c, str in, size_t *used, struct buf *out)
{
	err e = c->state == CHUNK_DONE ? OK : ERR_AGAIN;
	size_t at = 0;

	while (e == ERR_AGAIN && at < in.n) {
		size_t taken = 1;

		if (c->state == CHUNK_DATA)
			e = take_data(c, str_skip(in, at), &taken, out);
		else
			e = take_byte(c, in.p[at], out);
		at += taken;
	}
	*used = at;
	return e;
}
