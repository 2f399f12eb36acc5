/* config_key.c: one table of keys, and values by type.
 *
 * A key that is looked up is compared with every row: a file has a few dozen keys and is read
 * once. */
#include "main/config_key.h"

#include "base/check.h"
#include "base/utf8.h"
#include "main/config.h"

/* A row whose type and member disagree does not compile. */
#define FITS_FLAG bool * : 1
#define FITS_NUMBER uint16_t * : 1, uint32_t * : 1, uint64_t * : 1
#define FITS_LIMIT uint64_t * : 1
#define FITS_TEXT str * : 1
#define FITS_OPTIONAL str * : 1
#define FITS_SECRET str * : 1
#define FITS_RATIO double * : 1
#define FITS_MODE uint32_t * : 1
#define FITS_APPS str * : 1
#define FITS_CHOICE str * : 1
#define FITS_LIST str * : 1
#define MEMBER(path) ((struct config *)0)->path
#define FITS(path, type)                                                                           \
	_Static_assert(_Generic(&MEMBER(path), FITS_##type, default : 0),                          \
		       #path ": type and member disagree");
#define KEY(path, env, type, fallback, min, max, words) FITS(path, type)
#define KEY_OF(path, env, fallback, choices, words) FITS(path, CHOICE)
#include "main/config_keys.def"

#define VALUE_FLAG(x) .fallback.flag = (x)
#define VALUE_NUMBER(x) .fallback.number = (x)
#define VALUE_LIMIT(x) .fallback.number = (x)
#define VALUE_RATIO(x) .fallback.ratio = (x)
#define VALUE_MODE(x) .fallback.number = (x)
#define VALUE_TEXT(x) .fallback.text = { x, sizeof(x) - 1 }
#define VALUE_OPTIONAL(x) VALUE_TEXT(x)
#define VALUE_SECRET(x) VALUE_TEXT(x)
#define VALUE_CHOICE(x) VALUE_TEXT(x)
#define VALUE_APPS(x) VALUE_TEXT(x)
#define VALUE_LIST(x) VALUE_TEXT(x)
#define VALUE_ANY(x) VALUE_TEXT(x)

#define NAMED(p, e) .path = { p, sizeof(p) - 1 }, .env = (e)
#define PLACED(p) .offset = offsetof(struct config, p), .size = sizeof(MEMBER(p))

#define KEY(p, e, t, d, lo, hi, w)                                                                 \
	{ NAMED(#p, e), PLACED(p),   .type = CONFIG_##t, VALUE_##t(d),                             \
	  .min = (lo),	.max = (hi), .words = (w) },
#define KEY_IF_SET(p, e, t, d, lo, hi, w)                                                          \
	{ NAMED(#p, e), PLACED(p),   .type = CONFIG_##t, VALUE_##t(d),                             \
	  .min = (lo),	.max = (hi), .words = (w),	 .counts_if_set = true },
#define KEY_OF(p, e, d, c, w)                                                                      \
	{ NAMED(#p, e),	   PLACED(p),	   .type = CONFIG_CHOICE,                                  \
	  VALUE_CHOICE(d), .choices = (c), .words = (w) },
#define LATER(p, e, t, d, o)                                                                       \
	{ NAMED(#p, e), .type = CONFIG_##t, VALUE_##t(d), .max = INT64_MAX,                        \
	  .otherwise = CONFIG_##o },
#define LATER_IN(p, e, t, d, lo, hi, o)                                                            \
	{ NAMED(#p, e), .type = CONFIG_##t, VALUE_##t(d),                                          \
	  .min = (lo),	.max = (hi),	    .otherwise = CONFIG_##o },
#define LATER_OF(p, e, d, c, o)                                                                    \
	{ NAMED(#p, e), .type = CONFIG_CHOICE, VALUE_CHOICE(d), .choices = (c),                    \
	  .otherwise = CONFIG_##o },

const struct config_key config_keys[N_CONFIG_KEYS] = {
#include "main/config_keys.def"
};

#define ALIAS(p, k) { .path = { #p, sizeof(#p) - 1 }, .key = { #k, sizeof(#k) - 1 } },

const struct config_alias config_aliases[N_CONFIG_ALIASES] = {
#include "main/config_keys.def"
};

const struct config_key *config_key_find(str path)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		str p = config_keys[i].path;

		if (p.n == path.n && str_eq(p, path))
			return &config_keys[i];
	}
	return NULL;
}

const struct config_key *config_key_find_alias(str path)
{
	for (size_t i = 0; i < N_CONFIG_ALIASES; i++) {
		if (str_eq(config_aliases[i].path, path))
			return config_key_find(config_aliases[i].key);
	}
	return NULL;
}

static bool lies_in(str path, str block)
{
	return path.n > block.n && path.p[block.n] == '.' && str_has_prefix(path, block);
}

bool config_key_is_block(str path)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		if (lies_in(config_keys[i].path, path))
			return true;
	}
	for (size_t i = 0; i < N_CONFIG_ALIASES; i++) {
		if (lies_in(config_aliases[i].path, path))
			return true;
	}
	return false;
}

bool config_key_env_next(str *rest, str *name)
{
	if (!rest->p)
		return false;
	*name = str_split(rest, ' ');
	return true;
}

/* From text */

bool config_flag_parse(str text, bool *out)
{
	static const str words[2][4] = {
		{ { "false", 5 }, { "0", 1 }, { "no", 2 }, { "off", 3 } },
		{ { "true", 4 }, { "1", 1 }, { "yes", 3 }, { "on", 2 } },
	};

	for (size_t i = 0; i < 8; i++) {
		if (str_eq_nocase(text, words[i / 4][i % 4])) {
			*out = i / 4;
			return true;
		}
	}
	return false;
}

static bool mode_parse(str text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (text.n == 0 || text.n > 6)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return false;
		v = v * 8 + (uint64_t)(text.p[i] - '0');
	}
	*out = v;
	return v <= max;
}

static bool ratio_is_sound(double x)
{
	return x >= 0 && x <= 1;
}

static bool number_parse(const struct config_key *k, str text, uint64_t *out)
{
	if (str_has_prefix(text, S("+")))
		text = str_skip(text, 1);
	return str_to_u64(text, k->max, out) && *out >= k->min;
}

static bool limit_parse(const struct config_key *k, str text, uint64_t *out)
{
	if (str_eq_nocase(text, S("none"))) {
		*out = CONFIG_NONE;
		return true;
	}
	if (!number_parse(k, text, out))
		return false;
	if (*out == 0)
		*out = CONFIG_NONE;
	return true;
}

/* "0.95" and nothing that JSON would not call a number. */
static bool ratio_parse(str text, double *out)
{
	struct json v;

	return json_parse(text, 1, &v, NULL) == OK && v.kind == JSON_NUMBER && v.raw.n == text.n &&
	       json_to_double(v, out) && ratio_is_sound(*out);
}

static bool text_fits(const struct config_key *k, str text)
{
	return text.n >= k->min && text.n <= k->max && !memchr(text.n ? text.p : "x", 0, text.n);
}

/* "a, b" as ["a","b"]. */
static str list_from_csv(str text, struct arena *a)
{
	struct buf b;
	str out;

	buf_init(&b, 16 + text.n * 8);
	buf_putc(&b, '[');
	while (text.p) {
		str item = str_trim(str_split(&text, ','));

		if (item.n == 0)
			continue;
		if (b.len > 1)
			buf_putc(&b, ',');
		jw_string(&b, item);
	}
	buf_putc(&b, ']');
	out = arena_copy(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

/* "a=1, b=2" as {"a":"1","b":"2"}. */
static str object_from_pairs(str text, struct arena *a)
{
	struct buf b;
	str out;

	buf_init_secret(&b, 16 + text.n * 8);
	buf_putc(&b, '{');
	while (text.p) {
		str value = str_trim(str_split(&text, ',')), name;

		if (value.n == 0)
			continue;
		name = str_trim(str_split(&value, '='));
		if (b.len > 1)
			buf_putc(&b, ',');
		jw_string(&b, name);
		buf_putc(&b, ':');
		jw_string(&b, str_trim(value));
	}
	buf_putc(&b, '}');
	out = arena_copy(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

static str compact(struct json v, struct arena *a);

/* JSON, or a list or an object in the way of the environment, or a text. */
static str any_from_text(const struct config_key *k, str text, struct arena *a)
{
	struct json v;
	struct buf b;
	str out;

	if (json_parse(text, JSON_DEPTH_MAX, &v, NULL) == OK)
		return compact(v, a);
	if (str_has_prefix(k->fallback.text, S("[")))
		return list_from_csv(text, a);
	if (str_has_prefix(k->fallback.text, S("{")))
		return object_from_pairs(text, a);
	buf_init_secret(&b, 2 + text.n * 6);
	jw_string(&b, text);
	out = arena_copy(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

static bool choice_from(const struct config_key *k, str text, bool is_lenient,
			union config_value *out)
{
	struct config_choice c;

	if (!config_choice_find(k, text, is_lenient, &c))
		return false;
	out->text = c.word;
	return true;
}

bool config_key_from_text(const struct config_key *k, str text, struct arena *a,
			  union config_value *out)
{
	switch (k->type) {
	case CONFIG_FLAG:
		return config_flag_parse(text, &out->flag);
	case CONFIG_NUMBER:
		return number_parse(k, text, &out->number);
	case CONFIG_LIMIT:
		return limit_parse(k, text, &out->number);
	case CONFIG_RATIO:
		return ratio_parse(text, &out->ratio);
	case CONFIG_MODE:
		return mode_parse(text, k->max, &out->number);
	case CONFIG_CHOICE:
		return choice_from(k, text, true, out);
	case CONFIG_LIST:
		out->text = list_from_csv(text, a);
		return true;
	case CONFIG_TEXT:
	case CONFIG_OPTIONAL:
	case CONFIG_SECRET:
		out->text = arena_copy(a, text);
		return text_fits(k, text);
	case CONFIG_ANY:
		out->text = any_from_text(k, text, a);
		return utf8_valid(text);
	case CONFIG_APPS:
		return false;
	}
	NEVER("config_type");
}

/* From JSON */

static bool is_list_of_texts(struct json v)
{
	struct json_iter it;
	struct json item;

	if (v.kind != JSON_ARRAY)
		return false;
	for (it = json_enter(v); json_next_item(&it, &item);) {
		if (item.kind != JSON_STRING)
			return false;
	}
	return true;
}

static str compact(struct json v, struct arena *a)
{
	struct buf b;
	str out;

	buf_init_secret(&b, v.raw.n);
	jw_compact(&b, v);
	out = arena_copy(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

static bool limit_from_json(const struct config_key *k, struct json v, uint64_t *out)
{
	*out = CONFIG_NONE;
	if (v.kind == JSON_NULL)
		return true;
	if (!json_to_u64(v, k->max, out) || *out < k->min)
		return false;
	if (*out == 0)
		*out = CONFIG_NONE;
	return true;
}

static bool text_from_json(const struct config_key *k, struct json v, struct arena *a, str *out)
{
	if (v.kind != JSON_STRING)
		return false;
	*out = arena_copy(a, json_decode(v, a));
	return text_fits(k, *out);
}

bool config_key_from_json(const struct config_key *k, struct json v, struct arena *a,
			  union config_value *out)
{
	switch (k->type) {
	case CONFIG_FLAG:
		out->flag = v.kind == JSON_TRUE;
		return v.kind == JSON_TRUE || v.kind == JSON_FALSE;
	case CONFIG_NUMBER:
		return v.kind == JSON_NUMBER && json_to_u64(v, k->max, &out->number) &&
		       out->number >= k->min;
	case CONFIG_LIMIT:
		return (v.kind == JSON_NUMBER || v.kind == JSON_NULL) &&
		       limit_from_json(k, v, &out->number);
	case CONFIG_RATIO:
		return v.kind == JSON_NUMBER && json_to_double(v, &out->ratio) &&
		       ratio_is_sound(out->ratio);
	case CONFIG_MODE:
		return v.kind == JSON_STRING && mode_parse(json_decode(v, a), k->max, &out->number);
	case CONFIG_CHOICE:
		return v.kind == JSON_STRING && choice_from(k, json_decode(v, a), false, out);
	case CONFIG_OPTIONAL:
	case CONFIG_SECRET:
		out->text = S("");
		return v.kind == JSON_NULL || text_from_json(k, v, a, &out->text);
	case CONFIG_TEXT:
		return text_from_json(k, v, a, &out->text);
	case CONFIG_LIST:
		out->text = compact(v, a);
		return is_list_of_texts(v);
	case CONFIG_ANY:
		out->text = compact(v, a);
		return true;
	case CONFIG_APPS:
		out->text = v.raw;
		return v.kind == JSON_ARRAY;
	}
	NEVER("config_type");
}

/* Values */

static bool is_text(enum config_type t)
{
	return t >= CONFIG_TEXT && t != CONFIG_MODE;
}

bool config_value_eq(const struct config_key *k, union config_value a, union config_value b)
{
	if (k->type == CONFIG_FLAG)
		return a.flag == b.flag;
	if (k->type == CONFIG_RATIO)
		return a.ratio == b.ratio;
	return is_text(k->type) ? str_eq(a.text, b.text) : a.number == b.number;
}

bool config_value_is_off(const struct config_key *k, union config_value v)
{
	static const str off[] = { { "", 0 },	{ "disabled", 8 }, { "none", 4 },
				   { "{}", 2 }, { "[]", 2 },	   { "null", 4 } };

	if (k->type == CONFIG_FLAG)
		return !v.flag;
	if (k->type == CONFIG_LIMIT)
		return v.number == CONFIG_NONE;
	for (size_t i = 0; is_text(k->type) && i < ARRAY_LEN(off); i++) {
		if (str_eq_nocase(v.text, off[i]))
			return true;
	}
	return false;
}

void config_value_put(const struct config_key *k, union config_value v, struct buf *b)
{
	switch (k->type) {
	case CONFIG_FLAG:
		buf_puts(b, v.flag ? S("true") : S("false"));
		return;
	case CONFIG_NUMBER:
		buf_putu(b, v.number);
		return;
	case CONFIG_LIMIT:
		if (v.number == CONFIG_NONE)
			buf_puts(b, S("null"));
		else
			buf_putu(b, v.number);
		return;
	case CONFIG_RATIO:
		buf_printf(b, "%.15g", v.ratio);
		return;
	case CONFIG_MODE:
		buf_printf(b, "\"%03llo\"", (unsigned long long)v.number);
		return;
	case CONFIG_TEXT:
	case CONFIG_CHOICE:
		jw_string(b, v.text);
		return;
	case CONFIG_OPTIONAL:
	case CONFIG_SECRET:
		if (v.text.n == 0)
			buf_puts(b, S("null"));
		else
			jw_string(b, k->type == CONFIG_SECRET ? S("********") : v.text);
		return;
	case CONFIG_APPS:
		buf_puts(b, v.text.n ? v.text : S("[]"));
		return;
	case CONFIG_LIST:
	case CONFIG_ANY:
		buf_puts(b, v.text);
		return;
	}
	NEVER("config_type");
}

void config_value_store(const struct config_key *k, union config_value v, void *p)
{
	if (k->type == CONFIG_FLAG)
		*(bool *)p = v.flag;
	else if (is_text(k->type))
		*(str *)p = v.text;
	else if (k->size == sizeof(uint16_t))
		*(uint16_t *)p = (uint16_t)v.number;
	else if (k->size == sizeof(uint32_t))
		*(uint32_t *)p = (uint32_t)v.number;
	else
		*(uint64_t *)p = v.number;
}

/* Words */

static void put_choices(const struct config_key *k, struct buf *b)
{
	struct config_choices it = config_choices(k);
	struct config_choice c;
	bool is_first = true;

	buf_puts(b, S("one of"));
	while (config_choice_next(&it, &c)) {
		buf_printf(b, "%s \"%.*s\"", is_first ? "" : ",", STR_ARG(c.word));
		is_first = false;
	}
}

static void put_text_expected(const struct config_key *k, struct buf *b)
{
	if (k->max == INT64_MAX)
		buf_puts(b, S("a text"));
	else
		buf_printf(b, "a text of %llu to %llu bytes", (unsigned long long)k->min,
			   (unsigned long long)k->max);
}

static void put_number_expected(const struct config_key *k, struct buf *b)
{
	if (k->min == 0 && k->max == INT64_MAX)
		buf_puts(b, S("a whole number"));
	else if (k->max == INT64_MAX)
		buf_printf(b, "a whole number, at least %llu", (unsigned long long)k->min);
	else
		buf_printf(b, "a whole number from %llu to %llu", (unsigned long long)k->min,
			   (unsigned long long)k->max);
}

void config_key_put_expected(const struct config_key *k, struct buf *b)
{
	switch (k->type) {
	case CONFIG_FLAG:
		buf_puts(b, S("true or false"));
		return;
	case CONFIG_NUMBER:
		put_number_expected(k, b);
		return;
	case CONFIG_LIMIT:
		put_number_expected(k, b);
		buf_puts(b, k->min == 0 ? S(", or null or 0 for no limit") :
					  S(", or null for no limit"));
		return;
	case CONFIG_RATIO:
		buf_puts(b, S("a number from 0 to 1"));
		return;
	case CONFIG_TEXT:
		put_text_expected(k, b);
		return;
	case CONFIG_OPTIONAL:
	case CONFIG_SECRET:
		put_text_expected(k, b);
		buf_puts(b, S(" or null"));
		return;
	case CONFIG_MODE:
		buf_printf(b, "an octal number in quotes, at most \"%03llo\"",
			   (unsigned long long)k->max);
		return;
	case CONFIG_CHOICE:
		put_choices(k, b);
		return;
	case CONFIG_APPS:
		buf_puts(b, S("a list of apps"));
		return;
	case CONFIG_LIST:
		buf_puts(b, S("a list of texts"));
		return;
	case CONFIG_ANY:
		buf_puts(b, S("any value"));
		return;
	}
	NEVER("config_type");
}
