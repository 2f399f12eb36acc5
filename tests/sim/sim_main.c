/* sim_main.c: runs seeds one after the other and reports in TAP.
 *
 *   sockudo-sim --seed 1 --seeds 1000      seeds 1 to 1000, and the scenarios
 *   sockudo-sim --seed 17 --trace          one, as a readable conversation
 *
 * --steps N acts per seed, --nodes N, --workers N and --clients N instead of what the seed says; --without
 * WORD,… and --skip 3-40,57 leave things out of the same run, --acts 5,9-12 leaves nothing but these
 * in it, which is how tools/sim-swarm makes a failing one small (--trap gives it something to do).
 * --patience S is how long a run may take (60; 0: for ever), --who and --channel what of its trace
 * is shown. The status is 0 only if everything was right. See docs/testing.md. */
#include "scenario.h"

#include "acts.h"
#include "base/buf.h"
#include "base/mem.h"
#include "luck.h"
#include "plan.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SEEDS_OF_A_CASE = 100, SEEDS_OF_LUCK = 1000, CHURN = 10000 };

struct options {
	uint64_t seed, n_seeds;
	uint64_t n_steps;
	unsigned patience_s;
	struct world_wish wish;
	const char *without, *skip, *acts, *trap; /* as written; "": none */
	bool traces, is_coloured, has_scenarios;
	str who, channel; /* of the trace */
};

/* What the seeds have seen. */
struct tally {
	uint64_t n_seeds;
	uint64_t with[N_TROUBLES];
	uint64_t acts[ACTS_MAX];
	struct luck_tally luck;
};

struct runner {
	struct options options;
	struct trace *trace;
	struct world *world;
	unsigned n_cases;
	uint64_t n_lines; /* of all traces */
	uint64_t simulated_us;
	struct tally tally;
};

static uint64_t number(const char *text)
{
	uint64_t n;

	if (str_to_u64(str_from_cstr(text), UINT64_MAX, &n))
		return n;
	fprintf(stderr, "sockudo-sim: %s is no number\n", text);
	exit(2);
}

static _Noreturn void explain(void)
{
	fprintf(stderr,
		"usage: sockudo-sim [--seed N] [--seeds N] [--steps N]\n"
		"                   [--nodes 1|2|3] [--workers 1|2|4] [--clients N]\n"
		"                   [--without WORD,...] [--skip 3-40,57,90-] [--acts 5,9-12]\n"
		"                   [--trace] [--who c29,p1] [--channel presence-5] [--patience "
		"S]\n"
		"words:");
	for (unsigned t = 0; t < N_TROUBLES; t++)
		fprintf(stderr, " %s", trouble_word(t));
	fprintf(stderr, "\n");
	exit(2);
}

static bool read_option(struct options *o, int option)
{
	str text = optarg ? str_from_cstr(optarg) : (str){ 0 };

	switch (option) {
	case 's':
		o->seed = number(optarg);
		return true;
	case 'n':
		o->n_seeds = number(optarg);
		return true;
	case 'm':
		o->n_steps = number(optarg);
		return true;
	case 'd':
		o->wish.n_nodes = (unsigned)number(optarg);
		return o->wish.n_nodes <= NODES_MAX;
	case 'w':
		o->wish.n_workers = (unsigned)number(optarg);
		return o->wish.n_workers <= WORKERS_MAX && o->wish.n_workers != 3;
	case 'r':
		o->wish.n_clients = (unsigned)number(optarg);
		return o->wish.n_clients <= CLIENTS_MAX - 2;
	case 'o':
		o->without = optarg;
		return cut_read_without(&o->wish.cut, text);
	case 'k':
		o->skip = optarg;
		return cut_read_acts(&o->wish.cut.skip, text);
	case 'a':
		o->acts = optarg;
		return cut_read_acts(&o->wish.cut.only, text);
	case 'p':
		o->trap = optarg;
		o->wish.trap = text;
		return true;
	case 'y':
		o->patience_s = (unsigned)number(optarg);
		return true;
	case 'i':
		o->who = text;
		return true;
	case 'c':
		o->channel = text;
		return true;
	case 'l':
		o->is_coloured = true;
		return true;
	case 'e':
		o->has_scenarios = false;
		return true;
	case 't':
		o->traces = true;
		return true;
	}
	return false;
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option TABLE[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "steps", required_argument, NULL, 'm' },
		{ "nodes", required_argument, NULL, 'd' },
		{ "workers", required_argument, NULL, 'w' },
		{ "clients", required_argument, NULL, 'r' },
		{ "without", required_argument, NULL, 'o' },
		{ "skip", required_argument, NULL, 'k' },
		{ "acts", required_argument, NULL, 'a' },
		{ "trap", required_argument, NULL, 'p' },
		{ "patience", required_argument, NULL, 'y' },
		{ "who", required_argument, NULL, 'i' },
		{ "channel", required_argument, NULL, 'c' },
		{ "colour", no_argument, NULL, 'l' },
		{ "no-scenarios", no_argument, NULL, 'e' },
		{ "trace", no_argument, NULL, 't' },
		{ 0 },
	};
	int option;

	*o = (struct options){ .seed = 1,
			       .n_seeds = 1,
			       .n_steps = 400,
			       .patience_s = 60,
			       .has_scenarios = true,
			       .is_coloured = isatty(STDOUT_FILENO) };
	o->without = o->skip = o->acts = o->trap = "";
	while ((option = getopt_long(argc, argv, "", TABLE, NULL)) != -1)
		if (!read_option(o, option))
			explain();
	if (optind < argc)
		explain();
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

