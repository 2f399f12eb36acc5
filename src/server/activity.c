/* activity.c: records are pushed onto one list and never taken off it, so whoever reads needs no
 * lock. They do not count as live bytes: they stay when all clients have left. */
#include "server/activity.h"

#include "base/check.h"
#include "base/mem.h"

#define CACHE_LINE 64

/* Zeroed, and alone on its cache lines. */
static void *place_new(size_t bytes)
{
	size_t whole = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;

	return memset(mem_chunk_alloc(CACHE_LINE, whole), 0, whole);
}

static struct activity *find(struct activities *all, unsigned worker, str app_id)
{
	struct activity *a = atomic_load(&all->first);

	while (a && (a->worker != worker || !str_eq(a->app_id, app_id)))
		a = a->next;
	return a;
}

struct activity *activity_get(struct activities *all, unsigned worker, str app_id)
{
	struct activity *a = find(all, worker, app_id);

	if (a)
		return a;
	a = place_new(sizeof *a + app_id.n);
	a->worker = worker;
	a->app_id = (str){ a->text, app_id.n };
	memcpy(a->text, app_id.p, app_id.n);
	a->next = atomic_load(&all->first);
	while (!atomic_compare_exchange_weak(&all->first, &a->next, a))
		continue;
	return a;
}

static void activity_free(struct activity *a)
{
	for (size_t type = 0; type < N_CHANNEL_TYPES; type++)
		for (size_t size = 0; size < N_AUDIENCES; size++)
			mem_chunk_free(a->latency[type][size]);
	mem_chunk_free(a);
}

void activities_fini(struct activities *all)
{
	struct activity *next;

	for (struct activity *a = all->first; a; a = next) {
		next = a->next;
		activity_free(a);
	}
}

void latency_add(struct latency *l, uint64_t ns)
{
	static const uint64_t bounds_us[] = { LATENCY_BOUNDS_US };
	size_t i = 0;

	_Static_assert(ARRAY_LEN(bounds_us) + 1 == N_LATENCY_BUCKETS, "and one without a bound");
	while (i < ARRAY_LEN(bounds_us) && ns > bounds_us[i] * 1000)
		i++;
	counter_add(&l->buckets[i], 1);
	counter_add(&l->sum_ns, ns);
}

static enum audience audience_of(size_t n)
{
	enum audience size = AUDIENCE_XS;

	for (size_t max = 10; n > max && size < AUDIENCE_XL; max *= 10)
		size++;
	return size;
}

struct latency *activity_latency(struct activity *a, enum channel_type type, size_t n_receivers)
{
	struct latency *_Atomic *place = &a->latency[type][audience_of(n_receivers)];
	struct latency *l = atomic_load_explicit(place, memory_order_relaxed);

	if (!l) {
		l = place_new(sizeof *l);
		atomic_store_explicit(place, l, memory_order_release);
	}
	return l;
}
