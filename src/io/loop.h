/* loop.h: one thread's event loop, and the seam to the outside: time, randomness, descriptors.
 *
 * A turn is: wait; call on_ready of each ready file; call due timers; call done() of offloaded
 * jobs; call on_turn_end. Handlers never write to sockets of others: they mark, and on_turn_end
 * writes once per dirty connection. When on_turn_end answers true there is more to do and the next
 * turn does not wait. The clock is read once per turn, after the wait.
 *
 * Everything the loop asks of the world goes through struct loop_ops (loop_ops.h): the kernel
 * (kernel.c: epoll) or the simulator (sim.h). Nothing above io can tell which. A loop belongs to
 * one thread; only loop_wake and loop_stop may be called from others. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/clock.h"
#include "base/list.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

/* HANGUP is reported, never asked for: both directions have ended or the connection failed. What
 * arrived before can still be received, so look at READ first. A peer that only ended its own
 * stream is READ (and net_recv answers 0), not HANGUP. */
enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

struct tls;

/* Embedded in whatever owns a descriptor. Level-triggered. After net_close no more on_ready comes,
 * also not in the same turn; the memory must stay valid until the end of the turn (loop_defer). */
struct io_file {
	int fd;		  /* -1: not open */
	uint32_t watched; /* the loop's own */
	struct tls *tls;  /* NULL: bytes go as they are (tls.h) */
	void (*on_ready)(struct io_file *f, unsigned ready);
};

struct loop;

/* The kernel's world: epoll. NULL: the system refused (errno tells). */
struct loop *loop_new_kernel(void);
/* Its files are closed before. What is still deferred is run; timers that are armed are
 * forgotten. */
void loop_free(struct loop *l);

/* Valid as long as the loop; the values change at the beginning of each turn. */
const struct clock *loop_clock(const struct loop *l);
struct rng *loop_rng(struct loop *l);
/* The monotonic clock read anew: for measuring, not for deciding. */
uint64_t loop_now_ns(const struct loop *l);
/* How often it has turned (wraps), and for how long it has waited for something to do. Any thread. */
uint32_t loop_n_turns(const struct loop *l);
uint64_t loop_idle_ns(const struct loop *l);

void loop_on_turn_end(struct loop *l, bool (*on_turn_end)(void *ctx), void *ctx);

/* What f is to be called for; 0 watches for hang-up alone. The first call adds it, net_close
 * removes it. False, and only from the first call: the system has no room to watch one more, close
 * it. */
bool loop_watch(struct loop *l, struct io_file *f, unsigned events);

/* Runs run(node) at the end of the turn, after on_turn_end, in the order of the calls: for freeing
 * what may still be on the call stack or in the batch of ready files. */
struct loop_deferred {
	struct loop_deferred *next;
	void (*run)(struct loop_deferred *d);
};
void loop_defer(struct loop *l, struct loop_deferred *d);

/* While paused, only wake-ups and timers are served: ready files wait in the kernel. Holds from the
 * next turn on: files that are ready in this one are still called, so that none is passed over
 * every time. */
void loop_pause_files(struct loop *l, bool paused);

/* One turn, waiting at most max_wait_ms (and not beyond the next timer). */
void loop_turn(struct loop *l, unsigned max_wait_ms);
/* Turns until loop_stop. */
void loop_run(struct loop *l);
/* loop_run returns after the turn in which it sees this. Any thread. */
void loop_stop(struct loop *l);
/* Makes the loop begin a turn if it waits. Cheap when it is already awake. Any thread. */
void loop_wake(struct loop *l);

/* One timer wheel for everything: 16 ms steps, never early, O(1) arm and disarm. */
struct timer {
	struct list link;
	uint32_t due_tick;
	void (*on_due)(struct timer *t); /* disarmed when called; may arm again */
};
#define TIMER_DELAY_MAX_MS (UINT64_C(1000) << 24)
void timer_init(struct timer *t, void (*on_due)(struct timer *t));
/* Re-arms when armed already. At most TIMER_DELAY_MAX_MS (194 days). */
void timer_arm(struct loop *l, struct timer *t, uint64_t delay_ms);
void timer_disarm(struct timer *t);
static inline bool timer_is_armed(const struct timer *t)
{
	return !list_is_empty(&t->link);
}

#endif
