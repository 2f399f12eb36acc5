#include "webhook/request.h"

#include "base/check.h"
#include "base/mem.h"

struct request *request_new(struct target *t, const struct webhook_set *s, struct buf *body,
			    uint32_t n_events, void (*on_rested)(struct timer *t))
{
	struct request *r = xnew(struct request);
	struct hmac h;

	r->target = t;
	r->body = *body;
	r->n_events = n_events;
	buf_init(body, body->max);
	hmac_begin(&h, &s->hmac);
	hmac_add(&h, buf_str(&r->body));
	hmac_end_hex(&h, &s->hmac, r->signature);
	list_init(&r->link);
	timer_init(&r->rest, on_rested);
	return r;
}

void request_free(struct request *r)
{
	timer_disarm(&r->rest);
	list_remove(&r->link);
	buf_fini(&r->body);
	xfree(r);
}

bool request_post(struct request *r, struct http_client *c, const struct webhook_set *s,
		  const struct webhook *w, uint64_t now_ms,
		  void (*on_done)(void *request, const struct http_result *result))
{
	enum { N_STANDARD = 3 };
	struct http_post_header *headers = xcalloc(N_STANDARD + w->n_headers, sizeof(*headers));
	struct http_post post = { .url = w->url,
				  .headers = headers,
				  .n_headers = N_STANDARD + w->n_headers,
				  .body = buf_str(&r->body),
				  .timeout_ms = w->timeout_ms,
				  .user = r,
				  .on_done = on_done };
	err e;

	headers[0] = (struct http_post_header){ S("Content-Type"), S("application/json") };
	headers[1] = (struct http_post_header){ S("X-Pusher-Key"), s->app_key };
	headers[2] = (struct http_post_header){ S("X-Pusher-Signature"),
						{ r->signature, sizeof r->signature } };
	for (size_t i = 0; i < w->n_headers; i++)
		headers[N_STANDARD + i] =
			(struct http_post_header){ w->headers[i].name, w->headers[i].value };
	if (r->n_attempts++ == 0)
		r->first_ms = now_ms;
	e = http_client_post(c, &post);
	xfree(headers);
	ASSERT(e != ERR_LIMIT); /* who counts what is under way asks for no more */
	return e == OK;
}

/* Outcomes */

bool request_is_taken(const struct http_result *result)
{
	return result->status >= 200 && result->status < 300;
}

static bool may_pass(const struct http_result *result)
{
	static const unsigned again[] = { 0, 408, 409, 425, 429 };

	for (size_t i = 0; i < ARRAY_LEN(again); i++) {
		if (result->status == again[i])
			return true;
	}
	return result->status >= 500;
}

/* Doubled with each attempt that was in vain. */
static uint64_t back_off_ms(const struct webhook_retry *retry, uint32_t n_attempts)
{
	uint64_t delay_ms = retry->initial_backoff_ms;

	for (uint32_t i = 1; i < n_attempts && delay_ms < retry->max_backoff_ms; i++)
		delay_ms *= 2;
	return delay_ms < retry->max_backoff_ms ? delay_ms : retry->max_backoff_ms;
}

bool request_may_rest(const struct request *r, const struct webhook_retry *retry,
		      const struct http_result *result, uint64_t now_ms, uint64_t *delay_ms)
{
	*delay_ms = back_off_ms(retry, r->n_attempts);
	return retry->enabled && may_pass(result) &&
	       (retry->max_attempts == 0 || r->n_attempts < retry->max_attempts) &&
	       now_ms - r->first_ms + *delay_ms <= retry->max_elapsed_ms;
}
