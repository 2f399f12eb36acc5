/* config_explain.c: the rows of the tables, one at a time, as text of at most LINE_COLUMNS columns. */
#include "main/config_explain.h"

#include "base/check.h"
#include "main/app_key.h"
#include "main/config_changes.h"
#include "main/config_key.h"
#include "main/nearest.h"

enum { LINE_COLUMNS = 90, INDENT_COLUMNS = 2, LABEL_COLUMNS = 16 };

#define APPS_PATH "app_manager.array.apps"

/* Lines */

/* "  label         text", in as many lines as it takes; without a label it begins at its place. */
static void put_field(struct buf *b, const char *label, str text)
{
	size_t margin = label[0] ? LABEL_COLUMNS : INDENT_COLUMNS, column = margin;

	buf_printf(b, "%*s%-*s", INDENT_COLUMNS, "", (int)margin - INDENT_COLUMNS, label);
	while (text.p) {
		str word = str_split(&text, ' ');

		if (column > margin && column + 1 + word.n > LINE_COLUMNS) {
			buf_printf(b, "\n%*s", (int)margin, "");
			column = margin;
		}
		if (column > margin) {
			buf_putc(b, ' ');
			column++;
		}
		buf_puts(b, word);
		column += word.n;
	}
	buf_putc(b, '\n');
}

/* The same for text that is put together in scratch, which is empty afterwards. */
static void put_scratch(struct buf *b, const char *label, struct buf *scratch)
{
	put_field(b, label, buf_str(scratch));
	buf_clear(scratch);
}

/* Words for people who read Markdown, without its marks. */
static void put_words(struct buf *b, const char *label, const char *words)
{
	struct buf plain;

	buf_init(&plain, SIZE_MAX / 2);
	for (; *words; words++) {
		if (words[0] == ']' && words[1] == '(') {
			buf_puts(&plain, S(" (docs/"));
			words++;
		} else if (!strchr("`[", *words) || (*words == '[' && !strstr(words, "]("))) {
			buf_putc(&plain, *words);
		}
	}
	put_scratch(b, label, &plain);
	buf_fini(&plain);
}

/* Keys */

static const char *word_on_otherwise(const struct config_key *k)
{
	if (k->type == CONFIG_CHOICE && strchr(k->choices, '|'))
		return k->otherwise == CONFIG_REFUSE ?
			       "has what is available; with another value it does not start" :
			       "has what is available; another value is answered by a warning";
	switch (k->otherwise) {
	case CONFIG_HONOURED:
		return "honours it";
	case CONFIG_DETAIL:
		return "does not have it: it is accepted, and nothing reads it";
	case CONFIG_WARN:
		return "does not have it: another value than the default is answered by a warning";
	case CONFIG_REFUSE:
		return "does not have it: with another value than the default the server does not "
		       "start";
	}
	NEVER("config_otherwise");
}

static void put_variables(struct buf *b, const struct config_key *k, struct buf *scratch)
{
	str rest = k->env ? str_from_cstr(k->env) : (str){ 0 }, name;

	while (config_key_env_next(&rest, &name))
		buf_printf(scratch, "%s%.*s", scratch->len ? ", else " : "", STR_ARG(name));
	if (scratch->len)
		buf_puts(scratch, S("; with _FILE behind the name: a file that holds the value"));
	else
		buf_puts(scratch, S("none"));
	put_scratch(b, "environment", scratch);
}

static void put_aliases(struct buf *b, const struct config_key *k)
{
	for (size_t i = 0; i < N_CONFIG_ALIASES; i++) {
		if (str_eq(config_aliases[i].key, k->path))
			put_field(b, "also called", config_aliases[i].path);
	}
}

/* Of a choice that this build has in part: what it has. */
static void put_available(struct buf *b, const struct config_key *k, struct buf *scratch)
{
	struct config_choices it = { .rest = k->choices ? str_from_cstr(k->choices) : (str){ 0 } };
	struct config_choice c;

	if (k->type != CONFIG_CHOICE || !strchr(k->choices, '|'))
		return;
	while (config_choice_next(&it, &c)) {
		if (c.is_available)
			buf_printf(scratch, "%s\"%.*s\"", scratch->len ? ", " : "",
				   STR_ARG(c.word));
	}
	put_scratch(b, "available", scratch);
}

