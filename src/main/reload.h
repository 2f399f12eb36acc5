/* reload.h: SIGHUP: the configuration is read again, from where it was read at the start, and what
 * can change without a restart does.
 *
 * A configuration that is wrong changes nothing: its problems are logged in the words of the start.
 * What was changed is logged too, a line for each kind of change. Of the main thread alone. */
#ifndef MAIN_RELOAD_H
#define MAIN_RELOAD_H

#include "io/loop.h"
#include "main/config.h"
#include "server/server.h"

struct reload;

/* All of it is borrowed, but for the apps. */
struct reload_init {
	const struct config_input *input;
	struct hash_key key;
	struct config *started; /* what the start has read */
	struct app_table *apps; /* taken over: what the server uses */
	bool has_tls;		/* the listeners have */
	bool has_webhooks;	/* apps had some at the start */
	struct server *server;
	struct log *log;
	struct loop *loop;
	/* One begins; one is over (well or not). */
	void (*on_begin)(void *ctx);
	void (*on_end)(void *ctx);
	void *ctx;
};
struct reload *reload_new(const struct reload_init *i);
/* The server is gone. */
void reload_free(struct reload *r);

/* While one is under way: once more, when it is over. */
void reload_ask(struct reload *r);
/* What holds now; valid until the loop's next turn. */
const struct config *reload_config(const struct reload *r);

/* A line of the log for each line of warnings or errors. */
void reload_log_lines(struct log *log, enum log_level level, str lines);

#endif
