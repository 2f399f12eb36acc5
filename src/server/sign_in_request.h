/* sign_in_request.h: what a client says of its user in pusher:signin, as far as the message
 * itself tells. Texts live in the message or in the arena. Both functions are true, or false
 * with the reason in *why; the signature is verified in between. */
#ifndef SERVER_SIGN_IN_REQUEST_H
#define SERVER_SIGN_IN_REQUEST_H

#include "server/refusal.h"

struct sign_in_request {
	str auth;
	str user_data; /* decoded: this text was signed */
};

struct user_data {
	str id;		       /* decoded */
	struct json user_info; /* as written; raw.p NULL: none */
	str watchlist;	       /* JSON array as written; empty: none */
};

/* data may be an object, or a string that holds one. */
bool sign_in_request_read(const struct pusher_message *m, struct arena *a,
			  struct sign_in_request *out, struct refusal *why);
bool user_data_read(str text, struct arena *a, struct user_data *out, struct refusal *why);

#endif
