/* dial_tls.c: the client's side of TLS, with an eye for what is wrong.
 *
 * The callback of the verification lets every certificate pass and notes each complaint, so that
 * one handshake finds all of them and what lies behind can still be looked at. Nothing is offered
 * below TLS 1.2, and no protocol but HTTP/1.1: that is what browsers do for a WebSocket. */
#include "io/dial_priv.h"

#include "base/check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The certificate */

static unsigned cert_problem(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return DIAL_CERT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return DIAL_CERT_NOT_YET_VALID;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return DIAL_CERT_SELF_SIGNED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return DIAL_CERT_WRONG_NAME;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return DIAL_CERT_NO_ISSUER;
	default:
		return DIAL_CERT_OTHER;
	}
}

static int on_verify(int is_fine, X509_STORE_CTX *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dial_tls_report *r = SSL_get_app_data(ssl);
	int error = X509_STORE_CTX_get_error(ctx);

	if (!is_fine) {
		r->cert_problems |= cert_problem(error);
		if (!r->detail[0])
			snprintf(r->detail, sizeof(r->detail), "%s",
				 X509_verify_cert_error_string(error));
	}
	return 1;
}

static int64_t not_after_s(const X509 *cert)
{
	struct tm t;

	return ASN1_TIME_to_tm(X509_get0_notAfter(cert), &t) ? (int64_t)timegm(&t) : 0;
}

static void add_name(struct dial_tls_report *r, const char *p, int n)
{
	size_t have = strlen(r->names);

	if (n > 0 && have + (size_t)n + 3 < sizeof(r->names))
		snprintf(r->names + have, sizeof(r->names) - have, "%s%.*s", have ? ", " : "", n,
			 p);
}

static void add_address(struct dial_tls_report *r, const ASN1_STRING *value)
{
	int n = ASN1_STRING_length(value);
	struct net_address a = { .family = n == 4 ? NET_IPV4 : NET_IPV6 };
	char text[NET_ADDRESS_TEXT_MAX];
	str s;

	if (n != 4 && n != sizeof(a.ip))
		return;
	memcpy(a.ip, ASN1_STRING_get0_data(value), (size_t)n);
	s = net_address_format(&a, text);
	add_name(r, s.p, (int)s.n - 2); /* without ":0" */
}

static void read_names(const X509 *cert, struct dial_tls_report *r)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int kind;
		const ASN1_STRING *value =
			GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);

		if (kind == GEN_DNS)
			add_name(r, (const char *)ASN1_STRING_get0_data(value),
				 ASN1_STRING_length(value));
		else if (kind == GEN_IPADD)
			add_address(r, value);
	}
	GENERAL_NAMES_free(names);
}

static void read_certificate(SSL *ssl, struct dial_tls_report *r)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

	r->version = SSL_get_version(ssl);
	r->n_certs = chain ? (unsigned)sk_X509_num(chain) : 0;
	if (!cert)
		return;
	r->not_after_s = not_after_s(cert);
	read_names(cert, r);
}

/* The handshake */

static enum dial_tls_failure failure_of(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER: /* "HTTP/1.1 400" is no TLS record */
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		return DIAL_TLS_NOT_TLS;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return DIAL_TLS_OLD_VERSION;
	case SSL_R_NO_APPLICATION_PROTOCOL:
	case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
		return DIAL_TLS_NO_HTTP1;
	case SSL_R_TLSV1_UNRECOGNIZED_NAME:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_TLSV1_ALERT_INTERNAL_ERROR:
		return DIAL_TLS_REJECTED;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return DIAL_TLS_CLOSED;
	default:
		return DIAL_TLS_OTHER;
	}
}

static void note_failure(struct dial_tls_report *r)
{
	unsigned long e = ERR_peek_error();

	if (e == 0) {
		r->failure = DIAL_TLS_CLOSED;
		snprintf(r->detail, sizeof(r->detail), "%s",
			 errno ? strerror(errno) : "the stream ended");
		return;
	}
	r->failure = failure_of(ERR_GET_REASON(e));
	snprintf(r->detail, sizeof(r->detail), "%s",
		 ERR_reason_error_string(e) ? ERR_reason_error_string(e) : "unknown error");
}

/* The answer of an SSL_… call that did not succeed: is it to be called again? */
static bool wait_again(struct dial *d, int ssl_error, uint64_t deadline_ms)
{
	short events = ssl_error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;

	return dial_wait(d->fd, events, deadline_ms);
}

static bool is_wanting(int ssl_error)
{
	return ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE;
}

