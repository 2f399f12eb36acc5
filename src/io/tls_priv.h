/* tls_priv.h: what tls.c (connections), tls_context.c (identities), net.c and loop.c share. */
#ifndef IO_TLS_PRIV_H
#define IO_TLS_PRIV_H

#include "base/buf.h"
#include "io/net.h"
#include "io/tls.h"

#include <openssl/ssl.h>

#include <stdatomic.h>

struct tls_context {
	atomic_uint n_refs;
	SSL_CTX *ssl;
	BIO_METHOD *bio;
	bool uses_kernel;
	str plain_answer;
	struct tls_certificate certificate;
};

/* A connection's. */
struct tls {
	SSL *ssl;
	struct tls_context *context;
	struct loop *loop;
	struct io_file *file;
	BIO *socket;	     /* NULL: the kernel is not asked to encrypt */
	struct list held;    /* loop->held */
	struct buf rest;     /* written by OpenSSL, refused by the socket */
	struct buf received; /* tls_accept's, not read yet */
	const char *failure; /* reason */
	size_t recv_left;    /* bytes that the call of net_recv may take from the socket */
	bool is_kernels;     /* what is sent, the kernel encrypts */
	bool is_failed;	     /* nothing more comes or goes */
	bool has_input;	     /* net_recv would give more, whatever the socket says */
	bool has_eof;	     /* of the socket */
	bool is_ending;	     /* FIN when the rest is written */
	bool has_ended;	     /* our last word was said: OpenSSL has no more to say */
};

/* tls.c: how TLS reads and writes. NULL: out of memory. */
BIO_METHOD *tls_bio_method_new(void);

/* The calls of net.h, and of the loop, for a file that has a struct tls. */
err tls_recv(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n);
err tls_send(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
	     size_t *n);
err tls_flush(struct loop *l, struct io_file *f);
void tls_shutdown(struct loop *l, struct io_file *f);
void tls_close(struct loop *l, struct io_file *f);
/* f->watched has changed. */
void tls_watched(struct loop *l, struct io_file *f);
/* The socket takes bytes again, and FILE_FLUSHES is set. */
void tls_on_writable(struct loop *l, struct io_file *f);
/* Calls the files of l->held that hold what their sockets do not show any more. */
void tls_serve_held(struct loop *l);

#endif
