/* app.h: a tenant: its key pair, what it may do, and its limits.
 *
 * Apps are built once from configuration into an app_table and never change afterwards: every
 * thread reads them without locks. A new configuration is a new table. Whoever keeps something for
 * each app keeps it by the app's index, which is the same in the table that follows. */
#ifndef CORE_APP_H
#define CORE_APP_H

#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"
#include "codec/digest.h"

#define NO_LIMIT UINT32_MAX

struct app_limits {
#define LIMIT(field, unset, floor, ceiling, unit, what) uint32_t field;
#include "core/limits.def"
#undef LIMIT
};
extern const struct app_limits app_limits_unset;

struct app_message_rate {
	bool enabled;
	uint32_t max_attempts;
	uint32_t decay_seconds;
	bool terminate_on_limit;
};

struct app {
	str id, key, secret; /* owned by the table */
	struct hmac_key hmac;
	unsigned index; /* below the table's n_slots */
	bool enabled;
	bool enable_client_messages;
	bool enable_user_authentication;
	bool enable_watchlist_events;
	/* pusher_internal:subscription_count to everybody on a channel */
	bool enable_subscription_count;
	bool terminate_on_limit;
	struct app_limits limits;
	struct app_message_rate message_rate;
	uint32_t cache_ttl_s;	    /* last event of a cache channel */
	uint32_t idempotency_ttl_s; /* 0: keys are ignored */
	uint32_t idempotency_key_bytes_max;
	uint32_t n_cached_max; /* entries of either kind */
	str *allowed_origins;  /* lower case; patterns were checked (origin.h) */
	size_t n_allowed_origins;
	struct namespace **namespaces; /* namespace.h */
	size_t n_namespaces;
	struct webhook_set *webhooks; /* webhook.h; NULL: nobody is told anything */
};

struct app_table {
	struct app **apps;
	size_t n;
	size_t n_slots; /* every index is below it */
	struct hash_key hash_key;
	struct map by_id, by_key;
};

struct app_table *app_table_new(struct hash_key key);
/* Wipes secrets. */
void app_table_free(struct app_table *t);
/* A new app with unset limits, enabled, no features; its strings are copied. NULL: the id or the
 * key is taken. The caller fills the rest before the table is shared. */
struct app *app_table_add(struct app_table *t, str id, str key, str secret);
/* t takes the place of now: an app that is in both has now's index, a new one has an index that no
 * app of now has. So there are at most as many slots as there are apps in both together. Before t
 * is shared. */
void app_table_follow(struct app_table *t, const struct app_table *now);
void app_add_origin(struct app *a, str pattern);
const struct app *app_by_id(const struct app_table *t, str id);
const struct app *app_by_key(const struct app_table *t, str key);

#endif
