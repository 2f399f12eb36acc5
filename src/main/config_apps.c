/* config_apps.c: who is served.
 *
 * An app of the file is read after everything else is known, because limits that it leaves open
 * come from the global ones and because the environment may replace it. Both generations of the
 * original's schema fill the same structure. An app that is wrong is still read to its end,
 * under a name of its own, so that all of its problems are reported. */
#include "main/config_apps.h"

#include "base/check.h"
#include "core/origin.h"
#include "main/config_app_value.h"
#include "main/config_env.h"
#include "main/config_json.h"
#include "main/nearest.h"

#include <stdio.h>

struct apps_reader {
	struct config *c;
	struct config_report *r;
	struct app_table *table;
};

bool app_is_demo(const struct app *a)
{
	return str_eq(a->key, S(DEMO_APP_KEY)) && str_eq(a->secret, S(DEMO_APP_SECRET));
}

static void key_read(struct app_reader *ar, const struct app_key *k, struct json v, str path)
{
	void *field = (char *)ar->app + k->offset;

	switch (k->kind) {
	case APP_KEY_LIMIT:
		ar->is_limit_set[k - app_keys] |=
			app_value_number(ar, v, path, k->floor, k->ceiling, field);
		return;
	case APP_KEY_FLAG:
		app_value_flag(ar, v, path, field);
		return;
	case APP_KEY_RATE:
		app_value_rate(ar, v, path);
		return;
	case APP_KEY_ORIGINS:
		app_value_origins(ar, v, path);
		return;
	case APP_KEY_NAMESPACES:
		app_value_namespaces(ar, v, path);
		return;
	case APP_KEY_IDEMPOTENCY:
		app_value_idempotency(ar, v, path);
		return;
	case APP_KEY_WEBHOOKS:
		app_value_webhooks(ar, v, path);
		return;
	case APP_KEY_LATER_FLAG:
	case APP_KEY_LATER_OBJECT:
		app_value_later(ar, k->kind, v, path);
		return;
	}
	NEVER("app_key_kind");
}

/* Keys */

enum { N_SECTIONS = 4, ANY_SECTION = -1 };

static const struct app_key *find_key(struct json key, int section)
{
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		if ((section == ANY_SECTION || (int)app_keys[i].section == section) &&
		    json_string_is(key, app_keys[i].name))
			return &app_keys[i];
	}
	return NULL;
}

static void report_unknown(struct app_reader *ar, struct json key, str path, int section)
{
	static const str own[] = {
		{ "id", 2 }, { "key", 3 }, { "secret", 6 }, { "enabled", 7 }, { "policy", 6 }
	};
	const struct app_key *elsewhere = find_key(key, ANY_SECTION);
	struct nearest n;

	nearest_init(&n, json_decode(key, &ar->c->arena));
	for (size_t i = 0; section == ANY_SECTION && i < ARRAY_LEN(own); i++)
		nearest_offer(&n, own[i]);
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		if (section == ANY_SECTION || (int)app_keys[i].section == section)
			nearest_offer(&n, app_keys[i].name);
	}
	for (size_t i = 1; section == APP_POLICY && i < N_SECTIONS; i++)
		nearest_offer(&n, app_section_names[i]);
	if (elsewhere)
		config_error(ar->r, config_json_place(ar->c, key), path,
			     "belongs into \"policy%s%.*s\"",
			     elsewhere->section == APP_POLICY ? "" : ".",
			     STR_ARG(app_section_names[elsewhere->section]));
	else if (n.best.n)
		config_error(ar->r, config_json_place(ar->c, key), path,
			     "unknown key, did you mean \"%.*s\"?", STR_ARG(n.best));
	else
		config_error(ar->r, config_json_place(ar->c, key), path, "unknown key");
}

static void section_read(struct app_reader *ar, struct json v, str path, enum app_section section);

static void section_member_read(struct app_reader *ar, const struct json_member *m, str path,
				enum app_section section)
{
	const struct app_key *k = find_key(m->key, section);

	for (int i = 1; section == APP_POLICY && i < N_SECTIONS; i++) {
		if (json_string_is(m->key, app_section_names[i])) {
			section_read(ar, m->value, path, (enum app_section)i);
			return;
		}
	}
	if (k)
		key_read(ar, k, m->value, path);
	else
		report_unknown(ar, m->key, path, section);
}

