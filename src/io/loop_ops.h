/* loop_ops.h: what a loop asks of its world, and what a world sees of a loop; for the files of io
 * alone.
 *
 * A world embeds struct loop as the first member of its own. The net functions have the contracts
 * of net.h: net.c only passes them on, one indirect call each. */
#ifndef IO_LOOP_OPS_H
#define IO_LOOP_OPS_H

#include "io/loop.h"
#include "io/net.h"
#include "io/offload.h"
#include "io/process.h"
#include "io/timer.h"
#include "io/unlucky.h"

#include <stdatomic.h>

enum {
	LOOP_BATCH = 256, /* files served per turn; the others come first in the next one */
	LOOP_FOREVER = -1,
};

/* io_file.watched: the LOOP_* bits asked for, FILE_ADDED, FILE_FLUSHES while TLS has bytes that the
 * socket did not take, FILE_LEAVES while a kernel loop keeps it among those that can wait, and the
 * turn in which it was added. A file that was added in this turn has no event in this turn's batch:
 * what carries its address is of the file that was closed there before. */
enum {
	FILE_ADDED = 8,
	FILE_FLUSHES = 16,
	FILE_LEAVES = 32,
	FILE_EVENTS = LOOP_READ | LOOP_WRITE,
	FILE_TURN_SHIFT = 8
};

/* What the world is to watch the file for. */
static inline unsigned file_events(const struct io_file *f)
{
	return (f->watched & FILE_EVENTS) | (f->watched & FILE_FLUSHES ? LOOP_WRITE : 0);
}

struct http_client_ops;

struct loop_ready {
	struct io_file *file;
	unsigned events;
};

struct loop_ops {
	bool is_kernel; /* io_file.fd is the system's */
	void (*free)(struct loop *l);
	/* Waits for at most wait_ms (LOOP_FOREVER: without an end), then sets l->clock and writes
	 * what is ready to l->ready. Answers their number. */
	unsigned (*poll)(struct loop *l, int wait_ms);
	/* Any thread. */
	void (*wake)(struct loop *l);
	/* The monotonic clock, read now. */
	uint64_t (*now_ns)(const struct loop *l);
	/* Tells the world about a change of f->watched from was; FILE_ADDED is set in the new
	 * value. False: f could not be added. */
	bool (*watch)(struct loop *l, struct io_file *f, uint32_t was);
	bool (*offload)(struct loop *l, struct offload *o, struct offload_job *j);

	err (*probe)(struct loop *l, const struct net_address *a, int *system_error);
	err (*listen)(struct loop *l, struct io_file *f, struct net_address *a, int *system_error);
	err (*listen_unix)(struct loop *l, struct io_file *f, str path, unsigned mode,
			   int *system_error);
	err (*listen_share)(struct loop *l, struct io_file *f, const struct io_file *first);
	void (*stop_listening)(struct loop *l, struct io_file *listener);
	err (*accept)(struct loop *l, struct io_file *listener, struct io_file *f,
		      struct net_address *peer);
	err (*connect)(struct loop *l, struct io_file *f, const struct net_address *a,
		       int *system_error);
	err (*connect_result)(struct loop *l, struct io_file *f, int *system_error);
	err (*recv)(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n);
	err (*send)(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
		    size_t *n);
	void (*shutdown)(struct loop *l, struct io_file *f);
	void (*close)(struct loop *l, struct io_file *f);
	struct process *(*process_open)(struct loop *l);
	const struct http_client_ops *http_client;
	/* NULL: a world without bad luck. */
	bool (*is_unlucky)(const struct loop *l, enum unlucky point);
};

/* What process.h promises. */
struct process_ops {
	void (*close)(struct process *p);
	bool (*memory)(struct process *p, struct process_memory *out);
	bool (*usage)(struct process *p, struct process_usage *out);
	bool (*host)(struct process *p, struct host_memory *out);
};

struct loop {
	const struct loop_ops *ops;
	struct clock clock;
	struct rng rng;
	uint32_t turn;
	bool is_paused;
	bool is_busy; /* on_turn_end has more to do */
	atomic_bool is_stopped;
	atomic_uint n_turns;			 /* turn, for other threads */
	_Atomic uint64_t idle_ns, idle_since_ns; /* of the waits that are over; 0: awake */
	bool (*on_turn_end)(void *ctx);
	void *ctx;
	struct loop_deferred *deferred_first, **deferred_end;
	struct list held; /* struct tls: their files are to be called for what they hold */
	unsigned n_handshake_steps;		 /* of TLS, in this turn */
	_Atomic(struct offload_job *) jobs_done; /* newest first */
	struct timer_wheel timers;
	struct loop_ready ready[LOOP_BATCH];
};

/* l->clock is set; fill_random gets l as its ctx. */
void loop_init(struct loop *l, const struct loop_ops *ops,
	       void (*fill_random)(void *ctx, void *p, size_t n));
/* For poll: it begins to wait; it has waited, and its clock is set. */
void loop_begin_idle(struct loop *l);
void loop_end_idle(struct loop *l);
/* Something that loop_turn would serve without waiting, leaving files aside? */
bool loop_has_work(const struct loop *l);

/* Opens f as fd, not watched yet. */
static inline void io_file_open(struct io_file *f, int fd)
{
	f->fd = fd;
	f->watched = 0;
	f->tls = NULL;
}

/* The thread pool's side of offload_run. */
bool offload_pool_run(struct offload *o, struct offload_job *j);
/* j->work was done: its done() is to be called on its loop. Any thread. */
void offload_finish(struct offload_job *j);
/* Takes j back: its done() is not called, if it has not been yet. Loop thread, when nobody can finish
 * j any more. */
void offload_withdraw(struct offload_job *j);
/* Calls done() of all jobs that were finished. */
void offload_call_done(struct loop *l);

/* A job in a world without threads. offload_free cancels those that are still in its list. */
struct offload_ticket {
	struct list link;
	void (*cancel)(struct offload_ticket *t);
};
/* False: the queue is full. The world takes the ticket off again (offload_ticket_remove) when the
 * job begins. */
bool offload_ticket_add(struct offload *o, struct offload_ticket *t);
void offload_ticket_remove(struct offload *o, struct offload_ticket *t);

#endif
