/* deflate.c: offers in and an answer out, and zlib behind two functions.
 *
 * zlib makes one stream per window size, because a stream cannot change it; one inflater suffices,
 * since the largest window understands all smaller ones. A client that breaks its promise of a
 * smaller window is therefore not noticed, and does no harm.
 *
 * A compressed payload ends where a flush has brought it to a byte boundary, and the four bytes
 * that every such flush ends with are left out on the wire (RFC 7692, 7.2.1). They are put back
 * before inflating, so a payload is whole exactly if it then ends between two blocks. A block may
 * say that it is the last one (7.2.3.4); others may follow all the same, with a fresh window. */
#include "codec/deflate.h"

#include "base/check.h"
#include "base/mem.h"

#include <limits.h>
#define ZLIB_CONST /* it only reads its input */
#include <zlib.h>

/* Of 1 to 9. Measured on JSON of 350 bytes to 60 KB: 6, zlib's default, saves another 2 % to 11 %
 * and takes 1.1 to 3.6 times as long. */
#define LEVEL 3

static const char TAIL[4] = { 0, 0, '\xff', '\xff' };

/* Modes */

static const struct {
	const char *name;
	uint8_t window_bits;
} MODES[] = {
	{ "disabled", 0 },    { "dedicated", 15 },  { "shared", 15 },
	{ "window256b", 10 }, /* as in the original: zlib cannot do 8 */
	{ "window1kb", 10 },  { "window2kb", 11 },  { "window4kb", 12 },
	{ "window8kb", 13 },  { "window16kb", 14 }, { "window32kb", 15 },
};

bool deflate_mode_find(str name, uint8_t *window_bits)
{
	for (size_t i = 0; i < ARRAY_LEN(MODES); i++) {
		if (str_eq_nocase(str_from_cstr(MODES[i].name), name)) {
			*window_bits = MODES[i].window_bits;
			return true;
		}
	}
	return false;
}

/* Offers */

enum parameter {
	SERVER_NO_CONTEXT_TAKEOVER,
	CLIENT_NO_CONTEXT_TAKEOVER,
	SERVER_MAX_WINDOW_BITS,
	CLIENT_MAX_WINDOW_BITS,
	N_PARAMETERS
};

static const struct {
	const char *name;
	enum { VALUE_NONE, VALUE_OPTIONAL, VALUE_NEEDED } value;
} PARAMETERS[] = {
	[SERVER_NO_CONTEXT_TAKEOVER] = { "server_no_context_takeover", VALUE_NONE },
	[CLIENT_NO_CONTEXT_TAKEOVER] = { "client_no_context_takeover", VALUE_NONE },
	[SERVER_MAX_WINDOW_BITS] = { "server_max_window_bits", VALUE_NEEDED },
	[CLIENT_MAX_WINDOW_BITS] = { "client_max_window_bits", VALUE_OPTIONAL },
};
_Static_assert(ARRAY_LEN(PARAMETERS) == N_PARAMETERS, "each has a row");

struct offer {
	unsigned given; /* 1 << enum parameter */
	uint8_t window_bits[N_PARAMETERS];
};

/* As str_split, but a sep inside of quotes does not count. */
static str split_unquoted(str *rest, char sep)
{
	bool is_quoted = false;
	size_t i = 0;
	str head;

	for (; i < rest->n && (is_quoted || rest->p[i] != sep); i++) {
		if (rest->p[i] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && rest->p[i] == '\\')
			i++;
	}
	head = str_take(*rest, i);
	*rest = i < rest->n ? str_skip(*rest, i + 1) : (str){ 0 };
	return head;
}

/* A token, or a quoted string whose contents are one. False: longer than the two digits that
 * anybody means. */
static bool unquote(str value, char text[2], size_t *n)
{
	bool is_quoted = value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"';

	if (is_quoted)
		value = str_take(str_skip(value, 1), value.n - 2);
	*n = 0;
	for (size_t i = 0; i < value.n; i++) {
		if (is_quoted && value.p[i] == '\\' && i + 1 < value.n)
			i++;
		if (*n == 2)
			return false;
		text[(*n)++] = value.p[i];
	}
	return true;
}

