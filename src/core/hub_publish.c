/* hub_publish.c: events, from back-ends and from clients. Everything was validated by the
 * worker; here it gets its place in the order.
 *
 * An idempotency key is looked up and kept in one step with the delivery, so there is no state
 * "being processed" that an error could leave behind. Keys of events and of whole batches are
 * different names. */
#include "core/hub_priv.h"

#include "codec/pusher.h"

struct event_reader {
	const struct published_event *event;
	str name, data, key;
	const char *channels; /* unread: n_channels times length and name */
};

static struct event_reader event_open(const struct published_event *e)
{
	struct event_reader r = { .event = e };

	r.name = (str){ e->text, e->name_len };
	r.data = (str){ r.name.p + r.name.n, e->data_len };
	r.key = (str){ r.data.p + r.data.n, e->key_len };
	r.channels = r.key.p + r.key.n;
	return r;
}

static str event_next_channel(struct event_reader *r)
{
	uint16_t len;
	str name;

	memcpy(&len, r->channels, sizeof len);
	name = (str){ r->channels + sizeof len, len };
	r->channels = name.p + name.n;
	return name;
}

static const struct published_event *first_event(const struct to_hub_publish *r)
{
	return (const struct published_event *)((const char *)r + mail_events_offset(r->key_len));
}

static const struct published_event *next_event(const struct published_event *e)
{
	return (const struct published_event *)((const char *)e + e->bytes);
}

/* Cache channels */

struct msg *hub_last_event(struct hub *h, const struct channel *ch)
{
	const struct expiring_entry *e =
		expiring_find(&ch->owner->last_events, ch->hash, ch->name, clock_ms(h->clock));

	if (e)
		return msg_ref(e->msg);
	hub_tell_channel(h, ch, WEBHOOK_cache_miss, false);
	return pusher_text_event_new(S("pusher:cache_miss"), ch->name, S("{}"));
}

/* Delivering */

static struct msg *frame_new(str event, str channel, str data, str user_id, uint64_t born_ns)
{
	struct msg *m = pusher_event_new(event, channel, data, user_id);

	if (m)
		m->born_ns = born_ns;
	return m;
}

static void deliver_to_channel(struct hub *h, const struct to_hub_publish *p, str name,
			       const struct event_reader *r)
{
	struct hub_app *a = hub_app(h, p->app);
	uint64_t hash = hash_str(&h->key, name);
	struct channel *ch = map_find(&a->channels, hash, name);
	bool is_cached = (channel_traits(name) & CHANNEL_CACHE) != 0;
	struct msg *frame;

	if (!ch && !is_cached)
		return;
	frame = frame_new(r->name, name, r->data, (str){ 0 }, p->born_ns);
	if (frame && is_cached)
		expiring_put(&a->last_events, hash, name, msg_ref(frame), clock_ms(h->clock));
	if (ch)
		hub_deliver(h, ch, frame, r->event->exclude);
	else
		msg_unref(frame);
}

static void deliver_event(struct hub *h, const struct to_hub_publish *p,
			  const struct published_event *e)
{
	struct event_reader r = event_open(e);

	for (uint32_t i = 0; i < e->n_channels; i++)
		deliver_to_channel(h, p, event_next_channel(&r), &r);
}

/* Answers */

/* "<channel>":{…} for each channel that has something to tell. True when there was one. */
static bool write_channels_info(struct hub *h, const struct app *app,
				const struct published_event *e, struct buf *b)
{
	struct event_reader r = event_open(e);
	bool any = false;

	for (uint32_t i = 0; i < e->n_channels; i++) {
		str name = event_next_channel(&r);

		if (hub_write_channel(b, name, hub_find(h, app, name), e->info, false, !any))
			any = true;
	}
	return any;
}

static struct msg *event_answer_new(struct hub *h, const struct to_hub_publish *r)
{
	struct msg *m = NULL;
	struct buf b;

	buf_init(&b, UINT32_MAX);
	buf_puts(&b, S("{\"channels\":{"));
	if (write_channels_info(h, r->app, first_event(r), &b)) {
		buf_puts(&b, S("}}"));
		m = hub_body_new(&b);
	}
	buf_fini(&b);
	return m;
}

/* One item of a batch was delivered (or was a repetition): its attributes, of its first channel. */
static void write_item(struct hub *h, const struct app *app, const struct published_event *e,
		       bool is_new, struct buf *b)
{
	struct event_reader r = event_open(e);
	str name = event_next_channel(&r);

	buf_puts(b, b->len ? S(",{") : S("{\"batch\":[{"));
	if (is_new)
		hub_write_info(b, hub_find(h, app, name), channel_traits(name), e->info, true);
	buf_putc(b, '}');
}

