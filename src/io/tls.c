/* tls.c: one connection's TLS: OpenSSL between the calls of net.h and the world's own.
 *
 * OpenSSL reads and writes through a BIO of ours. What it writes is always taken: the socket gets
 * what it has room for and the rest is kept here until it is writable again. So a record that was
 * begun is finished whatever the owner does next, and OpenSSL never has to be offered the same
 * bytes twice. While something waits nothing more is sent, so that it is one record at most. A peer
 * that makes TLS itself answer (a handshake, key updates) and does not listen is given up.
 *
 * The loop is level-triggered and has to stay so though two things are hidden from epoll. Bytes
 * that wait to be flushed: while there are any the file is watched for writing too, whatever its
 * owner asked for (FILE_FLUSHES). Bytes that OpenSSL has read already: a file that holds some,
 * whose owner wants to read, is in the loop's list and called each turn (loop->held).
 *
 * Behind our own end a peer may go on, and is read on so that it hears our last words. What OpenSSL
 * would answer to it (new keys) then has no way any more, and is dropped: it is no failure.
 *
 * A peer may end its stream with or without close_notify: HTTP and WebSocket say themselves where
 * a message ends. OpenSSL's queue of errors belongs to the thread, so it is emptied before each
 * call, and what a call has left is attributed to its connection. */
#include "io/tls.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/loop_ops.h"
#include "io/tls_priv.h"

#include <openssl/err.h>

#include <limits.h>

/* A record, or a handshake's flight with a long chain. */
#define REST_BYTES_MAX ((size_t)128 * 1024)

/* From the socket, in one call of net_recv: OpenSSL reads on over what its owner does not see (new
 * keys, empty records), for as long as there is more. */
#define RECV_BYTES_MAX ((size_t)64 * 1024)

/* A step costs up to a millisecond of a turn, in which nobody else is served: when a crowd comes
 * back at once the others do not wait for all of it. Who is put off is still readable. */
enum { HANDSHAKE_STEPS_PER_TURN = 16 };

/* Controls of OpenSSL's socket BIO that it names in comments of bio.h alone. */
enum {
	KTLS_SET = 72,
	KTLS_MARK = 74,
	KTLS_UNMARK = 75
}; /* KTLS_SET: for sending unless number is 0 */

static struct tls *tls_of_held(struct list *link)
{
	return container_of(link, struct tls, held);
}

/* What the loop has to know */

static void set_flushes(struct tls *t, bool flushes)
{
	struct io_file *f = t->file;
	uint32_t was = f->watched;

	f->watched = flushes ? was | FILE_FLUSHES : was & ~(uint32_t)FILE_FLUSHES;
	if ((was & FILE_ADDED) && f->watched != was)
		t->loop->ops->watch(t->loop, f, was);
}

static void sync_held(struct tls *t)
{
	bool is_wanted = t->has_input && (t->file->watched & LOOP_READ);

	if (!is_wanted)
		list_remove(&t->held);
	else if (list_is_empty(&t->held))
		list_push_back(&t->loop->held, &t->held);
}

static void sync(struct tls *t)
{
	set_flushes(t, t->rest.len > 0);
	sync_held(t);
}

/* The owner is told by being called once more. */
static void give_up(struct tls *t)
{
	t->is_failed = true;
	t->has_input = true;
	buf_fini(&t->rest);
}

/* The socket */

/* OK: nothing is left; ERR_AGAIN: the socket is full; ERR_IO. */
static err flush(struct tls *t)
{
	while (t->rest.len > 0) {
		struct net_span span = { t->rest.p, t->rest.len };
		size_t n = 0;
		err e = t->loop->ops->send(t->loop, t->file, &span, 1, &n);

		if (e == ERR_AGAIN)
			return e;
		if (e != OK) {
			give_up(t);
			return e;
		}
		buf_drop_front(&t->rest, n);
	}
	buf_fini(&t->rest);
	if (t->is_ending) {
		t->is_ending = false;
		t->loop->ops->shutdown(t->loop, t->file);
	}
	return t->is_failed ? ERR_IO : OK;
}

