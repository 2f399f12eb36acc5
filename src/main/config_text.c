/* config_text.c: substitution that remembers. A piece is a stretch of the result that came from
 * one place: copied from the file byte by byte, or put in place of one ${…}. */
#include "main/config_text.h"

#include "base/json.h"

struct config_text_piece {
	size_t at;   /* offset in the result */
	size_t from; /* offset in the file */
	bool is_copy;
};

/* Substitution */

static bool is_name_char(char c, bool is_first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!is_first && c >= '0' && c <= '9');
}

struct reference {
	str name;
	str fallback;
	bool has_fallback;
	size_t len; /* of the whole ${…} */
};

/* Is there a reference at the beginning of s? */
static bool reference_parse(str s, struct reference *out)
{
	str rest = str_skip(s, 2);
	size_t n = 0, end;

	if (!str_has_prefix(s, S("${")))
		return false;
	while (n < rest.n && is_name_char(rest.p[n], n == 0))
		n++;
	*out = (struct reference){ .name = str_take(rest, n) };
	rest = str_skip(rest, n);
	if (str_has_prefix(rest, S(":-"))) {
		out->has_fallback = true;
		rest = str_skip(rest, 2);
	}
	end = str_find_char(rest, '}');
	if (n == 0 || end == rest.n || (end > 0 && !out->has_fallback))
		return false;
	out->fallback = str_take(rest, end);
	out->len = (size_t)(rest.p + end + 1 - s.p);
	return true;
}

static size_t count_references(str s)
{
	size_t n = 0;

	for (size_t i = str_find_char(s, '$'); i < s.n;) {
		n++;
		i++;
		i += str_find_char(str_skip(s, i), '$');
	}
	return n;
}

struct expansion {
	struct config_text *t;
	struct config_variables *variables;
	struct arena *arena;
	struct config_report *report;
	struct buf out;
};

static void add_piece(struct expansion *e, size_t from, bool is_copy)
{
	e->t->pieces[e->t->n_pieces++] =
		(struct config_text_piece){ .at = e->out.len, .from = from, .is_copy = is_copy };
}

static struct config_place original_place(const struct config_text *t, size_t offset)
{
	struct config_place at = { .source = CONFIG_FROM_FILE, .name = t->name };

	json_position(t->original, offset, &at.line, &at.column);
	return at;
}

static void put_reference(struct expansion *e, const struct reference *ref, size_t from)
{
	const char *name = arena_copy(e->arena, ref->name).p;
	const char *value = config_variable_get(e->variables, name);

	add_piece(e, from, false);
	if (value)
		buf_puts(&e->out, str_from_cstr(value));
	else if (ref->has_fallback)
		buf_puts(&e->out, ref->fallback);
	else if (!config_variable_is_named(e->variables, name))
		config_error(e->report, original_place(e->t, from), S(""),
			     "${%.*s}: the variable is not set, and there is no ${%.*s:-default}",
			     STR_ARG(ref->name), STR_ARG(ref->name));
}

static void expand(struct expansion *e, str s)
{
	size_t at = 0;

	add_piece(e, 0, true);
	while (at < s.n) {
		str rest = str_skip(s, at);
		size_t n = str_find_char(rest, '$');
		struct reference ref;

		buf_puts(&e->out, str_take(rest, n));
		at += n;
		if (at == s.n)
			break;
		if (reference_parse(str_skip(s, at), &ref)) {
			put_reference(e, &ref, at);
			at += ref.len;
			add_piece(e, at, true);
		} else {
			buf_putc(&e->out, s.p[at++]);
		}
	}
}

void config_text_expand(struct config_text *t, str name, str original,
			struct config_variables *variables, struct arena *a,
			struct config_report *r)
{
	struct expansion e = { .t = t, .variables = variables, .arena = a, .report = r };

	*t = (struct config_text){ .name = name, .original = original };
	t->pieces = arena_alloc(a, (2 * count_references(original) + 1) * sizeof(*t->pieces));
	buf_init_secret(&e.out, 2 * CONFIG_FILE_BYTES_MAX);
	expand(&e, original);
	if (!buf_ok(&e.out))
		config_error(r, (struct config_place){ CONFIG_FROM_FILE, name, 0, 0 }, S(""),
			     "too large with its variables filled in");
	t->filled = arena_copy(a, buf_str(&e.out));
	t->text = t->filled;
	buf_fini(&e.out);
}

void config_text_translate(struct config_text *t, struct toml_json json)
{
	t->toml = json;
	t->text = json.text;
}

struct config_place config_text_place(const struct config_text *t, const char *p)
{
	size_t offset = (size_t)(p - t->text.p), i = t->n_pieces - 1;

	if (t->toml.n_marks)
		offset = toml_mark_at(&t->toml, offset)->from;
	while (t->pieces[i].at > offset)
		i--;
	/* Empty pieces lie at the same offset; the last one is what follows them. */
	return original_place(t, t->pieces[i].from +
					 (t->pieces[i].is_copy ? offset - t->pieces[i].at : 0));
}
