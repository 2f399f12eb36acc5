/* loop.c: the turn, the same in every world.
 *
 * The order inside a turn is the promise of loop.h and lies in loop_turn alone. The rule about
 * closed files lies here too and needs no search through the batch: a ready file is called only if
 * it is still added, and not added in this very turn (see loop_ops.h).
 *
 * Not here: fairness between handlers. Whoever has much to do in on_ready or on_turn_end slices
 * it. */
#include "io/loop.h"

#include "base/check.h"
#include "io/loop_ops.h"
#include "io/tls_priv.h"

#include <limits.h>

void loop_init(struct loop *l, const struct loop_ops *ops,
	       void (*fill_random)(void *ctx, void *p, size_t n))
{
	l->ops = ops;
	l->deferred_end = &l->deferred_first;
	list_init(&l->held);
	rng_init(&l->rng, fill_random, l);
	timer_wheel_init(&l->timers, l->clock.mono_ns);
}

const struct clock *loop_clock(const struct loop *l)
{
	return &l->clock;
}

struct rng *loop_rng(struct loop *l)
{
	return &l->rng;
}

uint64_t loop_now_ns(const struct loop *l)
{
	return l->ops->now_ns(l);
}

uint32_t loop_n_turns(const struct loop *l)
{
	return atomic_load_explicit(&l->n_turns, memory_order_relaxed);
}

uint64_t loop_idle_ns(const struct loop *l)
{
	uint64_t since_ns = atomic_load_explicit(&l->idle_since_ns, memory_order_relaxed);
	uint64_t ns = atomic_load_explicit(&l->idle_ns, memory_order_relaxed);
	uint64_t now_ns = since_ns ? loop_now_ns(l) : 0;

	return ns + (now_ns > since_ns ? now_ns - since_ns : 0);
}

void loop_begin_idle(struct loop *l)
{
	atomic_store_explicit(&l->idle_since_ns, loop_now_ns(l), memory_order_relaxed);
}

void loop_end_idle(struct loop *l)
{
	uint64_t since_ns = atomic_load_explicit(&l->idle_since_ns, memory_order_relaxed);
	uint64_t ns = atomic_load_explicit(&l->idle_ns, memory_order_relaxed);

	atomic_store_explicit(&l->idle_since_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&l->idle_ns, ns + l->clock.mono_ns - since_ns, memory_order_relaxed);
}

void loop_on_turn_end(struct loop *l, bool (*on_turn_end)(void *ctx), void *ctx)
{
	l->on_turn_end = on_turn_end;
	l->ctx = ctx;
}

bool loop_watch(struct loop *l, struct io_file *f, unsigned events)
{
	uint32_t was = f->watched;

	ASSERT(f->fd >= 0 && !(events & ~FILE_EVENTS));
	if (!(was & FILE_ADDED))
		f->watched = events | FILE_ADDED | l->turn << FILE_TURN_SHIFT;
	else if ((was & FILE_EVENTS) != events)
		f->watched = (was & ~(uint32_t)FILE_EVENTS) | events;
	else
		return true;
	if (f->tls)
		tls_watched(l, f);
	if (l->ops->watch(l, f, was))
		return true;
	f->watched = was;
	return false;
}

void loop_defer(struct loop *l, struct loop_deferred *d)
{
	d->next = NULL;
	*l->deferred_end = d;
	l->deferred_end = &d->next;
}

static void run_deferred(struct loop *l)
{
	while (l->deferred_first) {
		struct loop_deferred *d = l->deferred_first;

		l->deferred_first = d->next;
		if (!d->next)
			l->deferred_end = &l->deferred_first;
		d->run(d);
	}
}

void loop_free(struct loop *l)
{
	run_deferred(l);
	l->ops->free(l);
}

void loop_pause_files(struct loop *l, bool paused)
{
	l->is_paused = paused;
}

bool loop_has_work(const struct loop *l)
{
	return l->is_busy || l->deferred_first || (!l->is_paused && !list_is_empty(&l->held)) ||
	       atomic_load_explicit(&l->jobs_done, memory_order_relaxed);
}

static int wait_ms(struct loop *l, unsigned max_wait_ms)
{
	uint64_t ns;
	uint64_t ms;

	if (max_wait_ms == 0 || loop_has_work(l))
		return 0;
	ns = timer_wheel_wait_ns(&l->timers, l->clock.mono_ns);
	if (ns == UINT64_MAX && max_wait_ms == UINT_MAX)
		return LOOP_FOREVER;
	ms = ns / 1000000 + (ns % 1000000 != 0);
	if (ms > max_wait_ms)
		ms = max_wait_ms;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void serve_file(struct loop *l, struct io_file *f, unsigned ready)
{
	if ((f->watched & FILE_FLUSHES) && (ready & LOOP_WRITE)) {
		tls_on_writable(l, f);
		if (f->watched & FILE_FLUSHES)
			ready &= ~(unsigned)LOOP_WRITE;
	}
	ready &= (f->watched & FILE_EVENTS) | LOOP_HANGUP;
	if (ready)
		f->on_ready(f, ready);
}

static void serve_files(struct loop *l, unsigned n)
{
	uint32_t turn = l->turn << FILE_TURN_SHIFT >> FILE_TURN_SHIFT;

	for (unsigned i = 0; i < n; i++) {
		struct io_file *f = l->ready[i].file;

		if ((f->watched & FILE_ADDED) && f->watched >> FILE_TURN_SHIFT != turn &&
		    !loop_is_unlucky(l, UNLUCKY_FILE_LATE))
			serve_file(l, f, l->ready[i].events);
	}
	if (!l->is_paused)
		tls_serve_held(l);
}

void loop_turn(struct loop *l, unsigned max_wait_ms)
{
	unsigned n = l->ops->poll(l, wait_ms(l, max_wait_ms));

	l->turn++;
	l->n_handshake_steps = 0;
	atomic_store_explicit(&l->n_turns, l->turn, memory_order_relaxed);
	serve_files(l, n);
	if (!loop_is_unlucky(l, UNLUCKY_TIMER_LATE))
		timer_wheel_run(&l->timers, l->clock.mono_ns);
	if (atomic_load_explicit(&l->jobs_done, memory_order_relaxed))
		offload_call_done(l);
	l->is_busy = l->on_turn_end && l->on_turn_end(l->ctx);
	run_deferred(l);
}

void loop_run(struct loop *l)
{
	while (!atomic_load_explicit(&l->is_stopped, memory_order_acquire))
		loop_turn(l, UINT_MAX);
	atomic_store_explicit(&l->is_stopped, false, memory_order_relaxed);
}

void loop_stop(struct loop *l)
{
	atomic_store_explicit(&l->is_stopped, true, memory_order_release);
	loop_wake(l);
}

#ifdef SOCKUDO_UNLUCKY
bool loop_is_unlucky(const struct loop *l, enum unlucky point)
{
	return l->ops->is_unlucky && l->ops->is_unlucky(l, point);
}
#endif

void loop_wake(struct loop *l)
{
	l->ops->wake(l);
}
