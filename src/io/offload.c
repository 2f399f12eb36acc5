/* offload.c: the thread pool, and the way back of a finished job to its loop.
 *
 * The queue is a list under one lock: jobs block for milliseconds, so a lock of nanoseconds is no
 * concern. Finished jobs are pushed on their loop's lock-free stack, which the loop empties once
 * per turn; the push that finds it empty wakes the loop. Threads start one by one while there is
 * more to do than idle threads: a server that never offloads has none. They block all signals,
 * which belong to the main thread's signalfd.
 *
 * Not here: cancelling a job that runs, priorities. A job that may hang needs its own deadline. */
#include "io/offload.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/loop_ops.h"

#include <pthread.h>
#include <signal.h>

struct offload {
	unsigned n_threads_max;
	unsigned queue_max;

	pthread_mutex_t lock; /* over all below */
	pthread_cond_t changed;
	struct offload_job *first, **end;
	unsigned n_queued;
	unsigned n_idle;
	bool is_closing;
	struct list tickets;
	unsigned n_threads;
	pthread_t threads[];
};

struct offload *offload_new(unsigned n_threads, unsigned queue_max)
{
	struct offload *o = xcalloc(1, sizeof(*o) + n_threads * sizeof(o->threads[0]));

	o->n_threads_max = n_threads;
	o->queue_max = queue_max;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->changed, NULL);
	o->end = &o->first;
	list_init(&o->tickets);
	return o;
}

bool offload_run(struct offload *o, struct loop *l, struct offload_job *j)
{
	j->loop = l;
	return l->ops->offload(l, o, j);
}

void offload_finish(struct offload_job *j)
{
	struct loop *l = j->loop;
	struct offload_job *head = atomic_load_explicit(&l->jobs_done, memory_order_relaxed);

	do {
		j->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&l->jobs_done, &head, j, memory_order_release, memory_order_relaxed));
	if (!head)
		loop_wake(l);
}

void offload_call_done(struct loop *l)
{
	struct offload_job *j = atomic_exchange_explicit(&l->jobs_done, NULL, memory_order_acquire);
	struct offload_job *oldest = NULL;

	while (j) {
		struct offload_job *older = j->next;

		j->next = oldest;
		oldest = j;
		j = older;
	}
	while (oldest) {
		j = oldest;
		oldest = j->next;
		j->done(j);
	}
}

void offload_withdraw(struct offload_job *j)
{
	struct loop *l = j->loop;
	struct offload_job *other =
		atomic_exchange_explicit(&l->jobs_done, NULL, memory_order_acquire);

	while (other) {
		struct offload_job *older = other->next;

		if (other != j)
			offload_finish(other);
		other = older;
	}
}

/* Lock held. Waits for a job; NULL: the pool closes. */
static struct offload_job *next_job(struct offload *o)
{
	struct offload_job *j;

	o->n_idle++;
	while (!o->first && !o->is_closing)
		pthread_cond_wait(&o->changed, &o->lock);
	o->n_idle--;
	if (o->is_closing)
		return NULL;
	j = o->first;
	o->first = j->next;
	if (!o->first)
		o->end = &o->first;
	o->n_queued--;
	return j;
}

static void *thread_main(void *arg)
{
	struct offload *o = arg;
	struct offload_job *j;

	pthread_setname_np(pthread_self(), "offload");
	pthread_mutex_lock(&o->lock);
	while ((j = next_job(o))) {
		pthread_mutex_unlock(&o->lock);
		j->work(j);
		offload_finish(j);
		pthread_mutex_lock(&o->lock);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* Lock held. */
static void start_thread(struct offload *o)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&o->threads[o->n_threads], NULL, thread_main, o) == 0)
		o->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Lock held. */
static bool enqueue(struct offload *o, struct offload_job *j)
{
	if (o->n_queued >= o->queue_max)
		return false;
	if (o->n_queued >= o->n_idle && o->n_threads < o->n_threads_max)
		start_thread(o);
	if (o->n_threads == 0)
		return false;
	j->next = NULL;
	*o->end = j;
	o->end = &j->next;
	o->n_queued++;
	pthread_cond_signal(&o->changed);
	return true;
}

bool offload_pool_run(struct offload *o, struct offload_job *j)
{
	bool is_taken;

	pthread_mutex_lock(&o->lock);
	is_taken = enqueue(o, j);
	pthread_mutex_unlock(&o->lock);
	return is_taken;
}

bool offload_ticket_add(struct offload *o, struct offload_ticket *t)
{
	if (o->n_queued >= o->queue_max)
		return false;
	o->n_queued++;
	list_push_back(&o->tickets, &t->link);
	return true;
}

void offload_ticket_remove(struct offload *o, struct offload_ticket *t)
{
	list_remove(&t->link);
	o->n_queued--;
}

void offload_free(struct offload *o)
{
	struct list *link;

	pthread_mutex_lock(&o->lock);
	o->is_closing = true;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
	for (unsigned i = 0; i < o->n_threads; i++)
		pthread_join(o->threads[i], NULL);
	while ((link = list_pop_front(&o->tickets))) {
		struct offload_ticket *t = container_of(link, struct offload_ticket, link);

		t->cancel(t);
	}
	pthread_cond_destroy(&o->changed);
	pthread_mutex_destroy(&o->lock);
	xfree(o);
}
