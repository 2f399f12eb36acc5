#include "server/drain.h"

#include "base/check.h"
#include "codec/pusher.h"
#include "server/server.h"

#define STEP_MS 50
/* A small server tells all of them in one step. */
#define SHARE_MIN 125
/* Who has just come may have a request under way. */
#define NEWCOMER_S 2

#define LAST_WORDS S("Server shutting down")

static void arm(struct worker *w)
{
	timer_arm(w->loop, &w->drain.timer, STEP_MS);
}

/* Telling */

static void tell(struct conn *c)
{
	server_told(c->worker->server, conn_now_ms(c));
	conn_refuse(c, PUSHER_RECONNECT, LAST_WORDS);
}

/* So many sessions per step that the last is closed at three quarters of the grace period. */
static size_t share_of(const struct worker *w)
{
	uint64_t now_ms = clock_ms(loop_clock(w->loop));
	uint64_t left_ms = w->drain.told_at_ms > now_ms ? w->drain.told_at_ms - now_ms : 0;
	size_t share = w->drain.n_untold / (left_ms / STEP_MS + 1) + 1;

	return share > SHARE_MIN ? share : SHARE_MIN;
}

/* Nobody becomes a session any more, so one walk meets all of them. */
static void tell_some(struct worker *w)
{
	size_t share = share_of(w);

	for (; w->drain.next != &w->all && share > 0 && !mailbox_is_full(w->hub_inbox);) {
		struct conn *c = container_of(w->drain.next, struct conn, link);

		w->drain.next = w->drain.next->next;
		if (w->drain.n_untold > 0)
			w->drain.n_untold--;
		if (c->phase != CONN_OPEN && c->phase != CONN_OPENING)
			continue;
		tell(c);
		share--;
	}
	if (w->drain.next != &w->all)
		return;
	w->drain.next = NULL;
	w->drain.phase = DRAIN_LINGERING;
	server_has_told(w->server);
}

/* Leaving */

static void close_if_idle(struct conn *c)
{
	bool was_served = c->answer_keeps_alive; /* and is between two requests */
	bool is_idle = c->phase == CONN_HTTP && !c->http && !c->awaits_hub && !c->kept &&
		       !out_has_pending(c);

	if (is_idle && (was_served || conn_now_s(c) - c->opened_s >= NEWCOMER_S))
		conn_end_unasked(c);
}

/* Who waits with us, and connections that no request is on. */
static void send_away(struct worker *w)
{
	struct list *next;

	for (struct list *l = w->all.next; l != &w->all; l = next) {
		struct conn *c = container_of(l, struct conn, link);

		next = l->next;
		if (c->phase == CONN_OPENING)
			conn_refuse(c, PUSHER_OVER_CAPACITY, LAST_WORDS);
		else
			close_if_idle(c);
	}
}

static void leave(struct worker *w)
{
	w->drain.phase = DRAIN_LEAVING;
	server_leaves(w->server);
}

/* The steps */

static void on_step(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, drain.timer);

	if (w->drain.phase == DRAIN_TELLING)
		tell_some(w);
	if (w->drain.phase == DRAIN_LINGERING &&
	    server_may_leave(w->server, clock_ms(loop_clock(w->loop))))
		leave(w);
	/* All workers together: until then a back-end finds its kept connections. */
	if (server_is_leaving(w->server))
		send_away(w);
	if (w->drain.phase != DRAIN_LEAVING || w->n_conns > 0)
		arm(w);
}

void drain_init(struct worker *w)
{
	timer_init(&w->drain.timer, on_step);
}

void drain_fini(struct worker *w)
{
	timer_disarm(&w->drain.timer);
}

/* One step later: that we are not ready shall be seen before anybody is sent away. */
void drain_begin(struct worker *w)
{
	w->is_draining = true;
	w->drain.phase = DRAIN_TELLING;
	w->drain.next = w->all.next;
	w->drain.n_untold = w->n_conns;
	w->drain.told_at_ms =
		clock_ms(loop_clock(w->loop)) + w->options->shutdown_grace_period_s * 750u;
	arm(w);
}

void drain_opened(struct worker *w)
{
	if (!timer_is_armed(&w->drain.timer))
		arm(w);
}

void drain_newcomer(struct conn *c)
{
	struct worker *w = c->worker;

	conn_begin_frames(c);
	server_came_back(w->server);
	if (w->drain.phase == DRAIN_LINGERING) {
		c->phase = CONN_OPENING;
		timer_disarm(&c->timer);
		return;
	}
	server_told(w->server, conn_now_ms(c));
	conn_refuse(c, PUSHER_OVER_CAPACITY, LAST_WORDS);
}
