/* server.h: the whole server as one object: N workers, the hub, and their mailboxes, on loops
 * that somebody else runs.
 *
 * Production gives it kernel loops and a thread for each; the simulator gives it simulated loops
 * and turns them one by one. With one worker the hub lives on the worker's loop and mail is
 * exchanged within the turn. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "core/app.h"
#include "core/hub.h"
#include "io/http_client.h"
#include "io/tls.h"
#include "server/listener.h"
#include "server/settings.h"

struct server;

/* What is given must outlive the server; options are copied, and so are their values, but not their
 * texts. hub_loop is NULL with one worker. */
struct server *server_new(const struct server_options *o, const struct app_table *apps,
			  struct log *log, struct loop **worker_loops, struct loop *hub_loop,
			  struct hash_key key);
/* All loops have stopped. Ends every connection first. */
void server_free(struct server *s);

/* Every worker listens on the address (port 0: the first picks); for metrics the first alone.
 * Before the loops run. Errors as net_listen. */
err server_listen(struct server *s, enum listener_role role, struct net_address *a,
		  int *system_error);
err server_listen_unix(struct server *s, enum listener_role role, str path, unsigned mode,
		       int *system_error);

/* Before the loops run: whoever has webhooks is told by posts of c, a client of the hub's loop (with one
 * worker: of the worker's) for OUTLET_POSTS_MAX posts (webhook/target.h). Takes over c. Without, nobody is. */
void server_set_webhooks(struct server *s, struct http_client *c);

/* Any thread: what new connections to LISTENER_CLIENTS get from now on; NULL: no TLS. Takes over the
 * reference. */
void server_set_tls(struct server *s, struct tls_context *c);
/* A reference for the caller, or NULL. Any thread. */
struct tls_context *server_tls(struct server *s);
/* Of the last LISTENER_CLIENTS that was opened. */
uint16_t server_clients_port(const struct server *s);

/* From the thread that made the server, while it runs: other options and other apps from now on;
 * app_table_follow was called for them. Sessions stay, but for those of apps that are gone or
 * disabled; what is there already is not measured by new limits. The number of workers and the
 * listeners stay as they are. What was given before may be freed when server_is_reloading says
 * no; until then there is no other reload. */
void server_reload(struct server *s, const struct server_options *o, const struct app_table *apps);
/* Any thread. */
bool server_is_reloading(const struct server *s);
/* Any thread: what holds now. */
const struct server_settings *server_settings(const struct server *s);

/* The server lets everybody go, within the grace period (drain.h). From one thread, any; harmless
 * twice. */
void server_drain(struct server *s);
bool server_is_draining(const struct server *s);
/* Any thread: all sessions were told, and nobody is awaited any more. */
bool server_is_leaving(const struct server *s);
/* Any thread: and have all connections ended? */
bool server_is_drained(const struct server *s);
/* Any thread: no connections from now on but those that are at the door already. */
void server_shut_door(struct server *s);
bool server_door_is_shut(const struct server *s);
/* For workers that drain. A client was told to come again; one that comes is taken for one that was
 * told; all sessions of one worker were told; may a worker leave; it does. */
void server_told(struct server *s, uint64_t now_ms);
void server_came_back(struct server *s);
void server_has_told(struct server *s);
bool server_may_leave(const struct server *s, uint64_t now_ms);
void server_leaves(struct server *s);

/* Any thread: when nobody is connected any more, webhooks need not wait for anybody's return. */
void server_settle(struct server *s);
/* After server_settle: nobody is connected, and no webhook has anything left to deliver. */
bool server_is_settled(const struct server *s);
/* About how many events webhooks have not delivered or given up. */
size_t server_n_webhook_events(const struct server *s);

/* Before the loops run: so many descriptors are left for connections; 0: nobody knows. */
void server_set_descriptors(struct server *s, size_t n_left);
/* Are so many of them in use that the rest is a reserve? No WebSocket gets one of those, and a
 * connection that does keeps it for one short request: health and the API stay within reach. Any
 * worker. */
bool server_is_crowded(const struct server *s);

/* For workers. With one: lets the hub take its mail, on the worker's own loop; true when there
 * was any. */
bool server_turn_hub(struct server *s);
/* A worker has taken its mail; the hub may have waited for that. */
void server_mail_was_taken(struct server *s);

/* For tests and statistics, while the loops rest. */
struct app_counts server_count(const struct server *s, const struct app *a);
size_t server_n_connections(const struct server *s);

#endif
