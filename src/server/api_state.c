/* api_state.c: GET …/channels and below: questions that the hub answers. What a name alone
 * decides is decided here. */
#include "codec/urlencode.h"
#include "core/channel_name.h"
#include "core/namespace.h"
#include "server/api.h"
#include "server/channel_info.h"
#include "server/worker.h"

struct state_query {
	str prefix;
	uint32_t info;
	bool has_info;
};

/* The last of each name counts, as in the signature. */
static struct state_query read_query(const struct http_call *call)
{
	struct state_query q = { 0 };
	str rest = call->request->query;
	struct query_pair pair;

	while (query_next(&rest, &call->worker->arena, &pair)) {
		if (str_eq(pair.name, S("filter_by_prefix"))) {
			q.prefix = pair.value;
		} else if (str_eq(pair.name, S("info"))) {
			q.info = channel_info_parse(pair.value);
			q.has_info = pair.value.n > 0;
		}
	}
	return q;
}

static void ask_hub(const struct http_call *call, enum hub_query kind, const struct state_query *q,
		    str text)
{
	struct to_hub_query *record =
		worker_mail(call->worker, TO_HUB_QUERY, sizeof(*record) + text.n);

	if (!record) {
		http_answer_busy(call);
		return;
	}
	*record = (struct to_hub_query){
		.conn = call->conn,
		.app = call->app,
		.kind = kind,
		.info = q->info,
		.has_info = q->has_info,
		.text_len = (uint32_t)text.n,
	};
	if (text.n)
		memcpy(record->text, text.p, text.n);
	conn_await_hub(call->conn);
}

static void refuse(const struct http_call *call, str text)
{
	http_answer_error(call, 400, "invalid_input", text);
}

static bool check_name(const struct http_call *call, str name)
{
	str problem;

	if (namespace_check(call->app, name, &call->worker->arena, &problem))
		return true;
	refuse(call, problem);
	return false;
}

void api_list_channels(const struct http_call *call)
{
	struct state_query q = read_query(call);

	ask_hub(call, QUERY_CHANNELS, &q, q.prefix);
}

void api_show_channel(const struct http_call *call)
{
	struct state_query q = read_query(call);
	str name = call->segments[1];

	if (!check_name(call, name))
		return;
	if ((q.info & INFO_USER_COUNT) && !(channel_traits(name) & CHANNEL_PRESENCE))
		refuse(call, S("user_count is only available for presence channels"));
	else
		ask_hub(call, QUERY_CHANNEL, &q, name);
}

void api_list_users(const struct http_call *call)
{
	struct state_query q = { 0 };
	str name = call->segments[1];

	if (!check_name(call, name))
		return;
	if (channel_traits(name) & CHANNEL_PRESENCE)
		ask_hub(call, QUERY_USERS, &q, name);
	else
		refuse(call, S("Only presence channels support this endpoint"));
}