static void put_key(struct buf *b, const struct config_key *k)
{
	struct buf scratch;

	buf_init(&scratch, SIZE_MAX / 2);
	buf_printf(b, "%.*s\n", STR_ARG(k->path));
	if (k->words)
		put_words(b, "", k->words);
	config_key_put_expected(k, &scratch);
	put_scratch(b, "accepts", &scratch);
	config_value_put(k, k->fallback, &scratch);
	if (k->counts_if_set)
		buf_puts(&scratch, S(", but only where somebody sets it"));
	put_scratch(b, "default", &scratch);
	put_variables(b, k, &scratch);
	put_aliases(b, k);
	put_available(b, k, &scratch);
	put_field(b, "this build", str_from_cstr(word_on_otherwise(k)));
	if (k->otherwise == CONFIG_HONOURED)
		put_field(b, "a change",
			  config_key_needs_restart(k) ? S("counts from the next start on") :
							S("counts after SIGHUP as well"));
	buf_fini(&scratch);
}

/* Keys of apps */

static void put_app_variable(struct buf *b, const struct app_key *k)
{
	char name[APP_ENV_NAME_MAX];

	if (app_key_has_env(k))
		put_field(b, "environment", str_from_cstr(app_key_env(k, name)));
	else if (k->kind == APP_KEY_ORIGINS)
		put_field(b, "environment", S("SOCKUDO_DEFAULT_APP_ALLOWED_ORIGINS"));
}

static void put_app_bounds(struct buf *b, const struct app_key *k, struct buf *scratch)
{
	if (k->kind == APP_KEY_FLAG) {
		put_field(b, "accepts", S("true or false"));
		put_field(b, "unset", S("false"));
		return;
	}
	if (k->kind != APP_KEY_LIMIT)
		return;
	buf_printf(scratch, "a whole number from %u to %u, also as text", k->floor, k->ceiling);
	put_scratch(b, "accepts", scratch);
	if (k->unset == NO_LIMIT || k->unset == 0)
		buf_puts(scratch, S("no limit"));
	else
		buf_putu(scratch, k->unset);
	put_scratch(b, "unset", scratch);
}

static void put_app_key(struct buf *b, const struct app_key *k)
{
	struct buf scratch;

	buf_init(&scratch, SIZE_MAX / 2);
	buf_printf(b, "%.*s, a key of an app in " APPS_PATH "\n", STR_ARG(k->name));
	if (k->kind == APP_KEY_LIMIT) {
		buf_printf(&scratch, "Most %s: %s.", k->unit, k->words);
		put_scratch(b, "", &scratch);
	} else if (k->words) {
		put_words(b, "", k->words);
	}
	buf_printf(&scratch, "the app itself, or its policy%s%.*s",
		   k->section == APP_POLICY ? "" : ".", STR_ARG(app_section_names[k->section]));
	put_scratch(b, "stands in", &scratch);
	put_app_bounds(b, k, &scratch);
	put_app_variable(b, k);
	put_field(b, "this build",
		  app_key_is_honoured(k) ?
			  S("honours it") :
			  S("does not have it: a value that asks for it is answered "
			    "by a warning"));
	buf_fini(&scratch);
}

static const struct app_key *find_app_key(str name)
{
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		if (str_eq(app_keys[i].name, name))
			return &app_keys[i];
	}
	return NULL;
}

/* "app_manager.array.apps.policy.limits.x", "policy.limits.x" and "x" are the same key. */
static const struct app_key *app_key_of(str name)
{
	static const str wrappings[] = { { APPS_PATH "[].", sizeof(APPS_PATH "[].") - 1 },
					 { APPS_PATH ".", sizeof(APPS_PATH ".") - 1 },
					 { "policy.", 7 } };

	for (size_t i = 0; i < ARRAY_LEN(wrappings); i++) {
		if (str_has_prefix(name, wrappings[i]))
			name = str_skip(name, wrappings[i].n);
	}
	for (enum app_section s = APP_LIMITS; s <= APP_CHANNELS; s++) {
		size_t n = app_section_names[s].n;

		if (str_has_prefix(name, app_section_names[s]) && name.n > n && name.p[n] == '.')
			name = str_skip(name, n + 1);
	}
	return find_app_key(name);
}

