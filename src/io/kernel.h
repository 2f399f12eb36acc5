/* kernel.h: what kernel.c (epoll, time, randomness) and kernel_net.c (sockets) share; for the files
 * of io alone. */
#ifndef IO_KERNEL_H
#define IO_KERNEL_H

#include "io/loop_ops.h"

#include <stddef.h>
#include <sys/epoll.h>

struct kernel_loop {
	struct loop base;
	int epoll_fd;
	int leaving_fd; /* epoll too, watched by epoll_fd */
	int wake_fd;	/* eventfd */
	int spare_fd;	/* given up to accept one more when there are no others; -1: lost */
	atomic_int wake_state;
	unsigned n_leavers; /* in this turn's batch */
	bool has_left;	    /* somebody in leaving_fd is ready */
	struct epoll_event events[LOOP_BATCH];
};

static inline struct kernel_loop *kernel_of(struct loop *l)
{
	return (struct kernel_loop *)l;
}
_Static_assert(offsetof(struct kernel_loop, base) == 0, "kernel_of casts");

/* A descriptor to be given up later, or -1. */
int kernel_spare_open(void);

/* Can its sockets encrypt by themselves (kernel TLS)? */
bool kernel_has_tls(void);

err kernel_probe(struct loop *l, const struct net_address *a, int *system_error);
err kernel_listen(struct loop *l, struct io_file *f, struct net_address *a, int *system_error);
err kernel_listen_unix(struct loop *l, struct io_file *f, str path, unsigned mode,
		       int *system_error);
err kernel_listen_share(struct loop *l, struct io_file *f, const struct io_file *first);
void kernel_stop_listening(struct loop *l, struct io_file *listener);
err kernel_accept(struct loop *l, struct io_file *listener, struct io_file *f,
		  struct net_address *peer);
err kernel_connect(struct loop *l, struct io_file *f, const struct net_address *a,
		   int *system_error);
err kernel_connect_result(struct loop *l, struct io_file *f, int *system_error);
err kernel_recv(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n);
err kernel_send(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
		size_t *n);
struct process *kernel_process_open(struct loop *l);
extern const struct http_client_ops kernel_http_client_ops;
void kernel_shutdown(struct loop *l, struct io_file *f);

#endif
