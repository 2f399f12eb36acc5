/* request.h: one POST: events of one webhook that go out together, with what signs them, and how often
 * that was tried. Every attempt has the same bytes. */
#ifndef WEBHOOK_REQUEST_H
#define WEBHOOK_REQUEST_H

#include "base/buf.h"
#include "core/webhook.h"
#include "io/http_client.h"

struct target;

struct request {
	struct list link; /* in one of its target's lists */
	struct target *target;
	struct buf body;
	char signature[SHA256_HEX_LEN];
	uint32_t n_events;
	uint32_t n_attempts;
	uint64_t first_ms; /* when the first attempt began */
	struct timer rest; /* until the next attempt */
};

/* Takes over the body, which is complete. on_rested: of its timer `rest`. */
struct request *request_new(struct target *t, const struct webhook_set *s, struct buf *body,
			    uint32_t n_events, void (*on_rested)(struct timer *t));
void request_free(struct request *r);

/* The next attempt. False: the URL or a header is none. */
bool request_post(struct request *r, struct http_client *c, const struct webhook_set *s,
		  const struct webhook *w, uint64_t now_ms,
		  void (*on_done)(void *request, const struct http_result *result));

bool request_is_taken(const struct http_result *result);
/* May another attempt help, and may there be one? *delay_ms: when. */
bool request_may_rest(const struct request *r, const struct webhook_retry *retry,
		      const struct http_result *result, uint64_t now_ms, uint64_t *delay_ms);

#endif
