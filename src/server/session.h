/* session.h: the Pusher protocol on an upgraded connection. Client events it understands are
 * rows of client_events.def. */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "server/conn.h"

/* The upgrade's 101 is queued: refuses or asks the hub. app NULL: no such key. */
void session_begin(struct conn *c, const struct app *app, str origin);
/* Handles input as http_feed does. */
void session_feed(struct conn *c, str *in);
/* Timer of CONN_OPENING, CONN_OPEN and CONN_CLOSING connections. */
void session_on_timer(struct conn *c);

void session_on_connected(struct conn *c, const struct to_worker_connected *m);
void session_on_subscribed(struct conn *c, const struct to_worker_subscribed *m);

#endif
