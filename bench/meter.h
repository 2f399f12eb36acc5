/* meter.h: a stretch of time, what the server used in it, and how much of it was taken away by others.
 *
 * A thread that is ready to run but does not get its core waits; the kernel counts that time
 * (/proc/PID/task/TID/schedstat). On a machine that does something else at the same time it tells how much a
 * figure can be trusted. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>
#include <sys/types.h>

/* All threads of a process together. */
struct usage {
	uint64_t run_ns, wait_ns;
};

struct meter {
	uint64_t from_ns, elapsed_ns;
	struct usage server; /* nothing without a pid */
	struct usage self;
	pid_t server_pid;
};

void meter_start(struct meter *m, pid_t server_pid);
void meter_stop(struct meter *m);
double meter_per_second(const struct meter *m, uint64_t n);

/* Resident memory now, counted page by page (the cheap counters are off by up to a megabyte); 0 without a
 * pid. */
uint64_t meter_rss_bytes(pid_t pid);

#endif
