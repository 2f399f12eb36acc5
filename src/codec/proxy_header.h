/* proxy_header.h: what a balancer that passes on bytes says in front of them: for whom it speaks
 * (HAProxy's PROXY protocol, version 1 as a line of text, version 2 in binary).
 *
 * Whether it is believed is the caller's matter. */
#ifndef CODEC_PROXY_HEADER_H
#define CODEC_PROXY_HEADER_H

#include "base/err.h"
#include "base/ip.h"

/* Addresses take 232 bytes at most; the rest is room for what is said beside them (TLVs). */
#define PROXY_HEADER_BYTES_MAX 4096

struct proxy_header {
	size_t bytes; /* of the whole: what follows is the client's */
	/* False: the sender speaks for itself (LOCAL, UNKNOWN), or for somebody without such an
	 * address (another socket than TCP). */
	bool has_source;
	struct ip source;
	uint16_t source_port;
};

/* The header that in begins with. ERR_AGAIN: it is not complete, and still within the maximum.
 * ERR_NOT_FOUND: in begins with something else. ERR_SYNTAX, ERR_LIMIT: it makes no sense, or is
 * too long. */
err proxy_header_parse(str in, struct proxy_header *out);
/* Does it look like one, whatever comes of it? */
bool proxy_header_is_begun(str in);

#endif
