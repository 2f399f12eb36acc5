/* signals.c: one signalfd in the loop. */
#include "io/signals.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/net.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
	struct io_file file;
	struct loop_deferred gone;
	struct loop *loop;
	void (*on_signal)(void *ctx, int signo);
	void *ctx;
};

static void signals_on_ready(struct io_file *f, unsigned ready)
{
	struct signals *s = container_of(f, struct signals, file);
	struct signalfd_siginfo info;

	/* One by one: the handler may free s. */
	while (s->file.fd >= 0 && read(s->file.fd, &info, sizeof(info)) == sizeof(info))
		s->on_signal(s->ctx, (int)info.ssi_signo);
}

struct signals *signals_new(struct loop *l, const int *list, size_t n,
			    void (*on_signal)(void *ctx, int signo), void *ctx)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct signals *s;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, list[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	s = xnew(struct signals);
	*s = (struct signals){ .loop = l, .on_signal = on_signal, .ctx = ctx };
	s->file = (struct io_file){ .fd = fd, .on_ready = signals_on_ready };
	if (!loop_watch(l, &s->file, LOOP_READ)) {
		net_close(l, &s->file);
		xfree(s);
		return NULL;
	}
	return s;
}

static void signals_gone(struct loop_deferred *d)
{
	xfree(container_of(d, struct signals, gone));
}

void signals_free(struct signals *s)
{
	net_close(s->loop, &s->file);
	s->gone.run = signals_gone;
	loop_defer(s->loop, &s->gone);
}
