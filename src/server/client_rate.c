#include "server/client_rate.h"

#include "base/rate_table.h"
#include "server/client_address.h"
#include "server/worker.h"

/* Of an IPv6 address: what belongs to one customer. */
#define V6_BITS 64

static const struct {
	const char *event, *setting;
} about[N_CLIENT_RATES] = {
	[CLIENT_RATE_API] = { "API requests refused", "rate_limiter.api_rate_limit.max_requests" },
	[CLIENT_RATE_UPGRADE] = { "WebSocket connections refused",
				  "rate_limiter.websocket_rate_limit.max_requests" },
};

static void count(atomic_uint_fast64_t *n)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static struct rate_verdict take(struct conn *c, const struct ip *client, enum client_rate which)
{
	const struct client_rate_limit *lim = &c->worker->options->client_rates[which];
	struct {
		struct ip ip;
		uint8_t which;
	} key = { ip_is_v4(client) ? *client : ip_prefix(client, V6_BITS), (uint8_t)which };

	return rate_table_take(c->worker->rates, (str){ (const char *)&key, sizeof(key) },
			       lim->max_requests, lim->window_s,
			       clock_ms(loop_clock(c->worker->loop)));
}

static bool is_peer(const struct conn *c, const struct ip *client)
{
	struct ip peer;

	return client_peer_ip(&c->peer, &peer) && ip_eq(&peer, client);
}

static void tell_refusal(const struct conn *c, const struct ip *client, enum client_rate which)
{
	bool is_proxy = c->peer_is_trusted && is_peer(c, client);
	char text[IP_TEXT_MAX];

	log_limited(c->worker->log, LOG_WARN, about[which].event,
		    LF_STR("client", ip_format(client, text)),
		    LF_U64("limit", c->worker->options->client_rates[which].max_requests),
		    LF_CSTR("setting", about[which].setting),
		    LF_CSTR("hint", is_proxy ? "if this is a proxy: it sends no X-Forwarded-For, "
					       "so all its clients count as one" :
					       ""));
}

bool client_rate_admit(struct conn *c, const struct http_request *r, enum client_rate which)
{
	struct worker *w = c->worker;
	struct rate_verdict v;
	struct ip client;

	if (which == CLIENT_RATE_NONE || !w->options->limits_client_rates ||
	    !client_address_find(c, r, w->options->client_rates[which].trust_hops, &client))
		return true;
	v = take(c, &client, which);
	c->answer_rate = which;
	c->rate_left = v.n_left;
	c->rate_reset_s = v.reset_s;
	count(&w->rate_counts[which].n_checks);
	if (v.is_within)
		return true;
	count(&w->rate_counts[which].n_refused);
	tell_refusal(c, &client, which);
	return false;
}

static void put_number(struct buf *b, str name, uint32_t n)
{
	buf_puts(b, name);
	buf_putu(b, n);
	buf_puts(b, S("\r\n"));
}

void client_rate_put(const struct conn *c, struct buf *b)
{
	if (c->answer_rate == CLIENT_RATE_NONE)
		return;
	put_number(b, S("x-ratelimit-limit: "),
		   c->worker->options->client_rates[c->answer_rate].max_requests);
	put_number(b, S("x-ratelimit-remaining: "), c->rate_left);
	put_number(b, S("x-ratelimit-reset: "), c->rate_reset_s);
}
