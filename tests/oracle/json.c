/* json.c: what base/json makes of documents:  oracle-json
 *
 * For each record a line: "reject WHY", or "accept WALKED COMPACT". COMPACT is what jw_compact writes. WALKED is what a reader
 * finds who walks the value: numbers and words as written, strings as their decoded characters in hex with an 's' before them,
 * and a '!' after the name of each member that json_find would find. */
#include "tests/oracle/records.h"

#include "base/json.h"

static void put_string(struct buf *b, struct json v, struct arena *a)
{
	str text = json_decode(v, a);

	buf_putc(b, 's');
	for (size_t i = 0; i < text.n; i++)
		buf_printf(b, "%02x", (unsigned char)text.p[i]);
	if (!json_string_is(v, text))
		buf_puts(b, S("(json_string_is disagrees)"));
}

static void put_value(struct buf *b, struct json v, struct arena *a);

static void put_object(struct buf *b, struct json v, struct arena *a)
{
	struct json_iter it = json_enter(v);
	struct json_member m;
	bool is_first = true;

	buf_putc(b, '{');
	while (json_next_member(&it, &m)) {
		if (!is_first)
			buf_putc(b, ',');
		is_first = false;
		put_string(b, m.key, a);
		if (json_find(v, json_decode(m.key, a)).raw.p == m.value.raw.p)
			buf_putc(b, '!');
		buf_putc(b, ':');
		put_value(b, m.value, a);
	}
	buf_putc(b, '}');
}

static void put_array(struct buf *b, struct json v, struct arena *a)
{
	struct json_iter it = json_enter(v);
	struct json item;
	bool is_first = true;

	buf_putc(b, '[');
	while (json_next_item(&it, &item)) {
		if (!is_first)
			buf_putc(b, ',');
		is_first = false;
		put_value(b, item, a);
	}
	buf_putc(b, ']');
}

/* Recursive: the parser has bounded the depth. */
static void put_value(struct buf *b, struct json v, struct arena *a)
{
	if (v.kind == JSON_OBJECT)
		put_object(b, v, a);
	else if (v.kind == JSON_ARRAY)
		put_array(b, v, a);
	else if (v.kind == JSON_STRING)
		put_string(b, v, a);
	else
		buf_puts(b, v.raw);
}

static void judge(str text, struct arena *a)
{
	struct json_error why;
	struct json v;
	struct buf b;

	if (json_parse(text, JSON_DEPTH_MAX, &v, &why) != OK) {
		printf("reject %s\n", why.text);
		return;
	}
	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("accept "));
	put_value(&b, v, a);
	buf_putc(&b, ' ');
	jw_compact(&b, v);
	buf_putc(&b, '\n');
	fwrite(b.p, 1, b.len, stdout);
	buf_fini(&b);
}

int main(void)
{
	struct arena a;
	char *bytes;
	size_t n;

	arena_init(&a, 64 * 1024);
	while (record_read(&bytes, &n)) {
		judge((str){ bytes, n }, &a);
		arena_reset(&a);
		free(bytes);
	}
	arena_fini(&a);
	return 0;
}
