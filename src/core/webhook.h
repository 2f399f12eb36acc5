/* webhook.h: whom an app tells what happens in it.
 *
 * The webhooks of an app are one set, filled with the app (app.h) and never changed afterwards. A set
 * outlives its app: whoever has something left to tell holds a reference, so a reload need not wait
 * until everybody has been told. What a set signs with is in it for the same reason. */
#ifndef CORE_WEBHOOK_H
#define CORE_WEBHOOK_H

#include "core/app.h"
#include "core/pattern.h"

#include <stdatomic.h>

enum webhook_event {
#define WEBHOOK_EVENT(name, words) WEBHOOK_##name,
#include "core/webhook_events.def"
#undef WEBHOOK_EVENT
	N_WEBHOOK_EVENTS
};
extern const str webhook_event_names[N_WEBHOOK_EVENTS];

struct webhook_header {
	str name, value;
};

struct webhook_retry {
	bool enabled;
	uint32_t max_attempts; /* the first one counts; 0: any number */
	uint32_t max_elapsed_ms;
	uint32_t initial_backoff_ms, max_backoff_ms;
};

/* Its texts are its own. */
struct webhook {
	str url;
	uint32_t events; /* 1 << enum webhook_event */
	/* Which channels; what is empty or NULL lets all pass. */
	str channel_prefix, channel_suffix;
	struct pattern *channel_pattern;
	str *namespaces;
	size_t n_namespaces;
	struct webhook_header *headers; /* after the standard ones */
	size_t n_headers;
	struct webhook_retry retry;
	uint32_t timeout_ms; /* of one attempt */
};

struct webhook_set {
	atomic_uint n_refs;
	str app_id, app_key;
	struct hmac_key hmac;
	struct webhook **hooks;
	size_t n;
	uint32_t gather_ms;  /* events that happen within go out together; 0: at once */
	uint32_t events_max; /* of one request; 1: each for itself */
};

/* For who fills apps. The first one makes a's set: batches of 100 within 50 ms. Retries as the original
 * has them; no events yet. */
struct webhook *webhook_add(struct app *a, str url);
void webhook_add_header(struct webhook *w, str name, str value);
void webhook_add_namespace(struct webhook *w, str name);
void webhook_set_prefix(struct webhook *w, str prefix);
void webhook_set_suffix(struct webhook *w, str suffix);

/* Any thread. */
struct webhook_set *webhook_set_ref(struct webhook_set *s);
/* Wipes the key with the last one. NULL is fine. */
void webhook_set_unref(struct webhook_set *s);

/* Of a new table: a's set, if it says the same as that of the app before, is that one: whoever is being
 * told goes on as if nothing had happened. */
void webhook_set_follow(struct app *a, const struct app *before);

/* Is this one told about it? */
bool webhook_wants(const struct webhook *w, enum webhook_event e, str channel);
/* Does any webhook of the app ask for one of these (bits)? */
bool webhook_any_wants(const struct app *a, uint32_t events);

#endif
