/* tls_testing.h: certificates and keys that are made when a test asks for them. */
#ifndef IO_TLS_TESTING_H
#define IO_TLS_TESTING_H

#include "io/tls.h"

enum testing_key { TESTING_EC, TESTING_RSA };
enum testing_form { TESTING_PKCS8, TESTING_TRADITIONAL, TESTING_ENCRYPTED };
#define TESTING_PASSPHRASE "open sesame"

struct testing_pair {
	char certificate_path[64], key_path[64];
};

/* A certificate for "localhost" that signs itself and is valid from yesterday for so many days, and
 * its key, in two new files. */
void testing_pair_make(struct testing_pair *out, enum testing_key key, enum testing_form form,
		       int days);
void testing_pair_remove(const struct testing_pair *p);
/* Of a pair that must be fine; plain_answer is "plain". */
struct tls_context *testing_context(const struct testing_pair *p);

/* For a client that believes everybody and speaks at most that version, and its beginning. */
struct tls_context *testing_client_context(int version);
void testing_connect(struct loop *l, struct io_file *f, struct tls_context *c);

#endif
