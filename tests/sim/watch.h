/* watch.h: who is signed in watches others.
 *
 * Behind the success of a sign-in, and before anything else, comes the state of everybody on its
 * list; from then on each edge, once, of those on the list and of nobody else. So what is told of
 * somebody alternates, and is true whenever the world rests. The list is the user's, not the
 * connection's: that of the last sign-in holds for all of them. It changes from round to round in
 * some runs, but not within one, so what a user's connections are told is known whoever was first. */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include "base/str.h"
#include "oracle.h"

struct buf;
struct client;
struct node;
struct world;

/* Of a user, on one node. */
struct watching {
	uint32_t sure, maybe; /* on its list when the round began: a bit for each user */
	bool is_asked;	      /* for that of this round, */
	bool is_taken;	      /* which holds now */
	unsigned n_came;      /* connections that may have signed in, in this round */
};

enum told { TOLD_NOTHING, TOLD_ONLINE, TOLD_OFFLINE };

/* Of a client. */
struct watch {
	bool has_list; /* it was signed in in this round */
	bool awaits;   /* the state is to follow */
	enum told told[USERS_MAX];
	unsigned n_online[USERS_MAX]; /* how often somebody came, in this round */
};

/* The list of who signs in as this user in this round: JSON, as a client writes it. */
void watch_put_list(const struct world *w, int user, struct buf *b);
/* c is about to sign in, again or for the first time. */
void watch_ask(struct client *c, int user, bool is_first);
/* It is signed in. */
void watch_begin(struct client *c, int user);
/* It is told {"events":[…]}. */
void watch_hear(struct client *c, str data);
/* The world rests. */
void watch_rest(struct node *n);

#endif
