/* Every row of the table walked through both kinds of file, the environment and everything that
 * prints: what is made of it is the same everywhere. A row that is added is walked as well. */
#include "base/check.h"
#include "main/config_fixture.h"
#include "main/config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { TEXT_MAX = 1024, PRINT_BYTES_MAX = 1 << 20 };

/* A value that is accepted and, where the type allows it, not the default. As JSON (and TOML, which
 * writes these values alike), and as text. */
struct sample {
	char json[512], text[512];
};

static void sample_set(struct sample *s, const char *text, bool is_quoted)
{
	snprintf(s->text, sizeof(s->text), "%s", text);
	snprintf(s->json, sizeof(s->json), is_quoted ? "\"%s\"" : "%s", text);
}

static void sample_choice(const struct config_key *k, struct sample *out)
{
	struct config_choices it = { .rest = str_from_cstr(k->choices) };
	struct config_choice c;

	while (config_choice_next(&it, &c)) {
		snprintf(out->text, sizeof(out->text), "%.*s", STR_ARG(c.word));
		snprintf(out->json, sizeof(out->json), "\"%.*s\"", STR_ARG(c.word));
		if (!str_eq(c.word, k->fallback.text))
			return;
	}
}

/* One beside the default: what has to fit together still does. */
static void sample_number(const struct config_key *k, struct sample *out)
{
	uint64_t n = k->fallback.number;
	bool is_at_its_bound = str_eq(k->path, S("adapter.cluster_health.heartbeat_interval_ms"));

	if (k->type == CONFIG_LIMIT && n == CONFIG_NONE)
		n = k->min + 6;
	n = n < k->max && !is_at_its_bound ? n + 1 : n - 1;
	snprintf(out->text, sizeof(out->text), "%llu", (unsigned long long)n);
	memcpy(out->json, out->text, sizeof(out->json));
}

static struct sample sample_of(const struct config_key *k)
{
	struct sample s = { 0 };

	switch (k->type) {
	case CONFIG_FLAG:
		sample_set(&s, k->fallback.flag ? "false" : "true", false);
		break;
	case CONFIG_NUMBER:
	case CONFIG_LIMIT:
		sample_number(k, &s);
		break;
	case CONFIG_RATIO:
		sample_set(&s, k->fallback.ratio > 0.9 ? "0.9375" : "0.875", false);
		break;
	case CONFIG_TEXT:
	case CONFIG_OPTIONAL:
	case CONFIG_SECRET:
		sample_set(&s, "some_text", true);
		break;
	case CONFIG_MODE:
		sample_set(&s, "600", true);
		break;
	case CONFIG_CHOICE:
		sample_choice(k, &s);
		break;
	case CONFIG_LIST:
		/* Texts that any list takes. */
		sample_set(&s, "unix,loopback", false);
		snprintf(s.json, sizeof(s.json), "[\"unix\",\"loopback\"]");
		break;
	case CONFIG_ANY:
		sample_set(&s, "[7]", false);
		break;
	case CONFIG_APPS:
		sample_set(&s, "[]", false);
		break;
	}
	return s;
}

/* {"a":{"b":value}} for the path a.b */
static void nest_json(str path, const char *value, char *out)
{
	size_t n = 0, depth = 0;

	while (path.p) {
		str step = str_split(&path, '.');

		n += (size_t)snprintf(out + n, TEXT_MAX - n, "{\"%.*s\":", STR_ARG(step));
		depth++;
	}
	n += (size_t)snprintf(out + n, TEXT_MAX - n, "%s", value);
	while (depth--)
		n += (size_t)snprintf(out + n, TEXT_MAX - n, "}");
	assert_true(n < TEXT_MAX);
}

static void load_json(struct fixture *f, str path, const char *value)
{
	char text[TEXT_MAX];

	nest_json(path, value, text);
	fixture_load(f, text, NULL);
}

