#include "server/outgoing.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/net.h"
#include "server/conn.h"
#include "server/worker.h"

/* Sets up to this size are copied side by side, larger ones go out as spans: past it the copy costs more than it saves. */
#define JOIN_BYTES_MAX ((size_t)64 * 1024)

/* A connection that the kernel took only a part from: what is left, oldest first, in a ring. */
struct out_queue {
	struct msg **ring;
	uint32_t first, n, cap; /* cap is a power of two */
	size_t offset;		/* of the oldest: bytes that are gone already */
	size_t bytes;		/* still to go */
};

void out_init(struct outgoing *o)
{
	*o = (struct outgoing){ .scratch = NULL };
	list_init(&o->dirty);
	arena_init(&o->sets, (size_t)256 * 1024);
}

static void forget_turn(struct outgoing *o)
{
	for (size_t i = 0; i < o->n_held; i++)
		msg_unref(o->held[i]);
	o->n_held = 0;
	o->bytes = 0;
	o->root = (struct out_set){ 0 };
	arena_reset(&o->sets);
}

void out_fini(struct outgoing *o)
{
	ASSERT(out_is_clean(o));
	forget_turn(o);
	arena_fini(&o->sets);
	xfree(o->held);
	xfree(o->scratch);
}

void out_hold(struct outgoing *o, struct msg *m)
{
	if (o->n_held == o->cap_held) {
		o->cap_held = o->cap_held ? o->cap_held * 2 : 64;
		o->held = xrealloc(o->held, o->cap_held * sizeof *o->held);
	}
	o->held[o->n_held++] = m;
	o->bytes += sizeof *m + m->len;
}

/* Queue */

static void queue_push(struct out_queue *q, struct msg *m)
{
	if (q->n == q->cap) {
		uint32_t cap = q->cap ? q->cap * 2 : 8;
		struct msg **ring = xalloc(cap * sizeof *ring);

		for (uint32_t i = 0; i < q->n; i++)
			ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
		xfree(q->ring);
		q->ring = ring;
		q->first = 0;
		q->cap = cap;
	}
	q->ring[(q->first + q->n++) & (q->cap - 1)] = msg_ref(m);
	q->bytes += m->len;
}

static struct msg *queue_at(const struct out_queue *q, uint32_t i)
{
	return q->ring[(q->first + i) & (q->cap - 1)];
}

static void queue_drop(struct out_queue *q, size_t n)
{
	q->bytes -= n;
	q->offset += n;
	while (q->n > 0 && q->offset >= queue_at(q, 0)->len) {
		q->offset -= queue_at(q, 0)->len;
		msg_unref(queue_at(q, 0));
		q->first = (q->first + 1) & (q->cap - 1);
		q->n--;
	}
}

static void queue_free(struct out_queue *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		msg_unref(queue_at(q, i));
	xfree(q->ring);
	xfree(q);
}

/* Beyond the budget the newest message is refused; with disconnect_on_buffer_full the connection is ended at the next write. */
static void queue_offer(struct conn *c, struct msg *m)
{
	struct out_queue *q = c->blocked;
	const struct server_options *o = c->worker->options;

	if (q->n < o->queue_messages_max && q->bytes + m->len <= o->queue_bytes_max) {
		queue_push(q, m);
	} else if (o->disconnect_on_buffer_full) {
		c->is_overflowed = true;
		out_touch(&c->worker->out, c);
	}
}

/* Marking */

static void make_dirty(struct outgoing *o, struct conn *c, bool urgent)
{
	if (urgent) {
		list_remove(&c->dirty);
		list_push_back(o->dirty.next, &c->dirty); /* before the first */
	} else if (list_is_empty(&c->dirty)) {
		list_push_back(&o->dirty, &c->dirty);
	}
}

void out_touch(struct outgoing *o, struct conn *c)
{
	make_dirty(o, c, false);
}

static struct out_set *set_with(struct outgoing *o, struct out_set *set, struct msg *m)
{
	struct out_set *child = set->child;

