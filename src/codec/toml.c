/* toml.c: a document's tables, and the JSON that they are.
 *
 * TOML may come back to a table, so nothing can be written before everything was read: the document
 * becomes a tree first. Each table knows in which section of the document it was defined, which is
 * all that is needed to say whether more may be added to it: headers may not define a table twice,
 * dotted keys may add only to what they began in the same section, and what stands in braces or
 * brackets is complete. Members are found by walking over all of a table: a configuration has few.
 * Recursion is bounded by the depth that the caller allows. */
#include "codec/toml.h"

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "codec/toml_priv.h"

enum node_kind { NODE_TABLE, NODE_LIST, NODE_STRING, NODE_PLAIN, NODE_FOREIGN };

struct node {
	struct node *parent, *next, *first, *last;
	str key;	/* of a member of a table */
	const char *at; /* where its key stands, or in a list the value itself */
	const char *value_at;
	str text; /* of what has no parts */
	enum node_kind kind;
	unsigned depth;	  /* tables and lists: 1 is the document */
	unsigned section; /* tables: that defined it; 0: so far it only holds others */
	bool is_dotted;	  /* defined by a dotted key */
	bool is_closed;	  /* written as one value, which nothing can be added to */
};

struct reader {
	struct toml_cursor c;
	const char *start;
	unsigned depth_max;
	unsigned n_sections;
	size_t n_nodes;
	struct node *root;
	err code;
	struct toml_error *error;
};

/* The tree */

static struct node *node_new(struct reader *r, struct node *parent, enum node_kind kind,
			     const char *at)
{
	struct node *n = arena_alloc(r->c.arena, sizeof(*n));

	*n = (struct node){ .parent = parent, .kind = kind, .at = at, .value_at = at };
	r->n_nodes++;
	n->depth = parent ? parent->depth + (kind <= NODE_LIST) : 1;
	if (!parent)
		return n;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	if (n->depth <= r->depth_max)
		return n;
	toml_fail(&r->c, at, "nested too deeply");
	r->code = ERR_DEPTH;
	return NULL;
}

static struct node *find(const struct node *table, str key)
{
	struct node *n = table->first;

	while (n && !str_eq(n->key, key))
		n = n->next;
	return n;
}

static size_t index_in_list(const struct node *n)
{
	const struct node *other = n->parent->first;
	size_t i = 0;

	for (; other != n; other = other->next)
		i++;
	return i;
}

/* Recursive: as deep as the document. */
static void put_path(struct buf *b, const struct node *n)
{
	if (!n->parent)
		return;
	put_path(b, n->parent);
	if (n->parent->kind == NODE_LIST) {
		buf_printf(b, "[%zu]", index_in_list(n));
		return;
	}
	buf_puts(b, b->len ? S(".") : S(""));
	buf_puts(b, n->key);
}

/* "a.b[2].c" */
static str path_of(struct reader *r, const struct node *n)
{
	struct buf b;
	str path;

	buf_init(&b, (size_t)(r->c.end - r->start) + TOML_DEPTH_MAX * 32);
	put_path(&b, n);
	path = arena_copy(r->c.arena, buf_str(&b));
	buf_fini(&b);
	return path;
}

/* Keys */

struct part {
	str name;
	const char *at;
};

/* a."b".c */
struct key {
	struct part parts[TOML_DEPTH_MAX];
	size_t n;
};

static bool fail_first(struct reader *r, const char *at, const struct node *first,
		       const char *problem)
{
	r->error->key = path_of(r, first);
	r->error->first = (size_t)(first->at - r->start);
	return toml_fail(&r->c, at, problem);
}

static bool fail_twice(struct reader *r, const struct part *part, const struct node *first)
{
	return fail_first(r, part->at, first, "comes twice");
}

static bool fail_closed(struct reader *r, const struct part *part, const struct node *first)
{
	return fail_first(r, part->at, first, "takes no further keys");
}

static struct node *add_table(struct reader *r, struct node *parent, const struct part *part,
			      unsigned section)
{
	struct node *n = node_new(r, parent, NODE_TABLE, part->at);

	if (n) {
		n->key = part->name;
		n->section = section;
	}
	return n;
}

