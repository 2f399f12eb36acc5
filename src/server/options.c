#include "server/options.h"

struct server_options server_options_default(void)
{
	return (struct server_options){
		.n_workers = 1,
		.activity_timeout_s = 120,
		.user_authentication_timeout_s = 3600,
		.shutdown_grace_period_s = 10,
		.message_bytes_max = 64 * 1024,
		.message_bytes_setting = S("websocket_max_payload_kb"),
		.frame_bytes_max = (uint64_t)16 * 1024 * 1024,
		.queue_messages_max = 1000,
		.queue_bytes_max = UINT64_MAX,
		.disconnect_on_buffer_full = true,
		.trusted_proxies = ip_set_default,
		.client_rates = { [CLIENT_RATE_API] = { 100, 60, 0 },
				  [CLIENT_RATE_UPGRADE] = { 20, 60, 0 } },
		.accept_traffic = { .sample_interval_ms = 500, .threshold = 0.9 },
		.ready_high = 0.95,
		.ready_low = 0.85,
		.usage_enabled = true,
		.metrics_prefix = S("sockudo_"),
		.webhook_events_max = 100000,
		.cors = cors_default,
		.request_body_bytes_max = (uint64_t)10 * 1024 * 1024,
		.request_head_bytes_max = 64 * 1024,
		.request_target_bytes_max = 32 * 1024,
		.head_timeout_ms = 10000,
		.body_timeout_ms = 30000,
		.idle_timeout_ms = 75000,
		.close_grace_ms = 2000,
		.writes_per_slice = 128, /* about half a millisecond of send() */
		.out_bytes_full = (size_t)4 * 1024 * 1024,
		.mail_bytes_full = (size_t)1024 * 1024,
	};
}
