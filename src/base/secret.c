/* secret.c: chunks of locked pages, cut into multiples of 64 bytes.
 *
 * A block that is freed goes to the list of its size and is handed out again; chunks stay. They lie
 * one behind the other in a range of addresses that is reserved once, so that a secret is known by
 * its address. What is larger than a chunk has a mapping of its own.
 * One lock: secrets are made at start and when the configuration changes. Like the heap, of which
 * this is a corner, it is one for the process. */
#include "base/secret.h"

#include "base/check.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	GRAIN = 64,
	CHUNK_BYTES = SECRET_BLOCK_BYTES_MAX,
	N_SIZES = CHUNK_BYTES / GRAIN + 1,
	RANGE_BYTES = 1 << 30, /* addresses, not memory */
};

struct free_block {
	struct free_block *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct free_block *free_blocks[N_SIZES]; /* by size in grains */
static char *_Atomic range;
static size_t range_used;
static char *chunk;
static size_t chunk_left;
static struct secret_memory memory;

static _Noreturn void die(size_t bytes)
{
	fprintf(stderr, "sockudo: out of memory (%zu bytes for secrets wanted)\n", bytes);
	abort();
}

static size_t rounded(size_t bytes)
{
	ASSERT(bytes <= SIZE_MAX / 2);
	return bytes ? (bytes + GRAIN - 1) & ~(size_t)(GRAIN - 1) : GRAIN;
}

static void *map(size_t bytes, int protection)
{
	void *p = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die(bytes);
	return p;
}

/* True: they are locked as well. */
static bool hide_pages(void *p, size_t bytes)
{
	bool is_locked = mlock(p, bytes) == 0;

	madvise(p, bytes, MADV_DONTDUMP);
	madvise(p, bytes, MADV_DONTFORK);
	memory.bytes += bytes;
	if (!is_locked)
		memory.unlocked_bytes += bytes;
	return is_locked;
}

/* Small blocks */

static void list_block(void *p, size_t bytes)
{
	struct free_block *b = p;

	b->next = free_blocks[bytes / GRAIN];
	free_blocks[bytes / GRAIN] = b;
}

static void add_chunk(void)
{
	if (chunk_left)
		list_block(chunk, chunk_left);
	if (!range)
		range = map(RANGE_BYTES, PROT_NONE);
	chunk = range + range_used;
	if (range_used == RANGE_BYTES || mprotect(chunk, CHUNK_BYTES, PROT_READ | PROT_WRITE) != 0)
		die(CHUNK_BYTES);
	range_used += CHUNK_BYTES;
	chunk_left = CHUNK_BYTES;
	hide_pages(chunk, CHUNK_BYTES);
}

static void *take_block(size_t bytes)
{
	struct free_block *b = free_blocks[bytes / GRAIN];

	if (b) {
		free_blocks[bytes / GRAIN] = b->next;
		b->next = NULL;
		return b;
	}
	if (chunk_left < bytes)
		add_chunk();
	chunk += bytes;
	chunk_left -= bytes;
	return chunk - bytes;
}

/* Large ones */

struct large {
	bool is_locked;
	_Alignas(GRAIN) char bytes[];
};

static void *take_large(size_t bytes)
{
	struct large *l = map(sizeof(*l) + bytes, PROT_READ | PROT_WRITE);

	l->is_locked = hide_pages(l, sizeof(*l) + bytes);
	return l->bytes;
}

static void give_large(void *p, size_t bytes)
{
	struct large *l = (struct large *)((char *)p - sizeof(*l));

	bytes += sizeof(*l);
	memory.bytes -= bytes;
	if (!l->is_locked)
		memory.unlocked_bytes -= bytes;
	munmap(l, bytes);
}

/* The door */

static bool is_small(size_t bytes)
{
	return bytes <= CHUNK_BYTES;
}

void *secret_alloc(size_t bytes)
{
	void *p;

	bytes = rounded(bytes);
	if (SECRET_ON_HEAP)
		return xcalloc(1, bytes);
	pthread_mutex_lock(&lock);
	p = is_small(bytes) ? take_block(bytes) : take_large(bytes);
	pthread_mutex_unlock(&lock);
	mem_count((int64_t)bytes);
	return p;
}

void secret_free(void *p, size_t bytes)
{
	if (!p)
		return;
	bytes = rounded(bytes);
	secret_wipe(p, bytes);
	if (SECRET_ON_HEAP) {
		xfree(p);
		return;
	}
	pthread_mutex_lock(&lock);
	if (is_small(bytes))
		list_block(p, bytes);
	else
		give_large(p, bytes);
	pthread_mutex_unlock(&lock);
	mem_count(-(int64_t)bytes);
}

bool secret_owns(const void *p)
{
	uintptr_t start = (uintptr_t)atomic_load_explicit(&range, memory_order_relaxed);

	return start && (uintptr_t)p - start < RANGE_BYTES;
}

str secret_str(str s)
{
	char *p = secret_alloc(s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return (str){ p, s.n };
}

void secret_str_free(str s)
{
	secret_free((char *)s.p, s.n + 1);
}

void secret_wipe(void *p, size_t bytes)
{
	explicit_bzero(p, bytes);
}

struct secret_memory secret_memory(void)
{
	struct secret_memory m;

	pthread_mutex_lock(&lock);
	m = memory;
	pthread_mutex_unlock(&lock);
	return m;
}