/* The policy, or one section of it. */
static void section_read(struct app_reader *ar, struct json v, str path, enum app_section section)
{
	struct json_member m;
	struct json_iter it;

	if (v.kind == JSON_NULL)
		return;
	if (v.kind != JSON_OBJECT) {
		app_value_expected(ar, v, path, "an object");
		return;
	}
	for (it = json_enter(v); config_json_next(&it, v, path, ar->c, &m, ar->r);)
		section_member_read(ar, &m, config_json_path(ar->c, path, m.key), section);
}

/* The app itself */

/* Members of an app that are not keys of the table, all optional here. */
struct app_members {
	struct json id, key, secret, enabled, policy; /* raw.n == 0: not there */
};

static struct json *own_member(struct app_members *own, struct json key)
{
	const struct {
		str name;
		struct json *to;
	} table[] = { { S("id"), &own->id },
		      { S("key"), &own->key },
		      { S("secret"), &own->secret },
		      { S("enabled"), &own->enabled },
		      { S("policy"), &own->policy } };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (json_string_is(key, table[i].name))
			return table[i].to;
	}
	return NULL;
}

static struct app_members members_of(struct json object)
{
	struct app_members own = { 0 };
	struct json_iter it = json_enter(object);
	struct json_member m;

	while (json_next_member(&it, &m)) {
		struct json *to = own_member(&own, m.key);

		if (to)
			*to = m.value;
	}
	if (own.policy.kind == JSON_NULL)
		own.policy.raw.n = 0;
	return own;
}

static void flat_read(struct app_reader *ar, struct json object, str path, bool has_policy)
{
	struct app_members ignored;
	struct json_iter it = json_enter(object);
	struct json_member m;

	while (config_json_next(&it, object, path, ar->c, &m, ar->r)) {
		const struct app_key *k = find_key(m.key, ANY_SECTION);
		str at = config_json_path(ar->c, path, m.key);

		if (own_member(&ignored, m.key))
			continue;
		if (!k)
			report_unknown(ar, m.key, at, ANY_SECTION);
		else if (has_policy)
			config_warn(ar->r, config_json_place(ar->c, m.key), at,
				    "is ignored, because the app has a \"policy\"");
		else
			key_read(ar, k, m.value, at);
	}
}

static void enabled_read(struct app_reader *ar, struct json object, struct json v, str path)
{
	ar->app->enabled = false;
	if (v.raw.n)
		app_value_flag(ar, v, config_path(ar->c, path, S("enabled")), &ar->app->enabled);
	else
		config_warn(ar->r, config_json_place(ar->c, object), path,
			    "the app is disabled, because it does not say \"enabled\": true");
}

/* One of id, key, secret: a text that is not empty. */
static bool identity_read(struct apps_reader *rd, struct json object, struct json v, str path,
			  const char *name, str *out)
{
	struct config_place at = config_json_place(rd->c, v.raw.n ? v : object);

	*out = v.raw.n && v.kind == JSON_STRING ? json_decode(v, &rd->c->arena) : S("");
	if (out->n)
		return true;
	if (v.raw.n == 0)
		config_error(rd->r, at, path, "the app has no \"%s\"", name);
	else
		config_error(rd->r, at, path, "\"%s\" has to be a text that is not empty", name);
	return false;
}

/* A new app as the global settings have it. NULL: its id or its key is taken. */
static struct app *app_new(struct apps_reader *rd, str id, str key, str secret)
{
	const struct config *c = rd->c;
	struct app *a = app_table_add(rd->table, id, key, secret);

	if (!a)
		return NULL;
	a->cache_ttl_s = c->channel_limits.cache_ttl;
	a->n_cached_max = str_eq(c->cache.driver, S("none")) ? 0 : c->cache.memory.max_capacity;
	a->idempotency_ttl_s = c->idempotency.enabled ? c->idempotency.ttl_seconds : 0;
	a->idempotency_key_bytes_max = c->idempotency.max_key_length;
	return a;
}

/* Something unique, for an app that is in error. */
static struct app *nameless_app(struct apps_reader *rd)
{
	char name[32];
	struct app *a = NULL;

	for (size_t i = rd->table->n; !a; i++) {
		snprintf(name, sizeof(name), "(app %zu)", i);
		a = app_new(rd, str_from_cstr(name), str_from_cstr(name), S(""));
	}
	return a;
}

