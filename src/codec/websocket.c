/* websocket.c: frames in, messages out.
 *
 * A reader takes steps. A step is either a message that lies in the input from end to end, the
 * usual case, which is unmasked and handed out where it lies; or a piece of a header or payload
 * that moves into the partial. Everything that can be known early is checked early: a header byte
 * by byte, sizes before the payload, text as it arrives. */
#include "codec/websocket.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "codec/deflate.h"
#include "codec/digest.h"

#define FINAL_BIT 0x80
#define HEADER_IN_MAX 14 /* 2 + 8 bytes of length + 4 of key */
#define CONTROL_MAX 125
#define FIRST_CAPACITY 256
#define CLOSE_INTERNAL_ERROR 1011

struct frame {
	enum ws_opcode opcode;
	bool is_final;
	bool is_compressed; /* RSV1: the message that it begins is */
	uint8_t key[4];
	uint64_t len;
};

/* What is incomplete: the header of a frame, the payload of a frame, the message that frames add up
 * to. A control frame may come in between, so its payload has a place of its own. */
struct ws_partial {
	uint8_t header[HEADER_IN_MAX];
	uint8_t header_len; /* of an unfinished header */
	bool in_frame;
	bool in_message;	       /* its first frame was seen, its last byte not */
	bool is_compressed;	       /* that message: what is in data is not its text yet */
	enum ws_opcode message_opcode; /* WS_TEXT or WS_BINARY */
	struct frame frame;
	uint64_t frame_taken; /* of frame.len */
	struct utf8 utf8;
	uint8_t control[CONTROL_MAX];
	char *data; /* of the message; survives its delivery until the next call */
	size_t data_len, data_cap;
};

/* One call of ws_read. */
struct read {
	struct ws_reader *r;
	const struct ws_limits *lim;
	str *in;
	struct ws_message *out;
	struct ws_failure *why;
};

static err fail(struct read *c, uint16_t close_code, const char *text)
{
	*c->why = (struct ws_failure){ close_code, text, 0 };
	return ERR_SYNTAX;
}

static err fail_size(struct read *c, const char *text, uint64_t actual_bytes)
{
	*c->why = (struct ws_failure){ WS_CLOSE_TOO_BIG, text, actual_bytes };
	return ERR_LIMIT;
}

static err fail_memory(struct read *c)
{
	*c->why = (struct ws_failure){ CLOSE_INTERNAL_ERROR, "out of memory", 0 };
	return ERR_MEMORY;
}

static bool is_control(enum ws_opcode op)
{
	return op >= WS_CLOSE;
}

/* The partial */

static void partial_free(struct ws_reader *r)
{
	if (!r->partial)
		return;
	xfree(r->partial->data);
	xfree(r->partial);
	r->partial = NULL;
}

static struct ws_partial *partial_need(struct ws_reader *r)
{
	if (!r->partial) {
		r->partial = try_alloc(sizeof(*r->partial));
		if (r->partial)
			memset(r->partial, 0, sizeof(*r->partial));
	}
	return r->partial;
}

static bool partial_is_done(const struct ws_partial *p)
{
	return p->header_len == 0 && !p->in_frame && !p->in_message;
}

/* Memory follows the bytes that came, never the length that was declared; doubling stops at that
 * length if it is the message's. It must not at a fragment's: many small ones would move the whole
 * message as often as they are many. */
static bool partial_grow(struct ws_partial *p, size_t n)
{
	size_t need = p->data_len + n;
	uint64_t declared = p->data_len + p->frame.len - p->frame_taken;
	uint64_t cap = 2 * (uint64_t)p->data_cap;
	char *data;

	if (need <= p->data_cap)
		return true;
	cap = cap < FIRST_CAPACITY ? FIRST_CAPACITY : cap;
	if (p->frame.is_final && cap > declared)
		cap = declared;
	cap = cap < need ? need : cap;
	data = try_realloc(p->data, (size_t)cap);
	if (!data)
		return false;
	p->data = data;
	p->data_cap = (size_t)cap;
	return true;
}

/* Headers */

static bool in_message(const struct read *c)
{
	return c->r->partial && c->r->partial->in_message;
}

static err check_first_byte(struct read *c, uint8_t b)
{
	enum ws_opcode op = b & 0x0f;
	bool may_be_compressed = c->lim->deflate && (op == WS_TEXT || op == WS_BINARY);

	if (b & (may_be_compressed ? 0x30 : 0x70))
		return fail(c, WS_CLOSE_PROTOCOL, "reserved bits are set");
	if (op > WS_PONG || (op > WS_BINARY && op < WS_CLOSE))
		return fail(c, WS_CLOSE_PROTOCOL, "unknown opcode");
	if (is_control(op) && !(b & FINAL_BIT))
		return fail(c, WS_CLOSE_PROTOCOL, "fragmented control frame");
	if (op == WS_CONTINUATION && !in_message(c))
		return fail(c, WS_CLOSE_PROTOCOL, "continuation without a message");
	if (!is_control(op) && op != WS_CONTINUATION && in_message(c))
		return fail(c, WS_CLOSE_PROTOCOL, "new message inside a fragmented one");
	return OK;
}

