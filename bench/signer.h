/* signer.h: HTTP requests of the Pusher API, signed.
 *
 * The key state of HMAC-SHA256 is made once; a request costs about a microsecond, which at the rates of all
 * scenarios but one is nothing. That one signs its requests in advance. */
#ifndef BENCH_SIGNER_H
#define BENCH_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

#define SIGNED_REQUEST_BYTES_MAX 1024u

struct signer;

/* The strings are kept by reference. */
struct signer *signer_new(const char *app_id, const char *app_key, const char *app_secret);
void signer_free(struct signer *s);

/* Writes "PATH?QUERY" with the five auth parameters for a POST; no NUL. Returns the length, dies when cap is
 * not enough. */
size_t signer_target(struct signer *s, const char *path, int64_t timestamp, const char *body,
		     size_t body_bytes, char *out, size_t cap);
/* A whole POST …/events request of the event "bench"; out has room for SIGNED_REQUEST_BYTES_MAX. */
size_t signer_publish(struct signer *s, const char *channel, const struct payload *p, char *out);

#endif
