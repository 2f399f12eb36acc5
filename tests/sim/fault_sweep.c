/* fault_sweep.c: plays a script (fuzz/script.h) once for every allocation that it needs and once for
 * every system call, and lets just that one fail, or a few allocations in a row:
 *
 *   sockudo-fault-sweep FILE…      each with one worker and with two
 *
 * Whatever fails, the process lives, every byte comes back, nobody gets what a server may not send,
 * and who has nothing to do with it does not notice: script_run checks that, and ends the process
 * otherwise; then the report names the fault. Reports in TAP. */
#include "script.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/sim.h"
#include "server/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCRIPT_BYTES_MAX = 64 << 10, FAULTS_MAX = 100000, RUN_MORE = 3 };

/* choice of script_run: a calm network, bytes in big pieces. */
enum { ONE_WORKER = 4, TWO_WORKERS = 5 };

static str read_script(const char *path, char *buffer)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(buffer, 1, SCRIPT_BYTES_MAX, f) : 0;

	if (n == 0) {
		fprintf(stderr, "fault-sweep: %s cannot be read\n", path);
		exit(2);
	}
	fclose(f);
	return (str){ buffer, n - 1 }; /* its last byte is a fuzzer's choice */
}

static struct script_faults count_faults(str acts, uint8_t choice)
{
	struct script_faults f = { .allocation = FAULTS_MAX, .call = FAULTS_MAX };

	script_run(acts, choice, &f);
	return (struct script_faults){ .allocation = FAULTS_MAX - f.allocation,
				       .call = FAULTS_MAX - f.call };
}

/* What is being played, for the report of a process that ends. */
static struct {
	const char *path;
	unsigned choice;
	unsigned long long allocation, call;
} playing;

static void on_end(int number)
{
	signal(number, SIG_DFL);
	printf("not ok 1 - %s\n# choice %u, allocation %llu, call %llu\n", playing.path,
	       playing.choice, playing.allocation, playing.call);
	fflush(stdout);
	raise(number);
}

static void watch_end(void)
{
	static const int NUMBERS[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };

	for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++)
		signal(NUMBERS[i], on_end);
}

static void play(str acts, uint8_t choice, struct script_faults f)
{
	playing.choice = choice;
	playing.allocation = f.allocation;
	playing.call = f.call;
	script_run(acts, choice, &f);
}

static void sweep(str acts, uint8_t choice)
{
	struct script_faults all = count_faults(acts, choice);

	for (uint64_t i = 1; i <= all.allocation; i++)
		play(acts, choice, (struct script_faults){ .allocation = i });
	for (uint64_t i = 1; i <= all.allocation; i++)
		play(acts, choice, (struct script_faults){ .allocation = i, .n_more = RUN_MORE });
	for (uint64_t i = 1; i <= all.call; i++)
		play(acts, choice, (struct script_faults){ .call = i });
	printf("# %s: %llu allocations, %llu calls, %s\n", playing.path,
	       (unsigned long long)all.allocation, (unsigned long long)all.call,
	       choice & 1 ? "two workers" : "one worker");
}

/* Opening its doors: the server says that it could not, or has all of them open. */

struct doors {
	struct sim *sim;
	struct loop *loops[3]; /* two workers' and the hub's */
	struct app_table *apps;
	struct server *server;
};

static void doors_begin(struct doors *d)
{
	struct sim_options calm = sim_options_calm();
	struct server_options o = server_options_default();
	struct hash_key key = { 3, 4 };

	o.n_workers = 2;
	d->sim = sim_new(1, &calm);
	for (size_t i = 0; i < ARRAY_LEN(d->loops); i++)
		d->loops[i] = sim_loop_new(d->sim);
	d->apps = app_table_new(key);
	d->server = server_new(&o, d->apps, NULL, d->loops, d->loops[2], key);
}

static void doors_end(struct doors *d)
{
	server_free(d->server);
	for (size_t i = 0; i < ARRAY_LEN(d->loops); i++)
		loop_free(d->loops[i]);
	app_table_free(d->apps);
	sim_free(d->sim);
}

static bool doors_open(struct doors *d)
{
	struct net_address a;
	int why;

	ASSERT(net_address_parse(S("127.0.0.1"), 6001, &a));
	return server_listen(d->server, LISTENER_CLIENTS, &a, &why) == OK &&
	       server_listen_unix(d->server, LISTENER_CLIENTS, S("/sim/door"), 0600, &why) == OK;
}

static void sweep_doors(void)
{
	bool is_open = false;

	for (uint64_t i = 1; !is_open; i++) {
		int64_t live = mem_live_bytes();
		struct doors d;

		playing.call = i;
		doors_begin(&d);
		sim_fail_nth(d.sim, i);
		is_open = doors_open(&d);
		/* Whoever failed was heard. */
		ASSERT(is_open == (sim_fail_nth(d.sim, 0) > 0));
		doors_end(&d);
		ASSERT(mem_live_bytes() == live);
	}
	printf("# doors: %llu calls\n", playing.call - 1);
}

/* The file's name without its folders. */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	static char buffer[SCRIPT_BYTES_MAX];

	watch_end();
	for (int i = 1; i < argc; i++) {
		str acts = read_script(argv[i], buffer);

		playing.path = name_of(argv[i]);
		sweep(acts, ONE_WORKER);
		sweep(acts, TWO_WORKERS);
		printf("ok %d - %s lives through every fault\n", i, playing.path);
		fflush(stdout);
	}
	playing.path = "doors";
	sweep_doors();
	printf("ok %d - doors that cannot be opened are told\n", argc);
	printf("1..%d\n", argc);
	return 0;
}
