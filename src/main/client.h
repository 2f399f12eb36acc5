/* client.h: what the publish and watch commands share: an address, a connection, and waiting for
 * it.
 *
 * A command does one thing after the other and ends, so each call here turns the loop until it
 * is done or its time is over. Problems come as text for the user. Not for the server, which
 * never waits. */
#ifndef MAIN_CLIENT_H
#define MAIN_CLIENT_H

#include "base/buf.h"
#include "io/net.h"

struct client_url {
	str host; /* without brackets */
	str path; /* without a trailing '/', may be empty */
	uint16_t port;
};

/* "http://host:port/path" or "ws://…"; the spans point into text. NULL, or what is wrong with
 * it. */
const char *client_url_parse(str text, struct client_url *out);
/* "host:port" as the Host header has it. */
void client_url_put_host(const struct client_url *u, struct buf *b);

struct client {
	struct loop *loop;
	struct io_file file;
	unsigned ready;
	struct buf in; /* received, not taken yet */
	bool is_ended; /* the peer sends nothing more */
};

enum { CLIENT_WAIT_MS = 10000, CLIENT_FOREVER = 0, CLIENT_BYTES_MAX = 64 << 20 };

/* Connects. False: *problem says why in one line. */
bool client_open(struct client *c, const struct client_url *u, struct buf *problem);
void client_close(struct client *c);
/* False: the connection is gone, or wait_ms went by. */
bool client_send(struct client *c, str bytes);
/* Waits for more bytes in c->in. False: the stream ended, the connection is gone, or wait_ms
 * went by (CLIENT_FOREVER: it does not). */
bool client_receive(struct client *c, unsigned wait_ms);

struct client_response {
	unsigned status;
	size_t head_bytes;
};
/* Waits for the head of an HTTP response. False: *problem says why. */
bool client_response(struct client *c, struct client_response *out, struct buf *problem);

/* The first given of: an option, an environment variable, a default. */
str client_choose(const char *option, const char *env_name, const char *otherwise);

#endif
