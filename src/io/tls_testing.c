#include "io/tls_testing.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/tls_priv.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static EVP_PKEY *make_key(enum testing_key kind)
{
	EVP_PKEY *key = kind == TESTING_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);

	ASSERT(key);
	return key;
}

static void put_name(X509 *x, X509_NAME *name)
{
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
				   -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, name);
	X509_NAME_free(name);
}

static void put_alternative_name(X509 *x)
{
	X509_EXTENSION *e =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");

	ASSERT(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static X509 *make_certificate(EVP_PKEY *key, int days)
{
	X509 *x = X509_new();
	int signed_bytes;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -24 * 3600L);
	X509_gmtime_adj(X509_getm_notAfter(x), (days - 1) * 24 * 3600L);
	X509_set_pubkey(x, key);
	put_name(x, X509_NAME_new());
	put_alternative_name(x);
	signed_bytes = X509_sign(x, key, EVP_sha256());
	ASSERT(signed_bytes > 0);
	return x;
}

static FILE *make_file(char path[64])
{
	int fd;

	snprintf(path, 64, "/tmp/sockudo-tls-XXXXXX");
	fd = mkstemp(path);
	ASSERT(fd >= 0);
	return fdopen(fd, "w");
}

static void write_key(FILE *f, EVP_PKEY *key, enum testing_form form)
{
	const EVP_CIPHER *cipher = form == TESTING_ENCRYPTED ? EVP_aes_128_cbc() : NULL;
	char phrase[] = TESTING_PASSPHRASE;
	int is_written;

	if (form == TESTING_TRADITIONAL) {
		BIO *b = BIO_new_fp(f, BIO_NOCLOSE);

		is_written =
			PEM_write_bio_PrivateKey_traditional(b, key, NULL, NULL, 0, NULL, NULL);
		BIO_free(b);
	} else {
		is_written = PEM_write_PKCS8PrivateKey(f, key, cipher, cipher ? phrase : NULL,
						       cipher ? sizeof(phrase) - 1 : 0, NULL, NULL);
	}
	ASSERT(is_written == 1);
}

void testing_pair_make(struct testing_pair *out, enum testing_key kind, enum testing_form form,
		       int days)
{
	EVP_PKEY *key = make_key(kind);
	X509 *x = make_certificate(key, days);
	FILE *f = make_file(out->certificate_path);

	PEM_write_X509(f, x);
	fclose(f);
	f = make_file(out->key_path);
	write_key(f, key, form);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

void testing_pair_remove(const struct testing_pair *p)
{
	unlink(p->certificate_path);
	unlink(p->key_path);
}

struct tls_context *testing_context(const struct testing_pair *p)
{
	struct tls_pair pair = { p->certificate_path, p->key_path, NULL, true, S("plain") };
	struct tls_problem why;
	struct tls_context *c = tls_context_new(&pair, &why);

	ASSERT(c);
	return c;
}

struct tls_context *testing_client_context(int version)
{
	struct tls_context *c = xnew(struct tls_context);

	atomic_init(&c->n_refs, 1);
	c->ssl = SSL_CTX_new(TLS_client_method());
	c->bio = tls_bio_method_new();
	SSL_CTX_set_min_proto_version(c->ssl, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(c->ssl, version);
	return c;
}

void testing_connect(struct loop *l, struct io_file *f, struct tls_context *c)
{
	err e = tls_accept(l, f, c, S(""));

	ASSERT(e == OK);
	SSL_set_connect_state(f->tls->ssl);
}