/* Idempotency */

static const struct expiring_entry *find_answer(struct hub *h, struct expiring *answers, str key)
{
	return key.n ? expiring_find(answers, hash_str(&h->key, key), key, clock_ms(h->clock)) :
		       NULL;
}

static void keep_answer(struct hub *h, struct expiring *answers, str key, struct msg *body)
{
	if (key.n)
		expiring_put(answers, hash_str(&h->key, key), key, body ? msg_ref(body) : NULL,
			     clock_ms(h->clock));
}

static struct msg *repeated(const struct expiring_entry *known)
{
	return known->msg ? msg_ref(known->msg) : NULL;
}

/* Publishing */

static struct msg *publish_event(struct hub *h, const struct to_hub_publish *r)
{
	const struct published_event *e = first_event(r);
	struct expiring *answers = &hub_app(h, r->app)->answers;
	str key = event_open(e).key;
	const struct expiring_entry *known = find_answer(h, answers, key);
	struct msg *body;

	if (known)
		return repeated(known);
	deliver_event(h, r, e);
	body = e->has_info ? event_answer_new(h, r) : NULL;
	keep_answer(h, answers, key, body);
	return body;
}

/* True when it was delivered now. */
static bool publish_item(struct hub *h, const struct to_hub_publish *p,
			 const struct published_event *e)
{
	struct expiring *answers = &hub_app(h, p->app)->answers;
	str key = event_open(e).key;

	if (find_answer(h, answers, key))
		return false;
	deliver_event(h, p, e);
	keep_answer(h, answers, key, NULL);
	return true;
}

static bool batch_wants_info(const struct to_hub_publish *r)
{
	const struct published_event *e = first_event(r);

	for (uint32_t i = 0; i < r->n_events; i++, e = next_event(e))
		if (e->has_info)
			return true;
	return false;
}

static struct msg *publish_items(struct hub *h, const struct to_hub_publish *r)
{
	const struct published_event *e = first_event(r);
	bool wants_info = batch_wants_info(r);
	struct msg *body = NULL;
	struct buf b;

	buf_init(&b, UINT32_MAX);
	for (uint32_t i = 0; i < r->n_events; i++, e = next_event(e)) {
		bool is_new = publish_item(h, r, e);

		if (wants_info)
			write_item(h, r->app, e, is_new, &b);
	}
	if (wants_info) {
		buf_puts(&b, S("]}"));
		body = hub_body_new(&b);
	}
	buf_fini(&b);
	return body;
}

static struct msg *publish_batch(struct hub *h, const struct to_hub_publish *r)
{
	struct expiring *answers = &hub_app(h, r->app)->batch_answers;
	str key = { r->text, r->key_len };
	const struct expiring_entry *known = find_answer(h, answers, key);
	struct msg *body;

	if (known)
		return repeated(known);
	body = publish_items(h, r);
	keep_answer(h, answers, key, body);
	return body;
}

/* False, and answered, when it is not. */
static bool is_within_rate(struct hub *h, unsigned worker, const struct to_hub_publish *r)
{
	struct hub_app *a = hub_app(h, r->app);
	uint32_t max = a->app->limits.max_backend_events_per_second;
	struct rate_window *w = &a->events;

	if (max == 0 || max == NO_LIMIT ||
	    rate_window_take_n(w, (uint32_t)clock_ms(h->clock), 1, r->n_events, max))
		return true;
	hub_answer_too_many(h, worker, r->conn, (uint64_t)w->n + r->n_events, S("events"), max,
			    S("max_backend_events_per_second"));
	return false;
}

void hub_publish(struct hub *h, unsigned worker, const struct to_hub_publish *r)
{
	if (is_within_rate(h, worker, r))
		hub_answer(h, worker, r->conn, ANSWER_OK,
			   r->is_batch ? publish_batch(h, r) : publish_event(h, r));
}

void hub_client_event(struct hub *h, const struct to_hub_client_event *r)
{
	str event = { r->text, r->event_len };
	str data = { event.p + event.n, r->data_len };
	str user_id = r->membership ? r->membership->member->user_id : (str){ 0 };

	hub_deliver(h, r->channel, frame_new(event, r->channel->name, data, user_id, r->born_ns),
		    r->sender);
	hub_tell_client_event(h, r);
}
