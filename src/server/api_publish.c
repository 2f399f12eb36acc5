/* api_publish.c: POST …/events and …/batch_events: a checked body becomes one record to the hub,
 * whose answer is the call's. */
#include "server/api.h"
#include "server/event_body.h"
#include "server/worker.h"

static void answer_refusal(const struct http_call *call, const struct event_refusal *why)
{
	if (why->status == 503)
		http_answer_busy(call);
	else if (why->code)
		http_answer_error(call, why->status, why->code, why->text);
	else
		http_answer(call, why->status, HTTP_PLAIN_TEXT, (str){ 0 }, why->text);
}

static void send_to_hub(const struct http_call *call, const struct event_body *body)
{
	struct to_hub_publish *record = worker_mail(call->worker, TO_HUB_PUBLISH, body->bytes);

	if (!record) {
		http_answer_busy(call);
		return;
	}
	event_body_write(body, &call->worker->arena, record);
	record->conn = call->conn;
	record->app = call->app;
	record->born_ns = loop_clock(call->worker->loop)->mono_ns;
	call->conn->answer_is_batch = body->is_batch;
	conn_await_hub(call->conn);
}

static str idempotency_header(const struct http_call *call)
{
	const struct http_header *h = http_header_find(call->request, S("x-idempotency-key"));

	return h ? h->value : (str){ 0 };
}

static void publish(const struct http_call *call, bool is_batch)
{
	struct event_refusal why;
	struct event_body body;

	if (event_body_parse(call->body, is_batch, call->app, idempotency_header(call),
			     &call->worker->arena, &body, &why) != OK)
		answer_refusal(call, &why);
	else if (body.n_events == 0)
		http_answer_json(call, 200, S("{}"));
	else
		send_to_hub(call, &body);
}

void api_publish_event(const struct http_call *call)
{
	publish(call, false);
}

void api_publish_batch(const struct http_call *call)
{
	publish(call, true);
}
