/* json_priv.h: what reading, walking and writing JSON share: finding the end of a run of plain
 * text, eight bytes at a time. */
#ifndef BASE_JSON_PRIV_H
#define BASE_JSON_PRIV_H

#include "base/json.h"

#include <endian.h>

#define JSON_EACH_BYTE(b) (0x0101010101010101u * (uint64_t)(b))

static inline bool json_is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* The high bit of every byte below b (b <= 0x80), exact up to and including the lowest such
 * byte: the borrow of a subtraction only disturbs bytes above it. */
static inline uint64_t json_bytes_below(uint64_t word, unsigned b)
{
	return (word - JSON_EACH_BYTE(b)) & ~word & JSON_EACH_BYTE(0x80);
}

/* The bytes that are not plain among the eight at p, as high bits; exact for the first of them. */
static inline uint64_t json_special_of_8(const char *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	word = le64toh(word);
	return json_bytes_below(word, 0x20) | json_bytes_below(word ^ JSON_EACH_BYTE('"'), 1) |
	       json_bytes_below(word ^ JSON_EACH_BYTE('\\'), 1);
}

/* The first '"', '\' or control character, or end. */
static inline const char *json_plain_end(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t special = json_special_of_8(p);

		if (special)
			return p + (__builtin_ctzll(special) >> 3);
	}
	while (p < end && json_is_plain(*p))
		p++;
	return p;
}

static inline bool json_is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_skip_blanks(const char *p, const char *end)
{
	while (p < end && json_is_blank(*p))
		p++;
	return p;
}

/* In text known to be sound: behind the string whose opening quote is at p; was something
 * escaped? */
static inline const char *json_string_end(const char *p, const char *end, bool *has_escapes)
{
	*has_escapes = false;
	for (p = json_plain_end(p + 1, end); *p != '"'; p = json_plain_end(p + 2, end))
		*has_escapes = true;
	return p + 1;
}

/* The value whose whole text is raw. */
struct json json_value(str raw);

#endif