/* In three ways of writing it, by turns. */
static void load_toml(struct fixture *f, str path, const char *value, unsigned way)
{
	size_t last = path.n;
	char text[TEXT_MAX];

	while (last > 0 && path.p[last - 1] != '.')
		last--;
	if (way == 0 || last == 0)
		snprintf(text, sizeof(text), "%.*s = %s\n", STR_ARG(path), value);
	else if (way == 1)
		snprintf(text, sizeof(text), "# one\r\n[%.*s]\r\n\"%s\" = %s # two\r\n",
			 (int)last - 1, path.p,
			 arena_copy(&f->config->arena, str_skip(path, last)).p, value);
	else
		snprintf(text, sizeof(text), "%.*s = { %.*s = %s }\n", (int)last - 1, path.p,
			 (int)(path.n - last), path.p + last, value);
	fixture_free(f);
	fixture_load_named(f, "test.toml", str_from_cstr(text), NULL);
}

static bool says(const struct fixture *f, const char *words)
{
	const struct buf *b = &f->report.errors;

	return b->len && memmem(b->p, b->len, words, strlen(words));
}

/* That this build does not have a feature, or that a switch needs others, is not said about a key that
 * was not understood. */
static bool is_understood(const struct fixture *f, const struct config_key *k)
{
	return f->report.n_errors == 0 ||
	       (k->otherwise == CONFIG_REFUSE && says(f, "not available")) || says(f, " needs ");
}

/* What is wrong about it is not that it does not fit its key. */
static bool is_accepted(const struct fixture *f)
{
	return !says(f, "expected");
}

static void assert_understood(const struct fixture *f, const struct config_key *k,
			      enum config_source source)
{
	const struct config_setting *s = config_setting(f->config, k->path);

	if (!is_understood(f, k) || s->from.source != source)
		fail_msg("%.*s: %.*s", STR_ARG(k->path), STR_ARG(buf_str(&f->report.errors)));
}

static void every_key_is_read_from_json_and_toml_alike(void **state)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		struct sample s = sample_of(k);
		struct fixture json, toml;

		load_json(&json, k->path, s.json);
		assert_understood(&json, k, CONFIG_FROM_FILE);
		assert_int_equal(json.config->settings[i].from.line, 1);
		fixture_load(&toml, "{}", NULL);
		load_toml(&toml, k->path, s.json, i % 3);
		assert_understood(&toml, k, CONFIG_FROM_FILE);
		assert_same(&json, &toml);
		fixture_free(&json);
		fixture_free(&toml);
	}
}

static void every_alias_sets_its_key(void **state)
{
	for (size_t i = 0; i < N_CONFIG_ALIASES; i++) {
		const struct config_key *k = config_key_find(config_aliases[i].key);
		struct sample s = sample_of(k);
		struct fixture direct, alias;

		assert_null(config_key_find(config_aliases[i].path));
		load_json(&direct, k->path, s.json);
		load_json(&alias, config_aliases[i].path, s.json);
		assert_understood(&alias, k, CONFIG_FROM_FILE);
		assert_same(&direct, &alias);
		fixture_free(&direct);
		fixture_free(&alias);
	}
}

static void every_variable_of_every_key_says_what_a_file_says(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		str rest = k->env ? str_from_cstr(k->env) : (str){ 0 }, name;
		struct sample s = sample_of(k);

		while (config_key_env_next(&rest, &name)) {
			char variable[TEXT_MAX];
			const char *env[] = { variable, NULL };
			struct fixture file, environment;

			snprintf(variable, sizeof(variable), "%.*s=%s", STR_ARG(name), s.text);
			fixture_load(&environment, "{}", env);
			assert_understood(&environment, k, CONFIG_FROM_ENV);
			load_json(&file, k->path, s.json);
			if (!config_value_eq(k, file.config->settings[i].value,
					     environment.config->settings[i].value))
				fail_msg("%s differs", variable);
			assert_true(
				k->type == CONFIG_CHOICE ||
				!config_value_eq(k, file.config->settings[i].value, k->fallback));
			fixture_free(&file);
			fixture_free(&environment);
			n++;
		}
	}
	assert_true(n > 300);
}

