/* api_health.c: may traffic come here? For balancers: unsigned, unlimited, cheap. Reasons are
 * for the log, not for strangers. */
#include "server/api.h"
#include "server/worker.h"

#define ANSWER_HEALTH(call, status, word)                                                          \
	http_answer(call, status, HTTP_PLAIN_TEXT, S("x-health-check: " word "\r\n"), S(word))

/* In statistics it is a call like any other. */
static void count(const struct http_call *call, struct activity *a)
{
	call->conn->counted_as = a;
}

void api_health(const struct http_call *call)
{
	count(call, call->worker->system);
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

	if (app)
		count(call, worker_local_app(call->worker, app)->activity);
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

/* /up for balancers that should send clients elsewhere before this node is full. */
void api_ready(const struct http_call *call)
{
	if (!call->worker->is_draining &&
	    admission_is_full(call->worker->admission, call->worker->options))
		ANSWER_HEALTH(call, 503, "CAPACITY");
	else
		api_health(call);
}

static str traffic_word(const struct http_call *call, enum memory_pressure p)
{
	if (call->worker->is_draining)
		return S("DRAINING");
	return p == PRESSURE_SHEDDING ? S("MEMORY_PRESSURE") : S("ACCEPTING");
}

/* Would a new connection be accepted? */
void api_accept_traffic(const struct http_call *call)
{
	static const char *const monitors[] = {
		[PRESSURE_DISABLED] = "DISABLED",
		[PRESSURE_UNAVAILABLE] = "UNAVAILABLE",
		[PRESSURE_AVAILABLE] = "AVAILABLE",
		[PRESSURE_SHEDDING] = "SHEDDING",
	};
	struct admission *a = call->worker->admission;
	enum memory_pressure p = admission_pressure(a);
	str word = traffic_word(call, p);
	struct buf lines;

	buf_init(&lines, 256);
	buf_printf(&lines,
		   "x-accept-traffic: %.*s\r\nx-memory-pressure-monitor: %s\r\n"
		   "x-memory-limit-source: %s\r\n",
		   STR_ARG(word), monitors[p], admission_limit_source(a));
	http_answer(call, str_eq(word, S("ACCEPTING")) ? 200 : 503, HTTP_PLAIN_TEXT,
		    buf_str(&lines), word);
	buf_fini(&lines);
}
