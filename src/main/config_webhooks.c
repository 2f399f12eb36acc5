/* config_webhooks.c: an app's webhooks. What an app leaves open of retries and time-outs is as in the
 * global `webhooks`. */
#include "main/config_app_value.h"

#include "base/check.h"
#include "core/webhook.h"
#include "io/http_client.h"
#include "main/config_json.h"
#include "main/nearest.h"

enum { MS_MAX = 86400000 };

/* One webhook while it is read. */
struct hook_reader {
	struct app_reader *app;
	struct webhook *hook;
	bool names_events; /* at least one, if only one of later versions */
};

/* A key of one of its objects, and who reads what stands behind it. */
struct hook_key {
	str name;
	void (*read)(struct hook_reader *hr, struct json v, str path);
};
#define KEY(literal, reader)                                                                       \
	{                                                                                          \
		{ literal, sizeof(literal) - 1 }, reader                                           \
	}

static struct config_place place(struct hook_reader *hr, struct json v)
{
	return config_json_place(hr->app->c, v);
}

static str decode(struct hook_reader *hr, struct json v)
{
	return json_decode(v, &hr->app->c->arena);
}

static void report_unknown(struct hook_reader *hr, struct json key, str path,
			   const struct hook_key *keys, size_t n_keys)
{
	struct nearest n;

	nearest_init(&n, decode(hr, key));
	for (size_t i = 0; i < n_keys; i++)
		nearest_offer(&n, keys[i].name);
	if (n.best.n)
		config_error(hr->app->r, place(hr, key), path,
			     "unknown key, did you mean \"%.*s\"?", STR_ARG(n.best));
	else
		app_value_unknown(hr->app, key, path);
}

static void member_read(struct hook_reader *hr, const struct json_member *m, str path,
			const struct hook_key *keys, size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (json_string_is(m->key, keys[i].name)) {
			if (m->value.kind != JSON_NULL)
				keys[i].read(hr, m->value, path);
			return;
		}
	}
	report_unknown(hr, m->key, path, keys, n_keys);
}

static void object_read(struct hook_reader *hr, struct json v, str path,
			const struct hook_key *keys, size_t n_keys)
{
	struct app_reader *ar = hr->app;
	struct json_member m;
	struct json_iter it;

	if (v.kind != JSON_OBJECT) {
		app_value_expected(ar, v, path, "an object");
		return;
	}
	for (it = json_enter(v); config_json_next(&it, v, path, ar->c, &m, ar->r);)
		member_read(hr, &m, config_json_path(ar->c, path, m.key), keys, n_keys);
}

/* Calls read for each text of a list. */
static void texts_read(struct hook_reader *hr, struct json v, str path, const char *expected,
		       void (*read)(struct hook_reader *hr, struct json text, str path))
{
	struct json_iter it;
	struct json item;

	if (v.kind != JSON_ARRAY) {
		app_value_expected(hr->app, v, path, expected);
		return;
	}
	it = json_enter(v);
	for (size_t i = 0; json_next_item(&it, &item); i++) {
		str at = config_item_path(hr->app->c, path, i);

		if (item.kind == JSON_STRING)
			read(hr, item, at);
		else
			app_value_expected(hr->app, item, at, "a text");
	}
}

static bool is_text(struct hook_reader *hr, struct json v, str path)
{
	if (v.kind == JSON_STRING)
		return true;
	app_value_expected(hr->app, v, path, "a text");
	return false;
}

/* Events */

/* Of protocol 2, which the original has. */
static const str events_later[] = {
	{ "member_updated", 14 },
	{ "ai_run_started", 14 },
	{ "ai_run_ended", 12 },
	{ "ai_turn_started", 15 },
	{ "ai_turn_ended", 13 },
	{ "ai_cancel_requested", 19 },
	{ "ai_stream_cancelled", 19 },
	{ "ai_stream_orphaned", 18 },
	{ "message_version_created", 23 },
	{ "annotation_created", 18 },
	{ "annotation_deleted", 18 },
};

static bool is_event_of_later(str name)
{
	for (size_t i = 0; i < ARRAY_LEN(events_later); i++) {
		if (str_eq(events_later[i], name))
			return true;
	}
	return false;
}

static void report_event(struct hook_reader *hr, struct json v, str path)
{
	str name = decode(hr, v);
	struct nearest n;

	if (is_event_of_later(name)) {
		config_warn(hr->app->r, place(hr, v), path, "\"%.*s\": no such event in this build",
			    STR_ARG(name));
		return;
	}
	nearest_init(&n, name);
	for (size_t i = 0; i < N_WEBHOOK_EVENTS; i++)
		nearest_offer(&n, webhook_event_names[i]);
	if (n.best.n)
		config_error(hr->app->r, place(hr, v), path,
			     "there is no event \"%.*s\", did you mean \"%.*s\"?", STR_ARG(name),
			     STR_ARG(n.best));
	else
		config_error(hr->app->r, place(hr, v), path, "there is no event \"%.*s\"",
			     STR_ARG(name));
}

