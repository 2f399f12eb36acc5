/* cgroup.c: /proc/self/cgroup says where we are in the tree, a file in each folder from there up
 * to the root how much that group may have.
 *
 * In a container the path is that of the host, and the folder that we see is the root alone: then
 * the root's file counts. Version 1 writes a huge number for "none". */
#include "io/cgroup.h"

#include "base/buf.h"

#include <fcntl.h>
#include <unistd.h>

#define TEXT_BYTES_MAX 8192
#define PATH_BYTES_MAX 4096
#define UNLIMITED (UINT64_C(1) << 60)

static str read_text(int fd, char *text, size_t max)
{
	ssize_t n = fd >= 0 ? pread(fd, text, max, 0) : 0;

	return (str){ text, n > 0 ? (size_t)n : 0 };
}

static void add_file(struct cgroup *c, const char *root, const char *mount, str group,
		     const char *file)
{
	char text[PATH_BYTES_MAX];
	struct buf path;
	int fd;

	buf_init(&path, sizeof(text));
	buf_printf(&path, "%s%s%.*s/%s%c", root, mount, STR_ARG(group), file, 0);
	fd = buf_ok(&path) ? open(path.p, O_RDONLY | O_CLOEXEC) : -1;
	buf_fini(&path);
	if (fd >= 0)
		c->fds[c->n++] = fd;
}

/* The group's own file and those above it; the root's is tried in any case. */
static void add_files(struct cgroup *c, const char *root, const char *mount, str group,
		      const char *file)
{
	while (group.n > 1 && c->n + 1 < CGROUP_DEPTH_MAX) {
		add_file(c, root, mount, group, file);
		while (group.n > 0 && group.p[group.n - 1] != '/')
			group.n--;
		group.n -= group.n > 0;
	}
	add_file(c, root, mount, S(""), file);
}

static bool lists_memory(str controllers)
{
	while (controllers.p) {
		if (str_eq(str_split(&controllers, ','), S("memory")))
			return true;
	}
	return false;
}

/* "0::/a" of version 2, "4:memory:/a" of version 1. */
static bool find_group(str text, bool is_v2, str *group)
{
	while (text.n) {
		str line = str_split(&text, '\n');
		str number = str_split(&line, ':'), controllers = str_split(&line, ':');

		if (is_v2 ? str_eq(number, S("0")) && controllers.n == 0 :
			    lists_memory(controllers)) {
			*group = line;
			return true;
		}
	}
	return false;
}

static int open_self(const char *root)
{
	struct buf path;
	int fd;

	buf_init(&path, PATH_BYTES_MAX);
	buf_printf(&path, "%s/proc/self/cgroup%c", root, 0);
	fd = open(path.p, O_RDONLY | O_CLOEXEC);
	buf_fini(&path);
	return fd;
}

void cgroup_open(struct cgroup *c, const char *root)
{
	char text[TEXT_BYTES_MAX];
	int fd = open_self(root);
	str self = read_text(fd, text, sizeof(text)), group;

	*c = (struct cgroup){ .source = MEMORY_LIMIT_CGROUP_V2 };
	if (fd >= 0)
		close(fd);
	if (find_group(self, true, &group))
		add_files(c, root, "/sys/fs/cgroup", group, "memory.max");
	if (c->n == 0 && find_group(self, false, &group)) {
		c->source = MEMORY_LIMIT_CGROUP_V1;
		add_files(c, root, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
	}
}

void cgroup_close(struct cgroup *c)
{
	while (c->n > 0)
		close(c->fds[--c->n]);
}

bool cgroup_limit(const struct cgroup *c, uint64_t *bytes)
{
	uint64_t least = UNLIMITED, n;
	char text[32];

	for (unsigned i = 0; i < c->n; i++) {
		str line = read_text(c->fds[i], text, sizeof(text));

		if (str_to_u64(str_split(&line, '\n'), UINT64_MAX, &n) && n < least)
			least = n;
	}
	*bytes = least;
	return least < UNLIMITED;
}
