/* config.c: from defaults over file and environment to values that fit together.
 *
 * The readers fill settings, one per row of the table; only at the end are they copied into the
 * members that the rest of the program reads, so there is one place where a value becomes
 * effective and one where values are checked against each other. */
#include "main/config.h"

#include "base/check.h"
#include "base/mem.h"
#include "codec/deflate.h"
#include "core/origin.h"
#include "main/config_env.h"
#include "main/config_file.h"
#include "main/config_json.h"
#include "main/config_misspelt.h"
#include "main/config_rules.h"
#include "main/config_toml.h"

#include <errno.h>
#include <unistd.h>

#define STANDARD_INPUT "/dev/stdin"
enum { WORKERS_MAX = 64 };

static size_t index_of(const struct config_key *k)
{
	return (size_t)(k - config_keys);
}

void config_set(struct config *c, const struct config_key *k, union config_value v,
		struct config_place from)
{
	c->settings[index_of(k)] = (struct config_setting){ .value = v, .from = from };
}

static struct config_setting *setting_of(struct config *c, str path)
{
	const struct config_key *k = config_key_find(path);

	ASSERT(k);
	return &c->settings[index_of(k)];
}

const struct config_setting *config_setting(const struct config *c, str path)
{
	return setting_of((struct config *)c, path);
}

/* Keys whose feature is not in this build */

/* Is one of the blocks that the key lies in switched off by its "enabled"? */
static bool block_is_off(const struct config *c, const struct config_key *k)
{
	for (size_t n = k->path.n; n > 0; n--) {
		const struct config_key *enabled = NULL;

		for (size_t i = 0; k->path.p[n - 1] == '.' && i < N_CONFIG_KEYS; i++) {
			str p = config_keys[i].path;

			if (p.n == n + 7 && str_has_prefix(p, str_take(k->path, n)) &&
			    str_eq(str_skip(p, n), S("enabled")))
				enabled = &config_keys[i];
		}
		if (enabled && !c->settings[index_of(enabled)].value.flag)
			return true;
	}
	return false;
}

static void refuse(const struct config_key *k, const struct config_setting *s,
		   struct config_report *r)
{
	struct buf is, instead;

	buf_init(&is, 256);
	buf_init(&instead, 256);
	config_value_put(k, s->value, &is);
	config_value_put(k, k->fallback, &instead);
	config_error(r, s->from, k->path, "%.*s is not available in this build, only %.*s is",
		     STR_ARG(buf_str(&is)), STR_ARG(buf_str(&instead)));
	buf_fini(&is);
	buf_fini(&instead);
}

static void check_later(const struct config *c, const struct config_key *k, struct config_report *r)
{
	const struct config_setting *s = &c->settings[index_of(k)];

	if (k->otherwise == CONFIG_HONOURED || k->otherwise == CONFIG_DETAIL ||
	    config_value_eq(k, s->value, k->fallback))
		return;
	if (k->type == CONFIG_CHOICE ? config_key_has_choice(k, s->value.text) :
				       config_value_is_off(k, s->value))
		return;
	if (k->otherwise == CONFIG_REFUSE)
		refuse(k, s, r);
	else if (!block_is_off(c, k))
		config_warn(r, s->from, k->path, "not available in this build");
}

/* Values that have to fit together */

static bool has_parent_step(str path)
{
	while (path.p) {
		if (str_eq(str_split(&path, '/'), S("..")))
			return true;
	}
	return false;
}

static void check_unix_socket(const struct config *c, struct config_report *r)
{
	str key = S("unix_socket.path");

	if (!c->unix_socket.enabled)
		return;
	if (c->unix_socket.path.p[0] != '/')
		config_error(r, config_setting(c, key)->from, key,
			     "expected an absolute path, one that begins with /");
	else if (has_parent_step(c->unix_socket.path))
		config_error(r, config_setting(c, key)->from, key, "a path with .. is not allowed");
}

/* The files are looked at by certificate.c. */
static void check_ssl(const struct config *c, struct config_report *r)
{
	if (c->ssl.enabled && c->unix_socket.enabled)
		config_warn(r, config_setting(c, S("ssl.enabled"))->from, S("ssl.enabled"),
			    "without effect on a Unix socket: the proxy in front of it speaks TLS");
	if (c->ssl.redirect_http && !c->ssl.enabled)
		config_warn(r, config_setting(c, S("ssl.redirect_http"))->from,
			    S("ssl.redirect_http"), "without effect while ssl.enabled is false");
}

