/* map.c: one array of slots, probed to the right.
 *
 * Removal closes the gap by moving later entries back, so a probe always ends at the first free
 * slot and the map never fills with tombstones under churn. The full hash in the slot makes a
 * wrong key comparison rare and growing free of key look-ups. It is rebuilt in one go when it
 * grows. */
#include "base/map.h"

#include "base/check.h"
#include "base/mem.h"

enum { CAP_MIN = 8 };

void map_init(struct map *m, str (*key_of)(const void *value))
{
	*m = (struct map){ .key_of = key_of };
}

void map_fini(struct map *m)
{
	xfree(m->slots);
	map_init(m, m->key_of);
}

void *map_find(const struct map *m, uint64_t hash, str key)
{
	if (m->n == 0)
		return NULL;
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		const struct map_slot *slot = &m->slots[i];

		if (!slot->value)
			return NULL;
		if (slot->hash == hash && (!m->key_of || str_eq(m->key_of(slot->value), key)))
			return slot->value;
	}
}

static void slot_fill(struct map *m, struct map_slot entry)
{
	size_t i = entry.hash & (m->cap - 1);

	while (m->slots[i].value)
		i = (i + 1) & (m->cap - 1);
	m->slots[i] = entry;
}

static void resize(struct map *m, size_t cap)
{
	struct map old = *m;

	m->cap = cap;
	m->slots = cap ? xcalloc(cap, sizeof(*m->slots)) : NULL;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			slot_fill(m, old.slots[i]);
	xfree(old.slots);
}

void map_put(struct map *m, uint64_t hash, void *value)
{
	ASSERT(value);
	DASSERT(!map_find(m, hash, m->key_of ? m->key_of(value) : (str){ NULL, 0 }));
	if (m->n + 1 > m->cap / 4 * 3)
		resize(m, m->cap ? 2 * m->cap : CAP_MIN);
	slot_fill(m, (struct map_slot){ hash, value });
	m->n++;
}

static size_t slot_of(const struct map *m, uint64_t hash, const void *value)
{
	ASSERT(m->n > 0);
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		ASSERT(m->slots[i].value);
		if (m->slots[i].value == value)
			return i;
	}
}

/* An entry may move back into the gap unless its own probe starts after it. */
static void close_gap(struct map *m, size_t gap)
{
	size_t mask = m->cap - 1;

	for (size_t i = (gap + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;

		if (((i - home) & mask) >= ((i - gap) & mask)) {
			m->slots[gap] = m->slots[i];
			gap = i;
		}
	}
	m->slots[gap] = (struct map_slot){ 0 };
}

void map_remove(struct map *m, uint64_t hash, const void *value)
{
	close_gap(m, slot_of(m, hash, value));
	m->n--;
	if (m->n == 0)
		resize(m, 0);
	else if (m->cap > CAP_MIN && m->n < m->cap / 8)
		resize(m, m->cap / 2);
}

void *map_next(const struct map *m, size_t *it)
{
	while (*it < m->cap) {
		void *value = m->slots[(*it)++].value;

		if (value)
			return value;
	}
	return NULL;
}
