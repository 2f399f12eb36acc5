/* config_json.c: walks the tree of a file along the paths of the table.
 *
 * It goes only into blocks that the table knows, so its depth is the table's. A key that is not
 * known is an error with the nearest one that is, because a misspelt limit that is quietly
 * ignored is found out on the worst day. */
#include "main/config_json.h"

#include "base/check.h"
#include "main/nearest.h"

struct reader {
	struct config *c;
	struct config_report *r;
};

struct config_place config_json_place(const struct config *c, struct json v)
{
	return config_text_place(&c->file, v.raw.p);
}

void config_json_put_got(struct json v, enum config_show show, struct buf *b)
{
	static const char *const kinds[] = {
		[JSON_NULL] = "null",	    [JSON_FALSE] = "false",   [JSON_TRUE] = "true",
		[JSON_NUMBER] = "a number", [JSON_STRING] = "a text", [JSON_ARRAY] = "a list",
		[JSON_OBJECT] = "an object"
	};
	enum { SHOWN_MAX = 40 };
	bool is_shown = (v.kind == JSON_NUMBER && show != CONFIG_SHOW_KIND) ||
			(v.kind == JSON_STRING && show == CONFIG_SHOW_TEXT);

	if (is_shown && v.raw.n <= SHOWN_MAX)
		buf_puts(b, v.raw);
	else if (is_shown && v.kind == JSON_STRING)
		buf_printf(b, "a text of %zu bytes", v.raw.n - 2);
	else
		buf_puts(b, str_from_cstr(kinds[v.kind]));
}

str config_path(struct config *c, str path, str name)
{
	str pieces[] = { path, S("."), name };

	return path.n == 0 ? name : arena_join(&c->arena, pieces, ARRAY_LEN(pieces));
}

str config_item_path(struct config *c, str path, size_t i)
{
	str pieces[] = { path, S("["), arena_number(&c->arena, i), S("]") };

	return arena_join(&c->arena, pieces, ARRAY_LEN(pieces));
}

str config_json_path(struct config *c, str path, struct json key)
{
	return config_path(c, path, json_decode(key, &c->arena));
}

/* Is there a member of that name before m? */
static bool comes_twice(struct json object, const struct json_member *m, struct config *c,
			struct json_member *first)
{
	str name = json_decode(m->key, &c->arena);
	struct json_iter it = json_enter(object);

	while (json_next_member(&it, first) && first->key.raw.p < m->key.raw.p) {
		if (json_string_is(first->key, name))
			return true;
	}
	return false;
}

bool config_json_next(struct json_iter *it, struct json object, str path, struct config *c,
		      struct json_member *m, struct config_report *r)
{
	struct json_member first;

	while (json_next_member(it, m)) {
		if (str_has_prefix(m->key.raw, S("\"_")))
			continue;
		if (!comes_twice(object, m, c, &first))
			return true;
		config_error(r, config_json_place(c, m->key), config_json_path(c, path, m->key),
			     "comes twice, first in line %u", config_json_place(c, first.key).line);
	}
	return false;
}

/* Unknown keys */

/* The next step of path p behind the block. */
static str step_after(str p, str block)
{
	str rest = str_skip(p, block.n ? block.n + 1 : 0);

	return str_take(rest, str_find_char(rest, '.'));
}

static bool lies_in(str p, str block)
{
	return block.n == 0 || (p.n > block.n && p.p[block.n] == '.' && str_has_prefix(p, block));
}

/* A key of that name in another block, or empty. */
static str find_elsewhere(str name)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		str p = config_keys[i].path;

		if (p.n > name.n && p.p[p.n - name.n - 1] == '.' &&
		    str_eq(str_skip(p, p.n - name.n), name))
			return p;
	}
	return S("");
}

/* The nearest name in the block, or a key of that very name elsewhere; or empty. */
static str guess_for(str name, str block)
{
	struct nearest n;

	nearest_init(&n, name);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		if (lies_in(config_keys[i].path, block))
			nearest_offer(&n, step_after(config_keys[i].path, block));
	}
	return n.best.n ? n.best : find_elsewhere(name);
}

static void report_unknown(struct reader *rd, str block, const struct json_member *m)
{
	str name = json_decode(m->key, &rd->c->arena), guess = guess_for(name, block);
	struct config_place at = config_json_place(rd->c, m->key);
	str path = config_json_path(rd->c, block, m->key);

	if (block.n && config_key_find(name))
		config_error(rd->r, at, path, "unknown key; \"%.*s\" stands outside of all blocks",
			     STR_ARG(name));
	else if (config_key_find(name))
		config_error(rd->r, at, path,
			     "unknown key; a name in quotes is one step, whatever dots are in it");
	else
		config_error(rd->r, at, path,
			     guess.n ? "unknown key, did you mean \"%.*s\"?" : "unknown key",
			     STR_ARG(guess));
}

/* Known keys */