/* Other origins */

struct texts {
	str *all;
	size_t n;
};

/* The items of a LIST. */
static struct texts texts_of(struct config *c, str list)
{
	struct json v = { .kind = JSON_ARRAY, .raw = list };
	struct json_iter it = json_enter(v);
	struct texts t = { .all = arena_alloc(&c->arena, (list.n / 2 + 1) * sizeof(str)) };
	struct json item;

	while (json_next_item(&it, &item))
		t.all[t.n++] = json_decode(item, &c->arena);
	return t;
}

static void check_origins(const struct config *c, const struct texts *t, struct config_report *r)
{
	str key = S("cors.origin");

	for (size_t i = 0; i < t->n; i++) {
		const char *problem = origin_pattern_problem(t->all[i]);

		if (problem)
			config_error(r, config_setting(c, key)->from, key, "the origin \"%.*s\" %s",
				     STR_ARG(t->all[i]), problem);
	}
}

static void check_tokens(const struct config *c, str key, const struct texts *t,
			 struct config_report *r)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!cors_is_token(t->all[i]))
			config_error(r, config_setting(c, key)->from, key,
				     "\"%.*s\" has characters that cannot stand there",
				     STR_ARG(t->all[i]));
	}
}

static void prepare_cors(struct config *c, struct config_report *r)
{
	struct texts origins = texts_of(c, c->cors.origin);
	struct texts methods = texts_of(c, c->cors.methods);
	struct texts headers = texts_of(c, c->cors.allowed_headers);

	check_origins(c, &origins, r);
	check_tokens(c, S("cors.methods"), &methods, r);
	check_tokens(c, S("cors.allowed_headers"), &headers, r);
	c->cors_lines = cors_new(
		&(struct cors_rules){
			.origins = origins.all,
			.n_origins = origins.n,
			.methods = methods.all,
			.n_methods = methods.n,
			.headers = headers.all,
			.n_headers = headers.n,
			.credentials = c->cors.credentials,
		},
		&c->arena);
}

/* Proxies */

static void prepare_trust(struct config *c, struct config_report *r)
{
	str key = S("trusted_proxies");
	struct texts items = texts_of(c, c->trusted_proxies);
	ptrdiff_t culprit = ip_set_parse(items.all, items.n, &c->arena, &c->trusted_ips);

	if (culprit == IP_SET_ITEMS_MAX)
		config_error(r, config_setting(c, key)->from, key, "more than %d entries",
			     IP_SET_ITEMS_MAX);
	else if (culprit >= 0)
		config_error(r, config_setting(c, key)->from, key,
			     "\"%.*s\" is not an address, a range such as 10.0.0.0/8 or "
			     "2001:db8::/32, loopback, private or unix, nor all or none alone",
			     STR_ARG(items.all[culprit]));
}

/* What we do instead is enough to begin with. */
static void warn_of_driver(const struct config *c, str key, str driver, const char *instead,
			   struct config_report *r)
{
	if (!config_key_has_choice(config_key_find(key), driver))
		config_warn(r, config_setting(c, key)->from, key, "not available in this build: %s",
			    instead);
}

static void check_drivers(const struct config *c, struct config_report *r)
{
	if (c->rate_limiter.enabled)
		warn_of_driver(c, S("rate_limiter.driver"), c->rate_limiter.driver,
			       "each server counts for itself, in memory", r);
	warn_of_driver(c, S("queue.driver"), c->queue.driver, "webhooks wait in memory", r);
}

static void check_cache_driver(const struct config *c, struct config_report *r)
{
	str key = S("cache.driver");

	if (!config_key_has_choice(config_key_find(key), c->cache.driver))
		config_error(r, config_setting(c, key)->from, key,
			     "\"%.*s\" is not available in this build, only \"memory\" and "
			     "\"none\" are",
			     STR_ARG(c->cache.driver));
}

static void check_health(const struct config *c, struct config_report *r)
{
	str low = S("http_api.readiness.low_watermark");
	str high = S("http_api.readiness.high_watermark");
	str threshold = S("http_api.accept_traffic.memory_threshold");
	bool is_lows = config_is_set(c, low);

	if (c->http_api.readiness.low_watermark >= c->http_api.readiness.high_watermark)
		config_error(r, config_setting(c, is_lows ? low : high)->from, is_lows ? low : high,
			     "has to be %s http_api.readiness.%s_watermark",
			     is_lows ? "below" : "above", is_lows ? "high" : "low");
	if (c->http_api.accept_traffic.memory_threshold <= 0)
		config_error(r, config_setting(c, threshold)->from, threshold, "has to be above 0");
}

