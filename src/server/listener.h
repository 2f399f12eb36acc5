/* listener.h: a worker's listening sockets, and what each is for: the role that its connections
 * inherit decides which routes they find.
 *
 * Each belongs to its worker's thread, but is opened before the loops run. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "base/err.h"
#include "io/net.h"

struct worker;
struct listener;

enum listener_role {
	LISTENER_CLIENTS,  /* WebSockets and the HTTP API; with TLS if the server has a context */
	LISTENER_REDIRECT, /* sends everybody to the former, by https:// */
	LISTENER_METRICS,  /* what operators ask for; on the first worker alone */
	N_LISTENER_ROLES
};

#define DESCRIPTORS_HINT "raise the limit of open files (ulimit -n, LimitNOFILE)"

/* Errors as net_listen. *a is updated. */
err listener_open(struct worker *w, enum listener_role role, struct net_address *a,
		  int *system_error);
err listener_open_unix(struct worker *w, enum listener_role role, str path, unsigned mode,
		       int *system_error);
/* The same descriptor as the listener that another worker opened last. */
err listener_share(struct worker *w, const struct worker *first);
/* No new connections; those that are at the door already are still taken. */
void listener_stop_all(struct worker *w);
void listener_close_all(struct worker *w);

#endif
