#include "keyed.h"

#include "publisher.h"

/* Without memory a key may be forgotten. */
static bool may_have_key(const struct world *w, unsigned app, const struct request *expected)
{
	return w->plan.remembers && !w->plan.fails_memory && app == APP_MAIN &&
	       expected->status == 200;
}

static str put_header(struct world *w, uint32_t number)
{
	struct buf b;
	str text;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "k%u", number);
	text = arena_copy(&w->oracle.arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static void put_member(struct buf *body, uint32_t number)
{
	body->len--; /* the brace */
	buf_printf(body, ",\"idempotency_key\":\"k%u\"}", number);
}

const struct keyed *keyed_draw(struct world *w, unsigned app, const char *path, struct buf *body,
			       const struct request *expected)
{
	struct arena *a = &w->oracle.arena;
	/* That of a whole batch has no place in the body. */
	bool is_header = str_eq(str_from_cstr(path), S("/batch_events")) || chance(w, 30);
	struct keyed *k;

	if (!may_have_key(w, app, expected) || !chance(w, 30))
		return NULL;
	k = arena_alloc(a, sizeof(*k));
	*k = (struct keyed){ .app = app,
			     .path = path,
			     .answer = arena_copy(a, expected->body),
			     .first_event = expected->first_event,
			     .n_events = expected->n_events };
	if (is_header)
		k->header = put_header(w, k->first_event);
	else
		put_member(body, k->first_event);
	k->body = arena_copy(a, buf_str(body));
	return k;
}

void keyed_lost(struct node *n, const struct keyed *k)
{
	struct keyed_publishes *all = &n->keyed;

	if (k)
		all->lost[all->n_lost++ % KEYED_LOST_MAX] = k;
}

bool keyed_repeat_answered(struct publisher *p)
{
	const struct keyed *k = p->node->keyed.answered;

	if (k)
		publisher_repeat(p, k);
	return k;
}

/* To choose one of them: see world_rank. */
struct choice {
	uint64_t salt, highest;
	const struct keyed *found;
};

static void consider(struct choice *c, const struct keyed *k)
{
	uint64_t rank = k ? world_rank(c->salt, k->first_event) : 0;

	if (!k || rank < c->highest)
		return;
	c->found = k;
	c->highest = rank;
}

static void consider_those_under_way(struct choice *c, const struct publisher *p)
{
	for (unsigned i = 0; i < p->n; i++)
		consider(c, p->requests[(p->first + i) % REQUESTS_MAX].keyed);
}

bool keyed_repeat_unanswered(struct publisher *p)
{
	struct world *w = p->world;
	struct choice c = { .salt = pick(w, UINT64_MAX) };

	for (unsigned i = 0; i < KEYED_LOST_MAX; i++)
		consider(&c, p->node->keyed.lost[i]);
	for (unsigned i = 0; i < w->plan.n_publishers; i++)
		if (w->publishers[i]->node == p->node)
			consider_those_under_way(&c, w->publishers[i]);
	if (c.found)
		publisher_repeat(p, c.found);
	return c.found;
}
