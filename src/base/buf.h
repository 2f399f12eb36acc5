/* buf.h: growing bytes with a hard maximum.
 *
 * The maximum is set at init; whoever writes past it sets a sticky overflow bit, checked once at
 * the end with buf_ok(). After an overflow further writes are ignored. An empty buf owns no
 * memory. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t len;
	size_t cap;
	size_t max;
	bool overflow;
	bool is_secret;
};

void buf_init(struct buf *b, size_t max);
/* For bytes with secrets in them: of memory of base/secret.h, wiped when it goes. */
void buf_init_secret(struct buf *b, size_t max);
/* Frees the bytes; the buf may be used again with the same maximum. */
void buf_fini(struct buf *b);
static inline void buf_clear(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
}
static inline bool buf_ok(const struct buf *b)
{
	return !b->overflow;
}
static inline str buf_str(const struct buf *b)
{
	return (str){ b->p, b->len };
}
/* Room for n more bytes at the returned place (uncounted until buf_commit), or NULL and
 * overflow. */
char *buf_reserve(struct buf *b, size_t n);
static inline void buf_commit(struct buf *b, size_t n)
{
	b->len += n;
}
void buf_put(struct buf *b, const void *p, size_t n);
static inline void buf_puts(struct buf *b, str s)
{
	buf_put(b, s.p, s.n);
}
void buf_putc(struct buf *b, char c);
/* Decimal. */
void buf_putu(struct buf *b, uint64_t v);
void buf_puti(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first n bytes, moving the rest to the front. */
void buf_drop_front(struct buf *b, size_t n);

#endif
