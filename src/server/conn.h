/* conn.h: one accepted connection, from its first byte of HTTP to the end of its WebSocket session.
 *
 * The record is small because there may be a million: idle, it owns its slab slot, its descriptor and its subscriptions; no buffer in
 * either direction. Its protocol is a matter of phase: HTTP requests (http.c), then perhaps an upgrade (upgrade.c) and a Pusher session
 * (session.c). conn.c owns what all phases share: reading, keeping what cannot be handled yet, ending.
 *
 * A connection waits for at most one answer of the hub at a time (awaits_hub): meanwhile its further input is kept and then unread, so
 * answers come in the order of the requests. A connection that ends while waiting keeps its record until the answer has come.
 * All of it belongs to its worker's thread. */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include "base/msg.h"
#include "codec/websocket.h"
#include "core/app.h"
#include "core/mail.h"
#include "io/loop.h"
#include "io/net.h"
#include "server/local.h"

struct worker;
struct out_set;
struct out_queue;
struct http_state;

enum conn_phase {
	CONN_HTTP,    /* requests and answers */
	CONN_OPENING, /* upgraded; the hub is asked whether it may exist */
	CONN_OPEN,    /* a Pusher session */
	CONN_CLOSING, /* our last bytes are queued or sent; input is discarded until the peer ends or the grace is over */
	CONN_ENDED,   /* descriptor closed; only the record is left */
};

struct conn {
	struct io_file file;
	struct worker *worker;
	struct list link; /* all connections of the worker */
	union {
		struct timer timer;
		struct loop_deferred deferred; /* CONN_ENDED */
	};

	/* outgoing.h */
	struct list dirty;
	struct out_set *pending;
	struct out_queue *blocked;

	/* bytes that came while the hub was asked */
	struct conn_kept *kept;

	union {
		struct http_state *http;  /* CONN_HTTP: a request that is not complete, or NULL */
		struct ws_reader reader;  /* afterwards */
	};
	const struct app *app; /* NULL before the upgrade */
	struct socket_id id;

	uint8_t phase; /* enum conn_phase */
	bool awaits_hub : 1;
	bool is_counted : 1;	 /* the hub counts it for the app's quota */
	bool reading_paused : 1;
	bool finishes : 1;	 /* end it when everything queued is written */
	bool overflowed : 1;	 /* a slow reader over its budget: ended at the end of the turn */
	bool awaits_pong : 1;
	bool is_authorized : 1;	 /* succeeded in an authorised subscription */
	uint16_t pending_close;	 /* code to close with after the overflow */
	uint32_t last_active_s;	 /* loop seconds of the last inbound frame */
	uint32_t opened_s;

	/* client events in the current window */
	uint32_t window_start_s;
	uint32_t window_events;

	struct subs subs;
};

/* A new one for an accepted descriptor (c->file set up by accept). */
struct conn *conn_new(struct worker *w);
/* on_ready of every connection. */
void conn_on_ready(struct io_file *f, unsigned ready);

/* The hub's answer has come: goes on with kept input, or lets go of the record if the connection ended meanwhile. Call last. */
void conn_answered(struct conn *c);
/* From now on until conn_answered no further input is handled. */
void conn_await_hub(struct conn *c);

/* Is it still of use to send or handle anything? */
static inline bool conn_is_alive(const struct conn *c)
{
	return c->phase != CONN_ENDED;
}

/* Queues a frame or answer; takes over the reference. m NULL means that memory was short: the connection is ended. Never ends it in
 * place: safe while walking subscribers. */
void conn_send(struct conn *c, struct msg *m);

/* WebSocket: our Close frame, then CONN_CLOSING. Leaves all channels at once. Nothing may be sent after it. */
void conn_close(struct conn *c, uint16_t code, str reason);
/* pusher:error and Close with the same code and text. */
void conn_refuse(struct conn *c, uint16_t code, str message);
/* HTTP: FIN after what is queued, then CONN_CLOSING. */
void conn_finish(struct conn *c);

/* The one way out, whatever the cause: leaves channels (one mail), closes the descriptor, frees what it owns. Harmless twice. */
void conn_end(struct conn *c);

/* Seconds of the worker's clock, for last_active_s. */
uint32_t conn_now_s(const struct conn *c);

#endif
