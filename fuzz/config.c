/* config: any text is a configuration or a list of what is wrong with it, read as JSON and as TOML; what
 * was accepted is printed in both such that it is accepted again, and means the same. */
#include "fuzz.h"

#include "base/mem.h"
#include "main/config_apps.h"
#include "main/config_print.h"

static const char *get_variable(void *ctx, const char *name)
{
	if (strcmp(name, "NUMBER") == 0)
		return "42";
	if (strcmp(name, "QUOTE") == 0)
		return "\"";
	if (strcmp(name, "TEXT") == 0)
		return "some\ntext, \xc3\xa9";
	return NULL;
}

static const struct config_input INPUT = { .env = { .get = get_variable }, .n_cores = 2 };

static struct config *load(str name, str text, struct config_report *r, struct app_table **apps)
{
	struct config *c;

	config_report_init(r);
	c = config_load_text(&INPUT, name, text, r);
	*apps = config_apps_new(c, (struct hash_key){ 1, 2 }, r);
	CHECK(buf_ok(&r->errors) && buf_ok(&r->warnings));
	CHECK(!r->n_errors == !r->errors.len && !r->n_warnings == !r->warnings.len);
	return c;
}

static void check_same_settings(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		if (k->otherwise == CONFIG_HONOURED && k->type != CONFIG_APPS &&
		    k->type != CONFIG_SECRET)
			CHECK(config_value_eq(k, a->settings[i].value, b->settings[i].value));
	}
}

static void check_same_limits(const struct app_limits *a, const struct app_limits *b)
{
#define LIMIT(field, unset, floor, ceiling, unit, what) CHECK(a->field == b->field);
#include "core/limits.def"
#undef LIMIT
}

static void check_same_apps(const struct app_table *a, const struct app_table *b)
{
	CHECK(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		CHECK(str_eq(a->apps[i]->id, b->apps[i]->id));
		CHECK(str_eq(a->apps[i]->key, b->apps[i]->key));
		check_same_limits(&a->apps[i]->limits, &b->apps[i]->limits);
		CHECK(a->apps[i]->enabled == b->apps[i]->enabled);
		CHECK(a->apps[i]->n_allowed_origins == b->apps[i]->n_allowed_origins);
	}
}

typedef void put_fn(const struct config *c, const struct app_table *apps, struct buf *b);

static void check_printed(const struct config *c, const struct app_table *apps, put_fn *put,
			  str name)
{
	struct app_table *apps_again;
	struct config_report r;
	struct config *again;
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	put(c, apps, &b);
	CHECK(buf_ok(&b));
	again = load(name, buf_str(&b), &r, &apps_again);
	CHECK(r.n_errors == 0);
	check_same_settings(c, again);
	check_same_apps(apps, apps_again);
	app_table_free(apps_again);
	config_free(again);
	config_report_fini(&r);
	buf_fini(&b);
}

static void check_options(const struct config *c)
{
	struct server_options o = config_server_options(c);

	CHECK(o.n_workers >= 1 && o.activity_timeout_s > 0);
	CHECK(o.message_bytes_max <= o.frame_bytes_max);
	CHECK(o.request_target_bytes_max <= o.request_head_bytes_max);
}

static void check_text(str name, str text)
{
	struct app_table *apps;
	struct config_report r;
	struct config *c = load(name, text, &r, &apps);

	if (r.n_errors == 0) {
		check_options(c);
		check_printed(c, apps, config_print_json, S("config.json"));
		check_printed(c, apps, config_print_toml, S("config.toml"));
	}
	app_table_free(apps);
	config_free(c);
	config_report_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t live = mem_live_bytes();
	str text = { (const char *)data, size };

	check_text(S("config.json"), text);
	check_text(S("config.toml"), text);
	CHECK(mem_live_bytes() == live);
	return 0;
}