/* All of it: to the socket, or kept. False: nobody is there, or too much is kept. */
static bool put(struct tls *t, const char *p, size_t n)
{
	struct net_span span = { p, n };
	size_t sent = 0;
	err e = ERR_AGAIN;

	if (t->rest.len == 0)
		e = t->loop->ops->send(t->loop, t->file, &span, 1, &sent);
	if (e == ERR_AGAIN)
		sent = 0;
	if (sent < n)
		buf_put(&t->rest, p + sent, n - sent);
	if ((e != OK && e != ERR_AGAIN) || !buf_ok(&t->rest))
		give_up(t);
	return !t->is_failed;
}

/* Once the kernel encrypts, what OpenSSL still has to say (tickets, alerts) is marked as such on the
 * socket and goes at once. */
static int write_marked(BIO *b, struct tls *t, const char *p, int n)
{
	int written = BIO_write(t->socket, p, n);

	BIO_clear_retry_flags(b);
	if (written <= 0 && BIO_should_retry(t->socket))
		BIO_set_retry_write(b);
	return written;
}

static bool kernel_encrypts(const struct tls *t)
{
	return t->socket && BIO_get_ktls_send(t->socket);
}

static int bio_write(BIO *b, const char *p, int n)
{
	struct tls *t = BIO_get_data(b);

	if (t->has_ended)
		return n;
	if (!t->is_failed && kernel_encrypts(t))
		return write_marked(b, t, p, n);
	return !t->is_failed && put(t, p, (size_t)n) ? n : -1;
}

static int read_received(struct tls *t, char *p, size_t max)
{
	size_t n = t->received.len < max ? t->received.len : max;

	memcpy(p, t->received.p, n);
	buf_drop_front(&t->received, n);
	if (t->received.len == 0)
		buf_fini(&t->received);
	return (int)n;
}

static int bio_read(BIO *b, char *p, int max)
{
	struct tls *t = BIO_get_data(b);
	size_t n = 0, room = (size_t)max < t->recv_left ? (size_t)max : t->recv_left;
	err e = ERR_AGAIN;

	BIO_clear_retry_flags(b);
	if (t->received.len > 0)
		return read_received(t, p, (size_t)max);
	if (room > 0)
		e = t->loop->ops->recv(t->loop, t->file, p, room, &n);
	if (e == ERR_AGAIN)
		BIO_set_retry_read(b);
	else if (e == OK)
		t->has_eof = n == 0;
	t->recv_left -= n;
	return e == OK ? (int)n : -1;
}

static long bio_ctrl(BIO *b, int command, long number, void *p)
{
	const struct tls *t = BIO_get_data(b);

	switch (command) {
	case BIO_CTRL_EOF:
		return t->has_eof;
	case BIO_CTRL_FLUSH:
		return 1; /* as far as OpenSSL is concerned */
	case BIO_CTRL_GET_KTLS_SEND:
	case KTLS_MARK:
	case KTLS_UNMARK:
		return t->socket ? BIO_ctrl(t->socket, command, number, p) : 0;
	case KTLS_SET:
		return t->socket && number && t->rest.len == 0 ?
			       BIO_ctrl(t->socket, command, number, p) :
			       0;
	}
	return 0;
}

BIO_METHOD *tls_bio_method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sockudo");

	if (!m)
		return NULL;
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

/* Beginning and end */

/* Its keys cannot be changed: a peer that wants that has to come again. None does before 2^24
 * records, and browsers never. */
static void on_message(int is_sent, int version, int type, const void *p, size_t n, SSL *ssl,
		       void *arg)
{
	const unsigned char *m = p;
	struct tls *t = arg;

	if (!is_sent && type == SSL3_RT_HANDSHAKE && n == 5 && m[0] == SSL3_MT_KEY_UPDATE &&
	    m[4] == SSL_KEY_UPDATE_REQUESTED && kernel_encrypts(t) && !t->has_ended)
		give_up(t);
}

