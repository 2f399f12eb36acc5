/* http1_chunked.c: the chunked body, byte by byte where it is framing, in one piece where it is
 * data.
 *
 * Where a chunk ends is where the next request begins for whoever sits in front of us, so nothing
 * lenient is taken: no sign, no 0x, no blanks around a size, no bare LF, no control character in
 * what is skipped. */
#include "codec/http1.h"

#include "base/check.h"
#include "base/text.h"

/* Extensions, trailers and leading zeros of one body together. */
#define SKIPPED_BYTES_MAX 4096

/* Named after what is waited for. */
enum {
	CHUNK_SIZE,	/* its first digit */
	CHUNK_SIZE_END, /* more digits, or what ends them */
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER, /* the first byte of a line */
	CHUNK_TRAILER_END,
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

/* One byte that is not data. */
static err take_byte(struct http_chunked *c, char got, const struct buf *out)
{
	switch (c->state) {
	case CHUNK_SIZE:
		return add_digit(c, got);
	case CHUNK_SIZE_END:
		if (got == '\r')
			return go(c, CHUNK_SIZE_LF);
		return got == ';' ? skip(c, got, CHUNK_EXTENSION) : add_digit(c, got);
	case CHUNK_EXTENSION:
		return got == '\r' ? go(c, CHUNK_SIZE_LF) : skip(c, got, CHUNK_EXTENSION);
	case CHUNK_SIZE_LF:
		return size_done(c, got, out);
	case CHUNK_DATA_CR:
		return expect(c, got, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return expect(c, got, '\n', CHUNK_SIZE);
	case CHUNK_TRAILER:
		return got == '\r' ? go(c, CHUNK_LAST_LF) : skip(c, got, CHUNK_TRAILER_END);
	case CHUNK_TRAILER_END:
		return got == '\r' ? go(c, CHUNK_TRAILER_LF) : skip(c, got, CHUNK_TRAILER_END);
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
