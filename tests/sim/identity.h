/* identity.h: who the server is in TLS: certificates that are made anew now and then, and the
 * clients' side of the handshake.
 *
 * OpenSSL draws from the seed and lives in the world's time here, so that a run is the same every
 * time, to the byte. */
#ifndef SIM_IDENTITY_H
#define SIM_IDENTITY_H

#include "world.h"

#include <openssl/ssl.h>

/* If the plan has TLS. */
void identity_begin(struct world *w);
void identity_end(struct world *w);
/* From here on new connections to it speak TLS, if the plan has it. */
void identity_introduce(struct node *n);
/* An act: all nodes get another certificate, while who is there goes on with the one before. */
bool identity_renew(struct world *w);
/* Of the newest one. */
unsigned identity_number(const struct world *w);
/* A client that believes everybody, of either version, and maybe remembers a session. */
SSL *identity_client(struct world *w);
/* Is what the server showed this one or a newer? */
bool identity_fits(const struct world *w, const SSL *ssl, unsigned number);

#endif
