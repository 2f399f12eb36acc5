/* msg.h: bytes that are built once and shared by every receiver.
 *
 * A msg is filled by its maker, then never changes: from then on only its count moves. The count is
 * atomic because workers share it, but a worker takes one reference per batch, not one per
 * receiver. For a WebSocket frame the bytes are header and payload together, ready for the socket.
 *
 * Some receivers want the same message in another form (compressed). The first thread that needs a
 * form makes it and hangs it onto the message, where the others find it: one conversion per message
 * and form, however many receive it. */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include "base/str.h"

#include <stdatomic.h>

struct msg {
	atomic_uint refs;
	uint32_t len;
	uint32_t head_len;	   /* bytes before the payload; 0 if the maker made no difference */
	uint32_t form;		   /* which of its message's other forms it is; 0: as it was made */
	struct msg *_Atomic forms; /* the first of them, or the next */
	/* Monotonic time at which what it tells of came to us; 0: nobody asks. */
	uint64_t born_ns;
	char bytes[];
};

/* One reference, len bytes to be filled. NULL when memory is short (len may come from a peer). */
struct msg *msg_new(size_t len);
struct msg *msg_ref(struct msg *m);
/* NULL is fine. */
void msg_unref(struct msg *m);

/* m's other form of that number, or NULL when nobody has made it yet. Valid as long as m, or a
 * reference of its own. */
struct msg *msg_form_find(const struct msg *m, uint32_t form);
/* Makes f that form of m, which takes over the one reference to f. When another thread was faster,
 * f is let go of. Returns the form that everybody finds from now on. */
struct msg *msg_form_add(struct msg *m, uint32_t form, struct msg *f);

static inline str msg_str(const struct msg *m)
{
	return (str){ m->bytes, m->len };
}
static inline str msg_payload(const struct msg *m)
{
	return (str){ m->bytes + m->head_len, m->len - m->head_len };
}

#endif
