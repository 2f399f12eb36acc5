/* fuzz.h: what the targets share.
 *
 * A target is one file with one function, which libFuzzer calls with bytes of its choice. It
 * hands them to a codec and states with CHECK what has to be true whatever they are; a broken
 * promise ends the process as a crash does, and the input is kept. ASan and UBSan watch, and a leak
 * is a finding too.
 *
 * Where a target needs to choose something (how the input is cut, which limits hold), the last
 * byte of the input chooses. So the rest is the input itself, and a seed can be written with an
 * editor: its final newline is then a choice like any other. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/check.h"
#include "base/msg.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
	(__builtin_expect(!!(x), 1) ? (void)0 : check_failed("CHECK", #x, __FILE__, __LINE__))

/* The input but for its last byte, which goes to *choice (0 if there is none). */
str fuzz_input(const uint8_t *data, size_t size, uint8_t *choice);

/* Lengths of the pieces that something is cut into. Seed 0: single bytes; otherwise anything from
 * single bytes to all at once, by what the seed says. */
struct fuzz_cuts {
	uint64_t state;
	size_t max;
};
struct fuzz_cuts fuzz_cuts(uint8_t seed);
/* 1 to left. */
size_t fuzz_cut(struct fuzz_cuts *c, size_t left);

/* A copy with nothing before or behind it that could be read by mistake; may be written to. To be
 * freed with xfree. */
char *fuzz_copy(str s);

/* Validity of UTF-8 by decoding it, as RFC 3629 words it; shares nothing with base/utf8.c. */
bool naive_utf8_valid(str s);
/* Could bytes behind s make it valid? */
bool naive_utf8_may_become_valid(str s);
/* The character at the beginning of s: its length, and the code point; 0: there is none. */
size_t naive_utf8_take(str s, uint32_t *code_point);

/* One for all inputs, as a thread has one for all messages: what one of them leaves behind must not
 * matter. */
struct deflate;
struct deflate *the_deflate(void);

/* The payload of an unmasked text frame that is all of m: valid JSON. */
str fuzz_frame_text(const struct msg *m);

#endif
