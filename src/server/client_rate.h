/* client_rate.h: how often one client address may ask the HTTP API and open WebSockets: two
 * counts in fixed windows, shared by all workers (base/rate_table.h).
 *
 * The request is judged when its head is understood, before its signature and before its body is
 * waited for. What it was told is kept in the connection until its answer, which says so in its
 * header. IPv6 is counted by /64, which is what one customer gets. Who has no address (the Unix
 * socket, without headers) is not counted. */
#ifndef SERVER_CLIENT_RATE_H
#define SERVER_CLIENT_RATE_H

#include "base/buf.h"
#include "codec/http1.h"

#include <stdatomic.h>

struct conn;

enum client_rate {
	CLIENT_RATE_NONE, /* also: not counted */
	CLIENT_RATE_API,
	CLIENT_RATE_UPGRADE,
	N_CLIENT_RATES
};

struct client_rate_limit {
	uint32_t max_requests, window_s; /* neither 0 */
	uint32_t trust_hops;		 /* client_address.h */
};

/* Of one worker since its start; written by it alone, read by any thread. */
struct client_rate_count {
	atomic_uint_fast64_t n_checks, n_refused;
};

/* Counts the request. False: it is one too many. */
bool client_rate_admit(struct conn *c, const struct http_request *r, enum client_rate which);
/* The header lines of its answer; none when it was not counted. */
void client_rate_put(const struct conn *c, struct buf *b);

#endif