static bool is_metric_name(str s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
	size_t i = 0;

	while (i < s.n && (strchr(first, s.p[i]) || (i > 0 && s.p[i] >= '0' && s.p[i] <= '9')))
		i++;
	return i == s.n;
}

static void check_metrics(const struct config *c, struct config_report *r)
{
	str prefix = S("metrics.prometheus.prefix"), listener = S("operator.listener");

	if (!is_metric_name(c->metrics.prometheus.prefix))
		config_error(r, config_setting(c, prefix)->from, prefix,
			     "the name of a metric has letters, digits, _ and : alone, and begins "
			     "with no digit");
	if (str_eq(c->operator.listener, S("metrics")) && !c->metrics.enabled)
		config_error(r, config_setting(c, listener)->from, listener,
			     "there is no such listener: metrics.enabled is false");
}

static void check(const struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		check_later(c, &config_keys[i], r);
	check_unix_socket(c, r);
	check_drivers(c, r);
	check_cache_driver(c, r);
	check_ssl(c, r);
	config_rules_check(c, r);
	check_health(c, r);
	check_metrics(c, r);
}

/* Values that depend on the machine or on each other. */
static void resolve(struct config *c, unsigned n_cores)
{
	struct config_setting *workers = setting_of(c, S("workers"));
	struct config_setting *messages = setting_of(c, S("websocket.max_messages"));

	if (workers->value.number == 0)
		workers->value.number = n_cores < WORKERS_MAX ? n_cores : WORKERS_MAX;
	if (messages->value.number == CONFIG_NONE &&
	    setting_of(c, S("websocket.max_bytes"))->value.number == CONFIG_NONE)
		messages->value = config_key_find(S("websocket.max_messages"))->fallback;
}

static void finish(struct config *c, unsigned n_cores, struct config_report *r)
{
	resolve(c, n_cores);
	for (size_t i = 0; i < N_CONFIG_KEYS; i++) {
		if (config_keys[i].size)
			config_value_store(&config_keys[i], c->settings[i].value,
					   (char *)c + config_keys[i].offset);
	}
	check(c, r);
	prepare_cors(c, r);
	prepare_trust(c, r);
}

/* Loading */

static struct config *config_new(const struct config_input *in, struct config_report *r)
{
	struct config *c = xnew(struct config);

	arena_init_secret(&c->arena);
	c->variables = (struct config_variables){ .env = in->env, .arena = &c->arena, .report = r };
	for (size_t i = 0; i < N_CONFIG_KEYS; i++)
		c->settings[i].value = config_keys[i].fallback;
	return c;
}

void config_free(struct config *c)
{
	arena_fini(&c->arena);
	xfree(c);
}

static void load_file_text(struct config *c, str name, str text, struct config_report *r)
{
	unsigned n_errors = r->n_errors;

	config_text_expand(&c->file, name, text, &c->variables, &c->arena, r);
	if (r->n_errors == n_errors && config_toml_is(name))
		config_toml_translate(c, r);
	if (r->n_errors == n_errors)
		config_json_read(c, r);
}

static str file_name(const struct config_input *in)
{
	if (in->file)
		return strcmp(in->file, "-") == 0 ? S(STANDARD_INPUT) : str_from_cstr(in->file);
	return access(CONFIG_FILE_TOML, F_OK) == 0 ? S(CONFIG_FILE_TOML) : S(CONFIG_FILE_JSON);
}

static void load_file(struct config *c, const struct config_input *in, struct config_report *r)
{
	str name = file_name(in);
	struct config_place at = { .source = CONFIG_FROM_FILE, .name = name };
	str text;
	int error;

	error = config_file_read(name, CONFIG_FILE_BYTES_MAX, &c->arena, &text);
	if (error == ENOENT && !in->file)
		return;
	c->file.name = name;
	if (error == 0)
		load_file_text(c, name, text, r);
	else if (error == EFBIG)
		config_error(r, at, S(""), "larger than %d MiB", CONFIG_FILE_BYTES_MAX >> 20);
	else
		config_error(r, at, S(""), "cannot be read: %s", strerror(error));
}

