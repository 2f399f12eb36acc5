/* event_body.h: the JSON body of a publish, checked whole and turned into the hub's record.
 *
 * All or nothing: a body is refused before anything of it is delivered, whatever its last event
 * is. Nothing is copied but into the record: texts stay where the body lies, decoded ones go to
 * the arena. Members that belong to features we do not have yet (tags, delta, extras,
 * message_id) are checked for their type and left alone. */
#ifndef SERVER_EVENT_BODY_H
#define SERVER_EVENT_BODY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/app.h"
#include "core/mail.h"

struct event {
	struct event *next;
	str name;	      /* decoded */
	str data;	      /* JSON text as it goes on the wire: always a string */
	struct json channels; /* a string, or an array of strings: legal names */
	uint32_t n_channels;
	uint32_t info; /* enum channel_info */
	bool has_info;
	struct socket_id exclude;
	str key;	/* idempotency key, or empty */
	uint32_t bytes; /* of its struct published_event */
};

struct event_body {
	struct event *first; /* in order */
	uint32_t n_events;
	bool is_batch;
	str key;      /* idempotency key of the whole batch, or empty */
	size_t bytes; /* of the whole struct to_hub_publish */
};

struct event_refusal {
	unsigned status;  /* HTTP; 503: memory is short, there is no code and no text */
	const char *code; /* slug of the error body; NULL: the text alone is the body */
	str text;	  /* static or in the arena */
};

/* header_key: the value of X-Idempotency-Key, p NULL when absent; it guards the batch, or the
 * event that has none of its own. Everything points into the body, the header and the arena.
 * ERR_SYNTAX, ERR_LIMIT, ERR_MEMORY: *why says what to answer. */
err event_body_parse(str body, bool is_batch, const struct app *app, str header_key,
		     struct arena *a, struct event_body *out, struct event_refusal *why);
/* Fills b->bytes bytes of record, but for conn and app. */
void event_body_write(const struct event_body *b, struct arena *a, struct to_hub_publish *record);

#endif
