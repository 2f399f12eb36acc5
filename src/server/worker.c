#include "server/worker.h"

#include "base/check.h"
#include "base/mem.h"
#include "codec/deflate.h"
#include "codec/pusher.h"
#include "io/unlucky.h"
#include "server/changeover.h"
#include "server/drain.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/server.h"
#include "server/session.h"

/* Fewer connections and subscriptions than this are not worth giving memory back for. */
#define PEAK_MIN 1000

/* Mail from the hub */

/* To all whose frames are compressed with that window (0: not at all). Returns which windows the
 * others have, a bit for each; *n grows by the number of receivers. */
static unsigned deliver_form(struct worker *w, const struct to_worker_deliver *d,
			     unsigned window_bits, struct msg *form, uint32_t *n)
{
	const struct local_channel *ch = d->local;
	unsigned others = 0;

	for (uint32_t i = 0; i < ch->n; i++) {
		const struct local_entry *e = &ch->entries[i];

		if (e->compression != window_bits) {
			others |= 1u << e->compression;
		} else if (!socket_id_eq(e->conn->id, d->exclude)) {
			out_mark(&w->out, e->conn, form, false);
			(*n)++;
		}
	}
	return others;
}

/* Form by form, not receiver by receiver: those with the same bytes pending share a set only when
 * they are marked in a row. */
static uint32_t deliver_forms(struct worker *w, const struct to_worker_deliver *d)
{
	uint32_t n = 0;
	unsigned windows = deliver_form(w, d, 0, d->frame, &n);

	for (; windows; windows &= windows - 1) {
		unsigned bits = (unsigned)__builtin_ctz(windows);

		deliver_form(w, d, bits, ws_frame_compressed(d->frame, w->deflate, bits), &n);
	}
	return n;
}

static uint32_t deliver_plain(struct worker *w, const struct to_worker_deliver *d)
{
	const struct local_channel *ch = d->local;
	bool excludes = !socket_id_eq(d->exclude, SOCKET_ID_NONE);
	uint32_t n = ch->n;

	for (uint32_t i = 0; i < ch->n; i++) {
		struct conn *c = ch->entries[i].conn;

		if (excludes && socket_id_eq(c->id, d->exclude))
			n--;
		else
			out_mark(&w->out, c, d->frame, false);
	}
	return n;
}

/* Once for all receivers. */
static void count_delivery(struct worker *w, const struct to_worker_deliver *d, uint32_t n)
{
	const struct local_channel *ch = d->local;
	struct activity *a = ch->owner->activity;

	activity_count_sent(a, n, n * msg_payload(d->frame).n);
	if (n > 0 && d->frame->born_ns)
		out_time_held(&w->out, activity_latency(a, channel_type_of(ch->traits), n));
}

static void deliver(struct worker *w, const struct to_worker_deliver *d)
{
	out_hold(&w->out, d->frame);
	count_delivery(w, d, w->deflate ? deliver_forms(w, d) : deliver_plain(w, d));
}

/* Who is refused leaves its channels at once. */
static void close_all(const struct to_worker_close *m)
{
	const struct local_channel *ch = m->local;

	while (ch->n > 0)
		conn_refuse(ch->entries[0].conn, (uint16_t)m->code, m->reason);
}

static void take(struct worker *w, const struct mail *m)
{
	const void *r = m->record;

	switch ((enum mail_to_worker)m->kind) {
	case TO_WORKER_CONNECTED: {
		const struct to_worker_connected *connected = r;

		session_on_connected(connected->conn, connected);
		conn_answered(connected->conn);
		return;
	}
	case TO_WORKER_SUBSCRIBED: {
		const struct to_worker_subscribed *subscribed = r;

		session_on_subscribed(subscribed->conn, subscribed);
		conn_answered(subscribed->conn);
		return;
	}
	case TO_WORKER_ANSWER: {
		const struct to_worker_answer *answer = r;

		http_on_hub_answer(answer->conn, answer);
		conn_answered(answer->conn);
		return;
	}
	case TO_WORKER_COUNTED: {
		const struct to_worker_counted *counted = r;

		http_on_counted(counted->conn, counted);
		conn_answered(counted->conn);
		return;
	}
	case TO_WORKER_RELEASED:
		local_release(((const struct to_worker_released *)r)->local);
		return;
	case TO_WORKER_DELIVER:
		deliver(w, r);
		return;
	case TO_WORKER_CLOSE:
		close_all(r);
		return;
	case TO_WORKER_RELOAD:
		changeover_on_mail(w, r);
		return;
	}
	NEVER("unknown mail to a worker");
}

static bool take_mail(struct worker *w)
{
	struct mail_batch *b = mailbox_take(w->inbox);
	bool any = b != NULL;

	while (b) {
		const struct mail *m;

		for (size_t at = 0; (m = mail_batch_next(b, &at));)
			take(w, m);
		b = mail_batch_done(b);
	}
	if (any)
		server_mail_was_taken(w->server);
	return any;
}

