/* cgroup.h: the memory limit that control groups set us, in both of their versions; for
 * kernel_process.c. */
#ifndef IO_CGROUP_H
#define IO_CGROUP_H

#include "io/process.h"

#define CGROUP_DEPTH_MAX 8

/* The limit of our group and of each group above it, as open files: they may change at any time. */
struct cgroup {
	int fds[CGROUP_DEPTH_MAX];
	unsigned n;
	enum memory_limit_source source;
};

/* root: where "/proc" and "/sys" lie, "" for the system's own. */
void cgroup_open(struct cgroup *c, const char *root);
void cgroup_close(struct cgroup *c);
/* The smallest of the limits. False: there is none. */
bool cgroup_limit(const struct cgroup *c, uint64_t *bytes);

#endif
