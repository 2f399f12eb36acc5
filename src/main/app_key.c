/* app_key.c: one table for what an app may say. */
#include "main/app_key.h"

#define NAMED(n) .name = { n, sizeof(n) - 1 }

const struct app_key app_keys[N_APP_KEYS] = {
#define LIMIT(field, unset_value, lowest, highest, unit_word, what)                                \
	{ NAMED(#field),	  .section = APP_LIMITS,                                           \
	  .kind = APP_KEY_LIMIT,  .offset = offsetof(struct app, limits.field),                    \
	  .unset = (unset_value), .floor = (lowest),                                               \
	  .ceiling = (highest),	  .unit = (unit_word),                                             \
	  .words = (what) },
#include "core/limits.def"
#undef LIMIT
	{ NAMED("message_rate_limit"), .section = APP_LIMITS, .kind = APP_KEY_RATE,
	  .words = "Messages of one connection, of any kind: `{\"enabled\": true, "
		   "\"max_attempts\": 60, \"decay_seconds\": 60, "
		   "\"terminate_on_limit\": false}`." },
	{ NAMED("allowed_origins"), .section = APP_CHANNELS, .kind = APP_KEY_ORIGINS,
	  .words = "Web origins that may connect: `https://example.com`, `*.example.com`, "
		   "`*`. None means all." },
	{ NAMED("channel_namespaces"), .section = APP_CHANNELS, .kind = APP_KEY_NAMESPACES,
	  .words = "What may stand before a `:` in a channel's name, see below. None means: "
		   "anything." },
	{ NAMED("idempotency"), .section = APP_POLICY, .kind = APP_KEY_IDEMPOTENCY,
	  .words = "`{\"enabled\": true, \"ttl_seconds\": 120}`. What is left out is as in the "
		   "global `idempotency`." },
	{ NAMED("webhooks"), .section = APP_POLICY, .kind = APP_KEY_WEBHOOKS,
	  .words = "Who is told what happens in the app, see below." },
#define APP_FLAG(field, in, what)                                                                  \
	{ NAMED(#field), .section = APP_##in, .kind = APP_KEY_FLAG,                                \
	  .offset = offsetof(struct app, field), .words = (what) },
#define APP_LATER(key, in, type) { NAMED(#key), .section = APP_##in, .kind = APP_KEY_LATER_##type },
#define APP_ENV(name, what)
#include "main/app_keys.def"
#undef APP_FLAG
#undef APP_LATER
#undef APP_ENV
};

const str app_section_names[] = {
	[APP_POLICY] = { "", 0 },
	[APP_LIMITS] = { "limits", 6 },
	[APP_FEATURES] = { "features", 8 },
	[APP_CHANNELS] = { "channels", 8 },
};

bool app_key_has_env(const struct app_key *k)
{
	if (k->kind == APP_KEY_FLAG)
		return k->section == APP_FEATURES;
	if (k->kind == APP_KEY_LATER_FLAG)
		return true;
	return k->kind == APP_KEY_LIMIT && !str_eq(k->name, S("decay_seconds"));
}

uint32_t app_key_env_unset(const struct app_key *k)
{
	bool is_rate_of_api =
		k->offset == offsetof(struct app, limits.max_backend_events_per_second) ||
		k->offset == offsetof(struct app, limits.max_read_requests_per_second);

	return is_rate_of_api ? k->unset : 100;
}

const char *app_key_env(const struct app_key *k, char out[APP_ENV_NAME_MAX])
{
	static const char prefix[] = "SOCKUDO_DEFAULT_APP_";
	char *p = out + sizeof(prefix) - 1;

	_Static_assert(sizeof(prefix) + 48 < APP_ENV_NAME_MAX, "room for the longest name");
	memcpy(out, prefix, sizeof(prefix));
	for (size_t i = 0; i < k->name.n && i < 48; i++) {
		char c = k->name.p[i];

		*p++ = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
	}
	*p = '\0';
	return out;
}
