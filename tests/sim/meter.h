/* meter.h: how far the counters of /metrics must have gone, and may have, by what everybody has said and
 * heard.
 *
 * Of a connection that stands while the world rests everything is known; of one that has ended
 * without a Close, what was answered. So a counter has bounds, and they are one number wherever
 * nobody went without a word. What was read at a rest is what the next one counts from: no doubt
 * grows older than a round, and the first page counts from nothing. */
#ifndef SIM_METER_H
#define SIM_METER_H

#include "base/str.h"

#include <stdint.h>

struct client;
struct publisher;
struct request;
struct node;

/* Who has counters of his own. An app's account is that of its number. */
enum { ACCOUNT_NONE, ACCOUNT_OF_APPS, ACCOUNT_UNKNOWN = 4, ACCOUNT_SYSTEM, N_ACCOUNTS };
static inline unsigned account_of(unsigned app)
{
	return ACCOUNT_OF_APPS + app;
}

enum meter_kind {
	METER_CONNECTIONS,
	METER_SUBSCRIPTIONS,
	METER_UNSUBSCRIPTIONS,
	METER_RECEIVED_MESSAGES,
	METER_RECEIVED_BYTES,
	METER_SENT_MESSAGES,
	METER_SENT_BYTES,
	METER_HTTP_CALLS,
	METER_HTTP_RECEIVED_BYTES,
	METER_HTTP_SENT_BYTES,
	METER_NO_APP,
	METER_DISABLED,
	METER_OVER_CAPACITY,
	METER_OVER_QUOTA,
	METER_SILENT,
	N_METERS
};

struct meter {
	uint64_t before, now; /* on the last page, and on this one */
	uint64_t low, high;   /* by how much it has grown */
};

struct meters {
	struct meter of[N_ACCOUNTS][N_METERS];
};

struct amount {
	uint64_t messages, bytes;
};

/* Of a client, since the world rested. */
struct client_meter {
	struct amount heard, said;
	struct amount handled; /* of what was said */
};

static inline void amount_add(struct amount *a, uint64_t bytes)
{
	a->messages++;
	a->bytes += bytes;
}

/* It is sure that it happened. */
void meter_count(struct node *n, unsigned app, enum meter_kind kind);
/* What c has asked for will not be answered any more. */
void meter_lose_asks(const struct client *c);
void meter_end(const struct client *c);
/* An answer has come, or never will. */
void meter_answer(struct node *n, const struct request *r, unsigned status, str body);
void meter_lose_answer(struct node *n, const struct request *r);

/* Messages to and from those who are there, since the last page. */
uint64_t meter_n_messages(const struct node *n);
/* Is it a line of one of those that are known? */
bool meter_knows(str series);
/* A page on which all of them are. */
void meter_read(struct node *n, str page);

#endif
