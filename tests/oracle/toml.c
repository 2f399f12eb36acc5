/* toml.c: what codec/toml makes of documents:  oracle-toml
 *
 * For each record a line: "reject WHY", or "accept JSON". A value that JSON cannot say is written there as the string of its
 * text with '!' in front. */
#include "tests/oracle/records.h"

#include "base/buf.h"
#include "codec/toml.h"

/* The JSON, with a '!' at the beginning of the strings that are none. */
static void put_marked(const struct toml_json *j, struct buf *b)
{
	size_t done = 0;

	for (size_t i = 0; i < j->n_marks; i++) {
		if (!j->marks[i].is_foreign)
			continue;
		buf_puts(b, str_take(str_skip(j->text, done), j->marks[i].at + 1 - done));
		buf_putc(b, '!');
		done = j->marks[i].at + 1;
	}
	buf_puts(b, str_skip(j->text, done));
}

static void judge(str text, struct arena *a)
{
	struct toml_error why;
	struct toml_json json;
	struct buf b;

	if (toml_to_json(text, TOML_DEPTH_MAX, a, &json, &why) != OK) {
		printf("reject %s\n", why.text);
		return;
	}
	buf_init(&b, SIZE_MAX / 2);
	buf_puts(&b, S("accept "));
	put_marked(&json, &b);
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
