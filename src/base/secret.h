/* secret.h: memory for what nobody else may see: secrets of apps, keys, configuration texts.
 *
 * Its pages are locked (they never reach swap), are left out of core dumps and do not exist in a
 * forked child; what is freed is wiped at once. Where the system allows a process only little
 * locked memory (RLIMIT_MEMLOCK), the rest is unlocked but still left out of dumps, and
 * secret_memory() says how much that is. Allocations cannot fail, like those of mem.h, and count
 * as live bytes. Thread-safe. For small things that live long: not for a hot path. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/poison.h"
#include "base/str.h"

/* With AddressSanitizer secrets are on its heap: there each block has its own red zones, and the
 * leak checker finds what it points to. */
#ifdef POISON_ENABLED
#define SECRET_ON_HEAP true
#else
#define SECRET_ON_HEAP false
#endif

/* Zeroed. */
void *secret_alloc(size_t bytes) __attribute__((returns_nonnull));
/* The same size as was asked for. NULL is fine. */
void secret_free(void *p, size_t bytes);
/* Is p a block of at most SECRET_BLOCK_BYTES_MAX that secret_alloc gave? For those who are handed
 * pointers of either kind. */
enum { SECRET_BLOCK_BYTES_MAX = 16 << 10 };
bool secret_owns(const void *p);
/* A copy with a NUL behind it that does not count; freed by secret_str_free. */
str secret_str(str s);
void secret_str_free(str s);

/* Overwrites in a way that the compiler keeps. */
void secret_wipe(void *p, size_t bytes);

struct secret_memory {
	size_t bytes;	       /* taken from the system by now */
	size_t unlocked_bytes; /* of these, what it did not let us lock */
};
struct secret_memory secret_memory(void);

#endif
