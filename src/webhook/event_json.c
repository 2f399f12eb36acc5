#include "webhook/event_json.h"

#include "base/check.h"
#include "base/json.h"

static void write_member(struct buf *b, str name, str value)
{
	buf_puts(b, name);
	jw_string(b, value);
}

static void write_client_event(struct buf *b, const struct hub_news *n)
{
	char sender[SOCKET_ID_TEXT_MAX];

	write_member(b, S(",\"event\":"), n->name);
	buf_puts(b, S(",\"data\":"));
	buf_puts(b, n->data.n ? n->data : S("null"));
	write_member(b, S(",\"socket_id\":"), socket_id_format(n->sender, sender));
}

static void write_rest(struct buf *b, const struct hub_news *n)
{
	switch (n->event) {
	case WEBHOOK_member_added:
	case WEBHOOK_member_removed:
		write_member(b, S(",\"user_id\":"), n->user_id);
		return;
	case WEBHOOK_client_event:
		write_client_event(b, n);
		return;
	case WEBHOOK_cache_miss:
		buf_puts(b, S(",\"data\":\"{}\""));
		return;
	case WEBHOOK_subscription_count:
		buf_puts(b, S(",\"subscription_count\":"));
		buf_putu(b, n->n_subscriptions);
		return;
	case WEBHOOK_channel_occupied:
	case WEBHOOK_channel_vacated:
	case N_WEBHOOK_EVENTS:
		return;
	}
	NEVER("enum webhook_event");
}

void event_json_write(struct buf *b, const struct hub_news *n)
{
	write_member(b, S("{\"name\":"), webhook_event_names[n->event]);
	write_member(b, S(",\"channel\":"), n->channel);
	write_rest(b, n);
	buf_putc(b, '}');
}
