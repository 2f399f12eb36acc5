#include "server/metrics.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/testing.h"
#include "io/sim.h"

#include <stdio.h>

struct world {
	struct sim *sim;
	struct loop *loop;
	struct mailbox *mail;
	struct process *process;
	struct server_options options;
	const struct server_options *holds;
	struct admission admission;
	atomic_size_t n_conns;
	struct metrics metrics;
	struct app_table *apps;
	struct app_counts counts[2];
	struct buf page;
};

static void world_init(struct world *w)
{
	struct sim_options calm = sim_options_calm();

	*w = (struct world){ .options = server_options_default(), .n_conns = 7 };
	w->sim = sim_new(1, &calm);
	w->loop = sim_loop_new(w->sim);
	w->mail = mailbox_new(w->loop, 1000);
	w->process = process_open(w->loop);
	*sim_process(w->sim) = (struct sim_process){
		.memory = { .resident_bytes = 4096, .virtual_bytes = 8192 },
		.usage = { .cpu_ns = 1500000000, .n_files = 12, .n_files_max = 1024 },
	};
	w->holds = &w->options;
	admission_init(&w->admission, &w->holds, NULL, w->loop, w->process);
	metrics_init(&w->metrics, &w->admission, w->process, 1700000000250, 2);
	w->metrics.port = 9601;
	metrics_add_loop(
		&w->metrics,
		&(struct metrics_loop){ .loop = w->loop, .mail = w->mail, .n_conns = &w->n_conns });
	w->apps = app_table_new((struct hash_key){ 1, 2 });
	w->counts[0].app = app_table_add(w->apps, S("a"), S("k1"), S("s"));
	w->counts[1].app = app_table_add(w->apps, S("b"), S("k2"), S("s"));
	buf_init(&w->page, 1 << 20);
}

static void world_fini(struct world *w)
{
	buf_fini(&w->page);
	app_table_free(w->apps);
	metrics_fini(&w->metrics);
	admission_fini(&w->admission);
	process_close(w->process);
	mailbox_free(w->mail);
	loop_free(w->loop);
	sim_free(w->sim);
	assert_int_equal(mem_live_bytes(), 0);
}

static bool has_line(struct world *w, const char *line)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "\n%s\n", line);

	return memmem(w->page.p, w->page.len, text, (size_t)n) != NULL;
}

static void write_page(struct world *w)
{
	buf_clear(&w->page);
	metrics_put(&w->metrics, S("s_"), w->counts, 2, &w->page);
	assert_true(buf_ok(&w->page));
}

static struct activity *activity_of(struct world *w, unsigned worker, str app_id)
{
	return activity_get(&w->metrics.activities, worker, app_id);
}

static void page_of_a_fresh_server_has_gauges_alone(void **state)
{
	struct world w;

	world_init(&w);
	write_page(&w);
	assert_true(has_line(&w, "# TYPE s_connected gauge"));
	assert_true(has_line(&w, "s_connected{app_id=\"a\",port=\"9601\"} 0"));
	assert_true(has_line(&w, "s_loop_connections{loop=\"worker-0\"} 7"));
	assert_true(has_line(&w, "process_resident_memory_bytes 4096"));
	assert_true(has_line(&w, "process_cpu_seconds_total 1.500000"));
	assert_true(has_line(&w, "process_start_time_seconds 1700000000.250000"));
	assert_true(has_line(&w, "process_open_fds 12"));
	assert_null(memmem(w.page.p, w.page.len, "counter", 7));
	world_fini(&w);
}

static void counters_of_workers_are_one_number(void **state)
{
	struct world w;

	world_init(&w);
	for (unsigned worker = 0; worker < 3; worker++) {
		counter_add(&activity_of(&w, worker, S("a"))->connections, worker + 1);
		counter_add(&activity_of(&w, worker, S("b"))->errors[ERROR_over_quota], 1);
	}
	assert_ptr_equal(activity_of(&w, 1, S("a")), activity_of(&w, 1, S("a")));
	write_page(&w);
	assert_true(has_line(&w, "s_new_connections_total{app_id=\"a\",port=\"9601\"} 6"));
	assert_true(has_line(&w, "s_connection_errors_total{app_id=\"b\",port=\"9601\","
				 "error_type=\"over_quota\"} 3"));
	assert_null(memmem(w.page.p, w.page.len, "s_new_connections_total{app_id=\"b\"", 35));
	world_fini(&w);
}

static void webhooks_are_counted_where_there_are_some(void **state)
{
	atomic_size_t n_waiting = 5;
	struct world w;

	world_init(&w);
	write_page(&w);
	assert_null(memmem(w.page.p, w.page.len, "webhook", 7));
	w.metrics.n_webhook_events = &n_waiting;
	counter_add(&activity_of(&w, 1, S("a"))->webhooks.outcomes[WEBHOOK_GIVEN_UP], 2);
	write_page(&w);
	assert_true(has_line(&w, "s_webhook_queue_depth{port=\"9601\"} 5"));
	assert_true(has_line(
		&w,
		"s_webhook_deliveries_total{app_id=\"a\",port=\"9601\",outcome=\"given_up\"} 2"));
	world_fini(&w);
}

