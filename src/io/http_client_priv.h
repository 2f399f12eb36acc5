/* http_client_priv.h: what every world's HTTP client is made of; for the files of io alone.
 *
 * A world embeds struct http_client and, for each post, struct http_exchange. An exchange belongs to
 * the loop's thread until the world has taken it (ops->start), and again when its on_done is called; in
 * between it belongs to the world, which ends it once, by http_exchange_finish, or never. */
#ifndef IO_HTTP_CLIENT_PRIV_H
#define IO_HTTP_CLIENT_PRIV_H

#include "io/http_client.h"
#include "io/loop_ops.h"

enum { HTTP_WORDS_MAX = 256 };

struct http_exchange {
	struct list link;	    /* http_client.exchanges */
	struct http_exchange *next; /* http_client.finished; before that the world's own */
	struct http_client *client;
	struct http_post post; /* a copy; a NUL follows every text */
	uint64_t start_ns;
	unsigned status;
	const char *error;
	char words[HTTP_WORDS_MAX];
};

struct http_client_ops {
	size_t client_bytes, exchange_bytes;
	/* False: it can never work here, *why says the reason. */
	bool (*init)(struct http_client *c, const struct http_client_options *o, const char **why);
	/* From its return on no exchange is finished any more. */
	void (*fini)(struct http_client *c);
	void (*start)(struct http_exchange *x);
	/* After fini, or when its outcome was told. */
	void (*end)(struct http_exchange *x);
};

struct http_client {
	const struct http_client_ops *ops;
	struct loop *loop;
	unsigned n_posts, n_posts_max;
	struct list exchanges;			  /* all that have not been told */
	_Atomic(struct http_exchange *) finished; /* newest first */
	struct offload_job knock;		  /* on the loop's list while there are any */
};

/* x->status, or x->error and x->words, are set. Any thread. */
void http_exchange_finish(struct http_exchange *x);

#endif
