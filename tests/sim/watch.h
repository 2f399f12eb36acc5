/* watch.h: who is signed in is told of somebody else: online at his first connection, offline after
 * his last. What a watcher heard last is true whenever the world rests. */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include "client.h"

/* Whom somebody who signs in as this user asks for. */
int watch_wish(int user);
/* It is told {"events":[…]}. */
void watch_hear(struct client *c, str data);
/* The world rests. */
void watch_rest(const struct client *c);

#endif