static err check_second_byte(struct read *c, enum ws_opcode op, uint8_t b)
{
	uint8_t len = b & 0x7f;

	if (!(b & 0x80))
		return fail(c, WS_CLOSE_PROTOCOL, "frame is not masked");
	if (is_control(op) && len > CONTROL_MAX)
		return fail(c, WS_CLOSE_PROTOCOL, "control frame above 125 bytes");
	if (op == WS_CLOSE && len == 1)
		return fail(c, WS_CLOSE_PROTOCOL, "close frame with half a code");
	return OK;
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static err check_length(struct read *c, uint64_t len, size_t n_len)
{
	if (len >> 63)
		return fail(c, WS_CLOSE_PROTOCOL, "length with its top bit set");
	if ((n_len == 2 && len < 126) || (n_len == 8 && len < 65536))
		return fail(c, WS_CLOSE_PROTOCOL, "length in too long a form");
	return OK;
}

/* What does not shrink grows a little when it is compressed all the same. */
static uint64_t arriving_bytes_max(const struct read *c, const struct frame *f)
{
	uint64_t max = c->lim->message_bytes_max;
	bool is_compressed = in_message(c) ? c->r->partial->is_compressed : f->is_compressed;

	return is_compressed ? max + max / 8 + 64 : max;
}

/* Against the limits, before anything of the payload is kept. */
static err check_size(struct read *c, const struct frame *f)
{
	uint64_t message_len = f->len + (in_message(c) ? c->r->partial->data_len : 0);

	if (is_control(f->opcode))
		return OK;
	if (message_len > arriving_bytes_max(c, f))
		return fail_size(c, "message above the limit", message_len);
	if (f->len > c->lim->frame_bytes_max)
		return fail_size(c, "frame above the limit", f->len);
	return OK;
}

/* Reads a header out of the n bytes at p; *len is its length. ERR_AGAIN: as far as it is there it
 * is good. */
static err read_header(struct read *c, const uint8_t *p, size_t n, struct frame *f, size_t *len)
{
	size_t n_len = 0;
	err e = n > 0 ? check_first_byte(c, p[0]) : ERR_AGAIN;

	if (e != OK)
		return e;
	f->opcode = p[0] & 0x0f;
	f->is_final = p[0] & FINAL_BIT;
	f->is_compressed = p[0] & WS_COMPRESSED_BIT;
	e = n > 1 ? check_second_byte(c, f->opcode, p[1]) : ERR_AGAIN;
	if (e != OK)
		return e;
	f->len = p[1] & 0x7f;
	if (f->len > 125)
		n_len = f->len == 126 ? 2 : 8;
	if (n < 2 + n_len)
		return ERR_AGAIN;
	if (n_len > 0) {
		f->len = big_endian(p + 2, n_len);
		e = check_length(c, f->len, n_len);
	}
	if (e == OK)
		e = check_size(c, f);
	if (e != OK)
		return e;
	*len = 2 + n_len + sizeof(f->key);
	if (n < *len)
		return ERR_AGAIN;
	memcpy(f->key, p + 2 + n_len, sizeof(f->key));
	return OK;
}

/* The header is split: its bytes are collected, one by one since there are few. */
static err collect_header(struct read *c, struct frame *f)
{
	struct ws_partial *p = partial_need(c->r);
	size_t len;
	err e = ERR_AGAIN;

	if (!p)
		return fail_memory(c);
	while (e == ERR_AGAIN && c->in->n > 0) {
		p->header[p->header_len++] = (uint8_t)c->in->p[0];
		*c->in = str_skip(*c->in, 1);
		e = read_header(c, p->header, p->header_len, f, &len);
	}
	if (e == OK)
		p->header_len = 0;
	return e;
}

static err take_header(struct read *c, struct frame *f)
{
	size_t len;
	err e;

	if (c->in->n == 0)
		return ERR_AGAIN;
	if (c->r->partial && c->r->partial->header_len > 0)
		return collect_header(c, f);
	e = read_header(c, (const uint8_t *)c->in->p, c->in->n, f, &len);
	if (e == OK)
		*c->in = str_skip(*c->in, len);
	return e == ERR_AGAIN ? collect_header(c, f) : e;
}

/* Delivery */

static bool close_code_is_valid(uint16_t code)
{
	if (code < 3000)
		return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
	return code < 5000;
}

static err deliver_close(struct read *c, str payload)
{
	uint16_t code;

	*c->out = (struct ws_message){ WS_CLOSE, payload, WS_CLOSE_NO_STATUS };
	if (payload.n == 0)
		return OK;
	code = (uint16_t)big_endian((const uint8_t *)payload.p, 2);
	if (!close_code_is_valid(code))
		return fail(c, WS_CLOSE_PROTOCOL, "close code that may not be sent");
	c->out->close_code = code;
	c->out->payload = str_skip(payload, 2);
	if (!utf8_valid(c->out->payload))
		return fail(c, WS_CLOSE_BAD_TEXT, "close reason is not UTF-8");
	return OK;
}

/* The text of a compressed message takes its place in the partial. */
static err deliver_inflated(struct read *c, enum ws_opcode op, str compressed)
{
	struct ws_partial *p = partial_need(c->r);
	struct buf text;
	err e;

	if (!p)
		return fail_memory(c);
	buf_init(&text, (size_t)c->lim->message_bytes_max);
	e = deflate_inflate(c->lim->deflate, compressed, &text);
	xfree(p->data);
	p->data = text.p;
	p->data_len = text.len;
	p->data_cap = text.cap;
	if (e == ERR_LIMIT)
		return fail_size(c, "message above the limit", c->lim->message_bytes_max + 1);
	if (e == ERR_MEMORY)
		return fail_memory(c);
	if (e != OK)
		return fail(c, WS_CLOSE_BAD_TEXT, "compressed data is damaged");
	if (op == WS_TEXT && !utf8_valid(buf_str(&text)))
		return fail(c, WS_CLOSE_BAD_TEXT, "text is not UTF-8");
	*c->out = (struct ws_message){ op, buf_str(&text), 0 };
	return OK;
}

static err deliver(struct read *c, enum ws_opcode op, str payload)
{
	if (op == WS_CLOSE)
		return deliver_close(c, payload);
	*c->out = (struct ws_message){ op, payload, 0 };
	return OK;
}

/* Cuts what has come of the payload off the input and unmasks it where it lies. */
static str take_payload(struct read *c, const struct frame *f, uint64_t offset)
{
	uint64_t left = f->len - offset;
	str piece = str_take(*c->in, left < c->in->n ? (size_t)left : c->in->n);

	/* ws_read asks for memory that may be written; a str cannot say so. */
	ws_mask((uint8_t *)(uintptr_t)piece.p, piece.n, f->key, offset);
	*c->in = str_skip(*c->in, piece.n);
	return piece;
}

/* A message or control frame that lies in the input from end to end: nothing is copied, nothing is
 * kept unless it has to be inflated. */
static err take_whole(struct read *c, const struct frame *f)
{
	str payload = take_payload(c, f, 0);

	if (f->is_compressed)
		return deliver_inflated(c, f->opcode, payload);
	if (f->opcode == WS_TEXT && !utf8_valid(payload))
		return fail(c, WS_CLOSE_BAD_TEXT, "text is not UTF-8");
	return deliver(c, f->opcode, payload);
}

static err begin_frame(struct read *c, const struct frame *f)
{
	struct ws_partial *p = partial_need(c->r);

	if (!p)
		return fail_memory(c);
	p->in_frame = true;
	p->frame = *f;
	p->frame_taken = 0;
	if (!is_control(f->opcode) && f->opcode != WS_CONTINUATION) {
		p->in_message = true;
		p->is_compressed = f->is_compressed;
		p->message_opcode = f->opcode;
	}
	return OK;
}

static err keep_data(struct read *c, str piece)
{
	struct ws_partial *p = c->r->partial;

	if (p->message_opcode == WS_TEXT && !p->is_compressed && !utf8_feed(&p->utf8, piece))
		return fail(c, WS_CLOSE_BAD_TEXT, "text is not UTF-8");
	if (!partial_grow(p, piece.n))
		return fail_memory(c);
	memcpy(p->data + p->data_len, piece.p, piece.n);
	p->data_len += piece.n;
	return OK;
}

static err end_frame(struct read *c)
{
	struct ws_partial *p = c->r->partial;

	p->in_frame = false;
	if (is_control(p->frame.opcode))
		return deliver(c, p->frame.opcode,
			       (str){ (char *)p->control, (size_t)p->frame.len });
	if (!p->frame.is_final)
		return ERR_AGAIN;
	p->in_message = false;
	if (p->is_compressed)
		return deliver_inflated(c, p->message_opcode, (str){ p->data, p->data_len });
	if (p->message_opcode == WS_TEXT && !utf8_at_boundary(&p->utf8))
		return fail(c, WS_CLOSE_BAD_TEXT, "text is not UTF-8");
	return deliver(c, p->message_opcode, (str){ p->data, p->data_len });
}

/* More of the frame in the partial. ERR_AGAIN: go on with what is left of the input, if anything
 * is. */
static err continue_frame(struct read *c)
{
	struct ws_partial *p = c->r->partial;
	str piece = take_payload(c, &p->frame, p->frame_taken);
	err e = OK;

	if (is_control(p->frame.opcode))
		memcpy(p->control + p->frame_taken, piece.p, piece.n);
	else if (piece.n > 0)
		e = keep_data(c, piece);
	if (e != OK)
		return e;
	p->frame_taken += piece.n;
	return p->frame_taken == p->frame.len ? end_frame(c) : ERR_AGAIN;
}

/* One step: a whole message, or a piece of one into the partial. */
static err step(struct read *c)
{
	struct frame f;
	bool is_message;
	err e;

	if (c->r->partial && c->r->partial->in_frame)
		return continue_frame(c);
	e = take_header(c, &f);
	if (e != OK)
		return e;
	is_message = is_control(f.opcode) || (f.is_final && f.opcode != WS_CONTINUATION);
	if (is_message && f.len <= c->in->n)
		return take_whole(c, &f);
	e = begin_frame(c, &f);
	return e == OK ? continue_frame(c) : e;
}

void ws_reader_init(struct ws_reader *r)
{
	r->partial = NULL;
}

void ws_reader_fini(struct ws_reader *r)
{
	partial_free(r);
}

err ws_read(struct ws_reader *r, const struct ws_limits *lim, str *in, struct ws_message *out,
	    struct ws_failure *why)
{
	struct read c = { r, lim, in, out, why };
	err e;

	if (r->partial && partial_is_done(r->partial))
		partial_free(r);
	do
		e = step(&c);
	while (e == ERR_AGAIN && in->n > 0);
	if (e != OK && e != ERR_AGAIN)
		partial_free(r);
	return e;
}

/* Out */

void ws_mask(uint8_t *p, size_t n, const uint8_t key[4], uint64_t offset)
{
	uint8_t turned[8];
	uint64_t key_word;
	size_t i = 0;

	for (size_t k = 0; k < sizeof(turned); k++)
		turned[k] = key[(offset + k) & 3];
	memcpy(&key_word, turned, sizeof(key_word));
	for (; n - i >= sizeof(key_word); i += sizeof(key_word)) {
		uint64_t w;

		memcpy(&w, p + i, sizeof(w));
		w ^= key_word;
		memcpy(p + i, &w, sizeof(w));
	}
	for (; i < n; i++)
		p[i] ^= turned[i & 3];
}

size_t ws_header_write(uint8_t out[WS_HEADER_MAX], enum ws_opcode op, uint64_t payload_bytes)
{
	size_t n_len = payload_bytes < 126 ? 0 : payload_bytes < 65536 ? 2 : 8;

	out[0] = (uint8_t)(FINAL_BIT | op);
	out[1] = (uint8_t)(n_len == 0 ? payload_bytes : n_len == 2 ? 126 : 127);
	for (size_t i = 0; i < n_len; i++)
		out[2 + i] = (uint8_t)(payload_bytes >> 8 * (n_len - 1 - i));
	return 2 + n_len;
}

struct msg *ws_frame_join(enum ws_opcode op, const str *pieces, size_t n_pieces)
{
	uint8_t header[WS_HEADER_MAX];
	size_t header_len, payload_len = 0;
	struct msg *m;
	char *at;

	for (size_t i = 0; i < n_pieces; i++)
		payload_len += pieces[i].n;
	header_len = ws_header_write(header, op, payload_len);
	m = msg_new(header_len + payload_len);
	if (!m)
		return NULL;
	m->head_len = (uint32_t)header_len;
	memcpy(m->bytes, header, header_len);
	at = m->bytes + header_len;
	for (size_t i = 0; i < n_pieces; i++) {
		if (pieces[i].n > 0)
			memcpy(at, pieces[i].p, pieces[i].n);
		at += pieces[i].n;
	}
	return m;
}

struct msg *ws_frame_new(enum ws_opcode op, str payload)
{
	return ws_frame_join(op, &payload, 1);
}

struct msg *ws_close_new(uint16_t code, str reason)
{
	char code_bytes[2] = { (char)(code >> 8), (char)code };
	str pieces[] = { { code_bytes, 2 }, utf8_truncate(reason, CONTROL_MAX - 2) };

	return ws_frame_join(WS_CLOSE, pieces, code == WS_CLOSE_NO_STATUS ? 0 : 2);
}

void ws_accept(str key, char out[WS_ACCEPT_LEN])
{
	const str pieces[] = { key, S("258EAFA5-E914-47DA-95CA-C5AB0DC85B11") };
	uint8_t digest[20];

	sha1(pieces, ARRAY_LEN(pieces), digest);
	base64_encode(digest, sizeof(digest), out);
}
