#include "histogram.h"

#include <string.h>

void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof *h);
}

/* With the highest set bit at position b, the HISTOGRAM_SUB_BITS bits below it choose the bucket. Values that
 * have fewer bits than that are their own index, and the two ranges meet without a gap. */
static uint32_t bucket_of(uint64_t value)
{
	uint32_t shift;

	if (value < HISTOGRAM_SUB)
		return (uint32_t)value;
	shift = 63u - (uint32_t)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return shift * HISTOGRAM_SUB + (uint32_t)(value >> shift);
}

static uint64_t bucket_upper_edge(uint32_t bucket)
{
	uint32_t shift;
	uint64_t lower;

	if (bucket < 2 * HISTOGRAM_SUB)
		return bucket;
	shift = bucket / HISTOGRAM_SUB - 1;
	lower = (uint64_t)(bucket - shift * HISTOGRAM_SUB) << shift;
	return lower + (((uint64_t)1 << shift) - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->counts[bucket_of(value)]++;
	h->n++;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	double wanted = share * (double)h->n;
	uint64_t below = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += h->counts[i];
		if (below > 0 && (double)below >= wanted) {
			uint64_t edge = bucket_upper_edge(i);

			return edge < h->max ? edge : h->max;
		}
	}
	return h->max;
}