/* 8 to 15 in plain digits; 0: it is something else. */
static uint8_t read_window_bits(str value)
{
	char text[2];
	uint64_t bits;
	size_t n;

	if (!unquote(value, text, &n) || (n > 0 && text[0] == '0') ||
	    !str_to_u64((str){ text, n }, DEFLATE_WINDOW_BITS_MAX, &bits) || bits < 8)
		return 0;
	return (uint8_t)bits;
}

static bool read_parameter(struct offer *o, str text)
{
	str value = text, name = str_trim(str_split(&value, '='));
	bool has_value = value.p != NULL;
	unsigned p = 0;

	while (p < N_PARAMETERS && !str_eq(str_from_cstr(PARAMETERS[p].name), name))
		p++;
	if (p == N_PARAMETERS || (o->given & 1u << p))
		return false;
	o->given |= 1u << p;
	if (!has_value)
		return PARAMETERS[p].value != VALUE_NEEDED;
	o->window_bits[p] = read_window_bits(str_trim(value));
	return PARAMETERS[p].value != VALUE_NONE && o->window_bits[p] > 0;
}

static bool read_offer(str text, struct offer *o)
{
	bool is_good = str_eq(str_trim(split_unquoted(&text, ';')), S("permessage-deflate"));

	*o = (struct offer){ .window_bits = { [SERVER_MAX_WINDOW_BITS] = DEFLATE_WINDOW_BITS_MAX,
					      [CLIENT_MAX_WINDOW_BITS] =
						      DEFLATE_WINDOW_BITS_MAX } };
	while (is_good && text.p)
		is_good = read_parameter(o, split_unquoted(&text, ';'));
	return is_good;
}

static bool settle(const struct offer *o, unsigned max, struct deflate_terms *out)
{
	uint8_t server = o->window_bits[SERVER_MAX_WINDOW_BITS];
	uint8_t client = o->window_bits[CLIENT_MAX_WINDOW_BITS];
	bool limits_client = o->given & 1u << CLIENT_MAX_WINDOW_BITS;

	if (server < DEFLATE_WINDOW_BITS_MIN || (max < DEFLATE_WINDOW_BITS_MAX && !limits_client))
		return false;
	*out = (struct deflate_terms){
		.server_window_bits = server < max ? server : (uint8_t)max,
		.client_window_bits = client < max ? client : (uint8_t)max,
		.was_limited = o->given & 1u << SERVER_MAX_WINDOW_BITS,
	};
	return true;
}

bool deflate_accept(str offers, unsigned window_bits_max, struct deflate_terms *out)
{
	ASSERT(window_bits_max >= DEFLATE_WINDOW_BITS_MIN &&
	       window_bits_max <= DEFLATE_WINDOW_BITS_MAX);
	while (offers.p) {
		struct offer o;

		if (read_offer(split_unquoted(&offers, ','), &o) &&
		    settle(&o, window_bits_max, out))
			return true;
	}
	return false;
}

/* Who says nothing has a window of 32 KiB. The client's may be named only where the client offered
 * that; settle has seen to it that it did if the window is smaller. */
void deflate_put_answer(struct buf *b, const struct deflate_terms *t)
{
	buf_puts(b,
		 S("permessage-deflate; server_no_context_takeover; client_no_context_takeover"));
	if (t->was_limited || t->server_window_bits < DEFLATE_WINDOW_BITS_MAX)
		buf_printf(b, "; server_max_window_bits=%u", t->server_window_bits);
	if (t->client_window_bits < DEFLATE_WINDOW_BITS_MAX)
		buf_printf(b, "; client_max_window_bits=%u", t->client_window_bits);
}

/* Streams */

struct deflate {
	z_stream compressors[DEFLATE_WINDOW_BITS_MAX +
			     1]; /* by their window; state NULL: not made yet */
	z_stream inflater;
};

static void *stream_alloc(void *opaque, unsigned n, unsigned bytes)
{
	return mem_chunk_alloc(16, (size_t)n * bytes);
}

static void stream_free(void *opaque, void *p)
{
	mem_chunk_free(p);
}

struct deflate *deflate_new(void)
{
	return xnew(struct deflate);
}

void deflate_free(struct deflate *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < ARRAY_LEN(d->compressors); i++)
		deflateEnd(&d->compressors[i]);
	inflateEnd(&d->inflater);
	xfree(d);
}

/* Its memory fits its window: a hash table and symbols for one block of as many bytes. Clearing the
 * hash table is a good part of the cost of a short message. */
