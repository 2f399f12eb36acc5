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

static void put_upgrade(const struct ws_client *w, const struct client_url *u, str target,
			str lines, struct buf *b)
{
	buf_printf(b, "GET %.*s%.*s HTTP/1.1\r\nHost: ", STR_ARG(u->path), STR_ARG(target));
	client_url_put_host(u, b);
	buf_printf(b,
		   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		   "Sec-WebSocket-Key: %.*s\r\n%.*s\r\n",
		   (int)sizeof(w->key), w->key, STR_ARG(lines));
}

bool ws_client_ask(struct ws_client *w, const struct client_url *u, str target, str lines)
{
	uint8_t nonce[16];
	struct buf b;
	bool is_sent;

	dial_random(nonce, sizeof(nonce));
	base64_encode(nonce, sizeof(nonce), w->key);
	buf_init(&b, 64 << 10);
	put_upgrade(w, u, target, lines, &b);
	is_sent = buf_ok(&b) && client_send(w->client, buf_str(&b));
	buf_fini(&b);
	return is_sent;
}

bool ws_client_is_accepted(const struct ws_client *w, str head)
{
	char accept[WS_ACCEPT_LEN];

	ws_accept((str){ w->key, sizeof(w->key) }, accept);
	return memmem(head.p, head.n, accept, sizeof(accept)) != NULL;
}

void ws_client_begin(struct ws_client *w, size_t head_bytes)
{
	buf_drop_front(&w->client->in, head_bytes);
}

bool ws_client_open(struct ws_client *w, const struct client_url *u, str target,
		    struct buf *problem)
{
	struct client_response r;

	ws_client_ask(w, u, target, S(""));
	if (!client_response(w->client, &r, problem))
		return false;
	if (r.status != 101 ||
	    !ws_client_is_accepted(w, str_take(buf_str(&w->client->in), r.head_bytes))) {
		buf_printf(problem, "the server did not open a WebSocket (HTTP status %u)",
			   r.status);
		return false;
	}
	ws_client_begin(w, r.head_bytes);
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

static unsigned left_ms(uint64_t deadline_ms)
{
	uint64_t now = dial_now_ms();

	if (deadline_ms == UINT64_MAX)
		return CLIENT_FOREVER;
	return deadline_ms > now ? (unsigned)(deadline_ms - now) : 0;
}

static err read_frame(struct ws_client *w, uint64_t deadline_ms, struct frame *out)
{
	struct buf *in = &w->client->in;
	err e;

	while ((e = frame_parse(str_skip(buf_str(in), w->n_taken), out)) == ERR_AGAIN) {
		buf_drop_front(in, w->n_taken);
		w->n_taken = 0;
		e = client_receive(w->client, left_ms(deadline_ms));
		if (e != OK)
			return e;
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

err ws_client_read(struct ws_client *w, unsigned wait_ms, struct ws_message *out)
{
	uint64_t deadline_ms = wait_ms == CLIENT_FOREVER ? UINT64_MAX : dial_now_ms() + wait_ms;
	struct frame f;
	err e;

	/* Who sends nothing but pings is not waited for either. */
	do {
		e = read_frame(w, deadline_ms, &f);
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
	} while (left_ms(deadline_ms) > 0);
	return ERR_AGAIN;
}

bool ws_client_send(struct ws_client *w, enum ws_opcode op, str payload)
{
	uint8_t header[WS_HEADER_MAX], key[4];
	size_t n = ws_header_write(header, op, payload.n);
	bool is_sent;
	struct buf b;

	dial_random(key, sizeof(key));
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