static void add_word(struct buf *b, const char *name, const char *value)
{
	if (value[0])
		buf_printf(b, " %s=%s", name, value);
}

/* The command that does it again. */
static void begin_trace(struct runner *r, uint64_t seed)
{
	const struct options *o = &r->options;
	struct buf b;

	buf_init(&b, TRACE_REPLAY_BYTES - 1);
	buf_printf(&b, "make sim SEED=%llu SEEDS=1 STEPS=%llu", (unsigned long long)seed,
		   (unsigned long long)o->n_steps);
	if (o->wish.n_nodes)
		buf_printf(&b, " NODES=%u", o->wish.n_nodes);
	if (o->wish.n_workers)
		buf_printf(&b, " WORKERS=%u", o->wish.n_workers);
	if (o->wish.n_clients)
		buf_printf(&b, " CLIENTS=%u", o->wish.n_clients);
	add_word(&b, "WITHOUT", o->without);
	add_word(&b, "SKIP", o->skip);
	add_word(&b, "ACTS", o->acts);
	add_word(&b, "TRAP", o->trap);
	buf_puts(&b, S(" TRACE=1"));
	trace_begin(r->trace, buf_str(&b), o->patience_s);
	buf_fini(&b);
}

static void count(struct tally *t, const struct world *w)
{
	t->n_seeds++;
	for (unsigned i = 0; i < N_TROUBLES; i++)
		t->with[i] += plan_value(&w->plan, i) > 0;
	for (unsigned i = 0; i < ACTS_MAX; i++)
		t->acts[i] += w->n_done[i];
	luck_count(&t->luck, w);
}

static void print_tally(const struct tally *t)
{
	printf("# of %llu runs so many had:", (unsigned long long)t->n_seeds);
	for (unsigned i = 0; i < N_TROUBLES; i++)
		printf(" %s %llu", trouble_word(i), (unsigned long long)t->with[i]);
	printf("\n# acts:");
	for (unsigned i = 0; acts_word(i); i++)
		printf(" %s %llu", acts_word(i), (unsigned long long)t->acts[i]);
	printf("\n");
	luck_print(&t->luck);
}

static uint64_t run_seed(struct runner *r, uint64_t seed)
{
	const struct options *o = &r->options;
	uint64_t hash;

	begin_trace(r, seed);
	hash = scenario_random(r->world, r->trace, seed, (unsigned)o->n_steps, &o->wish);
	count(&r->tally, r->world);
	r->simulated_us += r->world->ended_us;
	r->n_lines += r->trace->n_events;
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
	trace_begin(r->trace, S("the case that churns"), r->options.patience_s);
	scenario_churn(r->world, r->trace, CHURN);
	end_case(r);
}

/* With so many runs each point of bad luck must have struck. */
static void check_luck(struct runner *r)
{
	const struct options *o = &r->options;
	const char *dead = luck_find_dead(&r->tally.luck);

	if (o->n_seeds < SEEDS_OF_LUCK || o->wish.cut.without || o->acts[0] || o->skip[0] ||
	    o->wish.n_nodes || o->wish.n_workers || o->wish.n_clients)
		return;
	begin_case(r, "every point of bad luck has struck");
	if (dead)
		trace_fail(r->trace, "%s never does", dead);
	end_case(r);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_speed(const struct runner *r, double took_s)
{
	double simulated_s = (double)r->simulated_us / 1e6;

	printf("# note: %llu events (%.0f/s), %.0f s simulated (%.0f times real time)\n",
	       (unsigned long long)r->n_lines, (double)r->n_lines / took_s, simulated_s,
	       simulated_s / took_s);
}

int main(int argc, char **argv)
{
	struct runner r = { 0 };
	double began_s = now_s();

	read_options(&r.options, argc, argv);
	r.trace = mem_chunk_alloc(16, sizeof(*r.trace));
	r.world = mem_chunk_alloc(16, sizeof(*r.world));
	memset(r.trace, 0, sizeof(*r.trace));
	r.trace->is_shown = r.options.traces;
	r.trace->is_coloured = r.options.is_coloured;
	r.trace->who = r.options.who;
	r.trace->channel = r.options.channel;
	trace_watch(r.trace);
	run_seeds(&r);
	if (r.options.n_seeds > 1 && r.options.has_scenarios)
		run_scenarios(&r);
	check_luck(&r);
	printf("1..%u\n", r.n_cases);
	print_tally(&r.tally);
	print_speed(&r, now_s() - began_s);
	mem_chunk_free(r.world);
	mem_chunk_free(r.trace);
	return 0;
}
