/* socket_id.h: "1234.5678": the public name of a connection. Two random numbers of up to 10^10. */
#ifndef CORE_SOCKET_ID_H
#define CORE_SOCKET_ID_H

#include "base/rng.h"
#include "base/str.h"

struct socket_id {
	uint64_t a, b;
};
/* Never given to a connection: names nobody. */
#define SOCKET_ID_NONE ((struct socket_id){ UINT64_MAX, UINT64_MAX })
#define SOCKET_ID_TEXT_MAX 41 /* of any value; a random one takes 23 */

struct socket_id socket_id_random(struct rng *r);
str socket_id_format(struct socket_id id, char out[SOCKET_ID_TEXT_MAX]);
/* False: not digits "." digits within 64 bits; *out is then SOCKET_ID_NONE. */
bool socket_id_parse(str text, struct socket_id *out);
static inline bool socket_id_eq(struct socket_id x, struct socket_id y)
{
	return x.a == y.a && x.b == y.b;
}

#endif
