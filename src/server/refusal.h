/* refusal.h: why a client's message is not followed: what its pusher:error will say. */
#ifndef SERVER_REFUSAL_H
#define SERVER_REFUSAL_H

#include "base/arena.h"
#include "base/check.h"
#include "codec/pusher.h"

struct refusal {
	enum pusher_code code;
	str text;
};

/* The text is the pieces one after the other, in a. Always false, so that a check can end with
 * it. */
bool refusal_set(struct refusal *why, struct arena *a, enum pusher_code code, const str *pieces,
		 size_t n_pieces);
#define REFUSE(why, a, code, ...)                                                                  \
	refusal_set(why, a, code, (const str[]){ __VA_ARGS__ },                                    \
		    ARRAY_LEN(((const str[]){ __VA_ARGS__ })))

#endif
