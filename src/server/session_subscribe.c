/* session_subscribe.c: joining and leaving channels.
 *
 * The worker checks what it can alone, then the hub decides; the connection's further input waits
 * for the answer. The local record is there before the question, so that the answer and everything
 * after it find it. The session joins when the answer comes and not before: what the hub sends
 * from then on is what the subscriber is owed. */
#include "core/auth.h"
#include "core/channel_name.h"
#include "core/namespace.h"
#include "server/session_priv.h"

#define AUTH "Authentication error: "

static const struct refusal OVER_CAPACITY = { PUSHER_OVER_CAPACITY, { "Over capacity", 13 } };

static bool check_auth(struct conn *c, const struct subscribe_request *r, unsigned traits,
		       struct refusal *why)
{
	struct arena *a = &c->worker->arena;

	if (!(traits & (CHANNEL_AUTHORIZED | CHANNEL_USER)))
		return true;
	if ((traits & CHANNEL_AUTHORIZED) && !r->auth.p)
		return REFUSE(why, a, PUSHER_UNAUTHORIZED,
			      S(AUTH "Authentication signature required for this channel"));
	if (traits & CHANNEL_USER ? session_is_user(c, r->channel) :
				    auth_channel_ok(conn_app(c), c->id, r->channel, r->channel_data,
						    traits & CHANNEL_PRESENCE, r->auth))
		return true;
	return REFUSE(why, a, PUSHER_UNAUTHORIZED, S(AUTH "Channel requires authentication"));
}

/* "base#alice,bob" is for who is signed in as one of them. */
static bool check_users(struct conn *c, str channel, struct refusal *why)
{
	const struct session_user *u = session_user(c);
	struct arena *a = &c->worker->arena;
	str users = namespace_users(channel);

	if (!users.p)
		return true;
	if (!u)
		return REFUSE(why, a, PUSHER_UNAUTHORIZED,
			      S(AUTH "User-limited channels require an authenticated user"));
	return namespace_has_user(users, u->id) ||
	       REFUSE(why, a, PUSHER_UNAUTHORIZED, S(AUTH "User '"), u->id,
		      S("' is not allowed to access channel '"), channel, S("'"));
}

/* What its namespace lets clients do. */
static bool check_namespace(struct conn *c, str channel, unsigned traits, struct refusal *why)
{
	const struct namespace *ns = namespace_of(conn_app(c), channel);
	struct arena *a = &c->worker->arena;

	if (!ns)
		return true;
	if (!ns->allow_subscribe_for_client)
		return REFUSE(why, a, PUSHER_UNAUTHORIZED, S(AUTH "Namespace '"), ns->name,
			      S("' does not allow client subscriptions"));
	if ((traits & CHANNEL_PRESENCE) && !ns->allow_presence_for_client)
		return REFUSE(why, a, PUSHER_UNAUTHORIZED, S(AUTH "Namespace '"), ns->name,
			      S("' does not allow client presence subscriptions"));
	return check_users(c, channel, why);
}

/* Without channel_data a connection is present as the user that it is signed in as. */
static bool read_signed_in_member(struct conn *c, struct presence_data *who, struct refusal *why)
{
	const struct session_user *u = session_user(c);
	struct arena *a = &c->worker->arena;
	struct json info = { 0 };

	if (!u)
		return REFUSE(
			why, a, PUSHER_GENERIC,
			S("Invalid message format: Missing channel_data for presence channel"));
	*who = (struct presence_data){ u->id, u->user_info };
	if (who->user_info.n > 0)
		json_parse(who->user_info, PUSHER_DEPTH_MAX, &info, NULL);
	return presence_info_check(info, conn_app(c)->limits.max_presence_member_size_in_kb, a,
				   why);
}

static bool read_member(struct conn *c, const struct subscribe_request *r, unsigned traits,
			struct presence_data *who, struct refusal *why)
{
	if (!(traits & CHANNEL_PRESENCE))
		return true;
	if (!r->channel_data.p)
		return read_signed_in_member(c, who, why);
	return presence_data_read(r->channel_data,
				  conn_app(c)->limits.max_presence_member_size_in_kb,
				  &c->worker->arena, who, why);
}

/* held: the subscription of a repeat, or NULL. False: memory is short. */
static bool ask_hub(struct conn *c, struct local_channel *local, const struct sub *held,
		    const struct presence_data *who)
{
	str texts[] = { local_name(local), who->user_id, who->user_info };
	struct to_hub_subscribe *r = worker_mail(c->worker, TO_HUB_SUBSCRIBE,
						 sizeof(*r) + texts[0].n + texts[1].n + texts[2].n);
	char *p;

	if (!r)
		return false;
	*r = (struct to_hub_subscribe){
		.conn = c,
		.local = local,
		.app = conn_app(c),
		.channel = held ? local->channel : NULL,
		.membership = held ? held->membership : NULL,
		.traits = local->traits,
		.name_len = (uint32_t)texts[0].n,
		.user_id_len = (uint32_t)texts[1].n,
		.user_info_len = (uint32_t)texts[2].n,
	};
	p = r->text;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].n > 0)
			memcpy(p, texts[i].p, texts[i].n);
		p += texts[i].n;
	}
	conn_await_hub(c);
	return true;
}

