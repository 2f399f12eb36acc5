/* listener.c: from a listening socket to connections. A turn accepts a bounded number, so that a
 * crowd at the door does not keep those inside waiting. */
#include "server/listener.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/unlucky.h"
#include "server/conn.h"
#include "server/worker.h"

#define ACCEPTS_PER_TURN 64
/* After there was no descriptor. */
#define PAUSE_MS 100

struct listener {
	struct io_file file;
	struct worker *worker;
	struct listener *next;
	struct timer pause;
	enum listener_role role;
};

static void on_pause_over(struct timer *t)
{
	struct listener *l = container_of(t, struct listener, pause);

	loop_watch(l->worker->loop, &l->file, LOOP_READ);
}

/* Who waits at the door would make a loop that watches it spin: they wait until somebody has
 * left. */
static void pause_accepting(struct listener *l)
{
	log_limited(l->worker->log, LOG_ERROR, "out of descriptors",
		    LF_CSTR("hint", DESCRIPTORS_HINT));
	loop_watch(l->worker->loop, &l->file, 0);
	timer_arm(l->worker->loop, &l->pause, PAUSE_MS);
}

static void on_acceptable(struct io_file *f, unsigned ready)
{
	struct listener *l = container_of(f, struct listener, file);
	struct worker *w = l->worker;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct io_file accepted = { .fd = -1 };
		struct net_address peer;
		err e = net_accept(w->loop, f, &accepted, &peer);

		if (e == ERR_AGAIN)
			return;
		if (e == OK) {
			conn_open(w, accepted.fd, l->role, &peer);
			if (loop_is_unlucky(w->loop, UNLUCKY_ACCEPT_ONE))
				return;
		} else if (e == ERR_LIMIT) {
			pause_accepting(l);
			return;
		}
	}
}

static struct listener *listener_new(struct worker *w, enum listener_role role)
{
	struct listener *l = xnew(struct listener);

	l->file = (struct io_file){ .fd = -1, .on_ready = on_acceptable };
	l->worker = w;
	l->role = role;
	timer_init(&l->pause, on_pause_over);
	return l;
}

static err start(struct worker *w, struct listener *l, err e)
{
	if (e == OK && !loop_watch(w->loop, &l->file, LOOP_READ))
		e = ERR_LIMIT;
	if (e != OK) {
		net_close(w->loop, &l->file);
		xfree(l);
		return e;
	}
	l->next = w->listeners;
	w->listeners = l;
	return OK;
}

err listener_open(struct worker *w, enum listener_role role, struct net_address *a,
		  int *system_error)
{
	struct listener *l = listener_new(w, role);

	return start(w, l, net_listen(w->loop, &l->file, a, system_error));
}

err listener_open_unix(struct worker *w, enum listener_role role, str path, unsigned mode,
		       int *system_error)
{
	struct listener *l = listener_new(w, role);

	return start(w, l, net_listen_unix(w->loop, &l->file, path, mode, system_error));
}

err listener_share(struct worker *w, const struct worker *first)
{
	struct listener *l = listener_new(w, first->listeners->role);

	return start(w, l, net_listen_share(w->loop, &l->file, &first->listeners->file));
}

void listener_stop_all(struct worker *w)
{
	for (struct listener *l = w->listeners; l; l = l->next)
		net_stop_listening(w->loop, &l->file);
}

void listener_close_all(struct worker *w)
{
	while (w->listeners) {
		struct listener *l = w->listeners;

		w->listeners = l->next;
		timer_disarm(&l->pause);
		net_close(w->loop, &l->file);
		xfree(l);
	}
}
