/* config_text.h: a configuration file's text with ${VARIABLES} filled in, as JSON, and where each
 * byte of it came from.
 *
 * ${NAME} is replaced by the variable, ${NAME:-default} by the default when the variable is not
 * set or empty; the default ends at the first '}'. This happens before anything is parsed,
 * without quoting and without an escape, as users of the original know it. Messages are about
 * the file as it was written, so every offset can be led back. */
#ifndef MAIN_CONFIG_TEXT_H
#define MAIN_CONFIG_TEXT_H

#include "base/arena.h"
#include "codec/toml.h"
#include "main/config_variables.h"

struct config_text {
	str name;     /* of the file */
	str original; /* as written */
	str filled;   /* with variables */
	str text;     /* what is read: filled itself, or the JSON that it means */
	struct config_text_piece *pieces;
	size_t n_pieces;
	struct toml_json toml; /* n_marks == 0: the file is JSON */
};

enum { CONFIG_FILE_BYTES_MAX = 16 << 20 };

/* Fills t; everything lives in a. Variables without a value are errors. */
void config_text_expand(struct config_text *t, str name, str original,
			struct config_variables *variables, struct arena *a,
			struct config_report *r);
/* From now on the text is the JSON that the file, which is TOML, means. */
void config_text_translate(struct config_text *t, struct toml_json json);
/* p points into t->text. */
struct config_place config_text_place(const struct config_text *t, const char *p);

#endif
