/* config_report.c: lines of text, counted. What a line quotes comes from a file that may hold
 * anything, so bytes that could move a terminal's cursor are replaced. */
#include "main/config_report.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES_MAX = 1024, LINES_BYTES_MAX = 1 << 20 };

void config_report_init(struct config_report *r)
{
	*r = (struct config_report){ .n_shown_max = CONFIG_ERRORS_SHOWN_MAX };
	buf_init(&r->errors, LINES_BYTES_MAX);
	buf_init(&r->warnings, LINES_BYTES_MAX);
}

void config_report_fini(struct config_report *r)
{
	buf_fini(&r->errors);
	buf_fini(&r->warnings);
}

void config_place_put(struct config_place at, struct buf *b)
{
	switch (at.source) {
	case CONFIG_DEFAULT:
		buf_puts(b, S("default"));
		return;
	case CONFIG_FROM_ENV:
		buf_puts(b, S("environment"));
		return;
	case CONFIG_FROM_FILE:
		buf_puts(b, at.name);
		if (at.line)
			buf_printf(b, ":%u:%u", at.line, at.column);
		return;
	}
}

void config_place_put_named(struct config_place at, struct buf *b)
{
	config_place_put(at, b);
	if (at.source == CONFIG_FROM_ENV)
		buf_printf(b, " %.*s", STR_ARG(at.name));
}

static __attribute__((format(printf, 4, 0))) void put_line(struct buf *b, struct config_place at,
							   str key, const char *fmt, va_list args)
{
	char text[LINE_BYTES_MAX];
	size_t start = b->len;

	vsnprintf(text, sizeof(text), fmt, args);
	if (at.source != CONFIG_DEFAULT) {
		config_place_put(at, b);
		buf_puts(b, S(": "));
	}
	if (at.source == CONFIG_FROM_ENV)
		key = at.name;
	if (key.n)
		buf_printf(b, "%.*s: ", STR_ARG(key));
	buf_puts(b, str_from_cstr(text));
	for (size_t i = start; i < b->len; i++) {
		if ((unsigned char)b->p[i] < ' ' || b->p[i] == 0x7f)
			b->p[i] = '?';
	}
	buf_putc(b, '\n');
}

void config_error(struct config_report *r, struct config_place at, str key, const char *fmt, ...)
{
	va_list args;

	if (r->n_errors++ >= r->n_shown_max)
		return;
	va_start(args, fmt);
	put_line(&r->errors, at, key, fmt, args);
	va_end(args);
}

void config_warn(struct config_report *r, struct config_place at, str key, const char *fmt, ...)
{
	va_list args;

	r->n_warnings++;
	va_start(args, fmt);
	put_line(&r->warnings, at, key, fmt, args);
	va_end(args);
}