	if (__builtin_expect(child && child->msg == m, 1))
		return child;
	child = arena_alloc(&o->sets, sizeof *child);
	*child = (struct out_set){ .parent = set, .msg = m, .n = set->n + 1, .bytes = set->bytes + m->len };
	set->child = child;
	o->bytes += sizeof *child;
	return child;
}

void out_mark(struct outgoing *o, struct conn *c, struct msg *m, bool urgent)
{
	struct out_set *set = c->pending ? c->pending : &o->root;

	if (__builtin_expect(c->blocked != NULL, 0)) {
		queue_offer(c, m);
		return;
	}
	set->n_conns--; /* the root's count wraps and means nothing */
	set = set_with(o, set, m);
	set->n_conns++;
	c->pending = set;
	make_dirty(o, c, urgent);
}

bool out_has_pending(const struct conn *c)
{
	return c->pending || c->blocked;
}

bool out_is_mid_message(const struct conn *c)
{
	return c->blocked && c->blocked->offset > 0;
}

/* Writing */

static void join_path(const struct out_set *set, char *to)
{
	for (size_t end = set->bytes; set->parent; set = set->parent) {
		end -= set->msg->len;
		memcpy(to + end, set->msg->bytes, set->msg->len);
	}
}

/* One span for all of the set, shared with whoever else has it pending. n_conns no longer counts the asker. */
static struct net_span joined_span(struct outgoing *o, struct out_set *set)
{
	if (set->n == 1)
		return (struct net_span){ set->msg->bytes, set->bytes };
	if (!set->joined && set->n_conns > 0) {
		set->joined = arena_alloc(&o->sets, set->bytes);
		join_path(set, set->joined);
		o->bytes += set->bytes;
	}
	if (set->joined)
		return (struct net_span){ set->joined, set->bytes };
	if (!o->scratch)
		o->scratch = xalloc(JOIN_BYTES_MAX);
	join_path(set, o->scratch);
	return (struct net_span){ o->scratch, set->bytes };
}

/* What is left of the set after sent bytes becomes c's queue. */
static void queue_rest(struct conn *c, const struct out_set *set, size_t sent)
{
	struct out_queue *q = xnew(struct out_queue);
	struct msg **path = xalloc(set->n * sizeof(struct msg *));
	uint32_t n = set->n;

	for (uint32_t i = n; i-- > 0; set = set->parent)
		path[i] = set->msg;
	for (uint32_t i = 0; i < n; i++) {
		if (q->n == 0 && sent >= path[i]->len)
			sent -= path[i]->len;
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

	while (q->n > 0) {
		size_t sent = 0;
		err e = net_send(c->worker->loop, &c->file, spans, queue_spans(q, spans), &sent);

		if (e != OK)
			return e;
		queue_drop(q, sent);
	}
	queue_free(q);
	c->blocked = NULL;
	return OK;
}

static void check_budget(struct conn *c)
{
	const struct server_options *o = c->worker->options;
	const struct out_queue *q = c->blocked;

	if (o->disconnect_on_buffer_full && (q->n > o->queue_messages_max || q->bytes > o->queue_bytes_max)) {
		c->is_overflowed = true;
		out_touch(&c->worker->out, c);
	}
}

/* OK: everything is with the kernel. ERR_AGAIN: c has a queue now. Else the peer is gone. */
static err send_set(struct outgoing *o, struct conn *c, struct out_set *set)
{
	bool is_small = set->n == 1 || set->bytes <= JOIN_BYTES_MAX;
	size_t sent = 0;
	err e = OK;

	if (is_small) {
		struct net_span span = joined_span(o, set);

		e = net_send(c->worker->loop, &c->file, &span, 1, &sent);
	}
	if (sent == set->bytes || (e != OK && e != ERR_AGAIN))
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

bool out_write(struct outgoing *o, unsigned n_conns)
{
	for (unsigned i = 0; i < n_conns && !out_is_clean(o); i++) {
		struct list *l = list_pop_front(&o->dirty);

		visit(o, container_of(l, struct conn, dirty));
	}
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
	if (c->pending)
		c->pending->n_conns--;
	c->pending = NULL;
	list_remove(&c->dirty);
	if (c->blocked)
		queue_free(c->blocked);
	c->blocked = NULL;
}
