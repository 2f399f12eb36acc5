/* utf8.h: validation (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/* State between pieces of one text; zero is the start. */
struct utf8 {
	uint8_t state;
};

bool utf8_valid(str s);
/* How many bytes there are before the one that no continuation could make valid; s.n when there is
 * none, as in a text that is valid or was cut short. */
size_t utf8_valid_bytes(str s);
/* Feeds a piece; false as soon as no continuation could make the text valid. */
bool utf8_feed(struct utf8 *u, str s);
/* May the text end here? */
static inline bool utf8_at_boundary(const struct utf8 *u)
{
	return u->state == 0;
}
/* The longest prefix of s of at most max bytes that does not cut a character. s is valid UTF-8. */
str utf8_truncate(str s, size_t max);
/* Writes code point cp (a valid scalar) to out, returns 1 to 4. */
size_t utf8_encode(uint32_t cp, char out[4]);

#endif
