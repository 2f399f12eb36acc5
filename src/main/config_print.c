/* config_print.c: the effective configuration, in the table's order. */
#include "main/config_print.h"

#include "base/check.h"
#include "main/app_key.h"

/* An indented JSON object being written. */
struct printer {
	struct buf *b;
	unsigned depth;
	bool is_first; /* in the innermost container */
};

static void put_line_start(struct printer *p)
{
	if (!p->is_first)
		buf_putc(p->b, ',');
	buf_putc(p->b, '\n');
	for (unsigned i = 0; i < p->depth; i++)
		buf_puts(p->b, S("  "));
	p->is_first = false;
}

static void put_key(struct printer *p, str key)
{
	put_line_start(p);
	jw_string(p->b, key);
	buf_puts(p->b, S(": "));
}

static void open_container(struct printer *p, char c)
{
	buf_putc(p->b, c);
	p->depth++;
	p->is_first = true;
}

static void close_container(struct printer *p, char c)
{
	p->depth--;
	p->is_first = true;
	put_line_start(p);
	buf_putc(p->b, c);
}

/* "a" of "a.b", else empty. Keys that we honour have at most one step before their name. */
static str block_of(str path)
{
	size_t dot = str_find_char(path, '.');

	return dot < path.n ? str_take(path, dot) : S("");
}

static void put_settings(struct printer *p, const struct config *c)
{
	str block = S("");

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		str here = block_of(k->path);

		if (k->otherwise != CONFIG_HONOURED || k->type == CONFIG_APPS)
			continue;
		if (block.n && !str_eq(here, block))
			close_container(p, '}');
		if (here.n && !str_eq(here, block)) {
			put_key(p, here);
			open_container(p, '{');
		}
		block = here;
		put_key(p, str_skip(k->path, here.n ? here.n + 1 : 0));
		config_value_put(k, c->settings[i].value, p->b);
	}
	if (block.n)
		close_container(p, '}');
}

static void put_flag(struct printer *p, str key, bool is_on)
{
	put_key(p, key);
	buf_puts(p->b, is_on ? S("true") : S("false"));
}

static void put_text(struct printer *p, str key, str text)
{
	put_key(p, key);
	jw_string(p->b, text);
}

static void put_origins(struct printer *p, const struct app *a)
{
	buf_putc(p->b, '[');
	for (size_t i = 0; i < a->n_allowed_origins; i++) {
		if (i > 0)
			buf_puts(p->b, S(", "));
		jw_string(p->b, a->allowed_origins[i]);
	}
	buf_putc(p->b, ']');
}

static void put_rate(struct printer *p, const struct app_message_rate *rate)
{
	if (!rate->max_attempts) {
		buf_puts(p->b, S("null"));
		return;
	}
	buf_printf(p->b,
		   "{\"enabled\": %s, \"max_attempts\": %u, \"decay_seconds\": %u, "
		   "\"terminate_on_limit\": %s}",
		   rate->enabled ? "true" : "false", rate->max_attempts, rate->decay_seconds,
		   rate->terminate_on_limit ? "true" : "false");
}

static void put_app_key(struct printer *p, const struct app *a, const struct app_key *k)
{
	const void *field = (const char *)a + k->offset;

	if (k->kind > APP_KEY_ORIGINS)
		return;
	put_key(p, k->name);
	if (k->kind == APP_KEY_FLAG)
		buf_puts(p->b, *(const bool *)field ? S("true") : S("false"));
	else if (k->kind == APP_KEY_ORIGINS)
		put_origins(p, a);
	else if (k->kind == APP_KEY_RATE)
		put_rate(p, &a->message_rate);
	else if (*(const uint32_t *)field == NO_LIMIT)
		buf_puts(p->b, S("null"));
	else
		buf_putu(p->b, *(const uint32_t *)field);
}

static void put_app(struct printer *p, const struct app *a)
{
	put_line_start(p);
	open_container(p, '{');
	put_text(p, S("id"), a->id);
	put_text(p, S("key"), a->key);
	put_text(p, S("secret"), S("********"));
	put_flag(p, S("enabled"), a->enabled);
	for (size_t i = 0; i < N_APP_KEYS; i++)
		put_app_key(p, a, &app_keys[i]);
	close_container(p, '}');
}

static void put_apps(struct printer *p, const struct app_table *apps)
{
	put_key(p, S("app_manager"));
	buf_puts(p->b, S("{\"array\": {\"apps\": "));
	open_container(p, '[');
	for (size_t i = 0; i < apps->n; i++)
		put_app(p, apps->apps[i]);
	close_container(p, ']');
	buf_puts(p->b, S("}}"));
}

static void put_sources(struct printer *p, const struct config *c)
{
	struct buf place;

	put_key(p, S("_source"));
	open_container(p, '{');
	buf_init(&place, 8192);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		struct config_place from = c->settings[i].from;

		if (config_keys[i].otherwise != CONFIG_HONOURED || from.source == CONFIG_DEFAULT)
			continue;
		buf_clear(&place);
		config_place_put(from, &place);
		if (from.source == CONFIG_FROM_ENV)
			buf_printf(&place, " %.*s", STR_ARG(from.name));
		put_text(p, config_keys[i].path, buf_str(&place));
	}
	buf_fini(&place);
	close_container(p, '}');
}

void config_print_json(const struct config *c, const struct app_table *apps, struct buf *b)
{
	struct printer p = { .b = b };

	open_container(&p, '{');
	put_settings(&p, c);
	put_apps(&p, apps);
	put_sources(&p, c);
	close_container(&p, '}');
	buf_putc(b, '\n');
}
