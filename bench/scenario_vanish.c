/* 10,000 of 10,100 clients vanish; what do the others feel, who keep pinging, and can new ones get in?
 *
 * The clients are dropped as fast as the generator can close sockets while it keeps the pingers' schedule: an
 * exit of a process that owned them would be sharper, but would take the generator's own core. Right after, 500
 * new clients join. */
#include "audience.h"
#include "die.h"
#include "pingers.h"
#include "report.h"

#define N_GOING 10000u
#define N_STAYING 100u
#define N_JOINING 500u
#define DROPPED_PER_TURN 32u
#define JOINING_AT_ONCE 50u
#define SETTLE_NS 2000000000u

struct vanish {
	struct bench *bench;
	struct pingers *pingers;
	struct audience *going, *joining;
};

static void settle(struct vanish *v, bool is_counted)
{
	uint64_t from_ns = now_ns();

	while (now_ns() - from_ns < SETTLE_NS) {
		pingers_turn(v->pingers, is_counted);
		loop_poll(v->bench->loop);
	}
}

static void let_go(struct vanish *v)
{
	while (v->going->n > 0) {
		uint32_t n = v->going->n;

		audience_shrink(v->going, n > DROPPED_PER_TURN ? n - DROPPED_PER_TURN : 0);
		pingers_turn(v->pingers, true);
		loop_poll(v->bench->loop);
	}
}

static void let_in(struct vanish *v)
{
	while (v->joining->n_subscribed < N_JOINING) {
		audience_open_more(v->joining, N_JOINING, JOINING_AT_ONCE);
		pingers_turn(v->pingers, true);
		loop_poll(v->bench->loop);
	}
}

static struct vanish *vanish_new(struct bench *b)
{
	struct vanish *v = must_calloc(1, sizeof *v);

	v->bench = b;
	v->pingers = pingers_new(b, N_STAYING);
	v->going = must_calloc(1, sizeof *v->going);
	v->joining = must_calloc(1, sizeof *v->joining);
	audience_init(v->going, b, N_GOING, 1);
	audience_init(v->joining, b, N_JOINING, 1);
	return v;
}

void scenario_vanish(struct bench *b)
{
	struct vanish *v = vanish_new(b);
	uint64_t rss_before = meter_rss_bytes(b->server_pid), rss_full, start_ns;
	struct meter joins;

	audience_grow(v->going, N_GOING);
	pingers_start(v->pingers);
	settle(v, false);
	rss_full = meter_rss_bytes(b->server_pid);

	start_ns = now_ns();
	let_go(v);
	meter_start(&joins, b->server_pid);
	let_in(v);
	meter_stop(&joins);
	settle(v, true);
	pingers_drain(v->pingers);

	report_begin("g10");
	report_number("vanish_s", (double)(joins.from_ns - start_ns) / 1e9);
	report_number("joins_per_s", meter_per_second(&joins, N_JOINING));
	report_number("joins_s", (double)joins.elapsed_ns / 1e9);
	report_latency("ping", pingers_latency_ns(v->pingers));
	report_number("pongs_missing", pingers_n_waiting(v->pingers));
	report_number("rss_bytes_before", (double)rss_before);
	report_number("rss_bytes_full", (double)rss_full);
	report_number("rss_bytes_after", (double)meter_rss_bytes(b->server_pid));
	report_end();
}
