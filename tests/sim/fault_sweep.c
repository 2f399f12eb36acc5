/* fault_sweep.c: plays a script (fuzz/script.h) once for every allocation that it needs and once for
 * every system call, and lets just that one fail:
 *
 *   sockudo-fault-sweep FILE…      each with one worker and with two
 *
 * Whatever fails, the process lives, every byte comes back, nobody gets what a server may not send,
 * and who has nothing to do with it does not notice: script_run checks that, and ends the process
 * otherwise; then the report names the fault. Reports in TAP. */
#include "script.h"

#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCRIPT_BYTES_MAX = 64 << 10, FAULTS_MAX = 100000 };

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
	struct script_faults f = { FAULTS_MAX, FAULTS_MAX };

	script_run(acts, choice, &f);
	return (struct script_faults){ FAULTS_MAX - f.allocation, FAULTS_MAX - f.call };
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
	for (uint64_t i = 1; i <= all.call; i++)
		play(acts, choice, (struct script_faults){ .call = i });
	printf("# %s: %llu allocations, %llu calls, %s\n", playing.path,
	       (unsigned long long)all.allocation, (unsigned long long)all.call,
	       choice & 1 ? "two workers" : "one worker");
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
	printf("1..%d\n", argc - 1);
	return 0;
}
