/* hub.c: joining, leaving and delivering.
 *
 * The invariants: a channel's n_subscriptions is the sum of its interest; a worker's interest is the number of its subscribes taken
 * minus its leaves taken; TO_WORKER_RELEASED is sent exactly when interest falls to 0, and until the next subscribe nothing is
 * addressed to that local. */
#include "core/hub.h"

#include "base/check.h"
#include "base/mem.h"
#include "core/channel_name.h"
#include "core/hub_priv.h"

struct hub *hub_new(const struct app_table *apps, unsigned n_workers, struct hash_key key, struct hub_sink sink)
{
	struct hub *h = xnew(struct hub);

	h->n_workers = n_workers;
	h->key = key;
	h->sink = sink;
	h->n_apps = apps->n;
	h->apps = xcalloc(apps->n ? apps->n : 1, sizeof *h->apps);
	for (size_t i = 0; i < apps->n; i++) {
		h->apps[i].app = apps->apps[i];
		map_init(&h->apps[i].channels, channel_key);
	}
	return h;
}

void hub_free(struct hub *h)
{
	for (size_t i = 0; i < h->n_apps; i++) {
		ASSERT(h->apps[i].n_connections == 0);
		ASSERT(h->apps[i].channels.n == 0);
		map_fini(&h->apps[i].channels);
	}
	xfree(h->apps);
	xfree(h);
}

static void *mail(struct hub *h, unsigned worker, enum mail_to_worker kind, size_t bytes)
{
	return h->sink.mail(h->sink.ctx, worker, kind, bytes);
}

struct channel *hub_find(struct hub *h, const struct app *app, str name)
{
	return map_find(&h->apps[app->index].channels, hash_str(&h->key, name), name);
}

void hub_deliver(struct hub *h, struct channel *ch, struct msg *frame, struct socket_id exclude)
{
	unsigned left = 0;

	if (!frame)
		return;
	for (unsigned w = 0; w < h->n_workers; w++)
		left += ch->interest[w].n > 0;
	if (left == 0)
		msg_unref(frame);
	for (unsigned w = 0; left > 0; w++) {
		struct to_worker_deliver *d;

		if (ch->interest[w].n == 0)
			continue;
		d = mail(h, w, TO_WORKER_DELIVER, sizeof *d);
		*d = (struct to_worker_deliver){ .local = ch->interest[w].local, .exclude = exclude };
		d->frame = --left ? msg_ref(frame) : frame;
	}
}

static void take_connect(struct hub *h, unsigned worker, const struct to_hub_connect *r)
{
	struct hub_app *a = &h->apps[r->app->index];
	uint32_t max = r->app->limits.max_connections;
	bool over = max > 0 && a->n_connections >= max;

	if (!over)
		a->n_connections++;
	if (r->wants_answer) {
		struct to_worker_connected *m = mail(h, worker, TO_WORKER_CONNECTED, sizeof *m);

		*m = (struct to_worker_connected){ .conn = r->conn, .over_quota = over };
	}
}

static void add_interest(struct channel *ch, unsigned worker, void *local)
{
	struct interest *in = &ch->interest[worker];

	ASSERT(in->n == 0 || in->local == local);
	in->local = local;
	in->n++;
	ch->n_subscriptions++;
}

static void drop_interest(struct hub *h, struct channel *ch, unsigned worker)
{
	struct interest *in = &ch->interest[worker];

	ASSERT(in->n > 0 && ch->n_subscriptions > 0);
	ch->n_subscriptions--;
	if (--in->n == 0) {
		struct to_worker_released *m = mail(h, worker, TO_WORKER_RELEASED, sizeof *m);

		*m = (struct to_worker_released){ .local = in->local };
	}
}

/* A new user needs room; one that is present already does not. NULL: refused, and nothing changed. */
static struct membership *join_presence(struct hub *h, struct channel *ch, str user_id, str user_info)
{
	uint32_t max = ch->owner->app->limits.max_presence_members_per_channel;
	uint64_t hash = hash_str(&h->key, user_id);
	struct membership *ms;
	bool is_first;

	if (max != NO_LIMIT && presence_count(ch->presence) >= max && !presence_find(ch->presence, hash, user_id))
		return NULL;
	ms = presence_join(ch->presence, hash, user_id, user_info, &is_first);
	/* Before the newcomer has interest of its own: it never hears of itself. */
	if (ms && is_first)
		hub_deliver(h, ch, presence_added_new(ms, ch->name), SOCKET_ID_NONE);
	return ms;
}

