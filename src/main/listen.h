/* listen.h: from the configured host to addresses, and what to tell somebody whose address is
 * taken. */
#ifndef MAIN_LISTEN_H
#define MAIN_LISTEN_H

#include "main/config.h"
#include "server/server.h"

#include <sys/types.h>

enum { LISTEN_ADDRESSES_MAX = 8 };

struct listeners {
	struct net_address addresses[LISTEN_ADDRESSES_MAX];
	size_t n;
	struct listen_file {
		dev_t device;
		ino_t number;
	} unix_file; /* the Unix socket's, at its path when it was opened */
};

/* Opens what the configuration asks for. probe is any loop. False: *problem says why and what to
 * do. */
bool listen_open(struct listeners *out, const struct config *c, struct server *s,
		 struct loop *probe, struct buf *problem);
/* Beside the addresses of out, which listen_open has opened: the plain port that sends everybody to
 * them, if the configuration wants one; *port says which. False: *problem says why not. */
bool listen_open_redirect(const struct listeners *out, const struct config *c, struct server *s,
			  struct loop *probe, unsigned *port, struct buf *problem);
/* The same for metrics; nothing when they are off. False: the server can do without. */
bool listen_open_metrics(struct listeners *out, const struct config *c, struct server *s,
			 struct loop *probe, struct buf *problem);
/* Removes what would stay behind: the path of the Unix socket, unless it is somebody else's by now. */
void listen_close(const struct listeners *l, const struct config *c);
/* An address of this machine that others may reach, if we listen on all of them; else empty. */
str listen_lan_ip(const struct listeners *l, char text[NET_ADDRESS_TEXT_MAX]);

#endif