/* The table that a dotted key of this section goes through. NULL: it cannot. */
static struct node *enter_dotted(struct reader *r, struct node *table, const struct part *part,
				 unsigned section)
{
	struct node *n = find(table, part->name);

	if (!n)
		n = add_table(r, table, part, 0);
	else if (n->kind != NODE_TABLE || n->is_closed ||
		 (n->section != 0 && (!n->is_dotted || n->section != section)))
		return fail_closed(r, part, n), NULL;
	if (n) {
		n->section = section;
		n->is_dotted = true;
	}
	return n;
}

/* The table that a header goes through, or the last one of a list of them. */
static struct node *enter_named(struct reader *r, struct node *table, const struct part *part)
{
	struct node *n = find(table, part->name);

	if (!n)
		return add_table(r, table, part, 0);
	if (n->is_closed || n->kind > NODE_LIST)
		return fail_closed(r, part, n), NULL;
	return n->kind == NODE_LIST ? n->last : n;
}

/* Reading */

static void skip_blanks(struct toml_cursor *c)
{
	while (toml_is_at(c, ' ') || toml_is_at(c, '\t'))
		c->at++;
}

static bool skip_comment(struct toml_cursor *c)
{
	if (!toml_is_at(c, '#'))
		return true;
	while (c->at < c->end && !toml_newline(c, c->at)) {
		if (toml_is_control(*c->at))
			return toml_fail(c, c->at, "control character in a comment");
		c->at++;
	}
	return true;
}

/* Blanks, comments and line ends. */
static bool skip_lines(struct toml_cursor *c)
{
	for (;;) {
		size_t n;

		skip_blanks(c);
		if (!skip_comment(c))
			return false;
		n = toml_newline(c, c->at);
		if (n == 0)
			return true;
		c->at += n;
	}
}

static bool is_bare(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       ch == '_' || ch == '-';
}

static bool read_part(struct toml_cursor *c, struct part *part)
{
	const char *start = c->at;

	part->at = start;
	if (toml_is_at(c, '"') || toml_is_at(c, '\''))
		return toml_string(c, false, &part->name);
	while (c->at < c->end && is_bare(*c->at))
		c->at++;
	part->name = (str){ start, (size_t)(c->at - start) };
	return part->name.n > 0 || toml_fail(c, start, "expected a key");
}

/* The key at the cursor, and the blanks behind it. */
static bool read_key(struct reader *r, struct key *key)
{
	struct toml_cursor *c = &r->c;

	for (key->n = 0;;) {
		skip_blanks(c);
		if (key->n == r->depth_max) {
			r->code = ERR_DEPTH;
			return toml_fail(c, c->at, "nested too deeply");
		}
		if (!read_part(c, &key->parts[key->n++]))
			return false;
		skip_blanks(c);
		if (!toml_is_at(c, '.'))
			return true;
		c->at++;
	}
}

static bool read_value(struct reader *r, struct node *parent, const struct part *part);

/* The key = value at the cursor, into the table. */
static bool read_pair(struct reader *r, struct node *table, unsigned section)
{
	struct node *twice;
	struct key key;

	if (!read_key(r, &key))
		return false;
	if (!toml_is_at(&r->c, '='))
		return toml_fail(&r->c, r->c.at, "expected '=' after a key");
	r->c.at++;
	for (size_t i = 0; i + 1 < key.n; i++) {
		table = enter_dotted(r, table, &key.parts[i], section);
		if (!table)
			return false;
	}
	twice = find(table, key.parts[key.n - 1].name);
	if (twice)
		return fail_twice(r, &key.parts[key.n - 1], twice);
	skip_blanks(&r->c);
	return read_value(r, table, &key.parts[key.n - 1]);
}

/* Behind '['. */
static bool read_items(struct reader *r, struct node *list)
{
	for (;;) {
		if (!skip_lines(&r->c))
			return false;
		if (toml_is_at(&r->c, ']'))
			break;
		if (!read_value(r, list, NULL) || !skip_lines(&r->c))
			return false;
		if (toml_is_at(&r->c, ']'))
			break;
		if (!toml_is_at(&r->c, ','))
			return toml_fail(&r->c, r->c.at, "expected ',' or ']'");
		r->c.at++;
	}
	r->c.at++;
	return true;
}

