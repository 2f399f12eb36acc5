/* guest.h: a client of the simulated server: what it has to say goes out as fast as the network
 * takes it, what it gets is checked for being what a server may send.
 *
 * It owns no heap, so that an allocation that is made to fail is always the server's. */
#ifndef FUZZ_GUEST_H
#define FUZZ_GUEST_H

#include "base/str.h"
#include "io/sim.h"

struct guest {
	struct sim_peer *peer;				      /* NULL: not there */
	bool is_paused;					      /* reads nothing */
	enum { GUEST_NEW, GUEST_HTTP, GUEST_WEBSOCKET } mode; /* decided by the first answer */
	bool is_packed;					      /* permessage-deflate was agreed on */
	bool is_closed; /* the server's Close frame has come */
	unsigned n_pongs;
	char socket_id[48];
	size_t socket_id_n; /* 0: not established */
	size_t in_n, out_n;
	char in[32 * 1024], out[16 * 1024];
};

void guest_connect(struct guest *g, struct sim *s, const struct net_address *to);
/* What there is no room for is not said. */
void guest_say(struct guest *g, str bytes);
/* A masked frame. */
void guest_say_frame(struct guest *g, uint8_t first_byte, str payload);
void guest_close(struct guest *g);
void guest_reset(struct guest *g);
/* Between two steps of the world: writes, reads, checks, and answers pusher:ping. */
void guest_serve(struct guest *g);

#endif