static void join(struct hub *h, unsigned worker, const struct to_hub_subscribe *r, struct to_worker_subscribed *m)
{
	str name = { r->text, r->name_len };
	str user_id = { name.p + name.n, r->user_id_len };
	str user_info = { user_id.p + user_id.n, r->user_info_len };
	uint64_t hash = hash_str(&h->key, name);
	struct hub_app *a = &h->apps[r->app->index];
	struct channel *ch = map_find(&a->channels, hash, name);

	if (!ch)
		ch = channel_new(a, h->n_workers, name, hash, r->traits);
	if (ch && ch->presence) {
		m->membership = join_presence(h, ch, user_id, user_info);
		if (!m->membership && ch->n_subscriptions == 0)
			channel_free(ch);
	}
	if (!ch || ((r->traits & CHANNEL_PRESENCE) && !m->membership)) {
		m->over_capacity = true;
		return;
	}
	add_interest(ch, worker, r->local);
	m->channel = ch;
}

static void take_subscribe(struct hub *h, unsigned worker, const struct to_hub_subscribe *r)
{
	struct to_worker_subscribed m = { .conn = r->conn, .local = r->local, .is_repeat = r->channel != NULL };

	if (m.is_repeat) {
		m.channel = r->channel;
		m.membership = r->membership;
	} else {
		join(h, worker, r, &m);
	}
	if (m.channel && m.channel->presence)
		m.roster = presence_roster_new(m.channel->presence, m.channel->name);
	memcpy(mail(h, worker, TO_WORKER_SUBSCRIBED, sizeof m), &m, sizeof m);
}

static void leave_presence(struct hub *h, struct channel *ch, struct membership *ms)
{
	struct msg *removed = membership_is_last(ms) ? presence_removed_new(ms, ch->name) : NULL;

	presence_leave(ch->presence, ms);
	hub_deliver(h, ch, removed, SOCKET_ID_NONE);
}

static void take_leave(struct hub *h, unsigned worker, const struct to_hub_leave *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct channel *ch = r->entries[i].channel;

		drop_interest(h, ch, worker);
		if (r->entries[i].membership)
			leave_presence(h, ch, r->entries[i].membership);
		if (ch->n_subscriptions == 0)
			channel_free(ch);
	}
	if (r->is_disconnect) {
		ASSERT(h->apps[r->app->index].n_connections > 0);
		h->apps[r->app->index].n_connections--;
	}
}

void hub_take(struct hub *h, unsigned worker, enum mail_to_hub kind, const void *record)
{
	switch (kind) {
	case TO_HUB_CONNECT:
		take_connect(h, worker, record);
		return;
	case TO_HUB_SUBSCRIBE:
		take_subscribe(h, worker, record);
		return;
	case TO_HUB_LEAVE:
		take_leave(h, worker, record);
		return;
	case TO_HUB_CLIENT_EVENT:
		hub_client_event(h, record);
		return;
	case TO_HUB_PUBLISH:
		hub_publish(h, worker, record);
		return;
	case TO_HUB_QUERY:
		hub_query(h, worker, record);
		return;
	}
	NEVER("unknown mail to the hub");
}

void hub_answer(struct hub *h, unsigned worker, void *conn, enum hub_answer result, struct buf *body)
{
	struct to_worker_answer *m = mail(h, worker, TO_WORKER_ANSWER, sizeof *m);

	*m = (struct to_worker_answer){ .conn = conn, .result = result };
	if (!body)
		return;
	m->body = buf_ok(body) ? msg_new(body->len) : NULL;
	if (m->body)
		memcpy(m->body->bytes, body->p, body->len);
	else
		m->result = ANSWER_NO_MEMORY;
	buf_fini(body);
}

struct hub_counts hub_count(const struct hub *h, const struct app *app)
{
	const struct hub_app *a = &h->apps[app->index];
	struct hub_counts c = { .connections = a->n_connections, .channels = a->channels.n };
	const struct channel *ch;

	for (size_t it = 0; (ch = map_next(&a->channels, &it));) {
		c.subscriptions += ch->n_subscriptions;
		if (ch->presence)
			c.presence_members += presence_count(ch->presence);
	}
	return c;
}