/* Behind '{'. All of it stands in one line. */
static bool read_inline_table(struct reader *r, struct node *table)
{
	unsigned section = ++r->n_sections;

	skip_blanks(&r->c);
	if (toml_is_at(&r->c, '}')) {
		r->c.at++;
		return true;
	}
	for (;;) {
		if (!read_pair(r, table, section))
			return false;
		skip_blanks(&r->c);
		if (toml_is_at(&r->c, '}'))
			break;
		if (!toml_is_at(&r->c, ','))
			return toml_fail(&r->c, r->c.at, "expected ',' or '}' in the same line");
		r->c.at++;
	}
	r->c.at++;
	return true;
}

static bool read_parts(struct reader *r, struct node *n)
{
	n->is_closed = true;
	r->c.at++;
	return n->kind == NODE_LIST ? read_items(r, n) : read_inline_table(r, n);
}

static bool read_word(struct reader *r, struct node *n)
{
	enum toml_word word;

	if (n->kind == NODE_STRING)
		return toml_string(&r->c, true, &n->text);
	if (!toml_scalar(&r->c, &n->text, &word))
		return false;
	n->kind = word == TOML_FOREIGN ? NODE_FOREIGN : NODE_PLAIN;
	return true;
}

/* The value at the cursor becomes an item of a list (part is NULL), or a member. */
static bool read_value(struct reader *r, struct node *parent, const struct part *part)
{
	struct toml_cursor *c = &r->c;
	enum node_kind kind = NODE_PLAIN;
	struct node *n;

	if (c->at == c->end)
		return toml_fail(c, c->at, "the text ends too early");
	if (*c->at == '"' || *c->at == '\'')
		kind = NODE_STRING;
	else if (*c->at == '[' || *c->at == '{')
		kind = *c->at == '[' ? NODE_LIST : NODE_TABLE;
	n = node_new(r, parent, kind, c->at);
	if (!n)
		return false;
	if (part) {
		n->key = part->name;
		n->at = part->at;
	}
	return kind <= NODE_LIST ? read_parts(r, n) : read_word(r, n);
}

/* Headers */

/* [a.b] */
static struct node *define_table(struct reader *r, struct node *parent, const struct part *part,
				 unsigned section)
{
	struct node *n = find(parent, part->name);

	if (!n)
		return add_table(r, parent, part, section);
	if (n->kind != NODE_TABLE || n->is_closed || n->section != 0)
		return fail_twice(r, part, n), NULL;
	n->section = section;
	return n;
}

/* [[a.b]] */
static struct node *add_to_list(struct reader *r, struct node *parent, const struct part *part,
				unsigned section)
{
	struct node *list = find(parent, part->name), *n;

	if (list && list->kind != NODE_LIST)
		return fail_twice(r, part, list), NULL;
	if (list && list->is_closed)
		return fail_closed(r, part, list), NULL;
	if (!list) {
		list = node_new(r, parent, NODE_LIST, part->at);
		if (!list)
			return NULL;
		list->key = part->name;
	}
	n = node_new(r, list, NODE_TABLE, part->at);
	if (n)
		n->section = section;
	return n;
}

/* The header at the cursor. NULL: failed; else the table that the lines behind it are about. */
static struct node *read_header(struct reader *r)
{
	bool is_list = r->c.end - r->c.at >= 2 && r->c.at[1] == '[';
	str closer = is_list ? S("]]") : S("]");
	struct node *table = r->root;
	struct key key;

	r->c.at += closer.n;
	if (!read_key(r, &key))
		return NULL;
	if (!str_has_prefix((str){ r->c.at, (size_t)(r->c.end - r->c.at) }, closer)) {
		toml_fail(&r->c, r->c.at, is_list ? "expected ']]'" : "expected ']'");
		return NULL;
	}
	r->c.at += closer.n;
	for (size_t i = 0; table && i + 1 < key.n; i++)
		table = enter_named(r, table, &key.parts[i]);
	if (!table)
		return NULL;
	return (is_list ? add_to_list : define_table)(r, table, &key.parts[key.n - 1],
						      ++r->n_sections);
}

