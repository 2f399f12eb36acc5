/* http_testing.h: the HTTP side of a connection without a connection, for tests: what conn.c,
 * worker.c, session.c and the loop would do is written down. Time stands still. One at a time,
 * because those functions have no place to keep who asks. */
#ifndef SERVER_HTTP_TESTING_H
#define SERVER_HTTP_TESTING_H

#include "server/http.h"
#include "server/metrics.h"
#include "server/worker.h"

#define FIXTURE_DATE "Tue, 14 Nov 2023 22:13:20 GMT"
#define FIXTURE_NOW_S 1700000000
#define FIXTURE_CORS                                                                               \
	"vary: origin, access-control-request-method, "                                            \
	"access-control-request-headers\r\naccess-control-allow-"                                  \
	"origin: *\r\n"

struct http_fixture {
	struct server_options options;
	struct app_table *apps;
	const struct app *app; /* app-id, app-key, app-secret */
	struct worker worker;
	struct activities activities;
	struct admission admission;
	struct metrics metrics;
	struct conn conn;
	struct clock clock;
	struct buf sent;	 /* everything that was answered */
	unsigned n_sent;	 /* in so many messages */
	uint64_t timer_ms;	 /* last armed */
	void *record;		 /* last mail to the hub, or NULL */
	unsigned record_kind;	 /* enum mail_to_hub */
	bool is_out_of_memory;	 /* for mail */
	const struct app *begun; /* session_begin's, with its origin */
	bool has_begun;
	char origin[64];
	uint16_t refused; /* conn_refuse's */
	char reason[128];
};

void http_fixture_init(struct http_fixture *f);
/* Everything that was taken on the way has been given back. */
void http_fixture_fini(struct http_fixture *f);
/* Forgets what was sent and begins a new connection. */
void http_fixture_restart(struct http_fixture *f);
/* Input that arrives at once, on memory of exactly its size. Returns how much of it was not
 * taken. */
size_t http_fixture_feed(struct http_fixture *f, str in);
/* Appends a request with its signature. headers: ready lines. A body brings its content-length. */
void http_fixture_sign(struct buf *b, const char *method, const char *path, const char *params,
		       const char *headers, str body);
/* The hub answers what is awaited. body may be NULL. */
void http_fixture_answer(struct http_fixture *f, enum hub_answer result, const char *body);

#endif
