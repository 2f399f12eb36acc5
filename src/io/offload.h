/* offload.h: a few threads for what blocks: name resolution, SQL clients, files. Never called from
 * them: the loop's structures.
 *
 * A job's work() runs on a pool thread, then its done() on the loop that handed it in, in one of
 * its next turns. Bounded: when the queue is full offload_run says no. In the simulator there are
 * no threads: the work runs at once and whole, after a virtual delay. */
#ifndef IO_OFFLOAD_H
#define IO_OFFLOAD_H

#include "io/loop.h"

struct offload_job {
	struct offload_job *next;	     /* the pool's and the loop's own */
	struct loop *loop;		     /* likewise */
	void (*work)(struct offload_job *j); /* pool thread */
	void (*done)(struct offload_job *j); /* loop thread; may free j */
};

struct offload;
/* Threads start with the first jobs. */
struct offload *offload_new(unsigned n_threads, unsigned queue_max);
/* Waits for running jobs (their done() still comes); jobs not begun are dropped without done().
 * Loops must still exist. */
void offload_free(struct offload *o);
/* j->work and j->done are set by the caller; j stays the caller's. False: the queue is full, or the
 * system gives no thread at all. Loop thread; several loops may share a pool. */
bool offload_run(struct offload *o, struct loop *l, struct offload_job *j);

#endif
