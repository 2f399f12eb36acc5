/* sim_peer.c: the client's end of a simulated connection. */
#include "io/sim.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/sim_priv.h"

#include <errno.h>

struct sim_peer {
	struct sim *sim;
	struct list link;
	struct sim_end *end;
	void (*on_change)(struct sim_peer *p);
	void *user;
	bool is_paused;
};

struct sim_peer *sim_peer_connect(struct sim *s, const struct sim_peer_init *init)
{
	struct sim_peer *p = xnew(struct sim_peer);
	struct sim_conn *c = sim_conn_new(s, &init->to, init->unix_path, &init->from);

	*p = (struct sim_peer){ .sim = s, .on_change = init->on_change, .user = init->user };
	list_push_back(&s->peers, &p->link);
	p->end = &c->ends[0];
	p->end->peer = p;
	return p;
}

void sim_peer_changed(struct sim_peer *p, bool by_bytes)
{
	if (p->on_change && !(by_bytes && p->is_paused))
		p->on_change(p);
}

void *sim_peer_user(const struct sim_peer *p)
{
	return p->user;
}

struct net_address sim_peer_address(const struct sim_peer *p)
{
	return p->end->address;
}

enum sim_peer_state sim_peer_state(const struct sim_peer *p)
{
	const struct sim_end *e = p->end;

	if (e->error == ECONNREFUSED)
		return SIM_PEER_REFUSED;
	if (!e->is_connected)
		return SIM_PEER_CONNECTING;
	if (e->in.n_arrived)
		return SIM_PEER_OPEN;
	if (e->error)
		return SIM_PEER_RESET;
	return e->in.fin_arrived ? SIM_PEER_ENDED : SIM_PEER_OPEN;
}

size_t sim_peer_write(struct sim_peer *p, const void *bytes, size_t n)
{
	size_t room = sim_end_room(p->end);

	if (n > room)
		n = room;
	sim_end_write(p->end, bytes, n);
	return n;
}

size_t sim_peer_read(struct sim_peer *p, void *bytes, size_t max)
{
	return p->is_paused ? 0 : sim_end_read(p->end, bytes, max);
}

void sim_peer_pause(struct sim_peer *p, bool paused)
{
	p->is_paused = paused;
}

void sim_peer_shutdown(struct sim_peer *p)
{
	sim_end_shutdown(p->end);
}

void sim_peer_close(struct sim_peer *p)
{
	sim_end_close(p->end);
	list_remove(&p->link);
	xfree(p);
}

void sim_peer_reset(struct sim_peer *p)
{
	sim_end_send_reset(p->end->other);
	sim_peer_close(p);
}

void sim_peer_free_all(struct sim *s)
{
	while (!list_is_empty(&s->peers))
		sim_peer_close(container_of(s->peers.next, struct sim_peer, link));
}
