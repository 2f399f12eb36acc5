/* Fan-out: one channel, 1,000 subscribers, and as many messages in flight as a window allows.
 *
 * A message is in flight until the last subscriber has it. With one in flight the server must wake each socket
 * for each message and can be no faster than the raw send loop; with sixteen it can write several messages at
 * once, and the figure shows whether it does. Sixteen are carried by eight connections with two requests each;
 * a variant allows one per connection, as clients behave that do not pipeline. */
#include "audience.h"
#include "die.h"
#include "http_publisher.h"
#include "report.h"

#define N_SUBSCRIBERS 1000u
#define N_PUBLISHERS_MAX 8u
#define STALLED_NS 2000000000u
/* Power of two, far above any window: the slot of a message is free again when it comes round. */
#define N_SLOTS 256u

struct fanout {
	struct bench *bench;
	struct audience audience;
	struct http_publisher publishers[N_PUBLISHERS_MAX];
	uint32_t n_publishers, turn;
	uint32_t window, n_in_flight;
	uint32_t n_sent[N_PUBLISHERS_MAX];
	uint32_t n_missing[N_PUBLISHERS_MAX]
			  [N_SLOTS]; /* subscribers that a message has not reached */
};

static void on_delivery(void *context, const struct payload *p)
{
	struct fanout *f = context;

	if (--f->n_missing[p->stream][p->number % N_SLOTS] == 0)
		f->n_in_flight--;
}

static void publish(struct fanout *f, uint32_t stream)
{
	struct payload p = { now_ns(), f->n_sent[stream]++, (uint16_t)stream };
	char channel[AUDIENCE_CHANNEL_BYTES];

	f->n_missing[stream][p.number % N_SLOTS] = f->audience.n;
	f->n_in_flight++;
	audience_channel(&f->audience, stream, channel);
	http_publisher_publish(&f->publishers[stream], channel, &p);
}

/* Goes round the publishers from where it stopped last, so that all carry the same load. */
static void fill_window(struct fanout *f)
{
	for (uint32_t refused = 0; f->n_in_flight < f->window && refused < f->n_publishers;) {
		uint32_t stream = f->turn++ % f->n_publishers;

		if (http_publisher_has_room(&f->publishers[stream])) {
			publish(f, stream);
			refused = 0;
		} else {
			refused++;
		}
	}
	for (uint32_t i = 0; i < f->n_publishers; i++)
		http_publisher_flush(&f->publishers[i]);
}

static void run_for(struct fanout *f, double seconds)
{
	uint64_t start_ns = now_ns(), end_ns = start_ns + (uint64_t)(seconds * 1e9);
	uint64_t heard_ns = start_ns;
	uint64_t now;

	while ((now = now_ns()) < end_ns) {
		fill_window(f);
		loop_poll(f->bench->loop);
		if (f->audience.last_delivery_ns > heard_ns)
			heard_ns = f->audience.last_delivery_ns;
		if (now > heard_ns && now - heard_ns > STALLED_NS)
			break;
	}
}

static uint64_t n_sent_in_all(const struct fanout *f)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->n_publishers; i++)
		n += f->n_sent[i];
	return n;
}

static void measure(struct fanout *f, const char *name)
{
	struct audience *a = &f->audience;
	struct meter meter;
	uint64_t n_received;

	run_for(f, f->bench->warm_up_s);
	audience_record_from_now(a);
	n_received = a->verdict.received;
	meter_start(&meter, f->bench->server_pid);
	run_for(f, f->bench->measured_s);
	meter_stop(&meter);
	n_received = a->verdict.received - n_received;
	audience_drain(a, n_sent_in_all(f) * a->n);

	report_begin(name);
	report_number("deliveries_per_s", meter_per_second(&meter, n_received));
	report_number("messages_per_s", meter_per_second(&meter, n_received / a->n));
	report_latency("latency", &a->latency_ns);
	report_meter(&meter);
	report_verdict(audience_judge(a, f->n_sent));
	report_end();
}

static void run(struct bench *b, const char *name, uint32_t n_publishers, uint32_t window,
		uint32_t depth)
{
	struct fanout *f = must_calloc(1, sizeof *f);

	f->bench = b;
	f->n_publishers = n_publishers;
	f->window = window;
	f->audience.on_delivery = on_delivery;
	f->audience.context = f;
	audience_init(&f->audience, b, N_SUBSCRIBERS, n_publishers);
	audience_grow(&f->audience, N_SUBSCRIBERS);
	for (uint32_t i = 0; i < n_publishers; i++)
		http_publisher_open(&f->publishers[i], b, depth);
	measure(f, name);
}

void scenario_fanout_one_in_flight(struct bench *b)
{
	run(b, "g1", 1, 1, 1);
}

void scenario_fanout_sixteen_in_flight(struct bench *b)
{
	run(b, "g2", 8, 16, 2);
}

void scenario_fanout_unpipelined(struct bench *b)
{
	run(b, "g2-unpipelined", 8, 16, 1);
}
