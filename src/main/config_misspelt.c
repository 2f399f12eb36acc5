/* config_misspelt.c: a variable that nobody reads is somebody else's, so a misspelt one is passed
 * over in silence, and the default holds. It never stops the start, because a name that only
 * looks like one of ours is nothing wrong; but who wonders is told.
 *
 * An environment may have hundreds of variables and we know hundreds of names. Only those that
 * begin alike and are nearly as long are compared letter by letter. */
#include "main/config_misspelt.h"

#include "base/check.h"
#include "main/app_key.h"
#include "main/nearest.h"

enum {
	EDITS_MAX = 2, /* names are long: more would be another word */
	NAME_LEN_MIN = 8,
	NAME_LEN_MAX = 64
};

struct search {
	str name; /* without _FILE */
	struct nearest near;
	char best[NAME_LEN_MAX];
	bool is_ours;
};

static void offer(struct search *s, str ours)
{
	s->is_ours |= str_eq(s->name, ours);
	if (ours.p[0] != s->name.p[0] || ours.n > s->name.n + EDITS_MAX ||
	    s->name.n > ours.n + EDITS_MAX)
		return;
	nearest_offer(&s->near, ours);
	if (s->near.best.p == ours.p) {
		memcpy(s->best, ours.p, ours.n);
		s->near.best.p = s->best;
	}
}

static void offer_keys(struct search *s)
{
	char app_name[APP_ENV_NAME_MAX];

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const char *env = config_keys[i].env;
		str rest = env ? str_from_cstr(env) : (str){ 0 }, name;

		while (config_key_env_next(&rest, &name))
			offer(s, name);
	}
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		if (app_key_has_env(&app_keys[i]))
			offer(s, str_from_cstr(app_key_env(&app_keys[i], app_name)));
	}
}

static void offer_others(struct search *s)
{
	static const char *const names[] = {
#define ENV(name, words) name,
#include "main/config_keys.def"
#define APP_FLAG(...)
#define APP_LATER(...)
#define APP_ENV(name, words) name,
#include "main/app_keys.def"
#undef APP_FLAG
#undef APP_LATER
#undef APP_ENV
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		offer(s, str_from_cstr(names[i]));
}

/* Does the file say ${NAME}? */
static bool is_in_file(const struct config *c, str name)
{
	return c->file.original.n && memmem(c->file.original.p, c->file.original.n, name.p, name.n);
}

/* NAME_FILE stands for NAME. */
static bool cut_file(str *name)
{
	const str suffix = S("_FILE");

	if (name->n <= suffix.n || !str_eq(str_skip(*name, name->n - suffix.n), suffix))
		return false;
	name->n -= suffix.n;
	return true;
}

static void check_variable(const struct config *c, const char *variable, struct config_report *r)
{
	str rest = str_from_cstr(variable), name = str_split(&rest, '=');
	struct search s = { .name = name };
	bool is_file = cut_file(&s.name);

	if (rest.n == 0 || s.name.n < NAME_LEN_MIN || s.name.n > NAME_LEN_MAX)
		return;
	nearest_init(&s.near, s.name);
	s.near.distance = EDITS_MAX + 1;
	offer_keys(&s);
	offer_others(&s);
	if (s.is_ours || s.near.best.n == 0 || is_in_file(c, s.name))
		return;
	config_warn(r, (struct config_place){ .source = CONFIG_FROM_ENV, .name = name }, S(""),
		    "nothing reads it, did you mean %.*s%s?", STR_ARG(s.near.best),
		    is_file ? "_FILE" : "");
}

void config_misspelt_check(struct config *c, struct config_report *r)
{
	const struct config_env *env = &c->variables.env;
	const char *variable;

	for (size_t i = 0; env->at && (variable = env->at(env->ctx, i)); i++)
		check_variable(c, variable, r);
}
