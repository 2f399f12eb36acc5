/* mailbox.h: typed mail from thread to thread, batched per turn.
 *
 * A sender fills an outbox during its turn and flushes it at the end: one push and at most one
 * wake-up per turn and destination. A receiver takes everything at once, in order per sender. The
 * box is bounded by asking, not by refusing: a sender that finds it full stops taking in work
 * (loop_pause_files), so a push always succeeds and no cycle of waiting can form. Lock-free; any
 * number of senders, one receiver. */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include "io/loop.h"

#include <stddef.h>

struct mail {
	uint32_t bytes; /* of the record, rounded up to 8 */
	uint32_t kind;	/* the record's type: sender's and receiver's business */
	uint64_t record[];
};

struct mail_batch;
struct mailbox;

/* owner may be woken from any thread until mailbox_free. full_bytes: see mailbox_is_full. */
struct mailbox *mailbox_new(struct loop *owner, size_t full_bytes);
/* Must be empty. */
void mailbox_free(struct mailbox *m);
/* Are at least full_bytes of mail waiting, or taken and not done yet? Any thread. */
bool mailbox_is_full(const struct mailbox *m);
/* How many. Any thread. */
size_t mailbox_bytes(const struct mailbox *m);
/* Everything that waits, oldest first, or NULL. */
struct mail_batch *mailbox_take(struct mailbox *m);

/* The batch's next mail, NULL at its end; *at starts at 0. */
const struct mail *mail_batch_next(const struct mail_batch *b, size_t *at);
/* Frees b and returns the one after it. */
struct mail_batch *mail_batch_done(struct mail_batch *b);

struct outbox {
	struct mailbox *to;
	struct mail_batch *first, *last; /* filled this turn; linked from last to first */
};
void outbox_init(struct outbox *o, struct mailbox *to);
/* Must be flushed. */
void outbox_fini(struct outbox *o);
/* Room for a record, 8-aligned, uninitialised; it is sent as it is at the flush. NULL when memory
 * is short (records of up to 4 KiB never fail) or bytes is above MAIL_BYTES_MAX. */
#define MAIL_BYTES_MAX ((size_t)1 << 30)
void *outbox_add(struct outbox *o, uint32_t kind, size_t bytes);
/* True when there was mail. */
bool outbox_flush(struct outbox *o);

#endif
