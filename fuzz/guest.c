#include "guest.h"

#include "fuzz.h"

#include "base/json.h"
#include "base/mem.h"
#include "codec/deflate.h"
#include "codec/websocket.h"
#include "wire.h"

void guest_connect(struct guest *g, struct sim *s, const struct net_address *to)
{
	struct sim_peer_init init = { .to = *to };

	g->peer = sim_peer_connect(s, &init);
	g->mode = GUEST_NEW;
	g->is_packed = g->is_paused = g->is_closed = false;
	g->n_pongs = 0;
	g->socket_id_n = g->in_n = g->out_n = 0;
}

void guest_say(struct guest *g, str bytes)
{
	if (!g->peer || bytes.n == 0 || bytes.n > sizeof(g->out) - g->out_n)
		return;
	memcpy(g->out + g->out_n, bytes.p, bytes.n);
	g->out_n += bytes.n;
}

void guest_say_frame(struct guest *g, uint8_t first_byte, str payload)
{
	struct buf b;

	buf_init(&b, payload.n + 14);
	wire_put_frame(&b, first_byte, payload, 0x37fa213d);
	guest_say(g, buf_str(&b));
	buf_fini(&b);
}

void guest_close(struct guest *g)
{
	if (g->peer)
		sim_peer_close(g->peer);
	g->peer = NULL;
}

void guest_reset(struct guest *g)
{
	if (g->peer)
		sim_peer_reset(g->peer);
	g->peer = NULL;
}

/* Messages */

/* data is a text that holds {"socket_id":"1.2",…}; the id needs no decoding. */
static void note_socket_id(struct guest *g, struct json data)
{
	str mark = S("{\\\"socket_id\\\":\\\""), id = str_skip(data.raw, 1 + mark.n);

	CHECK(str_has_prefix(str_skip(data.raw, 1), mark));
	id = str_take(id, str_find_char(id, '\\'));
	CHECK(id.n > 0 && id.n < sizeof(g->socket_id));
	memcpy(g->socket_id, id.p, id.n);
	g->socket_id_n = id.n;
}

static void on_text(struct guest *g, str text)
{
	struct json top, event;

	CHECK(json_parse(text, JSON_DEPTH_MAX, &top, NULL) == OK && top.kind == JSON_OBJECT);
	event = json_find(top, S("event"));
	CHECK(event.raw.p && event.kind == JSON_STRING);
	if (json_string_is(event, S("pusher:connection_established")))
		note_socket_id(g, json_find(top, S("data")));
	else if (json_string_is(event, S("pusher:pong")))
		g->n_pongs++;
	else if (json_string_is(event, S("pusher:ping")))
		guest_say_frame(g, WIRE_FIN | WIRE_TEXT, S("{\"event\":\"pusher:pong\"}"));
}

static void on_packed(struct guest *g, str packed)
{
	uint64_t fails_in = mem_fail_nth(0); /* it is for the server alone */
	struct buf text;

	buf_init(&text, sizeof(g->in));
	CHECK(deflate_inflate(the_deflate(), packed, &text) == OK);
	mem_fail_nth(fails_in);
	on_text(g, buf_str(&text));
	buf_fini(&text);
}

static void on_close(struct guest *g, str payload)
{
	unsigned code = wire_close_code(payload);

	CHECK(payload.n == 0 || (code >= 1000 && code < 5000));
	CHECK(naive_utf8_valid(str_skip(payload, 2)));
	g->is_closed = true;
}

static void on_frame(struct guest *g, const struct wire_frame *f, bool is_packed)
{
	CHECK(!g->is_closed); /* nothing comes after it */
	CHECK(!is_packed || f->opcode == WIRE_TEXT);
	if (is_packed)
		on_packed(g, f->payload);
	else if (f->opcode == WIRE_TEXT)
		on_text(g, f->payload);
	else if (f->opcode == WIRE_CLOSE)
		on_close(g, f->payload);
}

/* Input */

static void decide_mode(struct guest *g, str *in)
{
	str head;
	const char *end = in->n ? memmem(in->p, in->n, "\r\n\r\n", 4) : NULL;

	if (!end)
		return;
	CHECK(str_has_prefix(*in, S("HTTP/1.1 ")));
	g->mode = str_has_prefix(*in, S("HTTP/1.1 101 ")) ? GUEST_WEBSOCKET : GUEST_HTTP;
	head = str_take(*in, (size_t)(end + 4 - in->p));
	g->is_packed = wire_header(head, S("sec-websocket-extensions")).n > 0;
	*in = str_skip(*in, head.n);
}

/* The mark of a packed message is taken off. */
static err take_frame(struct guest *g, str *in, struct wire_frame *f, bool *is_packed)
{
	char *first = (char *)(uintptr_t)in->p;
	err e;

	*is_packed = g->is_packed && in->n && (*first & WS_COMPRESSED_BIT);
	if (!*is_packed)
		return wire_take_frame(in, f);
	*first ^= WS_COMPRESSED_BIT;
	e = wire_take_frame(in, f);
	if (e == ERR_AGAIN)
		*first ^= WS_COMPRESSED_BIT;
	return e;
}

static void take(struct guest *g)
{
	str in = { g->in, g->in_n };
	struct wire_frame f;
	bool is_packed;
	err e = OK;

	if (g->mode == GUEST_NEW)
		decide_mode(g, &in);
	if (g->mode == GUEST_HTTP)
		in = str_skip(in, in.n); /* whose end depends on what was asked */
	while (g->mode == GUEST_WEBSOCKET && (e = take_frame(g, &in, &f, &is_packed)) == OK)
		on_frame(g, &f, is_packed);
	CHECK(e != ERR_SYNTAX);
	memmove(g->in, in.p, in.n);
	g->in_n = in.n;
}

void guest_serve(struct guest *g)
{
	size_t n;

	if (!g->peer)
		return;
	do {
		n = g->is_paused ? 0 :
				   sim_peer_read(g->peer, g->in + g->in_n, sizeof(g->in) - g->in_n);
		g->in_n += n;
		if (n)
			take(g);
	} while (n);
	CHECK(g->in_n < sizeof(g->in)); /* nothing of this size is ever sent at once */
	n = g->out_n ? sim_peer_write(g->peer, g->out, g->out_n) : 0;
	g->out_n -= n;
	memmove(g->out, g->out + n, g->out_n);
}
