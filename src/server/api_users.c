/* api_users.c: POST …/users/{userId}/…: closing everything that is signed in as a user. Bodies
 * are not looked at. */
#include "codec/pusher.h"
#include "server/api.h"
#include "server/worker.h"

static void close_user(const struct http_call *call, enum pusher_code code, str reason)
{
	str prefix = S(CHANNEL_USER_PREFIX), user_id = call->segments[1];
	size_t n = prefix.n + user_id.n;
	struct to_hub_close_user *r = worker_mail(call->worker, TO_HUB_CLOSE_USER, sizeof(*r) + n);

	if (!r) {
		http_answer_busy(call);
		return;
	}
	*r = (struct to_hub_close_user){
		.conn = call->conn,
		.app = call->app,
		.code = code,
		.reason = reason,
		.channel_len = (uint32_t)n,
	};
	memcpy(r->text, prefix.p, prefix.n);
	memcpy(r->text + prefix.n, user_id.p, user_id.n);
	conn_await_hub(call->conn);
}

void api_terminate_user(const struct http_call *call)
{
	close_user(call, PUSHER_UNAUTHORIZED, S("You got disconnected by the app."));
}

void api_reconnect_user(const struct http_call *call)
{
	close_user(call, PUSHER_RECONNECT, S("Force reconnect requested by the app."));
}
