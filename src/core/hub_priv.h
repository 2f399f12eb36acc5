/* hub_priv.h: shared by the hub's own files: hub.c (joining, leaving, delivering),
 * hub_news.c, hub_publish.c, hub_query.c, hub_users.c, hub_apps.c. */
#ifndef CORE_HUB_PRIV_H
#define CORE_HUB_PRIV_H

#include "base/buf.h"
#include "core/channel.h"
#include "core/hub.h"

struct hub {
	unsigned n_workers;
	struct hash_key key;
	const struct clock *clock;
	struct hub_sink sink;
	struct list counts_changed; /* struct channel by count_changed */
	/* hub_apps.c */
	const struct app_table *table; /* the newest */
	size_t n_slots;
	struct hub_app **apps; /* by app->index; NULL: free */
	unsigned n_reloaded;   /* workers that are done with the table before */
};

void *hub_mail(struct hub *h, unsigned worker, enum mail_to_worker kind, size_t bytes);
static inline struct hub_app *hub_app(struct hub *h, const struct app *app)
{
	return h->apps[app->index];
}
struct channel *hub_find(struct hub *h, const struct app *app, str name);
/* To every worker with interest; takes over the reference. NULL is fine: memory was short and
 * the event is lost to all alike. */
void hub_deliver(struct hub *h, struct channel *ch, struct msg *frame, struct socket_id exclude);
/* body: its reference is taken over; NULL for none. */
void hub_answer(struct hub *h, unsigned worker, void *conn, enum hub_answer result,
		struct msg *body);
/* ANSWER_TOO_MANY: n of them in one second are above the limit of max. */
void hub_answer_too_many(struct hub *h, unsigned worker, void *conn, uint64_t n, str what,
			 uint32_t max, str setting);
/* A body of what was written to b, which stays the caller's. NULL: memory. */
struct msg *hub_body_new(const struct buf *b);
/* Writes the attributes that are asked for as members of an object that is already open; ch may
 * be NULL (unoccupied). True when one was written. */
bool hub_write_info(struct buf *b, const struct channel *ch, uint32_t traits, uint32_t info,
		    bool first);

/* "name":{attributes}. Without attributes: nothing, unless keep_empty. True when it was written. */
bool hub_write_channel(struct buf *b, str name, const struct channel *ch, uint32_t info,
		       bool keep_empty, bool first);

/* A user's first connection came, a new watchlist came with one, the last one is going. */
void hub_user_came(struct hub *h, struct channel *user);
struct msg *hub_user_watches(struct hub *h, struct channel *user, str watchlist);
void hub_user_goes(struct hub *h, struct channel *user);
void hub_close_user(struct hub *h, unsigned worker, const struct to_hub_close_user *r);

/* hub_news.c: what webhooks may want to hear of. Channels of users are none of their business. */
void hub_tell_channel(struct hub *h, const struct channel *ch, enum webhook_event e,
		      bool has_hung_up);
void hub_tell_member(struct hub *h, const struct channel *ch, const struct member *m,
		     enum webhook_event e, bool has_hung_up);
void hub_tell_client_event(struct hub *h, const struct to_hub_client_event *r);
bool hub_tells_counts(const struct channel *ch);

/* The cached event of a cache channel, or the frame that says there is none. */
struct msg *hub_last_event(struct hub *h, const struct channel *ch);

void hub_apps_init(struct hub *h, const struct app_table *apps);
void hub_apps_fini(struct hub *h);
void hub_reload(struct hub *h, unsigned worker, const struct to_hub_reload *r);

void hub_publish(struct hub *h, unsigned worker, const struct to_hub_publish *r);
void hub_client_event(struct hub *h, const struct to_hub_client_event *r);
void hub_count_all(struct hub *h, unsigned worker, const struct to_hub_count *r);
void hub_query(struct hub *h, unsigned worker, const struct to_hub_query *r);

#endif
