/* hub.c: joining, leaving and delivering.
 *
 * The invariants: a channel's n_subscriptions is the sum of its interest; a worker's interest is
 * the number of its subscribes taken minus its leaves taken; TO_WORKER_RELEASED is sent exactly
 * when interest falls to 0, and until the next subscribe nothing is addressed to that local. */
#include "core/hub.h"

#include "base/check.h"
#include "base/mem.h"
#include "codec/pusher.h"
#include "core/hub_priv.h"

#include <inttypes.h>
#include <stdio.h>

struct hub *hub_new(const struct app_table *apps, unsigned n_workers, struct hash_key key,
		    const struct clock *clock, struct hub_sink sink)
{
	struct hub *h = xnew(struct hub);

	h->n_workers = n_workers;
	h->key = key;
	h->clock = clock;
	h->sink = sink;
	list_init(&h->counts_changed);
	hub_apps_init(h, apps);
	return h;
}

void hub_free(struct hub *h)
{
	hub_apps_fini(h);
	xfree(h);
}

void *hub_mail(struct hub *h, unsigned worker, enum mail_to_worker kind, size_t bytes)
{
	return h->sink.mail(h->sink.ctx, worker, kind, bytes);
}

struct channel *hub_find(struct hub *h, const struct app *app, str name)
{
	return map_find(&hub_app(h, app)->channels, hash_str(&h->key, name), name);
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
		d = hub_mail(h, w, TO_WORKER_DELIVER, sizeof *d);
		*d = (struct to_worker_deliver){ .local = ch->interest[w].local,
						 .exclude = exclude };
		d->frame = --left ? msg_ref(frame) : frame;
	}
}

static void take_connect(struct hub *h, unsigned worker, const struct to_hub_connect *r)
{
	struct hub_app *a = hub_app(h, r->app);
	uint32_t max = a->app->limits.max_connections;
	/* Who does not wait for an answer takes it for granted. */
	bool over = r->wants_answer && max > 0 && a->counts.connections >= max;

	if (!over)
		a->counts.connections++;
	if (r->wants_answer) {
		struct to_worker_connected *m = hub_mail(h, worker, TO_WORKER_CONNECTED, sizeof *m);

		*m = (struct to_worker_connected){ .conn = r->conn, .over_quota = over };
	}
}

/* Everybody is told the new number once per batch: a thousand that join together are not a
 * million frames. */
static void count_changes(struct hub *h, struct channel *ch)
{
	bool tells = !(ch->traits & (CHANNEL_PRESENCE | CHANNEL_USER)) &&
		     (ch->owner->app->enable_subscription_count || hub_tells_counts(ch));

	if (tells && list_is_empty(&ch->count_changed))
		list_push_back(&h->counts_changed, &ch->count_changed);
}

static void count_subscription(const struct channel *ch, int by)
{
	struct app_counts *n = &ch->owner->counts;

	if (ch->traits & CHANNEL_USER) {
		n->user_connections += by;
		return;
	}
	n->subscriptions += by;
	if (channel_is_presence(ch))
		n->presence_subscriptions += by;
}

static void add_interest(struct hub *h, struct channel *ch, unsigned worker, void *local)
{
	struct interest *in = &ch->interest[worker];

	ASSERT(in->n == 0 || in->local == local);
	in->local = local;
	in->n++;
	ch->n_subscriptions++;
	count_subscription(ch, 1);
	count_changes(h, ch);
}

static void drop_interest(struct hub *h, struct channel *ch, unsigned worker)
{
	struct interest *in = &ch->interest[worker];

	ASSERT(in->n > 0 && ch->n_subscriptions > 0);
	ch->n_subscriptions--;
	count_subscription(ch, -1);
	count_changes(h, ch);
	if (--in->n == 0) {
		struct to_worker_released *m = hub_mail(h, worker, TO_WORKER_RELEASED, sizeof *m);

		*m = (struct to_worker_released){ .local = in->local };
	}
}

/* A new user needs room; one that is present already does not. NULL: refused, and nothing
 * changed. */
static struct membership *join_presence(struct hub *h, struct channel *ch, str user_id,
					str user_info)
{
	uint32_t max = ch->owner->app->limits.max_presence_members_per_channel;
	uint64_t hash = hash_str(&h->key, user_id);
	struct membership *ms;
	bool is_first;

	if (max != NO_LIMIT && presence_count(ch->presence) >= max &&
	    !presence_find(ch->presence, hash, user_id))
		return NULL;
	ms = presence_join(ch->presence, hash, user_id, user_info, &is_first);
	ch->owner->counts.presence_members += ms && is_first;
	/* Before the newcomer has interest of its own: it never hears of itself. */
	if (ms && is_first) {
		hub_deliver(h, ch, presence_added_new(ms, ch->name), SOCKET_ID_NONE);
		hub_tell_member(h, ch, ms->member, WEBHOOK_member_added, false);
	}
	return ms;
}

static void join(struct hub *h, unsigned worker, const struct to_hub_subscribe *r,
		 struct to_worker_subscribed *m)
{
	str name = { r->text, r->name_len };
	str user_id = { name.p + name.n, r->user_id_len };
	str user_info = { user_id.p + user_id.n, r->user_info_len };
	uint64_t hash = hash_str(&h->key, name);
	struct hub_app *a = hub_app(h, r->app);
	struct channel *ch = map_find(&a->channels, hash, name);

