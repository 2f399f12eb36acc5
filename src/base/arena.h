/* arena.h: scratch memory that dies all at once.
 *
 * One per loop turn or per cold job; nothing in it outlives the reset. Chunks are kept for the next turn up to
 * keep_bytes, the rest goes back. Aligned to 16. Cannot fail (sizes are ours or were checked). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	size_t keep_bytes;
};

void arena_init(struct arena *a, size_t keep_bytes);
void arena_fini(struct arena *a);
void *arena_alloc(struct arena *a, size_t bytes);
/* Bytes are copied; a NUL follows them that does not count. */
str arena_copy(struct arena *a, str s);
void arena_reset(struct arena *a);

#endif
