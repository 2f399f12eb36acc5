#include "signer.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "die.h"

#define MD5_BYTES 16u
#define SHA256_BYTES 32u

struct signer {
	EVP_MAC_CTX *hmac;
	EVP_MD_CTX *md5;
	const char *app_key;
	char path[256];
};

struct signer *signer_new(const char *app_id, const char *app_key, const char *app_secret)
{
	struct signer *s = must_calloc(1, sizeof *s);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	s->app_key = app_key;
	snprintf(s->path, sizeof s->path, "/apps/%s/events", app_id);
	s->hmac = EVP_MAC_CTX_new(mac);
	s->md5 = EVP_MD_CTX_new();
	if (!s->hmac || !s->md5 ||
	    !EVP_MAC_init(s->hmac, (const unsigned char *)app_secret, strlen(app_secret), params) ||
	    !EVP_DigestInit_ex(s->md5, EVP_md5(), NULL))
		die("OpenSSL gives no HMAC-SHA256 or no MD5");
	EVP_MAC_free(mac);
	return s;
}

void signer_free(struct signer *s)
{
	EVP_MAC_CTX_free(s->hmac);
	EVP_MD_CTX_free(s->md5);
	free(s);
}

static void to_hex(const unsigned char *in, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * n] = '\0';
}

static void md5_hex(struct signer *s, const char *text, size_t n, char *out)
{
	unsigned char digest[MD5_BYTES];

	if (!EVP_DigestInit_ex(s->md5, NULL, NULL) || !EVP_DigestUpdate(s->md5, text, n) ||
	    !EVP_DigestFinal_ex(s->md5, digest, NULL))
		die("MD5");
	to_hex(digest, sizeof digest, out);
}

static void hmac_hex(struct signer *s, const char *text, size_t n, char *out)
{
	unsigned char digest[SHA256_BYTES];
	size_t digest_bytes;

	if (!EVP_MAC_init(s->hmac, NULL, 0, NULL) ||
	    !EVP_MAC_update(s->hmac, (const unsigned char *)text, n) ||
	    !EVP_MAC_final(s->hmac, digest, &digest_bytes, sizeof digest))
		die("HMAC-SHA256");
	to_hex(digest, digest_bytes, out);
}

/* What snprintf wrote, or death where it had to cut. */
static size_t whole(int n, size_t cap)
{
	if (n < 0 || (size_t)n >= cap)
		die("a request is longer than %zu bytes", cap);
	return (size_t)n;
}

size_t signer_target(struct signer *s, const char *path, int64_t timestamp, const char *body,
		     size_t body_bytes, char *out, size_t cap)
{
	char md5[2 * MD5_BYTES + 1], signature[2 * SHA256_BYTES + 1];
	char query[512], text[1024];
	size_t n;

	md5_hex(s, body, body_bytes, md5);
	whole(snprintf(query, sizeof query,
		       "auth_key=%s&auth_timestamp=%lld&auth_version=1.0&body_md5=%s", s->app_key,
		       (long long)timestamp, md5),
	      sizeof query);
	n = whole(snprintf(text, sizeof text, "POST\n%s\n%s", path, query), sizeof text);
	hmac_hex(s, text, n, signature);
	return whole(snprintf(out, cap, "%s?%s&auth_signature=%s", path, query, signature), cap);
}

size_t signer_publish(struct signer *s, const char *channel, const struct payload *p, char *out)
{
	char data[PAYLOAD_BYTES], body[512], target[768];
	size_t body_bytes;

	payload_write(p, data);
	body_bytes = whole(snprintf(body, sizeof body,
				    "{\"name\":\"bench\",\"channels\":[\"%s\"],\"data\":\"%.*s\"}",
				    channel, (int)PAYLOAD_BYTES, data),
			   sizeof body);
	signer_target(s, s->path, time(NULL), body, body_bytes, target, sizeof target);
	return whole(snprintf(out, SIGNED_REQUEST_BYTES_MAX,
			      "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
			      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			      target, body_bytes, body),
		     SIGNED_REQUEST_BYTES_MAX);
}
