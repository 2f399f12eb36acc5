#include "core/expiring.h"

#include "base/check.h"
#include "base/mem.h"

static str entry_name(const void *entry)
{
	return ((const struct expiring_entry *)entry)->name;
}

void expiring_init(struct expiring *x, uint64_t ttl_ms, uint32_t n_max)
{
	map_init(&x->by_name, entry_name);
	list_init(&x->oldest_first);
	x->ttl_ms = ttl_ms;
	x->n_max = n_max;
}

static void entry_free(struct expiring *x, struct expiring_entry *e)
{
	map_remove(&x->by_name, e->hash, e);
	list_remove(&e->link);
	msg_unref(e->msg);
	xfree(e);
}

static struct expiring_entry *oldest(const struct expiring *x)
{
	return list_is_empty(&x->oldest_first) ?
		       NULL :
		       container_of(x->oldest_first.next, struct expiring_entry, link);
}

static void drop_expired(struct expiring *x, uint64_t now_ms)
{
	struct expiring_entry *e;

	while ((e = oldest(x)) && e->expires_ms <= now_ms)
		entry_free(x, e);
}

void expiring_fini(struct expiring *x)
{
	drop_expired(x, UINT64_MAX);
	map_fini(&x->by_name);
}

/* All by the same: the oldest stays the first to go. Back to when an entry came, then on: what
 * came in the clock's first moments would lie before its beginning otherwise. */
void expiring_set(struct expiring *x, uint64_t ttl_ms, uint32_t n_max, uint64_t now_ms)
{
	drop_expired(x, now_ms);
	for (struct list *l = x->oldest_first.next; l != &x->oldest_first && ttl_ms != x->ttl_ms;
	     l = l->next) {
		struct expiring_entry *e = container_of(l, struct expiring_entry, link);

		e->expires_ms = e->expires_ms - x->ttl_ms + ttl_ms;
	}
	x->ttl_ms = ttl_ms;
	x->n_max = n_max;
	drop_expired(x, now_ms);
	while (x->by_name.n > n_max)
		entry_free(x, oldest(x));
}

const struct expiring_entry *expiring_find(struct expiring *x, uint64_t hash, str name,
					   uint64_t now_ms)
{
	drop_expired(x, now_ms);
	return map_find(&x->by_name, hash, name);
}

static struct expiring_entry *entry_new(uint64_t hash, str name)
{
	struct expiring_entry *e = try_alloc(sizeof(*e) + name.n);

	if (!e)
		return NULL;
	memcpy(e->text, name.p, name.n);
	e->name = (str){ e->text, name.n };
	e->hash = hash;
	list_init(&e->link);
	return e;
}

void expiring_put(struct expiring *x, uint64_t hash, str name, struct msg *m, uint64_t now_ms)
{
	struct expiring_entry *e;

	drop_expired(x, now_ms);
	e = map_find(&x->by_name, hash, name);
	if (e)
		entry_free(x, e);
	e = x->ttl_ms > 0 && x->n_max > 0 ? entry_new(hash, name) : NULL;
	if (!e) {
		msg_unref(m);
		return;
	}
	if (x->by_name.n >= x->n_max)
		entry_free(x, oldest(x));
	e->msg = m;
	e->expires_ms = now_ms + x->ttl_ms;
	list_push_back(&x->oldest_first, &e->link);
	map_put(&x->by_name, hash, e);
}
