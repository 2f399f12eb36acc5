/* config_key.h: the rows of config_keys.def as data: what a key is called, what it may be, and
 * what it is when nobody says.
 *
 * A value is read from JSON or from the environment's text by its key's type; it is the same
 * union for all of them. Texts of values live as long as the configuration that they belong to. */
#ifndef MAIN_CONFIG_KEY_H
#define MAIN_CONFIG_KEY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

/* A LIMIT that does not limit. */
#define CONFIG_NONE UINT64_MAX

enum config_type {
	CONFIG_FLAG,
	CONFIG_NUMBER,
	CONFIG_LIMIT,
	CONFIG_RATIO,
	CONFIG_TEXT,
	CONFIG_OPTIONAL,
	CONFIG_SECRET,
	CONFIG_MODE,
	CONFIG_CHOICE,
	CONFIG_APPS,
	CONFIG_LIST,
	CONFIG_ANY,
};

/* What another value than the default means. */
enum config_otherwise {
	CONFIG_HONOURED, /* what it says */
	CONFIG_DETAIL,	 /* nothing, and nobody minds */
	CONFIG_WARN,	 /* a feature that this build does not have */
	CONFIG_REFUSE,	 /* the same, and starting without it would do harm */
};

union config_value {
	bool flag;
	uint64_t number; /* NUMBER, LIMIT, MODE */
	double ratio;
	str text; /* TEXT, OPTIONAL, SECRET, CHOICE; for LIST and ANY JSON; for APPS the list in the
		     file, at its place */
};

struct config_key {
	str path;
	const char *env; /* names with blanks between them, NULL: file only; config_key_env_next */
	enum config_type type;
	enum config_otherwise otherwise;
	bool counts_if_set;    /* its default is not the same as to set that */
	uint32_t offset, size; /* of the member of struct config; size 0: it has none */
	uint64_t min, max;
	const char *choices;
	const char *words; /* for people; NULL for keys that are not honoured */
	union config_value fallback;
};

enum {
#define KEY(...) +1
#define KEY_OF(...) +1
#define LATER(...) +1
#define LATER_OF(...) +1
	N_CONFIG_KEYS = 0
#include "main/config_keys.def"
};
extern const struct config_key config_keys[N_CONFIG_KEYS];

/* A further name for a key in files. */
struct config_alias {
	str path, key;
};
enum {
#define ALIAS(path, key) +1
	N_CONFIG_ALIASES = 0
#include "main/config_keys.def"
};
extern const struct config_alias config_aliases[N_CONFIG_ALIASES];

/* NULL: there is none. */
const struct config_key *config_key_find(str path);
/* The same for a further name. */
const struct config_key *config_key_find_alias(str path);
/* Does the path of a key, or a further name of one, begin with this path and a '.'? */
bool config_key_is_block(str path);
/* Cuts the next name off *rest, which begins as str_from_cstr(k->env). False: there is none left. */
bool config_key_env_next(str *rest, str *name);

/* False: v is not what the key accepts. */
bool config_key_from_json(const struct config_key *k, struct json v, struct arena *a,
			  union config_value *out);
/* The same for the text of a variable. */
bool config_key_from_text(const struct config_key *k, str text, struct arena *a,
			  union config_value *out);

bool config_value_eq(const struct config_key *k, union config_value a, union config_value b);
/* Does the value switch its feature off? */
bool config_value_is_off(const struct config_key *k, union config_value v);
/* As JSON. A secret is masked. */
void config_value_put(const struct config_key *k, union config_value v, struct buf *b);
/* Copies the value into the member at p. */
void config_value_store(const struct config_key *k, union config_value v, void *p);

/* "a whole number from 1 to 65535" … */
void config_key_put_expected(const struct config_key *k, struct buf *b);
/* Texts of keys that this build does not read may have passwords in them, as a URL has: they are not
 * quoted in messages either. */
static inline bool config_key_may_be_secret(const struct config_key *k)
{
	return k->type == CONFIG_SECRET ||
	       (k->otherwise != CONFIG_HONOURED &&
		(k->type == CONFIG_TEXT || k->type == CONFIG_OPTIONAL || k->type == CONFIG_ANY));
}
/* The accepted word that is nearest to text, for a CHOICE; else empty. */
str config_key_suggest(const struct config_key *k, str text);
/* A CHOICE: is the word one that this build has? */
bool config_key_has_choice(const struct config_key *k, str word);

/* Cuts the next choice off *rest: its canonical word, whether this build has it, and its further
 * spellings. */
struct config_choice {
	str word, aliases; /* aliases separated by '/' */
	bool is_available;
};
struct config_choices {
	str rest;
	bool is_beyond_bar, is_any_case;
};
struct config_choices config_choices(const struct config_key *k);
bool config_choice_next(struct config_choices *c, struct config_choice *out);
/* is_lenient: as in the environment, with further spellings and in any case. */
bool config_choice_find(const struct config_key *k, str text, bool is_lenient,
			struct config_choice *out);

/* "true 1 yes on", "false 0 no off", any case. */
bool config_flag_parse(str text, bool *out);

#endif
