/* sequence.h: did a subscriber get every message once and in order?
 *
 * A stream is a run of messages numbered 0, 1, 2, … that one source sends one after the other. A subscriber
 * keeps one struct sequence per stream that it should receive. A jump forward counts what was jumped over as
 * lost; when one of those arrives after all it is no longer lost but out of order. Whether a number below the
 * expected one came before is remembered for the last 64 numbers; older ones count as out of order. */
#ifndef BENCH_SEQUENCE_H
#define BENCH_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

struct sequence {
	uint64_t seen; /* bit i: number next - 1 - i has arrived */
	uint32_t next; /* the number that should come next */
};

/* What happened, summed over any number of streams and subscribers. */
struct verdict {
	uint64_t received; /* without repetitions */
	uint64_t lost;
	uint64_t duplicated;
	uint64_t out_of_order;
	uint64_t stray; /* delivered to somebody who should not have got it */
};

/* Takes an arrived number; true if it arrived for the first time. */
bool sequence_take(struct sequence *s, uint32_t number, struct verdict *v);
/* Nothing more will arrive of a stream of which n_sent messages (0 … n_sent - 1) were sent. */
void sequence_end(const struct sequence *s, uint32_t n_sent, struct verdict *v);

#endif
