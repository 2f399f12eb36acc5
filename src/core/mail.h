/* mail.h: everything that a worker and the hub say to each other, as plain records.
 *
 * Worker to hub (TO_HUB_*): a worker asks or reports. Hub to worker (TO_WORKER_*): the hub
 * answers or delivers. A request with a conn is answered exactly once, in order; conn is the
 * worker's own pointer, meaningless to the hub. local is the worker's own channel record: the
 * hub gives it back with each delivery so that no name is looked up twice. It stays valid for
 * the worker until TO_WORKER_RELEASED. Likewise channel and membership are the hub's, given back
 * by the worker. A msg in a record carries one reference to the reader. Texts follow the struct
 * in the order of their lengths. */
#ifndef CORE_MAIL_H
#define CORE_MAIL_H

#include "base/msg.h"
#include "core/app.h"
#include "core/channel_name.h"
#include "core/socket_id.h"

#include <stddef.h>

enum mail_to_hub {
	TO_HUB_CONNECT,
	TO_HUB_SUBSCRIBE,
	TO_HUB_LEAVE,
	TO_HUB_CLIENT_EVENT,
	TO_HUB_PUBLISH,
	TO_HUB_QUERY,
	TO_HUB_CLOSE_USER,
	TO_HUB_RELOAD,
	TO_HUB_COUNT,
};

enum mail_to_worker {
	TO_WORKER_CONNECTED,
	TO_WORKER_SUBSCRIBED,
	TO_WORKER_RELEASED,
	TO_WORKER_DELIVER,
	TO_WORKER_ANSWER,
	TO_WORKER_CLOSE,
	TO_WORKER_RELOAD,
	TO_WORKER_COUNTED,
};

/* On the way to the hub a record's kind also says which worker sent it. */
static inline uint32_t mail_kind(unsigned worker, enum mail_to_hub kind)
{
	return worker << 8 | kind;
}
static inline unsigned mail_worker(uint32_t kind)
{
	return kind >> 8;
}

struct channel;	   /* the hub's */
struct membership; /* the hub's: one connection's presence on one channel */

/* A connection wants to exist. Answered by TO_WORKER_CONNECTED if it asks for that; without a
 * quota nobody needs to wait. */
struct to_hub_connect {
	void *conn;
	const struct app *app;
	bool wants_answer;
};
struct to_worker_connected {
	void *conn;
	bool over_quota; /* not counted; close it with 4004 */
};

/* Answered by TO_WORKER_SUBSCRIBED. With a repeat (channel not NULL) nothing changes but the
 * answer is complete. To sign in is to subscribe to the user's own channel (CHANNEL_USER): all
 * signed-in connections of a user are on it, that is how events for the user reach them. A
 * repeat then sets the watchlist anew. */
struct to_hub_subscribe {
	void *conn;
	void *local;
	const struct app *app;
	struct channel *channel;       /* repeat: what the first answer said */
	struct membership *membership; /* repeat on a presence channel */
	uint32_t traits;	       /* enum channel_traits */
	uint32_t name_len, user_id_len, user_info_len;
	/* name, user_id, user_info (JSON as written); CHANNEL_USER: user_info is the watchlist
	 * (JSON array) or empty */
	char text[];
};
struct to_worker_subscribed {
	void *conn;
	void *local;
	struct channel *channel;
	struct membership *membership;
	bool is_repeat;
	/* presence channel is full: nobody joined, no channel, no membership */
	bool over_capacity;
	/* presence: the acknowledgement frame; else NULL: the worker builds it */
	struct msg *roster;
	/* what comes right after it: the cached event or pusher:cache_miss, the watchlist's
	 * state; or NULL */
	struct msg *follow;
};

/* One connection leaves n channels, or ends altogether. Not answered, but see
 * TO_WORKER_RELEASED. */
struct to_hub_leave {
	const struct app *app; /* of a disconnect */
	bool is_disconnect;    /* it has said the last: the connection counts no more */
	bool has_hung_up;      /* the channels are left because the connection has ended */
	uint32_t n;
	struct to_hub_leave_entry {
		struct channel *channel;
		struct membership *membership; /* NULL unless presence */
	} entries[];
};
/* The hub sends this worker nothing more for local. The worker frees it when it has nobody on it
 * and no subscribe under way. */
struct to_worker_released {
	void *local;
};

struct to_hub_client_event {
	struct channel *channel;
	struct membership *membership;
	struct socket_id sender;
	uint64_t born_ns; /* when it arrived, as msg.born_ns */
	uint32_t event_len, data_len;
	char text[]; /* event name (decoded), data (JSON as written) */
};

