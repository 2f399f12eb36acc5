/* arena.h: scratch memory that dies all at once.
 *
 * One per loop turn or per cold job; nothing in it outlives the reset. The largest chunk of at
 * most keep_bytes is kept for the next turn, the rest goes back. Aligned to 16. Cannot fail
 * (sizes are ours or were checked). Scratch does not count in mem_live_bytes: it is not live
 * when a loop rests. With ASan, what was reset or never handed out is unaddressable. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	size_t keep_bytes;
	bool is_secret;
};

void arena_init(struct arena *a, size_t keep_bytes);
/* For texts with secrets in them: of memory of base/secret.h, wiped when it goes. Keeps nothing, and its
 * bytes count as live: it is not scratch. */
void arena_init_secret(struct arena *a);
void arena_fini(struct arena *a);
void *arena_alloc(struct arena *a, size_t bytes);
/* Bytes are copied; a NUL follows them that does not count. */
str arena_copy(struct arena *a, str s);
/* The pieces one after the other, with a NUL likewise. */
str arena_join(struct arena *a, const str *pieces, size_t n_pieces);
/* v in decimal. */
str arena_number(struct arena *a, uint64_t v);
void arena_reset(struct arena *a);

#endif
