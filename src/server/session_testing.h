/* session_testing.h: sessions without sockets: the real hub and local channels, a clock that tests
 * set, and connections that remember what was sent to them. Stands in for conn.c, worker.c and the
 * loop. For session…_test.c files only. */
#ifndef SERVER_SESSION_TESTING_H
#define SERVER_SESSION_TESTING_H

#include "base/testing.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "codec/pusher.h"
#include "core/hub.h"
#include "server/session.h"
#include "server/worker.h"

struct peer {
	struct conn conn;
	struct buf heard; /* payloads of frames sent to it, one a line; "CLOSE code reason"; "LOST"
			     for an answer without memory, which ends a connection */
	bool has_pending; /* what out_has_pending says */
};

/* A cmocka fixture: app "app-id" with key "app-key" and secret "app-secret", everything else by
 * default. */
int world_setup(void **state);
/* Everybody leaves, and nothing may be left behind. */
int world_teardown(void **state);

/* To be changed before the first connection. */
struct app *world_app(void);
struct server_options *world_options(void);
void world_limit_sessions(size_t n);
struct app_counts world_count(void);

/* Through the hub, as the HTTP API does. */
void world_publish(const char *channel, const char *event);
void world_close_user(const char *user_id, enum pusher_code code, const char *reason);

/* A new connection after its 101; "heard" holds what that brought. */
struct peer *peer_begin(const char *key, const char *origin);
/* One with an established session, the id 1234.5678 (n 0), 1234.5679 … and nothing heard. */
struct peer *peer_open(unsigned n);
/* One masked text frame, and what the hub says to it. */
void peer_say(struct peer *p, str text);
void peer_say_bytes(struct peer *p, uint8_t first_byte, str payload);
/* The frame without the hub's answer: that comes with world_settle. */
void peer_say_unsettled(struct peer *p, str text);
/* Raw bytes as they come from the socket. */
void peer_feed(struct peer *p, str bytes);
str frame_new(struct arena *a, uint8_t first_byte, str payload);
/* A {"event":"pusher:subscribe"…} with a good signature if the channel needs one; channel_data
 * NULL: none. */
void peer_subscribe(struct peer *p, const char *channel, const char *channel_data);
void peer_subscribe_unsettled(struct peer *p, const char *channel, const char *channel_data);
/* A {"event":"pusher:signin"…} with a good signature. */
void peer_sign_in(struct peer *p, const char *user_data);
void peer_sign_in_unsettled(struct peer *p, const char *user_data);

/* The n-th allocation (of those that may fail) fails, counted from the next bytes that are fed.
 * 0: none does. */
void world_fail_nth(uint64_t n);
void world_settle(void);
/* Lets the time pass, timers included. */
void world_pass_s(unsigned s);
/* How many times a timer was armed. */
unsigned world_n_armed(void);

/* Asserts that exactly these lines were heard since the last time. */
#define assert_heard(p, lines) peer_assert_heard(p, lines, __FILE__, __LINE__)
void peer_assert_heard(struct peer *p, const char *lines, const char *file, int line);
#define PUSHER_ERROR(code, text)                                                                   \
	"{\"event\":\"pusher:error\",\"data\":{\"code\":" #code ",\"message\":\"" text "\"}}\n"
#define PUSHER_REFUSAL(code, text) PUSHER_ERROR(code, text) "CLOSE " #code " " text "\n"
#define CACHE_MISS(channel)                                                                        \
	"{\"event\":\"pusher:cache_miss\",\"channel\":\"" channel "\",\"data\":\"{}\"}\n"
#define SIGNED_IN(user_data)                                                                       \
	"{\"event\":\"pusher:signin_success\",\"data\":{\"user_data\":\"" user_data "\"}}\n"
#define SUBSCRIBED(channel)                                                                        \
	"{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"" channel             \
	"\",\"data\":\"{}\"}\n"

#endif
