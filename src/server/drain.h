/* drain.h: how a worker lets its clients go, so that each finds another server, or this one anew.
 *
 * Sessions are told to come again (4200), paced over the grace period. Clients obey at once and may
 * well find us: nothing else may listen where we do. So newcomers are still upgraded, and told to
 * come again in a second (4100); an answer that is no upgrade, or a port that is closed, would make
 * pusher-js wait for 15 s. When all were told we linger until those are back, or for a moment: they
 * are let in and wait with us, and get their 4100 when we leave, so that they come back when the
 * next server is there.
 *
 *	DRAIN_TELLING    sessions are closed with 4200, a share per step
 *	DRAIN_LINGERING  this worker has none left
 *	DRAIN_LEAVING    nobody is awaited any more: newcomers get their 4100 at once, idle
 *	                 connections are closed
 *
 * Requests of the HTTP API are served to the end as always; each answer ends its connection, and
 * idle connections are closed last. Everything is of the worker's thread. */
#ifndef SERVER_DRAIN_H
#define SERVER_DRAIN_H

#include "server/worker.h"

void drain_init(struct worker *w);
void drain_fini(struct worker *w);
void drain_begin(struct worker *w);
/* A connection came while the worker drains. */
void drain_opened(struct worker *w);
/* The upgrade that it asked for was answered: c is no session, and will be told to come again. */
void drain_newcomer(struct conn *c);

#endif
