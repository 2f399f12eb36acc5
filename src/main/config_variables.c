/* config_variables.c: a file is read when its variable is first asked for, and then remembered: some
 * variables set several keys, and a problem is to be told once. */
#include "main/config_variables.h"

#include "main/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Nobody has a longer one. */
enum { NAME_BYTES_MAX = 256 };

const char *config_variable_get_plain(const struct config_variables *v, const char *name)
{
	const char *value = v->env.get(v->env.ctx, name);

	return value && value[0] ? value : NULL;
}

static struct config_variable_file *find(const struct config_variables *v, str name)
{
	struct config_variable_file *f = v->files;

	while (f && !str_eq(f->name, name))
		f = f->next;
	return f;
}

/* What an editor or echo leaves behind the value is not part of it. */
static str without_line_end(str text)
{
	if (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (text.n && text.p[text.n - 1] == '\r')
		text.n--;
	return text;
}

static const char *file_value(struct config_variables *v, const struct config_variable_file *f)
{
	struct config_place at = { .source = CONFIG_FROM_ENV, .name = f->name };
	str text;
	int error = config_file_read(f->path, CONFIG_VARIABLE_FILE_BYTES_MAX, v->arena, &text);

	text = error ? S("") : without_line_end(text);
	if (error == EFBIG)
		config_error(v->report, at, S(""), "%.*s is larger than %d KiB", STR_ARG(f->path),
			     CONFIG_VARIABLE_FILE_BYTES_MAX >> 10);
	else if (error)
		config_error(v->report, at, S(""), "%.*s cannot be read: %s", STR_ARG(f->path),
			     strerror(error));
	else if (text.n == 0)
		config_error(v->report, at, S(""), "%.*s is empty", STR_ARG(f->path));
	else if (memchr(text.p, 0, text.n))
		config_error(v->report, at, S(""), "%.*s is no text", STR_ARG(f->path));
	else
		return arena_copy(v->arena, text).p;
	return NULL;
}

static struct config_variable_file *file_of(struct config_variables *v, const char *name)
{
	char text[NAME_BYTES_MAX];
	int n = snprintf(text, sizeof(text), "%s_FILE", name);
	str file_name = { text, (size_t)n };
	const char *path;
	struct config_variable_file *f;

	if (n >= NAME_BYTES_MAX)
		return NULL;
	path = config_variable_get_plain(v, text);
	f = find(v, file_name);
	if (f || !path)
		return f;
	f = arena_alloc(v->arena, sizeof(*f));
	*f = (struct config_variable_file){ .next = v->files,
					    .name = arena_copy(v->arena, file_name),
					    .path = arena_copy(v->arena, str_from_cstr(path)) };
	v->files = f;
	f->value = file_value(v, f);
	if (config_variable_get_plain(v, name))
		config_error(v->report,
			     (struct config_place){ .source = CONFIG_FROM_ENV, .name = f->name },
			     S(""), "%s is set too; which of them counts?", name);
	return f;
}

const char *config_variable_get(struct config_variables *v, const char *name)
{
	const struct config_variable_file *f = file_of(v, name);

	return f ? f->value : config_variable_get_plain(v, name);
}

bool config_variable_is_named(struct config_variables *v, const char *name)
{
	return config_variable_get_plain(v, name) || file_of(v, name);
}

struct config_place config_variable_place(struct config_variables *v, const char *name)
{
	const struct config_variable_file *f = file_of(v, name);

	return (struct config_place){ .source = CONFIG_FROM_ENV,
				      .name = f ? f->name : str_from_cstr(name) };
}