/* Only for sending: to receive, OpenSSL 3.0 can do it for TLS 1.2 alone. */
static void ask_kernel(struct tls *t)
{
	t->socket = BIO_new_socket(t->file->fd, BIO_NOCLOSE);
	SSL_set_msg_callback(t->ssl, on_message);
	SSL_set_msg_callback_arg(t->ssl, t);
}

static struct tls *attach(struct loop *l, struct io_file *f, struct tls_context *c)
{
	struct tls *t = xnew(struct tls);
	BIO *bio = BIO_new(c->bio);

	ERR_clear_error();
	t->ssl = SSL_new(c->ssl);
	t->context = tls_context_ref(c);
	t->loop = l;
	t->file = f;
	list_init(&t->held);
	buf_init(&t->rest, REST_BYTES_MAX);
	f->tls = t;
	if (!t->ssl || !bio) {
		BIO_free(bio);
		give_up(t);
		return NULL;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	if (c->uses_kernel && l->ops->is_kernel)
		ask_kernel(t);
	return t;
}

err tls_accept(struct loop *l, struct io_file *f, struct tls_context *c, str received)
{
	struct tls *t = attach(l, f, c);

	if (!t)
		return ERR_MEMORY;
	SSL_set_accept_state(t->ssl);
	buf_init(&t->received, received.n);
	buf_puts(&t->received, received);
	t->has_input = received.n > 0;
	sync(t);
	return buf_ok(&t->received) ? OK : ERR_MEMORY;
}

/* close_notify, if there is still somebody to hear it. */
static void say_goodbye(struct tls *t)
{
	ERR_clear_error();
	if (!t->is_failed && SSL_is_init_finished(t->ssl) &&
	    !(SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN))
		SSL_shutdown(t->ssl);
}

void tls_shutdown(struct loop *l, struct io_file *f)
{
	struct tls *t = f->tls;

	say_goodbye(t);
	t->has_ended = true;
	t->is_ending = true;
	flush(t);
	sync(t);
}

void tls_close(struct loop *l, struct io_file *f)
{
	struct tls *t = f->tls;

	if (t->rest.len == 0)
		say_goodbye(t);
	list_remove(&t->held);
	SSL_free(t->ssl);
	BIO_free(t->socket);
	ERR_clear_error();
	buf_fini(&t->rest);
	buf_fini(&t->received);
	tls_context_unref(t->context);
	xfree(t);
	f->tls = NULL;
}

/* Bytes */

static bool speaks_plain_http(void)
{
	unsigned long error = ERR_peek_error();

	return ERR_GET_LIB(error) == ERR_LIB_SSL &&
	       (ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST ||
		ERR_GET_REASON(error) == SSL_R_HTTPS_PROXY_REQUEST);
}

static const char *first_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return reason ? reason : "unknown error";
}

/* What a call that answered result ran into. ERR_NOT_FOUND: the end of the stream. */
static err outcome(struct tls *t, int result)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: /* a ticket, with kernel TLS: it is written at the next read */
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_NOT_FOUND;
	case SSL_ERROR_SSL:
		t->failure = first_reason();
		if (speaks_plain_http())
			put(t, t->context->plain_answer.p, t->context->plain_answer.n);
		break;
	}
	ERR_clear_error();
	t->is_failed = true;
	return ERR_IO;
}

/* One or more records, as far as they are here and there is room. */
static err read_records(struct tls *t, char *p, size_t max, size_t *n)
{
	*n = 0;
	do {
		size_t got = 0;
		int result;

		ERR_clear_error();
		result = SSL_read_ex(t->ssl, p + *n, max - *n, &got);
		if (result != 1)
			return outcome(t, result);
		*n += got;
	} while (*n < max && SSL_has_pending(t->ssl));
	return OK;
}

static bool has_to_wait(struct loop *l, const struct tls *t)
{
	if (SSL_is_init_finished(t->ssl) || !SSL_is_server(t->ssl))
		return false;
	if (l->n_handshake_steps == HANDSHAKE_STEPS_PER_TURN)
		return true;
	l->n_handshake_steps++;
	return false;
}

