#include "ws_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "die.h"
#include "ws_frame.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static bool contains(const char *text, size_t n, const char *word)
{
	return memmem(text, n, word, strlen(word)) != NULL;
}

static _Noreturn void die_of(const char *what, const char *bytes, size_t n)
{
	errno = 0;
	die("%s: %.*s", what, (int)(n < 500 ? n : 500), bytes);
}

static void send_frame(struct ws_client *c, unsigned opcode, const char *payload, size_t n)
{
	char frame[WS_CLIENT_HEAD_BYTES + 512];

	if (n > 512)
		die_of("too long for a client's frame", payload, n);
	tcp_queue(&c->tcp, frame, ws_frame_write(frame, opcode, payload, n));
	tcp_flush(&c->tcp);
}

static void send_text(struct ws_client *c, const char *text)
{
	send_frame(c, WS_TEXT, text, strlen(text));
}

static void on_control_event(struct ws_client *c, const char *text, size_t n)
{
	if (contains(text, n, "\"pusher:ping\""))
		send_text(c, "{\"event\":\"pusher:pong\",\"data\":{}}");
	else if (contains(text, n, "\"pusher:error\""))
		die_of("the server refuses", text, n);
}

static void on_text(struct ws_client *c, const char *text, size_t n)
{
	if (c->phase == WS_GREETING) {
		if (!contains(text, n, "\"pusher:connection_established\""))
			die_of("no greeting", text, n);
		c->phase = WS_OPEN;
		c->events->on_open(c);
		return;
	}
	if (c->phase == WS_SUBSCRIBING && contains(text, n, ":subscription_succeeded\"")) {
		c->phase = WS_SUBSCRIBED;
		c->events->on_subscribed(c);
		return;
	}
	if (!c->events->on_event(c, text, n))
		on_control_event(c, text, n);
}

static void on_ended(struct ws_client *c)
{
	errno = 0;
	if (!c->events->on_closed)
		die("the server closed a WebSocket");
	c->events->on_closed(c);
}

static void on_frame(struct ws_client *c, const struct ws_frame *f)
{
	switch (f->opcode) {
	case WS_TEXT:
		on_text(c, f->payload, f->payload_bytes);
		break;
	case WS_PING:
		send_frame(c, WS_PONG, f->payload, f->payload_bytes);
		break;
	case WS_CLOSE:
		ws_client_drop(c);
		on_ended(c);
		break;
	case WS_PONG:
		break;
	default:
		die("the server sent a frame with opcode %u", f->opcode);
	}
}

/* Returns the length of the answer's head, 0 while it is incomplete. */
static size_t take_upgrade(struct ws_client *c, const char *bytes, size_t n)
{
	const char *end = memmem(bytes, n, "\r\n\r\n", 4);
	size_t used;

	if (!end)
		return 0;
	used = (size_t)(end - bytes) + 4;
	if (!contains(bytes, used, " 101 ") || !contains(bytes, used, ACCEPT))
		die_of("no WebSocket", bytes, used);
	c->phase = WS_GREETING;
	return used;
}

static size_t on_bytes(struct tcp *t, const char *bytes, size_t n)
{
	struct ws_client *c = (struct ws_client *)t;
	size_t done = 0;
	struct ws_frame frame;
	size_t used;

	if (c->phase == WS_UPGRADING)
		done = take_upgrade(c, bytes, n);
	while (c->phase != WS_UPGRADING && tcp_is_open(t)) {
		enum ws_read result = ws_frame_read(bytes + done, n - done, &frame, &used);

		if (result == WS_READ_BROKEN)
			die_of("not a frame that a server may send", bytes + done, n - done);
		if (result == WS_READ_MORE)
			break;
		done += used;
		on_frame(c, &frame);
	}
	return done;
}

static void on_end(struct tcp *t)
{
	on_ended((struct ws_client *)t);
}

void ws_client_open(struct ws_client *c, struct bench *b, const struct ws_client_events *events)
{
	static const struct tcp_events tcp_events = { on_bytes, on_end };
	char request[512];
	int n = snprintf(request, sizeof request,
			 "GET /app/%s?protocol=7&client=bench&version=1.0&flash=false HTTP/1.1\r\n"
			 "Host: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
			 b->app_key, b->port);

	if (n < 0 || (size_t)n >= sizeof request)
		die("the application's key is too long");
	c->events = events;
	c->phase = WS_UPGRADING;
	tcp_open(&c->tcp, b->loop, b->port, &tcp_events);
	tcp_queue(&c->tcp, request, (size_t)n);
	tcp_flush(&c->tcp);
}

void ws_client_subscribe(struct ws_client *c, const char *channel)
{
	char text[512];

	snprintf(text, sizeof text,
		 "{\"event\":\"pusher:subscribe\",\"data\":{\"auth\":\"\",\"channel\":\"%s\"}}",
		 channel);
	c->phase = WS_SUBSCRIBING;
	send_text(c, text);
}

void ws_client_ping(struct ws_client *c)
{
	send_text(c, "{\"event\":\"pusher:ping\",\"data\":{}}");
}

void ws_client_close(struct ws_client *c)
{
	c->phase = WS_CLOSING;
	send_frame(c, WS_CLOSE, "\x03\xe8", 2);
}

void ws_client_drop(struct ws_client *c)
{
	tcp_close(&c->tcp);
}
