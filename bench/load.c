/* load.c: the command line of the load generator.
 *
 * One run is one scenario against one server that speaks Pusher's protocol at 127.0.0.1, ours or another, which
 * should be fresh; the figures are one line of JSON on stdout. bench/run starts servers, calls this, and makes
 * a table of it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "die.h"
#include "loop.h"
#include "signer.h"

static const struct scenario {
	const char *name;
	void (*run)(struct bench *b);
	const char *what;
} scenarios[] = {
	{ "g1", scenario_fanout_one_in_flight, "fan-out to 1,000, one message in flight" },
	{ "g2", scenario_fanout_sixteen_in_flight, "fan-out to 1,000, 16 messages in flight" },
	{ "g2-unpipelined", scenario_fanout_unpipelined, "g2 with one request per connection" },
	{ "g3", scenario_publish, "signed publishes to an empty channel" },
	{ "g3-pipelined", scenario_publish_pipelined, "g3 with 16 requests per connection" },
	{ "g4", scenario_idle_memory, "memory of an idle connection" },
	{ "g6", scenario_paced_one_channel, "latency at 1,000 subscribers, 20 publishes/s" },
	{ "g7", scenario_paced_many_channels, "latency at 1,000 channels, 2,000 publishes/s" },
	{ "g8", scenario_churn, "connect, subscribe, close" },
	{ "g8-polite", scenario_churn_polite, "g8 with an exchange of Close frames" },
	{ "g10", scenario_vanish, "10,000 clients vanish" },
	{ "g11", scenario_ping_during_fanout, "pings during a fan-out to 15,000" },
};

#define N_SCENARIOS (sizeof scenarios / sizeof scenarios[0])

static _Noreturn void usage(FILE *to, int status)
{
	fputs("usage: sockudo-load --scenario NAME --port PORT [--pid SERVER_PID]\n"
	      "       [--app-id ID] [--app-key KEY] [--app-secret SECRET]\n"
	      "       [--warm-up-ms 500] [--measured-ms 2000]\n\nscenarios:\n",
	      to);
	for (size_t i = 0; i < N_SCENARIOS; i++)
		fprintf(to, "  %-15s %s\n", scenarios[i].name, scenarios[i].what);
	exit(status);
}

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; i < N_SCENARIOS; i++) {
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	}
	usage(stderr, 2);
}

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("setrlimit");
}

static const struct scenario *parse(int argc, char **argv, struct bench *b)
{
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "port", required_argument, NULL, 'p' },
		{ "pid", required_argument, NULL, 'P' },
		{ "app-id", required_argument, NULL, 'i' },
		{ "app-key", required_argument, NULL, 'k' },
		{ "app-secret", required_argument, NULL, 'S' },
		{ "warm-up-ms", required_argument, NULL, 'w' },
		{ "measured-ms", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct scenario *scenario = NULL;
	const char *app_id = "app-id", *app_secret = "app-secret";
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			scenario = find_scenario(optarg);
			break;
		case 'p':
			b->port = (uint16_t)must_number(optarg, 65535, "--port");
			break;
		case 'P':
			b->server_pid = (pid_t)must_number(optarg, 1 << 30, "--pid");
			break;
		case 'i':
			app_id = optarg;
			break;
		case 'k':
			b->app_key = optarg;
			break;
		case 'S':
			app_secret = optarg;
			break;
		case 'w':
			b->warm_up_s = (double)must_number(optarg, 1000000, "--warm-up-ms") / 1e3;
			break;
		case 'm':
			b->measured_s = (double)must_number(optarg, 1000000, "--measured-ms") / 1e3;
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 2);
		}
	}
	if (!scenario || b->port == 0 || optind != argc)
		usage(stderr, 2);
	b->signer = signer_new(app_id, b->app_key, app_secret);
	return scenario;
}

int main(int argc, char **argv)
{
	struct bench b = { .app_key = "app-key", .warm_up_s = 0.5, .measured_s = 2 };
	const struct scenario *scenario = parse(argc, argv, &b);

	allow_many_files();
	b.loop = loop_new();
	errno = 0;
	scenario->run(&b);
	return 0;
}