static struct app *identified_app(struct apps_reader *rd, struct json object,
				  const struct app_members *own, str path)
{
	str id, key, secret;
	bool ok = identity_read(rd, object, own->id, path, "id", &id);
	struct app *a;

	ok &= identity_read(rd, object, own->key, path, "key", &key);
	ok &= identity_read(rd, object, own->secret, path, "secret", &secret);
	if (!ok)
		return nameless_app(rd);
	a = app_new(rd, id, key, secret);
	if (a)
		return a;
	if (app_by_id(rd->table, id))
		config_error(rd->r, config_json_place(rd->c, own->id), path,
			     "another app has the id \"%.*s\" already", STR_ARG(id));
	else
		config_error(rd->r, config_json_place(rd->c, own->key), path,
			     "another app has the key \"%.*s\" already", STR_ARG(key));
	return nameless_app(rd);
}

/* Limits that the app leaves open, from the global ones if somebody set those. */
static void inherit_limits(struct app_reader *ar)
{
	static const struct {
		const char *limit, *path;
	} table[] = {
		{ "max_channel_name_length", "channel_limits.max_name_length" },
		{ "max_event_channels_at_once", "event_limits.max_channels_at_once" },
		{ "max_event_name_length", "event_limits.max_name_length" },
		{ "max_event_payload_in_kb", "event_limits.max_payload_in_kb" },
		{ "max_event_batch_size", "event_limits.max_batch_size" },
		{ "max_presence_members_per_channel", "presence.max_members_per_channel" },
		{ "max_presence_member_size_in_kb", "presence.max_member_size_in_kb" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct config_setting *s =
			config_setting(ar->c, str_from_cstr(table[i].path));

		for (size_t k = 0; s->from.source != CONFIG_DEFAULT && k < N_APP_KEYS; k++) {
			if (!ar->is_limit_set[k] &&
			    str_eq(app_keys[k].name, str_from_cstr(table[i].limit)))
				*(uint32_t *)((char *)ar->app + app_keys[k].offset) =
					(uint32_t)s->value.number;
		}
	}
}

static void app_read(struct apps_reader *rd, struct json object, str path)
{
	struct app_reader ar = { .c = rd->c, .r = rd->r };
	struct app_members own;

	if (object.kind != JSON_OBJECT) {
		app_value_expected(&ar, object, path, "an app: { … }");
		return;
	}
	own = members_of(object);
	ar.app = identified_app(rd, object, &own, path);
	flat_read(&ar, object, path, own.policy.raw.n > 0);
	if (own.policy.raw.n)
		section_read(&ar, own.policy, config_path(rd->c, path, S("policy")), APP_POLICY);
	enabled_read(&ar, object, own.enabled, path);
	inherit_limits(&ar);
	if (app_is_demo(ar.app))
		config_warn(rd->r, config_json_place(rd->c, object), path,
			    "the app has the demo key and secret, which everybody knows");
}

static void inline_apps_read(struct apps_reader *rd)
{
	struct json list = { .kind = JSON_ARRAY, .raw = rd->c->app_manager.array.apps };
	struct json_iter it = json_enter(list);
	struct json item;

	for (size_t i = 0; json_next_item(&it, &item); i++)
		app_read(rd, item, config_item_path(rd->c, S("app_manager.array.apps"), i));
}

/* The app from the environment */

static struct config_place env_place(struct apps_reader *rd, const char *name)
{
	return config_variable_place(&rd->c->variables, name);
}

static void env_origins_read(struct apps_reader *rd, struct app *a)
{
	static const char name[] = "SOCKUDO_DEFAULT_APP_ALLOWED_ORIGINS";
	const char *text = config_variable_get(&rd->c->variables, name);
	str rest = text ? str_from_cstr(text) : (str){ 0 };

	while (rest.p) {
		str pattern = str_trim(str_split(&rest, ','));
		const char *problem = origin_pattern_problem(pattern);

		if (pattern.n == 0)
			continue;
		if (problem)
			config_error(rd->r, env_place(rd, name), S(""), "the origin \"%.*s\" %s",
				     STR_ARG(pattern), problem);
		else
			app_add_origin(a, pattern);
	}
}

static void env_key_read(struct apps_reader *rd, struct app *a, const struct app_key *k)
{
	char name[APP_ENV_NAME_MAX];
	void *field = (char *)a + k->offset;
	uint64_t n = app_key_env_unset(k);
	bool is_on = false;

	app_key_env(k, name);
	if (k->kind == APP_KEY_LATER_FLAG) {
		if (config_env_flag(rd->c, name, &is_on, rd->r) && is_on)
			config_warn(rd->r, env_place(rd, name), S(""),
				    "not available in this build");
		return;
	}
	if (k->kind == APP_KEY_FLAG) {
		config_env_flag(rd->c, name, field, rd->r);
		return;
	}
	config_env_number(rd->c, name, k->floor, k->ceiling, &n, rd->r);
	*(uint32_t *)field = (uint32_t)n;
}

static void env_app_fill(struct apps_reader *rd, struct app *a)
{
	config_env_flag(rd->c, "SOCKUDO_ENABLE_CLIENT_MESSAGES", &a->enable_client_messages, rd->r);
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		if (app_key_has_env(&app_keys[i]))
			env_key_read(rd, a, &app_keys[i]);
	}
	env_origins_read(rd, a);
	config_set(rd->c, config_key_find(S("app_manager.array.apps")), (union config_value){ 0 },
		   env_place(rd, "SOCKUDO_DEFAULT_APP_ID"));
	if (app_is_demo(a))
		config_warn(rd->r, env_place(rd, "SOCKUDO_DEFAULT_APP_KEY"), S(""),
			    "the app has the demo key and secret, which everybody knows");
}

