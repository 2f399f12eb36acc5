/* watch.h: who wants to know whether whom is online.
 *
 * A user is online while a connection is signed in as it: while its channel "#server-to-user-…"
 * has subscriptions. A watcher is such a channel too: frames for it reach all connections of
 * that user. Each user has one watchlist, the last one that was given; it ends with the user's
 * last connection. One table per app, one thread. */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "base/msg.h"

struct channel;

/* A user that somebody watches. */
struct watched {
	struct list watchers; /* struct watch by in_watched */
	uint64_t hash;
	str user_id;
	char text[];
};

/* One entry of one watchlist. */
struct watch {
	struct list in_watched;
	struct watch *next; /* in the watcher's list */
	struct watched *watched;
	struct channel *watcher; /* the user channel of who watches */
};

struct watch_table {
	struct map by_user; /* struct watched */
	struct hash_key hash_key;
};

void watch_init(struct watch_table *t, struct hash_key key);
/* Nobody watches any more. */
void watch_fini(struct watch_table *t);
/* Replaces *list (the watcher's own) by the strings of a JSON array; other entries and
 * repetitions are skipped. watchlist empty: none. */
void watch_set(struct watch_table *t, struct watch **list, struct channel *watcher, str watchlist);
/* Who watches this user, or NULL. */
struct watched *watch_find(const struct watch_table *t, str user_id);

/* {"event":"pusher_internal:watchlist_events",…}: one user came or went. NULL: memory. */
struct msg *watch_edge_new(str user_id, bool is_online);
/* The state of a whole list. NULL when it is empty or memory is short. */
struct msg *watch_state_new(const struct watch *list, bool (*is_online)(void *ctx, str user_id),
			    void *ctx);

#endif
