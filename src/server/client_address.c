/* client_address.c: reading X-Forwarded-For from its end, where the proxy nearest to us wrote.
 *
 * Every proxy appends whom it saw, so an entry is worth as much as the proxy that wrote it, and
 * that one stands to its right. The first entry from the right that is not one of ours is the
 * client; what stands further left came from outside and may be anything. Several header lines
 * are one list (RFC 9110, 5.3). Entries may carry a port or brackets, as some balancers write
 * them.
 *
 * The Forwarded header (RFC 7239) is not read: no proxy of this field writes it by itself, and
 * one that passes on a client's own would be a hole. */
#include "server/client_address.h"

#include "base/check.h"
#include "server/worker.h"

bool client_peer_ip(const struct net_address *peer, struct ip *out)
{
	if (peer->family == NET_IPV4)
		*out = ip_from_v4(peer->ip);
	else if (peer->family == NET_IPV6)
		*out = ip_from_v6(peer->ip);
	else
		return false;
	return true;
}

struct net_address client_peer_of(const struct ip *ip, uint16_t port)
{
	bool is_v4 = ip_is_v4(ip);
	struct net_address a = { .family = is_v4 ? NET_IPV4 : NET_IPV6, .port = port };

	memcpy(a.ip, is_v4 ? ip_v4(ip) : ip->bytes, is_v4 ? 4 : 16);
	return a;
}

bool client_peer_is_trusted(const struct ip_set *trusted, const struct net_address *peer)
{
	struct ip ip;

	return client_peer_ip(peer, &ip) ? ip_set_has(trusted, &ip) : trusted->has_unix;
}

/* The entries of X-Forwarded-For, from the last of its last line to the first of its first. */

struct hops {
	const struct http_request *request;
	uint32_t n_headers; /* in front of line */
	str line;	    /* what is left of it */
};

static bool previous_line(struct hops *h)
{
	while (h->n_headers > 0) {
		const struct http_header *header = &h->request->headers[--h->n_headers];

		if (str_eq_nocase(header->name, S("x-forwarded-for"))) {
			h->line = header->value;
			return true;
		}
	}
	return false;
}

static str cut_last(str *line)
{
	size_t at = line->n;
	str last;

	while (at > 0 && line->p[at - 1] != ',')
		at--;
	last = str_trim(str_skip(*line, at));
	line->n = at > 0 ? at - 1 : 0;
	return last;
}

/* Empty entries are nothing. */
static bool hops_next(struct hops *h, str *hop)
{
	do {
		if (h->line.n == 0 && !previous_line(h))
			return false;
		*hop = cut_last(&h->line);
	} while (hop->n == 0);
	return true;
}

static struct hops hops_of(const struct http_request *r)
{
	return (struct hops){ .request = r, .n_headers = r->n_headers };
}

static bool is_port_or_nothing(str s)
{
	uint64_t port;

	return s.n == 0 || (s.p[0] == ':' && str_to_u64(str_skip(s, 1), UINT16_MAX, &port));
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool hop_parse(str hop, struct ip *out)
{
	size_t colon = str_find_char(hop, ':');
	str ip = hop, port = { 0 };

	if (hop.p[0] == '[') {
		size_t end = str_find_char(hop, ']');

		ip = str_skip(str_take(hop, end), 1);
		port = str_skip(hop, end + 1);
		if (end == hop.n)
			return false;
	} else if (str_find_char(hop, '.') < colon) {
		ip = str_take(hop, colon);
		port = str_skip(hop, colon);
	}
	return is_port_or_nothing(port) && ip_parse(ip, out);
}

/* The client */

/* One that is sent twice says nothing. */
static bool real_ip(const struct http_request *r, struct ip *out)
{
	const struct http_header *found = NULL;

	for (uint32_t i = 0; i < r->n_headers; i++) {
		if (!str_eq_nocase(r->headers[i].name, S("x-real-ip")))
			continue;
		if (found)
			return false;
		found = &r->headers[i];
	}
	return found && found->value.n > 0 && hop_parse(found->value, out);
}

static bool nth_hop(struct hops *h, str nearest, uint32_t n, struct ip *out)
{
	while (--n > 0)
		if (!hops_next(h, &nearest))
			return false;
	return hop_parse(nearest, out);
}

static bool farthest_known_hop(struct hops *h, str hop, const struct ip_set *trusted,
			       struct ip *out)
{
	bool is_known = false;
	struct ip ip;

	do {
		if (!hop_parse(hop, &ip))
			break;
		*out = ip;
		is_known = true;
	} while (ip_set_has(trusted, &ip) && hops_next(h, &hop));
	return is_known;
}

static bool told_address(const struct conn *c, const struct http_request *r, uint32_t trust_hops,
			 struct ip *out)
{
	struct hops h = hops_of(r);
	str nearest;

	if (!hops_next(&h, &nearest))
		return real_ip(r, out);
	if (trust_hops > 0)
		return nth_hop(&h, nearest, trust_hops, out);
	return farthest_known_hop(&h, nearest, &c->worker->options->trusted_proxies, out);
}

bool client_address_find(const struct conn *c, const struct http_request *r, uint32_t trust_hops,
			 struct ip *out)
{
	ASSERT(c->phase == CONN_HTTP);
	return (c->peer_is_trusted && told_address(c, r, trust_hops, out)) ||
	       client_peer_ip(&c->peer, out);
}
