/* tunnel.h: a model person's end of a connection: a sim_peer, in TLS if the server speaks it, and
 * maybe behind a balancer that says for whom it speaks (balancer.h).
 *
 * It is used as a sim_peer is; on_change is that one's. What is read and written are the person's
 * own words: headers, handshakes and records are the tunnel's. TLS that breaks is a violation. */
#ifndef SIM_TUNNEL_H
#define SIM_TUNNEL_H

#include "balancer.h"
#include "world.h"

struct tunnel;

/* who: his name, which lives as long as t. is_bare: neither TLS nor a header, whatever the server
 * expects. */
struct tunnel *tunnel_open(struct node *n, const char *who, struct sim_peer_init *init,
			   bool is_bare);
/* How much of the bytes fits: maybe nothing. Also with none: what the tunnel itself has to say. */
size_t tunnel_write(struct tunnel *t, const void *p, size_t n);
size_t tunnel_read(struct tunnel *t, void *p, size_t max);
enum sim_peer_state tunnel_state(const struct tunnel *t);
void tunnel_pause(struct tunnel *t, bool is_paused);
/* To be called again until the stream is over: what was written goes first. */
void tunnel_shutdown(struct tunnel *t);
/* Both free t. */
void tunnel_close(struct tunnel *t);
void tunnel_reset(struct tunnel *t);

/* Whom the server takes it for. */
const struct origin *tunnel_origin(const struct tunnel *t);
bool tunnel_is_tls(const struct tunnel *t);
/* Has its stream ended in TLS without close_notify? */
bool tunnel_is_cut(const struct tunnel *t);
/* Of the tunnel's own words those that are not sent. */
size_t tunnel_n_unsent(const struct tunnel *t);

#endif
