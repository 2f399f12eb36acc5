#include "balancer.h"

#include "base/check.h"
#include "base/ip.h"

/* By family. Of balancers both are private, and so trusted. */
static const char *const BALANCERS[] = { "10.0.0.9", "fd00::9" };
static const char *const STRANGERS[] = { "198.51.100.9", "2001:db8::9" };
static const struct {
	const char *ip;
	bool is_v4, is_trusted;
} CLIENTS[] = {
	{ "203.0.113.7", true, false },
	{ "192.168.7.7", true, true },
	{ "2001:db8:7::1", false, false },
	{ "fd00:7::1", false, true },
};

/* Headers */

static void put_v1(struct world *w, struct buf *b, size_t client)
{
	buf_printf(b, "PROXY TCP%c %s %s %u %u\r\n", CLIENTS[client].is_v4 ? '4' : '6',
		   CLIENTS[client].ip, CLIENTS[client].is_v4 ? "192.0.2.1" : "2001:db8::1",
		   (unsigned)pick(w, 65536), 443u);
}

static void put_v2_begin(struct buf *b, unsigned command, unsigned family, size_t n)
{
	buf_put(b, "\r\n\r\n\0\r\nQUIT\n", 12);
	buf_putc(b, (char)command);
	buf_putc(b, (char)family);
	buf_putc(b, (char)(n >> 8));
	buf_putc(b, (char)n);
}

static void put_zeros(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_putc(b, '\0');
}

static void put_v2(struct world *w, struct buf *b, size_t client)
{
	size_t ip_bytes = CLIENTS[client].is_v4 ? 4 : 16;
	size_t more = chance(w, 50) ? 0 : pick(w, chance(w, 90) ? 100 : 3900); /* TLVs */
	struct ip ip = { { 0 } };

	ip_parse(str_from_cstr(CLIENTS[client].ip), &ip);
	put_v2_begin(b, 0x21, CLIENTS[client].is_v4 ? 0x11 : 0x21, 2 * ip_bytes + 4 + more);
	buf_put(b, ip.bytes + sizeof(ip.bytes) - ip_bytes, ip_bytes);
	put_zeros(b, ip_bytes + 4 + more);
}

/* Its own health checks, and clients without an address. */
static void put_nobody(struct world *w, struct buf *b)
{
	size_t n = pick(w, 60);

	switch (pick(w, 4)) {
	case 0:
		buf_puts(b, S("PROXY UNKNOWN\r\n"));
		return;
	case 1:
		buf_puts(b, S("PROXY UNKNOWN ::1 ::1 1 2\r\n"));
		return;
	case 2:
		put_v2_begin(b, 0x20, 0x00, n);
		break;
	default:
		put_v2_begin(b, 0x21, 0x31, n = 216); /* a unix socket */
		break;
	}
	put_zeros(b, n);
}

static void put_header(struct world *w, struct buf *b, struct origin *out)
{
	size_t client = pick(w, ARRAY_LEN(CLIENTS));

	out->is_announced = true;
	if (chance(w, 20)) {
		put_nobody(w, b);
		return;
	}
	out->ip = CLIENTS[client].ip;
	out->is_trusted = CLIENTS[client].is_trusted;
	if (chance(w, 50))
		put_v1(w, b, client);
	else
		put_v2(w, b, client);
}

/* Addresses */

static const char *come_from(struct world *w, struct sim_peer_init *init,
			     const char *const by_family[2])
{
	const char *ip = by_family[init->to.family == NET_IPV6];

	net_address_parse(str_from_cstr(ip), (uint16_t)(1024 + pick(w, 60000)), &init->from);
	return ip;
}

void balancer_announce(struct world *w, struct sim_peer_init *init, struct buf *header,
		       struct origin *out)
{
	bool is_unix = init->unix_path.n > 0;

	out->ip = is_unix ? "unix" : init->to.family == NET_IPV6 ? "::1" : "127.0.0.1";
	out->is_trusted = true;
	if (!w->plan.is_proxied)
		return;
	if (!is_unix && header && chance(w, 30)) {
		out->ip = come_from(w, init, STRANGERS);
		out->is_trusted = false;
		return;
	}
	if (!is_unix)
		out->ip = come_from(w, init, BALANCERS);
	if (header)
		put_header(w, header, out);
}
