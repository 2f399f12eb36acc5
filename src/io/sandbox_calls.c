/* sandbox_calls.c: a seccomp filter made of the rows of sandbox_calls.def, by libseccomp.
 *
 * What is in no row fails with EPERM and is reported to the kernel's audit log, so that a library
 * that came to need something shows what it is. Logging is a property of a filter; what is answered
 * as absent happens with every thread and is no news, so it has a filter of its own. Calls without
 * conditions cost next to nothing: the kernel keeps a bitmap of them. Calls of another architecture
 * (32-bit ones on a 64-bit kernel) would pass by the rows and end the process. Making a filter takes
 * some 100 KiB for a moment, which are given back. */
#include "io/sandbox_priv.h"

#ifdef HAVE_SECCOMP

#include "base/check.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum call_fate { CALL_ALLOWED, CALL_ALLOWED_IF, CALL_ABSENT };

struct call_row {
	const char *name;
	struct scmp_arg_cmp condition;
	enum call_fate fate;
	bool is_for_http; /* only where the HTTP client is used */
};

#define NO_CONDITION ((struct scmp_arg_cmp){ 0, 0, 0, 0 })
#define IS(n, value) ((struct scmp_arg_cmp){ n, SCMP_CMP_EQ, (uint64_t)(value), 0 })
#define HAS_NONE(n, bits) ((struct scmp_arg_cmp){ n, SCMP_CMP_MASKED_EQ, (uint64_t)(bits), 0 })
#define HAS_ALL(n, bits) ((struct scmp_arg_cmp){ n, SCMP_CMP_MASKED_EQ, (uint64_t)(bits), (bits) })

/* False: no call of this architecture, or younger than the library. */
static bool add_row(scmp_filter_ctx filter, uint32_t action, const struct call_row *row)
{
	int number = seccomp_syscall_resolve_name(row->name);

	return number >= 0 &&
	       seccomp_rule_add_array(filter, action, number, row->fate == CALL_ALLOWED_IF,
				      &row->condition) == 0;
}

/* Answers how many calls are open. */
static size_t add_rows(const struct sandbox_options *o, scmp_filter_ctx absent,
		       scmp_filter_ctx refused)
{
	const struct call_row rows[] = {
#define CALL(name, why) { #name, NO_CONDITION, CALL_ALLOWED, false },
#define CALL_IF(name, condition, why) { #name, condition, CALL_ALLOWED_IF, false },
#define HTTP(name, why) { #name, NO_CONDITION, CALL_ALLOWED, true },
#define HTTP_IF(name, condition, why) { #name, condition, CALL_ALLOWED_IF, true },
#define ABSENT(name, why) { #name, NO_CONDITION, CALL_ABSENT, false },
#include "io/sandbox_calls.def"
#undef CALL
#undef CALL_IF
#undef HTTP
#undef HTTP_IF
#undef ABSENT
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_absent = rows[i].fate == CALL_ABSENT;
		bool is_more = i > 0 && strcmp(rows[i].name, rows[i - 1].name) == 0;

		if (rows[i].is_for_http && !o->uses_http_client)
			continue;
		if (is_absent)
			add_row(absent, SCMP_ACT_ERRNO(ENOSYS), &rows[i]);
		n += add_row(refused, SCMP_ACT_ALLOW, &rows[i]) && !is_absent && !is_more;
	}
	return n;
}

/* An old kernel cannot log, or cannot reach all threads at once; the filter is as good without. */
static scmp_filter_ctx filter_new(uint32_t otherwise, bool is_logged)
{
	scmp_filter_ctx f = seccomp_init(otherwise);

	if (!f)
		return NULL;
	seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, is_logged);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return f;
}

static const char *reason(int error)
{
	if (error == EINVAL || error == ENOSYS || error == EOPNOTSUPP)
		return "the kernel has no seccomp filters";
	return strerrordesc_np(error);
}

void sandbox_limit_calls(const struct sandbox_options *o, struct sandbox_status *s)
{
	scmp_filter_ctx absent = filter_new(SCMP_ACT_ALLOW, false);
	scmp_filter_ctx refused = filter_new(SCMP_ACT_ERRNO(EPERM), true);
	int error = -ENOMEM;

	if (absent && refused) {
		s->n_calls = add_rows(o, absent, refused);
		error = seccomp_load(absent);
		if (!error)
			error = seccomp_load(refused);
	}
	seccomp_release(absent);
	seccomp_release(refused);
	mem_give_back();
	if (error)
		s->no_calls = reason(-error);
}

#else

void sandbox_limit_calls(const struct sandbox_options *o, struct sandbox_status *s)
{
	s->no_calls = "this build has no libseccomp";
}

#endif
