/* tls.h: TLS 1.2 and 1.3 on the streams of net.h, the server's side, by OpenSSL.
 *
 * tls_accept hangs a struct tls onto an open file; from then on net_recv, net_send, net_flush,
 * net_shutdown and net_close speak TLS on it, and its owner need not know. The handshake happens
 * within net_recv: until it is over the answer is ERR_AGAIN, and what ends an unfinished one in
 * time is the owner's own deadline. It works in every world, the simulated one included.
 *
 * A context (who we are) is immutable and counted; any thread may hold it. What belongs to a
 * connection belongs to its loop's thread. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/err.h"
#include "base/str.h"
#include "io/loop.h"

struct tls_context;

enum tls_part { TLS_CERTIFICATE, TLS_KEY, TLS_PASSPHRASE, TLS_LIBRARY };

/* Why a context could not be made: which part is at fault, and a sentence about it. */
struct tls_problem {
	enum tls_part part;
	char text[256];
};

struct tls_pair {
	const char *certificate_path; /* PEM; the chain may follow the certificate */
	const char *key_path;	      /* PEM: PKCS#1, PKCS#8 or SEC1 */
	const char *passphrase;	      /* of the key; NULL: none */
	bool uses_kernel;	      /* lets the kernel encrypt, where it can */
	/* To a peer that speaks HTTP where TLS is spoken, before the end; must outlive the context.
	 * Empty: nothing. */
	str plain_answer;
};

/* What stands in the certificate. */
struct tls_certificate {
	char name[128];	 /* the first name that it is for */
	char key[32];	 /* "EC 256 bits" */
	int64_t from_ms; /* wall clock: when it is valid */
	int64_t until_ms;
};

/* NULL: *why. Reads the files, so not for a worker's thread. */
struct tls_context *tls_context_new(const struct tls_pair *pair, struct tls_problem *why);
struct tls_context *tls_context_ref(struct tls_context *c);
/* NULL is fine. */
void tls_context_unref(struct tls_context *c);
const struct tls_certificate *tls_context_certificate(const struct tls_context *c);
/* Will the kernel encrypt for those whose cipher it has? */
bool tls_context_uses_kernel(const struct tls_context *c);

/* The context that new connections get: one thread changes it while others use it. */
struct tls_current;
struct tls_current *tls_current_new(void);
void tls_current_free(struct tls_current *c);
/* Takes over the reference; NULL: none. Any thread. */
void tls_current_set(struct tls_current *c, struct tls_context *context);
/* A reference for the caller, or NULL. Any thread. */
struct tls_context *tls_current_get(struct tls_current *c);

/* f is open, and nothing was sent or received on it. received: bytes that the owner has taken from
 * it already, and which belong to the handshake. OK, or ERR_MEMORY: close f. Takes no reference of
 * the caller's. */
err tls_accept(struct loop *l, struct io_file *f, struct tls_context *c, str received);
/* Why TLS itself gave up on f, in a few words; NULL: it did not. Valid for ever. */
const char *tls_failure(const struct io_file *f);

#endif
