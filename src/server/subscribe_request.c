/* subscribe_request.c: the texts are the original's, word for word: people search for them. What
 * it refuses only because members that V1 does not use have an odd type (filter, modes) is not
 * looked at. */
#include "server/subscribe_request.h"

#include "core/channel_name.h"
#include "core/namespace.h"

#define INVALID "Invalid message format: "
#define CHANNEL "Channel error: "

/* Subscribe */

bool subscribe_request_read(const struct pusher_message *m, struct arena *a,
			    struct subscribe_request *out, struct refusal *why)
{
	struct json data = m->data, rewind;
	bool is_text = m->has_data && data.kind == JSON_STRING;

	if (!m->has_data || data.kind == JSON_NULL)
		return REFUSE(why, a, PUSHER_GENERIC,
			      S(INVALID "Invalid subscription data format"));
	if (is_text && json_parse(json_decode(data, a), PUSHER_DEPTH_MAX, &data, NULL) != OK)
		return REFUSE(why, a, PUSHER_GENERIC,
			      S(INVALID "Failed to parse subscription data"));
	rewind = json_find(data, S("rewind"));
	*out = (struct subscribe_request){
		.channel = json_find_text(data, S("channel"), a),
		.auth = json_find_text(data, S("auth"), a),
		.channel_data = json_find_text(data, S("channel_data"), a),
		.has_rewind = rewind.raw.p && rewind.kind != JSON_NULL,
	};
	if (out->channel.p)
		return true;
	return REFUSE(why, a, PUSHER_GENERIC,
		      is_text ? S(INVALID "Missing channel field in string data") :
				S(INVALID "Missing channel field"));
}

bool subscribe_request_check(const struct subscribe_request *r, const struct app *app,
			     struct arena *a, struct refusal *why)
{
	str name = r->channel, problem;

	if (str_has_prefix(name, S("[meta]")))
		return REFUSE(
			why, a, PUSHER_CHANNEL,
			S(CHANNEL "Metachannel subscriptions are only supported on protocol V2"));
	if (str_find_char(name, '*') < name.n)
		return REFUSE(
			why, a, PUSHER_CHANNEL,
			S(CHANNEL "Wildcard subscriptions are only supported on protocol V2"));
	if (!namespace_check(app, name, a, &problem))
		return REFUSE(why, a, PUSHER_CHANNEL, S(CHANNEL), problem);
	/* "#x" and "private-#x": nobody's users, and not a user's channel either. */
	if (str_find_char(name, '#') < name.n && !namespace_users(name).p &&
	    !(channel_traits(name) & CHANNEL_USER))
		return REFUSE(why, a, PUSHER_CHANNEL, S(CHANNEL "Channel '"), name,
			      S("' uses user-limited syntax but the namespace does not allow it"));
	if (r->has_rewind)
		return REFUSE(why, a, PUSHER_CHANNEL,
			      S(CHANNEL "Channel rewind is only supported on protocol V2"));
	return true;
}

/* Presence */

static bool is_integer(struct json v)
{
	return v.kind == JSON_NUMBER && str_find_char(v.raw, '.') == v.raw.n &&
	       str_find_char(v.raw, 'e') == v.raw.n && str_find_char(v.raw, 'E') == v.raw.n;
}

/* Empty: none that can be used. */
static str user_id(struct json channel_data, struct arena *a)
{
	struct json v = json_find(channel_data, S("user_id"));

	if (!v.raw.p)
		return S("");
	if (v.kind == JSON_STRING)
		return json_decode(v, a);
	if (!is_integer(v))
		return S("");
	return str_eq(v.raw, S("-0")) ? S("0") : v.raw;
}

/* Quotes do not count. */
static uint64_t info_kb(struct json info)
{
	size_t n = info.kind == JSON_STRING ? info.raw.n - 2 : info.raw.n;

	return n / 1024;
}

bool presence_info_check(struct json info, uint32_t info_kb_max, struct arena *a,
			 struct refusal *why)
{
	if (!info.raw.p || info_kb_max == NO_LIMIT || info_kb(info) <= info_kb_max)
		return true;
	return REFUSE(why, a, PUSHER_CHANNEL, S(CHANNEL "Presence member data size ("),
		      arena_number(a, info_kb(info)), S("KB) exceeds limit ("),
		      arena_number(a, info_kb_max), S("KB)"));
}

bool presence_data_read(str channel_data, uint32_t info_kb_max, struct arena *a,
			struct presence_data *out, struct refusal *why)
{
	struct json data, info;

	if (json_parse(channel_data, PUSHER_DEPTH_MAX, &data, NULL) != OK)
		return REFUSE(why, a, PUSHER_GENERIC,
			      S(INVALID "Invalid channel_data JSON for presence"));
	info = json_find(data, S("user_info"));
	*out = (struct presence_data){ user_id(data, a), info.raw };
	if (out->user_id.n == 0)
		return REFUSE(why, a, PUSHER_CHANNEL, S(CHANNEL "Missing user_id in channel_data"));
	return presence_info_check(info, info_kb_max, a, why);
}

/* Unsubscribe */

bool unsubscribe_request_read(const struct pusher_message *m, struct arena *a, str *channel,
			      struct refusal *why)
{
	if (!m->has_data || m->data.kind == JSON_NULL)
		return REFUSE(why, a, PUSHER_GENERIC,
			      S(INVALID "Missing data in unsubscribe message"));
	*channel = m->data.kind == JSON_STRING ? json_decode(m->data, a) :
						 json_find_text(m->data, S("channel"), a);
	if (!channel->p)
		return REFUSE(why, a, PUSHER_GENERIC,
			      S(INVALID "Missing channel in unsubscribe message"));
	return true;
}
