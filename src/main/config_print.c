/* config_print.c: the effective configuration, in the table's order. */
#include "main/config_print.h"

#include "base/check.h"
#include "core/namespace.h"
#include "core/webhook.h"
#include "main/app_key.h"

/* An indented JSON object being written. */
struct printer {
	struct buf *b;
	unsigned depth;
	bool is_first; /* in the innermost container */
	bool shows_secrets;
};

static void put_line_start(struct printer *p)
{
	if (!p->is_first)
		buf_putc(p->b, ',');
	buf_putc(p->b, '\n');
	for (unsigned i = 0; i < p->depth; i++)
		buf_puts(p->b, S("  "));
	p->is_first = false;
}

static void put_key(struct printer *p, str key)
{
	put_line_start(p);
	jw_string(p->b, key);
	buf_puts(p->b, S(": "));
}

static void open_container(struct printer *p, char c)
{
	buf_putc(p->b, c);
	p->depth++;
	p->is_first = true;
}

static void close_container(struct printer *p, char c)
{
	p->depth--;
	p->is_first = true;
	put_line_start(p);
	buf_putc(p->b, c);
}

static const char *word(bool is_on)
{
	return is_on ? "true" : "false";
}

static void put_flag(struct printer *p, str key, bool is_on)
{
	put_key(p, key);
	buf_puts(p->b, str_from_cstr(word(is_on)));
}

static void put_text(struct printer *p, str key, str text)
{
	put_key(p, key);
	jw_string(p->b, text);
}

static void put_secret(struct printer *p, str text)
{
	jw_string(p->b, p->shows_secrets ? text : S("********"));
}

static void put_list(struct printer *p, const str *texts, size_t n)
{
	buf_putc(p->b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_puts(p->b, i ? S(", ") : S(""));
		jw_string(p->b, texts[i]);
	}
	buf_putc(p->b, ']');
}

static void put_rate(struct printer *p, const struct app_message_rate *rate)
{
	if (!rate->max_attempts) {
		buf_puts(p->b, S("null"));
		return;
	}
	buf_printf(p->b,
		   "{\"enabled\": %s, \"max_attempts\": %u, \"decay_seconds\": %u, "
		   "\"terminate_on_limit\": %s}",
		   word(rate->enabled), rate->max_attempts, rate->decay_seconds,
		   word(rate->terminate_on_limit));
}

static void put_namespace(struct printer *p, const struct namespace *ns)
{
	buf_puts(p->b, S("{\"name\": "));
	jw_string(p->b, ns->name);
	if (ns->pattern) {
		buf_puts(p->b, S(", \"channel_name_pattern\": "));
		jw_string(p->b, pattern_text(ns->pattern));
	}
	if (ns->channel_name_bytes_max)
		buf_printf(p->b, ", \"max_channel_name_length\": %u", ns->channel_name_bytes_max);
	buf_printf(p->b,
		   ", \"allow_user_limited_channels\": %s, \"allow_subscribe_for_client\": %s, "
		   "\"allow_publish_for_client\": %s, \"allow_presence_for_client\": %s}",
		   word(ns->allow_user_limited_channels), word(ns->allow_subscribe_for_client),
		   word(ns->allow_publish_for_client), word(ns->allow_presence_for_client));
}

static void put_namespaces(struct printer *p, const struct app *a)
{
	buf_putc(p->b, '[');
	for (size_t i = 0; i < a->n_namespaces; i++) {
		if (i > 0)
			buf_puts(p->b, S(", "));
		put_namespace(p, a->namespaces[i]);
	}
	buf_putc(p->b, ']');
}

static void put_idempotency(struct printer *p, const struct app *a)
{
	if (a->idempotency_ttl_s > 0)
		buf_printf(p->b, "{\"enabled\": true, \"ttl_seconds\": %u}", a->idempotency_ttl_s);
	else
		buf_puts(p->b, S("{\"enabled\": false}"));
}

/* Begins a member of an object that stands on one line. */
static void put_name(struct printer *p, const char *name, bool is_first)
{
	buf_printf(p->b, "%s\"%s\": ", is_first ? "" : ", ", name);
}

static void put_events(struct printer *p, uint32_t events)
{
	str names[N_WEBHOOK_EVENTS];
	size_t n = 0;

	for (size_t i = 0; i < N_WEBHOOK_EVENTS; i++) {
		if (events & 1u << i)
			names[n++] = webhook_event_names[i];
	}
	put_name(p, "event_types", false);
	put_list(p, names, n);
}

