/* check.c: the last words of a process that has lost track of itself.
 *
 * Plain stdio and the C library's backtrace, both to standard error: by now the heap, the log
 * and the loop may be the very things that are broken, so none of them is asked. */
#include "base/check.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>

/* The first call opens the compiler's library. */
void check_prepare(void)
{
	void *frame;

	backtrace(&frame, 1);
}

_Noreturn void check_failed(const char *kind, const char *expr, const char *file, int line)
{
	void *frames[64];
	int n = backtrace(frames, ARRAY_LEN(frames));

	fprintf(stderr, "sockudo: %s failed at %s:%d: %s\n", kind, file, line, expr);
	fflush(stderr);
	backtrace_symbols_fd(frames, n, fileno(stderr));
	abort();
}