/* One or more events, all validated, delivered in order. Answered by TO_WORKER_ANSWER. With an
 * idempotency key that was seen before, nothing is delivered and the answer is the one of then. */
struct to_hub_publish {
	void *conn;
	const struct app *app;
	uint64_t born_ns; /* when the request arrived */
	uint32_t n_events;
	bool is_batch;
	uint32_t key_len; /* the batch's idempotency key, 0: none */
	/* key, padded to 8; then n_events times struct published_event, each 8-aligned */
	char text[];
};
static inline size_t mail_padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}
/* Where the first event of a record stands. */
static inline size_t mail_events_offset(size_t key_len)
{
	return mail_padded(offsetof(struct to_hub_publish, text) + key_len);
}
struct published_event {
	uint32_t bytes; /* of this one with its text and padding: where the next begins */
	uint32_t info;	/* enum channel_info asked for */
	bool has_info;
	struct socket_id exclude;
	uint32_t n_channels;
	uint32_t name_len, data_len;
	uint32_t key_len; /* its own idempotency key, 0: none */
	/* name (decoded), data (JSON text as it goes on the wire), key, then n_channels times:
	 * uint16_t length (unaligned), name */
	char text[];
};

enum channel_info { INFO_SUBSCRIPTION_COUNT = 1, INFO_USER_COUNT = 2, INFO_CACHE = 4 };

enum hub_query { QUERY_CHANNELS, QUERY_CHANNEL, QUERY_USERS };
/* Answered by TO_WORKER_ANSWER. */
struct to_hub_query {
	void *conn;
	const struct app *app;
	uint32_t kind; /* enum hub_query */
	uint32_t info; /* enum channel_info */
	bool has_info;
	uint32_t text_len;
	char text[]; /* QUERY_CHANNELS: prefix; else the channel's name */
};

/* Every connection that is signed in as the user is closed. Answered by TO_WORKER_ANSWER. */
struct to_hub_close_user {
	void *conn;
	const struct app *app;
	uint32_t code;
	str reason; /* static text */
	uint32_t channel_len;
	char text[]; /* the user's channel: the hub may have no memory to make its name */
};
/* Everybody on local gets pusher:error and a Close. */
struct to_worker_close {
	void *local;
	uint32_t code;
	str reason;
};

/* A new table of apps takes the place of the old one. Each worker changes over when it likes:
 *
 * RELOAD_SWITCHED: from here on its records name apps of the new table. The hub follows with the
 *     first of these; records that still name the old table mean the same apps by their index.
 * RELOAD_SWEPT: no session of an app that is gone is left. The hub sends it back: behind all
 *     answers that were still due.
 * RELOAD_DONE: nothing of this worker names the old table any more. The hub sends it back: behind
 *     the last TO_WORKER_RELEASED of apps that are gone. When all workers have said it, the old
 *     table is nobody's. */
enum reload_step { RELOAD_SWITCHED, RELOAD_SWEPT, RELOAD_DONE };
struct to_hub_reload {
	const struct app_table *apps; /* the new table */
	uint32_t step;		      /* enum reload_step */
};
struct to_worker_reload {
	uint32_t step; /* enum reload_step */
};

/* How much there is of an app on this node. The hub keeps it where it makes and ends what is
 * counted. Users who are signed in are counted as such, not as channels. */
struct app_counts {
	const struct app *app; /* in a TO_WORKER_COUNTED */
	size_t connections, subscriptions;
	size_t presence_channels, presence_subscriptions, presence_members;
	size_t users, user_connections; /* signed in */
	size_t channels;
	size_t channels_of_type[N_CHANNEL_TYPES];
};
/* Answered by TO_WORKER_COUNTED. */
struct to_hub_count {
	void *conn;
	uint32_t page; /* given back */
};
struct to_worker_counted {
	void *conn;
	uint32_t page;
	uint32_t n;
	struct app_counts *apps; /* xfree it; NULL: memory is short */
};

enum hub_answer { ANSWER_OK, ANSWER_NOT_PRESENCE, ANSWER_NO_MEMORY, ANSWER_TOO_MANY };
struct to_worker_answer {
	void *conn;
	uint32_t result; /* enum hub_answer */
	/* JSON; NULL: publish without attributes; ANSWER_TOO_MANY: why, or NULL */
	struct msg *body;
};

/* Everybody on local but exclude gets the frame. */
struct to_worker_deliver {
	void *local;
	struct msg *frame;
	struct socket_id exclude;
};

#endif
