/* tls_context.c: who we are: a certificate, its key, and what we agree to.
 *
 * TLS 1.2 with forward secrecy and authenticated ciphers alone, and TLS 1.3; HTTP/1.1 by ALPN, for
 * WebSockets and the API need nothing else. No renegotiation, no compression, no early data.
 *
 * Sessions are resumed by tickets, so the server remembers nothing. Their keys live as long as the
 * context: whoever makes a new one from time to time (main/certificate.c) has changed them too.
 *
 * A passphrase is never asked for on a terminal: a server starts by itself or says why not. Not
 * here: client certificates, several certificates by name (SNI), OCSP. */
#include "io/tls.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/kernel.h"
#include "io/tls_priv.h"
#include "io/tls_secret.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"
/* No finite fields: a handshake over 8192 bits would take a worker a hundred times as long, and
 * any client may ask for it. */
#define GROUPS "X25519:P-256:P-384"
#define SESSION_TIMEOUT_S 7200
/* The key of a key file, of any size that is in use. */
#define KEY_BYTES_MAX (64 << 10)
#define KEY_STEP_BYTES 4096
#define SIGNATURE_BYTES_MAX 4096
#define HTTP_1_1 "\x08http/1.1"

/* Problems */

static bool fail(struct tls_problem *why, enum tls_part part, const char *text)
{
	why->part = part;
	snprintf(why->text, sizeof(why->text), "%s", text);
	return false;
}

/* What OpenSSL, or the system below it, says about the first thing that went wrong. */
static bool fail_openssl(struct tls_problem *why, enum tls_part part, const char *what)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) :
						       ERR_reason_error_string(error);

	why->part = part;
	snprintf(why->text, sizeof(why->text), "%s: %s", what, reason ? reason : "unknown error");
	ERR_clear_error();
	return false;
}

/* PEM without a beginning of the kind that we look for. */
static bool is_no_pem(void)
{
	unsigned long error = ERR_peek_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* Agreement */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
			   const unsigned char *in, unsigned in_n, void *arg)
{
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, out_n, (const unsigned char *)HTTP_1_1,
				  sizeof(HTTP_1_1) - 1, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_rules(SSL_CTX *c, struct tls_problem *why)
{
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
				       SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* Idle, a connection keeps no buffers. Read ahead: one call per wake-up, not two per
	 * record. */
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(c, SESSION_TIMEOUT_S);
	SSL_CTX_set_num_tickets(c, 1);
	if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(c, CIPHERS_1_2) != 1 ||
	    SSL_CTX_set1_groups_list(c, GROUPS) != 1)
		return fail_openssl(why, TLS_LIBRARY, "OpenSSL refuses our rules");
	return true;
}

static struct tls_context *context_new(struct tls_problem *why)
{
	struct tls_context *c = xnew(struct tls_context);

	ERR_clear_error();
	atomic_init(&c->n_refs, 1);
	/* The first of a process fills tables of OpenSSL that are no secrets. The one that stays has
	 * the keys of tickets. */
	SSL_CTX_free(SSL_CTX_new(TLS_server_method()));
	tls_secret_begin();
	c->ssl = SSL_CTX_new(TLS_server_method());
	tls_secret_end();
	c->bio = tls_bio_method_new();
	if (!c->ssl || !c->bio)
		fail_openssl(why, TLS_LIBRARY, "OpenSSL does not start");
	else if (set_rules(c->ssl, why))
		return c;
	tls_context_unref(c);
	return NULL;
}

bool tls_context_uses_kernel(const struct tls_context *c)
{
	return c->uses_kernel;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
	atomic_fetch_add_explicit(&c->n_refs, 1, memory_order_relaxed);
	return c;
}

void tls_context_unref(struct tls_context *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->n_refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->bio);
	xfree(c);
}

const struct tls_certificate *tls_context_certificate(const struct tls_context *c)
{
	return &c->certificate;
}

/* The certificate */

static int64_t wall_ms_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

/* A text of the certificate's author; what a log may not show is replaced there. */
static void copy_name(char *out, size_t cap, const ASN1_STRING *s)
{
	snprintf(out, cap, "%.*s", ASN1_STRING_length(s), (const char *)ASN1_STRING_get0_data(s));
}

static bool take_dns_name(X509 *x, char *out, size_t cap)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool is_found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !is_found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		is_found = name->type == GEN_DNS;
		if (is_found)
			copy_name(out, cap, name->d.dNSName);
	}
	GENERAL_NAMES_free(names);
	return is_found;
}

static void take_common_name(X509 *x, char *out, size_t cap)
{
	X509_NAME *subject = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at >= 0)
		copy_name(out, cap, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static void describe(X509 *x, struct tls_certificate *out)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;

	if (!take_dns_name(x, out->name, sizeof(out->name)))
		take_common_name(x, out->name, sizeof(out->name));
	snprintf(out->key, sizeof(out->key), "%s %d bits", type ? type : "?",
		 key ? EVP_PKEY_get_bits(key) : 0);
	out->from_ms = wall_ms_of(X509_get0_notBefore(x));
	out->until_ms = wall_ms_of(X509_get0_notAfter(x));
}

static bool load_certificate(struct tls_context *c, const char *path, struct tls_problem *why)
{
	if (SSL_CTX_use_certificate_chain_file(c->ssl, path) != 1) {
		if (is_no_pem())
			return fail(why, TLS_CERTIFICATE,
				    "has no certificate in PEM (-----BEGIN CERTIFICATE-----)");
		return fail_openssl(why, TLS_CERTIFICATE, "cannot be used");
	}
	describe(SSL_CTX_get0_certificate(c->ssl), &c->certificate);
	return true;
}

