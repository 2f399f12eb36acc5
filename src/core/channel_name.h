/* channel_name.h: what a channel's name says about it.
 *
 * The kind is decided by anchored prefixes alone (the original searches for "cache-" anywhere
 * and so lets private channels in unsigned). Names are compared byte for byte. */
#ifndef CORE_CHANNEL_NAME_H
#define CORE_CHANNEL_NAME_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum channel_traits {
	CHANNEL_AUTHORIZED = 1, /* needs a signature */
	CHANNEL_PRESENCE = 2,
	CHANNEL_CACHE = 4,
	CHANNEL_ENCRYPTED = 8,
	CHANNEL_USER = 16, /* #server-to-user-… */
};

unsigned channel_traits(str name);

/* What statistics call it. */
enum channel_type {
	CHANNEL_TYPE_PUBLIC,
	CHANNEL_TYPE_PRIVATE,
	CHANNEL_TYPE_PRESENCE,
	CHANNEL_TYPE_PRIVATE_ENCRYPTED,
	CHANNEL_TYPE_CACHE, /* whatever else it is */
	N_CHANNEL_TYPES
};
enum channel_type channel_type_of(unsigned traits);
/* What follows the prefix of its kind: "room" of "private-cache-room". */
str channel_base(str name);
#define CHANNEL_USER_PREFIX "#server-to-user-"
/* The user of a CHANNEL_USER name. */
str channel_user(str name);

/* Length 1..max bytes and legal characters: OK. ERR_LIMIT: too long. ERR_SYNTAX: empty or bad
 * characters; *problem is then the text "Channel name contains invalid characters: '…' (invalid
 * chars: ['x', …])", built in a, each of them named, in order and as often as it occurs. An
 * empty name, or one that is no UTF-8: static text without the list. */
err channel_name_check(str name, uint32_t bytes_max, struct arena *a, str *problem);

#endif
