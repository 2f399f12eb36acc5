/* config_env.c: an explicit list of variables, the table's second column, and the few that are
 * no key's own.
 *
 * An empty variable counts as one that is not set: container set-ups pass variables on that
 * nobody filled. What is set and not understood is an error, as in a file. Variables that are
 * not in the list are somebody else's. */
#include "main/config_env.h"

#include "base/check.h"
#include "base/log.h"

static void report_value(struct config_place at, const struct config_key *k, str text,
			 struct config_report *r)
{
	str guess = config_key_suggest(k, text);
	struct buf b;

	buf_init(&b, 1024);
	buf_puts(&b, S("expected "));
	config_key_put_expected(k, &b);
	if (!config_key_may_be_secret(k) && text.n <= 40)
		buf_printf(&b, ", got \"%.*s\"", STR_ARG(text));
	if (guess.n)
		buf_printf(&b, ", did you mean \"%.*s\"?", STR_ARG(guess));
	config_error(r, at, k->path, "%.*s", STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void read_variable(struct config *c, const struct config_key *k, const char *name,
			  const char *text, struct config_report *r)
{
	struct config_place at = config_variable_place(&c->variables, name);
	union config_value value;

	if (config_key_from_text(k, str_from_cstr(text), &c->arena, &value))
		config_set(c, k, value, at);
	else
		report_value(at, k, str_from_cstr(text), r);
}

/* The first of the key's variables that is set. NULL: none is. */
static const char *find_variable(struct config *c, const struct config_key *k, const char **text)
{
	str rest = k->env ? str_from_cstr(k->env) : (str){ 0 }, name;

	while (config_key_env_next(&rest, &name)) {
		const char *copy =
			name.n == strlen(k->env) ? k->env : arena_copy(&c->arena, name).p;

		*text = config_variable_get(&c->variables, copy);
		if (*text)
			return copy;
	}
	return NULL;
}

static void read_key(struct config *c, const struct config_key *k, struct config_report *r)
{
	const char *text, *name = find_variable(c, k, &text);

	if (name)
		read_variable(c, k, name, text, r);
}

static struct config_place plain_place(const char *name)
{
	return (struct config_place){ .source = CONFIG_FROM_ENV, .name = str_from_cstr(name) };
}

/* The level that "warn,sockudo=debug,hyper=info" asks of us. False: none. */
static bool level_from_filter(str filter, enum log_level *out)
{
	bool found = false, is_ours = false;

	while (filter.p) {
		str directive = str_trim(str_split(&filter, ','));
		bool is_plain = str_find_char(directive, '=') == directive.n;
		bool names_us = str_has_prefix(directive, S("sockudo="));

		if ((is_plain && !is_ours) || names_us) {
			str level = names_us ? str_skip(directive, 8) : directive;

			found |= log_level_parse(level, out);
			is_ours |= names_us;
		}
	}
	return found;
}

static void set_level(struct config *c, str word, struct config_place from)
{
	config_set(c, config_key_find(S("logging.level")), (union config_value){ .text = word },
		   from);
}

static bool read_filter(struct config *c, const char *name)
{
	static const str words[] = {
		[LOG_OFF] = { "off", 3 },     [LOG_ERROR] = { "error", 5 },
		[LOG_WARN] = { "warn", 4 },   [LOG_INFO] = { "info", 4 },
		[LOG_DEBUG] = { "debug", 5 }, [LOG_TRACE] = { "trace", 5 },
	};
	const char *filter = config_variable_get_plain(&c->variables, name);
	enum log_level level;

	if (!filter || !level_from_filter(str_from_cstr(filter), &level))
		return false;
	set_level(c, words[level], plain_place(name));
	return true;
}

/* DEBUG belongs to other programs too ("DEBUG=express:*"): it can switch on, and else says
 * nothing to us. */
static void read_debug(struct config *c)
{
	const char *text = config_variable_get_plain(&c->variables, "DEBUG");
	bool is_on = false;

	if (text && config_flag_parse(str_from_cstr(text), &is_on) && is_on)
		config_set(c, config_key_find(S("debug")), (union config_value){ .flag = true },
			   plain_place("DEBUG"));
}

/* One Redis for everything: it sets keys of its own name, and the address that two connections have
 * among their options. */
static void read_redis_url(struct config *c)
{
	static const str keys[] = { { "adapter.redis.redis_pub_options", 31 },
				    { "adapter.redis.redis_sub_options", 31 } };
	const char *url = config_variable_get(&c->variables, "REDIS_URL");
	union config_value options;
	struct buf b;

	if (!url)
		return;
	buf_init_secret(&b, 16 + strlen(url) * 6);
	buf_puts(&b, S("{\"url\":"));
	jw_string(&b, str_from_cstr(url));
	buf_putc(&b, '}');
	options.text = arena_copy(&c->arena, buf_str(&b));
	buf_fini(&b);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		config_set(c, config_key_find(keys[i]), options,
			   config_variable_place(&c->variables, "REDIS_URL"));
}

/* RUST_LOG, else what was said about the level, else by debug. */
static void read_level(struct config *c)
{
	const struct config_setting *debug = config_setting(c, S("debug"));
	bool is_debug = debug->value.flag;

	if (read_filter(c, "RUST_LOG") || config_is_set(c, S("logging.level")) ||
	    read_filter(c, is_debug ? "SOCKUDO_LOG_DEBUG" : "SOCKUDO_LOG_PROD"))
		return;
	if (is_debug)
		set_level(c, S("debug"), debug->from);
}

void config_env_read(struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		read_key(c, &config_keys[i], r);
	read_redis_url(c);
	read_debug(c);
	read_level(c);
}

bool config_env_flag(struct config *c, const char *name, bool *out, struct config_report *r)
{
	const char *text = config_variable_get(&c->variables, name);

	if (!text)
		return false;
	if (config_flag_parse(str_from_cstr(text), out))
		return true;
	config_error(r, config_variable_place(&c->variables, name), S(""),
		     "expected true or false, got \"%.40s\"", text);
	return false;
}

bool config_env_number(struct config *c, const char *name, uint64_t min, uint64_t max,
		       uint64_t *out, struct config_report *r)
{
	const char *text = config_variable_get(&c->variables, name);
	uint64_t value;

	if (!text)
		return false;
	if (str_to_u64(str_from_cstr(text), max, &value) && value >= min) {
		*out = value;
		return true;
	}
	config_error(r, config_variable_place(&c->variables, name), S(""),
		     "expected a whole number from %llu to %llu, got \"%.40s\"",
		     (unsigned long long)min, (unsigned long long)max, text);
	return false;
}
