/* tls_secret.c: OpenSSL's memory functions: the C library's, but for secrets, which are told by their
 * address. OpenSSL does not say how large a block is that it frees; a header remembers that. */
#include "io/tls_secret.h"

#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>

struct header {
	size_t bytes;	       /* without this */
	_Alignas(16) char p[]; /* as malloc aligns */
};

static _Thread_local bool is_secret;

static struct header *header_of(void *p)
{
	return (struct header *)((char *)p - sizeof(struct header));
}

static void *take(size_t bytes, const char *file, int line)
{
	struct header *h;

	if (bytes == 0)
		return NULL;
	if (!is_secret || bytes > SECRET_BLOCK_BYTES_MAX - sizeof(*h))
		return malloc(bytes);
	h = secret_alloc(sizeof(*h) + bytes);
	h->bytes = bytes;
	return h->p;
}

static void give(void *p, const char *file, int line)
{
	if (secret_owns(p))
		secret_free(header_of(p), sizeof(struct header) + header_of(p)->bytes);
	else
		free(p);
}

static void *move(void *p, size_t bytes, const char *file, int line)
{
	size_t had;
	void *to;

	if (!p)
		return take(bytes, file, line);
	if (!secret_owns(p))
		return realloc(p, bytes);
	had = header_of(p)->bytes;
	to = take(bytes, file, line);
	if (to)
		memcpy(to, p, had < bytes ? had : bytes);
	give(p, file, line);
	return to;
}

void tls_secret_install(void)
{
	if (!SECRET_ON_HEAP)
		CRYPTO_set_mem_functions(take, move, give);
}

void tls_secret_begin(void)
{
	is_secret = true;
}

void tls_secret_end(void)
{
	is_secret = false;
}
