/* stop.h: from the first signal to the end: the server lets its clients go (server/drain.h), then
 * delivers what webhooks have to tell, and we say how far it is, in the log and on a terminal. Of the
 * main thread alone. */
#ifndef MAIN_STOP_H
#define MAIN_STOP_H

#include "io/loop.h"
#include "main/config.h"
#include "main/listen.h"
#include "server/server.h"

struct stop {
	struct loop *loop;
	struct server *server;
	struct log *log;
	const struct config *started; /* the configuration of the listeners */
	const struct listeners *listeners;
	bool shows_progress; /* on standard output, a line that changes */
	struct timer timer;
	bool is_begun, is_over;
	bool path_is_removed; /* once: the next server may be listening there already */
	uint64_t end_ms;      /* whoever is still there then is left */
	uint64_t leaves_ms;   /* since when the server does; 0: not yet */
	uint64_t shut_ms;     /* when the door was shut; 0: it is open */
	uint64_t settle_ms;   /* until when we deliver; 0: clients are still there */
	uint32_t settle_ms_max;
	uint64_t patience_ms; /* with clients that do not answer our Close */
	uint64_t reported_ms; /* in the log */
};

void stop_init(struct stop *s, struct loop *l, struct server *server, struct log *log,
	       const struct config *started, const struct listeners *listeners);
/* now: whose grace period holds. signal: its name. */
void stop_begin(struct stop *s, const struct config *now, const char *signal);
/* The loop does not run any more. */
void stop_fini(struct stop *s);

#endif