static void report_value(struct reader *rd, const struct config_key *k, struct json v)
{
	bool is_secret = config_key_may_be_secret(k);
	str guess = v.kind == JSON_STRING ? config_key_suggest(k, json_decode(v, &rd->c->arena)) :
					    S("");
	struct buf text;

	buf_init(&text, 1024);
	buf_puts(&text, S("expected "));
	config_key_put_expected(k, &text);
	buf_puts(&text, S(", got "));
	config_json_put_got(v, is_secret ? CONFIG_SHOW_KIND : CONFIG_SHOW_TEXT, &text);
	if (guess.n)
		buf_printf(&text, ", did you mean \"%.*s\"?", STR_ARG(guess));
	if (v.kind == JSON_NULL)
		buf_puts(&text, S("; leave the key out for its default"));
	config_error(rd->r, config_json_place(rd->c, v), k->path, "%.*s", STR_ARG(buf_str(&text)));
	buf_fini(&text);
}

static void read_value(struct reader *rd, const struct config_key *k, struct json v)
{
	union config_value value;

	if (config_key_from_json(k, v, &rd->c->arena, &value))
		config_set(rd->c, k, value, config_json_place(rd->c, v));
	else
		report_value(rd, k, v);
}

static void read_object(struct reader *rd, struct json object, str block, bool is_open);

static void read_block(struct reader *rd, struct json v, str path, bool is_open)
{
	struct buf got;

	if (v.kind == JSON_NULL || is_open)
		return;
	buf_init(&got, 256);
	config_json_put_got(v, CONFIG_SHOW_NUMBER, &got);
	config_error(rd->r, config_json_place(rd->c, v), path, "expected an object, got %.*s",
		     STR_ARG(buf_str(&got)));
	buf_fini(&got);
}

/* The key's further name counts where the key itself is not in the file; if that comes later, it sets
 * the value again. */
static void read_alias(struct reader *rd, const struct json_member *m, str path)
{
	const struct config_key *k = config_key_find_alias(path);

	if (config_setting(rd->c, k->path)->from.source == CONFIG_FROM_FILE)
		config_warn(rd->r, config_json_place(rd->c, m->key), path,
			    "is ignored, because %.*s is set", STR_ARG(k->path));
	else
		read_value(rd, k, m->value);
}

/* is_open: the block may have members that the table does not list. */
static void read_member(struct reader *rd, const struct json_member *m, str block, bool is_open)
{
	str path = config_json_path(rd->c, block, m->key);
	/* {"a.b": 1} is not {"a": {"b": 1}}. */
	bool is_step = str_find_char(m->key.raw, '.') == m->key.raw.n;
	const struct config_key *k = is_step ? config_key_find(path) : NULL;
	bool is_block = is_step && config_key_is_block(path);

	if (k)
		read_value(rd, k, m->value);
	else if (is_step && config_key_find_alias(path))
		read_alias(rd, m, path);
	else if (!is_block && !is_open)
		report_unknown(rd, block, m);
	else if (m->value.kind != JSON_OBJECT)
		read_block(rd, m->value, path, is_open);
	if (m->value.kind == JSON_OBJECT && is_block)
		read_object(rd, m->value, path, k != NULL);
}

static void read_object(struct reader *rd, struct json object, str block, bool is_open)
{
	struct json_iter it = json_enter(object);
	struct json_member m;

	while (config_json_next(&it, object, block, rd->c, &m, rd->r))
		read_member(rd, &m, block, is_open);
}

/* A comment, a key or the head of a table: so begins a TOML file, and the name does not say what
 * it is. */
static bool looks_like_toml(const struct config_text *t)
{
	const str json = S(".json");
	str text = str_trim(t->filled);

	if (t->name.n > json.n && str_eq(str_skip(t->name, t->name.n - json.n), json))
		return false;
	if (str_has_prefix(text, S("[")))
		text = str_trim(str_skip(text, 1));
	return text.n && (text.p[0] == '#' || text.p[0] == '[' ||
			  ((text.p[0] | 0x20) >= 'a' && (text.p[0] | 0x20) <= 'z'));
}

static void report_syntax(struct reader *rd, struct json_error e)
{
	str rest = str_skip(rd->c->file.text, e.offset);
	bool is_comment = str_has_prefix(rest, S("//")) || str_has_prefix(rest, S("/*")) ||
			  str_has_prefix(rest, S("#"));

	config_error(rd->r, config_text_place(&rd->c->file, rest.p), S(""), "%s%s%s", e.text,
		     is_comment ? "; JSON has no comments, but keys that begin with _ are ignored" :
				  "",
		     looks_like_toml(&rd->c->file) ?
			     "; this is read as JSON, the name of a TOML file ends in .toml" :
			     "");
}

void config_json_read(struct config *c, struct config_report *r)
{
	struct reader rd = { c, r };
	struct json_error e = { 0 };
	struct json root;

	if (json_parse(c->file.text, CONFIG_JSON_DEPTH_MAX, &root, &e) != OK)
		report_syntax(&rd, e);
	else if (root.kind != JSON_OBJECT)
		config_error(r, config_json_place(c, root), S(""), "expected an object: { … }");
	else
		read_object(&rd, root, S(""), false);
}