static void label_values_are_escaped(void **state)
{
	struct world w;

	world_init(&w);
	counter_add(&activity_of(&w, 0, S("q\"b\\n\n"))->connections, 1);
	write_page(&w);
	assert_true(
		has_line(&w, "s_new_connections_total{app_id=\"q\\\"b\\\\n\\n\",port=\"9601\"} 1"));
	world_fini(&w);
}

static void latencies_fall_into_the_bucket_that_holds_them(void **state)
{
	struct world w;
	struct activity *a;

	world_init(&w);
	a = activity_of(&w, 0, S("a"));
	latency_add(activity_latency(a, CHANNEL_TYPE_PUBLIC, 1), 500000);      /* 0.5 ms */
	latency_add(activity_latency(a, CHANNEL_TYPE_PUBLIC, 10), 500001);     /* 1 */
	latency_add(activity_latency(a, CHANNEL_TYPE_PUBLIC, 2), 6000000000u); /* +Inf */
	latency_add(activity_latency(a, CHANNEL_TYPE_PUBLIC, 11), 1);
	write_page(&w);
#define SERIES(suffix, size, le)                                                                   \
	"s_broadcast_latency_ms" suffix "{app_id=\"a\",port=\"9601\",channel_type=\"public\","     \
	"recipient_count_bucket=\"" size "\"" le "} "
	assert_true(has_line(&w, SERIES("_bucket", "xs", ",le=\"0.5\"") "1"));
	assert_true(has_line(&w, SERIES("_bucket", "xs", ",le=\"1\"") "2"));
	assert_true(has_line(&w, SERIES("_bucket", "xs", ",le=\"5000\"") "2"));
	assert_true(has_line(&w, SERIES("_bucket", "xs", ",le=\"+Inf\"") "3"));
	assert_true(has_line(&w, SERIES("_count", "xs", "") "3"));
	assert_true(has_line(&w, SERIES("_sum", "xs", "") "6001.000001"));
	assert_true(has_line(&w, SERIES("_count", "sm", "") "1"));
	world_fini(&w);
}

static void audiences_end_at_powers_of_ten(void **state)
{
	static const struct {
		size_t n;
		enum audience size;
	} ROWS[] = { { 1, AUDIENCE_XS },       { 10, AUDIENCE_XS },    { 11, AUDIENCE_SM },
		     { 100, AUDIENCE_SM },     { 101, AUDIENCE_MD },   { 1000, AUDIENCE_MD },
		     { 1001, AUDIENCE_LG },    { 10000, AUDIENCE_LG }, { 10001, AUDIENCE_XL },
		     { SIZE_MAX, AUDIENCE_XL } };
	struct world w;
	struct activity *a;

	world_init(&w);
	a = activity_of(&w, 0, S("a"));
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct latency *l = activity_latency(a, CHANNEL_TYPE_CACHE, ROWS[i].n);

		assert_ptr_equal(l, a->latency[CHANNEL_TYPE_CACHE][ROWS[i].size]);
	}
	world_fini(&w);
}

static void kinds_of_channels_that_were_there_stay_at_0(void **state)
{
	struct world w;

	world_init(&w);
	counter_add(&activity_of(&w, 0, S("b"))->subscriptions[CHANNEL_TYPE_PRESENCE], 1);
	w.counts[0].channels_of_type[CHANNEL_TYPE_CACHE] = 2;
	write_page(&w);
#define ACTIVE(app, type) "s_active_channels{app_id=\"" app "\",port=\"9601\",channel_type=\"" type
	assert_true(has_line(&w, ACTIVE("a", "cache\"} 2")));
	assert_true(has_line(&w, ACTIVE("b", "presence\"} 0")));
	assert_null(memmem(w.page.p, w.page.len, ACTIVE("a", "presence"),
			   strlen(ACTIVE("a", "presence"))));
	world_fini(&w);
}

static void what_cannot_be_read_is_left_out(void **state)
{
	struct world w;

	world_init(&w);
	sim_process(w.sim)->is_unreadable = true;
	write_page(&w);
	assert_null(memmem(w.page.p, w.page.len, "process_open_fds", 16));
	assert_null(memmem(w.page.p, w.page.len, "process_resident", 16));
	assert_true(has_line(&w, "s_memory_pressure_shedding 0"));
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_of_a_fresh_server_has_gauges_alone),
		cmocka_unit_test(counters_of_workers_are_one_number),
		cmocka_unit_test(webhooks_are_counted_where_there_are_some),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(latencies_fall_into_the_bucket_that_holds_them),
		cmocka_unit_test(audiences_end_at_powers_of_ten),
		cmocka_unit_test(kinds_of_channels_that_were_there_stay_at_0),
		cmocka_unit_test(what_cannot_be_read_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