	if (!ch)
		ch = channel_new(a, h->n_workers, name, hash, r->traits);
	if (ch && channel_is_presence(ch)) {
		m->membership = join_presence(h, ch, user_id, user_info);
		if (!m->membership && ch->n_subscriptions == 0)
			channel_free(ch);
	}
	if (!ch || ((r->traits & CHANNEL_PRESENCE) && !m->membership)) {
		m->over_capacity = true;
		return;
	}
	if ((ch->traits & CHANNEL_USER) && ch->n_subscriptions == 0)
		hub_user_came(h, ch);
	if (ch->n_subscriptions == 0)
		hub_tell_channel(h, ch, WEBHOOK_channel_occupied, false);
	add_interest(h, ch, worker, r->local);
	m->channel = ch;
}

/* What the acknowledgement is made of and what follows it. */
static void tell_state(struct hub *h, const struct to_hub_subscribe *r,
		       struct to_worker_subscribed *m)
{
	struct channel *ch = m->channel;
	str user_info = { r->text + r->name_len + r->user_id_len, r->user_info_len };

	if (channel_is_presence(ch))
		m->roster = presence_roster_new(ch->presence, ch->name);
	if (ch->traits & CHANNEL_CACHE)
		m->follow = hub_last_event(h, ch);
	else if (ch->traits & CHANNEL_USER)
		m->follow = hub_user_watches(h, ch, user_info);
}

static void take_subscribe(struct hub *h, unsigned worker, const struct to_hub_subscribe *r)
{
	struct to_worker_subscribed m = { .conn = r->conn,
					  .local = r->local,
					  .is_repeat = r->channel != NULL };

	if (m.is_repeat) {
		m.channel = r->channel;
		m.membership = r->membership;
	} else {
		join(h, worker, r, &m);
	}
	if (m.channel)
		tell_state(h, r, &m);
	memcpy(hub_mail(h, worker, TO_WORKER_SUBSCRIBED, sizeof m), &m, sizeof m);
}

static void leave_presence(struct hub *h, struct channel *ch, struct membership *ms,
			   bool has_hung_up)
{
	bool is_last = membership_is_last(ms);
	struct msg *removed = is_last ? presence_removed_new(ms, ch->name) : NULL;

	if (is_last)
		hub_tell_member(h, ch, ms->member, WEBHOOK_member_removed, has_hung_up);
	ch->owner->counts.presence_members -= is_last;
	presence_leave(ch->presence, ms);
	hub_deliver(h, ch, removed, SOCKET_ID_NONE);
}

/* Nobody is on it any more. */
static void end_channel(struct hub *h, struct channel *ch, bool has_hung_up)
{
	if (ch->traits & CHANNEL_USER)
		hub_user_goes(h, ch);
	if (hub_tells_counts(ch))
		hub_tell_channel(h, ch, WEBHOOK_subscription_count, false);
	hub_tell_channel(h, ch, WEBHOOK_channel_vacated, has_hung_up);
	channel_free(ch);
}

static void take_leave(struct hub *h, unsigned worker, const struct to_hub_leave *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct channel *ch = r->entries[i].channel;

		drop_interest(h, ch, worker);
		if (r->entries[i].membership)
			leave_presence(h, ch, r->entries[i].membership, r->has_hung_up);
		if (ch->n_subscriptions == 0)
			end_channel(h, ch, r->has_hung_up);
	}
	if (r->is_disconnect) {
		ASSERT(hub_app(h, r->app)->counts.connections > 0);
		hub_app(h, r->app)->counts.connections--;
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
	case TO_HUB_CLOSE_USER:
		hub_close_user(h, worker, record);
		return;
	case TO_HUB_RELOAD:
		hub_reload(h, worker, record);
		return;
	case TO_HUB_COUNT:
		hub_count_all(h, worker, record);
		return;
	}
	NEVER("unknown mail to the hub");
}

static struct msg *count_frame_new(const struct channel *ch)
{
	char text[48];
	int n = snprintf(text, sizeof(text), "{\"subscription_count\":%" PRIu32 "}",
			 ch->n_subscriptions);

	return pusher_text_event_new(S("pusher_internal:subscription_count"), ch->name,
				     (str){ text, (size_t)n });
}

void hub_end_batch(struct hub *h)
{
	struct list *l;

	while ((l = list_pop_front(&h->counts_changed))) {
		struct channel *ch = container_of(l, struct channel, count_changed);

		if (ch->owner->app->enable_subscription_count)
			hub_deliver(h, ch, count_frame_new(ch), SOCKET_ID_NONE);
		hub_tell_channel(h, ch, WEBHOOK_subscription_count, false);
	}
}

void hub_answer(struct hub *h, unsigned worker, void *conn, enum hub_answer result,
		struct msg *body)
{
	struct to_worker_answer *m = hub_mail(h, worker, TO_WORKER_ANSWER, sizeof *m);

	*m = (struct to_worker_answer){ .conn = conn, .result = result, .body = body };
}

void hub_answer_too_many(struct hub *h, unsigned worker, void *conn, uint64_t n, str what,
			 uint32_t max, str setting)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_printf(&b,
		   "Rate of %" PRIu64 " %.*s in one second exceeds the limit of %" PRIu32 " (%.*s)",
		   n, STR_ARG(what), max, STR_ARG(setting));
	hub_answer(h, worker, conn, ANSWER_TOO_MANY, hub_body_new(&b));
	buf_fini(&b);
}

struct msg *hub_body_new(const struct buf *b)
{
	struct msg *m = buf_ok(b) ? msg_new(b->len) : NULL;

	if (m)
		memcpy(m->bytes, b->p, b->len);
	return m;
}
