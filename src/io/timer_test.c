#include "io/timer.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"

enum { TICK_MS = TIMER_TICK_NS / 1000000 };

struct world {
	struct sim *sim;
	struct loop *loop;
};

static struct world world_new(uint64_t seed)
{
	struct sim_options calm = sim_options_calm();
	struct world w = { .sim = sim_new(seed, &calm) };

	w.loop = sim_loop_new(w.sim);
	return w;
}

static void world_free(struct world *w)
{
	loop_free(w->loop);
	sim_free(w->sim);
}

static uint64_t now_ns(const struct world *w)
{
	return loop_clock(w->loop)->mono_ns;
}

struct alarm {
	struct timer timer;
	struct world *world;
	uint64_t wanted_ns; /* not before */
	uint64_t rung_ns;
	unsigned n_rung;
	unsigned rearm_times;
	uint64_t rearm_ms;
	struct alarm *victim; /* disarmed by this one */
};

static void alarm_arm(struct alarm *a, uint64_t delay_ms)
{
	a->wanted_ns = now_ns(a->world) + delay_ms * 1000000;
	timer_arm(a->world->loop, &a->timer, delay_ms);
}

static void alarm_on_due(struct timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	assert_false(timer_is_armed(t));
	a->rung_ns = now_ns(a->world);
	a->n_rung++;
	assert_true(a->rung_ns >= a->wanted_ns);
	if (a->victim)
		timer_disarm(&a->victim->timer);
	if (a->rearm_times) {
		a->rearm_times--;
		alarm_arm(a, a->rearm_ms);
	}
}

static void alarm_init(struct alarm *a, struct world *w)
{
	*a = (struct alarm){ .world = w };
	timer_init(&a->timer, alarm_on_due);
}

/* Delays around every border between two levels of the wheel. */
static void timer_is_never_early_and_at_most_a_tick_late(void **state)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct world w = world_new(seed);

		for (unsigned bits = 0; bits < 30; bits++) {
			for (int around = -1; around <= 1; around++) {
				uint64_t delay_ms =
					((UINT64_C(1) << bits) + around) * TICK_MS + seed;
				struct alarm a;

				if (delay_ms > TIMER_DELAY_MAX_MS)
					continue;
				loop_turn(w.loop, 0); /* what it knows of the time */
				alarm_init(&a, &w);
				alarm_arm(&a, delay_ms);
				assert_true(timer_is_armed(&a.timer));
				sim_run_ms(w.sim, delay_ms + 2 * TICK_MS);
				assert_int_equal(a.n_rung, 1);
				assert_in_range(a.rung_ns - a.wanted_ns, 0, TIMER_TICK_NS + 20000);
			}
		}
		world_free(&w);
	}
}

static void timer_longest_delay_is_kept(void **state)
{
	struct world w = world_new(7);
	struct alarm a;

	alarm_init(&a, &w);
	alarm_arm(&a, TIMER_DELAY_MAX_MS);
	sim_run_ms(w.sim, TIMER_DELAY_MAX_MS - 1);
	assert_int_equal(a.n_rung, 0);
	sim_run_ms(w.sim, 2 * TICK_MS);
	assert_int_equal(a.n_rung, 1);
	world_free(&w);
}

static void timers_ring_in_the_order_of_their_ticks(void **state)
{
	enum { N = 2000 };
	struct world w = world_new(3);
	struct alarm *a = xcalloc(N, sizeof(*a));

	for (unsigned i = 0; i < N; i++) {
		alarm_init(&a[i], &w);
		alarm_arm(&a[i], sim_random(w.sim, 10 * 60 * 1000));
	}
	sim_run_ms(w.sim, 10 * 60 * 1000 + 2 * TICK_MS);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(a[i].n_rung, 1);
		for (unsigned k = 0; k < i; k++)
			if (a[k].wanted_ns + TIMER_TICK_NS <= a[i].wanted_ns)
				assert_true(a[k].rung_ns <= a[i].rung_ns);
	}
	xfree(a);
	world_free(&w);
}

