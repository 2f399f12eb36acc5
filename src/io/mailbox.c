/* mailbox.c: a lock-free stack of batches that is taken whole.
 *
 * Senders push a chain of batches with one compare-and-swap, the receiver takes all of them with
 * one exchange and turns the chain round. Because nobody ever pops a single node, the ABA problem
 * of such stacks does not exist here. A push that finds the box empty wakes its owner; others know
 * that this has been done.
 *
 * A batch is some 8 KiB from the heap, filled from front to back; a big record has one of its own.
 * It is freed by the receiver's thread. The byte count rises before the push and falls when a batch
 * is done, so that it bounds what is in memory, not only what is in the box. */
#include "io/mailbox.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/unlucky.h"

#include <stdatomic.h>

enum {
	BATCH_BYTES = 8192 - 64, /* of mail; with its header and the heap's, two pages at most */
	BIG_RECORD_BYTES = 4096,
};

struct mail_batch {
	struct mail_batch *next; /* older one until it is taken, then the newer one */
	struct mailbox *box;
	size_t used, cap;
	uint64_t mail[];
};

/* What all threads write lies on a cache line of its own, wherever the heap puts the box. */
struct mailbox {
	struct loop *owner;
	size_t full_bytes;
	char pad_before[64];
	_Atomic(struct mail_batch *) newest;
	atomic_size_t bytes;
	char pad_after[64];
};

struct mailbox *mailbox_new(struct loop *owner, size_t full_bytes)
{
	struct mailbox *m = xnew(struct mailbox);

	m->owner = owner;
	m->full_bytes = full_bytes;
	return m;
}

void mailbox_free(struct mailbox *m)
{
	ASSERT(!atomic_load(&m->newest) && atomic_load(&m->bytes) == 0);
	xfree(m);
}

size_t mailbox_bytes(const struct mailbox *m)
{
	return atomic_load_explicit(&m->bytes, memory_order_relaxed);
}

bool mailbox_is_full(const struct mailbox *m)
{
	return mailbox_bytes(m) >= m->full_bytes;
}

struct mail_batch *mailbox_take(struct mailbox *m)
{
	struct mail_batch *b, *oldest = NULL;

	/* Looked at in every turn and mostly empty: do not take the cache line from the senders for
	 * nothing. */
	if (!atomic_load_explicit(&m->newest, memory_order_relaxed))
		return NULL;
	if (loop_is_unlucky(m->owner, UNLUCKY_MAIL_LATE)) {
		loop_wake(m->owner);
		return NULL;
	}
	b = atomic_exchange_explicit(&m->newest, NULL, memory_order_acquire);
	while (b) {
		struct mail_batch *older = b->next;

		b->next = oldest;
		oldest = b;
		b = older;
	}
	return oldest;
}

const struct mail *mail_batch_next(const struct mail_batch *b, size_t *at)
{
	const struct mail *m;

	if (*at == b->used)
		return NULL;
	m = (const struct mail *)((const char *)b->mail + *at);
	*at += sizeof(*m) + m->bytes;
	return m;
}

struct mail_batch *mail_batch_done(struct mail_batch *b)
{
	struct mail_batch *next = b->next;

	atomic_fetch_sub_explicit(&b->box->bytes, b->used, memory_order_relaxed);
	xfree(b);
	return next;
}

void outbox_init(struct outbox *o, struct mailbox *to)
{
	*o = (struct outbox){ .to = to };
}

void outbox_fini(struct outbox *o)
{
	ASSERT(!o->first);
}

static struct mail_batch *batch_new(size_t bytes)
{
	size_t cap = bytes > BIG_RECORD_BYTES + sizeof(struct mail) ? bytes : BATCH_BYTES;
	size_t whole = sizeof(struct mail_batch) + cap;
	struct mail_batch *b = cap == BATCH_BYTES ? xalloc(whole) : try_alloc(whole);

	if (b)
		*b = (struct mail_batch){ .cap = cap };
	return b;
}

/* A batch with room for bytes, the newest of the outbox; NULL: memory is short. */
static struct mail_batch *outbox_room(struct outbox *o, size_t bytes)
{
	struct mail_batch *b = o->last;

	if (b && b->cap - b->used >= bytes && !loop_is_unlucky(o->to->owner, UNLUCKY_BATCH_FULL))
		return b;
	b = batch_new(bytes);
	if (!b)
		return NULL;
	b->box = o->to;
	b->next = o->last;
	o->last = b;
	if (!o->first)
		o->first = b;
	return b;
}

void *outbox_add(struct outbox *o, uint32_t kind, size_t bytes)
{
	size_t rounded = (bytes + 7) & ~(size_t)7;
	struct mail_batch *b;
	struct mail *m;

	if (bytes > MAIL_BYTES_MAX)
		return NULL;
	b = outbox_room(o, sizeof(*m) + rounded);
	if (!b)
		return NULL;
	m = (struct mail *)((char *)b->mail + b->used);
	b->used += sizeof(*m) + rounded;
	m->bytes = (uint32_t)rounded;
	m->kind = kind;
	return m->record;
}

static size_t chain_bytes(const struct mail_batch *b)
{
	size_t bytes = 0;

	for (; b; b = b->next)
		bytes += b->used;
	return bytes;
}

bool outbox_flush(struct outbox *o)
{
	struct mailbox *m = o->to;
	struct mail_batch *head;

	if (!o->first)
		return false;
	atomic_fetch_add_explicit(&m->bytes, chain_bytes(o->last), memory_order_relaxed);
	head = atomic_load_explicit(&m->newest, memory_order_relaxed);
	do {
		o->first->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&m->newest, &head, o->last, memory_order_release, memory_order_relaxed));
	o->first = o->last = NULL;
	if (!head)
		loop_wake(m->owner);
	return true;
}
