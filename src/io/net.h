/* net.h: stream sockets, asked of a loop's world. Non-blocking, close-on-exec, TCP_NODELAY.
 *
 * A file is opened by net_listen*, net_accept or net_connect (which set f->fd; the owner sets
 * f->on_ready) and is watched from the first loop_watch on. No call is made for a file by another
 * thread than its loop's. */
#ifndef IO_NET_H
#define IO_NET_H

#include "base/err.h"
#include "base/str.h"
#include "io/loop.h"

enum net_family { NET_NONE, NET_IPV4, NET_IPV6, NET_UNIX };

/* Plain data, comparable bytewise. */
struct net_address {
	uint8_t family; /* enum net_family */
	uint16_t port;	/* host order; 0 for unix */
	uint8_t ip[16]; /* network order; 4 bytes used for IPv4 */
};

/* A literal: "127.0.0.1", "::1", "0.0.0.0". */
bool net_address_parse(str ip, uint16_t port, struct net_address *out);
/* "127.0.0.1:6001", "[::1]:6001" or "unix"; at most NET_ADDRESS_TEXT_MAX bytes with NUL. */
#define NET_ADDRESS_TEXT_MAX 64
str net_address_format(const struct net_address *a, char out[NET_ADDRESS_TEXT_MAX]);

/* Could somebody who shares with nobody listen on a? OK, or as net_listen. Ask once before the
 * workers listen: with SO_REUSEPORT a second server by the same user would quietly take half of the
 * first one's clients. */
err net_listen_probe(struct loop *l, const struct net_address *a, int *system_error);
/* Listens with SO_REUSEPORT (one listener per worker and address) and, for IPv6, V6ONLY. port 0
 * picks one; *a is updated. ERR_EXISTS: address in use; ERR_LIMIT: out of descriptors; ERR_IO:
 * else; *system_error is errno for the message. */
err net_listen(struct loop *l, struct io_file *f, struct net_address *a, int *system_error);
/* Unix socket; path is removed first only if it is a socket nobody answers on. ERR_EXISTS: somebody
 * does (EADDRINUSE), or it is no socket (EEXIST); ERR_IO: else. *system_error is errno.
 * mode: permission bits. All workers share it: others join with net_listen_share. The path stays
 * after the close. */
err net_listen_unix(struct loop *l, struct io_file *f, str path, unsigned mode, int *system_error);
/* Another loop watches the same listening descriptor (dup). OK or ERR_LIMIT. */
err net_listen_share(struct loop *l, struct io_file *f, const struct io_file *first);

/* TCP: who begins to connect from now on gets no answer, as if the network had lost it, and tries
 * again after a second; what is on its way already can be accepted. To close the listener a moment
 * later breaks nothing off. Unix: the owner removes the path, which does the same. */
void net_stop_listening(struct loop *l, struct io_file *listener);

/* OK; ERR_AGAIN: nothing waits; ERR_LIMIT: out of descriptors (the connection was taken with a
 * spare one and closed, if there was one: wait a moment before the next try); ERR_IO: this one
 * failed, try the next. */
err net_accept(struct loop *l, struct io_file *listener, struct io_file *f,
	       struct net_address *peer);

/* Non-blocking connect; writable (or hang-up) tells the end; net_connect_result then says how it
 * went. ERR_LIMIT: out of descriptors; ERR_IO: refused at once. f is open only after OK. */
err net_connect(struct loop *l, struct io_file *f, const struct net_address *a, int *system_error);
/* OK; ERR_AGAIN: not yet; ERR_IO: it failed, close f. */
err net_connect_result(struct loop *l, struct io_file *f, int *system_error);

/* OK with *n > 0; OK with *n == 0: the peer ended its stream; ERR_AGAIN; ERR_IO: reset. max > 0. */
err net_recv(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n);

struct net_span {
	const void *p;
	size_t n;
};
#define NET_SPANS_MAX 64
/* OK with *n bytes taken (maybe fewer than offered); ERR_AGAIN: none; ERR_IO: the peer is gone. No
 * SIGPIPE. 1 to NET_SPANS_MAX spans, not all empty. */
err net_send(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
	     size_t *n);

/* Is everything that was sent with the kernel? OK; ERR_AGAIN: TLS still holds some of it, writable
 * tells when to ask again, a close loses it; ERR_IO: the peer is gone. */
err net_flush_tls(struct loop *l, struct io_file *f);
static inline err net_flush(struct loop *l, struct io_file *f)
{
	return f->tls ? net_flush_tls(l, f) : OK;
}

/* No more bytes from us (FIN); reading goes on. */
void net_shutdown(struct loop *l, struct io_file *f);
/* Closes; f->fd becomes -1. Harmless twice. Bytes that were sent are still delivered, unless bytes
 * of the peer were left unread: then it is reset, as TCP does. */
void net_close(struct loop *l, struct io_file *f);

#endif
