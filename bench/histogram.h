/* histogram.h: latencies counted in buckets whose width grows with the value.
 *
 * The shape of HdrHistogram: values below 128 have a bucket each; above, every power of two is cut into 64
 * buckets, so a reported percentile is at most 1.6 % above the true value, at any magnitude, in 30 KiB.
 * Percentiles are the upper edge of their bucket: a histogram never flatters. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6u
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_BUCKETS ((64u - HISTOGRAM_SUB_BITS + 1u) * HISTOGRAM_SUB)

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t n;
	uint64_t max;
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value);
/* The smallest bucket edge that at least share (0..1) of the values do not exceed, never above the largest
 * value seen; 0 when nothing was added. */
uint64_t histogram_percentile(const struct histogram *h, double share);

#endif
