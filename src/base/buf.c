/* buf.c: doubling up to the maximum. One byte more than cap is allocated, which lets printf
 * write its NUL even when the text fills the maximum exactly; it is never counted. A refused
 * allocation is an overflow too: whoever asked for the bytes cannot have them, and the server
 * goes on. */
#include "base/buf.h"

#include "base/mem.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>

enum { CAP_MIN = 63 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_init_secret(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max, .is_secret = true };
}

void buf_fini(struct buf *b)
{
	if (b->is_secret && b->p)
		secret_free(b->p, b->cap + 1);
	else
		xfree(b->p);
	*b = (struct buf){ .max = b->max, .is_secret = b->is_secret };
}

/* realloc would leave the old bytes behind. */
static char *move_secret(const struct buf *b, size_t bytes)
{
	char *p = secret_alloc(bytes);

	if (b->p) {
		memcpy(p, b->p, b->len);
		secret_free(b->p, b->cap + 1);
	}
	return p;
}

/* Capacity for at least needed bytes, needed <= max. */
static bool grow(struct buf *b, size_t needed)
{
	size_t cap = b->cap > b->max / 2 ? b->max : 2 * b->cap + 1;
	char *p;

	if (cap < CAP_MIN)
		cap = CAP_MIN;
	if (cap < needed)
		cap = needed;
	if (cap > b->max)
		cap = b->max;
	p = b->is_secret ? move_secret(b, cap + 1) : try_realloc(b->p, cap + 1);
	if (!p)
		return false;
	b->p = p;
	b->cap = cap;
	return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->overflow)
		return NULL;
	if (b->p && n <= b->cap - b->len)
		return b->p + b->len;
	if (n > b->max - b->len || !grow(b, b->len + n)) {
		b->overflow = true;
		return NULL;
	}
	return b->p + b->len;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	char *to = n ? buf_reserve(b, n) : NULL;

	if (!to)
		return;
	memcpy(to, p, n);
	b->len += n;
}

void buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_putu(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(b, digits + i, sizeof(digits) - i);
}

void buf_puti(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_putc(b, '-');
	buf_putu(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	int n;
	char *to;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	to = n > 0 ? buf_reserve(b, (size_t)n) : NULL;
	if (!to)
		return;
	va_start(args, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
}

void buf_drop_front(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}
