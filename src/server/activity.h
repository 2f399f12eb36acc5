/* activity.h: what has happened so far, counted by each worker for each app.
 *
 * A record is written by its worker alone and read by whoever writes statistics: relaxed stores to
 * memory that no other thread writes to, so counting costs what adding to a plain number costs. It
 * is found by the app's id and lives as long as the server: counters must not fall when an app is
 * changed, or removed and added again. */
#ifndef SERVER_ACTIVITY_H
#define SERVER_ACTIVITY_H

#include "base/counter.h"
#include "core/channel_name.h"
#include "webhook/target.h"

/* What belongs to no app. */
#define ACTIVITY_SYSTEM S("system")   /* requests about the server itself */
#define ACTIVITY_UNKNOWN S("unknown") /* clients of an app that does not exist */

enum connection_error {
#define CONNECTION_ERROR(name, words) ERROR_##name,
#include "server/connection_errors.def"
#undef CONNECTION_ERROR
	N_CONNECTION_ERRORS
};

/* How many got an event, as a label: 1-10, -100, -1000, -10000, more. */
enum audience { AUDIENCE_XS, AUDIENCE_SM, AUDIENCE_MD, AUDIENCE_LG, AUDIENCE_XL, N_AUDIENCES };

/* Upper bounds in microseconds; one more bucket has no bound. */
#define LATENCY_BOUNDS_US                                                                          \
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,      \
		5000000
#define N_LATENCY_BUCKETS 14

struct latency {
	struct counter buckets[N_LATENCY_BUCKETS]; /* each without those below it */
	struct counter sum_ns;
};
void latency_add(struct latency *l, uint64_t ns);

struct rate_counts {
	struct counter checks, refusals;
};

struct activity {
	struct activity *next;
	unsigned worker;
	struct counter connections, disconnections;
	struct counter received_messages, received_bytes;
	struct counter sent_messages, sent_bytes;
	struct counter http_calls, http_received_bytes, http_sent_bytes;
	struct counter memory_refusals;		     /* of ACTIVITY_SYSTEM */
	struct rate_counts event_rate, message_rate; /* of single connections */
	struct counter subscriptions[N_CHANNEL_TYPES], unsubscriptions[N_CHANNEL_TYPES];
	struct counter errors[N_CONNECTION_ERRORS];
	struct webhook_counts webhooks; /* the hub's thread counts them as one more worker */
	struct latency *_Atomic latency[N_CHANNEL_TYPES][N_AUDIENCES]; /* NULL: none yet */
	str app_id;
	char text[];
};

struct activities {
	struct activity *_Atomic first;
};

/* Finds or makes it. Any thread, but each worker's by one thread at a time. */
struct activity *activity_get(struct activities *all, unsigned worker, str app_id);
/* Nobody counts any more. */
void activities_fini(struct activities *all);

/* Of an event on such a channel that goes to so many (at least one). The worker's thread. */
struct latency *activity_latency(struct activity *a, enum channel_type type, size_t n_receivers);
static inline void activity_count_sent(struct activity *a, size_t n_messages, size_t bytes)
{
	counter_add(&a->sent_messages, n_messages);
	counter_add(&a->sent_bytes, bytes);
}

#endif
