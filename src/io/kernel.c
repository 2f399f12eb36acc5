/* kernel.c: the real world of a loop: epoll, an eventfd, clock_gettime, getrandom. Its sockets:
 * kernel_net.c.
 *
 * Level-triggered: a handler may leave bytes where they are and is called again, a paused loop
 * forgets nothing, and LOOP_WRITE costs a system call only when a socket was full. Edge-triggering
 * would save none of the calls that matter (a file is added once and stays) and would make every
 * handler read to exhaustion.
 *
 * Waking costs no system call while the loop is awake. Its state is AWAKE, WAITING or WOKEN; a
 * waker exchanges it for WOKEN and writes the eventfd only if it found WAITING. The loop does not
 * go to sleep over WOKEN. Both sides change the state with a read-modify-write, the waker after it
 * wrote its mail, the loop before it looks for mail: whichever comes second sees the other.
 *
 * Not here: io_uring. It would be a second table of the same functions. */
#include "io/kernel.h"

#include "base/check.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum wake_state { AWAKE, WAITING, WOKEN };

static void fill_random(void *ctx, void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		ASSERT(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

static void read_clock(struct clock *c)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	c->mono_ns = (uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec;
	c->wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
}

static void kernel_wake(struct loop *l)
{
	struct kernel_loop *k = kernel_of(l);

	if (atomic_exchange(&k->wake_state, WOKEN) == WAITING) {
		ssize_t n = write(k->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));

		ASSERT(n == sizeof(uint64_t));
	}
}

/* The counter of an eventfd is read whole, and it is ours alone: nothing to be told by the result
 * but that a waker was faster than its write. */
static void drain_wake_fd(struct kernel_loop *k)
{
	uint64_t count;
	ssize_t n = read(k->wake_fd, &count, sizeof(count));

	ASSERT(n == sizeof(count) || errno == EAGAIN || errno == EINTR);
}

static unsigned ready_of(uint32_t epoll_events)
{
	return (epoll_events & EPOLLIN ? LOOP_READ : 0) |
	       (epoll_events & EPOLLOUT ? LOOP_WRITE : 0) |
	       (epoll_events & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0);
}

static unsigned take_events(struct kernel_loop *k, int n_events)
{
	unsigned n = 0;

	for (int i = 0; i < n_events; i++) {
		struct io_file *f = k->events[i].data.ptr;

		if (f)
			k->base.ready[n++] =
				(struct loop_ready){ f, ready_of(k->events[i].events) };
		else
			drain_wake_fd(k);
	}
	return n;
}

static unsigned wait_for_files(struct kernel_loop *k, int wait_ms)
{
	int n = epoll_wait(k->epoll_fd, k->events, LOOP_BATCH, wait_ms);

	ASSERT(n >= 0 || errno == EINTR);
	return n > 0 ? (unsigned)n : 0;
}

static void wait_for_wake(struct kernel_loop *k, int wait_ms)
{
	struct pollfd p = { .fd = k->wake_fd, .events = POLLIN };
	int n = poll(&p, 1, wait_ms);

	ASSERT(n >= 0 || errno == EINTR);
	if (n > 0)
		drain_wake_fd(k);
}

static unsigned kernel_poll(struct loop *l, int wait_ms)
{
	struct kernel_loop *k = kernel_of(l);
	unsigned n = 0;

	if (wait_ms != 0 &&
	    !atomic_compare_exchange_strong(&k->wake_state, &(int){ AWAKE }, WAITING))
		wait_ms = 0;
	if (l->is_paused)
		wait_for_wake(k, wait_ms);
	else
		n = wait_for_files(k, wait_ms);
	atomic_exchange(&k->wake_state, AWAKE);
	read_clock(&l->clock);
	return take_events(k, (int)n);
}

static bool kernel_watch(struct loop *l, struct io_file *f, uint32_t was)
{
	struct epoll_event e = { .data.ptr = f };
	int op = was & FILE_ADDED ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (file_events(f) & LOOP_READ)
		e.events |= EPOLLIN;
	if (file_events(f) & LOOP_WRITE)
		e.events |= EPOLLOUT;
	if (epoll_ctl(kernel_of(l)->epoll_fd, op, f->fd, &e) == 0)
		return true;
	ASSERT(op == EPOLL_CTL_ADD && (errno == ENOSPC || errno == ENOMEM));
	return false;
}

/* Taken off explicitly: a descriptor that has a duplicate, here or in another process, stays in the
 * epoll set when it is closed. */
static void kernel_close(struct loop *l, struct io_file *f)
{
	if (f->watched & FILE_ADDED)
		epoll_ctl(kernel_of(l)->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
	close(f->fd);
}

static bool kernel_offload(struct loop *l, struct offload *o, struct offload_job *j)
{
	return offload_pool_run(o, j);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void kernel_free(struct loop *l)
{
	struct kernel_loop *k = kernel_of(l);

	close_if_open(k->spare_fd);
	close_if_open(k->wake_fd);
	close_if_open(k->epoll_fd);
	xfree(k);
}

static const struct loop_ops kernel_ops = {
	.free = kernel_free,
	.poll = kernel_poll,
	.wake = kernel_wake,
	.watch = kernel_watch,
	.offload = kernel_offload,
	.probe = kernel_probe,
	.listen = kernel_listen,
	.listen_unix = kernel_listen_unix,
	.listen_share = kernel_listen_share,
	.accept = kernel_accept,
	.connect = kernel_connect,
	.connect_result = kernel_connect_result,
	.recv = kernel_recv,
	.send = kernel_send,
	.shutdown = kernel_shutdown,
	.close = kernel_close,
};

static bool open_descriptors(struct kernel_loop *k)
{
	struct epoll_event wake = { .events = EPOLLIN };

	k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->spare_fd = kernel_spare_open();
	return k->epoll_fd >= 0 && k->wake_fd >= 0 && k->spare_fd >= 0 &&
	       epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->wake_fd, &wake) == 0;
}

struct loop *loop_new_kernel(void)
{
	struct kernel_loop *k = xnew(struct kernel_loop);

	read_clock(&k->base.clock);
	loop_init(&k->base, &kernel_ops, fill_random);
	if (!open_descriptors(k)) {
		int why = errno;

		kernel_free(&k->base);
		errno = why;
		return NULL;
	}
	return &k->base;
}
