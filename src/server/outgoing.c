#include "server/outgoing.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/net.h"
#include "io/unlucky.h"
#include "server/activity.h"
#include "server/conn.h"
#include "server/worker.h"

/* Sets up to this size are copied side by side, larger ones go out as spans: past it the copy
 * costs more than it saves. */
#define JOIN_BYTES_MAX ((size_t)64 * 1024)
/* Then one of the other line is next. */
#define URGENT_IN_ROW_MAX 3

struct out_item {
	struct msg *msg;
	bool is_answer;
};

/* A connection that the kernel took only a part from: what is left, oldest first, in a ring. It may
 * be nothing: then TLS has bytes that the kernel did not take.
 * Answers are not in the budget: while there is a queue nothing is read that would be answered. */
struct out_queue {
	struct out_item *ring;
	uint32_t first, n, cap; /* cap is a power of two */
	size_t offset;		/* of the oldest: bytes that are gone already */
	uint32_t n_events;	/* that are no answers */
	size_t event_bytes;
};

struct out_held {
	struct out_held *next;
	struct msg *msg;
	struct latency *latency;
};

void out_init(struct outgoing *o, const struct loop *l, size_t bytes_full)
{
	*o = (struct outgoing){ .loop = l,
				.bytes_full = bytes_full,
				.scratch = xalloc(JOIN_BYTES_MAX) };
	list_init(&o->urgent);
	list_init(&o->dirty);
	arena_init(&o->sets, (size_t)256 * 1024);
}

/* *now_ns: the time, once somebody wanted to know it. */
static void let_go(const struct outgoing *o, const struct out_held *h, uint64_t *now_ns)
{
	if (h->latency) {
		if (*now_ns == 0)
			*now_ns = loop_now_ns(o->loop);
		latency_add(h->latency, *now_ns - h->msg->born_ns);
	}
	msg_unref(h->msg);
}

static void forget_turn(struct outgoing *o)
{
	uint64_t now_ns = 0;

	for (const struct out_held *h = o->held; h; h = h->next)
		let_go(o, h, &now_ns);
	o->held = NULL;
	o->bytes = 0;
	o->root = (struct out_set){ 0 };
	arena_reset(&o->sets);
}

void out_fini(struct outgoing *o)
{
	ASSERT(out_is_clean(o));
	forget_turn(o);
	arena_fini(&o->sets);
	xfree(o->scratch);
}

void out_hold(struct outgoing *o, struct msg *m)
{
	struct out_held *h = arena_alloc(&o->sets, sizeof *h);

	*h = (struct out_held){ .next = o->held, .msg = m };
	o->held = h;
	o->bytes += sizeof *m + m->len;
}

void out_time_held(struct outgoing *o, struct latency *latency)
{
	o->held->latency = latency;
}

/* Queue */

static void queue_push(struct out_queue *q, struct out_item item)
{
	if (q->n == q->cap) {
		uint32_t cap = q->cap ? q->cap * 2 : 8;
		struct out_item *ring = xalloc(cap * sizeof *ring);

		for (uint32_t i = 0; i < q->n; i++)
			ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
		xfree(q->ring);
		q->ring = ring;
		q->first = 0;
		q->cap = cap;
	}
	q->ring[(q->first + q->n++) & (q->cap - 1)] = item;
	msg_ref(item.msg);
	q->n_events += !item.is_answer;
	q->event_bytes += item.is_answer ? 0 : item.msg->len;
}

static struct msg *queue_at(const struct out_queue *q, uint32_t i)
{
	return q->ring[(q->first + i) & (q->cap - 1)].msg;
}

/* The item at i, which is the first or the last, is no longer in the queue. */
static void queue_forget(struct out_queue *q, uint32_t i)
{
	struct out_item item = q->ring[(q->first + i) & (q->cap - 1)];

	q->n--;
	q->n_events -= !item.is_answer;
	q->event_bytes -= item.is_answer ? 0 : item.msg->len;
	msg_unref(item.msg);
}

static void queue_drop(struct out_queue *q, size_t n)
{
	q->offset += n;
	while (q->n > 0 && q->offset >= queue_at(q, 0)->len) {
		q->offset -= queue_at(q, 0)->len;
		queue_forget(q, 0);
		q->first = (q->first + 1) & (q->cap - 1);
	}
}

/* Forgets all messages but one that has begun. */
static void queue_cut(struct out_queue *q)
{
	while (q->n > (q->offset > 0))
		queue_forget(q, q->n - 1);
}

static void queue_free(struct out_queue *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		msg_unref(queue_at(q, i));
	xfree(q->ring);
	xfree(q);
}