static void put_member(struct printer *p, const char *name, str text, bool *is_first)
{
	if (text.n == 0)
		return;
	put_name(p, name, *is_first);
	jw_string(p->b, text);
	*is_first = false;
}

static void put_filter(struct printer *p, const struct webhook *w)
{
	str pattern = w->channel_pattern ? pattern_text(w->channel_pattern) : (str){ 0 };
	bool is_first = true;

	if (!w->channel_prefix.n && !w->channel_suffix.n && !pattern.n && !w->n_namespaces)
		return;
	put_name(p, "filter", false);
	buf_putc(p->b, '{');
	put_member(p, "channel_prefix", w->channel_prefix, &is_first);
	put_member(p, "channel_suffix", w->channel_suffix, &is_first);
	put_member(p, "channel_pattern", pattern, &is_first);
	if (w->n_namespaces) {
		put_name(p, "channel_namespaces", is_first);
		put_list(p, w->namespaces, w->n_namespaces);
	}
	buf_putc(p->b, '}');
}

static void put_headers(struct printer *p, const struct webhook *w)
{
	if (w->n_headers == 0)
		return;
	put_name(p, "headers", false);
	for (size_t i = 0; i < w->n_headers; i++) {
		buf_puts(p->b, i ? S(", ") : S("{"));
		jw_string(p->b, w->headers[i].name);
		buf_puts(p->b, S(": "));
		put_secret(p, w->headers[i].value);
	}
	buf_putc(p->b, '}');
}

/* What stands before the host may be a password. */
static void put_url(struct printer *p, str url)
{
	size_t begin = str_find_char(url, ':') + 3, end = begin;

	for (size_t i = begin; i < url.n && !strchr("/?#", url.p[i]); i++) {
		if (url.p[i] == '@')
			end = i;
	}
	if (p->shows_secrets || end == begin) {
		jw_string(p->b, url);
		return;
	}
	buf_putc(p->b, '"');
	jw_escape(p->b, str_take(url, begin));
	buf_puts(p->b, S("********"));
	jw_escape(p->b, str_skip(url, end));
	buf_putc(p->b, '"');
}

static void put_webhook(struct printer *p, const struct webhook *w)
{
	const struct webhook_retry *r = &w->retry;

	buf_puts(p->b, S("{\"url\": "));
	put_url(p, w->url);
	put_events(p, w->events);
	put_filter(p, w);
	put_headers(p, w);
	buf_printf(p->b,
		   ", \"retry\": {\"enabled\": %s, \"max_attempts\": %u, "
		   "\"max_elapsed_time_ms\": %u, \"initial_backoff_ms\": %u, "
		   "\"max_backoff_ms\": %u}, \"request_timeout_ms\": %u}",
		   word(r->enabled), r->max_attempts, r->max_elapsed_ms, r->initial_backoff_ms,
		   r->max_backoff_ms, w->timeout_ms);
}

static void put_webhooks(struct printer *p, const struct app *a)
{
	buf_putc(p->b, '[');
	for (size_t i = 0; a->webhooks && i < a->webhooks->n; i++) {
		buf_puts(p->b, i ? S(", ") : S(""));
		put_webhook(p, a->webhooks->hooks[i]);
	}
	buf_putc(p->b, ']');
}

static void put_limit(struct printer *p, uint32_t limit)
{
	if (limit == NO_LIMIT)
		buf_puts(p->b, S("null"));
	else
		buf_putu(p->b, limit);
}

static void put_app_key(struct printer *p, const struct app *a, const struct app_key *k)
{
	const void *field = (const char *)a + k->offset;

	if (!app_key_is_honoured(k))
		return;
	put_key(p, k->name);
	if (k->kind == APP_KEY_FLAG)
		buf_puts(p->b, str_from_cstr(word(*(const bool *)field)));
	else if (k->kind == APP_KEY_ORIGINS)
		put_list(p, a->allowed_origins, a->n_allowed_origins);
	else if (k->kind == APP_KEY_RATE)
		put_rate(p, &a->message_rate);
	else if (k->kind == APP_KEY_NAMESPACES)
		put_namespaces(p, a);
	else if (k->kind == APP_KEY_IDEMPOTENCY)
		put_idempotency(p, a);
	else if (k->kind == APP_KEY_WEBHOOKS)
		put_webhooks(p, a);
	else
		put_limit(p, *(const uint32_t *)field);
}

static void put_app(struct printer *p, const struct app *a)
{
	open_container(p, '{');
	put_text(p, S("id"), a->id);
	put_text(p, S("key"), a->key);
	put_key(p, S("secret"));
	put_secret(p, a->secret);
	put_flag(p, S("enabled"), a->enabled);
	for (size_t i = 0; i < N_APP_KEYS; i++)
		put_app_key(p, a, &app_keys[i]);
	close_container(p, '}');
}

