/* hub_news.c: what happens here, for those who tell others of it.
 *
 * The hub says what is so, when it is so; that a channel may be occupied again in a moment, and whom to
 * tell at all, is decided by who listens (src/webhook). Nothing is made of a happening that no webhook of
 * the app may want. */
#include "core/hub_priv.h"

enum {
	CHANNEL_EDGES = 1 << WEBHOOK_channel_occupied | 1 << WEBHOOK_channel_vacated,
	MEMBER_EDGES = 1 << WEBHOOK_member_added | 1 << WEBHOOK_member_removed,
};

static uint32_t listeners_of(enum webhook_event e)
{
	uint32_t bit = 1u << e;

	return bit & CHANNEL_EDGES ? CHANNEL_EDGES : bit & MEMBER_EDGES ? MEMBER_EDGES : bit;
}

static bool is_heard(const struct channel *ch, enum webhook_event e)
{
	const struct app *a = ch->owner->app;

	return ch->owner->listener && !(ch->traits & CHANNEL_USER) &&
	       webhook_any_wants(a, listeners_of(e));
}

static struct hub_news news_of(const struct channel *ch, enum webhook_event e)
{
	return (struct hub_news){ .event = e,
				  .listener = ch->owner->listener,
				  .channel = ch->name,
				  .n_subscriptions = ch->n_subscriptions };
}

void hub_tell_channel(struct hub *h, const struct channel *ch, enum webhook_event e,
		      bool has_hung_up)
{
	struct hub_news n = news_of(ch, e);

	n.has_hung_up = has_hung_up;
	if (is_heard(ch, e))
		h->sink.tell(h->sink.ctx, &n);
}

void hub_tell_member(struct hub *h, const struct channel *ch, const struct member *m,
		     enum webhook_event e, bool has_hung_up)
{
	struct hub_news n = news_of(ch, e);

	n.user_id = m->user_id;
	n.has_hung_up = has_hung_up;
	if (is_heard(ch, e))
		h->sink.tell(h->sink.ctx, &n);
}

void hub_tell_client_event(struct hub *h, const struct to_hub_client_event *r)
{
	struct hub_news n = news_of(r->channel, WEBHOOK_client_event);

	n.name = (str){ r->text, r->event_len };
	n.data = (str){ r->text + r->event_len, r->data_len };
	n.sender = r->sender;
	if (is_heard(r->channel, WEBHOOK_client_event))
		h->sink.tell(h->sink.ctx, &n);
}

bool hub_tells_counts(const struct channel *ch)
{
	return !(ch->traits & CHANNEL_PRESENCE) && is_heard(ch, WEBHOOK_subscription_count);
}
