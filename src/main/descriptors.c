#include "main/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

void descriptors_hold_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void descriptors_raise_limit(struct log *log)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		log_write(log, LOG_DEBUG, "descriptor limit", LF_U64("max", limit.rlim_cur));
}

/* Those that are open now; 0: the system does not tell. */
static size_t count_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 3; /* ".", "..", and d itself */
}

size_t descriptors_left(void)
{
	struct rlimit limit;
	size_t n_open = count_open();

	if (n_open == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur <= n_open)
		return 0;
	return (size_t)limit.rlim_cur - n_open;
}
