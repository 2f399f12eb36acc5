/* Latency at a given rate: publishes leave by the clock, whether earlier ones have arrived or not.
 *
 * Each message carries the time at which it should have left, so a server that falls behind cannot hide it by
 * slowing the generator down. A channel is always served by the same connection and its messages wait for each
 * other there: what a subscriber sees has one right order. */
#include "audience.h"
#include "die.h"
#include "http_publisher.h"
#include "report.h"

#define N_PUBLISHERS_MAX 8u

struct paced_plan {
	const char *name;
	uint32_t n_subscribers;
	uint32_t n_streams; /* as audience_init(): 1 shared channel or 0 for one each */
	uint32_t n_publishers;
	uint32_t per_second;
};

struct paced {
	struct bench *bench;
	const struct paced_plan *plan;
	struct audience audience;
	struct http_publisher publishers[N_PUBLISHERS_MAX];
	uint64_t next_of
		[N_PUBLISHERS_MAX]; /* tick that a publisher sends next; its own are every n-th */
	uint64_t start_ns;
	uint32_t *n_sent; /* per stream */
	uint64_t n_sent_in_all;
};

static uint32_t n_channels(const struct paced_plan *plan)
{
	return plan->n_streams > 0 ? 1 : plan->n_subscribers;
}

static uint64_t due_ns(const struct paced *g, uint64_t tick)
{
	return g->start_ns + tick * (1000000000u / g->plan->per_second);
}

static void publish(struct paced *g, struct http_publisher *p, uint64_t tick)
{
	uint32_t stream = (uint32_t)(tick % n_channels(g->plan));
	struct payload payload = { due_ns(g, tick), g->n_sent[stream]++, (uint16_t)stream };
	char channel[AUDIENCE_CHANNEL_BYTES];

	g->n_sent_in_all++;
	audience_channel(&g->audience, stream, channel);
	http_publisher_publish(p, channel, &payload);
	http_publisher_flush(p);
}

static void publish_what_is_due(struct paced *g)
{
	uint64_t now = now_ns();

	for (uint32_t i = 0; i < g->plan->n_publishers; i++) {
		struct http_publisher *p = &g->publishers[i];

		if (now >= due_ns(g, g->next_of[i]) && http_publisher_has_room(p)) {
			publish(g, p, g->next_of[i]);
			g->next_of[i] += g->plan->n_publishers;
		}
	}
}

static void run_for(struct paced *g, double seconds)
{
	uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);

	while (now_ns() < end_ns) {
		publish_what_is_due(g);
		loop_poll(g->bench->loop);
	}
}

static struct paced *paced_new(struct bench *b, const struct paced_plan *plan)
{
	struct paced *g = must_calloc(1, sizeof *g);

	g->bench = b;
	g->plan = plan;
	g->n_sent = must_calloc(n_channels(plan), sizeof *g->n_sent);
	audience_init(&g->audience, b, plan->n_subscribers, plan->n_streams);
	audience_grow(&g->audience, plan->n_subscribers);
	for (uint32_t i = 0; i < plan->n_publishers; i++) {
		http_publisher_open(&g->publishers[i], b, 1);
		g->next_of[i] = i;
	}
	g->start_ns = now_ns();
	return g;
}

static void run(struct bench *b, const struct paced_plan *plan)
{
	struct paced *g = paced_new(b, plan);
	struct audience *a = &g->audience;
	struct meter meter;

	run_for(g, b->warm_up_s);
	audience_record_from_now(a);
	meter_start(&meter, b->server_pid);
	run_for(g, b->measured_s);
	meter_stop(&meter);
	audience_drain(a, g->n_sent_in_all * (plan->n_streams > 0 ? a->n : 1));

	report_begin(plan->name);
	report_latency("latency", &a->latency_ns);
	report_meter(&meter);
	report_verdict(audience_judge(a, g->n_sent));
	report_end();
}

void scenario_paced_one_channel(struct bench *b)
{
	static const struct paced_plan plan = { "g6", 1000, 1, 1, 20 };

	run(b, &plan);
}

void scenario_paced_many_channels(struct bench *b)
{
	static const struct paced_plan plan = { "g7", 1000, 0, 8, 2000 };

	run(b, &plan);
}