static z_stream *compressor_get(struct deflate *d, unsigned window_bits)
{
	z_stream *z = &d->compressors[window_bits];
	int r;

	if (!z->state) {
		*z = (z_stream){ .zalloc = stream_alloc, .zfree = stream_free };
		r = deflateInit2(z, LEVEL, Z_DEFLATED, -(int)window_bits, (int)window_bits - 6,
				 Z_DEFAULT_STRATEGY);
	} else {
		r = deflateReset(z);
	}
	ASSERT(r == Z_OK);
	return z;
}

static z_stream *inflater_get(struct deflate *d)
{
	z_stream *z = &d->inflater;
	int r;

	if (!z->state) {
		*z = (z_stream){ .zalloc = stream_alloc, .zfree = stream_free };
		r = inflateInit2(z, -DEFLATE_WINDOW_BITS_MAX);
	} else {
		r = inflateReset(z);
	}
	ASSERT(r == Z_OK);
	return z;
}

/* Compressing */

unsigned deflate_window_bits(size_t payload_bytes, unsigned window_bits_max)
{
	/* zlib looks no further back than this much less than its window. */
	const size_t lookahead = 262;
	unsigned bits = DEFLATE_WINDOW_BITS_MIN;

	while (bits < window_bits_max && ((size_t)1 << bits) - lookahead < payload_bytes)
		bits++;
	return bits;
}

size_t deflate_compress(struct deflate *d, unsigned window_bits, str payload, char *out,
			size_t out_bytes_max)
{
	z_stream *z = compressor_get(d, window_bits);
	size_t n;

	if (payload.n > UINT_MAX || out_bytes_max > UINT_MAX)
		return 0;
	z->next_in = (const Bytef *)payload.p;
	z->avail_in = (uInt)payload.n;
	z->next_out = (Bytef *)out;
	z->avail_out = (uInt)out_bytes_max;
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0)
		return 0;
	n = out_bytes_max - z->avail_out;
	ASSERT(n > sizeof(TAIL) && memcmp(out + n - sizeof(TAIL), TAIL, sizeof(TAIL)) == 0);
	return n - sizeof(TAIL);
}

/* Inflating */

/* Where the next bytes may go. When the limit is reached that is one byte that nobody wants: if it
 * is written, the message is too long. */
static bool offer_room(z_stream *z, struct buf *out, Bytef *surplus)
{
	size_t n = 1;
	char *to = out->len < out->max ? buf_reserve(out, 1) : (char *)surplus;

	if (!to)
		return false;
	if (out->len < out->max)
		n = out->cap - out->len;
	z->next_out = (Bytef *)to;
	z->avail_out = n < UINT_MAX ? (uInt)n : UINT_MAX;
	return true;
}

/* More of the compressed bytes. *is_whole: does a payload that ends here end properly? */
static err inflate_piece(z_stream *z, const char *p, size_t n, struct buf *out, bool *is_whole)
{
	Bytef surplus;
	uInt room;
	int r;

	z->next_in = (const Bytef *)p;
	z->avail_in = (uInt)n;
	do {
		if (!offer_room(z, out, &surplus))
			return ERR_MEMORY;
		room = z->avail_out;
		r = inflate(z, Z_SYNC_FLUSH);
		if (out->len == out->max && z->avail_out == 0)
			return ERR_LIMIT;
		buf_commit(out, room - z->avail_out);
		if (r == Z_STREAM_END)
			inflateReset(z);
		else if (r != Z_OK && r != Z_BUF_ERROR)
			return ERR_SYNTAX;
	} while (z->avail_in > 0 || z->avail_out == 0);
	/* 128: just behind a block; without the 64 of a last one and with no bit left over. */
	*is_whole = r == Z_STREAM_END || z->data_type == 128;
	return OK;
}

err deflate_inflate(struct deflate *d, str compressed, struct buf *out)
{
	z_stream *z = inflater_get(d);
	bool is_whole = false;
	err e;

	if (compressed.n > UINT_MAX)
		return ERR_LIMIT;
	e = inflate_piece(z, compressed.p, compressed.n, out, &is_whole);
	if (e == OK)
		e = inflate_piece(z, TAIL, sizeof(TAIL), out, &is_whole);
	return e != OK || is_whole ? e : ERR_SYNTAX;
}
