/* app_key.h: the rows of app_keys.def and core/limits.def as data. */
#ifndef MAIN_APP_KEY_H
#define MAIN_APP_KEY_H

#include "base/str.h"
#include "core/app.h"

/* Where a key stands when the app has a policy. */
enum app_section { APP_POLICY, APP_LIMITS, APP_FEATURES, APP_CHANNELS };

enum app_key_kind {
	APP_KEY_LIMIT, /* uint32_t in struct app_limits, with floor and ceiling */
	APP_KEY_FLAG,  /* bool in struct app */
	APP_KEY_RATE,  /* struct app_message_rate */
	APP_KEY_ORIGINS,
	APP_KEY_NAMESPACES,
	APP_KEY_IDEMPOTENCY,
	APP_KEY_WEBHOOKS,
	APP_KEY_LATER_FLAG,
	APP_KEY_LATER_OBJECT,
};

struct app_key {
	str name;
	enum app_section section;
	enum app_key_kind kind;
	size_t offset; /* of the member of struct app */
	uint32_t unset, floor, ceiling;
	const char *unit, *words;
};

enum {
#define LIMIT(...) +1
#define APP_FLAG(...) +1
#define APP_LATER(...) +1
#define APP_ENV(...)
	N_APP_KEYS = 5
#include "core/limits.def"
#include "main/app_keys.def"
#undef LIMIT
#undef APP_FLAG
#undef APP_LATER
#undef APP_ENV
};
extern const struct app_key app_keys[N_APP_KEYS];

/* Does this build do something with it? */
static inline bool app_key_is_honoured(const struct app_key *k)
{
	return k->kind < APP_KEY_LATER_FLAG;
}

extern const str app_section_names[]; /* by enum app_section; APP_POLICY: "" */

/* "SOCKUDO_DEFAULT_APP_" and the key's name in capitals; out has room for APP_ENV_NAME_MAX. */
#define APP_ENV_NAME_MAX 80
const char *app_key_env(const struct app_key *k, char out[APP_ENV_NAME_MAX]);
/* Has the key a variable of the default app? */
bool app_key_has_env(const struct app_key *k);
/* What a limit of the app from the environment is when its variable is not set: 100, as the
 * original has it; but for the rates of the HTTP API, which the original does not count: who moves
 * here shall not be refused what went well there. */
uint32_t app_key_env_unset(const struct app_key *k);

#endif
