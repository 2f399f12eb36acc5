/* local.h: a worker's own view of channels: who of its connections gets what.
 *
 * A channel is a dense array of entries, walked only by delivery; a subscription knows its place
 * in that array and the entry knows the subscription's place in its connection, so that joining
 * and leaving are O(1) by swapping with the last, however many there are. The record outlives
 * its last subscriber until the hub has said that nothing more will come for it (mail.h). */
#ifndef SERVER_LOCAL_H
#define SERVER_LOCAL_H

#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"
#include "core/mail.h"

struct activity;
struct conn;

struct local_entry {
	struct conn *conn;
	uint32_t slot;	     /* in conn->subs */
	uint8_t compression; /* conn's */
};

struct local_channel {
	struct local_app *owner;
	struct channel *channel; /* the hub's, from the first answer until it is released */
	struct local_entry *entries;
	uint32_t n, cap;
	uint32_t n_asked; /* subscribes sent to the hub and not yet answered */
	uint32_t traits;  /* enum channel_traits */
	uint32_t name_len;
	char name[];
};

/* One connection's place on one channel. */
struct sub {
	struct local_channel *local;
	struct membership *membership; /* presence */
	uint32_t index;		       /* in local->entries */
};

/* A connection's subscriptions: the first lives in the record. */
struct subs {
	uint32_t n, cap; /* cap 1: inline */
	union {
		struct sub one;
		struct sub *many;
	};
};

/* An app on one worker: what holds for it now, and its channels. A new configuration changes app
 * and leaves the record where it is (changeover.h). */
struct local_app {
	const struct app *app;
	struct activity *activity; /* what the worker counts for the app */
	bool is_removed;	   /* the worker's table of apps does not have it any more */
	bool is_forgotten;	   /* nor do the tables before it: app is gone */
	size_t n_conns;		   /* that hold the record */
	struct map channels;	   /* struct local_channel by name */
	const struct hash_key *hash_key;
};

struct local_app *local_app_new(const struct app *app, const struct hash_key *key,
				struct activity *activity);
/* Every channel must be gone, and every connection. */
void local_app_free(struct local_app *l);
/* Every channel is gone; the last connection frees it. */
void local_app_forget(struct local_app *l);
/* A connection that held the record has ended. */
void local_app_left(struct local_app *l);
struct local_channel *local_find(struct local_app *l, str name);
/* Finds or makes it. NULL: memory. */
struct local_channel *local_get(struct local_app *l, str name, uint32_t traits);
/* TO_WORKER_RELEASED came: frees it unless a subscribe is under way. */
void local_release(struct local_channel *ch);
/* A subscribe was refused and does not count as asked any more: frees it if it was the only
 * reason. While the hub still knows it (channel is set) TO_WORKER_RELEASED will come. */
void local_refuse(struct local_channel *ch);
static inline str local_name(const struct local_channel *ch)
{
	return (str){ ch->name, ch->name_len };
}

void subs_init(struct subs *s);
static inline struct sub *subs_at(struct subs *s)
{
	return s->cap == 1 ? &s->one : s->many;
}
/* The connection's subscription to ch, or NULL. */
struct sub *subs_find(struct conn *c, const struct local_channel *ch);
void subs_join(struct conn *c, struct local_channel *ch, struct membership *m);
/* The sub is invalid afterwards; another of the connection may have moved into its slot. */
void subs_leave(struct conn *c, struct sub *s);

#endif
