/* digest.c: OpenSSL's low-level digests.
 *
 * Marked as deprecated since 3.0 and used on purpose: the way that replaces them looks an algorithm
 * up by name and allocates a context, which costs more than the digest of a short text. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/digest.h"

#include "base/secret.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

/* The header hides OpenSSL's types; it must not hide a size that changed. */
_Static_assert(sizeof(((struct hmac *)0)->inner) == sizeof(SHA256_CTX), "hmac holds one state");
_Static_assert(sizeof(struct hmac_key) == 2 * sizeof(SHA256_CTX), "hmac_key holds two states");
_Static_assert(_Alignof(struct hmac) >= _Alignof(SHA256_CTX), "hmac is aligned for a state");
_Static_assert(SHA256_DIGEST_LENGTH == 32 && SHA_DIGEST_LENGTH == 20, "digest lengths");

#define N_STATE_WORDS (sizeof(SHA256_CTX) / sizeof(uint64_t))

static void state_after_pad(uint64_t *state, const uint8_t key_block[SHA256_CBLOCK], uint8_t pad)
{
	uint8_t block[SHA256_CBLOCK];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key_block[i] ^ pad;
	SHA256_Init((SHA256_CTX *)state);
	SHA256_Update((SHA256_CTX *)state, block, sizeof(block));
	secret_wipe(block, sizeof(block));
}

void hmac_key_init(struct hmac_key *k, str secret)
{
	uint8_t key_block[SHA256_CBLOCK] = { 0 };
	SHA256_CTX c;

	if (secret.n > sizeof(key_block)) {
		SHA256_Init(&c);
		SHA256_Update(&c, secret.p, secret.n);
		SHA256_Final(key_block, &c);
	} else if (secret.n > 0) {
		memcpy(key_block, secret.p, secret.n);
	}
	state_after_pad(k->opaque, key_block, 0x36);
	state_after_pad(k->opaque + N_STATE_WORDS, key_block, 0x5c);
	secret_wipe(key_block, sizeof(key_block));
}

void hmac_begin(struct hmac *h, const struct hmac_key *k)
{
	memcpy(h->inner, k->opaque, sizeof(h->inner));
}

void hmac_add(struct hmac *h, str piece)
{
	SHA256_Update((SHA256_CTX *)h->inner, piece.p, piece.n);
}

void hmac_end(struct hmac *h, const struct hmac_key *k, uint8_t out[32])
{
	SHA256_CTX outer;

	SHA256_Final(out, (SHA256_CTX *)h->inner);
	memcpy(&outer, k->opaque + N_STATE_WORDS, sizeof(outer));
	SHA256_Update(&outer, out, SHA256_DIGEST_LENGTH);
	SHA256_Final(out, &outer);
}

void hmac_end_hex(struct hmac *h, const struct hmac_key *k, char out[SHA256_HEX_LEN])
{
	uint8_t mac[SHA256_DIGEST_LENGTH];

	hmac_end(h, k, mac);
	hex_encode(mac, sizeof(mac), out);
}

void md5_hex(str s, char out[MD5_HEX_LEN])
{
	uint8_t digest[MD5_DIGEST_LENGTH];
	MD5_CTX c;

	MD5_Init(&c);
	MD5_Update(&c, s.p, s.n);
	MD5_Final(digest, &c);
	hex_encode(digest, sizeof(digest), out);
}

void sha1(const str *pieces, size_t n_pieces, uint8_t out[20])
{
	SHA_CTX c;

	SHA1_Init(&c);
	for (size_t i = 0; i < n_pieces; i++)
		SHA1_Update(&c, pieces[i].p, pieces[i].n);
	SHA1_Final(out, &c);
}

bool digest_eq(str a, str b)
{
	return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}
