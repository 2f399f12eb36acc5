/* config_namespaces.c: an app's channel_namespaces. A pattern that does not compile stops the
 * start: the original finds out with the first client. */
#include "main/config_app_value.h"

#include "base/check.h"
#include "core/namespace.h"
#include "main/config_json.h"
#include "main/nearest.h"

enum member {
	NAME,
	PATTERN,
	LENGTH,
	USER_LIMITS,
	SUBSCRIBE,
	PUBLISH,
	PRESENCE,
	ANNOTATIONS,
	HISTORY,
	PRESENCE_HISTORY,
	N_MEMBERS
};

static const str MEMBERS[N_MEMBERS] = {
	[NAME] = { "name", 4 },
	[PATTERN] = { "channel_name_pattern", 20 },
	[LENGTH] = { "max_channel_name_length", 23 },
	[USER_LIMITS] = { "allow_user_limited_channels", 27 },
	[SUBSCRIBE] = { "allow_subscribe_for_client", 26 },
	[PUBLISH] = { "allow_publish_for_client", 24 },
	[PRESENCE] = { "allow_presence_for_client", 25 },
	[ANNOTATIONS] = { "annotations_enabled", 19 },
	[HISTORY] = { "history", 7 },
	[PRESENCE_HISTORY] = { "presence_history", 16 },
};

static enum member member_find(struct json key)
{
	enum member m = 0;

	while (m < N_MEMBERS && !json_string_is(key, MEMBERS[m]))
		m++;
	return m;
}

static void report_unknown(struct app_reader *ar, struct json key, str path)
{
	struct nearest n;

	nearest_init(&n, json_decode(key, &ar->c->arena));
	for (size_t i = 0; i < N_MEMBERS; i++)
		nearest_offer(&n, MEMBERS[i]);
	if (n.best.n)
		config_error(ar->r, config_json_place(ar->c, key), path,
			     "unknown key, did you mean \"%.*s\"?", STR_ARG(n.best));
	else
		app_value_unknown(ar, key, path);
}

static void pattern_read(struct app_reader *ar, struct namespace *ns, struct json v, str path)
{
	str problem;

	if (v.kind == JSON_NULL)
		return;
	if (v.kind != JSON_STRING) {
		app_value_expected(ar, v, path, "a pattern");
		return;
	}
	pattern_free(ns->pattern);
	ns->pattern = pattern_new(json_decode(v, &ar->c->arena), &ar->c->arena, &problem);
	if (!ns->pattern)
		config_error(ar->r, config_json_place(ar->c, v), path, "the pattern is wrong: %.*s",
			     STR_ARG(problem));
}

/* As that of the app's own limit. */
static uint32_t length_ceiling(void)
{
	const struct app_key *k = app_keys;

	while (k->offset != offsetof(struct app, limits.max_channel_name_length))
		k++;
	return k->ceiling;
}

static void member_read(struct app_reader *ar, struct namespace *ns, const struct json_member *m,
			str path)
{
	switch (member_find(m->key)) {
	case NAME:
		return;
	case PATTERN:
		pattern_read(ar, ns, m->value, path);
		return;
	case LENGTH:
		app_value_number(ar, m->value, path, 1, length_ceiling(),
				 &ns->channel_name_bytes_max);
		return;
	case USER_LIMITS:
		app_value_flag(ar, m->value, path, &ns->allow_user_limited_channels);
		return;
	case SUBSCRIBE:
		app_value_flag(ar, m->value, path, &ns->allow_subscribe_for_client);
		return;
	case PUBLISH:
		app_value_flag(ar, m->value, path, &ns->allow_publish_for_client);
		return;
	case PRESENCE:
		app_value_flag(ar, m->value, path, &ns->allow_presence_for_client);
		return;
	case ANNOTATIONS:
		app_value_later(ar, APP_KEY_LATER_FLAG, m->value, path);
		return;
	case HISTORY:
	case PRESENCE_HISTORY:
		app_value_later(ar, APP_KEY_LATER_OBJECT, m->value, path);
		return;
	case N_MEMBERS:
		report_unknown(ar, m->key, path);
		return;
	}
}

/* NULL: it has no name that can be used, and that was reported. */
static struct namespace *named(struct app_reader *ar, struct json object, str path)
{
	struct json v = json_find(object, MEMBERS[NAME]);
	str name = json_find_text(object, MEMBERS[NAME], &ar->c->arena);
	struct config_place at = config_json_place(ar->c, v.raw.p ? v : object);
	struct namespace *ns;

	if (name.n == 0 || str_find_char(name, ':') < name.n) {
		config_error(ar->r, at, path, "the namespace needs a \"name\", a text without ':'");
		return NULL;
	}
	ns = namespace_add(ar->app, name);
	if (!ns)
		config_error(ar->r, at, path, "another namespace has the name \"%.*s\" already",
			     STR_ARG(name));
	return ns;
}

static void namespace_read(struct app_reader *ar, struct json object, str path)
{
	struct namespace *ns;
	struct json_member m;
	struct json_iter it;

	if (object.kind != JSON_OBJECT) {
		app_value_expected(ar, object, path, "a namespace: { … }");
		return;
	}
	ns = named(ar, object, path);
	if (!ns)
		return;
	for (it = json_enter(object); config_json_next(&it, object, path, ar->c, &m, ar->r);)
		member_read(ar, ns, &m, config_json_path(ar->c, path, m.key));
}

void app_value_namespaces(struct app_reader *ar, struct json v, str path)
{
	struct json_iter it;
	struct json item;

	if (v.kind == JSON_NULL)
		return;
	if (v.kind != JSON_ARRAY) {
		app_value_expected(ar, v, path, "a list of namespaces");
		return;
	}
	it = json_enter(v);
	for (size_t i = 0; json_next_item(&it, &item); i++)
		namespace_read(ar, item, config_item_path(ar->c, path, i));
}
