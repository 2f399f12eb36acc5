/* Publishing to a channel that nobody listens to: the HTTP side alone.
 *
 * Eight connections, each with one signed request unanswered, or with sixteen that go out in one write. The
 * requests are signed in advance and sent again and again: a signature is good for ten minutes. */
#include "die.h"
#include "http_publisher.h"
#include "report.h"
#include "signer.h"

#define N_PUBLISHERS 8u
#define N_REQUESTS 1024u
#define DEPTH_PIPELINED 16u

/* Requests one behind the other; request i is at bytes[start[i]] … bytes[start[i + 1]]. */
struct stock {
	char bytes[N_REQUESTS * SIGNED_REQUEST_BYTES_MAX];
	size_t start[N_REQUESTS + 1];
};

struct publishing {
	struct bench *bench;
	struct stock *stock;
	struct http_publisher publishers[N_PUBLISHERS];
	uint32_t next;
};

static struct stock *stock_new(struct signer *signer)
{
	struct stock *s = must_calloc(1, sizeof *s);

	for (uint32_t i = 0; i < N_REQUESTS; i++) {
		struct payload p = { .number = i };

		s->start[i + 1] = s->start[i] +
				  signer_publish(signer, "bench-empty", &p, s->bytes + s->start[i]);
	}
	return s;
}

static void publish_one(struct publishing *g, struct http_publisher *p)
{
	const struct stock *s = g->stock;
	uint32_t i = g->next++ % N_REQUESTS;

	http_publisher_queue(p, s->bytes + s->start[i], s->start[i + 1] - s->start[i]);
}

static void run_for(struct publishing *g, double seconds)
{
	uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);

	while (now_ns() < end_ns) {
		for (uint32_t i = 0; i < N_PUBLISHERS; i++) {
			struct http_publisher *p = &g->publishers[i];

			while (http_publisher_has_room(p))
				publish_one(g, p);
			http_publisher_flush(p);
		}
		loop_poll(g->bench->loop);
	}
}

static uint64_t n_answers(const struct publishing *g)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < N_PUBLISHERS; i++)
		n += g->publishers[i].n_answers;
	return n;
}

static void run(struct bench *b, const char *name, uint32_t depth)
{
	struct publishing *g = must_calloc(1, sizeof *g);
	struct meter meter;
	uint64_t n;

	g->bench = b;
	g->stock = stock_new(b->signer);
	for (uint32_t i = 0; i < N_PUBLISHERS; i++)
		http_publisher_open(&g->publishers[i], b, depth);
	run_for(g, b->warm_up_s);
	n = n_answers(g);
	meter_start(&meter, b->server_pid);
	run_for(g, b->measured_s);
	meter_stop(&meter);
	n = n_answers(g) - n;

	report_begin(name);
	report_number("publishes_per_s", meter_per_second(&meter, n));
	report_meter(&meter);
	report_end();
}

void scenario_publish(struct bench *b)
{
	run(b, "g3", 1);
}

void scenario_publish_pipelined(struct bench *b)
{
	run(b, "g3-pipelined", DEPTH_PIPELINED);
}
