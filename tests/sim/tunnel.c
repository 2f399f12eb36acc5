/* tunnel.c: OpenSSL between two buffers in memory. What it writes is put behind the balancer's
 * header into one more, and goes from there as the network takes it; only when that is empty
 * there is another record.
 *
 * A stream may end with close_notify, without it, or by it alone: the server has to take each for
 * an end. */
#include "tunnel.h"

#include "base/check.h"
#include "base/mem.h"
#include "identity.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

struct tunnel {
	struct world *world;
	const char *who;
	struct sim_peer *peer;
	struct origin origin;
	struct buf out; /* a header, records */
	SSL *ssl;	/* NULL: no TLS */
	BIO *in;	/* what it reads */
	BIO *written;
	unsigned identity;	 /* the server's, when it came */
	size_t record_bytes_max; /* of the person's words */
	enum { ENDS_POLITELY, ENDS_RUDELY, ENDS_BY_WORD, N_ENDS } ends;
	bool is_identified; /* the server is */
	bool is_paused;
	bool has_more; /* words, maybe, whatever the network has */
};

static _Noreturn void fail(const struct tunnel *t, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	trace_fail(t->world->trace, "%s: TLS breaks, %s%s%s", t->who, what, reason ? ": " : "",
		   reason ? reason : "");
}

/* Beginning and end */

static void begin_tls(struct tunnel *t)
{
	struct world *w = t->world;

	t->ssl = identity_client(w);
	t->in = BIO_new(BIO_s_mem());
	t->written = BIO_new(BIO_s_mem());
	SSL_set_bio(t->ssl, t->in, t->written);
	t->identity = identity_number(w);
	t->record_bytes_max = chance(w, 70) ? SSL3_RT_MAX_PLAIN_LENGTH : 1 + pick(w, 300);
	t->ends = (unsigned)pick(w, N_ENDS);
}

struct tunnel *tunnel_open(struct node *n, const char *who, struct sim_peer_init *init,
			   bool is_bare)
{
	struct world *w = n->world;
	struct tunnel *t = xnew(struct tunnel);

	t->world = w;
	t->who = who;
	buf_init(&t->out, SIZE_MAX / 2);
	balancer_announce(w, init, is_bare ? NULL : &t->out, &t->origin);
	if (n->speaks_tls && !is_bare)
		begin_tls(t);
	t->peer = sim_peer_connect(w->sim, init);
	return t;
}

static void tunnel_free(struct tunnel *t)
{
	SSL_free(t->ssl);
	buf_fini(&t->out);
	xfree(t);
}

/* Bytes */

/* False: the network has no room. */
static bool flush(struct tunnel *t)
{
	size_t n = t->ssl ? BIO_pending(t->written) : 0;

	if (n > 0)
		buf_commit(&t->out, (size_t)BIO_read(t->written, buf_reserve(&t->out, n), (int)n));
	buf_drop_front(&t->out, sim_peer_write(t->peer, t->out.p, t->out.len));
	return t->out.len == 0;
}

static bool is_secured(struct tunnel *t)
{
	if (!SSL_is_init_finished(t->ssl))
		return false;
	if (!t->is_identified && !identity_fits(t->world, t->ssl, t->identity))
		fail(t, "a certificate that is not in use");
	t->is_identified = true;
	return true;
}

static void shake_hands(struct tunnel *t)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	if (result != 1 && SSL_get_error(t->ssl, result) != SSL_ERROR_WANT_READ)
		fail(t, "the handshake fails");
}

static size_t write_record(struct tunnel *t, const char *p, size_t n)
{
	size_t written;

	ERR_clear_error();
	if (SSL_version(t->ssl) == TLS1_3_VERSION && chance(t->world, 2))
		SSL_key_update(t->ssl, SSL_KEY_UPDATE_REQUESTED);
	if (SSL_write_ex(t->ssl, p, n < t->record_bytes_max ? n : t->record_bytes_max, &written) !=
	    1)
		fail(t, "nothing can be written");
	return written;
}

static bool has_ended(const struct tunnel *t)
{
	return SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN;
}

size_t tunnel_write(struct tunnel *t, const void *p, size_t n)
{
	size_t done = 0;

	if (!t->ssl)
		return flush(t) ? sim_peer_write(t->peer, p, n) : 0;
	if (!SSL_is_init_finished(t->ssl))
		shake_hands(t);
	while (flush(t) && done < n && is_secured(t) && !has_ended(t))
		done += write_record(t, (const char *)p + done, n - done);
	return done;
}

static size_t read_words(struct tunnel *t, char *p, size_t max)
{
	size_t n = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(t->ssl, p, max, &n);
	if (result == 1)
		return n;
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	}
	fail(t, "what has arrived cannot be read");
}

/* False: nothing has arrived. */
static bool fetch(struct tunnel *t, size_t max)
{
	char bytes[4096];
	size_t n = sim_peer_read(t->peer, bytes, max < sizeof(bytes) ? max : sizeof(bytes));

	if (n > 0)
		BIO_write(t->in, bytes, (int)n);
	return n > 0;
}

size_t tunnel_read(struct tunnel *t, void *p, size_t max)
{
	size_t n;

	if (!t->ssl)
		return sim_peer_read(t->peer, p, max);
	if (t->is_paused)
		return 0;
	do
		n = read_words(t, p, max);
	while (n == 0 && fetch(t, max));
	t->has_more = n > 0;
	flush(t);
	return n;
}

enum sim_peer_state tunnel_state(const struct tunnel *t)
{
	return t->has_more ? SIM_PEER_OPEN : sim_peer_state(t->peer);
}

void tunnel_pause(struct tunnel *t, bool is_paused)
{
	t->is_paused = is_paused;
	sim_peer_pause(t->peer, is_paused);
}

static void say_goodbye(struct tunnel *t)
{
	ERR_clear_error();
	if (is_secured(t) && !has_ended(t) && SSL_shutdown(t->ssl) < 0)
		fail(t, "it cannot be ended");
}

void tunnel_shutdown(struct tunnel *t)
{
	if (t->ssl && t->ends != ENDS_RUDELY) {
		if (!is_secured(t))
			return;
		say_goodbye(t);
	}
	if (flush(t) && (!t->ssl || t->ends != ENDS_BY_WORD))
		sim_peer_shutdown(t->peer);
}

void tunnel_close(struct tunnel *t)
{
	if (t->ssl && t->ends != ENDS_RUDELY && flush(t)) {
		say_goodbye(t);
		flush(t);
	}
	sim_peer_close(t->peer);
	tunnel_free(t);
}

void tunnel_reset(struct tunnel *t)
{
	sim_peer_reset(t->peer);
	tunnel_free(t);
}

/* What it is */

const struct origin *tunnel_origin(const struct tunnel *t)
{
	return &t->origin;
}

bool tunnel_is_tls(const struct tunnel *t)
{
	return t->ssl;
}

bool tunnel_is_cut(const struct tunnel *t)
{
	return t->is_identified && tunnel_state(t) == SIM_PEER_ENDED &&
	       !(SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN);
}

size_t tunnel_n_unsent(const struct tunnel *t)
{
	return t->out.len;
}
