/* hooks.h: who is told by webhooks what happens.
 *
 * Every node tells two receivers for each of its apps: one that wants everything, and one that wants a part.
 * The world sees each post when it is sent, when it arrives, and when its sender has heard of its end. So
 * it knows in which order things were told, whatever the way makes of it, and whoever was not told is
 * tried again, with the same bytes.
 *
 * What is told of a channel, and of a member, alternates, and is true when the world rests. Client events
 * are told once each, as they were sent; counts and misses agree with what clients know. The part is what
 * the whole has of it, in the same order. */
#ifndef SIM_HOOKS_H
#define SIM_HOOKS_H

#include "base/list.h"
#include "oracle.h"

struct http_post;
struct node;
struct world;

enum { HOOKED_APPS = 2, HOOKS_OF_APP = 2, HOOK_ALL = 0, HOOK_PART = 1 };

/* What receivers are, in this run. */
struct hook_plan {
	uint32_t gather_ms, events_max;
	bool retries;
	uint32_t max_attempts;
	uint32_t events; /* of HOOK_PART: bits */
	str prefix, suffix;
	bool wants_odd; /* channels whose name ends so, by a pattern */
};

/* What is known of a topic from what was told. */
struct told_topic {
	int occupied; /* how often, less how often vacated */
	int members[USERS_MAX];
	uint64_t count; /* the last one */
	/* In this round: misses that were told; that a client has heard of; subscribes that may miss. */
	unsigned n_misses, n_heard_misses, n_asked;
};

struct hook_line {
	struct list posts; /* that have not found their end */
	uint64_t digest;   /* of HOOK_PART's events, as this one has told them */
	uint64_t n_told;
};

/* Of a node. */
struct hooks {
	struct hook_line lines[HOOKED_APPS][HOOKS_OF_APP];
	struct told_topic topics[TOPICS_MAX];
	uint64_t told_events[EVENTS_MAX / 64]; /* client events of this round */
	unsigned generation;		       /* of the webhooks' settings: a part of their URL */
	/* Others took their place in this round: what both tell may overtake each other. */
	bool is_mixed;
};

/* Before the first node. */
void hooks_begin(struct world *w);
void hooks_init(struct node *n);
void hooks_fini(struct node *n);
/* The node's server is new: it can post. */
void hooks_open(struct node *n);
/* The apps of a table get their webhooks. */
void hooks_give(struct node *n, struct app_table *t);
/* A client has heard that a cache has nothing; it is about to ask for a topic. */
void hooks_note_miss(struct node *n, const struct topic *t);
void hooks_note_ask(struct node *n, const struct topic *t);

/* Once per step: a server that goes, and says that all is told, has nothing to tell. */
void hooks_serve(struct node *n);
/* All departures are certain, and everything is told. */
void hooks_outwait(struct world *w);
/* The world rests. */
void hooks_rest(struct node *n);

#endif