static void event_read(struct hook_reader *hr, struct json v, str path)
{
	hr->names_events = true;
	for (unsigned i = 0; i < N_WEBHOOK_EVENTS; i++) {
		if (json_string_is(v, webhook_event_names[i])) {
			hr->hook->events |= 1u << i;
			return;
		}
	}
	report_event(hr, v, path);
}

static void events_read(struct hook_reader *hr, struct json v, str path)
{
	texts_read(hr, v, path, "a list of events", event_read);
}

/* Filter */

static void prefix_read(struct hook_reader *hr, struct json v, str path)
{
	if (is_text(hr, v, path))
		webhook_set_prefix(hr->hook, decode(hr, v));
}

static void suffix_read(struct hook_reader *hr, struct json v, str path)
{
	if (is_text(hr, v, path))
		webhook_set_suffix(hr->hook, decode(hr, v));
}

static void pattern_read(struct hook_reader *hr, struct json v, str path)
{
	struct arena *a = &hr->app->c->arena;
	str problem;

	if (!is_text(hr, v, path))
		return;
	pattern_free(hr->hook->channel_pattern);
	hr->hook->channel_pattern = pattern_new(decode(hr, v), a, &problem);
	if (!hr->hook->channel_pattern)
		config_error(hr->app->r, place(hr, v), path, "the pattern is wrong: %.*s",
			     STR_ARG(problem));
}

static void namespace_read(struct hook_reader *hr, struct json v, str path)
{
	if (is_text(hr, v, path))
		webhook_add_namespace(hr->hook, decode(hr, v));
}

static void namespaces_read(struct hook_reader *hr, struct json v, str path)
{
	texts_read(hr, v, path, "a list of namespaces", namespace_read);
}

static void filter_read(struct hook_reader *hr, struct json v, str path)
{
	static const struct hook_key keys[] = {
		KEY("channel_prefix", prefix_read),
		KEY("channel_suffix", suffix_read),
		KEY("channel_pattern", pattern_read),
		KEY("channel_namespace", namespace_read),
		KEY("channel_namespaces", namespaces_read),
	};

	object_read(hr, v, path, keys, ARRAY_LEN(keys));
}

/* Headers */

static void header_read(struct hook_reader *hr, const struct json_member *m, str path)
{
	str name = decode(hr, m->key), value;

	if (!is_text(hr, m->value, path))
		return;
	value = decode(hr, m->value);
	if (http_client_is_header(name, value))
		webhook_add_header(hr->hook, name, value);
	else
		config_error(hr->app->r, place(hr, m->key), path, "this cannot be a header");
}

static void headers_read(struct hook_reader *hr, struct json v, str path)
{
	struct app_reader *ar = hr->app;
	struct json_member m;
	struct json_iter it;

	if (v.kind != JSON_OBJECT) {
		app_value_expected(ar, v, path, "an object");
		return;
	}
	for (it = json_enter(v); config_json_next(&it, v, path, ar->c, &m, ar->r);)
		header_read(hr, &m, config_json_path(ar->c, path, m.key));
}

/* Retries */

static void retry_enabled_read(struct hook_reader *hr, struct json v, str path)
{
	app_value_flag(hr->app, v, path, &hr->hook->retry.enabled);
}

static void attempts_read(struct hook_reader *hr, struct json v, str path)
{
	app_value_number(hr->app, v, path, 0, UINT32_MAX, &hr->hook->retry.max_attempts);
}

static void elapsed_read(struct hook_reader *hr, struct json v, str path)
{
	app_value_number(hr->app, v, path, 0, MS_MAX, &hr->hook->retry.max_elapsed_ms);
}

static void initial_backoff_read(struct hook_reader *hr, struct json v, str path)
{
	app_value_number(hr->app, v, path, 1, MS_MAX, &hr->hook->retry.initial_backoff_ms);
}

static void max_backoff_read(struct hook_reader *hr, struct json v, str path)
{
	app_value_number(hr->app, v, path, 1, MS_MAX, &hr->hook->retry.max_backoff_ms);
}

static void retry_read(struct hook_reader *hr, struct json v, str path)
{
	static const struct hook_key keys[] = {
		KEY("enabled", retry_enabled_read),
		KEY("max_attempts", attempts_read),
		KEY("max_elapsed_time_ms", elapsed_read),
		KEY("initial_backoff_ms", initial_backoff_read),
		KEY("max_backoff_ms", max_backoff_read),
	};

	object_read(hr, v, path, keys, ARRAY_LEN(keys));
}

