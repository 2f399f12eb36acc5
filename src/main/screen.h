/* screen.h: what the server says when it starts: where it is, and lines to paste that make it do
 * something. */
#ifndef MAIN_SCREEN_H
#define MAIN_SCREEN_H

#include "base/buf.h"
#include "core/app.h"
#include "io/net.h"
#include "io/tls.h"

struct screen {
	const char *program; /* how it was called */
	const struct net_address *addresses;
	size_t n_addresses;
	const struct net_address *metrics;	   /* the first of those of the metrics */
	size_t n_metrics;			   /* 0: there are none */
	str unix_path;				   /* n == 0: none */
	unsigned redirect_port;			   /* that leads to https; 0: none */
	str lan_ip;				   /* n == 0: none, or not reachable there */
	str sandbox;				   /* a sentence about it; n == 0: none */
	const struct tls_certificate *certificate; /* NULL: plain http */
	const struct app *app; /* the first one that is enabled; NULL: there is none */
	bool has_colors;
};

/* At most 30 lines of at most 100 columns. Secrets are shown only of the demo app. */
void screen_put(const struct screen *s, struct buf *b);

#endif
