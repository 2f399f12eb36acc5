/* metrics.h: the page that Prometheus asks for.
 *
 * Gauges are not kept: they are read from what owns them when somebody asks (the hub's counts, the
 * loops, the process). Only events are counted (activity.h). */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "base/buf.h"
#include "core/mail.h"
#include "io/mailbox.h"
#include "io/process.h"
#include "server/activity.h"
#include "server/admission.h"
#include "server/client_rate.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A loop that is watched, and what it had done when somebody last asked. */
struct metrics_loop {
	const struct loop *loop;
	const struct mailbox *mail;
	const atomic_size_t *n_conns;	       /* NULL: the hub's */
	const struct client_rate_count *rates; /* by enum client_rate; or NULL */
	uint64_t since_ns, idle_ns;
	double busy_ratio;
};

struct metrics {
	struct admission *admission;
	struct process *process;
	int64_t start_ms;
	uint16_t port; /* of the listener for metrics; 0: none */
	struct activities activities;
	const atomic_size_t *n_webhook_events; /* that wait; NULL: no webhooks */
	unsigned n_loops;
	struct metrics_loop *loops; /* the workers in order, then perhaps the hub */
};

/* All that is given must outlive it. n_loops_max: of metrics_add_loop, which is told all but the
 * last line of the struct. */
void metrics_init(struct metrics *m, struct admission *a, struct process *p, int64_t start_ms,
		  unsigned n_loops_max);
void metrics_fini(struct metrics *m);
void metrics_add_loop(struct metrics *m, const struct metrics_loop *l);

/* The page, with the hub's counts. One thread at a time: the first worker's. */
void metrics_put(struct metrics *m, str prefix, const struct app_counts *apps, size_t n_apps,
		 struct buf *b);

#endif
