/* balancer.h: who comes through a balancer that passes on bytes, and what that says about him: a
 * PROXY header of either version, for the client it speaks for or for nobody. Others come by
 * themselves, from addresses that nobody trusts. */
#ifndef SIM_BALANCER_H
#define SIM_BALANCER_H

#include "world.h"

/* Whom the server takes a connection for. */
struct origin {
	const char *ip; /* "unix": through the socket */
	bool is_trusted;
	bool is_announced; /* by a header */
};

/* Draws from where it comes. header: what it begins with; NULL: with nothing. */
void balancer_announce(struct world *w, struct sim_peer_init *init, struct buf *header,
		       struct origin *out);

#endif
