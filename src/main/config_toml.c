/* config_toml.c: TOML is read as the JSON that means the same, so that both have one reader, one set
 * of checks and one wording. What only TOML can say is refused here: no key takes a date. */
#include "main/config_toml.h"

#include "main/config_json.h"

bool config_toml_is(str name)
{
	return name.n >= 5 && str_eq(str_skip(name, name.n - 5), S(".toml"));
}

static void report_syntax(const struct config_text *t, const struct toml_error *e,
			  struct config_report *r)
{
	struct config_place at = config_text_place(t, t->text.p + e->offset);

	if (e->first == TOML_NO_OFFSET)
		config_error(r, at, e->key, "%s", e->text);
	else
		config_error(r, at, e->key, "%s, first in line %u", e->text,
			     config_text_place(t, t->text.p + e->first).line);
}

static void report_foreign(struct config *c, struct json v, str path, struct config_report *r)
{
	str text = { v.raw.p + 1, v.raw.n - 2 };
	bool is_time = text.p[0] >= '0' && text.p[0] <= '9';

	config_error(r, config_json_place(c, v), path,
		     is_time ? "%.*s is a date or a time, and no key takes one; a text stands in "
			       "quotes" :
			       "%.*s is no finite number",
		     STR_ARG(text));
}

/* Recursive: the parser has bounded the depth. */
static void refuse_foreign(struct config *c, struct json v, str path, struct config_report *r)
{
	const struct toml_mark *m = toml_mark_at(&c->file.toml, (size_t)(v.raw.p - c->file.text.p));
	struct json_iter it;
	struct json_member member;
	struct json item;

	if (m->is_foreign)
		report_foreign(c, v, path, r);
	if (v.kind != JSON_ARRAY && v.kind != JSON_OBJECT)
		return;
	it = json_enter(v);
	for (size_t i = 0; v.kind == JSON_ARRAY && json_next_item(&it, &item); i++)
		refuse_foreign(c, item, config_item_path(c, path, i), r);
	while (v.kind == JSON_OBJECT && json_next_member(&it, &member))
		refuse_foreign(c, member.value, config_json_path(c, path, member.key), r);
}

static bool has_foreign(const struct toml_json *j)
{
	size_t i = 0;

	while (i < j->n_marks && !j->marks[i].is_foreign)
		i++;
	return i < j->n_marks;
}

void config_toml_translate(struct config *c, struct config_report *r)
{
	struct toml_json json;
	struct toml_error e;
	struct json root;

	if (toml_to_json(c->file.text, CONFIG_JSON_DEPTH_MAX, &c->arena, &json, &e) != OK) {
		report_syntax(&c->file, &e, r);
		return;
	}
	config_text_translate(&c->file, json);
	if (has_foreign(&json) && json_parse(json.text, CONFIG_JSON_DEPTH_MAX, &root, NULL) == OK)
		refuse_foreign(c, root, S(""), r);
}
