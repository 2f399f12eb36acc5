/* process.h: what the system says about this process and its machine: memory, limits,
 * descriptors, processor time.
 *
 * What is read is opened once, so that a sandbox that forbids opening files later does not blind
 * us. The simulator answers what it was told to (sim.h). Only process_usage belongs to one thread;
 * the others may be called from any. */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

enum memory_limit_source {
	MEMORY_LIMIT_NONE, /* no control group limits us, or we cannot see it */
	MEMORY_LIMIT_CGROUP_V2,
	MEMORY_LIMIT_CGROUP_V1,
};

struct process_memory {
	uint64_t resident_bytes, virtual_bytes;
	uint64_t limit_bytes; /* UINT64_MAX: none */
	enum memory_limit_source limit_source;
};

struct process_usage {
	uint64_t cpu_ns; /* of all threads */
	uint64_t n_files, n_files_max;
};

struct host_memory {
	uint64_t total_bytes, available_bytes;
};

struct process_ops;
struct process {
	const struct process_ops *ops;
};

/* Never NULL: what cannot be opened cannot be read later. */
struct process *process_open(struct loop *l);
void process_close(struct process *p);
/* All false when it cannot be read. */
bool process_memory(struct process *p, struct process_memory *out);
bool process_usage(struct process *p, struct process_usage *out);
bool process_host(struct process *p, struct host_memory *out);

#endif