static void the_first_variable_of_several_counts(void **state)
{
	static const char *const env[] = { "IGGY_PARTITION_ID=1", "ADAPTER_IGGY_PARTITION_ID=2",
					   "IGGY_PARTITIONS_COUNT=3", NULL };
	struct fixture f;

	fixture_load(&f, "{}", env);
	assert_errors(&f, "");
	assert_int_equal(config_setting(f.config, S("adapter.iggy.partition_id"))->value.number, 2);
	assert_int_equal(config_setting(f.config, S("queue.iggy.partition_id"))->value.number, 1);
	assert_int_equal(config_setting(f.config, S("queue.iggy.partitions_count"))->value.number,
			 3);
	fixture_free(&f);
}

static void every_default_is_accepted_by_its_key(void **state)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		struct fixture f;
		struct buf b;

		buf_init(&b, 512);
		config_value_put(k, k->fallback, &b);
		buf_putc(&b, '\0');
		load_json(&f, k->path, b.p);
		if (f.report.n_errors)
			fail_msg("%.*s: %.*s", STR_ARG(k->path),
				 STR_ARG(buf_str(&f.report.errors)));
		assert_true(k->type == CONFIG_APPS || f.report.n_warnings == 1); /* no apps */
		buf_fini(&b);
		fixture_free(&f);
	}
}

static void assert_number(const struct config_key *k, uint64_t n, bool is_good)
{
	struct fixture f;
	char value[32];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)n);
	load_json(&f, k->path, value);
	if (is_accepted(&f) != is_good)
		fail_msg("%.*s = %s: %.*s", STR_ARG(k->path), value,
			 STR_ARG(buf_str(&f.report.errors)));
	fixture_free(&f);
}

static void every_number_has_its_bounds(void **state)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		if (k->type != CONFIG_NUMBER && k->type != CONFIG_LIMIT)
			continue;
		assert_true(k->min < k->max && k->max <= INT64_MAX);
		assert_number(k, k->max, true);
		assert_number(k, k->max + 1, false);
		assert_number(k, k->min, true);
		if (k->min > 0)
			assert_number(k, k->min - 1, false);
	}
}

static void assert_kind(const struct config_key *k, const char *json, bool is_taken)
{
	struct fixture f;

	load_json(&f, k->path, json);
	/* What is in a list of apps has words of its own. */
	if (k->type == CONFIG_APPS ? !is_taken && f.report.n_errors == 0 :
				     is_accepted(&f) != is_taken)
		fail_msg("%.*s = %s: %.*s", STR_ARG(k->path), json,
			 STR_ARG(buf_str(&f.report.errors)));
	fixture_free(&f);
}

/* A value of each JSON kind, and which types take it. */
static void every_key_refuses_what_is_of_another_kind(void **state)
{
	static const struct {
		const char *json;
		unsigned types; /* bit: enum config_type */
	} kinds[] = {
		{ "true", 1u << CONFIG_FLAG | 1u << CONFIG_ANY },
		{ "1.5", 1u << CONFIG_ANY },
		{ "-1", 1u << CONFIG_ANY },
		{ "\"?\"", 1u << CONFIG_TEXT | 1u << CONFIG_OPTIONAL | 1u << CONFIG_SECRET |
				   1u << CONFIG_ANY },
		{ "[1]", 1u << CONFIG_ANY | 1u << CONFIG_APPS },
		{ "{\"a\":1}", 1u << CONFIG_ANY },
	};
	unsigned types_seen = 0;

	/* The type decides, so each kind is tried with one key of each type, and one kind with every
	 * key. */
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		bool is_new = !(types_seen >> k->type & 1);

		types_seen |= 1u << k->type;
		for (size_t n = 0; n < ARRAY_LEN(kinds); n++) {
			if (is_new || n == i % ARRAY_LEN(kinds))
				assert_kind(k, kinds[n].json, kinds[n].types >> k->type & 1);
		}
	}
}

/* Printing */

static str print(struct fixture *f, struct buf *b,
		 void (*put)(const struct config *c, const struct app_table *apps, struct buf *b))
{
	buf_init(b, PRINT_BYTES_MAX);
	put(f->config, f->apps, b);
	assert_true(buf_ok(b));
	return buf_str(b);
}

static void assert_same_values(struct fixture *a, struct fixture *b)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		if (k->otherwise == CONFIG_HONOURED && k->type != CONFIG_APPS &&
		    k->type != CONFIG_SECRET &&
		    !config_value_eq(k, a->config->settings[i].value, b->config->settings[i].value))
			fail_msg("%.*s differs", STR_ARG(k->path));
	}
}

