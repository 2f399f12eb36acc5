/* arena.c: a pointer that moves up.
 *
 * Chunks double from turn to turn until one of keep_bytes serves a whole turn, and only the
 * largest that may stay is kept: at rest an arena is one chunk, and an allocation is an addition
 * and a compare. Nothing is freed singly. */
#include "base/arena.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/poison.h"
#include "base/secret.h"

enum { ALIGN = 16, CHUNK_BYTES_MIN = 4096 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	size_t used;
	_Alignas(ALIGN) char bytes[];
};

void arena_init(struct arena *a, size_t keep_bytes)
{
	*a = (struct arena){ .keep_bytes = keep_bytes };
}

void arena_init_secret(struct arena *a)
{
	*a = (struct arena){ .is_secret = true };
}

static void *chunk_alloc(const struct arena *a, size_t bytes)
{
	return a->is_secret ? secret_alloc(bytes) : mem_chunk_alloc(ALIGN, bytes);
}

static void chunk_free(const struct arena *a, struct arena_chunk *c)
{
	unpoison(c->bytes, c->size);
	if (a->is_secret)
		secret_free(c, sizeof(*c) + c->size);
	else
		mem_chunk_free(c);
}

void arena_fini(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		chunk_free(a, c);
	}
}

static struct arena_chunk *chunk_add(struct arena *a, size_t bytes)
{
	size_t size = a->chunks ? 2 * a->chunks->size : CHUNK_BYTES_MIN;
	struct arena_chunk *c;

	if (size > a->keep_bytes)
		size = a->keep_bytes;
	if (size < bytes)
		size = bytes;
	c = chunk_alloc(a, sizeof(*c) + size);
	*c = (struct arena_chunk){ .next = a->chunks, .size = size };
	poison(c->bytes, size);
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	size_t rounded = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct arena_chunk *c = a->chunks;
	char *p;

	ASSERT(bytes <= SIZE_MAX / 2);
	if (!c || c->size - c->used < rounded)
		c = chunk_add(a, rounded);
	p = c->bytes + c->used;
	c->used += rounded;
	unpoison(p, bytes);
	return p;
}

str arena_copy(struct arena *a, str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (str){ p, s.n };
}

str arena_join(struct arena *a, const str *pieces, size_t n_pieces)
{
	size_t n = 0;
	char *p, *at;

	for (size_t i = 0; i < n_pieces; i++)
		n += pieces[i].n;
	p = at = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n_pieces; i++) {
		if (pieces[i].n)
			at = mempcpy(at, pieces[i].p, pieces[i].n);
	}
	*at = '\0';
	return (str){ p, n };
}

str arena_number(struct arena *a, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	return arena_copy(a, (str){ digits + at, sizeof(digits) - at });
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *kept = NULL;

	while (a->chunks) {
		struct arena_chunk *c = a->chunks, *drop = c;

		a->chunks = c->next;
		if (c->size <= a->keep_bytes && (!kept || c->size > kept->size)) {
			drop = kept;
			kept = c;
		}
		if (drop)
			chunk_free(a, drop);
	}
	if (kept) {
		kept->next = NULL;
		kept->used = 0;
		poison(kept->bytes, kept->size);
	}
	a->chunks = kept;
}
