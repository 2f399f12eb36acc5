/* verdict.c: the judgement at the end of a round.
 *
 * Four questions: has everybody what is due to him; is what he heard one piece of the one order;
 * does what was sent together stand together; and do all agree with the model about who is there. */
#include "verdict.h"

#include <stdio.h>

static void print_heard(struct oracle *o, const struct sub *s)
{
	static const char *const STATES[] = { "is on", "left", "was lost" };

	trace_failing(o->trace);
	printf("# %s (connection %u, user %d) %s, roster %#x, heard:", s->who, s->connection,
	       s->user, STATES[s->state], s->roster);
	for (size_t i = 0; i < s->n; i++) {
		const struct heard *h = &s->heard[i];

		if (h->kind == HEARD_EVENT)
			printf(" %u", h->event->id);
		else
			printf(" %c%d", h->kind == HEARD_ADDED ? '+' : '-', h->user);
	}
	printf("\n");
}

static bool is_same(const struct heard *a, const struct heard *b)
{
	return a->kind == b->kind && a->user == b->user && a->event == b->event;
}

static bool has_seen(const struct oracle *o, const struct sub *s, const struct event *e)
{
	uint32_t i = e->id - o->first_id;

	return s->seen[i / 64] & UINT64_C(1) << i % 64;
}

/* It came right behind an acknowledgement, when the channel's last event may have been missing there: so
 * it is that, or one like any other. */
static bool may_have_heard(const struct oracle *o, const struct sub *s, const struct event *e)
{
	uint32_t i = e->id - o->first_id;

	return !has_seen(o, s, e) && s->followed[i / 64] & UINT64_C(1) << i % 64;
}

/* Is it missing in what s heard, or may it be, without anything being wrong? */
static bool is_excused(const struct oracle *o, const struct heard *h, const struct sub *s)
{
	return h->kind == HEARD_EVENT &&
	       (h->event->excluded == s->connection || may_have_heard(o, s, h->event));
}

/* Dues */

static bool is_due(const struct oracle *o, const struct sub *s, const struct event *e)
{
	if (!e->is_taken || e->excluded == s->connection || e->sent_at < s->joined_at)
		return false;
	if (s->state == SUB_ON)
		return true;
	return s->state == SUB_LEFT && !o->leaves_early && e->accepted_at &&
	       e->accepted_at < s->left_at;
}

static void check_dues(struct oracle *o, const struct sub *s)
{
	for (unsigned i = 0; i < o->n_events; i++) {
		const struct event *e = &o->events[i];

		for (unsigned k = 0; k < e->n_topics; k++) {
			if (e->topics[k] != s->topic || !is_due(o, s, e) || has_seen(o, s, e))
				continue;
			print_heard(o, s);
			trace_fail(o->trace, "%s: on %s event %u never came", s->who,
				   s->topic->name, e->id);
		}
	}
}

/* Pieces of the witness's order */

static uint32_t members_after(uint32_t members, const struct heard *h)
{
	if (h->kind == HEARD_ADDED)
		return members | 1u << h->user;
	if (h->kind == HEARD_REMOVED)
		return members & ~(1u << h->user);
	return members;
}

/* Is what s heard the witness's order from place i on, as far as it has to be? */
static bool is_piece_from(const struct oracle *o, const struct sub *w, const struct sub *s,
			  size_t i)
{
	size_t n = 0;

	for (; i < w->n && (n < s->n || s->state == SUB_ON); i++) {
		if (is_excused(o, &w->heard[i], s))
			continue;
		if (n == s->n || !is_same(&w->heard[i], &s->heard[n]))
			return false;
		n++;
	}
	return n == s->n;
}

/* Does what followed s's acknowledgement fit one who joined when cached was the channel's last event
 * of this round (NULL: there was none)? */
static bool fits_follow(const struct oracle *o, const struct sub *s, const struct event *cached)
{
	if (o->may_lack_memory || s->follow == FOLLOW_NONE || s->topic->last == LAST_IS_UNKNOWN)
		return true;
	if (cached)
		return s->follow == FOLLOW_EVENT && s->cached == cached;
	return s->follow == (s->topic->last == LAST_IS_KNOWN ? FOLLOW_OLD : FOLLOW_MISS);
}

static const struct event *cached_after(const struct event *cached, const struct heard *h)
{
	return h->kind == HEARD_EVENT && !h->event->is_client_event ? h->event : cached;
}

static bool is_piece(const struct oracle *o, const struct sub *w, const struct sub *s)
{
	const struct event *cached = NULL;
	uint32_t members = w->roster;

	for (size_t i = 0; i <= w->n; i++) {
		bool fits =
			(members == s->roster || o->may_lack_memory) && fits_follow(o, s, cached);

		if (i >= s->known_at_ask && fits && is_piece_from(o, w, s, i))
			return true;
		if (s->joined_at == 0)
			return false; /* it was there from the beginning */
		if (i < w->n) {
			members = members_after(members, &w->heard[i]);
			cached = cached_after(cached, &w->heard[i]);
		}
	}
	return false;
}

/* The event before or after e of the same request on the topic, or NULL. */
static const struct event *neighbour(const struct oracle *o, const struct event *e,
				     const struct topic *t, int step)
{
	const struct event *end = step > 0 ? &o->events[o->n_events] : &o->events[-1];

	while ((e += step) != end && e->batch == (e - step)->batch)
		for (unsigned k = 0; k < e->n_topics; k++)
			if (e->topics[k] == t)
				return e;
	return NULL;
}

