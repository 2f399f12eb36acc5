/* event_json.h: an event as it stands in the body of a webhook, its members in the order of Pusher's
 * documentation. What a client wrote keeps its bytes. */
#ifndef WEBHOOK_EVENT_JSON_H
#define WEBHOOK_EVENT_JSON_H

#include "base/buf.h"
#include "core/hub.h"

void event_json_write(struct buf *b, const struct hub_news *n);

#endif