/* Does the environment say anything about an app? Then the file's apps are not served. */
static bool env_app_read(struct apps_reader *rd)
{
	static const char *const names[3] = { "SOCKUDO_DEFAULT_APP_ID", "SOCKUDO_DEFAULT_APP_KEY",
					      "SOCKUDO_DEFAULT_APP_SECRET" };
	const char *values[3];
	bool is_enabled = true, is_complete = true, is_there = false;

	config_env_flag(rd->c, "SOCKUDO_DEFAULT_APP_ENABLED", &is_enabled, rd->r);
	if (!is_enabled)
		return true;
	for (size_t i = 0; i < 3; i++) {
		values[i] = config_variable_get(&rd->c->variables, names[i]);
		is_complete &= values[i] != NULL;
		is_there |= config_variable_is_named(&rd->c->variables, names[i]);
	}
	for (size_t i = 0; is_there && i < 3; i++) {
		if (!config_variable_is_named(&rd->c->variables, names[i]))
			config_error(rd->r, env_place(rd, names[i]), S(""),
				     "is not set; an app from the environment needs "
				     "SOCKUDO_DEFAULT_APP_ID, _KEY and _SECRET");
	}
	if (is_there && is_complete)
		env_app_fill(rd, app_new(rd, str_from_cstr(values[0]), str_from_cstr(values[1]),
					 str_from_cstr(values[2])));
	return is_there;
}

/* Which apps */

static bool wants_inline_apps(struct apps_reader *rd)
{
	bool is_skipped = false, is_registered = true;

	config_env_flag(rd->c, "SOCKUDO_SKIP_INLINE_APPS", &is_skipped, rd->r);
	config_env_flag(rd->c, "APP_MANAGER_REGISTER_INLINE_APPS", &is_registered, rd->r);
	return !is_skipped && is_registered && rd->c->app_manager.array.apps.n;
}

static void demo_app_add(struct apps_reader *rd)
{
	const struct config_setting *mode = config_setting(rd->c, S("mode"));

	if (mode->from.source != CONFIG_DEFAULT && str_eq(rd->c->mode, S("production"))) {
		config_error(rd->r, mode->from, S("mode"),
			     "no app is configured, and the demo app is not served in "
			     "production; set SOCKUDO_DEFAULT_APP_ID, _KEY and _SECRET, or "
			     "name a file with --config");
		return;
	}
	app_new(rd, S(DEMO_APP_ID), S(DEMO_APP_KEY), S(DEMO_APP_SECRET))->enable_client_messages =
		true;
	config_warn(rd->r, (struct config_place){ 0 }, S(""),
		    "no app is configured: serving the demo app " DEMO_APP_ID " / " DEMO_APP_KEY
		    " / " DEMO_APP_SECRET ", which everybody knows");
}

struct app_table *config_apps_new(struct config *c, struct hash_key key, struct config_report *r)
{
	struct apps_reader rd = { .c = c, .r = r, .table = app_table_new(key) };
	bool has_env_app;

	c->variables.report = r;
	has_env_app = env_app_read(&rd);
	if (!has_env_app && c->file.name.n == 0)
		demo_app_add(&rd);
	else if (!has_env_app && wants_inline_apps(&rd))
		inline_apps_read(&rd);
	if (rd.table->n == 0 && r->n_errors == 0)
		config_warn(r, (struct config_place){ 0 }, S(""),
			    "no app is configured: every client will be refused; add one to "
			    "app_manager.array.apps");
	return rd.table;
}
