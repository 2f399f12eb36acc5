/* certificate.h: the certificate and the key that the configuration names, at the start and whenever
 * they change.
 *
 * Who renews a certificate replaces files; nobody tells us. So their state is looked at every few
 * seconds, and a pair that is new and good is what new connections get. One that is not good is
 * reported, and the old one stays. Of the main thread alone. */
#ifndef MAIN_CERTIFICATE_H
#define MAIN_CERTIFICATE_H

#include "io/tls.h"
#include "main/config.h"
#include "server/server.h"

/* Does this configuration listen with TLS? */
static inline bool certificate_is_wanted(const struct config *c)
{
	return c->ssl.enabled && !c->unix_socket.enabled;
}
/* What the server is to use; NULL if none is wanted, or if *r says what is wrong. Warns of one that
 * has expired, or is about to. */
struct tls_context *certificate_load(const struct config *c, struct config_report *r);
/* A line of the log about the one that is used from now on. */
void certificate_log(struct log *log, const struct tls_context *context);

struct certificate_watch;
struct reload;
/* Of the configuration that holds, until certificate_watch_free. */
struct certificate_watch *certificate_watch_new(struct loop *l, struct server *s, struct log *log,
						const struct reload *reload);
/* NULL is fine. */
void certificate_watch_free(struct certificate_watch *w);

#endif
