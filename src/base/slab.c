/* slab.c: a free list per chunk, threaded through the free objects.
 *
 * A chunk hands out untouched space before it was all used once, so that a page is only made
 * resident when an object lives on it. Its size is a little under 64 KiB, for the C library's
 * sake: its own header of the next chunk fits in the gap, so aligned chunks lie side by side,
 * and an aligned request stays below the 128 KiB from which glibc makes a mapping for each
 * (measured: 15 % more resident memory). Full chunks are on no list; they are found again
 * through the object that is put back. */
#include "base/slab.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/poison.h"

#include <string.h>

enum {
	CHUNK_ALIGN = 64 * 1024,
	CHUNK_BYTES = CHUNK_ALIGN - 256,
	OBJ_ALIGN = 8,
	OBJ_BYTES_MIN = 16,
	OBJ_BYTES_MAX = 4096,
	FREED_PATTERN = 0xdf,
};

struct free_obj {
	struct free_obj *next;
};

struct slab_chunk {
	struct slab *slab;
	struct slab_chunk *next, *prev; /* in slab->partial */
	struct free_obj *free;
	uint32_t n_live;
	uint32_t n_touched; /* objects below this index were handed out at least once */
	_Alignas(16) unsigned char objects[];
};

void slab_init(struct slab *s, size_t obj_bytes)
{
	ASSERT(obj_bytes >= OBJ_BYTES_MIN && obj_bytes <= OBJ_BYTES_MAX);
	obj_bytes = (obj_bytes + OBJ_ALIGN - 1) & ~(size_t)(OBJ_ALIGN - 1);
	*s = (struct slab){
		.obj_bytes = obj_bytes,
		.n_per_chunk = (uint32_t)((CHUNK_BYTES - sizeof(struct slab_chunk)) / obj_bytes),
	};
}

static void chunk_free(struct slab_chunk *c)
{
	unpoison(c, CHUNK_BYTES);
	mem_chunk_free(c);
}

void slab_fini(struct slab *s)
{
	ASSERT(s->n_live == 0);
	if (s->spare)
		chunk_free(s->spare);
	s->spare = NULL;
}

static void partial_link(struct slab *s, struct slab_chunk *c)
{
	c->prev = NULL;
	c->next = s->partial;
	if (c->next)
		c->next->prev = c;
	s->partial = c;
}

static void partial_unlink(struct slab *s, struct slab_chunk *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		s->partial = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static __attribute__((noinline)) struct slab_chunk *chunk_add(struct slab *s)
{
	struct slab_chunk *c = s->spare;

	s->spare = NULL;
	if (!c) {
		c = mem_chunk_alloc(CHUNK_ALIGN, CHUNK_BYTES);
		*c = (struct slab_chunk){ .slab = s };
		poison(c->objects, CHUNK_BYTES - sizeof(*c));
	}
	partial_link(s, c);
	return c;
}

/* Nobody may have written to an object while it was free. */
static void obj_check_untouched(const struct slab *s, const struct free_obj *o)
{
#ifdef SOCKUDO_DEBUG
	const unsigned char *bytes = (const unsigned char *)o;

	for (size_t i = sizeof(*o); i < s->obj_bytes; i++)
		ASSERT(bytes[i] == FREED_PATTERN);
#else
	(void)s, (void)o;
#endif
}

static void *chunk_pop(const struct slab *s, struct slab_chunk *c)
{
	struct free_obj *o = c->free;

	if (!o) {
		void *fresh = c->objects + c->n_touched++ * s->obj_bytes;

		unpoison(fresh, s->obj_bytes);
		return fresh;
	}
	unpoison(o, s->obj_bytes);
	obj_check_untouched(s, o);
	c->free = o->next;
	return o;
}

static void chunk_push(const struct slab *s, struct slab_chunk *c, struct free_obj *o)
{
#ifdef SOCKUDO_DEBUG
	memset(o, FREED_PATTERN, s->obj_bytes);
#endif
	o->next = c->free;
	c->free = o;
	poison(o, s->obj_bytes);
}

void *slab_get(struct slab *s)
{
	struct slab_chunk *c = s->partial ? s->partial : chunk_add(s);
	void *obj = chunk_pop(s, c);

	if (++c->n_live == s->n_per_chunk)
		partial_unlink(s, c);
	s->n_live++;
	mem_count((int64_t)s->obj_bytes);
	return obj;
}

static __attribute__((noinline)) void chunk_retire(struct slab *s, struct slab_chunk *c)
{
	partial_unlink(s, c);
	if (s->spare)
		chunk_free(c);
	else
		s->spare = c;
}

void slab_put(struct slab *s, void *obj)
{
	struct slab_chunk *c =
		(struct slab_chunk *)((uintptr_t)obj & ~(uintptr_t)(CHUNK_ALIGN - 1));

	ASSERT(c->slab == s);
	chunk_push(s, c, obj);
	if (c->n_live-- == s->n_per_chunk)
		partial_link(s, c);
	if (c->n_live == 0)
		chunk_retire(s, c);
	s->n_live--;
	mem_count(-(int64_t)s->obj_bytes);
}