/* Events of one request come together and side by side. */
static void check_batches(struct oracle *o, const struct sub *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct event *e = w->heard[i].event;
		const struct event *before, *after;

		if (!e)
			continue;
		before = neighbour(o, e, w->topic, -1);
		after = neighbour(o, e, w->topic, 1);
		if ((!before || (i > 0 && w->heard[i - 1].event == before)) &&
		    (!after || (i + 1 < w->n && w->heard[i + 1].event == after)))
			continue;
		print_heard(o, w);
		trace_fail(o->trace, "on %s event %u came without the others of its request",
			   w->topic->name, e->id);
	}
}

static void check_against(struct oracle *o, const struct sub *w, const struct sub *s)
{
	if (is_piece(o, w, s))
		return;
	print_heard(o, w);
	print_heard(o, s);
	trace_fail(o->trace, "%s: on %s it did not hear a piece of the channel's order", s->who,
		   s->topic->name);
}

/* Without a witness */

/* The place of what both heard first, counted in a; SIZE_MAX: nothing. */
static size_t find_common(const struct oracle *o, const struct sub *a, const struct sub *b,
			  size_t *in_b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct event *e = a->heard[i].event;

		if (!e || !has_seen(o, b, e))
			continue;
		for (*in_b = 0; b->heard[*in_b].event != e; ++*in_b)
			continue;
		return i;
	}
	return SIZE_MAX;
}

/* From a common event on (or back from it) both heard the same, until one had not come or had gone. */
static bool agree(const struct oracle *o, const struct sub *a, size_t i, const struct sub *b,
		  size_t k, int step)
{
	for (;;) {
		while (i < a->n && is_excused(o, &a->heard[i], b))
			i += (size_t)step;
		while (k < b->n && is_excused(o, &b->heard[k], a))
			k += (size_t)step;
		if (i >= a->n || k >= b->n) /* a step back from 0 is large */
			return true;
		if (!is_same(&a->heard[i], &b->heard[k]))
			return false;
		i += (size_t)step;
		k += (size_t)step;
	}
}

static void check_pair(struct oracle *o, const struct sub *a, const struct sub *b)
{
	size_t k, i = find_common(o, a, b, &k);

	if (i == SIZE_MAX || (agree(o, a, i, b, k, 1) && agree(o, a, i, b, k, -1)))
		return;
	print_heard(o, a);
	print_heard(o, b);
	trace_fail(o->trace, "%s and %s: on %s they did not hear the same", a->who, b->who,
		   a->topic->name);
}

/* Order alone, where events may be missing. */
static void check_order(struct oracle *o, const struct sub *a, const struct sub *b)
{
	size_t at = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct event *e = a->heard[i].event;
		size_t k = 0;

		if (!e || !has_seen(o, b, e))
			continue;
		while (b->heard[k].event != e)
			k++;
		if (k < at) {
			print_heard(o, a);
			print_heard(o, b);
			trace_fail(o->trace, "%s and %s: on %s event %u at different places",
				   a->who, b->who, a->topic->name, e->id);
		}
		at = k;
	}
}

/* Presence */

static void check_members(struct oracle *o, const struct topic *t)
{
	uint32_t members = oracle_members(t);

	for (const struct sub *s = t->subs; s; s = s->next) {
		if (s->state != SUB_ON || s->members == members)
			continue;
		print_heard(o, s);
		trace_fail(o->trace, "%s: on %s it has heard of the members %#x, there are %#x",
			   s->who, t->name, s->members, members);
	}
}

static const struct sub *find_witness(const struct topic *t)
{
	const struct sub *s = t->subs;

	while (s && !(s->is_witness && s->state == SUB_ON && s->joined_at == 0))
		s = s->next;
	return s;
}

void verdict(struct oracle *o, const struct topic *t)
{
	const struct sub *w = find_witness(t);

	if (t->is_presence && !o->may_lack_memory && !o->may_drop)
		check_members(o, t);
	for (const struct sub *s = t->subs; s; s = s->next) {
		if (!o->may_drop && !o->may_lack_memory)
			check_dues(o, s);
		if (w && s != w && !o->may_drop)
			check_against(o, w, s);
		for (const struct sub *b = s->next; b && !w; b = b->next) {
			if (o->may_drop)
				check_order(o, s, b);
			else
				check_pair(o, s, b);
		}
	}
	if (w && !o->may_drop && !o->may_lack_memory)
		check_batches(o, w);
}

static bool was_sent_to(const struct oracle *o, const struct topic *t)
{
	for (unsigned i = 0; i < o->n_events; i++) {
		const struct event *e = &o->events[i];

		for (unsigned k = 0; k < e->n_topics; k++)
			if (e->topics[k] == t && !e->is_void && !e->is_client_event)
				return true;
	}
	return false;
}

void verdict_last(const struct oracle *o, struct topic *t)
{
	const struct sub *w = find_witness(t);
	const struct event *last = NULL;

	if (!t->is_cache || !was_sent_to(o, t))
		return;
	if (!w || o->may_drop || o->may_lack_memory) {
		t->last = LAST_IS_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < w->n; i++)
		last = cached_after(last, &w->heard[i]);
	if (last) {
		t->last = LAST_IS_KNOWN;
		t->last_id = last->id;
	}
}
