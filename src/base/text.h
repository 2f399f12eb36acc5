/* text.h: bytes as hexadecimal and base64. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/str.h"

/* Lower-case hex of n bytes: writes exactly 2 n characters, no NUL. */
void hex_encode(const uint8_t *in, size_t n, char *out);
/* Value of a hex digit, or -1. */
int hex_digit(char c);
/* RFC 4648 with padding: writes exactly 4 * ((n + 2) / 3) characters, no NUL, and returns that
 * number. */
size_t base64_encode(const uint8_t *in, size_t n, char *out);
/* Strict (padding required, no blanks). out has room for in.n / 4 * 3. False on malformed input. */
bool base64_decode(str in, uint8_t *out, size_t *out_len);

#endif
