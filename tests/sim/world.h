/* world.h: the complete server, once or as several nodes, in a simulated world, and everybody who talks
 * to it.
 *
 * One seed decides everything: how the network behaves, how many workers there are, which faults
 * may happen, who does what and when. The world calls the model clients and back-ends only between
 * two steps of the simulation, never from within one, so that a failed allocation hits the server
 * alone. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/hash.h"
#include "cut.h"
#include "io/sim.h"
#include "node.h"
#include "oracle.h"

enum {
	NODES_MAX = 3,
	CLIENTS_MAX = 320,
	PUBLISHERS_MAX = 3,
	GHOSTS_MAX = 3,
	ACTS_MAX = 64, /* kinds of acts */
};

/* The apps, in the order of the book. */
enum { APP_MAIN, APP_SMALL, APP_DISABLED, N_APPS, APP_UNKNOWN = N_APPS };

/* What a seed decides before anything happens. What can be left out of it is listed in
 * troubles.def. */
struct plan {
	unsigned n_nodes, n_workers, n_topics, n_clients, n_publishers, n_users;
	unsigned pause_steps; /* of the simulation at most, between two acts */
	unsigned pad_bytes_max;
	uint32_t quota;	      /* of APP_SMALL: connections; 0: none */
	uint32_t members_max; /* of its presence channels */
	uint32_t max_connections;
	uint32_t activity_timeout_s;
	bool is_rough; /* the network */
	bool has_witness;
	bool is_tight;	   /* small budgets for slow readers */
	bool drops_newest; /* and what is over is dropped */
	bool fails_memory; /* try_alloc fails now and then */
	bool limits_files; /* descriptors run out now and then */
	bool resets;	   /* the network breaks connections */
	bool fails_calls;  /* a call of io fails now and then, whichever it is */
	bool drains;	   /* at the end */
	bool reloads;	   /* settings change meanwhile */
	bool is_narrow;	   /* turns and mailboxes are small */
	bool leaps;	   /* clocks.h */
	bool sets_wall;
	bool stalls;
	bool loses_nodes; /* node.h */
	bool drains_nodes;
	bool has_ghosts;   /* ghost.h */
	bool has_pressure; /* pressure.h */
	unsigned bad_luck; /* luck.h: in so many of 100 cases */
	bool remembers;	   /* cache channels, idempotency keys */
	bool signs_in;
	bool watches;
	bool compresses;
	bool is_proxied;   /* balancer.h */
	bool speaks_tls;   /* identity.h */
	bool has_webhooks; /* hooks.h */
	bool fails_receivers;
};

/* What is thrown with dice of their own. */
enum dice {
	DICE_PLAN,
	DICE_TOPICS,
	DICE_SERVER,
	DICE_COMPRESSION,
	DICE_TIGHTNESS,
	DICE_NARROWNESS,
	DICE_WARM_UP,
	DICE_WEATHER,
	DICE_MIX,
	DICE_ACT,     /* and its number */
	DICE_ROUND,   /* and its number, as the next two */
	DICE_WITNESS, /* where it is in this round */
	DICE_REST,
	DICE_END,
	DICE_LUCK,
	DICE_LEAVE, /* and the connection's number */
	DICE_HOOKS,
};

struct world {
	uint64_t seed;
	const struct world_wish *wish;
	struct plan plan;
	struct trace *trace;
	struct oracle oracle;

	struct sim *sim;
	struct identity *identity; /* NULL: no TLS */
	struct sim_options weather;
	struct hash_key hash_key;
	struct hook_plan hook_plan;
	struct app_table *book; /* what everybody knows: ids, keys, secrets */
	const struct app *app[N_APPS];
	struct server_options options; /* of all servers, in the beginning */
	struct node nodes[NODES_MAX];
	struct deflate *deflate; /* of all clients */

	struct client *clients[CLIENTS_MAX]; /* NULL: nobody is there */
	unsigned n_places;		     /* that were ever taken */
	uint64_t changed[CLIENTS_MAX / 64];  /* a bit for each that wants to be served */
	struct client *witness;		     /* one of them, or NULL */
	struct publisher *publishers[PUBLISHERS_MAX];
	struct publisher *scraper; /* scrape.h */
	str page;		   /* that it got */
	uint32_t n_connections;	   /* ever made: their numbers */
	uint32_t n_acts;	   /* begun or left out: their numbers */
	uint32_t round_began;	   /* after that act */
	uint32_t n_done[ACTS_MAX]; /* of each kind, those that had an effect */
	str trap;		   /* what it still waits for */
	struct ghost *ghosts[GHOSTS_MAX];
	bool is_pressed; /* pressure.h */
	enum pressure { PRESSURE_IS_NOT, PRESSURE_MAY_BE, PRESSURE_IS } pressure;
	struct sim_luck_count luck[N_UNLUCKY]; /* luck.h */
	/* dismissal.h */
	uint32_t n_dismissals;
	bool is_draining;	   /* the end: everybody goes */
	uint64_t ended_us;	   /* the time of world_end */
	bool is_resting;	   /* memory does not fail now */
	int64_t live_bytes_before; /* the world */
	int64_t live_bytes;	   /* with the servers alone */
};

struct world_wish {
	unsigned n_nodes, n_workers, n_clients; /* 0: the seed decides */
	bool is_peaceful;			/* no faults, no quotas */
	struct cut cut;
	/* A failure on purpose, to test those who make one small: "resets,connect,vanish" is a run
	 * with resets in which these acts take place in this order, with any others between them. */
	str trap;
};
/* The wish stays the caller's, and as it is until world_fini. */
void world_init(struct world *w, struct trace *t, uint64_t seed, const struct world_wish *wish);
void world_fini(struct world *w);

/* One step of the simulation and what follows from it. False: nothing happens by itself. */
bool world_step(struct world *w);
/* Until nothing happens by itself. */
void world_settle(struct world *w);
void world_pass_ms(struct world *w, uint64_t ms);
/* What was said in the round before is forgotten. */
void world_forget_round(struct world *w);
/* Everybody reads, answers and hangs up as far as he can; then everything must be true. */
void world_rest(struct world *w);
/* Everybody leaves, and nothing may be left behind. */
void world_end(struct world *w);

/* The number of the next act. False: it is left out. */
bool world_begin_act(struct world *w);

/* Chance. From here on it is that of these dice, whatever was drawn before: what is left out of a
 * run does not shift what is not. */
void world_take_dice(struct world *w, enum dice d, uint32_t number);
static inline uint64_t pick(struct world *w, uint64_t n)
{
	return sim_random(w->sim, n);
}
static inline bool chance(struct world *w, unsigned percent)
{
	return sim_random(w->sim, 100) < percent;
}

/* To choose one of several: the highest, whichever others there are. */
static inline uint64_t world_rank(uint64_t salt, uint64_t number)
{
	return hash_u64(salt + number);
}

/* May the server end connections, or refuse work, without being asked? */
bool world_is_lenient(const struct world *w);
/* The clients that are there, or on that node. */
unsigned world_n_clients(const struct world *w);
unsigned world_n_clients_of(const struct node *n);
/* One of them that is not the witness, or NULL. */
struct client *world_random_client(struct world *w);

#endif
