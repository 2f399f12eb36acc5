/* check.h: statements of fact about our own bookkeeping.
 *
 * ASSERT is on in every build: it is cheap and a server that has lost track of itself must stop.
 * DASSERT is for O(n) checks and hot inner loops; it is on in debug and sanitizer builds.
 * NEVER marks an impossible arm. None of them may be reachable from bytes that a peer chooses. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

_Noreturn void check_failed(const char *kind, const char *expr, const char *file, int line);
/* Loads what the backtrace of a failure needs, for a process that will not be able to later. */
void check_prepare(void);

#define ASSERT(x)                                                                                  \
	(__builtin_expect(!!(x), 1) ? (void)0 : check_failed("ASSERT", #x, __FILE__, __LINE__))
#define NEVER(why) check_failed("NEVER", why, __FILE__, __LINE__)
#ifdef SOCKUDO_DEBUG
#define DASSERT(x) ASSERT(x)
#else
#define DASSERT(x) ((void)sizeof(x))
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
