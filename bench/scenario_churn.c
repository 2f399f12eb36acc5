/* Churn: connect, subscribe, close, again and again.
 *
 * Fifty clients do it side by side. They close as browsers do that go away, by closing TCP; the polite variant
 * exchanges Close frames first. The next cycle of a client begins as soon as the last has ended. */
#include "die.h"
#include "report.h"
#include "ws_client.h"

#define N_CLIENTS 50u

struct churner {
	struct ws_client client; /* first */
	struct bench *bench;
	uint64_t *n_cycles; /* shared */
	bool is_polite;
};

static void start_cycle(struct churner *c);

static void end_cycle(struct churner *c)
{
	++*c->n_cycles;
	start_cycle(c);
}

static void on_open(struct ws_client *c)
{
	ws_client_subscribe(c, "bench-churn");
}

static void on_subscribed(struct ws_client *client)
{
	struct churner *c = (struct churner *)client;

	if (c->is_polite) {
		ws_client_close(client);
		return;
	}
	ws_client_drop(client);
	end_cycle(c);
}

static bool on_event(struct ws_client *c, const char *text, size_t n)
{
	return false;
}

static void on_closed(struct ws_client *client)
{
	if (client->phase != WS_CLOSING)
		die("the server closed a WebSocket that was not closing");
	end_cycle((struct churner *)client);
}

static void start_cycle(struct churner *c)
{
	static const struct ws_client_events events = {
		.on_open = on_open,
		.on_subscribed = on_subscribed,
		.on_event = on_event,
		.on_closed = on_closed,
	};

	ws_client_open(&c->client, c->bench, &events);
}

static void run_for(struct bench *b, double seconds)
{
	uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);

	while (now_ns() < end_ns)
		loop_poll(b->loop);
}

static void run(struct bench *b, const char *name, bool is_polite)
{
	struct churner *churners = must_calloc(N_CLIENTS, sizeof *churners);
	uint64_t n_cycles = 0, n_before;
	struct meter meter;

	for (uint32_t i = 0; i < N_CLIENTS; i++) {
		churners[i].bench = b;
		churners[i].n_cycles = &n_cycles;
		churners[i].is_polite = is_polite;
		start_cycle(&churners[i]);
	}
	run_for(b, b->warm_up_s);
	n_before = n_cycles;
	meter_start(&meter, b->server_pid);
	run_for(b, b->measured_s);
	meter_stop(&meter);

	report_begin(name);
	report_number("cycles_per_s", meter_per_second(&meter, n_cycles - n_before));
	report_meter(&meter);
	report_end();
}

void scenario_churn(struct bench *b)
{
	run(b, "g8", false);
}

void scenario_churn_polite(struct bench *b)
{
	run(b, "g8-polite", true);
}
