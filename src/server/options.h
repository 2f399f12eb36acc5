/* options.h: what the server needs to know before it starts, as plain values. Whoever fills it
 * (main's configuration, the simulator, a test) has checked the ranges; server_options_default
 * gives the documented defaults. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "base/str.h"
#include "core/ip_set.h"
#include "server/client_rate.h"
#include "server/cors.h"

struct server_options {
	unsigned n_workers;

	uint32_t activity_timeout_s; /* silence before pusher:ping; never 0 */
	uint32_t user_authentication_timeout_s;
	uint32_t max_connections; /* per node, all apps; 0: none */
	uint32_t shutdown_grace_period_s;

	uint64_t message_bytes_max; /* inbound WebSocket message */
	str message_bytes_setting;  /* the key that set it, for the error */
	uint64_t frame_bytes_max;
	uint32_t queue_messages_max; /* waiting for one slow reader */
	uint64_t queue_bytes_max;    /* UINT64_MAX: none */
	bool disconnect_on_buffer_full;
	uint8_t compression_window_bits; /* the largest of permessage-deflate, 9 to 15; 0: none */

	struct ip_set trusted_proxies;
	bool proxy_protocol; /* those begin with a PROXY header */
	bool limits_client_rates;
	struct client_rate_limit client_rates[N_CLIENT_RATES];

	struct accept_traffic {
		bool enabled;
		uint32_t sample_interval_ms;
		double threshold;     /* share of the limit */
		uint64_t limit_bytes; /* 0: the control group's */
	} accept_traffic;
	double ready_high, ready_low; /* shares of max_connections */

	/* For operators */
	bool usage_enabled;	    /* /usage and /stats are there */
	bool stats_on_metrics_port; /* and there, instead of on the port of clients */
	str operator_token;	    /* empty: none is asked for */
	str metrics_prefix;

	uint32_t webhook_events_max; /* told to nobody yet, of the node */

	struct cors cors;
	uint64_t request_body_bytes_max;
	uint32_t request_head_bytes_max;
	uint32_t request_target_bytes_max;
	uint32_t head_timeout_ms; /* from the first byte (or accept) to the end of the head */
	uint32_t body_timeout_ms;
	uint32_t idle_timeout_ms; /* between two requests */
	uint32_t close_grace_ms;  /* after our Close frame, until the peer's */

	/* Of one worker. Not for configuration: the simulator makes them small. */
	uint32_t writes_per_slice; /* connections written between two polls */
	size_t out_bytes_full;	   /* being written, before further deliveries wait */
	size_t mail_bytes_full;	   /* in one box, before its senders stop taking in work */
};

struct server_options server_options_default(void);

#endif
