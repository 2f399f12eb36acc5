/* kernel_process.c: /proc, control groups and the limits of the real system. */
#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/cgroup.h"
#include "io/kernel.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

/* So that their bytes are a number. */
#define PAGES_MAX (UINT64_MAX >> 20)

struct kernel_process {
	struct process base;
	int statm_fd, meminfo_fd;
	DIR *files;
	uint64_t page_bytes;
	struct cgroup cgroup;
};

static struct kernel_process *kernel_process_of(struct process *p)
{
	return container_of(p, struct kernel_process, base);
}

/* Numbers of such a file are read anew from its beginning. */
static bool reread(int fd, char *text, size_t max, str *out)
{
	ssize_t n = fd >= 0 ? pread(fd, text, max, 0) : 0;

	*out = (str){ text, n > 0 ? (size_t)n : 0 };
	return n > 0;
}

static bool memory(struct process *p, struct process_memory *out)
{
	struct kernel_process *k = kernel_process_of(p);
	uint64_t size, resident;
	char text[128];
	str rest;

	if (!reread(k->statm_fd, text, sizeof(text), &rest) ||
	    !str_to_u64(str_split(&rest, ' '), PAGES_MAX, &size) ||
	    !str_to_u64(str_split(&rest, ' '), PAGES_MAX, &resident))
		return false;
	*out = (struct process_memory){ .resident_bytes = resident * k->page_bytes,
					.virtual_bytes = size * k->page_bytes,
					.limit_bytes = UINT64_MAX };
	if (cgroup_limit(&k->cgroup, &out->limit_bytes))
		out->limit_source = k->cgroup.source;
	else
		out->limit_bytes = UINT64_MAX;
	return true;
}

/* Since Linux 6.2 the folder's size says it; before, only counting does. */
static uint64_t count_files(DIR *files)
{
	const struct dirent *e;
	struct stat st;
	uint64_t n = 0;

	if (fstat(dirfd(files), &st) == 0 && st.st_size > 0)
		return (uint64_t)st.st_size;
	rewinddir(files);
	while ((e = readdir(files)))
		n += e->d_name[0] != '.';
	return n;
}

static bool usage(struct process *p, struct process_usage *out)
{
	struct kernel_process *k = kernel_process_of(p);
	struct rlimit limit;
	struct timespec t;

	if (!k->files || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return false;
	out->cpu_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	out->n_files = count_files(k->files);
	out->n_files_max = limit.rlim_cur;
	return true;
}

/* "MemTotal:       16384 kB" */
static bool find_kb(str text, str name, uint64_t *bytes)
{
	while (text.n) {
		str line = str_split(&text, '\n');
		uint64_t kb;

		if (!str_has_prefix(line, name))
			continue;
		line = str_trim(str_skip(line, name.n));
		if (!str_to_u64(str_split(&line, ' '), UINT64_MAX >> 10, &kb))
			return false;
		*bytes = kb << 10;
		return true;
	}
	return false;
}

/* Where /proc shows processes alone (ProcSubset=pid). What files occupy that could be given back is
 * not seen here. */
static bool ask_sysinfo(struct host_memory *out)
{
	struct sysinfo s;

	if (sysinfo(&s) != 0)
		return false;
	out->total_bytes = (uint64_t)s.totalram * s.mem_unit;
	out->available_bytes = (uint64_t)(s.freeram + s.bufferram) * s.mem_unit;
	return true;
}

static bool host(struct process *p, struct host_memory *out)
{
	char text[4096];
	str all;

	return (reread(kernel_process_of(p)->meminfo_fd, text, sizeof(text), &all) &&
		find_kb(all, S("MemTotal:"), &out->total_bytes) &&
		find_kb(all, S("MemAvailable:"), &out->available_bytes)) ||
	       ask_sysinfo(out);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void close_process(struct process *p)
{
	struct kernel_process *k = kernel_process_of(p);

	cgroup_close(&k->cgroup);
	if (k->files)
		closedir(k->files);
	close_if_open(k->meminfo_fd);
	close_if_open(k->statm_fd);
	xfree(k);
}

static const struct process_ops kernel_process_ops = {
	.close = close_process,
	.memory = memory,
	.usage = usage,
	.host = host,
};

struct process *kernel_process_open(struct loop *l)
{
	struct kernel_process *k = xnew(struct kernel_process);

	k->base.ops = &kernel_process_ops;
	k->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	k->meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	k->files = opendir("/proc/self/fd");
	k->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	cgroup_open(&k->cgroup, "");
	return &k->base;
}
