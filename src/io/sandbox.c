/* sandbox.c: the order of the walls. Landlock opens the paths that it leaves open, so it comes before
 * the filter, which knows no calls of Landlock.
 *
 * A build with a sanitizer has no sandbox: its runtime reads, maps and traces what no server does,
 * and a filter that let all that through would prove nothing. */
#include "io/sandbox.h"

#include "base/check.h"
#include "io/sandbox_priv.h"

#include <sys/prctl.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

struct sandbox_status sandbox_enter(const struct sandbox_options *o)
{
	struct sandbox_status s = { 0 };

	if (IS_SANITIZED) {
		s.no_calls = s.no_files = "this is a build with sanitizers";
		return s;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		s.no_calls = s.no_files = "the kernel has no no_new_privs";
		return s;
	}
	check_prepare();
	sandbox_limit_files(o, &s);
	sandbox_limit_calls(o, &s);
	return s;
}
