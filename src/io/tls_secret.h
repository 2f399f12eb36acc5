/* tls_secret.h: private keys in secret memory (base/secret.h).
 *
 * OpenSSL has a secure heap of its own, but it also serves the short-lived key of each handshake
 * from it, keeps that as long as the connection, and fails when the heap is full. So we give it our
 * memory instead, for what is allocated between tls_secret_begin and tls_secret_end. */
#ifndef IO_TLS_SECRET_H
#define IO_TLS_SECRET_H

/* Before anything else of OpenSSL is called. Without it, begin and end do nothing. */
void tls_secret_install(void);

/* What this thread allocates through OpenSSL in between is secret, whenever and by whomever it is
 * freed. Pairs do not nest. */
void tls_secret_begin(void);
void tls_secret_end(void);

#endif