static void put_app_keys(struct buf *b)
{
	buf_puts(b, S("\nKeys of each app, beside id, key, secret and enabled:\n"));
	for (size_t i = 0; i < N_APP_KEYS; i++)
		buf_printf(b, "  %.*s%s\n", STR_ARG(app_keys[i].name),
			   app_key_is_honoured(&app_keys[i]) ? "" : "   (not in this build)");
}

/* Blocks */

static bool lies_in(str path, str block)
{
	return block.n == 0 ||
	       (path.n > block.n && path.p[block.n] == '.' && str_has_prefix(path, block));
}

static void put_block(struct buf *b, str block)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		if (!lies_in(k->path, block))
			continue;
		buf_printf(b, "%-56.*s ", STR_ARG(k->path));
		config_value_put(k, k->fallback, b);
		buf_puts(b,
			 k->otherwise == CONFIG_HONOURED ? S("\n") : S("   (not in this build)\n"));
	}
}

/* Variables */

static bool has_variable(const struct config_key *k, str name)
{
	str rest = k->env ? str_from_cstr(k->env) : (str){ 0 }, other;

	while (config_key_env_next(&rest, &other)) {
		if (str_eq(other, name))
			return true;
	}
	return false;
}

static bool put_keys_of_variable(struct buf *b, str name)
{
	char app_name[APP_ENV_NAME_MAX];
	bool found = false;

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		if (!has_variable(&config_keys[i], name))
			continue;
		buf_puts(b, found ? S("\n") : S(""));
		put_key(b, &config_keys[i]);
		found = true;
	}
	for (size_t i = 0; i < N_APP_KEYS; i++) {
		if (app_key_has_env(&app_keys[i]) &&
		    str_eq(str_from_cstr(app_key_env(&app_keys[i], app_name)), name)) {
			put_app_key(b, &app_keys[i]);
			found = true;
		}
	}
	return found;
}

static bool put_variable(struct buf *b, str name)
{
	static const struct {
		const char *name, *words;
	} table[] = {
#define ENV(n, w) { n, w },
#include "main/config_keys.def"
#define APP_FLAG(...)
#define APP_LATER(...)
#define APP_ENV(n, w) { n, w },
#include "main/app_keys.def"
#undef APP_FLAG
#undef APP_LATER
#undef APP_ENV
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!str_eq(str_from_cstr(table[i].name), name))
			continue;
		buf_printf(b, "%s, a variable\n", table[i].name);
		put_words(b, "", table[i].words);
		return true;
	}
	return false;
}

/* Unknown names */

static bool ends_with_step(str path, str name)
{
	return path.n > name.n && path.p[path.n - name.n - 1] == '.' &&
	       str_eq(str_skip(path, path.n - name.n), name);
}

static void put_unknown(struct buf *b, str name)
{
	struct nearest n;

	buf_printf(b, "unknown key \"%.*s\"", STR_ARG(name));
	nearest_init(&n, name);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		if (ends_with_step(config_keys[i].path, name)) {
			n.best = config_keys[i].path;
			break;
		}
		nearest_offer(&n, config_keys[i].path);
	}
	for (size_t i = 0; i < N_APP_KEYS; i++)
		nearest_offer(&n, app_keys[i].name);
	if (n.best.n)
		buf_printf(b, ", did you mean \"%.*s\"?", STR_ARG(n.best));
}

bool config_explain(str name, struct buf *b)
{
	const struct config_key *k = config_key_find(name);
	const struct app_key *app_key = app_key_of(name);

	if (!k)
		k = config_key_find_alias(name);
	if (k)
		put_key(b, k);
	if (app_key) {
		buf_puts(b, k ? S("\n") : S(""));
		put_app_key(b, app_key);
	}
	if (k && k->type == CONFIG_APPS)
		put_app_keys(b);
	if (k || app_key || put_keys_of_variable(b, name) || put_variable(b, name))
		return true;
	if (name.n == 0 || config_key_is_block(name)) {
		put_block(b, name);
		return true;
	}
	put_unknown(b, name);
	return false;
}
