/* socket_id.c: the number of a connection as text and back.
 *
 * A socket id is part of what clients sign, so nobody may be able to guess the next one: it is
 * 66 random bits. */
#include "core/socket_id.h"

#define SOCKET_ID_PART_MAX 10000000000u

struct socket_id socket_id_random(struct rng *r)
{
	uint64_t a = rng_below(r, SOCKET_ID_PART_MAX + 1);

	return (struct socket_id){ a, rng_below(r, SOCKET_ID_PART_MAX + 1) };
}

static char *put_decimal(char *out, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*out++ = digits[--n];
	return out;
}

str socket_id_format(struct socket_id id, char out[SOCKET_ID_TEXT_MAX])
{
	char *at = put_decimal(out, id.a);

	*at++ = '.';
	return (str){ out, (size_t)(put_decimal(at, id.b) - out) };
}

bool socket_id_parse(str text, struct socket_id *out)
{
	str a = str_split(&text, '.');
	struct socket_id id;

	*out = SOCKET_ID_NONE;
	if (!str_to_u64(a, UINT64_MAX, &id.a) || !str_to_u64(text, UINT64_MAX, &id.b))
		return false;
	*out = id;
	return true;
}
