/* refusal.c: texts that quote a peer, who may have put a NUL into them: no printf. */
#include "server/refusal.h"

bool refusal_set(struct refusal *why, struct arena *a, enum pusher_code code, const str *pieces,
		 size_t n_pieces)
{
	*why = (struct refusal){ code, arena_join(a, pieces, n_pieces) };
	return false;
}
