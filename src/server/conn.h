/* conn.h: one accepted connection, from its first byte of HTTP to the end of its WebSocket
 * session.
 *
 * The record is small because there may be a million: idle, it owns its slab slot, its
 * descriptor and its subscriptions; no buffer in either direction. Its protocol is a matter of
 * phase: HTTP requests (http.c), then perhaps an upgrade (upgrade.c) and a Pusher session
 * (session.c). conn.c owns what all phases share: reading, keeping what cannot be handled yet,
 * ending.
 *
 * A connection waits for at most one answer of the hub at a time (awaits_hub): meanwhile its
 * further input is kept and then unread, so answers come in the order of the requests. A
 * connection that ends while waiting keeps its record until the answer has come. All of it
 * belongs to its worker's thread. */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include "base/msg.h"
#include "codec/websocket.h"
#include "core/app.h"
#include "core/mail.h"
#include "core/rate_window.h"
#include "io/loop.h"
#include "io/net.h"
#include "server/client_rate.h"
#include "server/listener.h"
#include "server/local.h"

struct worker;
struct activity;
struct conn_kept;
struct out_set;
struct out_queue;
struct http_state;

/* Who a connection is signed in as, or is about to be. */
struct session_user {
	bool is_confirmed; /* the hub knows it */
	str id;
	str user_info; /* JSON as written; empty: none */
	str user_data; /* what was signed */
	char text[];
};

/* Where the page comes from whose request is being answered. */
struct http_origin {
	uint32_t n;
	char text[];
};

enum conn_phase {
	CONN_HTTP,    /* requests and answers */
	CONN_OPENING, /* upgraded; the hub is asked whether it may exist */
	CONN_OPEN,    /* a Pusher session */
	/* our last words are queued or sent; waits for the peer's end or the end of the grace */
	CONN_CLOSING,
	CONN_ENDED, /* descriptor closed; only the record is left */
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
	struct list dirty; /* in one of two lines */
	struct out_set *pending;
	struct out_queue *blocked;

	struct conn_kept *kept; /* input that came while it could not be handled */
	union {
		struct {			 /* until the upgrade */
			struct http_state *http; /* a request that is not complete, or NULL */
			/* the request that is being answered; NULL: it does not count */
			struct activity *counted_as;
			uint32_t request_bytes; /* of its body */
		};
		struct ws_reader reader; /* afterwards */
	};
	struct local_app *local_app; /* NULL before the upgrade, and of one in vain */
	union {
		struct http_origin *origin; /* CONN_HTTP: to be named in the answer; or NULL */
		struct session_user *user;  /* afterwards; NULL: not signed in */
	};
	union {
		struct {			 /* CONN_HTTP */
			struct net_address peer; /* who connected */
			/* of the request that is being handled, when answer_rate says so */
			uint32_t rate_left, rate_reset_s;
		};
		struct { /* afterwards; none of it is set before session_begin */
			struct socket_id id;
			struct rate_window events, messages;
		};
	};

	uint8_t phase;	     /* enum conn_phase */
	uint8_t role;	     /* enum listener_role: of the listener that it came to */
	uint8_t compression; /* the window that what is sent to it may use; 0: no compression */
	bool peer_is_trusted : 1; /* what it says of whom it speaks for is believed */
	bool is_proxied : 1;	  /* it began with a PROXY header: peer is whom that named */
	bool awaits_proxy_header : 1;
	bool is_websocket : 1;
	bool awaits_hub : 1;
	bool is_counted : 1;  /* the hub counts it for the app's quota */
	bool is_admitted : 1; /* the node counts it */
	bool finishes : 1;    /* FIN when everything queued is written */
	bool peer_ended : 1; /* its stream; ours ends, and all, when everything queued is written */
	/* a slow reader over its budget, or no memory for its answer: closed at the next write */
	bool is_overflowed : 1;
	bool is_urgent : 1; /* while dirty: in the line of those who are answered */
	bool awaits_pong : 1;
	bool is_deaf : 1; /* after a frame that made no sense: what follows makes none either */
	bool is_authorized : 1; /* succeeded in an authorised subscription */
	/* CONN_HTTP: how the request that is being handled wants its answer */
	bool answer_keeps_alive : 1;
	bool answer_is_1_0 : 1;	  /* to an HTTP/1.0 client */
	bool answer_is_head : 1;  /* without its body */
	bool answer_is_batch : 1; /* of events: its plain success is {} */
	uint8_t answer_rate : 2;  /* enum client_rate: whose count it tells */
	/* conn_now_s of the last inbound frame; while awaits_pong: of our ping */
	uint32_t last_active_s;
	uint32_t opened_s;

	struct subs subs;
};
_Static_assert(sizeof(struct conn) <= 256, "an idle connection is small");

/* A new connection on an accepted descriptor. */
void conn_open(struct worker *w, int fd, enum listener_role role, const struct net_address *peer);
/* Of a session (CONN_OPENING, CONN_OPEN), or of one that ended while the hub was asked: what holds
 * for its app now. Later there may be no such app. */
static inline const struct app *conn_app(const struct conn *c)
{
	return c->local_app->app;
}
/* Its requests are over, its frames begin. */
static inline void conn_begin_frames(struct conn *c)
{
	c->is_websocket = true;
	c->id = SOCKET_ID_NONE;
	c->events = c->messages = (struct rate_window){ 0 };
	ws_reader_init(&c->reader);
}

/* From now on until conn_answered no further input is handled. */
void conn_await_hub(struct conn *c);
/* The hub's answer has come: goes on with kept input, or lets go of the record if the connection
 * ended meanwhile. Call last. */
void conn_answered(struct conn *c);

/* Queues a frame or answer; takes over the reference. m NULL means that memory was short: the
 * connection will be ended. Never ends it in place. Silent when the connection is closing. */
void conn_send(struct conn *c, struct msg *m);

/* WebSocket: our Close frame, then CONN_CLOSING until the peer's Close. Leaves all channels at
 * once; nothing is sent after it. */
void conn_close(struct conn *c, uint16_t code, str reason);
/* pusher:error and Close with the same code and text. */
void conn_refuse(struct conn *c, uint16_t code, str message);
/* The conversation is over (HTTP: last answer queued; WebSocket: the peer's Close is answered):
 * FIN after what is queued, then CONN_CLOSING. */
void conn_finish(struct conn *c);

/* The one way out, whatever the cause: leaves channels, closes the descriptor, frees what it
 * owns. Harmless twice. The record stays until the end of the turn, or until the hub's answer. */
void conn_end(struct conn *c);
/* Tells the hub that a counted connection is gone. Harmless twice. */
void conn_uncount(struct conn *c);

/* For outgoing.c: all is written; the budget was exceeded; reading or writing has to be asked
 * for anew. */
void conn_written(struct conn *c);
void conn_overflow(struct conn *c);
void conn_update_watch(struct conn *c);

/* Ends a connection that no request is on; one that has arrived meanwhile is answered first. */
void conn_end_unasked(struct conn *c);

uint64_t conn_now_ms(const struct conn *c);
/* Seconds of the worker's clock, for last_active_s. */
uint32_t conn_now_s(const struct conn *c);

#endif
