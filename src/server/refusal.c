/* refusal.c: texts that quote a peer, who may have put a NUL into them: no printf. */
#include "server/refusal.h"

bool refusal_set(struct refusal *why, struct arena *a, enum pusher_code code, const str *pieces,
		 size_t n_pieces)
{
	size_t len = 0;
	char *p;

	for (size_t i = 0; i < n_pieces; i++)
		len += pieces[i].n;
	p = arena_alloc(a, len + 1);
	*why = (struct refusal){ code, { p, len } };
	for (size_t i = 0; i < n_pieces; i++) {
		if (pieces[i].n > 0)
			memcpy(p, pieces[i].p, pieces[i].n);
		p += pieces[i].n;
	}
	return false;
}

str refusal_number(struct arena *a, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return arena_copy(a, (str){ digits + at, sizeof(digits) - at });
}
