/* mem.h: the only door to the heap.
 *
 * xalloc is for small things of our own size: it cannot fail (the process says so and stops).
 * try_alloc is for sizes that a peer chose, after the limits table allowed them: NULL means a
 * refusal to that peer. Every live byte is counted per thread, so that "all clients left" can be
 * checked exactly. A seam lets tests fail the n-th try_alloc. Thread-safe; memory may be freed
 * by another thread than the one that took it. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* Uninitialised. */
void *xalloc(size_t bytes) __attribute__((malloc, returns_nonnull));
/* Zeroed. */
void *xcalloc(size_t n, size_t bytes) __attribute__((returns_nonnull));
void *xrealloc(void *p, size_t bytes) __attribute__((returns_nonnull));
void *try_alloc(size_t bytes) __attribute__((malloc));
void *try_realloc(void *p, size_t bytes);
void xfree(void *p);

/* A copy with a NUL behind it that does not count. */
str str_dup(str s);
/* One of those; an empty one that is none is fine. */
void str_free(str s);

#define xnew(type) ((type *)xcalloc(1, sizeof(type)))

/* For allocators built on top (slab): objects they hand out count as live, their chunks do not. */
void *mem_chunk_alloc(size_t align, size_t bytes);
void mem_chunk_free(void *p);
void mem_count(int64_t bytes);

/* Bytes in live allocations and live slab objects, summed over all threads, exact when they are
 * at rest. */
int64_t mem_live_bytes(void);
/* Gives free pages back to the system, which malloc keeps otherwise. Milliseconds when there are
 * many. */
void mem_give_back(void);
/* Lets go of the pages of programs and libraries that were needed to start. What is needed again
 * comes back from the system's cache, a fault at a time: cheap once, before the work begins. */
void mem_let_go_of_code(void);
/* Test seam: the n-th try_alloc from now fails (1 = the next); 0 turns it off. Answers what was left
 * of the count before: 0, it had struck. */
uint64_t mem_fail_nth(uint64_t n);
/* As mem_fail_nth, and the n_more after it fail as well. */
uint64_t mem_fail_run(uint64_t n, uint64_t n_more);

#endif
