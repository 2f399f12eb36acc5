/* subscribe_request.h: what a client asks for in pusher:subscribe and pusher:unsubscribe, as far
 * as the message itself tells.
 *
 * Nothing here knows a connection. Texts live in the message or in the arena. Every function is
 * true, or false with the reason in *why. */
#ifndef SERVER_SUBSCRIBE_REQUEST_H
#define SERVER_SUBSCRIBE_REQUEST_H

#include "core/app.h"
#include "server/refusal.h"

struct subscribe_request {
	str channel;
	str auth;	  /* p == NULL: none, or not a string */
	str channel_data; /* likewise */
	bool has_rewind;
};

/* data may be an object, or a string that holds one. */
bool subscribe_request_read(const struct pusher_message *m, struct arena *a,
			    struct subscribe_request *out, struct refusal *why);
/* May a protocol V1 client ask for such a name? */
bool subscribe_request_check(const struct subscribe_request *r, const struct app *app,
			     struct arena *a, struct refusal *why);

/* A presence member as channel_data describes it. */
struct presence_data {
	str user_id;   /* decoded; an integer is its decimal text */
	str user_info; /* JSON as written; empty: none */
};
/* info_kb_max may be NO_LIMIT. */
bool presence_data_read(str channel_data, uint32_t info_kb_max, struct arena *a,
			struct presence_data *out, struct refusal *why);

/* Is a user_info (raw.p NULL: none) within its limit? */
bool presence_info_check(struct json info, uint32_t info_kb_max, struct arena *a,
			 struct refusal *why);

/* The channel to leave; data may also be its bare name. */
bool unsubscribe_request_read(const struct pusher_message *m, struct arena *a, str *channel,
			      struct refusal *why);

#endif
