/* config_toml_print.c: the configuration as a TOML file that somebody might have written: one key a
 * line with its whole path, so that the order is the table's. Values are made from their JSON, which
 * TOML writes nearly alike. */
#include "main/config_print.h"

#include "base/check.h"

enum { COMMENT_COLUMN = 56 };

/* JSON's escapes are TOML's, but TOML wants one more. */
static void put_text(struct buf *b, struct json v)
{
	for (size_t i = 0; i < v.raw.n; i++) {
		if (v.raw.p[i] == 0x7f)
			buf_puts(b, S("\\u007f"));
		else
			buf_putc(b, v.raw.p[i]);
	}
}

static void put_json(struct buf *b, struct json v);

static void put_list(struct buf *b, struct json v)
{
	struct json_iter it = json_enter(v);
	struct json item;
	bool is_first = true;

	buf_putc(b, '[');
	while (json_next_item(&it, &item)) {
		buf_puts(b, is_first ? S("") : S(", "));
		put_json(b, item);
		is_first = false;
	}
	buf_putc(b, ']');
}

static void put_object(struct buf *b, struct json v)
{
	struct json_iter it = json_enter(v);
	struct json_member m;
	bool is_first = true;

	buf_putc(b, '{');
	while (json_next_member(&it, &m)) {
		if (m.value.kind == JSON_NULL)
			continue;
		buf_puts(b, is_first ? S(" ") : S(", "));
		buf_printf(b, "%.*s = ", (int)m.key.raw.n - 2, m.key.raw.p + 1);
		put_json(b, m.value);
		is_first = false;
	}
	buf_puts(b, is_first ? S("}") : S(" }"));
}

/* Recursive: as deep as our own values are. */
static void put_json(struct buf *b, struct json v)
{
	if (v.kind == JSON_OBJECT)
		put_object(b, v);
	else if (v.kind == JSON_ARRAY)
		put_list(b, v);
	else if (v.kind == JSON_STRING)
		put_text(b, v);
	else
		buf_puts(b, v.raw);
}

static struct json parsed(str text)
{
	struct json v;
	err e = json_parse(text, JSON_DEPTH_MAX, &v, NULL);

	ASSERT(e == OK);
	return v;
}

/* "key = value", behind a # when it is not to be read: as the default, and where TOML has no word for
 * null. */
static void put_line(struct buf *b, str key, struct json v, bool is_comment,
		     struct config_place from)
{
	size_t start = b->len, n;

	buf_printf(b, "%s%.*s = ", is_comment || v.kind == JSON_NULL ? "# " : "", STR_ARG(key));
	put_json(b, v);
	n = b->len - start;
	buf_printf(b, "%*s # ", n < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - n) : 0, "");
	config_place_put_named(from, b);
	buf_putc(b, '\n');
}

static void put_key(struct buf *b, const struct config *c, const struct config_key *k)
{
	const struct config_setting *s = config_setting(c, k->path);
	bool is_none = k->type == CONFIG_LIMIT && s->value.number == CONFIG_NONE;
	struct buf json;

	buf_init_secret(&json, SIZE_MAX / 2);
	if (is_none && s->from.source != CONFIG_DEFAULT)
		buf_putc(&json, '0');
	else
		config_value_put(k, s->value, &json);
	put_line(b, k->path, parsed(buf_str(&json)), s->from.source == CONFIG_DEFAULT, s->from);
	buf_fini(&json);
}

static void put_app(struct buf *b, const struct app *a)
{
	struct json_member m;
	struct json_iter it;
	struct buf json;

	buf_init(&json, SIZE_MAX / 2);
	config_print_app(a, false, &json);
	buf_puts(b, S("\n[[app_manager.array.apps]]\n"));
	for (it = json_enter(parsed(buf_str(&json))); json_next_member(&it, &m);) {
		if (m.value.kind == JSON_NULL)
			continue;
		buf_printf(b, "%.*s = ", (int)m.key.raw.n - 2, m.key.raw.p + 1);
		put_json(b, m.value);
		buf_putc(b, '\n');
	}
	buf_fini(&json);
}

static void put_apps(struct buf *b, const struct config *c, const struct app_table *apps)
{
	struct config_place from = config_setting(c, S("app_manager.array.apps"))->from;

	buf_puts(b, S("\n# Apps: "));
	config_place_put_named(from, b);
	buf_puts(b, S("; secrets are not shown\n"));
	if (apps->n == 0)
		buf_puts(b, S("app_manager.array.apps = []\n"));
	for (size_t i = 0; i < apps->n; i++)
		put_app(b, apps->apps[i]);
}

static void put_all(struct buf *b, const struct config *c, const struct app_table *apps)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		if (k->otherwise == CONFIG_HONOURED && k->type != CONFIG_APPS)
			put_key(b, c, k);
	}
	put_apps(b, c, apps);
}

void config_print_toml(const struct config *c, const struct app_table *apps, struct buf *b)
{
	struct buf text;

	buf_init_secret(&text, b->max);
	put_all(&text, c, apps);
	config_print_without_variables(b, buf_str(&text));
	b->overflow |= !buf_ok(&text);
	buf_fini(&text);
}