static void timer_may_arm_itself_while_it_rings(void **state)
{
	struct world w = world_new(1);
	struct alarm at_once, later;

	alarm_init(&at_once, &w);
	alarm_init(&later, &w);
	at_once.rearm_times = 10;
	later.rearm_times = 10;
	later.rearm_ms = 5000;
	alarm_arm(&at_once, 0);
	alarm_arm(&later, 5000);
	sim_run_ms(w.sim, 12 * TICK_MS);
	assert_int_equal(at_once.n_rung, 11);
	sim_run_ms(w.sim, 11 * (5000 + TICK_MS));
	assert_int_equal(later.n_rung, 11);
	world_free(&w);
}

static void timer_arm_again_moves_it(void **state)
{
	struct world w = world_new(2);
	struct alarm a;

	alarm_init(&a, &w);
	alarm_arm(&a, 100);
	alarm_arm(&a, 100000);
	sim_run_ms(w.sim, 99000);
	assert_int_equal(a.n_rung, 0);
	alarm_arm(&a, 50);
	sim_run_ms(w.sim, 100);
	assert_int_equal(a.n_rung, 1);
	sim_run_ms(w.sim, 200000);
	assert_int_equal(a.n_rung, 1);
	world_free(&w);
}

static void timer_disarmed_never_rings(void **state)
{
	struct world w = world_new(4);
	struct alarm a, killer, victim;

	alarm_init(&a, &w);
	alarm_init(&killer, &w);
	alarm_init(&victim, &w);
	killer.victim = &victim;
	alarm_arm(&a, 1000);
	timer_disarm(&a.timer);
	timer_disarm(&a.timer);
	assert_false(timer_is_armed(&a.timer));
	alarm_arm(&killer, 1000);
	alarm_arm(&victim, 1000); /* the same slot, after it */
	sim_run_ms(w.sim, 5000);
	assert_int_equal(a.n_rung + victim.n_rung, 0);
	assert_int_equal(killer.n_rung, 1);
	world_free(&w);
}

static void timer_wheel_sleeps_until_there_is_something_to_do(void **state)
{
	struct world w = world_new(5);
	struct alarm a;
	unsigned n_turns = 0;

	alarm_init(&a, &w);
	alarm_arm(&a, UINT64_C(90) * 24 * 3600 * 1000);
	while (!a.n_rung && sim_step(w.sim))
		n_turns++;
	assert_int_equal(a.n_rung, 1);
	/* A leap and a turn per level of the wheel. */
	assert_in_range(n_turns, 2, 2 * TIMER_LEVELS + 2);
	assert_false(sim_step(w.sim));
	world_free(&w);
}

static void timers_many_with_random_changes_all_ring_in_time(void **state)
{
	enum { N = 3000, ROUNDS = 60 };

	for (uint64_t seed = 0; seed < 4; seed++) {
		struct world w = world_new(seed);
		struct alarm *a = xcalloc(N, sizeof(*a));

		for (unsigned i = 0; i < N; i++)
			alarm_init(&a[i], &w);
		for (unsigned round = 0; round < ROUNDS; round++) {
			for (unsigned i = 0; i < N / 4; i++) {
				struct alarm *any = &a[sim_random(w.sim, N)];

				if (sim_random(w.sim, 4) == 0)
					timer_disarm(&any->timer);
				else
					alarm_arm(any, sim_random(w.sim, UINT64_C(1) << sim_random(
										 w.sim, 22)));
			}
			sim_run_ms(w.sim,
				   sim_random(w.sim, UINT64_C(1) << sim_random(w.sim, 18)) + 1);
			for (unsigned i = 0; i < N; i++)
				if (timer_is_armed(&a[i].timer))
					assert_true(a[i].wanted_ns + 2 * TIMER_TICK_NS >
						    now_ns(&w));
		}
		for (unsigned i = 0; i < N; i++)
			timer_disarm(&a[i].timer);
		xfree(a);
		world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_is_never_early_and_at_most_a_tick_late),
		cmocka_unit_test(timer_longest_delay_is_kept),
		cmocka_unit_test(timers_ring_in_the_order_of_their_ticks),
		cmocka_unit_test(timer_may_arm_itself_while_it_rings),
		cmocka_unit_test(timer_arm_again_moves_it),
		cmocka_unit_test(timer_disarmed_never_rings),
		cmocka_unit_test(timer_wheel_sleeps_until_there_is_something_to_do),
		cmocka_unit_test(timers_many_with_random_changes_all_ring_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
