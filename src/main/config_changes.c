/* config_changes.c: an app is the same when it prints the same and has the same key pair, so that
 * whatever an app may say is compared, also what will be invented later. */
#include "main/config_changes.h"

#include "base/check.h"
#include "main/config_print.h"

enum { NAMES_BYTES_MAX = 900, APP_BYTES_MAX = 64 << 20 };

/* Keys, or whole blocks (with a '.' at their end): what listeners, threads and the log are made of. */
static const str AT_START_ONLY[] = {
	{ "host", 4 },
	{ "port", 4 },
	{ "workers", 7 },
	{ "unix_socket.", 12 },
	{ "ssl.enabled", 11 },
	{ "ssl.redirect_http", 17 },
	{ "ssl.http_port", 13 },
	{ "metrics.enabled", 15 },
	{ "metrics.host", 12 },
	{ "metrics.port", 12 },
	{ "sandbox", 7 },
	{ "logging.format", 14 },
	{ "logging.colors_enabled", 22 },
	{ "logging.include_target", 22 },
};

bool config_key_needs_restart(const struct config_key *k)
{
	for (size_t i = 0; i < ARRAY_LEN(AT_START_ONLY); i++) {
		str name = AT_START_ONLY[i];
		bool is_block = name.p[name.n - 1] == '.';

		if (is_block ? str_has_prefix(k->path, name) : str_eq(k->path, name))
			return true;
	}
	return false;
}

/* Names */

static void names_init(struct config_names *l)
{
	*l = (struct config_names){ 0 };
	buf_init(&l->text, NAMES_BYTES_MAX + 16);
}

static void names_add(struct config_names *l, str name)
{
	l->n++;
	if (l->is_cut)
		return;
	if (l->n > 1)
		buf_putc(&l->text, ' ');
	l->is_cut = l->text.len + name.n > NAMES_BYTES_MAX;
	buf_puts(&l->text, l->is_cut ? S("…") : name);
}

void config_changes_init(struct config_changes *d)
{
	names_init(&d->apps_added);
	names_init(&d->apps_changed);
	names_init(&d->apps_removed);
	names_init(&d->keys);
	names_init(&d->keys_for_restart);
}

void config_changes_fini(struct config_changes *d)
{
	buf_fini(&d->apps_added.text);
	buf_fini(&d->apps_changed.text);
	buf_fini(&d->apps_removed.text);
	buf_fini(&d->keys.text);
	buf_fini(&d->keys_for_restart.text);
}

/* Apps */

static bool is_same(const struct app *a, const struct app *b, struct buf *scratch)
{
	size_t n;

	buf_clear(scratch);
	config_print_app(a, true, scratch);
	n = scratch->len;
	config_print_app(b, true, scratch);
	return buf_ok(scratch) &&
	       str_eq(str_take(buf_str(scratch), n), str_skip(buf_str(scratch), n));
}

void config_changes_find_apps(struct config_changes *d, const struct app_table *now,
			      const struct app_table *next)
{
	struct buf scratch;

	buf_init_secret(&scratch, APP_BYTES_MAX);
	for (size_t i = 0; i < next->n; i++) {
		const struct app *a = next->apps[i], *before = app_by_id(now, a->id);

		if (!before)
			names_add(&d->apps_added, a->id);
		else if (!is_same(before, a, &scratch))
			names_add(&d->apps_changed, a->id);
	}
	for (size_t i = 0; i < now->n; i++) {
		if (!app_by_id(next, now->apps[i]->id))
			names_add(&d->apps_removed, now->apps[i]->id);
	}
	buf_fini(&scratch);
}

/* Keys */

void config_changes_find_keys(struct config_changes *d, const struct config *started,
			      const struct config *now, const struct config *next)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		bool is_late = config_key_needs_restart(k);
		const struct config *before = is_late ? started : now;

		if (k->otherwise != CONFIG_HONOURED || k->type == CONFIG_APPS ||
		    config_value_eq(k, before->settings[i].value, next->settings[i].value))
			continue;
		names_add(is_late ? &d->keys_for_restart : &d->keys, k->path);
	}
}