static bool has_room(const struct out_queue *q, uint32_t n, size_t bytes,
		     const struct server_options *o)
{
	return q->n_events + n <= o->queue_messages_max &&
	       q->event_bytes + bytes <= o->queue_bytes_max;
}

/* Beyond the budget the newest event is refused; with disconnect_on_buffer_full the connection
 * is closed at the next write, and gets nothing that came after the one that it misses. */
static void queue_offer(struct conn *c, struct out_item item)
{
	const struct server_options *o = c->worker->options;

	if (c->is_overflowed)
		return;
	if (item.is_answer || has_room(c->blocked, 1, item.msg->len, o)) {
		queue_push(c->blocked, item);
	} else if (o->disconnect_on_buffer_full) {
		c->is_overflowed = true;
		out_touch(&c->worker->out, c);
	}
}

/* Marking */

static void make_dirty(struct outgoing *o, struct conn *c, bool urgent)
{
	if (__builtin_expect(urgent, 0) && !c->is_urgent) {
		list_remove(&c->dirty);
		list_push_back(&o->urgent, &c->dirty);
		c->is_urgent = true;
	} else if (list_is_empty(&c->dirty)) {
		list_push_back(&o->dirty, &c->dirty);
	}
}

void out_touch(struct outgoing *o, struct conn *c)
{
	make_dirty(o, c, false);
}

static struct out_set *set_with(struct outgoing *o, struct out_set *set, struct msg *m,
				bool is_answer)
{
	struct out_set *child = set->child;

	if (__builtin_expect(child && child->msg == m && child->is_answer == is_answer, 1) &&
	    !loop_is_unlucky(o->loop, UNLUCKY_SET_ALONE))
		return child;
	child = arena_alloc(&o->sets, sizeof *child);
	*child = (struct out_set){ .parent = set,
				   .msg = m,
				   .is_answer = is_answer,
				   .n = set->n + 1,
				   .bytes = set->bytes + m->len };
	set->child = child;
	o->bytes += sizeof *child;
	return child;
}

void out_mark(struct outgoing *o, struct conn *c, struct msg *m, bool is_answer)
{
	struct out_set *set = c->pending ? c->pending : &o->root;

	if (__builtin_expect(c->blocked != NULL, 0)) {
		queue_offer(c, (struct out_item){ m, is_answer });
		return;
	}
	set->n_conns--; /* the root's count wraps and means nothing */
	set = set_with(o, set, m, is_answer);
	set->n_conns++;
	c->pending = set;
	make_dirty(o, c, is_answer);
}

bool out_has_pending(const struct conn *c)
{
	return c->pending || c->blocked;
}

static void forget_pending(struct conn *c)
{
	if (c->pending)
		c->pending->n_conns--;
	c->pending = NULL;
}

void out_replace(struct conn *c, struct msg *m)
{
	struct outgoing *o = &c->worker->out;

	forget_pending(c);
	if (c->blocked) {
		queue_cut(c->blocked);
		queue_push(c->blocked, (struct out_item){ m, true });
		msg_unref(m);
	} else {
		out_hold(o, m);
		out_mark(o, c, m, true);
	}
}

/* Writing */

static void join_path(const struct out_set *set, char *to)
{
	for (size_t end = set->bytes; set->parent; set = set->parent) {
		end -= set->msg->len;
		memcpy(to + end, set->msg->bytes, set->msg->len);
	}
}

/* One span for all of the set, shared with whoever else has it pending. n_conns no longer counts
 * the asker. */
static struct net_span joined_span(struct outgoing *o, struct out_set *set)
{
	if (set->n == 1)
		return (struct net_span){ set->msg->bytes, set->bytes };
	if (!set->joined && set->n_conns > 0 && !loop_is_unlucky(o->loop, UNLUCKY_JOIN_ALONE)) {
		set->joined = arena_alloc(&o->sets, set->bytes);
		join_path(set, set->joined);
		o->bytes += set->bytes;
	}
	if (set->joined)
		return (struct net_span){ set->joined, set->bytes };
	join_path(set, o->scratch);
	return (struct net_span){ o->scratch, set->bytes };
}

/* What is left of the set after sent bytes becomes c's queue. */
static void queue_rest(struct conn *c, const struct out_set *set, size_t sent)
{
	struct out_queue *q = xnew(struct out_queue);
	struct out_item *path = xalloc(set->n * sizeof *path);
	uint32_t n = set->n;

	for (uint32_t i = n; i-- > 0; set = set->parent)
		path[i] = (struct out_item){ set->msg, set->is_answer };
	for (uint32_t i = 0; i < n; i++) {
		if (q->n == 0 && sent >= path[i].msg->len)
			sent -= path[i].msg->len;
		else
			queue_push(q, path[i]);
	}
	xfree(path);
	queue_drop(q, sent);
	c->blocked = q;
}

