/* sim_main.c: runs seeds one after the other and reports in TAP.
 *
 *   sockudo-sim --seed 1 --seeds 1000      seeds 1 to 1000, and the scenarios
 *   sockudo-sim --seed 17 --trace          one, as a readable conversation
 *
 * --steps N acts per seed, --workers N instead of what the seed says; --acts N ends the same run
 * after so many acts, which is how tools/sim-swarm makes a failing one small. The status is 0 only if
 * everything was right. See docs/testing.md. */
#include "scenario.h"

#include "base/mem.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS_OF_A_CASE = 100, CHURN = 10000 };

struct options {
	uint64_t seed, n_seeds;
	uint64_t n_steps, n_acts_max, n_workers;
	bool traces;
};

struct runner {
	struct options options;
	struct trace *trace;
	struct world *world;
	unsigned n_cases;
	uint64_t n_lines; /* of all traces */
	uint64_t simulated_us;
};

static uint64_t number(const char *text)
{
	uint64_t n;

	if (str_to_u64(str_from_cstr(text), UINT64_MAX, &n))
		return n;
	fprintf(stderr, "sockudo-sim: %s is no number\n", text);
	exit(2);
}

static struct options read_options(int argc, char **argv)
{
	static const struct option TABLE[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "steps", required_argument, NULL, 'm' },
		{ "acts", required_argument, NULL, 'a' },
		{ "workers", required_argument, NULL, 'w' },
		{ "trace", no_argument, NULL, 't' },
		{ 0 },
	};
	struct options o = { .seed = 1, .n_seeds = 1, .n_steps = 400, .n_acts_max = UINT64_MAX };
	int c;

	while ((c = getopt_long(argc, argv, "", TABLE, NULL)) != -1) {
		if (c == 's')
			o.seed = number(optarg);
		else if (c == 'n')
			o.n_seeds = number(optarg);
		else if (c == 'm')
			o.n_steps = number(optarg);
		else if (c == 'a')
			o.n_acts_max = number(optarg);
		else if (c == 'w')
			o.n_workers = number(optarg);
		else if (c == 't')
			o.traces = true;
		else
			exit(2);
	}
	if (optind < argc || o.n_workers > WORKERS_MAX || o.n_workers == 3) {
		fprintf(stderr, "usage: sockudo-sim [--seed N] [--seeds N] [--steps N] [--acts N] "
				"[--workers 1|2|4] [--trace]\n");
		exit(2);
	}
	return o;
}

static void begin_case(struct runner *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void begin_case(struct runner *r, const char *fmt, ...)
{
	va_list args;

	r->trace->case_number = ++r->n_cases;
	va_start(args, fmt);
	vsnprintf(r->trace->case_name, sizeof(r->trace->case_name), fmt, args);
	va_end(args);
}

static void end_case(struct runner *r)
{
	printf("ok %u - %s\n", r->trace->case_number, r->trace->case_name);
	fflush(stdout);
}

static uint64_t run_seed(struct runner *r, uint64_t seed)
{
	const struct options *o = &r->options;
	char replay[160], workers[32] = "", acts[32] = "";
	uint64_t hash;

	if (o->n_workers)
		snprintf(workers, sizeof(workers), " WORKERS=%llu",
			 (unsigned long long)o->n_workers);
	if (o->n_acts_max != UINT64_MAX)
		snprintf(acts, sizeof(acts), " ACTS=%llu", (unsigned long long)o->n_acts_max);
	snprintf(replay, sizeof(replay), "make sim SEED=%llu SEEDS=1 STEPS=%llu%s%s TRACE=1",
		 (unsigned long long)seed, (unsigned long long)o->n_steps, acts, workers);
	trace_begin(r->trace, replay);
	hash = scenario_random(r->world, r->trace, seed, (unsigned)o->n_steps, o->n_acts_max,
			       (unsigned)o->n_workers);
	r->simulated_us += r->world->ended_us;
	r->n_lines += r->trace->n_lines;
	return hash;
}

static void run_seeds(struct runner *r)
{
	const struct options *o = &r->options;

	for (uint64_t i = 0; i < o->n_seeds; i++) {
		uint64_t last = i + SEEDS_OF_A_CASE < o->n_seeds ? i + SEEDS_OF_A_CASE : o->n_seeds;

		if (i % SEEDS_OF_A_CASE == 0)
			begin_case(r, "seeds %llu to %llu keep every promise",
				   (unsigned long long)(o->seed + i),
				   (unsigned long long)(o->seed + last - 1));
		run_seed(r, o->seed + i);
		if (i + 1 == last || (i + 1) % SEEDS_OF_A_CASE == 0)
			end_case(r);
	}
}

static void run_scenarios(struct runner *r)
{
	uint64_t seed = r->options.seed;

	begin_case(r, "the same seed gives the same run");
	for (uint64_t i = seed; i < seed + 5; i++)
		if (run_seed(r, i) != run_seed(r, i))
			trace_fail(r->trace, "two runs of seed %llu differ", (unsigned long long)i);
	end_case(r);
	begin_case(r, "live bytes return to their start after %d connects", CHURN);
	trace_begin(r->trace, "the case that churns");
	scenario_churn(r->world, r->trace, CHURN);
	end_case(r);
}

int main(int argc, char **argv)
{
	struct runner r = { .options = read_options(argc, argv) };

	r.trace = mem_chunk_alloc(16, sizeof(*r.trace));
	r.world = mem_chunk_alloc(16, sizeof(*r.world));
	memset(r.trace, 0, sizeof(*r.trace));
	r.trace->is_shown = r.options.traces;
	trace_watch(r.trace);
	run_seeds(&r);
	if (r.options.n_seeds > 1)
		run_scenarios(&r);
	printf("1..%u\n# %llu events, %llu s simulated\n", r.n_cases, (unsigned long long)r.n_lines,
	       (unsigned long long)r.simulated_us / 1000000);
	mem_chunk_free(r.world);
	mem_chunk_free(r.trace);
	return 0;
}