static bool read_document(struct reader *r)
{
	struct toml_cursor *c = &r->c;
	struct node *table = r->root;

	for (;;) {
		if (!skip_lines(c))
			return false;
		if (c->at == c->end)
			return true;
		if (*c->at == '[')
			table = read_header(r);
		else if (!read_pair(r, table, table->section))
			return false;
		if (!table)
			return false;
		skip_blanks(c);
		if (c->at < c->end && *c->at != '#' && !toml_newline(c, c->at))
			return toml_fail(c, c->at,
					 *c->at == '\r' ? "carriage return without a line feed" :
							  "expected the end of the line");
	}
}

/* Writing */

struct writer {
	struct buf *b;
	const char *start;
	struct toml_json *out;
};

static void put_mark(struct writer *w, const char *from, bool is_foreign)
{
	w->out->marks[w->out->n_marks++] = (struct toml_mark){
		.at = w->b->len,
		.from = (size_t)(from - w->start),
		.is_foreign = is_foreign,
	};
}

static void put_node(struct writer *w, const struct node *n);

static void put_parts(struct writer *w, const struct node *n)
{
	bool is_table = n->kind == NODE_TABLE;

	buf_putc(w->b, is_table ? '{' : '[');
	for (const struct node *child = n->first; child; child = child->next) {
		if (child != n->first)
			buf_putc(w->b, ',');
		if (is_table) {
			put_mark(w, child->at, false);
			jw_string(w->b, child->key);
			buf_putc(w->b, ':');
		}
		put_node(w, child);
	}
	buf_putc(w->b, is_table ? '}' : ']');
}

static void put_node(struct writer *w, const struct node *n)
{
	put_mark(w, n->value_at, n->kind == NODE_FOREIGN);
	if (n->kind <= NODE_LIST)
		put_parts(w, n);
	else if (n->kind == NODE_PLAIN)
		buf_puts(w->b, n->text);
	else
		jw_string(w->b, n->text);
}

static void write_json(struct reader *r, struct toml_json *out)
{
	size_t bytes = (size_t)(r->c.end - r->start);
	struct buf b;

	/* A byte becomes at most six, a node brings brackets, quotes, colon and comma. */
	buf_init_secret(&b, 6 * bytes + 32 * r->n_nodes);
	*out = (struct toml_json){ .marks = arena_alloc(r->c.arena,
							2 * r->n_nodes * sizeof(*out->marks)) };
	put_node(&(struct writer){ .b = &b, .start = r->start, .out = out }, r->root);
	ASSERT(buf_ok(&b));
	out->text = arena_copy(r->c.arena, buf_str(&b));
	buf_fini(&b);
}

/* All of it */

err toml_to_json(str text, unsigned depth_max, struct arena *a, struct toml_json *out,
		 struct toml_error *error)
{
	struct reader r = { .depth_max = depth_max, .code = ERR_SYNTAX, .error = error };

	ASSERT(depth_max > 0 && depth_max <= TOML_DEPTH_MAX);
	if (text.n == 0)
		text = S("");
	*error = (struct toml_error){ .first = TOML_NO_OFFSET };
	r.start = text.p;
	r.c = (struct toml_cursor){ .at = text.p, .end = text.p + text.n, .arena = a };
	buf_init_secret(&r.c.string, text.n);
	r.root = node_new(&r, NULL, NODE_TABLE, text.p);
	r.root->section = ++r.n_sections;
	if (!utf8_valid(text))
		toml_fail(&r.c, text.p + utf8_valid_bytes(text), "invalid UTF-8");
	else if (str_has_prefix(text, S("\xef\xbb\xbf")))
		toml_fail(&r.c, text.p, "the file begins with a byte order mark");
	else if (read_document(&r))
		write_json(&r, out);
	buf_fini(&r.c.string);
	if (!r.c.problem)
		return OK;
	error->offset = (size_t)(r.c.problem_at - text.p);
	error->text = r.c.problem_at == r.c.end && error->first == TOML_NO_OFFSET ?
			      "the text ends too early" :
			      r.c.problem;
	return r.code;
}

const struct toml_mark *toml_mark_at(const struct toml_json *j, size_t at)
{
	size_t low = 0, high = j->n_marks;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (j->marks[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return &j->marks[low];
}
