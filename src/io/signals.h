/* signals.h: process signals as loop events (signalfd), so that a handler is ordinary code.
 *
 * Of the kernel's world alone: a simulated process gets no signals. */
#ifndef IO_SIGNALS_H
#define IO_SIGNALS_H

#include "io/loop.h"

#include <stddef.h>

struct signals;
/* Blocks the listed signals for this thread (call before other threads start, they inherit it) and
 * ignores SIGPIPE. NULL: refused (errno tells). */
struct signals *signals_new(struct loop *l, const int *list, size_t n,
			    void (*on_signal)(void *ctx, int signo), void *ctx);
/* The signals stay blocked. on_signal may call it. */
void signals_free(struct signals *s);

#endif
