/* worker.h: one thread's share of the server: its listeners, connections, local channels, and
 * its mail with the hub.
 *
 * worker.c runs the turn: handle what is ready, exchange mail, write. Everything here is touched
 * by the worker's thread alone. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "base/arena.h"
#include "base/log.h"
#include "base/slab.h"
#include "codec/http1.h"
#include "core/app.h"
#include "core/mail.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "server/activity.h"
#include "server/admission.h"
#include "server/conn.h"
#include "server/leaving.h"
#include "server/local.h"
#include "server/settings.h"
#include "server/outgoing.h"

#define WORKER_RECV_BYTES (64 * 1024)
#define WORKER_NEVER_S INT64_MIN
/* A peer that asks a thousand times at once is answered in portions of so much: what it is to hear
 * may be many times what it said. */
#define WORKER_LADEN_BYTES ((size_t)64 * 1024)

struct listener;
struct metrics;
struct server;

struct worker {
	struct server *server;
	/* What holds now: the parts of settings. */
	const struct server_options *options;
	const struct app_table *apps;
	const struct server_settings *settings;
	struct log *log;
	struct loop *loop;
	struct admission *admission; /* all workers' */
	struct metrics *metrics;
	struct activity *system, *unknown; /* what it counts for no app */
	struct hash_key hash_key;
	unsigned index;
	bool door_is_shut;
	bool is_draining; /* sessions are being closed, and no others begin */
	bool is_crowded;  /* server.h: as the last connection came */

	struct mailbox *inbox;	   /* the hub's mail */
	struct mailbox *hub_inbox; /* where ours goes */
	struct outbox to_hub;
	atomic_bool waits_for_hub; /* to take its mail */

	struct slab conns;
	struct list all;       /* struct conn by link */
	atomic_size_t n_conns; /* written here alone, read by any thread */
	size_t n_subs;	       /* of all of them */
	size_t n_held_peak;    /* see follow_peak; since memory was given back */
	struct leaving leaving;
	struct local_app **local_apps; /* by app->index; NULL: free */
	size_t n_local_apps;

	struct outgoing out;
	struct arena arena;	 /* scratch while one input is handled */
	char *recv;		 /* WORKER_RECV_BYTES: where every read lands */
	struct deflate *deflate; /* NULL: compression is off */

	struct rate_table *rates; /* of all workers */
	struct client_rate_count rate_counts[N_CLIENT_RATES];

	struct listener *listeners;
	/* changeover.c */
	bool is_reloading;     /* between the steps of mail.h */
	struct list *sweep;    /* of all: the next one to be looked at; NULL: nothing is swept */
	uint64_t sweep_n_kept; /* leaving.n_kept: those who were swept are gone when it is told */

	/* drain.c */
	struct {
		enum drain_phase { DRAIN_NOT, DRAIN_TELLING, DRAIN_LINGERING, DRAIN_LEAVING } phase;
		struct timer timer;
		struct list *next;   /* of all: the next one to be told; NULL: nobody is */
		size_t n_untold;     /* at most */
		uint64_t told_at_ms; /* when the last one should be told */
	} drain;

	struct msg *pong, *ping;  /* the same for everybody */
	char date[HTTP_DATE_LEN]; /* of the Date header */
	int64_t date_s;		  /* the second that it stands for */
	/* http_answer.c: the answer to a plain publish, of that second, or NULL */
	struct msg *published;
	int64_t published_s;
};

void worker_init(struct worker *w, struct server *s, unsigned index, struct loop *l);
void worker_fini(struct worker *w);

/* Ends every connection, and nobody new is let in; the loop has stopped for good. */
void worker_end_all(struct worker *w);

/* c is about to leave the list of all. */
static inline void worker_pass_over(struct worker *w, const struct conn *c)
{
	if (w->sweep == &c->link)
		w->sweep = c->link.next;
	if (w->drain.next == &c->link)
		w->drain.next = c->link.next;
}

/* A record to the hub, sent at the end of the turn. NULL: memory is short (only for records
 * above 4 KiB). */
static inline void *worker_mail(struct worker *w, enum mail_to_hub kind, size_t bytes)
{
	return outbox_add(&w->to_hub, mail_kind(w->index, kind), bytes);
}
static inline struct local_app *worker_local_app(struct worker *w, const struct app *a)
{
	return w->local_apps[a->index];
}
/* Where what happens on c is counted. */
static inline struct activity *conn_activity(const struct conn *c)
{
	return c->local_app ? c->local_app->activity : c->worker->unknown;
}
static inline bool conn_is_laden(const struct conn *c)
{
	return c->pending && c->pending->bytes >= WORKER_LADEN_BYTES;
}
/* The value of a Date header, made once a second. */
str worker_date(struct worker *w);

#endif
