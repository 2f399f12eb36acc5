/* slab.h: objects of one size, packed, recycled, without a header each.
 *
 * Chunks are 64 KiB, aligned to their size so that an object finds its chunk by masking its
 * address. A chunk whose objects are all free goes back to the system (one empty chunk is kept
 * against flapping). Objects are not zeroed and aligned to 8. In debug builds freed objects are
 * poisoned, and with ASan marked unaddressable. Not thread-safe: one slab belongs to one loop.
 * obj_bytes between 16 and 4096. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab_chunk;
struct slab {
	size_t obj_bytes;
	/* chunks with both live and free objects; full ones are on no list */
	struct slab_chunk *partial;
	struct slab_chunk *spare; /* one wholly free chunk, or NULL */
	size_t n_live;
	uint32_t n_per_chunk;
};

void slab_init(struct slab *s, size_t obj_bytes);
/* Every object must be back. */
void slab_fini(struct slab *s);
void *slab_get(struct slab *s) __attribute__((returns_nonnull));
void slab_put(struct slab *s, void *obj);

#endif
