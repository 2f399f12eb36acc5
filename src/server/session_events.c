/* session_events.c: client events: from one subscriber to the others.
 *
 * data goes on exactly as it was written. The checks are in the documented order, because a client
 * sees only the first that fails. Events on encrypted channels are refused, they would go in the
 * clear; the original relays them. */
#include "core/channel_name.h"
#include "core/namespace.h"
#include "server/session_priv.h"

#define REFUSED "Client event error: "

static str raw_data(const struct pusher_message *m)
{
	return m->has_data ? m->data.raw : S("null");
}

static bool check_lengths(const struct app *app, const struct pusher_message *m, struct arena *a,
			  struct refusal *why)
{
	uint32_t event_max = app->limits.max_event_name_length;
	uint32_t channel_max = namespace_bytes_max(app, m->channel);

	if (m->event.n > event_max)
		return REFUSE(why, a, PUSHER_GENERIC,
			      S("Invalid event name: Event name exceeds maximum length of "),
			      arena_number(a, event_max));
	if (m->channel.n > channel_max)
		return REFUSE(why, a, PUSHER_CHANNEL,
			      S("Channel name invalid: Channel name exceeds maximum length of "),
			      arena_number(a, channel_max));
	return true;
}

static bool check_kind(const struct pusher_message *m, struct arena *a, struct refusal *why)
{
	unsigned traits = channel_traits(m->channel);

	if (!(traits & CHANNEL_AUTHORIZED))
		return REFUSE(why, a, PUSHER_CLIENT_EVENT,
			      S(REFUSED
				"Client events can only be sent to private or presence channels"));
	if (traits & CHANNEL_ENCRYPTED)
		return REFUSE(why, a, PUSHER_CLIENT_EVENT,
			      S(REFUSED "Client events cannot be sent to encrypted channels"));
	return true;
}

static bool check_payload(const struct app_limits *lim, const struct pusher_message *m,
			  struct arena *a, struct refusal *why)
{
	uint64_t kb_max = lim->max_event_payload_in_kb;
	size_t n = raw_data(m).n;

	if (kb_max == NO_LIMIT || n <= kb_max * 1024)
		return true;
	return REFUSE(why, a, PUSHER_CLIENT_EVENT, S(REFUSED "Event payload size ("),
		      arena_number(a, n), S(" bytes) exceeds limit ("), arena_number(a, kb_max),
		      S("KB)"));
}

static bool check_namespace(const struct app *app, const struct pusher_message *m, struct arena *a,
			    struct refusal *why)
{
	const struct namespace *ns = namespace_of(app, m->channel);

	if (!ns || ns->allow_publish_for_client)
		return true;
	return REFUSE(why, a, PUSHER_UNAUTHORIZED, S("Authentication error: Namespace '"), ns->name,
		      S("' does not allow client publishes"));
}

static bool check_event(const struct app *app, const struct pusher_message *m, struct arena *a,
			struct refusal *why)
{
	if (!m->has_channel)
		return REFUSE(why, a, PUSHER_CLIENT_EVENT,
			      S(REFUSED "Channel required for client event"));
	if (!app->enable_client_messages)
		return REFUSE(why, a, PUSHER_CLIENT_EVENT,
			      S(REFUSED "Client events are not enabled for this app"));
	return check_lengths(app, m, a, why) && check_kind(m, a, why) &&
	       check_payload(&app->limits, m, a, why) && check_namespace(app, m, a, why);
}

static const struct sub *find_sub(struct conn *c, str channel, struct refusal *why)
{
	struct local_channel *local = local_find(c->local_app, channel);
	const struct sub *held = local ? subs_find(c, local) : NULL;
	char id[SOCKET_ID_TEXT_MAX];

	if (!held)
		REFUSE(why, &c->worker->arena, PUSHER_CLIENT_EVENT, S(REFUSED "Socket "),
		       socket_id_format(c->id, id), S(" is not subscribed to channel "), channel);
	return held;
}

static bool send_event(struct conn *c, const struct sub *held, const struct pusher_message *m)
{
	str data = raw_data(m);
	struct to_hub_client_event *r =
		worker_mail(c->worker, TO_HUB_CLIENT_EVENT, sizeof(*r) + m->event.n + data.n);

	if (!r)
		return false;
	*r = (struct to_hub_client_event){
		.channel = held->local->channel,
		.membership = held->membership,
		.sender = c->id,
		.born_ns = loop_clock(c->worker->loop)->mono_ns,
		.event_len = (uint32_t)m->event.n,
		.data_len = (uint32_t)data.n,
	};
	memcpy(r->text, m->event.p, m->event.n);
	memcpy(r->text + m->event.n, data.p, data.n);
	return true;
}

void session_client_event(struct conn *c, const struct pusher_message *m)
{
	const struct app_limits *lim = &conn_app(c)->limits;
	struct arena *a = &c->worker->arena;
	const struct sub *held;
	struct refusal why;

	if (!session_rate_ok(c, &c->events, &conn_activity(c)->event_rate,
			     lim->max_client_events_per_second, lim->decay_seconds)) {
		session_refuse_rate(c, conn_app(c)->terminate_on_limit);
		return;
	}
	if (!check_event(conn_app(c), m, a, &why) || !(held = find_sub(c, m->channel, &why))) {
		session_error(c, &why);
		return;
	}
	if (!send_event(c, held, m))
		session_error(c, &(struct refusal){ PUSHER_OVER_CAPACITY, S("Over capacity") });
}
