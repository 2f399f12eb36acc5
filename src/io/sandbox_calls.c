/* sandbox_calls.c: a seccomp filter made of the rows of sandbox_calls.def, by libseccomp.
 *
 * What is in no row fails with EPERM and is reported to the kernel's audit log, so that a library
 * that came to need something shows what it is. Calls without conditions cost next to nothing: the
 * kernel keeps a bitmap of them. Calls of another architecture (32-bit ones on a 64-bit kernel)
 * would pass by the rows and end the process. */
#include "io/sandbox_priv.h"

#ifdef HAVE_SECCOMP

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct call_row {
	const char *name;
	uint32_t action;
	unsigned n_conditions;
	struct scmp_arg_cmp condition;
};

#define IS(n, value) 1, SCMP_CMP64(n, SCMP_CMP_EQ, (uint64_t)(value))
#define HAS_NONE(n, bits) 1, SCMP_CMP64(n, SCMP_CMP_MASKED_EQ, (uint64_t)(bits), 0)
#define HAS_ALL(n, bits) 1, SCMP_CMP64(n, SCMP_CMP_MASKED_EQ, (uint64_t)(bits), (uint64_t)(bits))

static bool add_row(scmp_filter_ctx filter, const struct call_row *row)
{
	int number = seccomp_syscall_resolve_name(row->name);

	/* Not one of this architecture, or younger than the library. */
	if (number < 0)
		return false;
	return seccomp_rule_add_array(filter, row->action, number, row->n_conditions,
				      &row->condition) == 0;
}

static size_t add_rows(scmp_filter_ctx filter)
{
	const struct call_row rows[] = {
#define CALL(name, why) { #name, SCMP_ACT_ALLOW, 0, { 0 } },
#define CALL_IF(name, condition, why) { #name, SCMP_ACT_ALLOW, condition },
#define ABSENT(name, why) { #name, SCMP_ACT_ERRNO(ENOSYS), 0, { 0 } },
#include "io/sandbox_calls.def"
#undef CALL
#undef CALL_IF
#undef ABSENT
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_added = add_row(filter, &rows[i]);

		n += is_added && rows[i].action == SCMP_ACT_ALLOW;
	}
	return n;
}

/* An old kernel cannot log, or cannot reach all threads at once; the filter is as good without. */
static void set_attributes(scmp_filter_ctx filter)
{
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static const char *reason(int error)
{
	if (error == EINVAL || error == ENOSYS || error == EOPNOTSUPP)
		return "the kernel has no seccomp filters";
	return strerrordesc_np(error);
}

void sandbox_limit_calls(struct sandbox_status *s)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = ENOMEM;

	if (filter) {
		set_attributes(filter);
		s->n_calls = add_rows(filter);
		error = -seccomp_load(filter);
		seccomp_release(filter);
	}
	if (error)
		s->no_calls = reason(error);
}

#else

void sandbox_limit_calls(struct sandbox_status *s)
{
	s->no_calls = "this build has no libseccomp";
}

#endif
