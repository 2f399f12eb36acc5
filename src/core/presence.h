/* presence.h: who is on a presence channel.
 *
 * A member is a user, however many connections it has; each connection's membership keeps the
 * user_info that it came with, and the oldest live one is shown. Members stand in the order of
 * their joining: rosters are stable. The edges 0 to 1 and 1 to 0 are decided here, by the one
 * thread that owns the channel. */
#ifndef CORE_PRESENCE_H
#define CORE_PRESENCE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/msg.h"

struct member {
	struct list link;	 /* in presence.members */
	struct list memberships; /* oldest first */
	uint64_t hash;
	str user_id;
	char text[];
};

struct membership {
	struct list link; /* in member.memberships */
	struct member *member;
	str user_info; /* JSON as the client wrote it; empty when it gave none */
	char text[];
};

struct presence {
	struct map by_id;
	struct list members;
};

struct presence *presence_new(void);
/* Nobody is present. */
void presence_free(struct presence *p);
static inline size_t presence_count(const struct presence *p)
{
	return p->by_id.n;
}
struct member *presence_find(const struct presence *p, uint64_t hash, str user_id);
/* *is_first: the user was not there before. NULL: memory, nothing changed. */
struct membership *presence_join(struct presence *p, uint64_t hash, str user_id, str user_info,
				 bool *is_first);
/* True when leaving will take the user away. */
static inline bool membership_is_last(const struct membership *m)
{
	return m->link.next == m->link.prev;
}
void presence_leave(struct presence *p, struct membership *m);

/* Frames. NULL: memory. */
struct msg *presence_roster_new(const struct presence *p, str channel);
struct msg *presence_added_new(const struct membership *m, str channel);
struct msg *presence_removed_new(const struct membership *m, str channel);
/* {"users":[{"id":"1"},…]} */
void presence_write_users(const struct presence *p, struct buf *b);

#endif
