/* hub_publish.c: events, from back-ends and from clients. Everything was validated by the worker; here it gets its place in the order. */
#include "codec/pusher.h"
#include "core/channel_name.h"
#include "core/hub_priv.h"

struct event_reader {
	const struct published_event *event;
	str name, data;
	const char *channels; /* unread: n_channels times length and name */
};

static struct event_reader event_open(const struct published_event *e)
{
	struct event_reader r = { .event = e };

	r.name = (str){ e->text, e->name_len };
	r.data = (str){ r.name.p + r.name.n, e->data_len };
	r.channels = r.data.p + r.data.n;
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

static void deliver_event(struct hub *h, const struct app *app, const struct published_event *e)
{
	struct event_reader r = event_open(e);

	for (uint32_t i = 0; i < e->n_channels; i++) {
		str name = event_next_channel(&r);
		struct channel *ch = hub_find(h, app, name);

		if (ch)
			hub_deliver(h, ch, pusher_event_new(r.name, name, r.data, (str){ 0 }), e->exclude);
	}
}

/* "<channel>":{…} for each channel that has something to tell. True when there was one. */
static bool write_channels_info(struct hub *h, const struct app *app, const struct published_event *e, struct buf *b)
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

static void write_batch_item(struct hub *h, const struct app *app, const struct published_event *e, struct buf *b)
{
	struct event_reader r = event_open(e);
	str name = event_next_channel(&r);

	buf_putc(b, '{');
	hub_write_info(b, hub_find(h, app, name), channel_traits(name), e->info, true);
	buf_putc(b, '}');
}

static const struct published_event *next_event(const struct published_event *e)
{
	return (const struct published_event *)((const char *)e + e->bytes);
}

static void answer_batch(struct hub *h, unsigned worker, const struct to_hub_publish *r)
{
	const struct published_event *e = (const struct published_event *)(r + 1);
	struct buf b;

	buf_init(&b, UINT32_MAX);
	buf_puts(&b, S("{\"batch\":["));
	for (uint32_t i = 0; i < r->n_events; i++, e = next_event(e)) {
		if (i)
			buf_putc(&b, ',');
		write_batch_item(h, r->app, e, &b);
	}
	buf_puts(&b, S("]}"));
	hub_answer(h, worker, r->conn, ANSWER_OK, &b);
}

static void answer_event(struct hub *h, unsigned worker, const struct to_hub_publish *r)
{
	struct buf b;

	buf_init(&b, UINT32_MAX);
	buf_puts(&b, S("{\"channels\":{"));
	if (write_channels_info(h, r->app, (const struct published_event *)(r + 1), &b)) {
		buf_puts(&b, S("}}"));
		hub_answer(h, worker, r->conn, ANSWER_OK, &b);
	} else {
		buf_fini(&b);
		hub_answer(h, worker, r->conn, ANSWER_OK, NULL);
	}
}

void hub_publish(struct hub *h, unsigned worker, const struct to_hub_publish *r)
{
	const struct published_event *e = (const struct published_event *)(r + 1);
	bool has_info = false;

	for (uint32_t i = 0; i < r->n_events; i++, e = next_event(e)) {
		deliver_event(h, r->app, e);
		has_info |= e->has_info;
	}
	if (!has_info)
		hub_answer(h, worker, r->conn, ANSWER_OK, NULL);
	else if (r->is_batch)
		answer_batch(h, worker, r);
	else
		answer_event(h, worker, r);
}

void hub_client_event(struct hub *h, const struct to_hub_client_event *r)
{
	str event = { r->text, r->event_len };
	str data = { event.p + event.n, r->data_len };
	str user_id = r->membership ? r->membership->member->user_id : (str){ 0 };

	hub_deliver(h, r->channel, pusher_event_new(event, r->channel->name, data, user_id), r->sender);
}
