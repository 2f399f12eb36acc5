/* hub_priv.h: shared by the hub's own files: hub.c (joining, leaving, delivering), hub_publish.c, hub_query.c. */
#ifndef CORE_HUB_PRIV_H
#define CORE_HUB_PRIV_H

#include "base/buf.h"
#include "core/channel.h"
#include "core/hub.h"

struct hub {
	unsigned n_workers;
	struct hash_key key;
	struct hub_sink sink;
	size_t n_apps;
	struct hub_app *apps; /* by app->index */
};

struct channel *hub_find(struct hub *h, const struct app *app, str name);
/* To every worker with interest; takes over the reference. NULL is fine: memory was short and the event is lost to all alike. */
void hub_deliver(struct hub *h, struct channel *ch, struct msg *frame, struct socket_id exclude);
/* body: taken over and finished; NULL for none. */
void hub_answer(struct hub *h, unsigned worker, void *conn, enum hub_answer result, struct buf *body);
/* Writes the attributes that are asked for as members of an object that is already open; ch may be NULL (unoccupied). True when one was
 * written. */
bool hub_write_info(struct buf *b, const struct channel *ch, uint32_t traits, uint32_t info, bool first);

/* "name":{attributes}. Without attributes: nothing, unless keep_empty. True when it was written. */
bool hub_write_channel(struct buf *b, str name, const struct channel *ch, uint32_t info, bool keep_empty, bool first);

void hub_publish(struct hub *h, unsigned worker, const struct to_hub_publish *r);
void hub_client_event(struct hub *h, const struct to_hub_client_event *r);
void hub_query(struct hub *h, unsigned worker, const struct to_hub_query *r);

#endif
