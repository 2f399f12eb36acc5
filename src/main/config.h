/* config.h: the server's configuration: one value per key of config_keys.def, and who said so.
 *
 * Sources, weakest first: defaults, one file, the environment. Files never merge. Whatever is
 * not understood is an error: nothing is skipped in silence. Read once at start by one thread,
 * then only read. */
#ifndef MAIN_CONFIG_H
#define MAIN_CONFIG_H

#include "base/json.h"
#include "main/config_key.h"
#include "main/config_report.h"
#include "main/config_text.h"
#include "server/options.h"

/* A year: what is to last longer is not cached but stored. */
#define CONFIG_TTL_MAX_S 31536000

/* Tried in this order when no file is named. */
#define CONFIG_FILE_TOML "config/config.toml"
#define CONFIG_FILE_JSON "config/config.json"

struct config_setting {
	union config_value value;
	struct config_place from;
};

struct config_client_rate {
	uint32_t max_requests;
	uint32_t window_seconds;
	uint64_t trust_hops; /* CONFIG_NONE: 0 */
};

struct config {
	/* The keys, by their paths. */
	str host;
	uint16_t port;
	uint32_t workers;
	struct {
		bool enabled;
		str path;
		uint32_t permission_mode;
	} unix_socket;
	struct {
		bool enabled;
		str cert_path;
		str key_path;
		str passphrase;
		bool kernel_tls;
		bool redirect_http;
		uint64_t http_port;
	} ssl;
	str trusted_proxies;
	bool proxy_protocol;
	uint32_t activity_timeout;
	uint32_t user_authentication_timeout;
	uint32_t max_connections;
	uint32_t shutdown_grace_period;
	uint32_t websocket_max_payload_kb;
	struct {
		uint64_t max_message_size;
		uint64_t max_frame_size;
		uint64_t max_messages;
		uint64_t max_bytes;
		bool disconnect_on_buffer_full;
		str compression;
		uint32_t close_grace_ms;
	} websocket;
	struct {
		uint32_t request_limit_in_mb;
		uint32_t head_limit_in_kb;
		uint32_t head_timeout_ms;
		uint32_t body_timeout_ms;
		uint32_t idle_timeout_ms;
		bool usage_enabled;
		struct {
			double high_watermark, low_watermark;
		} readiness;
		struct {
			bool enabled;
			double memory_threshold;
			uint64_t memory_limit_bytes;
			uint32_t sample_interval_ms;
		} accept_traffic;
	} http_api;
	struct {
		bool enabled;
		str host;
		uint16_t port;
		struct {
			str prefix;
		} prometheus;
	} metrics;
	struct {
		str token;
		str listener;
	} operator;
	struct {
		bool enabled;
		str driver;
		struct config_client_rate api_rate_limit, websocket_rate_limit;
	} rate_limiter;
	struct {
		str origin;
		str methods;
		str allowed_headers;
		bool credentials;
	} cors;
	struct {
		uint32_t max_name_length;
		uint32_t cache_ttl;
	} channel_limits;
	struct {
		str driver;
		struct {
			uint32_t max_capacity;
		} memory;
	} cache;
	struct {
		bool enabled;
		uint32_t ttl_seconds;
		uint32_t max_key_length;
	} idempotency;
	struct {
		struct {
			bool enabled;
			uint32_t duration;
			uint32_t size;
		} batching;
		struct {
			bool enabled;
			uint64_t max_attempts;
			uint32_t max_elapsed_time_ms;
			uint32_t initial_backoff_ms, max_backoff_ms;
		} retry;
		uint32_t request_timeout_ms;
	} webhooks;
	struct {
		str driver;
		struct {
			uint32_t memory_capacity;
			uint32_t shutdown_timeout_ms;
		} reliability;
	} queue;
	struct {
		uint32_t max_channels_at_once;
		uint32_t max_name_length;
		uint32_t max_payload_in_kb;
		uint32_t max_batch_size;
	} event_limits;
	struct {
		uint32_t max_members_per_channel;
		uint32_t max_member_size_in_kb;
	} presence;
	struct {
		struct {
			str apps;
		} array;
	} app_manager;
	str mode;
	str sandbox;
	bool debug;
	struct {
		str level;
		str format;
		bool colors_enabled;
		bool include_target;
	} logging;

	struct cors cors_lines;	   /* made of cors */
	struct ip_set trusted_ips; /* made of trusted_proxies */

	/* The same in the order of the table, with those that this build does not read. */
	struct config_setting settings[N_CONFIG_KEYS];
	struct config_text file;	   /* name.n == 0: there is none */
	struct config_variables variables; /* usable while it is loaded */
	struct arena arena;		   /* holds all texts */
};

struct config_input {
	const char *file; /* NULL: one of the above, if it exists; "-": standard input, JSON */
	struct config_env env;
	unsigned n_cores;
};

/* Always gives a configuration; it is usable when r has no errors. The caller frees it. */
struct config *config_load(const struct config_input *in, struct config_report *r);
/* The same with the text of a file given; name is for messages. */
struct config *config_load_text(const struct config_input *in, str name, str text,
				struct config_report *r);
void config_free(struct config *c);

/* What the readers of file and environment call. The last one wins. */
void config_set(struct config *c, const struct config_key *k, union config_value v,
		struct config_place from);

/* The setting of a key that must exist. */
const struct config_setting *config_setting(const struct config *c, str path);
static inline bool config_is_set(const struct config *c, str path)
{
	return config_setting(c, path)->from.source != CONFIG_DEFAULT;
}

struct server_options config_server_options(const struct config *c);

#endif
