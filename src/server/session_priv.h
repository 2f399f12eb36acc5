/* session_priv.h: what the files of a session share. A handler answers a message with at most one
 * frame of its own. */
#ifndef SERVER_SESSION_PRIV_H
#define SERVER_SESSION_PRIV_H

#include "server/refusal.h"
#include "server/session.h"
#include "server/subscribe_request.h"
#include "server/worker.h"

/* Counts what went wrong. */
static inline void session_count_error(struct conn *c, enum connection_error e)
{
	counter_add(&conn_activity(c)->errors[e], 1);
}

/* pusher:error; the connection stays. */
void session_error(struct conn *c, const struct refusal *why);
/* What a rate limit does to the one who exceeded it. */
void session_refuse_rate(struct conn *c, bool terminates);
/* One event more in w, counted in n; without a limit (0 or NO_LIMIT) always true. */
bool session_rate_ok(const struct conn *c, struct rate_window *w, struct rate_counts *n,
		     uint32_t n_max, uint32_t window_s);
/* Tells the hub that c is no longer on one channel. */
void session_leave(struct conn *c, struct channel *channel, struct membership *membership);

/* Asks the hub for a place on a channel that c may join; awaits its answer unless there is none
 * to wait for. False: memory. */
bool session_join(struct conn *c, str name, unsigned traits, const struct presence_data *who);
/* The hub has taken a sign-in, or could not. */
void session_signed_in(struct conn *c);
void session_sign_in_failed(struct conn *c);
/* Who c is signed in as, or NULL. */
const struct session_user *session_user(const struct conn *c);
/* Is it the channel of the user that c is signed in as? */
bool session_is_user(const struct conn *c, str channel);

/* Rows of client_events.def */
void session_ping(struct conn *c, const struct pusher_message *m);
void session_pong(struct conn *c, const struct pusher_message *m);
void session_subscribe(struct conn *c, const struct pusher_message *m);
void session_unsubscribe(struct conn *c, const struct pusher_message *m);
void session_sign_in(struct conn *c, const struct pusher_message *m);
/* client-… */
void session_client_event(struct conn *c, const struct pusher_message *m);

#endif