static void assert_survives(struct fixture *f)
{
	struct fixture json, toml;
	struct buf text;

	fixture_load_named(&json, "printed.json", print(f, &text, config_print_json), NULL);
	buf_fini(&text);
	assert_errors(&json, "");
	assert_same_values(f, &json);
	fixture_free(&json);
	fixture_load_named(&toml, "printed.toml", print(f, &text, config_print_toml), NULL);
	buf_fini(&text);
	assert_errors(&toml, "");
	assert_same_values(f, &toml);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		/* What is a comment in TOML is not set. */
		if (k->otherwise == CONFIG_HONOURED && k->type != CONFIG_APPS)
			assert_true(config_is_set(f->config, k->path) ==
				    config_is_set(toml.config, k->path));
	}
	fixture_free(&toml);
}

static void every_honoured_key_survives_printing(void **state)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		struct sample s = sample_of(k);
		struct fixture f;

		if (k->otherwise != CONFIG_HONOURED || k->type == CONFIG_APPS)
			continue;
		load_json(&f, k->path, s.json);
		assert_survives(&f);
		fixture_free(&f);
	}
}

static void nothing_but_defaults_survives_printing(void **state)
{
	struct fixture f;

	fixture_load(&f, NULL, NULL);
	assert_survives(&f);
	fixture_free(&f);
}

/* The text at "_source" or "_not_in_this_build" for a key. */
static str place_of(struct json root, str list, str path, struct arena *a)
{
	return json_find_text(json_find(root, list), path, a);
}

static void printing_says_where_every_value_comes_from(void **state)
{
	static const char *const env[] = { "PORT=7001", "SSL_REDIRECT_HTTP=false",
					   "QUEUE_REDIS_CONCURRENCY=7", NULL };
	struct fixture f;
	struct buf text;
	struct json root;

	fixture_load(&f, "{\"mode\": \"test\",\n \"cluster_health\": {\"enabled\": false}}", env);
	assert_int_equal(json_parse(print(&f, &text, config_print_json), 32, &root, NULL), OK);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		str path = config_keys[i].path;
		str from = place_of(root, S("_source"), path, &f.config->arena);

		if (str_eq(path, S("port")))
			assert_true(str_eq(from, S("environment PORT")));
		else if (str_eq(path, S("mode")))
			assert_true(str_eq(from, S("test.json:1:10")));
		else if (config_print_has(f.config, &config_keys[i]) &&
			 !str_eq(path, S("ssl.redirect_http")))
			assert_true(str_eq(from, S("default")));
	}
	assert_true(str_eq(place_of(root, S("_not_in_this_build"), S("queue.redis.concurrency"),
				    &f.config->arena),
			   S("environment QUEUE_REDIS_CONCURRENCY")));
	assert_true(str_eq(place_of(root, S("_not_in_this_build"),
				    S("adapter.cluster_health.enabled"), &f.config->arena),
			   S("test.json:2:32")));
	buf_fini(&text);
	fixture_free(&f);
}

#define APP_START                                                                                  \
	"{\"app_manager\": {\"array\": {\"apps\": [{\"id\": \"1\", \"key\": \"k\", \"secret\": "   \
	"\"hidden-word\", \"enabled\": true"

