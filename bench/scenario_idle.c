/* Memory of an idle connection with one public subscription: the slope of the server's resident memory
 * between two numbers of connections, so that what the program weighs by itself falls out. */
#include "audience.h"
#include "die.h"
#include "report.h"

#define N_FEW 1000u
#define N_MANY 15000u
#define SETTLE_NS 500000000u

static uint64_t rss_with(struct audience *a, uint32_t n)
{
	uint64_t from_ns;

	audience_grow(a, n);
	for (from_ns = now_ns(); now_ns() - from_ns < SETTLE_NS;)
		loop_poll(a->bench->loop);
	return meter_rss_bytes(a->bench->server_pid);
}

void scenario_idle_memory(struct bench *b)
{
	struct audience *a = must_calloc(1, sizeof *a);
	uint64_t few, many;

	if (b->server_pid == 0)
		die("the memory of a server is only known with --pid");
	audience_init(a, b, N_MANY, 1);
	few = rss_with(a, N_FEW);
	many = rss_with(a, N_MANY);

	report_begin("g4");
	report_number("rss_bytes_at_1000", (double)few);
	report_number("rss_bytes_at_15000", (double)many);
	report_number("bytes_per_connection", ((double)many - (double)few) / (N_MANY - N_FEW));
	report_end();
}
