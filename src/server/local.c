#include "server/local.h"

#include "base/check.h"
#include "base/mem.h"
#include "server/conn.h"
#include "server/worker.h"

static str local_key(const void *local)
{
	return local_name(local);
}

struct local_app *local_app_new(const struct app *app, const struct hash_key *key,
				struct activity *activity)
{
	struct local_app *l = xnew(struct local_app);

	map_init(&l->channels, local_key);
	l->app = app;
	l->hash_key = key;
	l->activity = activity;
	return l;
}

void local_app_free(struct local_app *l)
{
	ASSERT(l->channels.n == 0);
	ASSERT(l->n_conns == 0);
	map_fini(&l->channels);
	xfree(l);
}

void local_app_forget(struct local_app *l)
{
	l->is_forgotten = true;
	l->app = NULL;
	if (l->n_conns == 0)
		local_app_free(l);
}

void local_app_left(struct local_app *l)
{
	if (--l->n_conns == 0 && l->is_forgotten)
		local_app_free(l);
}

struct local_channel *local_find(struct local_app *l, str name)
{
	return map_find(&l->channels, hash_str(l->hash_key, name), name);
}

struct local_channel *local_get(struct local_app *l, str name, uint32_t traits)
{
	uint64_t hash = hash_str(l->hash_key, name);
	struct local_channel *ch = map_find(&l->channels, hash, name);

	if (ch)
		return ch;
	ch = try_alloc(sizeof *ch + name.n);
	if (!ch)
		return NULL;
	*ch = (struct local_channel){ .owner = l, .traits = traits, .name_len = (uint32_t)name.n };
	memcpy(ch->name, name.p, name.n);
	map_put(&l->channels, hash, ch);
	return ch;
}

static void free_if_unused(struct local_channel *ch)
{
	if (ch->n > 0 || ch->n_asked > 0 || ch->channel)
		return;
	map_remove(&ch->owner->channels, hash_str(ch->owner->hash_key, local_name(ch)), ch);
	xfree(ch->entries);
	xfree(ch);
}

void local_release(struct local_channel *ch)
{
	ch->channel = NULL;
	free_if_unused(ch);
}

void local_refuse(struct local_channel *ch)
{
	free_if_unused(ch);
}

static uint32_t entry_push(struct local_channel *ch, struct conn *c, uint32_t slot)
{
	if (ch->n == ch->cap) {
		ch->cap = ch->cap ? ch->cap * 2 : 1;
		ch->entries = xrealloc(ch->entries, ch->cap * sizeof *ch->entries);
	}
	ch->entries[ch->n] =
		(struct local_entry){ .conn = c, .slot = slot, .compression = c->compression };
	return ch->n++;
}

/* The last entry moves into the hole; its subscription is told. */
static void entry_remove(struct local_channel *ch, uint32_t index)
{
	struct local_entry last = ch->entries[--ch->n];

	if (index < ch->n) {
		ch->entries[index] = last;
		subs_at(&last.conn->subs)[last.slot].index = index;
	}
	if (ch->n < ch->cap / 4) {
		ch->cap /= 2;
		ch->entries = xrealloc(ch->entries, ch->cap * sizeof *ch->entries);
	}
}

void subs_init(struct subs *s)
{
	s->n = 0;
	s->cap = 1;
}

/* Walks the shorter of the two sides: a connection may have thousands of channels, a channel
 * thousands of connections. */
struct sub *subs_find(struct conn *c, const struct local_channel *ch)
{
	struct sub *subs = subs_at(&c->subs);

	if (ch->n < c->subs.n) {
		for (uint32_t i = 0; i < ch->n; i++)
			if (ch->entries[i].conn == c)
				return &subs[ch->entries[i].slot];
		return NULL;
	}
	for (uint32_t i = 0; i < c->subs.n; i++)
		if (subs[i].local == ch)
			return &subs[i];
	return NULL;
}

static void subs_grow(struct subs *s)
{
	uint32_t cap = s->cap * 4;

	if (s->cap == 1) {
		struct sub *many = xalloc(cap * sizeof *many);

		many[0] = s->one;
		s->many = many;
	} else {
		s->many = xrealloc(s->many, cap * sizeof *s->many);
	}
	s->cap = cap;
}

void subs_join(struct conn *c, struct local_channel *ch, struct membership *m)
{
	struct subs *s = &c->subs;

	if (s->n == s->cap)
		subs_grow(s);
	subs_at(s)[s->n] =
		(struct sub){ .local = ch, .membership = m, .index = entry_push(ch, c, s->n) };
	s->n++;
	c->worker->n_subs++;
}

void subs_leave(struct conn *c, struct sub *sub)
{
	struct subs *s = &c->subs;
	struct sub *last = &subs_at(s)[s->n - 1];

	c->worker->n_subs--;
	entry_remove(sub->local, sub->index);
	if (sub != last) {
		*sub = *last;
		sub->local->entries[sub->index].slot = (uint32_t)(sub - subs_at(s));
	}
	if (--s->n == 0 && s->cap > 1) {
		xfree(s->many);
		subs_init(s);
	}
}