/* The key */

struct passphrase {
	const char *text;
	bool was_asked;
};

static int give_passphrase(char *to, int cap, int is_for_writing, void *ctx)
{
	struct passphrase *p = ctx;
	size_t n = p->text ? strlen(p->text) : 0;

	p->was_asked = true;
	if (n == 0 || n > (size_t)cap)
		return -1;
	memcpy(to, p->text, n);
	return (int)n;
}

static bool fail_key(const struct passphrase *p, struct tls_problem *why)
{
	if (p->was_asked && !p->text)
		return fail(why, TLS_PASSPHRASE, "the key is encrypted and there is no passphrase");
	if (p->was_asked)
		return fail(why, TLS_PASSPHRASE, "does not open the key");
	if (ERR_SYSTEM_ERROR(ERR_peek_error()))
		return fail_openssl(why, TLS_KEY, "cannot be used");
	return fail(why, TLS_KEY, "has no private key in PEM (-----BEGIN PRIVATE KEY-----)");
}

/* Through no buffer of the C library, which would keep its copy. */
static bool read_file(const char *path, struct buf *out, struct tls_problem *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	char *p;

	while (fd >= 0 && (p = buf_reserve(out, KEY_STEP_BYTES)) &&
	       (n = read(fd, p, KEY_STEP_BYTES)) > 0)
		buf_commit(out, (size_t)n);
	if (n < 0 && buf_ok(out))
		snprintf(why->text, sizeof(why->text), "cannot be used: %s", strerror(errno));
	else if (!buf_ok(out))
		snprintf(why->text, sizeof(why->text), "is larger than a key");
	why->part = TLS_KEY;
	if (fd >= 0)
		close(fd);
	return n == 0 && buf_ok(out);
}

static EVP_PKEY *read_key(const struct tls_pair *pair, struct tls_problem *why)
{
	struct passphrase p = { .text = pair->passphrase };
	EVP_PKEY *key = NULL;
	struct buf text;
	BIO *pem;

	buf_init_secret(&text, KEY_BYTES_MAX);
	if (read_file(pair->key_path, &text, why)) {
		pem = BIO_new_mem_buf(text.p, (int)text.len);
		key = PEM_read_bio_PrivateKey(pem, NULL, give_passphrase, &p);
		if (!key)
			fail_key(&p, why);
		BIO_free(pem);
	}
	buf_fini(&text);
	ERR_clear_error();
	return key;
}

/* The first signature leaves tables beside the key that are made of it. */
static void sign_once(EVP_PKEY *key)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t signature[SIGNATURE_BYTES_MAX];
	size_t n = sizeof(signature);

	if (c && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1)
		EVP_DigestSign(c, signature, &n, (const uint8_t *)"", 0);
	EVP_MD_CTX_free(c);
	ERR_clear_error();
}

static bool load_key(struct tls_context *c, const struct tls_pair *pair, struct tls_problem *why)
{
	EVP_PKEY *key = read_key(pair, why);
	bool is_loaded = false;

	if (!key)
		return false;
	if (X509_check_private_key(SSL_CTX_get0_certificate(c->ssl), key) != 1)
		fail(why, TLS_KEY, "does not belong to the certificate");
	else if (SSL_CTX_use_PrivateKey(c->ssl, key) != 1)
		fail_openssl(why, TLS_KEY, "cannot be used");
	else
		is_loaded = true;
	if (is_loaded)
		sign_once(key);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return is_loaded;
}

static bool load_key_secretly(struct tls_context *c, const struct tls_pair *pair,
			      struct tls_problem *why)
{
	bool is_loaded;

	tls_secret_begin();
	is_loaded = load_key(c, pair, why);
	tls_secret_end();
	return is_loaded;
}

struct tls_context *tls_context_new(const struct tls_pair *pair, struct tls_problem *why)
{
	struct tls_context *c = context_new(why);

	if (!c)
		return NULL;
	c->plain_answer = pair->plain_answer;
	c->uses_kernel = pair->uses_kernel && kernel_has_tls();
	if (c->uses_kernel)
		SSL_CTX_set_options(c->ssl, SSL_OP_ENABLE_KTLS);
	SSL_CTX_set_alpn_select_cb(c->ssl, choose_protocol, NULL);
	if (load_certificate(c, pair->certificate_path, why) && load_key_secretly(c, pair, why))
		return c;
	tls_context_unref(c);
	return NULL;
}

/* The one in use */

struct tls_current {
	pthread_mutex_t lock;
	struct tls_context *context;
};

struct tls_current *tls_current_new(void)
{
	struct tls_current *c = xnew(struct tls_current);

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void tls_current_free(struct tls_current *c)
{
	tls_context_unref(c->context);
	pthread_mutex_destroy(&c->lock);
	xfree(c);
}

void tls_current_set(struct tls_current *c, struct tls_context *context)
{
	struct tls_context *before;

	pthread_mutex_lock(&c->lock);
	before = c->context;
	c->context = context;
	pthread_mutex_unlock(&c->lock);
	tls_context_unref(before);
}

struct tls_context *tls_current_get(struct tls_current *c)
{
	struct tls_context *context;

	pthread_mutex_lock(&c->lock);
	context = c->context ? tls_context_ref(c->context) : NULL;
	pthread_mutex_unlock(&c->lock);
	return context;
}
