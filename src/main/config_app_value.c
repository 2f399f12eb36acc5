/* config_app_value.c: values that are written in an app's own way: numbers may be texts, null says
 * nothing. */
#include "main/config_app_value.h"

#include "base/check.h"
#include "core/origin.h"
#include "main/config_json.h"

void app_value_expected(struct app_reader *ar, struct json v, str path, const char *expected)
{
	struct buf got;

	buf_init(&got, 256);
	config_json_put_got(v, CONFIG_SHOW_NUMBER, &got);
	config_error(ar->r, config_json_place(ar->c, v), path, "expected %s, got %.*s", expected,
		     STR_ARG(buf_str(&got)));
	buf_fini(&got);
}

void app_value_unknown(struct app_reader *ar, struct json key, str path)
{
	config_error(ar->r, config_json_place(ar->c, key), path, "unknown key");
}

bool app_value_flag(struct app_reader *ar, struct json v, str path, bool *out)
{
	if (v.kind == JSON_NULL)
		return false;
	if (v.kind != JSON_TRUE && v.kind != JSON_FALSE) {
		app_value_expected(ar, v, path, "true or false");
		return false;
	}
	*out = v.kind == JSON_TRUE;
	return true;
}

/* 100 or "100", as the older schema has it. */
bool app_value_number(struct app_reader *ar, struct json v, str path, uint32_t floor,
		      uint32_t ceiling, uint32_t *out)
{
	uint64_t n = 0;
	bool is_number = false;
	struct buf got;

	if (v.kind == JSON_NULL)
		return false;
	if (v.kind == JSON_NUMBER)
		is_number = json_to_u64(v, ceiling, &n);
	else if (v.kind == JSON_STRING)
		is_number = str_to_u64(json_decode(v, &ar->c->arena), ceiling, &n);
	if (is_number && n >= floor) {
		*out = (uint32_t)n;
		return true;
	}
	buf_init(&got, 256);
	config_json_put_got(v, CONFIG_SHOW_TEXT, &got);
	config_error(ar->r, config_json_place(ar->c, v), path,
		     "expected a whole number from %u to %u, got %.*s", floor, ceiling,
		     STR_ARG(buf_str(&got)));
	buf_fini(&got);
	return false;
}

void app_value_rate(struct app_reader *ar, struct json v, str path)
{
	struct app_message_rate *rate = &ar->app->message_rate;
	struct json_member m;
	struct json_iter it;

	if (v.kind == JSON_NULL)
		return;
	*rate = (struct app_message_rate){ .max_attempts = 60, .decay_seconds = 60 };
	if (v.kind != JSON_OBJECT) {
		app_value_expected(ar, v, path, "an object");
		return;
	}
	for (it = json_enter(v); config_json_next(&it, v, path, ar->c, &m, ar->r);) {
		str at = config_json_path(ar->c, path, m.key);

		if (json_string_is(m.key, S("enabled")))
			app_value_flag(ar, m.value, at, &rate->enabled);
		else if (json_string_is(m.key, S("terminate_on_limit")))
			app_value_flag(ar, m.value, at, &rate->terminate_on_limit);
		else if (json_string_is(m.key, S("max_attempts")))
			app_value_number(ar, m.value, at, 1, UINT32_MAX, &rate->max_attempts);
		else if (json_string_is(m.key, S("decay_seconds")))
			app_value_number(ar, m.value, at, 1, 86400, &rate->decay_seconds);
		else
			app_value_unknown(ar, m.key, at);
	}
}

void app_value_origins(struct app_reader *ar, struct json v, str path)
{
	struct json_iter it;
	struct json item;

	if (v.kind == JSON_NULL)
		return;
	if (v.kind != JSON_ARRAY) {
		app_value_expected(ar, v, path, "a list of origins");
		return;
	}
	it = json_enter(v);
	for (size_t i = 0; json_next_item(&it, &item); i++) {
		str at = config_item_path(ar->c, path, i), pattern;
		const char *problem;

		if (item.kind != JSON_STRING) {
			app_value_expected(ar, item, at, "an origin");
			continue;
		}
		pattern = json_decode(item, &ar->c->arena);
		problem = origin_pattern_problem(pattern);
		if (problem)
			config_error(ar->r, config_json_place(ar->c, item), at,
				     "the origin \"%.*s\" %s", STR_ARG(pattern), problem);
		else
			app_add_origin(ar->app, pattern);
	}
}

void app_value_idempotency(struct app_reader *ar, struct json v, str path)
{
	bool is_enabled = ar->app->idempotency_ttl_s > 0;
	uint32_t ttl_s = ar->c->idempotency.ttl_seconds;
	struct json_member m;
	struct json_iter it;

	if (v.kind == JSON_NULL)
		return;
	if (v.kind != JSON_OBJECT) {
		app_value_expected(ar, v, path, "an object");
		return;
	}
	for (it = json_enter(v); config_json_next(&it, v, path, ar->c, &m, ar->r);) {
		str at = config_json_path(ar->c, path, m.key);

		if (json_string_is(m.key, S("enabled")))
			app_value_flag(ar, m.value, at, &is_enabled);
		else if (json_string_is(m.key, S("ttl_seconds")))
			app_value_number(ar, m.value, at, 1, CONFIG_TTL_MAX_S, &ttl_s);
		else
			app_value_unknown(ar, m.key, at);
	}
	ar->app->idempotency_ttl_s = is_enabled ? ttl_s : 0;
}

/* {} and {"enabled": false, …} ask for nothing. */
static bool object_is_off(struct json v)
{
	struct json_iter it = json_enter(v);
	struct json_member m;
	bool is_empty = true;

	while (json_next_member(&it, &m)) {
		is_empty = false;
		if (json_string_is(m.key, S("enabled")))
			return m.value.kind != JSON_TRUE;
	}
	return is_empty;
}

void app_value_later(struct app_reader *ar, enum app_key_kind kind, struct json v, str path)
{
	bool is_on = false;

	if (v.kind == JSON_NULL)
		return;
	if (kind == APP_KEY_LATER_FLAG)
		app_value_flag(ar, v, path, &is_on);
	else if (v.kind == JSON_OBJECT)
		is_on = !object_is_off(v);
	else
		app_value_expected(ar, v, path, "an object");
	if (is_on)
		config_warn(ar->r, config_json_place(ar->c, v), path,
			    "not available in this build");
}
