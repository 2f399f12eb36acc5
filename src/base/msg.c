/* msg.c: one block of count, lengths and bytes. */
#include "base/msg.h"

#include "base/check.h"
#include "base/mem.h"

struct msg *msg_new(size_t len)
{
	struct msg *m;

	if (len > UINT32_MAX)
		return NULL;
	m = try_alloc(sizeof(*m) + len);
	if (!m)
		return NULL;
	atomic_init(&m->refs, 1);
	m->len = (uint32_t)len;
	m->head_len = 0;
	return m;
}

struct msg *msg_ref(struct msg *m)
{
	unsigned before = atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);

	ASSERT(before > 0 && before < UINT32_MAX);
	return m;
}

void msg_unref(struct msg *m)
{
	unsigned before;

	if (!m)
		return;
	/* Whoever drops the last reference must see everything that the others did with the bytes.
	 */
	before = atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel);
	ASSERT(before > 0);
	if (before == 1)
		xfree(m);
}
