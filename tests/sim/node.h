/* node.h: one server of the world, with its loops, its doors and its apps, and how it comes and goes.
 *
 * Nodes know nothing of each other yet: no bus joins them. What is said to one is heard on that one
 * alone, and that one is lost concerns nobody else. So a channel, a user, a quota belong to a node,
 * even where others have some of the same name. */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "base/str.h"
#include "hooks.h"
#include "io/net.h"
#include "keyed.h"
#include "meter.h"
#include "oracle.h"
#include "page.h"
#include "server/server.h"
#include "watch.h"

struct world;
struct sim_peer;
struct tunnel;

enum {
	WORKERS_MAX = 4,
	DOORS = 3, /* IPv4, IPv6, a unix socket */
	DOOR_OF_METRICS = DOORS,
};

/* A limit, and between what it was since the world rested. UINT32_MAX: none. */
struct range {
	uint32_t now, low, high;
};

struct node {
	struct world *world;
	unsigned number;
	bool is_draining; /* it was told to go */
	bool is_lost;	  /* it has gone, and has no server */
	bool speaks_tls;  /* identity.h */
	struct server *server;
	struct loop *loops[WORKERS_MAX + 1]; /* the last one is the hub's, if it has one */
	unsigned n_loops;
	struct net_address address[2], metrics_address;
	char unix_path[24];
	bool has_few_files;
	unsigned n_small_max; /* connections of APP_SMALL that may be open at one time */
	unsigned n_all_max;   /* and of all apps */
	/* reload.h */
	struct app_table *apps;	       /* the server's */
	struct app_table *apps_before; /* what it may still use, or NULL */
	unsigned small_is;	       /* MEETS_…: of APP_SMALL */
	unsigned small_meets;	       /* and of who asks for it now */
	struct range quota;	       /* of APP_SMALL */
	struct range connections;      /* of all apps */

	struct publisher *auditor;
	struct keyed_publishes keyed;
	struct meters meters;
	struct watching watching[USERS_MAX];
	struct hooks hooks;
	struct kept_page page_before;
	uint8_t dismissed[USERS_MAX]; /* dismissal.h: a bit for each way, in this round */
};

/* A server without connections, whose workers have answered something before. World at rest. */
void node_start(struct node *n, struct world *w, unsigned number);
/* Whatever was going on there is over: a machine without power. */
void node_stop(struct node *n);

/* One that is not lost, or NULL. */
struct node *node_any(struct world *w);
/* A new connection of somebody by that name, which lives as long as it. */
struct tunnel *node_connect(struct node *n, unsigned door, const char *who,
			    void (*on_change)(struct sim_peer *p), void *user);
/* One that says nothing of itself: neither TLS nor whom it speaks for. */
struct tunnel *node_knock(struct node *n, unsigned door, const char *who);
void node_limit_files(struct node *n, unsigned n_max); /* of each loop */

/* Acts. A node goes, at once or letting everybody go before, and comes again when the world has
 * rested. */
bool node_lose(struct world *w);
bool node_drain(struct world *w);
/* The world rests, and its next round has not begun. */
void node_rest(struct node *n);

#endif
