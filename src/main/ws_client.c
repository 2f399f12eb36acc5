/* ws_client.c: frames that come unmasked and go masked. It trusts the server no further than the
 * server trusts clients: lengths are checked before anything is kept. */
#include "main/ws_client.h"

#include "base/check.h"
#include "base/text.h"

void ws_client_init(struct ws_client *w, struct client *c)
{
	*w = (struct ws_client){ .client = c };
	buf_init(&w->message, CLIENT_BYTES_MAX);
}

void ws_client_fini(struct ws_client *w)
{
	buf_fini(&w->message);
}

/* Handshake */

static void put_upgrade(const struct client_url *u, str target, str key, struct buf *b)
{
	buf_printf(b, "GET %.*s%.*s HTTP/1.1\r\nHost: ", STR_ARG(u->path), STR_ARG(target));
	client_url_put_host(u, b);
	buf_printf(b,
		   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		   "Sec-WebSocket-Key: %.*s\r\n\r\n",
		   STR_ARG(key));
}

static bool head_accepts(str head, str key)
{
	char accept[WS_ACCEPT_LEN];

	ws_accept(key, accept);
	return memmem(head.p, head.n, accept, sizeof(accept)) != NULL;
}

bool ws_client_open(struct ws_client *w, const struct client_url *u, str target,
		    struct buf *problem)
{
	struct client_response r;
	uint8_t nonce[16];
	char text[24];
	struct buf b;
	str key;

	rng_bytes(loop_rng(w->client->loop), nonce, sizeof(nonce));
	key = (str){ text, base64_encode(nonce, sizeof(nonce), text) };
	buf_init(&b, 64 << 10);
	put_upgrade(u, target, key, &b);
	client_send(w->client, buf_str(&b));
	buf_fini(&b);
	if (!client_response(w->client, &r, problem))
		return false;
	if (r.status != 101 ||
	    !head_accepts(str_take(buf_str(&w->client->in), r.head_bytes), key)) {
		buf_printf(problem, "the server did not open a WebSocket (HTTP status %u)",
			   r.status);
		return false;
	}
	buf_drop_front(&w->client->in, r.head_bytes);
	return true;
}

/* Frames */

struct frame {
	enum ws_opcode opcode;
	bool is_last;
	str payload;
	size_t len; /* with its header */
};

static uint64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static err frame_parse(str in, struct frame *out)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t head = 2;
	uint64_t n;

	if (in.n < head)
		return ERR_AGAIN;
	if ((p[0] & 0x70) || (p[1] & 0x80))
		return ERR_SYNTAX;
	n = p[1] & 0x7f;
	if (n >= 126) {
		head += n == 126 ? 2 : 8;
		if (in.n < head)
			return ERR_AGAIN;
		n = big_endian(p + 2, head - 2);
	}
	if (n > CLIENT_BYTES_MAX - WS_HEADER_MAX)
		return ERR_LIMIT;
	if (in.n - head < n)
		return ERR_AGAIN;
	*out = (struct frame){ .opcode = p[0] & 0x0f,
			       .is_last = p[0] & 0x80,
			       .payload = str_take(str_skip(in, head), (size_t)n),
			       .len = head + (size_t)n };
	return OK;
}

static err read_frame(struct ws_client *w, struct frame *out)
{
	struct buf *in = &w->client->in;
	err e;

	while ((e = frame_parse(str_skip(buf_str(in), w->n_taken), out)) == ERR_AGAIN) {
		buf_drop_front(in, w->n_taken);
		w->n_taken = 0;
		if (!client_receive(w->client, CLIENT_FOREVER))
			return ERR_IO;
	}
	if (e == OK)
		w->n_taken += out->len;
	return e;
}

static struct ws_message close_message(str payload)
{
	struct ws_message m = { .opcode = WS_CLOSE, .close_code = WS_CLOSE_NO_STATUS };

	if (payload.n < 2)
		return m;
	m.close_code = (uint16_t)big_endian((const uint8_t *)payload.p, 2);
	m.payload = str_skip(payload, 2);
	return m;
}

/* OK: *out is a whole message; ERR_AGAIN: more frames belong to it. */
static err take_data(struct ws_client *w, const struct frame *f, struct ws_message *out)
{
	bool is_first = f->opcode != WS_CONTINUATION;

	if (is_first == w->is_partial)
		return ERR_SYNTAX;
	w->is_partial = !f->is_last;
	if (is_first) {
		w->opcode = f->opcode;
		buf_clear(&w->message);
	}
	*out = (struct ws_message){ .opcode = w->opcode, .payload = f->payload };
	if (is_first && f->is_last)
		return OK;
	buf_puts(&w->message, f->payload);
	out->payload = buf_str(&w->message);
	if (!buf_ok(&w->message))
		return ERR_LIMIT;
	return f->is_last ? OK : ERR_AGAIN;
}

err ws_client_read(struct ws_client *w, struct ws_message *out)
{
	struct frame f;
	err e;

	for (;;) {
		e = read_frame(w, &f);
		if (e != OK)
			return e;
		switch (f.opcode) {
		case WS_PING:
			ws_client_send(w, WS_PONG, f.payload);
			continue;
		case WS_PONG:
			continue;
		case WS_CLOSE:
			*out = close_message(f.payload);
			return OK;
		case WS_TEXT:
		case WS_BINARY:
		case WS_CONTINUATION:
			e = take_data(w, &f, out);
			if (e != ERR_AGAIN)
				return e;
			continue;
		}
		return ERR_SYNTAX;
	}
}

bool ws_client_send(struct ws_client *w, enum ws_opcode op, str payload)
{
	uint8_t header[WS_HEADER_MAX], key[4];
	size_t n = ws_header_write(header, op, payload.n);
	bool is_sent;
	struct buf b;

	rng_bytes(loop_rng(w->client->loop), key, sizeof(key));
	header[1] |= 0x80;
	buf_init(&b, CLIENT_BYTES_MAX);
	buf_put(&b, header, n);
	buf_put(&b, key, sizeof(key));
	buf_puts(&b, payload);
	if (buf_ok(&b))
		ws_mask((uint8_t *)b.p + n + sizeof(key), payload.n, key, 0);
	is_sent = buf_ok(&b) && client_send(w->client, buf_str(&b));
	buf_fini(&b);
	return is_sent;
}
