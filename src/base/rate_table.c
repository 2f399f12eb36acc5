/* rate_table.c: like a processor's cache: a key may lie in any place of one small set, which is
 * searched from end to end. So there is no growing, no sweeping and no list of the oldest. */
#include "base/rate_table.h"

#include "base/mem.h"

#include <pthread.h>

#define PLACES_PER_SET 8
#define N_SETS (RATE_TABLE_PLACES / PLACES_PER_SET)
#define N_LOCKS 64

struct place {
	uint64_t hash;
	uint64_t end_ms; /* in the past: free */
	uint32_t n;
};
_Static_assert(sizeof(struct place) == 24, "as promised");

struct rate_table {
	struct hash_key key;
	pthread_mutex_t locks[N_LOCKS];
	struct place places[N_SETS][PLACES_PER_SET];
};

struct rate_table *rate_table_new(struct hash_key key)
{
	struct rate_table *t = xnew(struct rate_table);

	t->key = key;
	for (int i = 0; i < N_LOCKS; i++)
		pthread_mutex_init(&t->locks[i], NULL);
	return t;
}

void rate_table_free(struct rate_table *t)
{
	if (!t)
		return;
	for (int i = 0; i < N_LOCKS; i++)
		pthread_mutex_destroy(&t->locks[i]);
	xfree(t);
}

/* The place of hash, or the one that it is to have. */
static struct place *find(struct place *set, uint64_t hash, uint64_t now_ms)
{
	struct place *first_over = &set[0];

	for (int i = 0; i < PLACES_PER_SET; i++) {
		if (set[i].hash == hash && set[i].end_ms > now_ms)
			return &set[i];
		if (set[i].end_ms < first_over->end_ms)
			first_over = &set[i];
	}
	first_over->hash = hash;
	first_over->end_ms = 0;
	return first_over;
}

/* The first of a window sees all of it ahead; time has passed for the others, however little. */
static struct rate_verdict count(struct place *p, uint32_t n_max, uint32_t window_s,
				 uint64_t now_ms)
{
	struct rate_verdict v = { .reset_s = window_s };

	if (p->end_ms == 0) {
		p->end_ms = now_ms + window_s * UINT64_C(1000);
		p->n = 0;
	} else {
		v.reset_s = (uint32_t)((p->end_ms - now_ms - 1) / 1000);
	}
	v.is_within = p->n < n_max;
	p->n += v.is_within;
	v.n_left = p->n < n_max ? n_max - p->n : 0;
	return v;
}

struct rate_verdict rate_table_take(struct rate_table *t, str who, uint32_t n_max,
				    uint32_t window_s, uint64_t now_ms)
{
	uint64_t hash = hash_str(&t->key, who);
	pthread_mutex_t *lock = &t->locks[hash % N_LOCKS];
	struct rate_verdict v;

	pthread_mutex_lock(lock);
	v = count(find(t->places[hash % N_SETS], hash, now_ms), n_max, window_s, now_ms);
	pthread_mutex_unlock(lock);
	return v;
}
