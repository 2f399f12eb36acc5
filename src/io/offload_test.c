#include "io/offload.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"

#include <pthread.h>

/* Work waits at the gate until the test opens it. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned n_waiting;
	bool is_open;
};

struct job {
	struct offload_job base;
	struct gate *gate;
	pthread_t worked_on;
	pthread_t done_on;
	bool is_worked, is_done;
};

static void gate_init(struct gate *g)
{
	*g = (struct gate){ 0 };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
}

static void gate_open(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->is_open = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static void gate_await_waiting(struct gate *g, unsigned n)
{
	pthread_mutex_lock(&g->lock);
	while (g->n_waiting < n)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void gate_pass(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->n_waiting++;
	pthread_cond_broadcast(&g->changed);
	while (!g->is_open)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void job_work(struct offload_job *base)
{
	struct job *j = container_of(base, struct job, base);

	if (j->gate)
		gate_pass(j->gate);
	j->worked_on = pthread_self();
	j->is_worked = true;
}

static void job_done(struct offload_job *base)
{
	struct job *j = container_of(base, struct job, base);

	j->done_on = pthread_self();
	j->is_done = true;
}

static void job_init(struct job *j, struct gate *g)
{
	*j = (struct job){ .base = { .work = job_work, .done = job_done }, .gate = g };
}

static void await_done(struct loop *l, const struct job *j)
{
	while (!j->is_done)
		loop_turn(l, 60000);
}

static void offload_works_elsewhere_and_is_done_here(void **state)
{
	int64_t live = mem_live_bytes();
	struct loop *l = loop_new_kernel();
	struct offload *o = offload_new(2, 10);
	struct job j;

	job_init(&j, NULL);
	assert_true(offload_run(o, l, &j.base));
	await_done(l, &j);
	assert_true(j.is_worked);
	assert_false(pthread_equal(j.worked_on, pthread_self()));
	assert_true(pthread_equal(j.done_on, pthread_self()));
	offload_free(o);
	loop_free(l);
	assert_int_equal(mem_live_bytes(), live);
}

static void offload_runs_as_many_at_a_time_as_it_has_threads(void **state)
{
	struct loop *l = loop_new_kernel();
	struct offload *o = offload_new(3, 10);
	struct gate g;
	struct job jobs[5];

	gate_init(&g);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		job_init(&jobs[i], &g);
		assert_true(offload_run(o, l, &jobs[i].base));
	}
	gate_await_waiting(&g, 3);
	gate_open(&g);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		await_done(l, &jobs[i]);
	offload_free(o);
	loop_free(l);
}

static void offload_says_no_when_its_queue_is_full(void **state)
{
	struct loop *l = loop_new_kernel();
	struct offload *o = offload_new(1, 2);
	struct gate g;
	struct job jobs[4];

	gate_init(&g);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		job_init(&jobs[i], &g);
	assert_true(offload_run(o, l, &jobs[0].base));
	gate_await_waiting(&g, 1);
	assert_true(offload_run(o, l, &jobs[1].base));
	assert_true(offload_run(o, l, &jobs[2].base));
	assert_false(offload_run(o, l, &jobs[3].base));
	gate_open(&g);
	await_done(l, &jobs[2]);
	assert_true(offload_run(o, l, &jobs[3].base));
	await_done(l, &jobs[3]);
	offload_free(o);
	loop_free(l);
}

static void *open_later(void *arg)
{
	gate_open(arg);
	return NULL;
}

static void offload_free_waits_for_what_runs_and_drops_the_rest(void **state)
{
	struct loop *l = loop_new_kernel();
	struct offload *o = offload_new(1, 2);
	struct gate g;
	struct job running, queued;
	pthread_t opener;

	gate_init(&g);
	job_init(&running, &g);
	job_init(&queued, NULL);
	assert_true(offload_run(o, l, &running.base));
	gate_await_waiting(&g, 1);
	assert_true(offload_run(o, l, &queued.base));
	assert_int_equal(pthread_create(&opener, NULL, open_later, &g), 0);
	offload_free(o);
	pthread_join(opener, NULL);
	assert_true(running.is_worked);
	loop_turn(l, 0);
	assert_true(running.is_done);
	/* It had begun if the opener was faster than the pool's end; then it was worked whole. */
	assert_int_equal(queued.is_worked, queued.is_done);
	loop_free(l);
}

static void offload_many_jobs_of_two_loops_all_come_back(void **state)
{
	enum { N = 2000 };
	struct loop *loops[] = { loop_new_kernel(), loop_new_kernel() };
	struct offload *o = offload_new(4, N);
	struct job *jobs = xcalloc(N, sizeof(*jobs));

	for (size_t i = 0; i < N; i++) {
		job_init(&jobs[i], NULL);
		assert_true(offload_run(o, loops[i % 2], &jobs[i].base));
	}
	for (size_t i = 0; i < N; i++)
		await_done(loops[i % 2], &jobs[i]);
	offload_free(o);
	loop_free(loops[0]);
	loop_free(loops[1]);
	xfree(jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offload_works_elsewhere_and_is_done_here),
		cmocka_unit_test(offload_runs_as_many_at_a_time_as_it_has_threads),
		cmocka_unit_test(offload_says_no_when_its_queue_is_full),
		cmocka_unit_test(offload_free_waits_for_what_runs_and_drops_the_rest),
		cmocka_unit_test(offload_many_jobs_of_two_loops_all_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
