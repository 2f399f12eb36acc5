/* oracle.h: what the server owes to whom, from nothing but what was said to it and what it said.
 *
 * Model clients and back-ends tell the oracle what they send and what they hear; it knows nothing
 * of the server's structures. Some things are wrong at once (an event for somebody who must not get
 * it, a second time, changed; a member who joins twice). The rest is known when the world has come
 * to rest, at the end of a round: then nothing may be missing, and everybody on a channel must have
 * heard one and the same order.
 *
 * Time here is a count of what the oracle was told. Bytes are slow: "sent" is before the server
 * can have seen it, "accepted" and "joined" are when somebody outside could know.
 *
 * A witness is a connection that is on a channel for whole rounds, sends nothing and is never
 * disturbed. It hears the whole order of the channel; what others heard must be a piece of that,
 * from a place that fits the roster they got. Without a witness all pairs are compared. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "base/arena.h"
#include "core/app.h"
#include "core/socket_id.h"
#include "trace.h"

enum {
	TOPICS_MAX = 10,
	USERS_MAX = 8, /* the last one is the witness's */
	WITNESS_USER = USERS_MAX - 1,
	NOBODY = -1,
	EVENT_TOPICS_MAX = 3,
	EVENTS_MAX = 1024, /* of a round */
};

/* A channel of one app of one node. */
struct topic {
	char name[48];
	unsigned node, app; /* indices */
	bool is_presence;
	bool is_authorized;
	bool takes_client_events;
	bool is_cache;
	bool is_user; /* it is joined by signing in */
	int user;     /* as whom */
	/* The last event of a cache channel when the round began. */
	enum { LAST_IS_UNKNOWN, LAST_IS_NONE, LAST_IS_KNOWN } last;
	uint32_t last_id;
	struct sub *subs; /* alive, or ended in this round */
};

struct event {
	uint32_t id;
	uint32_t source;   /* the connection that sent it */
	uint32_t excluded; /* the connection that must not get it; 0: none */
	uint32_t batch;	   /* id of the first event of the same request */
	bool is_client_event;
	int user;		       /* of the sender, on a presence channel */
	unsigned n_attempts;	       /* requests with it that were not refused */
	bool may_overtake;	       /* and be overtaken: a second one was sent early */
	bool is_void;		       /* all were refused: nobody may get it */
	bool is_taken;		       /* the server has it for certain */
	uint64_t sent_at, accepted_at; /* 0: not known to be accepted */
	unsigned n_topics;
	struct topic *topics[EVENT_TOPICS_MAX];
	str text;			    /* its data */
	char socket_id[SOCKET_ID_TEXT_MAX]; /* of a client who sent it */
};

enum heard_kind { HEARD_EVENT, HEARD_ADDED, HEARD_REMOVED };
struct heard {
	enum heard_kind kind;
	int user;
	const struct event *event;
};

/* One connection on one channel, from the acknowledgement to the end. */
struct sub {
	struct sub *next;
	struct topic *topic;
	uint32_t connection;
	char who[12];
	int user; /* NOBODY unless presence */
	bool is_witness;
	enum { SUB_ON, SUB_LEFT, SUB_LOST } state;
	uint64_t asked_at, joined_at, left_at; /* asked_at, joined_at 0: before this round */
	uint64_t joined_us;		       /* by the world's clock */
	size_t known_at_ask;		       /* what the witness had heard by then */
	/* What followed the acknowledgement on a cache channel. */
	enum { FOLLOW_NONE, FOLLOW_MISS, FOLLOW_OLD, FOLLOW_EVENT } follow;
	const struct event *cached; /* FOLLOW_EVENT: one of this round */
	uint32_t roster;     /* a bit for each user: when it joined, or at the round's beginning */
	uint32_t members;    /* now */
	struct heard *heard; /* in this round */
	size_t n, cap;
	uint64_t seen[EVENTS_MAX / 64];
	/* What came right behind an acknowledgement, where memory may lack. */
	uint64_t followed[EVENTS_MAX / 64];
};

struct oracle {
	struct trace *trace;
	struct topic topics[TOPICS_MAX];
	unsigned n_topics;
	/* What may happen in this run. */
	bool may_drop;	      /* a slow reader misses what is new */
	bool may_lack_memory; /* events and edges may be lost to all alike */
	bool leaves_early;    /* several workers: what is on its way to one misses a leaver */
	uint64_t now;
	struct arena arena; /* of the round */
	struct event *events;
	uint32_t first_id; /* of this round */
	unsigned n_events;
};

void oracle_init(struct oracle *o, struct trace *t);
/* Every subscription has ended. */
void oracle_fini(struct oracle *o);

/* The channel of that name, or NULL. */
struct topic *oracle_topic(struct oracle *o, unsigned node, unsigned app, str name);

/* Before the first byte of it is written. text is copied; its id is in it. */
struct event *oracle_send(struct oracle *o, uint32_t source, const struct event *like,
			  size_t pad_bytes);
/* One of this round with such data, or NULL. */
const struct event *oracle_find_event(struct oracle *o, str data);
/* One more request with it is about to be sent. */
void oracle_repeat(struct oracle *o, uint32_t id);
void oracle_accepted(struct oracle *o, uint32_t id);
/* The server has it, and will have accepted it when the world rests. */
void oracle_taken(struct oracle *o, uint32_t id);
void oracle_refused(struct oracle *o, uint32_t id);

/* What has to be remembered when a subscribe is about to be sent. */
struct asked {
	uint64_t at;
	size_t known;
};
struct asked oracle_ask(struct oracle *o, const struct topic *t);
/* The acknowledgement has come. roster_data: decoded data of it. */
struct sub *oracle_join(struct oracle *o, const struct sub *like, struct asked asked,
			str roster_data);
/* A repeated one. */
void oracle_rejoin(struct oracle *o, struct sub *s, str roster_data);
/* It was unsubscribed, at left_at by the oracle's count, and is known to have ended. */
void oracle_leave(struct oracle *o, struct sub *s, uint64_t left_at);
/* Its connection is gone. */
void oracle_lose(struct oracle *o, struct sub *s);
/* data: decoded for events of the API, as written for client events. user_id.p NULL: none. */
void oracle_hear(struct oracle *o, struct sub *s, bool is_client_event, str data, str user_id);
void oracle_hear_edge(struct oracle *o, struct sub *s, bool is_added, str data);

/* On a cache channel, right behind the acknowledgement: that there is no last event, or it. */
void oracle_hear_miss(struct oracle *o, struct sub *s, str data);
void oracle_hear_last(struct oracle *o, struct sub *s, str data);

/* The world rests: everything must have arrived. Begins the next round. */
void oracle_rest(struct oracle *o);

/* For questions to the API while the world rests. */
unsigned oracle_count_subs(const struct topic *t);
uint32_t oracle_members(const struct topic *t);

/* Users. NOBODY: there is no such id. */
int user_find(str id);
str user_id(int user);
/* "user_id":…,"user_info":… as a client writes it. */
str user_data(int user);
/* JSON of the user's info as others see it. */
str user_info(int user);

#endif
