/* worker.h: one thread's share of the server: its listeners, connections, local channels, and its mail with the hub.
 *
 * worker.c runs the turn: handle what is ready, exchange mail, write. Everything here is touched by the worker's thread alone. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "base/arena.h"
#include "base/log.h"
#include "base/slab.h"
#include "core/app.h"
#include "core/mail.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "server/conn.h"
#include "server/local.h"
#include "server/options.h"
#include "server/outgoing.h"

#define WORKER_RECV_BYTES (64 * 1024)

struct listener;
struct server;

struct worker {
	struct server *server;
	const struct server_options *options;
	const struct app_table *apps;
	struct log *log;
	struct loop *loop;
	struct hash_key hash_key;
	unsigned index;
	bool is_draining;

	struct mailbox *inbox;
	struct outbox to_hub;

	struct slab conns;
	struct list all;     /* struct conn by link */
	size_t n_sessions;   /* upgraded connections that have not ended */
	struct list doomed;
	struct local_channels *channels; /* by app->index */

	struct outgoing out;
	struct arena arena; /* scratch of one turn */
	char *recv;	    /* WORKER_RECV_BYTES: where every read lands */

	struct listener *listeners;
	struct msg *pong, *ping; /* the same for everybody */
	char date[32];	/* of the Date header */
	int64_t date_s; /* the second it stands for */
};

/* inbox is where the hub's mail arrives, to_hub where ours goes. */
void worker_init(struct worker *w, struct server *s, unsigned index, struct loop *l, struct mailbox *hub_inbox);
void worker_fini(struct worker *w);

/* A record to the hub, sent at the end of the turn. NULL: memory is short (only for records above 4 KiB). */
static inline void *worker_mail(struct worker *w, enum mail_to_hub kind, size_t bytes)
{
	return outbox_add(&w->to_hub, kind, bytes);
}

/* Sends what was prepared, takes what has come. True when there was any. */
bool worker_exchange_mail(struct worker *w);
/* The second half of a turn: writes. True when more is left. */
bool worker_write(struct worker *w);

static inline struct local_channels *worker_channels(struct worker *w, const struct app *a)
{
	return &w->channels[a->index];
}
/* The value of a Date header, made once a second. */
str worker_date(struct worker *w);

#endif
