#include "node.h"

#include "base/check.h"
#include "client.h"
#include "identity.h"
#include "publisher.h"
#include "reload.h"
#include "tunnel.h"

#include <stdio.h>

/* Making it */

static void open_door(struct node *n, unsigned i, const char *ip)
{
	uint16_t port = (uint16_t)(6001 + n->number);
	int error;

	ASSERT(net_address_parse(str_from_cstr(ip), port, &n->address[i]));
	ASSERT(server_listen(n->server, LISTENER_CLIENTS, &n->address[i], &error) == OK);
}

static void open_doors(struct node *n)
{
	uint16_t port = (uint16_t)(6001 + n->number);
	int error;

	open_door(n, 0, "0.0.0.0");
	open_door(n, 1, "::");
	snprintf(n->unix_path, sizeof(n->unix_path), "/sim/socket-%u", n->number);
	ASSERT(server_listen_unix(n->server, LISTENER_CLIENTS, str_from_cstr(n->unix_path), 0600,
				  &error) == OK);
	ASSERT(net_address_parse(S("127.0.0.1"), (uint16_t)(9601 + n->number),
				 &n->metrics_address));
	ASSERT(server_listen(n->server, LISTENER_METRICS, &n->metrics_address, &error) == OK);
	ASSERT(net_address_parse(S("127.0.0.1"), port, &n->address[0]));
	ASSERT(net_address_parse(S("::1"), port, &n->address[1]));
}

static void make_server(struct node *n)
{
	struct world *w = n->world;
	unsigned n_workers = w->plan.n_workers;
	struct loop *hub_loop;

	n->n_loops = n_workers + (n_workers > 1);
	for (unsigned i = 0; i < n->n_loops; i++)
		n->loops[i] = sim_loop_new(w->sim);
	hub_loop = n->n_loops > n_workers ? n->loops[n_workers] : NULL;
	n->server = server_new(&w->options, n->apps, NULL, n->loops, hub_loop, w->hash_key);
	hooks_open(n);
	open_doors(n);
}

/* A worker makes the answer to a plain publish once, and keeps it: each does that now. */
static void warm_up(struct node *n)
{
	struct world *w = n->world;
	struct publisher *p = n->auditor = publisher_new(w, n, "warm");

	world_take_dice(w, DICE_WARM_UP, n->number);
	w->trace->is_muted = true;
	for (unsigned i = 0; i < 20 * w->plan.n_workers; i++) {
		if (publisher_may_ask(p))
			publisher_publish(p);
		world_settle(w);
		publisher_vanish(p, false);
	}
	publisher_free(p);
	n->auditor = NULL;
	world_settle(w);
	w->trace->is_muted = false;
}

void node_start(struct node *n, struct world *w, unsigned number)
{
	struct oracle *o = &w->oracle;

	*n = (struct node){ .world = w, .number = number };
	hooks_init(n);
	world_take_dice(w, DICE_SERVER, 1 + number);
	reload_init(n);
	make_server(n);
	for (unsigned i = 0; i < o->n_topics; i++)
		if (o->topics[i].node == number)
			o->topics[i].last = LAST_IS_NONE;
	warm_up(n);
	identity_introduce(n);
	world_forget_round(w);
}

void node_stop(struct node *n)
{
	n->is_lost = true;
	server_free(n->server);
	n->server = NULL;
	hooks_fini(n);
	for (unsigned i = 0; i < n->n_loops; i++)
		loop_free(n->loops[i]);
	n->n_loops = 0;
	reload_fini(n);
}

/* Going there */

struct node *node_any(struct world *w)
{
	struct node *found = NULL;
	uint64_t salt = pick(w, UINT64_MAX), highest = 0;

	for (unsigned i = 0; i < w->plan.n_nodes; i++) {
		uint64_t rank = world_rank(salt, i);

		if (!w->nodes[i].is_lost && rank >= highest) {
			found = &w->nodes[i];
			highest = rank;
		}
	}
	return found;
}

static struct sim_peer_init way_to(const struct node *n, unsigned door)
{
	struct sim_peer_init init = { 0 };

	if (door == DOOR_OF_METRICS)
		init.to = n->metrics_address;
	else if (door < ARRAY_LEN(n->address))
		init.to = n->address[door];
	else
		init.unix_path = str_from_cstr(n->unix_path);
	return init;
}

struct tunnel *node_connect(struct node *n, unsigned door, const char *who,
			    void (*on_change)(struct sim_peer *p), void *user)
{
	struct sim_peer_init init = way_to(n, door);

	init.on_change = on_change;
	init.user = user;
	return tunnel_open(n, who, &init, door == DOOR_OF_METRICS);
}

struct tunnel *node_knock(struct node *n, unsigned door, const char *who)
{
	struct sim_peer_init init = way_to(n, door);

	return tunnel_open(n, who, &init, true);
}

/* Short of files */

/* Who is on his way may be turned back, too. */
static void warn_newcomers(struct node *n)
{
	struct world *w = n->world;

	for (unsigned i = 0; i < w->n_places; i++)
		if (w->clients[i] && w->clients[i]->node == n && !w->clients[i]->has_heard)
			w->clients[i]->may_be_shut_out = true;
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
		if (w->publishers[i]->node == n && !w->publishers[i]->has_heard)
			w->publishers[i]->may_be_shut_out = true;
}

void node_limit_files(struct node *n, unsigned n_max)
{
	n->has_few_files = n_max < UINT32_MAX;
	if (n->has_few_files)
		warn_newcomers(n);
	for (unsigned i = 0; i < n->world->plan.n_workers; i++)
		sim_limit_files(n->loops[i], n_max);
	trace_fault(n->world->trace, "node %u: descriptors are %s (%u)", n->number,
		    n->has_few_files ? "short" : "plenty", n_max);
}

/* Going away */

bool node_lose(struct world *w)
{
	struct node *n = node_any(w);

	if (!w->plan.loses_nodes || !n)
		return false;
	trace_fault(w->trace, "node %u is lost, with %u clients", n->number, world_n_clients_of(n));
	node_stop(n);
	return true;
}

bool node_drain(struct world *w)
{
	struct node *n = node_any(w);

	if (!w->plan.drains_nodes || !n || n->is_draining)
		return false;
	trace_fault(w->trace, "node %u is told to go, with %u clients", n->number,
		    world_n_clients_of(n));
	n->is_draining = true;
	server_drain(n->server);
	server_settle(n->server);
	return true;
}

void node_rest(struct node *n)
{
	struct world *w = n->world;

	if (!n->is_lost && !n->is_draining)
		return;
	if (!n->is_lost)
		node_stop(n);
	publisher_free(n->auditor);
	node_start(n, w, n->number);
	n->auditor = publisher_new(w, n, "audit");
	trace_fault(w->trace, "node %u is there again", n->number);
}
