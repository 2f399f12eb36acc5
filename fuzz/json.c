/* json: accepted is exactly what a naive reader accepts; what is walked covers the text without a
 * gap; and what is decoded, written and compacted means the same as before. */
#include "fuzz.h"

#include "base/json.h"
#include "base/mem.h"

static const unsigned DEPTHS[] = { JSON_DEPTH_MAX, 64, 4, 1 };

/* A naive reader: recursive, one character at a time. */

struct naive {
	const char *p, *end;
	unsigned depth_left;
	bool too_deep;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void naive_blanks(struct naive *n)
{
	while (n->p < n->end && is_blank(*n->p))
		n->p++;
}

static bool naive_char(struct naive *n, char c)
{
	if (n->p == n->end || *n->p != c)
		return false;
	n->p++;
	return true;
}

static bool naive_word(struct naive *n, const char *word)
{
	while (*word) {
		if (!naive_char(n, *word++))
			return false;
	}
	return true;
}

static bool naive_digits(struct naive *n)
{
	const char *start = n->p;

	while (n->p < n->end && *n->p >= '0' && *n->p <= '9')
		n->p++;
	return n->p > start;
}

static bool naive_number(struct naive *n)
{
	naive_char(n, '-');
	if (!naive_char(n, '0') && !naive_digits(n))
		return false;
	if (naive_char(n, '.') && !naive_digits(n))
		return false;
	if (naive_char(n, 'e') || naive_char(n, 'E')) {
		if (!naive_char(n, '+'))
			naive_char(n, '-');
		return naive_digits(n);
	}
	return true;
}

static bool naive_escape(struct naive *n)
{
	if (!naive_char(n, 'u'))
		return n->p < n->end && *n->p && strchr("\"\\/bfnrt", *n->p++);
	for (unsigned i = 0; i < 4; i++) {
		if (n->p == n->end || !*n->p || !strchr("0123456789abcdefABCDEF", *n->p++))
			return false;
	}
	return true;
}

static bool naive_string(struct naive *n)
{
	if (!naive_char(n, '"'))
		return false;
	while (n->p < n->end) {
		char c = *n->p++;

		if (c == '"')
			return true;
		if ((uint8_t)c < 0x20 || (c == '\\' && !naive_escape(n)))
			return false;
	}
	return false;
}

static bool naive_value(struct naive *n);

static bool naive_member(struct naive *n, bool is_object)
{
	naive_blanks(n);
	if (is_object) {
		if (!naive_string(n))
			return false;
		naive_blanks(n);
		if (!naive_char(n, ':'))
			return false;
	}
	return naive_value(n);
}

static bool naive_container(struct naive *n, char closer)
{
	n->p++;
	if (n->depth_left-- == 0) {
		n->too_deep = true;
		return false;
	}
	naive_blanks(n);
	if (!naive_char(n, closer)) {
		do {
			if (!naive_member(n, closer == '}'))
				return false;
		} while (naive_char(n, ','));
		if (!naive_char(n, closer))
			return false;
	}
	n->depth_left++;
	return true;
}

/* With blanks around it. */
static bool naive_value(struct naive *n)
{
	bool is_good;

	naive_blanks(n);
	if (n->p == n->end)
		return false;
	switch (*n->p) {
	case '{':
		is_good = naive_container(n, '}');
		break;
	case '[':
		is_good = naive_container(n, ']');
		break;
	case '"':
		is_good = naive_string(n);
		break;
	case 't':
		is_good = naive_word(n, "true");
		break;
	case 'f':
		is_good = naive_word(n, "false");
		break;
	case 'n':
		is_good = naive_word(n, "null");
		break;
	default:
		is_good = naive_number(n);
	}
	naive_blanks(n);
	return is_good;
}

static err naive_parse(str text, unsigned depth_max)
{
	struct naive n = { text.p, text.p + text.n, depth_max, false };

	if (naive_utf8_valid(text) && naive_value(&n) && n.p == n.end)
		return OK;
	return n.too_deep ? ERR_DEPTH : ERR_SYNTAX;
}

/* Scalars */

static void check_string(struct json v, struct arena *a)
{
	str s = json_decode(v, a);
	struct json again;
	struct buf b;

	CHECK(s.n <= v.raw.n - 2 && naive_utf8_valid(s));
	CHECK(v.has_escapes || s.n == v.raw.n - 2);
	CHECK(json_string_is(v, s));
	CHECK(s.n == 0 || !json_string_is(v, str_take(s, s.n - 1)));
	buf_init(&b, 6 * s.n + 2);
	jw_string(&b, s);
	CHECK(buf_ok(&b));
	CHECK(json_parse(buf_str(&b), 0, &again, NULL) == OK && json_string_is(again, s));
	CHECK(str_eq(json_decode(again, a), s));
	buf_fini(&b);
}

static void check_number(struct json v)
{
	uint64_t u;
	int64_t i;
	double d;

	if (json_to_u64(v, UINT64_MAX, &u)) {
		CHECK(json_to_double(v, &d) == (v.raw.n < 1024));
		CHECK(v.raw.n >= 1024 || d == (double)u);
		CHECK(u == 0 || !json_to_u64(v, u - 1, &u));
	}
	if (json_to_i64(v, &i) && v.raw.n < 1024)
		CHECK(json_to_double(v, &d) && d == (double)i);
}

/* A tree */

/* Between two tokens: blanks, and the punctuation if there is to be one. */
static void check_gap(const char *from, const char *to, char punctuation)
{
	unsigned n = 0;

	CHECK(from <= to);
	for (; from < to; from++) {
		CHECK(is_blank(*from) || *from == punctuation);
		n += !is_blank(*from);
	}
	CHECK(n == (punctuation != 0));
}

static const char *end_of(struct json v)
{
	return v.raw.p + v.raw.n;
}

static void check_value(struct json v, unsigned depth_left, struct arena *a);

static void check_container(struct json v, unsigned depth_left, struct arena *a)
{
	struct json_iter it = json_enter(v);
	const char *at = v.raw.p + 1;
	struct json_member m;
	char comma = 0;

	CHECK(depth_left > 0);
	while (v.kind == JSON_OBJECT ? json_next_member(&it, &m) : json_next_item(&it, &m.value)) {
		if (v.kind == JSON_OBJECT) {
			CHECK(m.key.kind == JSON_STRING);
			check_gap(at, m.key.raw.p, comma);
			check_value(m.key, 0, a);
			check_gap(end_of(m.key), m.value.raw.p, ':');
		} else {
			check_gap(at, m.value.raw.p, comma);
		}
		check_value(m.value, depth_left - 1, a);
		at = end_of(m.value);
		comma = ',';
	}
	check_gap(at, end_of(v) - 1, 0);
}

static void check_value(struct json v, unsigned depth_left, struct arena *a)
{
	struct json alone;

	if (v.kind == JSON_OBJECT || v.kind == JSON_ARRAY) {
		check_container(v, depth_left, a);
		return;
	}
	CHECK(json_parse(v.raw, 0, &alone, NULL) == OK);
	CHECK(alone.kind == v.kind && alone.has_escapes == v.has_escapes &&
	      str_eq(alone.raw, v.raw));
	if (v.kind == JSON_STRING)
		check_string(v, a);
	else if (v.kind == JSON_NUMBER)
		check_number(v);
}

/* Scalars of equal text in the same places. */
static void check_same(struct json a, struct json b)
{
	struct json_member m, n;
	struct json_iter i, k;

	CHECK(a.kind == b.kind);
	if (a.kind != JSON_OBJECT && a.kind != JSON_ARRAY) {
		CHECK(str_eq(a.raw, b.raw));
		return;
	}
	i = json_enter(a);
	k = json_enter(b);
	if (a.kind == JSON_OBJECT) {
		while (json_next_member(&i, &m)) {
			CHECK(json_next_member(&k, &n) && str_eq(m.key.raw, n.key.raw));
			check_same(m.value, n.value);
		}
		CHECK(!json_next_member(&k, &n));
	} else {
		while (json_next_item(&i, &m.value)) {
			CHECK(json_next_item(&k, &n.value));
			check_same(m.value, n.value);
		}
		CHECK(!json_next_item(&k, &n.value));
	}
}

static void check_compact(struct json v)
{
	struct json again;
	struct buf b, twice;

	buf_init(&b, v.raw.n);
	buf_init(&twice, v.raw.n);
	jw_compact(&b, v);
	CHECK(buf_ok(&b));
	CHECK(json_parse(buf_str(&b), JSON_DEPTH_MAX, &again, NULL) == OK);
	check_same(v, again);
	jw_compact(&twice, again);
	CHECK(str_eq(buf_str(&b), buf_str(&twice)));
	buf_fini(&b);
	buf_fini(&twice);
}

static void check_error(str text, const struct json_error *error)
{
	unsigned line = 0, column = 0;

	CHECK(error->offset <= text.n && error->text);
	json_position(text, error->offset, &line, &column);
	CHECK(line >= 1 && column >= 1 && line + column <= text.n + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice;
	str text = fuzz_input(data, size, &choice);
	unsigned depth_max = DEPTHS[choice % ARRAY_LEN(DEPTHS)];
	struct json_error error = { 0 };
	struct arena a;
	struct json v;
	err e = json_parse(text, depth_max, &v, &error);

	CHECK(e == naive_parse(text, depth_max));
	if (e != OK) {
		check_error(text, &error);
		return 0;
	}
	arena_init(&a, 0);
	check_gap(text.p, v.raw.p, 0);
	check_gap(end_of(v), text.p + text.n, 0);
	check_value(v, depth_max, &a);
	check_compact(v);
	arena_fini(&a);
	return 0;
}