/* Limits that nobody set do not close, when they are read back, what an app left open. */
static void apps_survive_printing(void **state)
{
	static const char *const files[] = {
		APP_START "}]}}}",
		APP_START ", \"allowed_origins\": [\"*.a.example\"], \"max_connections\": 7,"
			  " \"max_event_payload_in_kb\": 5, \"terminate_on_limit\": true,"
			  " \"message_rate_limit\": {\"enabled\": true, \"max_attempts\": 9},"
			  " \"idempotency\": {\"ttl_seconds\": 77}, \"channel_namespaces\":"
			  " [{\"name\": \"n\", \"channel_name_pattern\": \"^n:\\\\d+$\"}]}]}},"
			  " \"event_limits\": {\"max_batch_size\": 3}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct fixture f, again;
		struct buf text;

		fixture_load(&f, files[i], NULL);
		assert_errors(&f, "");
		fixture_load_named(&again, "printed.json", print(&f, &text, config_print_json),
				   NULL);
		assert_errors(&again, "");
		assert_memory_equal(&f.apps->apps[0]->limits, &again.apps->apps[0]->limits,
				    sizeof(struct app_limits));
		buf_fini(&text);
		fixture_free(&again);
		fixture_load_named(&again, "printed.toml", print(&f, &text, config_print_toml),
				   NULL);
		assert_errors(&again, "");
		assert_memory_equal(&f.apps->apps[0]->limits, &again.apps->apps[0]->limits,
				    sizeof(struct app_limits));
		assert_int_equal(again.apps->apps[0]->n_namespaces, i);
		assert_int_equal(again.apps->apps[0]->idempotency_ttl_s, i ? 77 : 120);
		buf_fini(&text);
		fixture_free(&again);
		fixture_free(&f);
	}
}

static void secrets_are_not_printed(void **state)
{
	static const char *const env[] = { "DATABASE_REDIS_PASSWORD=hidden-word",
					   "REDIS_URL=redis://:hidden-word@h:1/0", NULL };
	struct fixture f;
	struct buf json, toml;

	fixture_load(&f,
		     APP_START "}]}}, \"database\": {\"mysql\": {\"password\": \"hidden-word\"}}}",
		     env);
	assert_errors(&f, "");
	print(&f, &json, config_print_json);
	print(&f, &toml, config_print_toml);
	assert_null(memmem(json.p, json.len, "hidden-word", 11));
	assert_null(memmem(toml.p, toml.len, "hidden-word", 11));
	buf_fini(&json);
	buf_fini(&toml);
	fixture_free(&f);
}

static void what_looks_like_a_variable_survives_printing(void **state)
{
	static void (*const puts[])(const struct config *c, const struct app_table *apps,
				    struct buf *b) = { config_print_json, config_print_toml };
	static const char *const names[] = { "printed.json", "printed.toml" };

	for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
		struct fixture a, b;
		struct buf text;

		fixture_load(&a,
			     "{\"app_manager\": {\"array\": {\"apps\": [{\"id\": "
			     "\"$\\u0024{A:-$\\u007f\", \"key\": \"k\", \"secret\": \"s\"}]}}}",
			     NULL);
		assert_errors(&a, "");
		fixture_load_named(&b, names[i], print(&a, &text, puts[i]), NULL);
		assert_errors(&b, "");
		assert_true(str_eq(b.apps->apps[0]->id, S("$${A:-$\x7f")));
		buf_fini(&text);
		fixture_free(&a);
		fixture_free(&b);
	}
}

/* The table itself */

static void no_path_and_no_documented_word_is_missing_or_twice(void **state)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		assert_ptr_equal(config_key_find(k->path), k);
		assert_true((k->otherwise == CONFIG_HONOURED) == (k->words != NULL));
		assert_true((k->otherwise == CONFIG_HONOURED) == (k->size != 0));
		if (k->type == CONFIG_CHOICE)
			assert_true(config_key_has_choice(k, k->fallback.text) ||
				    k->otherwise != CONFIG_HONOURED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_read_from_json_and_toml_alike),
		cmocka_unit_test(every_alias_sets_its_key),
		cmocka_unit_test(every_variable_of_every_key_says_what_a_file_says),
		cmocka_unit_test(the_first_variable_of_several_counts),
		cmocka_unit_test(every_default_is_accepted_by_its_key),
		cmocka_unit_test(every_number_has_its_bounds),
		cmocka_unit_test(every_key_refuses_what_is_of_another_kind),
		cmocka_unit_test(every_honoured_key_survives_printing),
		cmocka_unit_test(nothing_but_defaults_survives_printing),
		cmocka_unit_test(printing_says_where_every_value_comes_from),
		cmocka_unit_test(apps_survive_printing),
		cmocka_unit_test(secrets_are_not_printed),
		cmocka_unit_test(what_looks_like_a_variable_survives_printing),
		cmocka_unit_test(no_path_and_no_documented_word_is_missing_or_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
