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
 * epoll reports in the order of arrival, so when thousands of peers vanish at once, whoever speaks
 * next would wait until all of them are buried. Beyond a few per turn, those that have ended their
 * stream are moved to an epoll set of their own, which costs a fraction of an end, and are taken
 * from there a few per turn.
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

enum {
	LEAVERS_PER_TURN = 32, /* ends take long: about 10 us each */
	OTHERS_PER_TURN = LOOP_BATCH - LEAVERS_PER_TURN,
	GATHERINGS_PER_TURN = 64,
};

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

static uint64_t kernel_now_ns(const struct loop *l)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
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

static bool is_leaver(const struct epoll_event *e)
{
	return e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

static uint32_t epoll_events_of(const struct io_file *f)
{
	unsigned events = file_events(f);

	return (events & LOOP_READ ? EPOLLIN | EPOLLRDHUP : 0) |
	       (events & LOOP_WRITE ? EPOLLOUT : 0);
}

/* False: the system has no room, it stays where it is. */
static bool move_to_leavers(struct kernel_loop *k, struct io_file *f)
{
	struct epoll_event e = { .events = epoll_events_of(f), .data.ptr = f };

	if (epoll_ctl(k->leaving_fd, EPOLL_CTL_ADD, f->fd, &e) != 0)
		return false;
	epoll_ctl(k->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
	f->watched |= FILE_LEAVES;
	return true;
}

static bool can_wait(struct kernel_loop *k, const struct epoll_event *e)
{
	struct io_file *f = e->data.ptr;

	if (!is_leaver(e) || k->n_leavers++ < LEAVERS_PER_TURN || !(f->watched & FILE_ADDED))
		return false;
	return move_to_leavers(k, f);
}

/* Adds to the n that are ready; answers how many there are now. */
static unsigned take_events(struct kernel_loop *k, unsigned n, int n_events)
{
	for (int i = 0; i < n_events; i++) {
		const struct epoll_event *e = &k->events[i];

		if (!e->data.ptr)
			drain_wake_fd(k);
		else if (e->data.ptr == k)
			k->has_left = true;
		else if (!can_wait(k, e))
			k->base.ready[n++] =
				(struct loop_ready){ e->data.ptr, ready_of(e->events) };
	}
	return n;
}

static int wait_for_events(struct kernel_loop *k, int epoll_fd, unsigned max, int wait_ms)
{
	int n = epoll_wait(epoll_fd, k->events, (int)max, wait_ms);

	ASSERT(n >= 0 || errno == EINTR);
	return n > 0 ? n : 0;
}

/* A full batch of mostly leavers may hide somebody behind it, and any full one those that were moved.
 * A file that is reported twice, because nobody has served it in between, is called twice:
 * harmless. */
static unsigned gather_files(struct kernel_loop *k, int wait_ms)
{
	unsigned n = 0;

	k->n_leavers = 0;
	k->has_left = false;
	for (int i = 0; i < GATHERINGS_PER_TURN && n < LOOP_BATCH / 2; i++) {
		unsigned max = OTHERS_PER_TURN - n, n_before = k->n_leavers;
		int got = wait_for_events(k, k->epoll_fd, max, i == 0 ? wait_ms : 0);

		n = take_events(k, n, got);
		k->has_left |= (unsigned)got == max;
		if ((unsigned)got < max || k->n_leavers - n_before < max / 2)
			break;
	}
	return n;
}

static unsigned take_leavers(struct kernel_loop *k, unsigned n)
{
	int got = k->has_left ? wait_for_events(k, k->leaving_fd, LEAVERS_PER_TURN, 0) : 0;

	for (int i = 0; i < got; i++)
		k->base.ready[n++] =
			(struct loop_ready){ k->events[i].data.ptr, ready_of(k->events[i].events) };
	return n;
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
	bool waits = wait_ms != 0;
	unsigned n = 0;

	if (wait_ms != 0 &&
	    !atomic_compare_exchange_strong(&k->wake_state, &(int){ AWAKE }, WAITING))
		wait_ms = 0;
	if (waits)
		loop_begin_idle(l);
	if (l->is_paused)
		wait_for_wake(k, wait_ms);
	else
		n = take_leavers(k, gather_files(k, wait_ms));
	atomic_exchange(&k->wake_state, AWAKE);
	read_clock(&l->clock);
	if (waits)
		loop_end_idle(l);
	return n;
}

static int epoll_fd_of(struct loop *l, const struct io_file *f)
{
	struct kernel_loop *k = kernel_of(l);

	return f->watched & FILE_LEAVES ? k->leaving_fd : k->epoll_fd;
}

static bool kernel_watch(struct loop *l, struct io_file *f, uint32_t was)
{
	struct epoll_event e = { .events = epoll_events_of(f), .data.ptr = f };
	int op = was & FILE_ADDED ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (epoll_ctl(epoll_fd_of(l, f), op, f->fd, &e) == 0)
		return true;
	ASSERT(op == EPOLL_CTL_ADD && (errno == ENOSPC || errno == ENOMEM));
	return false;
}

/* Taken off explicitly: a descriptor that has a duplicate, here or in another process, stays in the
 * epoll set when it is closed. */
static void kernel_close(struct loop *l, struct io_file *f)
{
	if (f->watched & FILE_ADDED)
		epoll_ctl(epoll_fd_of(l, f), EPOLL_CTL_DEL, f->fd, NULL);
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
	close_if_open(k->leaving_fd);
	close_if_open(k->epoll_fd);
	xfree(k);
}

static const struct loop_ops kernel_ops = {
	.is_kernel = true,
	.free = kernel_free,
	.poll = kernel_poll,
	.wake = kernel_wake,
	.now_ns = kernel_now_ns,
	.watch = kernel_watch,
	.offload = kernel_offload,
	.probe = kernel_probe,
	.listen = kernel_listen,
	.listen_unix = kernel_listen_unix,
	.listen_share = kernel_listen_share,
	.stop_listening = kernel_stop_listening,
	.accept = kernel_accept,
	.connect = kernel_connect,
	.connect_result = kernel_connect_result,
	.recv = kernel_recv,
	.send = kernel_send,
	.shutdown = kernel_shutdown,
	.close = kernel_close,
	.process_open = kernel_process_open,
	.http_client = &kernel_http_client_ops,
};

static bool open_descriptors(struct kernel_loop *k)
{
	struct epoll_event wake = { .events = EPOLLIN };
	struct epoll_event leaving = { .events = EPOLLIN, .data.ptr = k };

	k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	k->leaving_fd = epoll_create1(EPOLL_CLOEXEC);
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->spare_fd = kernel_spare_open();
	return k->epoll_fd >= 0 && k->leaving_fd >= 0 && k->wake_fd >= 0 && k->spare_fd >= 0 &&
	       epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->wake_fd, &wake) == 0 &&
	       epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->leaving_fd, &leaving) == 0;
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
