/* client_address.h: who a request really comes from, when proxies stand in between.
 *
 * Only a peer in trusted_proxies is believed when it says for whom it speaks; what anybody else
 * writes into X-Forwarded-For or X-Real-IP is not read. Plain questions about a request that is
 * being handled (phase CONN_HTTP); nothing is kept. */
#ifndef SERVER_CLIENT_ADDRESS_H
#define SERVER_CLIENT_ADDRESS_H

#include "base/ip.h"
#include "codec/http1.h"
#include "core/ip_set.h"
#include "server/conn.h"

/* False: it has none (the Unix socket). */
bool client_peer_ip(const struct net_address *peer, struct ip *out);
struct net_address client_peer_of(const struct ip *ip, uint16_t port);
bool client_peer_is_trusted(const struct ip_set *trusted, const struct net_address *peer);

/* The client of this request. trust_hops 0: the rightmost entry of X-Forwarded-For that is no
 * trusted proxy (the leftmost if all are); n: the n-th entry from the right. Without any entry it
 * is X-Real-IP. Where that does not lead to an address, the nearest that is known: the hop that
 * wrote the senseless entry, or the peer. False: there is none, because the peer came through
 * the Unix socket and says nothing. */
bool client_address_find(const struct conn *c, const struct http_request *r, uint32_t trust_hops,
			 struct ip *out);

#endif
