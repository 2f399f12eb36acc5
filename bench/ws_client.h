/* ws_client.h: one Pusher client on one WebSocket: connect, subscribe, receive, ping.
 *
 * It answers pusher:ping, and dies on pusher:error and on anything that a Pusher server must not do, because
 * no scenario provokes either. The handshake always sends the key of RFC 6455's example, so the accepted value
 * is a constant. */
#ifndef BENCH_WS_CLIENT_H
#define BENCH_WS_CLIENT_H

#include "bench.h"
#include "tcp.h"

enum ws_phase { WS_UPGRADING, WS_GREETING, WS_OPEN, WS_SUBSCRIBING, WS_SUBSCRIBED, WS_CLOSING };

struct ws_client;

/* Each may drop the client; all are called from loop_poll(). */
struct ws_client_events {
	void (*on_open)(struct ws_client *c); /* pusher:connection_established */
	void (*on_subscribed)(struct ws_client *c);
	/* Any other event. False if it is none of the owner's, then the client deals with it. */
	bool (*on_event)(struct ws_client *c, const char *text, size_t n);
	/* The server has ended the connection. NULL: it must not. */
	void (*on_closed)(struct ws_client *c);
};

struct ws_client {
	struct tcp tcp; /* first: a tcp is cast back to its client */
	const struct ws_client_events *events;
	enum ws_phase phase;
};

/* c is zeroed or was dropped before. */
void ws_client_open(struct ws_client *c, struct bench *b, const struct ws_client_events *events);
/* A public channel; one at a time. */
void ws_client_subscribe(struct ws_client *c, const char *channel);
void ws_client_ping(struct ws_client *c);
/* Sends a Close frame; on_closed follows when the server has answered it. */
void ws_client_close(struct ws_client *c);
/* Closes the TCP connection, as a browser does that goes away. No callback follows. */
void ws_client_drop(struct ws_client *c);

#endif
