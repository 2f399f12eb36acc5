/* ip.h: an Internet address as a value: 16 bytes, an IPv4 address in its IPv6 form
 * (::ffff:a.b.c.d), so that each address has one value and comparing is comparing bytes.
 *
 * Without ports and zones: those belong to a socket (io/net.h). */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/str.h"

struct ip {
	uint8_t bytes[16];
};

/* Dotted decimal without leading zeros, or the forms of RFC 4291. */
bool ip_parse(str text, struct ip *out);
struct ip ip_from_v4(const uint8_t bytes[4]);
static inline struct ip ip_from_v6(const uint8_t bytes[16])
{
	struct ip ip;

	memcpy(ip.bytes, bytes, sizeof(ip.bytes));
	return ip;
}
bool ip_is_v4(const struct ip *ip);
/* The 4 bytes of one. */
static inline const uint8_t *ip_v4(const struct ip *ip)
{
	return ip->bytes + 12;
}
static inline bool ip_eq(const struct ip *a, const struct ip *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
/* The first n_bits (0 to 128) of it, zeros behind them. */
struct ip ip_prefix(const struct ip *ip, unsigned n_bits);

/* "192.0.2.1", or as RFC 5952 writes IPv6: "2001:db8::1". At most IP_TEXT_MAX bytes with NUL. */
#define IP_TEXT_MAX 40
str ip_format(const struct ip *ip, char out[IP_TEXT_MAX]);

#endif
