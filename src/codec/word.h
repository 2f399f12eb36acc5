/* word.h: looking for bytes eight at a time, without SIMD.
 *
 * Each test gives a mask that is 0 when no byte of the word matches; otherwise its lowest bit
 * belongs to the first matching byte (higher bits may be false). Masks of several tests may be
 * combined with |. */
#ifndef CODEC_WORD_H
#define CODEC_WORD_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define WORD_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

static inline uint64_t word_load(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

/* Bytes below n, for n up to 128. */
static inline uint64_t word_below(uint64_t w, uint8_t n)
{
	return (w - WORD_EACH(n)) & ~w & WORD_EACH(0x80);
}

static inline uint64_t word_equal(uint64_t w, uint8_t c)
{
	return word_below(w ^ WORD_EACH(c), 1);
}

/* Bytes of 0x80 and more. */
static inline uint64_t word_above_ascii(uint64_t w)
{
	return w & WORD_EACH(0x80);
}

/* Position of the first match; mask is not 0. */
static inline unsigned word_first(uint64_t mask)
{
	return (unsigned)__builtin_ctzll(mask) / 8;
}

#endif