static bool shake_hands(struct dial *d, uint64_t deadline_ms, struct dial_tls_report *r)
{
	for (;;) {
		int n, error;

		ERR_clear_error();
		errno = 0;
		n = SSL_connect(d->tls);
		if (n == 1)
			return true;
		error = SSL_get_error(d->tls, n);
		if (!is_wanting(error)) {
			note_failure(r);
			return false;
		}
		if (!wait_again(d, error, deadline_ms)) {
			r->failure = DIAL_TLS_TIMEOUT;
			return false;
		}
	}
}

/* An image of nothing but the program has the authorities where Debian keeps them, and no folder as
 * OpenSSL wants it. */
static void load_system_ca(SSL_CTX *ctx)
{
	SSL_CTX_set_default_verify_paths(ctx);
	if (access(X509_get_default_cert_dir(), R_OK) != 0)
		SSL_CTX_load_verify_file(ctx, "/etc/ssl/certs/ca-certificates.crt");
}

static bool load_ca(SSL_CTX *ctx, const struct dial_tls_options *o)
{
	if (o->ca_file)
		return SSL_CTX_load_verify_file(ctx, o->ca_file) == 1;
	load_system_ca(ctx); /* without any, the certificate will be found wanting */
	return true;
}

static SSL_CTX *context_new(const struct dial_tls_options *o, struct dial_tls_report *r)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	ASSERT(ctx);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (o->is_unverified)
		return ctx;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	if (load_ca(ctx, o))
		return ctx;
	r->failure = DIAL_TLS_BAD_CA_FILE;
	SSL_CTX_free(ctx);
	return NULL;
}

static void name_peer(SSL *ssl, str host)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
	char text[256];
	struct net_address a;

	snprintf(text, sizeof(text), "%.*s", STR_ARG(host));
	if (net_address_parse(host, 0, &a)) {
		X509_VERIFY_PARAM_set1_ip_asc(p, text);
	} else {
		X509_VERIFY_PARAM_set1_host(p, text, 0);
		SSL_set_tlsext_host_name(ssl, text);
	}
}

/* OpenSSL writes with write(2): a peer that went away must be an error, not a signal. */
static void ignore_sigpipe(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, NULL);
}

bool dial_start_tls(struct dial *d, const struct dial_tls_options *o, unsigned wait_ms,
		    struct dial_tls_report *out)
{
	static const unsigned char http1[] = "\x08http/1.1";
	SSL_CTX *ctx;
	bool is_done;

	*out = (struct dial_tls_report){ .version = "" };
	ctx = context_new(o, out);
	if (!ctx)
		return false;
	ignore_sigpipe();
	d->tls = SSL_new(ctx);
	ASSERT(d->tls);
	SSL_CTX_free(ctx);
	SSL_set_app_data((SSL *)d->tls, out);
	SSL_set_fd(d->tls, d->fd);
	SSL_set_alpn_protos(d->tls, http1, sizeof(http1) - 1);
	name_peer(d->tls, o->host);
	is_done = shake_hands(d, dial_deadline(wait_ms), out);
	if (is_done)
		read_certificate(d->tls, out);
	/* A later renegotiation has nothing to report to. */
	SSL_set_verify(d->tls, SSL_VERIFY_NONE, NULL);
	return is_done;
}

void dial_tls_free(struct dial *d)
{
	if (!d->tls)
		return;
	SSL_shutdown(d->tls); /* says goodbye, if there is room for it */
	ERR_clear_error();
	SSL_free(d->tls);
	d->tls = NULL;
}

/* Bytes */

err dial_tls_send(struct dial *d, str bytes, uint64_t deadline_ms)
{
	while (bytes.n) {
		size_t n = 0;
		int error;

		ERR_clear_error();
		error = SSL_get_error(d->tls, SSL_write_ex(d->tls, bytes.p, bytes.n, &n));
		if (error == SSL_ERROR_NONE)
			bytes = str_skip(bytes, n);
		else if (!is_wanting(error))
			return ERR_IO;
		else if (!wait_again(d, error, deadline_ms))
			return ERR_AGAIN;
	}
	return OK;
}

err dial_tls_recv(struct dial *d, void *p, size_t max, uint64_t deadline_ms, size_t *n)
{
	for (;;) {
		int error;

		ERR_clear_error();
		error = SSL_get_error(d->tls, SSL_read_ex(d->tls, p, max, n));
		if (error == SSL_ERROR_NONE)
			return OK;
		*n = 0;
		if (error == SSL_ERROR_ZERO_RETURN)
			return OK;
		if (!is_wanting(error))
			return ERR_IO;
		if (!wait_again(d, error, deadline_ms))
			return ERR_AGAIN;
	}
}
