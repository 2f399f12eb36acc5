/* msg.c: one block of count, lengths and bytes.
 *
 * The other forms of a message are a list that only grows at its head, so that it needs no lock.
 * The message owns one reference to each; a form that outlives its message (a slow reader still has
 * it queued) knows no other forms. */
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
	m->form = 0;
	m->born_ns = 0;
	atomic_init(&m->forms, NULL);
	return m;
}

struct msg *msg_ref(struct msg *m)
{
	unsigned before = atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);

	ASSERT(before > 0 && before < UINT32_MAX);
	return m;
}

static void msg_free(struct msg *m)
{
	struct msg *f = atomic_load_explicit(&m->forms, memory_order_relaxed);

	while (f) {
		struct msg *next = atomic_load_explicit(&f->forms, memory_order_relaxed);

		atomic_store_explicit(&f->forms, NULL, memory_order_relaxed);
		msg_unref(f);
		f = next;
	}
	xfree(m);
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
		msg_free(m);
}

static struct msg *find(struct msg *list, uint32_t form)
{
	while (list && list->form != form)
		list = atomic_load_explicit(&list->forms, memory_order_relaxed);
	return list;
}

struct msg *msg_form_find(const struct msg *m, uint32_t form)
{
	return find(atomic_load_explicit(&m->forms, memory_order_acquire), form);
}

struct msg *msg_form_add(struct msg *m, uint32_t form, struct msg *f)
{
	struct msg *first = atomic_load_explicit(&m->forms, memory_order_acquire);
	struct msg *other;

	ASSERT(form != 0 && m->form == 0);
	f->form = form;
	while (!(other = find(first, form))) {
		atomic_store_explicit(&f->forms, first, memory_order_relaxed);
		if (atomic_compare_exchange_weak_explicit(
			    &m->forms, &first, f, memory_order_acq_rel, memory_order_acquire))
			return f;
	}
	atomic_store_explicit(&f->forms, NULL, memory_order_relaxed);
	msg_unref(f);
	return other;
}
