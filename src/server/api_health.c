/* api_health.c: may traffic come here? For balancers: unsigned, unlimited, cheap. Reasons are
 * for the log, not for strangers. */
#include "server/api.h"
#include "server/worker.h"

#define ANSWER_HEALTH(call, status, word)                                                          \
	http_answer(call, status, HTTP_PLAIN_TEXT, S("x-health-check: " word "\r\n"), S(word))

void api_health(const struct http_call *call)
{
	if (call->worker->is_draining)
		ANSWER_HEALTH(call, 503, "DRAINING");
	else if (call->worker->apps->n == 0)
		ANSWER_HEALTH(call, 503, "ERROR");
	else
		ANSWER_HEALTH(call, 200, "OK");
}

void api_health_of_app(const struct http_call *call)
{
	const struct app *app = app_by_id(call->worker->apps, call->segments[0]);

	if (call->worker->is_draining)
		ANSWER_HEALTH(call, 503, "DRAINING");
	else if (!app)
		ANSWER_HEALTH(call, 404, "NOT_FOUND");
	else if (!app->enabled)
		ANSWER_HEALTH(call, 503, "ERROR");
	else
		ANSWER_HEALTH(call, 200, "OK");
}

void api_live(const struct http_call *call)
{
	http_answer(call, 200, NULL, (str){ 0 }, (str){ 0 });
}