void config_print_app(const struct app *a, bool shows_secrets, struct buf *b)
{
	put_app(&(struct printer){ .b = b, .shows_secrets = shows_secrets }, a);
}

static void put_apps(struct printer *p, const struct app_table *apps)
{
	open_container(p, '[');
	for (size_t i = 0; i < apps->n; i++) {
		put_line_start(p);
		put_app(p, apps->apps[i]);
	}
	close_container(p, ']');
}

/* Settings: a block holds what the table has of it, wherever it stands there */

bool config_print_has(const struct config *c, const struct config_key *k)
{
	return k->otherwise == CONFIG_HONOURED && (!k->counts_if_set || config_is_set(c, k->path));
}

static bool lies_in(str path, str block)
{
	return block.n == 0 ||
	       (path.n > block.n && path.p[block.n] == '.' && str_has_prefix(path, block));
}

/* The path up to and with its first step behind the block. */
static str step_into(str path, str block)
{
	size_t n = block.n ? block.n + 1 : 0;

	return str_take(path, n + str_find_char(str_skip(path, n), '.'));
}

/* Has a key before this one led into the same block already? */
static bool came_before(const struct config *c, const struct config_key *k, str step)
{
	for (const struct config_key *other = config_keys; other < k; other++) {
		if (lies_in(other->path, step) && config_print_has(c, other))
			return true;
	}
	return false;
}

static void put_value(struct printer *p, const struct config *c, const struct app_table *apps,
		      const struct config_key *k)
{
	if (k->type == CONFIG_APPS)
		put_apps(p, apps);
	else
		config_value_put(k, config_setting(c, k->path)->value, p->b);
}

/* Recursive: as deep as the paths of the table. */
static void put_block(struct printer *p, const struct config *c, const struct app_table *apps,
		      str block)
{
	for (const struct config_key *k = config_keys; k < config_keys + N_CONFIG_KEYS; k++) {
		str step = step_into(k->path, block);
		bool is_key = step.n == k->path.n;

		if (!lies_in(k->path, block) || !config_print_has(c, k) ||
		    (!is_key && came_before(c, k, step)))
			continue;
		put_key(p, str_skip(step, block.n ? block.n + 1 : 0));
		if (is_key) {
			put_value(p, c, apps, k);
			continue;
		}
		open_container(p, '{');
		put_block(p, c, apps, step);
		close_container(p, '}');
	}
}

/* Where values come from */

bool config_is_set_in_vain(const struct config *c, const struct config_key *k)
{
	const struct config_setting *s = config_setting(c, k->path);

	return k->otherwise != CONFIG_HONOURED && s->from.source != CONFIG_DEFAULT &&
	       !config_value_eq(k, s->value, k->fallback);
}

static void put_places(struct printer *p, const struct config *c, str name,
		       bool (*is_wanted)(const struct config *c, const struct config_key *k))
{
	struct buf place;

	put_key(p, name);
	open_container(p, '{');
	buf_init(&place, 8192);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		if (!is_wanted(c, &config_keys[i]))
			continue;
		buf_clear(&place);
		config_place_put_named(c->settings[i].from, &place);
		put_text(p, config_keys[i].path, buf_str(&place));
	}
	buf_fini(&place);
	close_container(p, '}');
}

static void put_all(struct printer *p, const struct config *c, const struct app_table *apps)
{
	open_container(p, '{');
	put_block(p, c, apps, S(""));
	put_places(p, c, S("_source"), config_print_has);
	put_places(p, c, S("_not_in_this_build"), config_is_set_in_vain);
	close_container(p, '}');
	buf_putc(p->b, '\n');
}

/* A "${" is text by now; whoever reads the file must not take it for a variable. */
void config_print_without_variables(struct buf *b, str json)
{
	while (json.n > 0) {
		str piece = str_take(json, str_find_char(json, '$'));

		json = str_skip(json, piece.n);
		buf_puts(b, piece);
		if (str_has_prefix(json, S("${")))
			buf_puts(b, S("\\u0024"));
		else
			buf_puts(b, str_take(json, 1));
		json = str_skip(json, 1);
	}
}

void config_print_json(const struct config *c, const struct app_table *apps, struct buf *b)
{
	struct buf json;

	buf_init(&json, b->max);
	put_all(&(struct printer){ .b = &json }, c, apps);
	config_print_without_variables(b, buf_str(&json));
	b->overflow |= !buf_ok(&json);
	buf_fini(&json);
}
