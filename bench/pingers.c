#include "pingers.h"

#include <string.h>

#include "die.h"
#include "ws_client.h"

#define PERIOD_NS 50000000u
#define DRAIN_NS_MAX 5000000000u

struct pinger {
	struct ws_client client; /* first */
	struct pingers *group;
	uint64_t due_ns; /* of the ping that waits for its pong, else of the next */
	bool is_waiting, is_counted;
};

struct pingers {
	struct bench *bench;
	struct pinger *pingers;
	uint32_t n, n_ready, n_waiting;
	struct histogram latency_ns;
};

static void on_open(struct ws_client *c)
{
	ws_client_subscribe(c, "bench-pingers");
}

static void on_subscribed(struct ws_client *c)
{
	((struct pinger *)c)->group->n_ready++;
}

static bool on_event(struct ws_client *c, const char *text, size_t n)
{
	struct pinger *p = (struct pinger *)c;

	if (!p->is_waiting || !memmem(text, n, "\"pusher:pong\"", 13))
		return false;
	if (p->is_counted) {
		histogram_add(&p->group->latency_ns, now_ns() - p->due_ns);
		p->group->n_waiting--;
	}
	p->is_waiting = false;
	p->due_ns += PERIOD_NS;
	return true;
}

struct pingers *pingers_new(struct bench *b, uint32_t n)
{
	static const struct ws_client_events events = {
		.on_open = on_open,
		.on_subscribed = on_subscribed,
		.on_event = on_event,
	};
	struct pingers *g = must_calloc(1, sizeof *g);

	g->bench = b;
	g->n = n;
	g->pingers = must_calloc(n, sizeof *g->pingers);
	for (uint32_t i = 0; i < n; i++) {
		g->pingers[i].group = g;
		ws_client_open(&g->pingers[i].client, b, &events);
	}
	while (g->n_ready < n)
		loop_poll(b->loop);
	return g;
}

void pingers_start(struct pingers *g)
{
	uint64_t start_ns = now_ns();

	for (uint32_t i = 0; i < g->n; i++)
		g->pingers[i].due_ns = start_ns + (uint64_t)i * PERIOD_NS / g->n;
}

void pingers_turn(struct pingers *g, bool is_counted)
{
	uint64_t now = now_ns();

	for (uint32_t i = 0; i < g->n; i++) {
		struct pinger *p = &g->pingers[i];

		if (p->is_waiting || p->due_ns > now)
			continue;
		p->is_waiting = true;
		p->is_counted = is_counted;
		g->n_waiting += is_counted;
		ws_client_ping(&p->client);
	}
}

void pingers_drain(struct pingers *g)
{
	uint64_t from_ns = now_ns();

	while (g->n_waiting > 0 && now_ns() - from_ns < DRAIN_NS_MAX)
		loop_poll(g->bench->loop);
}

uint32_t pingers_n_waiting(const struct pingers *g)
{
	return g->n_waiting;
}

const struct histogram *pingers_latency_ns(const struct pingers *g)
{
	return &g->latency_ns;
}
