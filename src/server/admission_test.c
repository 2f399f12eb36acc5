/* admission_test.c: memory is what the simulator says. */
#include "server/admission.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"

struct world {
	struct sim *sim;
	struct loop *loop;
	struct process *process;
	struct server_options options;
	const struct server_options *holds;
	struct admission admission;
	struct log *log;
	struct buf logged;
};

static bool write_log(void *ctx, str line)
{
	buf_puts(&((struct world *)ctx)->logged, line);
	return true;
}

static int64_t wall_us(void *ctx)
{
	return 0;
}

static void world_init(struct world *w, struct accept_traffic traffic)
{
	struct sim_options calm = sim_options_calm();
	struct log_options log = { .level = LOG_INFO,
				   .no_target = true,
				   .write = write_log,
				   .wall_us = wall_us,
				   .ctx = w };

	buf_init(&w->logged, 4096);
	w->log = log_new(&log);
	w->sim = sim_new(1, &calm);
	w->loop = sim_loop_new(w->sim);
	w->process = process_open(w->loop);
	w->options = server_options_default();
	w->options.accept_traffic = traffic;
	w->holds = &w->options;
	*sim_process(w->sim) = (struct sim_process){
		.memory = { .resident_bytes = 500,
			    .limit_bytes = 1000,
			    .limit_source = MEMORY_LIMIT_CGROUP_V2 },
	};
	admission_init(&w->admission, &w->holds, w->log, w->loop, w->process);
}

static void world_fini(struct world *w)
{
	admission_fini(&w->admission);
	process_close(w->process);
	loop_free(w->loop);
	sim_free(w->sim);
	log_free(w->log);
	buf_fini(&w->logged);
	assert_int_equal(mem_live_bytes(), 0);
}

static void assert_logged(struct world *w, const char *text)
{
	assert_non_null(memmem(w->logged.p, w->logged.len, text, strlen(text)));
	buf_clear(&w->logged);
}

static const struct accept_traffic ON = { .enabled = true,
					  .sample_interval_ms = 100,
					  .threshold = 0.9 };

static void memory_is_short_from_the_threshold_on_and_no_longer(void **state)
{
	struct world w;
	struct process_memory *m;

	world_init(&w, ON);
	m = &sim_process(w.sim)->memory;
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_AVAILABLE);
	assert_string_equal(admission_limit_source(&w.admission), "cgroup_v2");
	m->resident_bytes = 900;
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_AVAILABLE); /* not looked yet */
	sim_run_ms(w.sim, 150);
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_SHEDDING);
	assert_logged(&w, "memory pressure admission shedding started resident_bytes=900 "
			  "limit_bytes=1000 limit=cgroup_v2");
	sim_run_ms(w.sim, 1000);
	assert_int_equal(w.logged.len, 0); /* told once */
	m->resident_bytes = 899;
	sim_run_ms(w.sim, 150);
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_AVAILABLE);
	assert_logged(&w, "memory pressure admission shedding stopped");
	world_fini(&w);
}

static void limit_of_the_options_comes_before_the_control_groups(void **state)
{
	struct accept_traffic traffic = ON;
	struct world w;

	traffic.limit_bytes = 555;
	world_init(&w, traffic);
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_SHEDDING); /* from the start */
	assert_string_equal(admission_limit_source(&w.admission), "configured");
	world_fini(&w);
}

static void what_cannot_be_measured_refuses_nobody(void **state)
{
	struct world w;

	world_init(&w, ON);
	sim_process(w.sim)->memory.resident_bytes = 2000;
	sim_process(w.sim)->is_unreadable = true;
	sim_run_ms(w.sim, 1000);
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_UNAVAILABLE);
	assert_string_equal(admission_limit_source(&w.admission), "unavailable");
	assert_logged(&w, "memory pressure admission sampling unavailable; failing open");
	sim_process(w.sim)->is_unreadable = false;
	sim_process(w.sim)->memory.limit_bytes = UINT64_MAX; /* no limit */
	sim_run_ms(w.sim, 1000);
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_UNAVAILABLE);
	assert_int_equal(w.logged.len, 0);
	world_fini(&w);
}

static void other_options_hold_after_a_refresh(void **state)
{
	struct server_options other;
	struct world w;

	world_init(&w, (struct accept_traffic){ .enabled = false });
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_DISABLED);
	assert_true(sim_quiet(w.sim) && !timer_is_armed(&w.admission.timer));
	other = w.options;
	other.accept_traffic = ON;
	other.accept_traffic.threshold = 0.5;
	w.holds = &other;
	admission_refresh(&w.admission);
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_SHEDDING);
	w.holds = &w.options;
	admission_refresh(&w.admission);
	assert_int_equal(admission_pressure(&w.admission), PRESSURE_DISABLED);
	assert_false(timer_is_armed(&w.admission.timer));
	world_fini(&w);
}

static void node_is_full_between_the_watermarks_only_if_it_was(void **state)
{
	static const struct {
		size_t n;
		bool full;
	} STEPS[] = { { 0, false },  { 94, false }, { 95, true },  { 90, true }, { 86, true },
		      { 85, false }, { 94, false }, { 100, true }, { 0, false } };
	struct world w;

	world_init(&w, ON);
	w.options.max_connections = 100;
	for (size_t i = 0; i < ARRAY_LEN(STEPS); i++) {
		atomic_store(&w.admission.n_sessions, STEPS[i].n);
		assert_int_equal(admission_is_full(&w.admission, &w.options), STEPS[i].full);
	}
	w.options.max_connections = 0;
	atomic_store(&w.admission.n_sessions, 1000000);
	assert_false(admission_is_full(&w.admission, &w.options));
	world_fini(&w);
}

static void sessions_are_taken_up_to_their_number(void **state)
{
	struct world w;

	world_init(&w, ON);
	assert_true(admission_take(&w.admission, 2));
	assert_true(admission_take(&w.admission, 2));
	assert_false(admission_take(&w.admission, 2));
	admission_give_back(&w.admission);
	assert_true(admission_take(&w.admission, 2));
	assert_true(admission_take(&w.admission, 0));
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_short_from_the_threshold_on_and_no_longer),
		cmocka_unit_test(limit_of_the_options_comes_before_the_control_groups),
		cmocka_unit_test(what_cannot_be_measured_refuses_nobody),
		cmocka_unit_test(other_options_hold_after_a_refresh),
		cmocka_unit_test(node_is_full_between_the_watermarks_only_if_it_was),
		cmocka_unit_test(sessions_are_taken_up_to_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
