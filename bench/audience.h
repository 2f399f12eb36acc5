/* audience.h: many clients that listen, and the books about what reaches them.
 *
 * Subscribers either share one channel or have one each. Messages come in streams (see sequence.h): in the
 * shared channel everybody receives all streams 0 … n_streams - 1; with own channels subscriber i receives
 * stream i alone, and anything else that it gets is stray. The order between streams is the server's to choose,
 * but in a shared channel it must be the same for everybody: each has a digest of what came, and everyone whose
 * digest is not the first one's counts as one message out of order. */
#ifndef BENCH_AUDIENCE_H
#define BENCH_AUDIENCE_H

#include <stddef.h>

#include "bench.h"
#include "histogram.h"
#include "payload.h"
#include "sequence.h"
#include "ws_client.h"

#define AUDIENCE_CHANNEL_BYTES 32u

struct subscriber;

struct audience {
	struct bench *bench;
	struct subscriber *subscribers;
	uint32_t n, n_subscribed;
	uint32_t n_streams; /* of the shared channel; 0: own channels */
	struct verdict verdict;
	struct histogram latency_ns; /* of messages intended at or after record_from_ns */
	uint64_t record_from_ns;
	uint64_t last_delivery_ns;
	size_t payload_hint;
	/* A message reached one more subscriber, or NULL. */
	void (*on_delivery)(void *context, const struct payload *p);
	void *context;
};

/* a is zeroed; room for n_max subscribers. */
void audience_init(struct audience *a, struct bench *b, uint32_t n_max, uint32_t n_streams);
/* Connects and subscribes more clients until there are n, and returns when all are subscribed. */
void audience_grow(struct audience *a, uint32_t n);
/* Opens more clients, up to n in all, as long as fewer than opening_max are on their way. */
void audience_open_more(struct audience *a, uint32_t n, uint32_t opening_max);
/* Drops the last clients until n are left. All must be subscribed. */
void audience_shrink(struct audience *a, uint32_t n);
/* The channel that carries a stream. */
void audience_channel(const struct audience *a, uint32_t stream, char *out);
/* Starts the latencies anew: only messages intended from now on count. */
void audience_record_from_now(struct audience *a);
/* Polls until n_expected messages in all were received, or none came for two seconds. */
void audience_drain(struct audience *a, uint64_t n_expected);
/* Closes the books: what was received of the n_sent[stream] messages sent. */
const struct verdict *audience_judge(struct audience *a, const uint32_t *n_sent);

#endif
