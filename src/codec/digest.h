/* digest.h: SHA-1, MD5 and HMAC-SHA256 over OpenSSL.
 *
 * HMAC keys are kept as the two SHA-256 states after the padded key, so that signing costs two
 * short hashes (130 ns) instead of a keyed lookup by name (1060 ns). That needs OpenSSL's low-level
 * calls, which 3.x marks as deprecated but keeps; they are plain data: a key may be shared by
 * threads and copied. */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include "base/str.h"

#define MD5_HEX_LEN 32
#define SHA256_HEX_LEN 64

/* A prepared key: 2 SHA-256 states. Opaque plain data. */
struct hmac_key {
	uint64_t opaque[28];
};

void hmac_key_init(struct hmac_key *k, str secret);
/* A running HMAC for text that comes in pieces. */
struct hmac {
	uint64_t inner[14];
};
void hmac_begin(struct hmac *h, const struct hmac_key *k);
void hmac_add(struct hmac *h, str piece);
void hmac_end(struct hmac *h, const struct hmac_key *k, uint8_t out[32]);
/* Lower-case hex, no NUL. */
void hmac_end_hex(struct hmac *h, const struct hmac_key *k, char out[SHA256_HEX_LEN]);

void md5_hex(str s, char out[MD5_HEX_LEN]);
/* Of the pieces one after the other. */
void sha1(const str *pieces, size_t n_pieces, uint8_t out[20]);

/* Same bytes? Takes time that depends only on the lengths. */
bool digest_eq(str a, str b);

#endif
