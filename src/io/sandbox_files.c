/* sandbox_files.c: Landlock: only the paths that were named can be read, none can be written, no
 * further TCP port can be bound.
 *
 * The C library has no calls for it, and headers of Debian 12 do not know the newer rights, so the
 * kernel's numbers stand here. Each kernel forbids what it can: we ask for its version and name no
 * right that it does not know. What is on: files since Linux 5.13, cutting files since 6.2, binding
 * since 6.7, device controls since 6.10, abstract sockets and signals to others since 6.12.
 * Connecting stays free: where webhooks and backends are is a matter of configuration.
 * Rights are checked when a file is opened. Looking at names (stat, readlink) is not restricted. */
#include "io/sandbox_priv.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum file_right {
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_FILE = 1 << 5,
	ALL_OF_VERSION_1 = (1 << 13) - 1,
	REFER = 1 << 13,
	TRUNCATE = 1 << 14,
	IOCTL_DEV = 1 << 15,
};
enum { BIND_TCP = 1 << 0 };
enum { SCOPE_ABSTRACT_SOCKETS = 1 << 0, SCOPE_SIGNALS = 1 << 1 };

struct ruleset {
	uint64_t files;
	uint64_t net;	/* since version 4 */
	uint64_t scope; /* since version 6 */
};

struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

static long version_of_kernel(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);
}

static struct ruleset ruleset_of(long version, const struct sandbox_options *o)
{
	struct ruleset r = { .files = ALL_OF_VERSION_1 };

	if (version >= 2)
		r.files |= REFER;
	if (version >= 3)
		r.files |= TRUNCATE;
	if (version >= 4)
		r.net = BIND_TCP;
	if (version >= 5)
		r.files |= IOCTL_DEV;
	if (version >= 6)
		r.scope = SCOPE_SIGNALS | (o->uses_abstract_sockets ? 0 : SCOPE_ABSTRACT_SOCKETS);
	return r;
}

/* A kernel refuses a longer record than it knows, unless what it does not know is zero. */
static int ruleset_new(const struct ruleset *r)
{
	return (int)syscall(SYS_landlock_create_ruleset, r, sizeof(*r), 0);
}

static uint64_t rights_of(enum sandbox_access a, bool is_folder)
{
	if (a == SANDBOX_REMOVE)
		return is_folder ? REMOVE_FILE : 0;
	return READ_FILE | (is_folder ? READ_DIR : 0);
}

/* False: it is not there, or there is nothing to be allowed about it. */
static bool allow_path(int ruleset, const struct sandbox_path *p)
{
	struct path_rule rule = { .parent_fd = open(p->path.p, O_PATH | O_CLOEXEC) };
	struct stat st;
	bool is_added = false;

	if (rule.parent_fd < 0)
		return false;
	if (fstat(rule.parent_fd, &st) == 0)
		rule.allowed = rights_of(p->access, S_ISDIR(st.st_mode));
	if (rule.allowed)
		is_added =
			syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return is_added;
}

static const char *reason(int error)
{
	if (error == ENOSYS)
		return "the kernel has no Landlock";
	if (error == EOPNOTSUPP)
		return "Landlock is switched off in the kernel (lsm=)";
	return strerrordesc_np(error);
}

void sandbox_limit_files(const struct sandbox_options *o, struct sandbox_status *s)
{
	long version = version_of_kernel();
	struct ruleset r;
	int fd;

	if (version < 1) {
		s->no_files = reason(errno);
		return;
	}
	r = ruleset_of(version, o);
	fd = ruleset_new(&r);
	if (fd < 0) {
		s->no_files = reason(errno);
		return;
	}
	for (size_t i = 0; i < o->n_paths; i++)
		s->n_paths += allow_path(fd, &o->paths[i]);
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		s->no_files = reason(errno);
	close(fd);
}