/* The turn */

/* The flag is up before the box is looked at again, so that a hub that empties it in between
 * wakes us. */
static bool hub_is_full(struct worker *w)
{
	bool is_full = mailbox_is_full(w->hub_inbox);

	if (loop_is_unlucky(w->loop, UNLUCKY_HUB_FULL)) {
		loop_wake(w->loop);
		return true;
	}
	if (!is_full && !atomic_load_explicit(&w->waits_for_hub, memory_order_relaxed))
		return false;
	atomic_store(&w->waits_for_hub, is_full);
	return is_full && mailbox_is_full(w->hub_inbox);
}

/* After a crowd has left, or one with a crowd of channels, its memory goes with it: each time half
 * of the rest is gone. Else who measures what is resident would refuse newcomers for ever. */
static void follow_peak(struct worker *w)
{
	size_t n =
		atomic_load_explicit(&w->n_conns, memory_order_relaxed) + w->n_subs + w->leaving.n;

	if (n > w->n_held_peak)
		w->n_held_peak = n;
	if (w->n_held_peak >= PEAK_MIN && n < w->n_held_peak / 2) {
		mem_give_back();
		w->n_held_peak = n;
	}
}

/* Deliveries are taken as long as there is room for them: pressure goes back to the hub and from
 * there to whoever publishes. Mail that was left because there was none has done its waking
 * already: it is looked at again in the turn after the one that made room. */
static bool on_turn_end(void *ctx)
{
	struct worker *w = ctx;
	bool more;

	if (!w->is_draining && server_is_draining(w->server))
		drain_begin(w);
	if (w->is_draining && !w->door_is_shut && server_door_is_shut(w->server)) {
		w->door_is_shut = true;
		listener_stop_all(w);
	}
	leaving_turn(w);
	more = changeover_turn(w);
	while (out_has_room(&w->out)) {
		bool any = outbox_flush(&w->to_hub);

		any |= server_turn_hub(w->server);
		any |= take_mail(w);
		if (!any)
			break;
	}
	more |= !out_has_room(&w->out);
	more |= out_write(&w->out, loop_is_unlucky(w->loop, UNLUCKY_WRITE_ONE) ?
					   1 :
					   w->options->writes_per_slice);
	outbox_flush(&w->to_hub);
	loop_pause_files(w->loop, hub_is_full(w) || out_is_full(&w->out));
	follow_peak(w);
	/* Writing has lost somebody, perhaps. */
	return more || leaving_is_due(&w->leaving) || changeover_is_due(w);
}

str worker_date(struct worker *w)
{
	int64_t now_s = loop_clock(w->loop)->wall_ms / 1000;

	if (now_s != w->date_s) {
		http_date(now_s, w->date);
		w->date_s = now_s;
	}
	return (str){ w->date, sizeof w->date };
}

/* Beginning and end */

void worker_init(struct worker *w, struct server *s, unsigned index, struct loop *l)
{
	w->loop = l;
	w->server = s;
	w->index = index;
	outbox_init(&w->to_hub, w->hub_inbox);
	slab_init(&w->conns, sizeof(struct conn));
	list_init(&w->all);
	leaving_init(&w->leaving);
	w->system = activity_get(&w->metrics->activities, index, ACTIVITY_SYSTEM);
	w->unknown = activity_get(&w->metrics->activities, index, ACTIVITY_UNKNOWN);
	changeover_init(w);
	out_init(&w->out, l, w->options->out_bytes_full);
	arena_init(&w->arena, WORKER_RECV_BYTES);
	w->recv = xalloc(WORKER_RECV_BYTES);
	if (w->options->compression_window_bits)
		w->deflate = deflate_new();
	drain_init(w);
	w->pong = pusher_event_new(S("pusher:pong"), (str){ 0 }, S("{}"), (str){ 0 });
	w->ping = pusher_event_new(S("pusher:ping"), (str){ 0 }, S("{}"), (str){ 0 });
	w->date_s = w->published_s = WORKER_NEVER_S;
	loop_on_turn_end(l, on_turn_end, w);
}

void worker_end_all(struct worker *w)
{
	listener_close_all(w);
	w->leaving.per_turn_max = UINT32_MAX;
	while (!list_is_empty(&w->all))
		conn_end(container_of(w->all.next, struct conn, link));
}

void worker_fini(struct worker *w)
{
	ASSERT(w->n_conns == 0 && w->n_subs == 0 && w->leaving.n == 0);
	drain_fini(w);
	changeover_fini(w);
	out_fini(&w->out);
	arena_fini(&w->arena);
	xfree(w->recv);
	deflate_free(w->deflate);
	msg_unref(w->pong);
	msg_unref(w->ping);
	msg_unref(w->published);
	slab_fini(&w->conns);
	outbox_fini(&w->to_hub);
}
