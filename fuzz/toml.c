/* toml: what is accepted is sound JSON of the same depth, every key and value of which is led back to
 * where it stands; a comment in front moves all of them and changes nothing; CRLF is a line end. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/json.h"
#include "codec/toml.h"

static const unsigned DEPTHS[] = { TOML_DEPTH_MAX, 32, 3, 1 };

static void check_error(str text, const struct toml_error *e)
{
	CHECK(e->offset <= text.n && e->text);
	CHECK(e->first == TOML_NO_OFFSET || (e->first <= e->offset && naive_utf8_valid(e->key)));
}

/* A scalar that JSON writes in the same words stands there in the TOML. */
static void check_word(str text, struct json v, const struct toml_mark *m)
{
	CHECK(m->is_foreign ? v.kind == JSON_STRING : v.kind != JSON_NULL);
	if (v.kind == JSON_TRUE || v.kind == JSON_FALSE)
		CHECK(str_has_prefix(str_skip(text, m->from), v.raw));
	else if (m->is_foreign)
		CHECK(str_has_prefix(str_skip(text, m->from), (str){ v.raw.p + 1, v.raw.n - 2 }));
	else if (v.kind == JSON_STRING)
		CHECK(text.p[m->from] == '"' || text.p[m->from] == '\'');
}

static void check_value(str text, const struct toml_json *j, struct json v, size_t *n)
{
	const struct toml_mark *m = toml_mark_at(j, (size_t)(v.raw.p - j->text.p));
	struct json_iter it;
	struct json_member member;
	struct json item;

	CHECK(m == &j->marks[(*n)++] && m->at == (size_t)(v.raw.p - j->text.p));
	CHECK(m->from <= text.n);
	if (v.kind != JSON_ARRAY && v.kind != JSON_OBJECT) {
		check_word(text, v, m);
		return;
	}
	it = json_enter(v);
	if (v.kind == JSON_ARRAY) {
		while (json_next_item(&it, &item))
			check_value(text, j, item, n);
		return;
	}
	while (json_next_member(&it, &member)) {
		struct json first =
			json_find(v, (str){ member.key.raw.p + 1, member.key.raw.n - 2 });

		CHECK(j->marks[*n].at == (size_t)(member.key.raw.p - j->text.p));
		CHECK(member.key.has_escapes || first.raw.p == member.value.raw.p);
		++*n;
		check_value(text, j, member.value, n);
	}
}

/* text with other line ends and something in front. */
static str moved(str text, struct arena *a, size_t *n_front)
{
	static const char front[] = "# \xe2\x82\xac\r\n";
	struct buf b;
	str out;

	*n_front = sizeof(front) - 1;
	buf_init(&b, sizeof(front) + 2 * text.n);
	buf_puts(&b, str_from_cstr(front));
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
			buf_putc(&b, '\r');
		buf_putc(&b, text.p[i]);
	}
	out = arena_copy(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str input = fuzz_input(data, size, &choice), text;
	unsigned depth_max = DEPTHS[choice % ARRAY_LEN(DEPTHS)];
	struct toml_json j, other;
	struct toml_error e;
	struct arena a;
	struct json v;
	size_t n = 0, n_front;

	arena_init(&a, 0);
	if (toml_to_json(input, depth_max, &a, &j, &e) != OK) {
		check_error(input, &e);
		arena_fini(&a);
		return 0;
	}
	CHECK(json_parse(j.text, depth_max, &v, NULL) == OK && v.raw.p == j.text.p);
	check_value(input, &j, v, &n);
	CHECK(n == j.n_marks);
	text = moved(input, &a, &n_front);
	CHECK(toml_to_json(text, depth_max, &a, &other, &e) == OK);
	CHECK(str_eq(j.text, other.text) && other.n_marks == n);
	arena_fini(&a);
	return 0;
}
