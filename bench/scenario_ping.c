/* One publish goes to 15,000 subscribers while 100 other clients ping: how long do they wait?
 *
 * A publish twice a second; only pings that leave while a fan-out is under way count. */
#include "audience.h"
#include "die.h"
#include "http_publisher.h"
#include "pingers.h"
#include "report.h"

#define N_SUBSCRIBERS 15000u
#define N_PINGERS 100u
#define INTERVAL_NS 500000000u

struct ping_scenario {
	struct bench *bench;
	struct audience audience;
	struct pingers *pingers;
	struct http_publisher publisher;
	uint32_t n_sent;
};

static uint64_t n_expected(const struct ping_scenario *g)
{
	return (uint64_t)g->n_sent * g->audience.n;
}

static void publish(struct ping_scenario *g, uint64_t intended_ns)
{
	struct payload p = { intended_ns, g->n_sent++, 0 };
	char channel[AUDIENCE_CHANNEL_BYTES];

	audience_channel(&g->audience, 0, channel);
	http_publisher_publish(&g->publisher, channel, &p);
	http_publisher_flush(&g->publisher);
}

static void run_for(struct ping_scenario *g, double seconds, bool is_measured)
{
	uint64_t due_ns = now_ns();
	uint64_t end_ns = due_ns + (uint64_t)(seconds * 1e9);
	uint64_t now;

	while ((now = now_ns()) < end_ns) {
		bool is_idle = g->audience.verdict.received == n_expected(g);

		if (is_idle && now >= due_ns && http_publisher_has_room(&g->publisher)) {
			publish(g, now);
			due_ns += INTERVAL_NS;
			is_idle = false;
		}
		pingers_turn(g->pingers, is_measured && !is_idle);
		loop_poll(g->bench->loop);
	}
}

/* The last fan-out and the last pongs. */
static void drain(struct ping_scenario *g)
{
	audience_drain(&g->audience, n_expected(g));
	pingers_drain(g->pingers);
}

void scenario_ping_during_fanout(struct bench *b)
{
	struct ping_scenario *g = must_calloc(1, sizeof *g);
	struct meter meter;

	g->bench = b;
	audience_init(&g->audience, b, N_SUBSCRIBERS, 1);
	audience_grow(&g->audience, N_SUBSCRIBERS);
	g->pingers = pingers_new(b, N_PINGERS);
	http_publisher_open(&g->publisher, b, 1);
	pingers_start(g->pingers);
	run_for(g, b->warm_up_s, false);
	audience_record_from_now(&g->audience);
	meter_start(&meter, b->server_pid);
	run_for(g, b->measured_s, true);
	meter_stop(&meter);
	drain(g);

	report_begin("g11");
	report_latency("ping", pingers_latency_ns(g->pingers));
	report_number("pongs_missing", pingers_n_waiting(g->pingers));
	report_latency("latency", &g->audience.latency_ns);
	report_meter(&meter);
	report_verdict(audience_judge(&g->audience, &g->n_sent));
	report_end();
}