static void acknowledge(struct conn *c, const struct local_channel *local)
{
	conn_send(c, pusher_text_event_new(S("pusher_internal:subscription_succeeded"),
					   local_name(local), S("{}")));
}

/* The acknowledgement, then what follows it. */
static void welcome(struct conn *c, const struct to_worker_subscribed *m)
{
	struct local_channel *local = m->local;

	if (local->traits & CHANNEL_USER)
		session_signed_in(c);
	else if (local->traits & CHANNEL_PRESENCE)
		conn_send(c, m->roster);
	else
		acknowledge(c, local);
	if (m->follow)
		conn_send(c, m->follow);
}

static void forget_frames(const struct to_worker_subscribed *m)
{
	msg_unref(m->roster);
	msg_unref(m->follow);
}

bool session_join(struct conn *c, str name, unsigned traits, const struct presence_data *who)
{
	struct local_channel *local = local_get(c->local_app, name, traits);
	const struct sub *held = local ? subs_find(c, local) : NULL;

	if (!local)
		return false;
	if (held)
		return ask_hub(c, local, held, who);
	if (!ask_hub(c, local, NULL, who)) {
		local_refuse(local);
		return false;
	}
	local->n_asked++;
	return true;
}

/* A repeat that only the hub can answer: it knows the members and the last event. Any other is
 * acknowledged here. */
static bool is_acknowledged_here(struct conn *c, const struct subscribe_request *r, unsigned traits)
{
	struct local_channel *local = local_find(c->local_app, r->channel);

	if ((traits & (CHANNEL_PRESENCE | CHANNEL_CACHE)) || !local || !subs_find(c, local))
		return false;
	acknowledge(c, local);
	return true;
}

static void refuse(struct conn *c, const struct refusal *why)
{
	if (why->code == PUSHER_UNAUTHORIZED)
		session_count_error(c, ERROR_authentication_error);
	session_error(c, why);
}

void session_subscribe(struct conn *c, const struct pusher_message *m)
{
	struct arena *a = &c->worker->arena;
	struct presence_data who = { 0 };
	struct subscribe_request r;
	struct refusal why;
	unsigned traits;

	if (!subscribe_request_read(m, a, &r, &why) ||
	    !subscribe_request_check(&r, conn_app(c), a, &why)) {
		session_error(c, &why);
		return;
	}
	traits = channel_traits(r.channel);
	if (!check_namespace(c, r.channel, traits, &why) || !check_auth(c, &r, traits, &why) ||
	    !read_member(c, &r, traits, &who, &why))
		refuse(c, &why);
	else if (!is_acknowledged_here(c, &r, traits) && !session_join(c, r.channel, traits, &who))
		session_error(c, &OVER_CAPACITY);
}

static void count_one(struct counter *of_types, unsigned traits)
{
	counter_add(&of_types[channel_type_of(traits)], 1);
}

static void on_joined(struct conn *c, const struct to_worker_subscribed *m)
{
	struct local_channel *local = m->local;

	local->channel = m->channel;
	if (c->phase != CONN_OPEN) { /* it left while the hub was asked */
		session_leave(c, m->channel, m->membership);
		forget_frames(m);
		return;
	}
	subs_join(c, local, m->membership);
	if (!(local->traits & CHANNEL_USER))
		count_one(local->owner->activity->subscriptions, local->traits);
	c->is_authorized |= (local->traits & CHANNEL_AUTHORIZED) != 0;
	welcome(c, m);
}

static void on_refused(struct conn *c, struct local_channel *local)
{
	bool is_sign_in = (local->traits & CHANNEL_USER) != 0;

	local_refuse(local);
	if (c->phase != CONN_OPEN)
		return;
	if (is_sign_in)
		session_sign_in_failed(c);
	session_error(c, &OVER_CAPACITY);
}

void session_on_subscribed(struct conn *c, const struct to_worker_subscribed *m)
{
	struct local_channel *local = m->local;

	if (!m->is_repeat)
		local->n_asked--;
	if (m->over_capacity)
		on_refused(c, local);
	else if (!m->is_repeat)
		on_joined(c, m);
	else if (c->phase == CONN_OPEN)
		welcome(c, m);
	else
		forget_frames(m);
}

/* Leaving */

void session_leave(struct conn *c, struct channel *channel, struct membership *membership)
{
	struct to_hub_leave *r =
		worker_mail(c->worker, TO_HUB_LEAVE, sizeof(*r) + sizeof(r->entries[0]));

	*r = (struct to_hub_leave){ .n = 1 };
	r->entries[0] = (struct to_hub_leave_entry){ channel, membership };
}

/* Not to be there is no error, and there is no acknowledgement. Its user's channel is not the
 * client's to leave. */
void session_unsubscribe(struct conn *c, const struct pusher_message *m)
{
	struct local_channel *local;
	struct sub *held = NULL;
	struct refusal why;
	str name;

	if (!unsubscribe_request_read(m, &c->worker->arena, &name, &why)) {
		session_error(c, &why);
		return;
	}
	local = local_find(c->local_app, name);
	if (local && !(local->traits & CHANNEL_USER))
		held = subs_find(c, local);
	if (!held)
		return;
	count_one(local->owner->activity->unsubscriptions, local->traits);
	session_leave(c, local->channel, held->membership);
	subs_leave(c, held);
}
