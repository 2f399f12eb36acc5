#include "core/presence.h"

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "codec/pusher.h"

static str member_key(const void *member)
{
	return ((const struct member *)member)->user_id;
}

struct presence *presence_new(void)
{
	struct presence *p = xnew(struct presence);

	map_init(&p->by_id, member_key);
	list_init(&p->members);
	return p;
}

void presence_free(struct presence *p)
{
	ASSERT(list_is_empty(&p->members));
	map_fini(&p->by_id);
	xfree(p);
}

struct member *presence_find(const struct presence *p, uint64_t hash, str user_id)
{
	return map_find(&p->by_id, hash, user_id);
}

static struct member *member_new(struct presence *p, uint64_t hash, str user_id)
{
	struct member *m = try_alloc(sizeof *m + user_id.n);

	if (!m)
		return NULL;
	memcpy(m->text, user_id.p, user_id.n);
	m->user_id = (str){ m->text, user_id.n };
	m->hash = hash;
	list_init(&m->memberships);
	list_push_back(&p->members, &m->link);
	map_put(&p->by_id, hash, m);
	return m;
}

static void member_free(struct presence *p, struct member *m)
{
	map_remove(&p->by_id, m->hash, m);
	list_remove(&m->link);
	xfree(m);
}

struct membership *presence_join(struct presence *p, uint64_t hash, str user_id, str user_info,
				 bool *is_first)
{
	struct membership *ms = try_alloc(sizeof *ms + user_info.n);
	struct member *m = presence_find(p, hash, user_id);

	if (!ms)
		return NULL;
	*is_first = !m;
	if (!m)
		m = member_new(p, hash, user_id);
	if (!m) {
		xfree(ms);
		return NULL;
	}
	if (user_info.n)
		memcpy(ms->text, user_info.p, user_info.n);
	ms->user_info = (str){ ms->text, user_info.n };
	ms->member = m;
	list_push_back(&m->memberships, &ms->link);
	return ms;
}

void presence_leave(struct presence *p, struct membership *ms)
{
	struct member *m = ms->member;

	list_remove(&ms->link);
	xfree(ms);
	if (list_is_empty(&m->memberships))
		member_free(p, m);
}

static str member_info(const struct member *m)
{
	const struct membership *oldest =
		container_of(m->memberships.next, struct membership, link);

	return oldest->user_info.n ? oldest->user_info : S("{}");
}

static void write_ids(const struct presence *p, struct buf *b)
{
	for (const struct list *l = p->members.next; l != &p->members; l = l->next) {
		if (l != p->members.next)
			buf_putc(b, ',');
		jw_string(b, container_of(l, struct member, link)->user_id);
	}
}

static void write_hash(const struct presence *p, struct buf *b)
{
	for (const struct list *l = p->members.next; l != &p->members; l = l->next) {
		const struct member *m = container_of(l, struct member, link);

		if (l != p->members.next)
			buf_putc(b, ',');
		jw_string(b, m->user_id);
		buf_putc(b, ':');
		buf_puts(b, member_info(m));
	}
}

/* Takes b's bytes as the data of an internal event. */
static struct msg *internal_event(str event, str channel, struct buf *b)
{
	struct msg *m = buf_ok(b) ? pusher_text_event_new(event, channel, buf_str(b)) : NULL;

	buf_fini(b);
	return m;
}

struct msg *presence_roster_new(const struct presence *p, str channel)
{
	struct buf b;

	buf_init(&b, UINT32_MAX / 8);
	buf_puts(&b, S("{\"presence\":{\"ids\":["));
	write_ids(p, &b);
	buf_puts(&b, S("],\"hash\":{"));
	write_hash(p, &b);
	buf_puts(&b, S("},\"count\":"));
	buf_putu(&b, presence_count(p));
	buf_puts(&b, S("}}"));
	return internal_event(S("pusher_internal:subscription_succeeded"), channel, &b);
}

struct msg *presence_added_new(const struct membership *ms, str channel)
{
	struct buf b;

	buf_init(&b, UINT32_MAX / 8);
	buf_puts(&b, S("{\"user_id\":"));
	jw_string(&b, ms->member->user_id);
	buf_puts(&b, S(",\"user_info\":"));
	buf_puts(&b, member_info(ms->member));
	buf_putc(&b, '}');
	return internal_event(S("pusher_internal:member_added"), channel, &b);
}

struct msg *presence_removed_new(const struct membership *ms, str channel)
{
	struct buf b;

	buf_init(&b, UINT32_MAX / 8);
	buf_puts(&b, S("{\"user_id\":"));
	jw_string(&b, ms->member->user_id);
	buf_putc(&b, '}');
	return internal_event(S("pusher_internal:member_removed"), channel, &b);
}

void presence_write_users(const struct presence *p, struct buf *b)
{
	buf_puts(b, S("{\"users\":["));
	for (const struct list *l = p->members.next; l != &p->members; l = l->next) {
		buf_puts(b, l == p->members.next ? S("{\"id\":") : S(",{\"id\":"));
		jw_string(b, container_of(l, struct member, link)->user_id);
		buf_putc(b, '}');
	}
	buf_puts(b, S("]}"));
}
