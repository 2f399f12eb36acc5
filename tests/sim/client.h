/* client.h: a model client of the Pusher protocol, well-behaved or not, on one connection.
 *
 * It keeps the list of what it asked for, in order, and every answer must be the next one on that
 * list; silent requests are known to be handled when something after them is answered, or when the
 * world rests. What it hears on channels goes to the oracle. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "core/socket_id.h"
#include "tunnel.h"

enum { ASKS_MAX = 64 };

enum client_state {
	CLIENT_KNOCKING, /* the upgrade is asked for */
	CLIENT_WAITING,	 /* upgraded, not welcomed */
	CLIENT_OPEN,
	CLIENT_LEAVING, /* sent a Close, or something that must end the connection */
	CLIENT_OVER,	/* got a Close: the stream ends soon */
};

enum ask_kind {
	ASK_SUBSCRIBE,
	ASK_UNSUBSCRIBE,
	ASK_EVENT,
	ASK_SILENT, /* something that nothing follows from */
	ASK_PING,
	ASK_WS_PING,
	ASK_NONSENSE, /* answered by an error */
	ASK_CLOSE,    /* answered by a Close */
};

struct ask {
	enum ask_kind kind;
	uint16_t code;	      /* of the error or Close */
	bool may_be_refused;  /* a subscribe, with 4100 */
	bool has_error_first; /* a Close after error 4000 */
	struct topic *topic;
	int user;
	uint32_t event;
	uint32_t tag; /* of a WebSocket ping */
	struct asked asked;
	struct amount said; /* until then */
};

struct client {
	struct world *world;
	struct node *node;
	struct tunnel *peer;
	char name[12];
	uint32_t connection;
	unsigned place;	      /* world.clients */
	uint32_t came_in_act; /* his name, and by what he is found */
	unsigned app;
	enum client_state state;
	bool is_witness;
	bool is_paused;
	bool is_dead;	 /* paused for ever */
	bool was_absent; /* paused for longer than the server waits for last words */
	uint64_t heard_at_us;
	uint64_t to_go_at_us; /* since when it may have been told to go; 0: it was not */
	uint64_t paused_at_us;
	bool is_half_closed;
	uint32_t dismissal; /* the last one that it has to obey; dismissal.h */
	bool must_go;
	struct watch watch;
	bool may_be_shut_out;	/* descriptors ran out while it came */
	bool has_heard;		/* anything at all */
	size_t appetite;	/* bytes per reading */
	unsigned meets;		/* reload.h */
	bool is_refused;	/* by an HTTP answer: what it has said behind that is nonsense */
	enum pressure pressure; /* when it came */
	bool has_slept;		/* clocks.h: its deadlines may have passed in a leap */
	bool offers_packing;	/* permessage-deflate */
	bool is_packed;		/* it is agreed on */
	struct topic *awaits;	/* of a cache channel what follows the acknowledgement */
	uint16_t farewell;	/* code of an error that announced a Close */
	bool hangs_up;		/* after a Close, without waiting for the end of the stream */
	struct client_meter meter;
	struct buf in, out;
	char ws_key[25];
	char id[SOCKET_ID_TEXT_MAX];
	struct ask asks[ASKS_MAX];
	unsigned first_ask, n_asks;
	struct sub *subs[TOPICS_MAX];
	/* When everything that was asked for is handled. */
	enum { WILL_BE_OFF, WILL_BE_ON, WILL_SEE } outlook[TOPICS_MAX];
	int users[TOPICS_MAX]; /* as which it is or will be on */
};

struct client *client_connect(struct node *n, unsigned app, bool is_witness);
/* It wants to be served. */
void client_change(struct client *c);
/* Reads, understands, answers, writes. May free the client. */
void client_serve(struct client *c);
/* The world rests: all is answered. */
void client_rest(struct client *c);

/* For client_asks.c: a new last entry of the list. */
struct ask *client_ask(struct client *c, enum ask_kind kind);

bool client_may_ask(const struct client *c);
/* Has it ever not read for longer than the server waits for a peer's last words? */
bool client_was_absent(const struct client *c);
/* Is it still hearing what was said before, when the server stops to wait for it? */
bool client_is_behind(const struct client *c);
/* What is signed to join a topic that is a user. In the oracle's arena. */
str client_user_data(struct client *c, const struct topic *t);
/* Will it be signed in as another user? */
bool client_is_somebody_else(const struct client *c, const struct topic *t);
void client_subscribe(struct client *c, struct topic *t, int user);
void client_subscribe_badly(struct client *c);
void client_unsubscribe(struct client *c, struct topic *t);
/* The topic is one that it will certainly be on and that takes client events. */
void client_send_event(struct client *c, struct topic *t);
void client_send_event_badly(struct client *c);
void client_ping(struct client *c);
void client_talk_nonsense(struct client *c);
/* Something that must end the connection. */
void client_break(struct client *c);
void client_close(struct client *c);
void client_half_close(struct client *c);
void client_pause(struct client *c, bool is_paused);
void client_die(struct client *c);
/* Gone without a word, by a reset or an end of stream. Frees it. */
void client_vanish(struct client *c, bool by_reset);

#endif