err tls_recv(struct loop *l, struct io_file *f, void *p, size_t max, size_t *n)
{
	struct tls *t = f->tls;
	err e = t->is_failed ? ERR_IO : OK;

	*n = 0;
	if (e == OK && has_to_wait(l, t))
		return ERR_AGAIN;
	t->recv_left = RECV_BYTES_MAX;
	if (e == OK) {
		e = read_records(t, p, max, n);
		/* An end or a failure that came with the last bytes is told by the next call. */
		t->has_input = e == OK ? SSL_has_pending(t->ssl) : e != ERR_AGAIN;
		t->has_input |= t->is_failed;
	}
	sync(t);
	return *n > 0 || e == ERR_NOT_FOUND ? OK : e;
}

/* The next bytes of the spans, side by side in scratch if they come from several. */
static str gather(const struct net_span *spans, size_t n_spans, size_t at, char *scratch)
{
	str out = { scratch, 0 };

	for (size_t i = 0; i < n_spans && out.n < SSL3_RT_MAX_PLAIN_LENGTH; i++) {
		size_t left = SSL3_RT_MAX_PLAIN_LENGTH - out.n, n = spans[i].n;

		if (at >= n) {
			at -= n;
			continue;
		}
		n -= at;
		if (out.n == 0 && (n >= left || i + 1 == n_spans))
			return (str){ (const char *)spans[i].p + at, n < left ? n : left };
		n = n < left ? n : left;
		memcpy(scratch + out.n, (const char *)spans[i].p + at, n);
		out.n += n;
		at = 0;
	}
	return out;
}

static err write_records(struct tls *t, const struct net_span *spans, size_t n_spans, size_t *n)
{
	char scratch[SSL3_RT_MAX_PLAIN_LENGTH];
	str part;

	while (t->rest.len == 0 && (part = gather(spans, n_spans, *n, scratch)).n > 0) {
		size_t written = 0;
		int result;

		ERR_clear_error();
		result = SSL_write_ex(t->ssl, part.p, part.n, &written);
		if (result != 1)
			return outcome(t, result);
		*n += written;
	}
	return OK;
}

/* The socket encrypts what is sent on it from the end of the handshake on. */
static bool is_kernels(struct tls *t)
{
	if (!t->is_kernels && t->socket)
		t->is_kernels = SSL_is_init_finished(t->ssl) && kernel_encrypts(t);
	return t->is_kernels;
}

err tls_send(struct loop *l, struct io_file *f, const struct net_span *spans, size_t n_spans,
	     size_t *n)
{
	struct tls *t = f->tls;
	err e = t->is_failed ? ERR_IO : flush(t);

	if (e == OK && is_kernels(t))
		return l->ops->send(l, f, spans, n_spans, n);
	*n = 0;
	if (e == OK)
		e = write_records(t, spans, n_spans, n);
	sync(t);
	if (*n > 0)
		return OK;
	return e == ERR_NOT_FOUND ? ERR_IO : e;
}

err tls_flush(struct loop *l, struct io_file *f)
{
	struct tls *t = f->tls;
	err e = t->is_failed ? ERR_IO : flush(t);

	sync(t);
	return e;
}

const char *tls_failure(const struct io_file *f)
{
	return f->tls ? f->tls->failure : NULL;
}

/* The loop */

void tls_watched(struct loop *l, struct io_file *f)
{
	sync_held(f->tls);
}

void tls_on_writable(struct loop *l, struct io_file *f)
{
	flush(f->tls);
	sync(f->tls);
}

void tls_serve_held(struct loop *l)
{
	struct list now, *link;

	list_init(&now);
	list_splice_back(&now, &l->held);
	while ((link = list_pop_front(&now))) {
		struct io_file *f = tls_of_held(link)->file;

		f->on_ready(f, LOOP_READ);
		/* Closed by its owner, it has none any more. */
		if (f->tls)
			sync_held(f->tls);
	}
}