static void timeout_read(struct hook_reader *hr, struct json v, str path)
{
	app_value_number(hr->app, v, path, 1, MS_MAX, &hr->hook->timeout_ms);
}

/* The whole */

static void nothing_read(struct hook_reader *hr, struct json v, str path)
{
}

static void lambda_read(struct hook_reader *hr, struct json v, str path)
{
	config_warn(hr->app->r, place(hr, v), path, "is ignored, because there is a \"url\"");
}

static const struct hook_key hook_keys[] = {
	KEY("url", nothing_read), /* first of all */
	KEY("lambda", lambda_read),
	KEY("lambda_function", lambda_read),
	KEY("event_types", events_read),
	KEY("filter", filter_read),
	KEY("headers", headers_read),
	KEY("retry", retry_read),
	KEY("request_timeout_ms", timeout_read),
};

static struct webhook_retry global_retry(const struct config *c)
{
	return (struct webhook_retry){
		.enabled = c->webhooks.retry.enabled,
		.max_attempts = c->webhooks.retry.max_attempts == CONFIG_NONE ?
					0 :
					(uint32_t)c->webhooks.retry.max_attempts,
		.max_elapsed_ms = c->webhooks.retry.max_elapsed_time_ms,
		.initial_backoff_ms = c->webhooks.retry.initial_backoff_ms,
		.max_backoff_ms = c->webhooks.retry.max_backoff_ms,
	};
}

static bool says(struct json object, str name)
{
	struct json v = json_find(object, name);

	return v.raw.p && v.kind != JSON_NULL;
}

static bool has_lambda(struct json object)
{
	return says(object, S("lambda")) || says(object, S("lambda_function"));
}

/* NULL: it goes nowhere, and that was said. */
static struct webhook *hook_new(struct app_reader *ar, struct json object, str path)
{
	struct json v = json_find(object, S("url"));
	str url = json_find_text(object, S("url"), &ar->c->arena);
	struct webhook *w;

	if (url.n == 0 && has_lambda(object)) {
		config_warn(ar->r, config_json_place(ar->c, object), path,
			    "webhooks to AWS Lambda are not available in this build");
		return NULL;
	}
	if (!http_client_is_url(url)) {
		config_error(ar->r, config_json_place(ar->c, v.raw.p ? v : object), path,
			     "the webhook needs a \"url\" that begins with http:// or https://");
		return NULL;
	}
	w = webhook_add(ar->app, url);
	w->retry = global_retry(ar->c);
	w->timeout_ms = ar->c->webhooks.request_timeout_ms;
	return w;
}

static void webhook_read(struct app_reader *ar, struct json object, str path)
{
	struct hook_reader hr = { .app = ar };

	if (object.kind != JSON_OBJECT) {
		app_value_expected(ar, object, path, "a webhook: { … }");
		return;
	}
	hr.hook = hook_new(ar, object, path);
	if (!hr.hook)
		return;
	object_read(&hr, object, path, hook_keys, ARRAY_LEN(hook_keys));
	if (!hr.names_events)
		config_error(ar->r, config_json_place(ar->c, object), path,
			     "the webhook needs \"event_types\", a list of events");
	if (hr.hook->retry.initial_backoff_ms > hr.hook->retry.max_backoff_ms)
		config_error(ar->r, config_json_place(ar->c, object), path,
			     "initial_backoff_ms is more than max_backoff_ms, which is %u",
			     hr.hook->retry.max_backoff_ms);
}

static bool is_switched_off(const struct config *c)
{
	return str_eq(c->queue.driver, S("none"));
}

static void finish(struct app_reader *ar, struct json v, str path)
{
	struct app *a = ar->app;

	if (is_switched_off(ar->c)) {
		config_warn(ar->r, config_json_place(ar->c, v), path,
			    "are not sent, because queue.driver is \"none\"");
		webhook_set_unref(a->webhooks);
		a->webhooks = NULL;
		return;
	}
	a->webhooks->gather_ms =
		ar->c->webhooks.batching.enabled ? ar->c->webhooks.batching.duration : 0;
	a->webhooks->events_max =
		ar->c->webhooks.batching.enabled ? ar->c->webhooks.batching.size : 1;
}

void app_value_webhooks(struct app_reader *ar, struct json v, str path)
{
	struct json_iter it;
	struct json item;

	if (v.kind == JSON_NULL)
		return;
	if (v.kind != JSON_ARRAY) {
		app_value_expected(ar, v, path, "a list of webhooks");
		return;
	}
	it = json_enter(v);
	for (size_t i = 0; json_next_item(&it, &item); i++)
		webhook_read(ar, item, config_item_path(ar->c, path, i));
	if (ar->app->webhooks)
		finish(ar, v, path);
}
