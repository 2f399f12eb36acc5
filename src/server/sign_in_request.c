#include "server/sign_in_request.h"

#define AUTH "Authentication error: "

static bool refuse(struct refusal *why, struct arena *a, str text)
{
	return REFUSE(why, a, PUSHER_UNAUTHORIZED, S(AUTH), text);
}

bool sign_in_request_read(const struct pusher_message *m, struct arena *a,
			  struct sign_in_request *out, struct refusal *why)
{
	struct json data = m->data;

	if (m->has_data && data.kind == JSON_STRING &&
	    json_parse(json_decode(data, a), PUSHER_DEPTH_MAX, &data, NULL) != OK)
		data.kind = JSON_NULL;
	if (!m->has_data || data.kind != JSON_OBJECT)
		return REFUSE(why, a, PUSHER_GENERIC,
			      S("Invalid message format: Invalid signin data format"));
	out->user_data = json_find_text(data, S("user_data"), a);
	out->auth = json_find_text(data, S("auth"), a);
	if (!out->user_data.p)
		return refuse(why, a, S("Missing 'user_data' field in signin data"));
	if (!out->auth.p)
		return refuse(why, a, S("Missing 'auth' field in signin data"));
	return true;
}

bool user_data_read(str text, struct arena *a, struct user_data *out, struct refusal *why)
{
	struct json_error error;
	struct json data, watchlist;

	if (json_parse(text, PUSHER_DEPTH_MAX, &data, &error) != OK)
		return REFUSE(why, a, PUSHER_UNAUTHORIZED, S(AUTH "Invalid user_data JSON: "),
			      str_from_cstr(error.text));
	out->id = json_find_text(data, S("id"), a);
	if (out->id.n == 0)
		return refuse(why, a, S("Missing 'id' field in user_data"));
	out->user_info = json_find(data, S("user_info"));
	watchlist = json_find(data, S("watchlist"));
	out->watchlist = watchlist.raw.p && watchlist.kind == JSON_ARRAY ? watchlist.raw : S("");
	return true;
}