static struct config *load_rest(struct config *c, const struct config_input *in,
				struct config_report *r)
{
	config_env_read(c, r);
	config_misspelt_check(c, r);
	finish(c, in->n_cores, r);
	return c;
}

struct config *config_load(const struct config_input *in, struct config_report *r)
{
	struct config *c = config_new(in, r);

	load_file(c, in, r);
	return load_rest(c, in, r);
}

struct config *config_load_text(const struct config_input *in, str name, str text,
				struct config_report *r)
{
	struct config *c = config_new(in, r);

	load_file_text(c, name, arena_copy(&c->arena, text), r);
	return load_rest(c, in, r);
}

/* What the server needs */

static void set_message_limit(struct server_options *o, uint64_t bytes, str setting)
{
	if (bytes >= o->message_bytes_max)
		return;
	o->message_bytes_max = bytes;
	o->message_bytes_setting = setting;
}

static struct client_rate_limit client_rate(const struct config_client_rate *c)
{
	return (struct client_rate_limit){
		.max_requests = c->max_requests,
		.window_s = c->window_seconds,
		.trust_hops = c->trust_hops == CONFIG_NONE ? 0 : (uint32_t)c->trust_hops,
	};
}

struct server_options config_server_options(const struct config *c)
{
	struct server_options o = server_options_default();

	o.n_workers = c->workers;
	o.activity_timeout_s = c->activity_timeout;
	o.user_authentication_timeout_s = c->user_authentication_timeout;
	o.max_connections = c->max_connections;
	o.shutdown_grace_period_s = c->shutdown_grace_period;
	o.message_bytes_max = UINT64_MAX;
	set_message_limit(&o, (uint64_t)c->websocket_max_payload_kb << 10,
			  S("websocket_max_payload_kb"));
	set_message_limit(&o, c->websocket.max_message_size, S("websocket.max_message_size"));
	set_message_limit(&o, c->websocket.max_frame_size, S("websocket.max_frame_size"));
	o.frame_bytes_max = c->websocket.max_frame_size;
	o.queue_messages_max = c->websocket.max_messages < UINT32_MAX ?
				       (uint32_t)c->websocket.max_messages :
				       UINT32_MAX;
	o.queue_bytes_max = c->websocket.max_bytes;
	o.disconnect_on_buffer_full = c->websocket.disconnect_on_buffer_full;
	deflate_mode_find(c->websocket.compression, &o.compression_window_bits);
	o.trusted_proxies = c->trusted_ips;
	o.proxy_protocol = c->proxy_protocol;
	o.limits_client_rates =
		c->rate_limiter.enabled && !str_eq(c->rate_limiter.driver, S("none"));
	o.client_rates[CLIENT_RATE_API] = client_rate(&c->rate_limiter.api_rate_limit);
	o.client_rates[CLIENT_RATE_UPGRADE] = client_rate(&c->rate_limiter.websocket_rate_limit);
	o.accept_traffic = (struct accept_traffic){
		.enabled = c->http_api.accept_traffic.enabled,
		.sample_interval_ms = c->http_api.accept_traffic.sample_interval_ms,
		.threshold = c->http_api.accept_traffic.memory_threshold,
		.limit_bytes = c->http_api.accept_traffic.memory_limit_bytes == CONFIG_NONE ?
				       0 :
				       c->http_api.accept_traffic.memory_limit_bytes,
	};
	o.ready_high = c->http_api.readiness.high_watermark;
	o.ready_low = c->http_api.readiness.low_watermark;
	o.usage_enabled = c->http_api.usage_enabled;
	o.stats_on_metrics_port = str_eq(c->operator.listener, S("metrics"));
	o.operator_token = c->operator.token;
	o.metrics_prefix = c->metrics.prometheus.prefix;
	o.webhook_events_max = c->queue.reliability.memory_capacity;
	o.cors = c->cors_lines;
	o.request_body_bytes_max = (uint64_t)c->http_api.request_limit_in_mb << 20;
	o.request_head_bytes_max = c->http_api.head_limit_in_kb << 10;
	if (o.request_target_bytes_max > o.request_head_bytes_max)
		o.request_target_bytes_max = o.request_head_bytes_max;
	o.head_timeout_ms = c->http_api.head_timeout_ms;
	o.body_timeout_ms = c->http_api.body_timeout_ms;
	o.idle_timeout_ms = c->http_api.idle_timeout_ms;
	o.close_grace_ms = c->websocket.close_grace_ms;
	return o;
}
