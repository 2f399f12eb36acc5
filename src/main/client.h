/* client.h: what the commands that talk to a server share: an address, a connection, and waiting
 * for it.
 *
 * A command does one thing after the other and ends, so each call here waits until it is done or
 * its time is over. Problems come as text for the user. Not for the server, which never waits. */
#ifndef MAIN_CLIENT_H
#define MAIN_CLIENT_H

#include "base/buf.h"
#include "io/dial.h"

struct client_url {
	bool is_tls;
	str host; /* without brackets; "localhost" for a Unix socket */
	str path; /* without a trailing '/', may be empty */
	uint16_t port;
	str unix_path; /* n > 0: a Unix socket, no host and port */
	str preface;   /* what is said before everything else, TLS included; mostly nothing */
};

/* "http://host:port/path", "https://…", "ws://…", "wss://…" or "unix:/path"; the spans point into
 * text. NULL, or what is wrong with it. */
const char *client_url_parse(str text, struct client_url *out);
/* "host:port" as the Host header has it: without the port when it is the scheme's own. */
void client_url_put_host(const struct client_url *u, struct buf *b);

/* Whom a client believes that it is the server of that name. */
struct client_trust {
	const char *ca_file; /* NULL: the system's authorities */
	bool is_insecure;    /* anybody */
};

struct client {
	struct dial dial;
	struct buf in; /* received, not taken yet */
	bool is_ended; /* the peer sends nothing more */
	struct dial_tls_report tls;
};

enum { CLIENT_WAIT_MS = 10000, CLIENT_BYTES_MAX = 64 << 20 };
#define CLIENT_FOREVER DIAL_FOREVER

/* Connects, with TLS if the address says so. wait_ms is for each step of it. False: *problem says
 * why in one line. */
bool client_open(struct client *c, const struct client_url *u, const struct client_trust *trust,
		 unsigned wait_ms, struct buf *problem);
/* The same to one of the host's addresses, which the caller knows. */
bool client_open_address(struct client *c, const struct client_url *u, const struct net_address *a,
			 const struct client_trust *trust, unsigned wait_ms, struct buf *problem);
void client_close(struct client *c);
/* False: the connection is gone, or CLIENT_WAIT_MS went by. */
bool client_send(struct client *c, str bytes);
/* Waits for more bytes in c->in. OK; ERR_AGAIN: wait_ms went by; ERR_IO: the stream ended, the
 * connection is gone, or c->in is full. */
err client_receive(struct client *c, unsigned wait_ms);

struct client_response {
	unsigned status;
	size_t head_bytes;
};
/* Waits for the head of an HTTP response. False: *problem says why. */
bool client_response(struct client *c, struct client_response *out, struct buf *problem);

/* The option if it was given, else the default. */
str client_choose(const char *option, const char *otherwise);

#endif
