#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>

#include "die.h"

/* Small batches: whoever sends by the clock gets a look between them. */
#define BATCH 128

struct loop *loop_new(void)
{
	struct loop *l = must_calloc(1, sizeof *l);

	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		die("epoll_create1");
	return l;
}

static void control(struct loop *l, int operation, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->epoll_fd, operation, w->fd, &e) != 0)
		die("epoll_ctl");
}

void loop_add(struct loop *l, struct watch *w, uint32_t events)
{
	control(l, EPOLL_CTL_ADD, w, events);
}

void loop_change(struct loop *l, struct watch *w, uint32_t events)
{
	control(l, EPOLL_CTL_MOD, w, events);
}

void loop_poll(struct loop *l)
{
	struct epoll_event ready[BATCH];
	int n = epoll_wait(l->epoll_fd, ready, BATCH, 0);

	if (n < 0 && errno != EINTR)
		die("epoll_wait");
	for (int i = 0; i < n; i++) {
		struct watch *w = ready[i].data.ptr;

		if (w->fd >= 0)
			w->on_ready(w, ready[i].events);
	}
}