static unsigned queue_spans(const struct out_queue *q, struct net_span spans[NET_SPANS_MAX])
{
	unsigned n = q->n < NET_SPANS_MAX ? q->n : NET_SPANS_MAX;

	for (unsigned i = 0; i < n; i++) {
		const struct msg *m = queue_at(q, i);
		size_t skip = i == 0 ? q->offset : 0;

		spans[i] = (struct net_span){ m->bytes + skip, m->len - skip };
	}
	return n;
}

/* OK: the queue is written and gone. ERR_AGAIN: some is left. Else the peer is gone. */
static err queue_write(struct conn *c)
{
	struct out_queue *q = c->blocked;
	struct net_span spans[NET_SPANS_MAX];
	err e;

	while (q->n > 0) {
		size_t sent = 0;

		e = net_send(c->worker->loop, &c->file, spans, queue_spans(q, spans), &sent);

		if (e != OK)
			return e;
		queue_drop(q, sent);
	}
	e = net_flush(c->worker->loop, &c->file);
	if (e == ERR_AGAIN)
		return e;
	queue_free(q);
	c->blocked = NULL;
	return e;
}

static void check_budget(struct conn *c)
{
	const struct server_options *o = c->worker->options;

	if (o->disconnect_on_buffer_full && !has_room(c->blocked, 0, 0, o)) {
		c->is_overflowed = true;
		out_touch(&c->worker->out, c);
	}
}

/* OK: everything is with the kernel. ERR_AGAIN: c has a queue now. Else the peer is gone. */
static err send_set(struct outgoing *o, struct conn *c, struct out_set *set)
{
	bool is_small = (set->n == 1 || set->bytes <= JOIN_BYTES_MAX) &&
			!loop_is_unlucky(o->loop, UNLUCKY_SET_LARGE);
	size_t sent = 0;
	err e = OK;

	if (is_small) {
		struct net_span span = joined_span(o, set);

		e = net_send(c->worker->loop, &c->file, &span, 1, &sent);
	}
	if (e == OK)
		e = sent < set->bytes ? ERR_AGAIN : net_flush(c->worker->loop, &c->file);
	if (e != ERR_AGAIN)
		return e;
	queue_rest(c, set, sent);
	if (!is_small)
		e = queue_write(c);
	if (!c->blocked || (e != OK && e != ERR_AGAIN))
		return e;
	check_budget(c);
	conn_update_watch(c);
	return ERR_AGAIN;
}

static void visit(struct outgoing *o, struct conn *c)
{
	struct out_set *set = c->pending;
	err e = c->blocked ? ERR_AGAIN : OK;

	if (c->is_overflowed) {
		c->is_overflowed = false;
		conn_overflow(c);
		return;
	}
	c->pending = NULL;
	if (set) {
		set->n_conns--;
		e = send_set(o, c, set);
	}
	if (e == OK)
		conn_written(c);
	else if (e != ERR_AGAIN)
		conn_end(c);
}

/* Who is answered asks again: the others have their turn all the same. */
static bool urgent_go_first(struct outgoing *o)
{
	if (list_is_empty(&o->dirty) || o->n_urgent_in_row < URGENT_IN_ROW_MAX) {
		o->n_urgent_in_row++;
		return true;
	}
	o->n_urgent_in_row = 0;
	return false;
}

/* The next one, or NULL. */
static struct conn *take_dirty(struct outgoing *o)
{
	bool is_urgent = __builtin_expect(!list_is_empty(&o->urgent), 0) && urgent_go_first(o);
	struct list *l = list_pop_front(is_urgent ? &o->urgent : &o->dirty);
	struct conn *c = l ? container_of(l, struct conn, dirty) : NULL;

	if (is_urgent)
		c->is_urgent = false;
	return c;
}

bool out_write(struct outgoing *o, unsigned n_conns)
{
	struct conn *c;

	for (; n_conns > 0 && (c = take_dirty(o)); n_conns--)
		visit(o, c);
	if (!out_is_clean(o))
		return true;
	forget_turn(o);
	return false;
}

void out_resume(struct conn *c)
{
	err e = c->blocked ? queue_write(c) : OK;

	if (e == OK)
		conn_written(c);
	else if (e != ERR_AGAIN)
		conn_end(c);
}

void out_discard(struct conn *c)
{
	forget_pending(c);
	list_remove(&c->dirty);
	if (c->blocked)
		queue_free(c->blocked);
	c->blocked = NULL;
}
