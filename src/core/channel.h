/* channel.h: a channel as the hub knows it: how many subscriptions each worker has on it, and
 * who is present.
 *
 * It exists from its first subscription to its last. Private to the hub's files. */
#ifndef CORE_CHANNEL_H
#define CORE_CHANNEL_H

#include "base/map.h"
#include "core/mail.h"
#include "core/channel_name.h"
#include "core/expiring.h"
#include "core/presence.h"
#include "core/rate_window.h"
#include "core/watch.h"

struct hub_app {
	const struct app *app;
	bool is_removed;     /* the newest table does not have it */
	struct map channels; /* struct channel by name */
	struct app_counts counts;
	void *listener;		     /* hub_sink.meet */
	struct expiring last_events; /* of cache channels: frames by channel */
	struct expiring answers;     /* to idempotency keys of events: bodies by key */
	struct expiring batch_answers;
	struct watch_table watched;
	struct rate_window events, reads;
};

/* A worker with n > 0 gets every delivery, addressed to its own record of the channel. */
struct interest {
	void *local;
	uint32_t n;
};

struct channel {
	struct hub_app *owner;
	union {
		struct presence *presence; /* CHANNEL_PRESENCE */
		struct watch *watches;	   /* CHANNEL_USER: the user's watchlist */
	};
	struct list count_changed; /* in hub.counts_changed: its number is to be told */
	uint64_t hash;
	uint32_t n_subscriptions; /* the sum of all interest */
	uint32_t traits;	  /* enum channel_traits */
	str name;		  /* behind the last interest */
	struct interest interest[];
};

static inline bool channel_is_presence(const struct channel *ch)
{
	return (ch->traits & CHANNEL_PRESENCE) != 0;
}

/* n_workers places of interest. NULL: memory. */
struct channel *channel_new(struct hub_app *owner, unsigned n_workers, str name, uint64_t hash,
			    uint32_t traits);
/* Nobody is on it; forgotten by its owner. */
void channel_free(struct channel *ch);
/* For struct map. */
str channel_key(const void *channel);

#endif
