/* msg.h: bytes that are built once and shared by every receiver.
 *
 * A msg is filled by its maker, then never changes: from then on only its count moves. The count is
 * atomic because workers share it, but a worker takes one reference per batch, not one per
 * receiver. For a WebSocket frame the bytes are header and payload together, ready for the socket.
 */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include "base/str.h"

#include <stdatomic.h>

struct msg {
	atomic_uint refs;
	uint32_t len;
	uint32_t head_len; /* bytes before the payload; 0 if the maker made no difference */
	char bytes[];
};

/* One reference, len bytes to be filled. NULL when memory is short (len may come from a peer). */
struct msg *msg_new(size_t len);
struct msg *msg_ref(struct msg *m);
/* NULL is fine. */
void msg_unref(struct msg *m);
static inline str msg_str(const struct msg *m)
{
	return (str){ m->bytes, m->len };
}
static inline str msg_payload(const struct msg *m)
{
	return (str){ m->bytes + m->head_len, m->len - m->head_len };
}

#endif
