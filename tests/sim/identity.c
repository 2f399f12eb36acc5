/* identity.c: OpenSSL in the world. Its randomness and its clock are the process's, so the world
 * that is there is kept here, too. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD: a provider would be ten times as much */
#include "identity.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/tls_priv.h"
#include "io/tls_testing.h"

#include <openssl/rand.h>
#include <time.h>

enum { IDENTITIES_MAX = 8, DAYS = 30 };

struct identity {
	SSL_CTX *clients;
	SSL_SESSION *session; /* the newest one that somebody was given, or NULL */
	X509 *certificates[IDENTITIES_MAX];
	unsigned n;
	struct tls_context *newest;
};

/* Chance and time */

static struct {
	const struct sim *sim;
	uint64_t random;
} the;

/* OpenSSL's, too: that of tickets and certificates. */
time_t time(time_t *out)
{
	time_t now_s = the.sim ? sim_wall_ms(the.sim) / 1000 : 0;

	if (out)
		*out = now_s;
	return now_s;
}

static int draw(unsigned char *p, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (unsigned char)(hash_u64(++the.random) >> 32);
	return 1;
}

static int is_seeded(void)
{
	return 1;
}

static void govern(struct world *w)
{
	static const RAND_METHOD METHOD = { .bytes = draw,
					    .pseudorand = draw,
					    .status = is_seeded };
	SSL_SESSION *s;

	the.sim = w->sim;
	the.random = hash_u64(w->seed);
	ASSERT(RAND_set_rand_method(&METHOD) == 1);
	s = SSL_SESSION_new();
	ASSERT(SSL_SESSION_get_time(s) == sim_wall_ms(w->sim) / 1000);
	SSL_SESSION_free(s);
}

/* The servers */

static struct tls_context *make_context(void)
{
	struct testing_pair files;
	struct tls_problem why;
	struct tls_context *c;

	testing_pair_make(&files, TESTING_EC, TESTING_PKCS8, DAYS);
	c = tls_context_new(
		&(struct tls_pair){ .certificate_path = files.certificate_path,
				    .key_path = files.key_path,
				    .plain_answer = S("HTTP/1.1 400 Bad Request\r\n\r\n") },
		&why);
	testing_pair_remove(&files);
	ASSERT(c);
	return c;
}

static void renew(struct identity *id)
{
	tls_context_unref(id->newest);
	id->newest = make_context();
	id->certificates[id->n] = SSL_CTX_get0_certificate(id->newest->ssl);
	X509_up_ref(id->certificates[id->n++]);
}

void identity_introduce(struct node *n)
{
	const struct identity *id = n->world->identity;

	if (!id)
		return;
	server_set_tls(n->server, tls_context_ref(id->newest));
	n->speaks_tls = true;
}

bool identity_renew(struct world *w)
{
	if (!w->identity || w->identity->n == IDENTITIES_MAX)
		return false;
	renew(w->identity);
	for (unsigned i = 0; i < w->plan.n_nodes; i++)
		if (!w->nodes[i].is_lost)
			identity_introduce(&w->nodes[i]);
	trace_note(w->trace, "world", "renews its certificate");
	return true;
}

unsigned identity_number(const struct world *w)
{
	return w->identity->n - 1;
}

/* Clients */

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
	struct identity *id = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	SSL_SESSION_free(id->session);
	id->session = s;
	return 1; /* it is ours */
}

static SSL_CTX *clients_new(struct identity *id)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	ASSERT(c);
	SSL_CTX_set_app_data(c, id);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c, keep_session);
	return c;
}

SSL *identity_client(struct world *w)
{
	struct identity *id = w->identity;
	SSL *ssl = SSL_new(id->clients);

	ASSERT(ssl);
	SSL_set_connect_state(ssl);
	SSL_set_max_proto_version(ssl, chance(w, 50) ? TLS1_2_VERSION : TLS1_3_VERSION);
	if (id->session && chance(w, 50))
		SSL_set_session(ssl, id->session);
	if (chance(w, 50))
		SSL_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.1", 9);
	return ssl;
}

bool identity_fits(const struct world *w, const SSL *ssl, unsigned number)
{
	const struct identity *id = w->identity;
	const X509 *shown = SSL_get0_peer_certificate(ssl);

	for (unsigned i = number; i < id->n; i++)
		if (shown && X509_cmp(shown, id->certificates[i]) == 0)
			return true;
	return false;
}

/* Beginning and end */

void identity_begin(struct world *w)
{
	if (!w->plan.speaks_tls)
		return;
	govern(w);
	w->identity = xnew(struct identity);
	w->identity->clients = clients_new(w->identity);
	renew(w->identity);
}

void identity_end(struct world *w)
{
	struct identity *id = w->identity;

	if (!id)
		return;
	for (unsigned i = 0; i < id->n; i++)
		X509_free(id->certificates[i]);
	tls_context_unref(id->newest);
	SSL_SESSION_free(id->session);
	SSL_CTX_free(id->clients);
	xfree(id);
	w->identity = NULL;
	the.sim = NULL;
}
