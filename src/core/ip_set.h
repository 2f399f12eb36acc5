/* ip_set.h: whose word we take: a set of addresses, written as a list of addresses, ranges
 * ("10.0.0.0/8", "2001:db8::/32") and words.
 *
 *   loopback  127.0.0.0/8, ::1
 *   private   10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7
 *   unix      whoever comes through the Unix socket
 *   all, none everybody, nobody; they stand alone
 *
 * A lookup walks the ranges: there are a dozen, or the two dozen of a content network. */
#ifndef CORE_IP_SET_H
#define CORE_IP_SET_H

#include "base/arena.h"
#include "base/ip.h"

struct ip_range {
	struct ip first;
	uint8_t n_bits; /* that all of it have in common, of 128 */
};

struct ip_set {
	bool has_unix;
	size_t n_ranges;
	const struct ip_range *ranges;
};

/* loopback, private, unix. */
extern const struct ip_set ip_set_default;

#define IP_SET_ITEMS_MAX 1000
/* Fills *out, whose ranges lie in a. -1, or the index of the first item that is not understood or
 * does not belong beside the others; IP_SET_ITEMS_MAX when there are more than that. */
ptrdiff_t ip_set_parse(const str *items, size_t n_items, struct arena *a, struct ip_set *out);
bool ip_set_has(const struct ip_set *s, const struct ip *ip);

#endif
