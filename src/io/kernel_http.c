/* kernel_http.c: posts by libcurl's multi interface, on one thread.
 *
 * The thread sleeps in curl_multi_poll, without a period of its own; a post, and the end, wake it. It
 * starts with the first post, because it has to be born inside the sandbox. Posts come to it on a stack
 * that is taken whole, outcomes go back by http_exchange_finish.
 *
 * Connections are kept and used again, as many as there may be posts. HTTP/1.1: what a webhook wins by
 * HTTP/2 is a connection less, and what it loses is that one connection which breaks takes along all
 * posts that share it. A name that takes its time is resolved by a thread of libcurl, which is left alone
 * (QUICK_EXIT) when its post's time is over.
 *
 * An answer counts when its head is there: what follows is read up to ANSWER_BYTES_MAX, for the
 * connection's sake, and whether it comes at all changes nothing. */
#include "base/check.h"
#include "base/mem.h"
#include "io/http_client_priv.h"
#include "io/kernel.h"

#ifdef HAVE_CURL

#include "io/curl_library.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

enum {
	ANSWER_BYTES_MAX = 64 << 10,
	HEAD_BYTES_MAX = 64 << 10,
	REDIRECTS_MAX = 10,
	CONNECT_TIMEOUT_MS = 10000,
	POLL_MS = 60000, /* only so that the call has an end */
};

struct curl_client {
	struct http_client base;
	struct curl_library curl;
	CURLM *multi;
	char *ca_file; /* NULL: the system's */
	pthread_t thread;
	bool is_started;
	atomic_bool is_over;
	_Atomic(struct http_exchange *) posted; /* newest first */
	struct list running;			/* the thread's */
};

struct curl_exchange {
	struct http_exchange base;
	struct list running;
	CURL *easy;
	struct curl_slist *headers;
	unsigned status; /* of the head that comes in, 0 until it is whole */
	unsigned coming;
	size_t head_bytes, body_bytes;
	bool was_encrypted;
	bool is_downgraded; /* a redirect from https to http */
};

_Static_assert(HTTP_WORDS_MAX >= CURL_ERROR_SIZE, "libcurl writes there");

static struct curl_client *client_of(const struct http_exchange *x)
{
	return container_of(x->client, struct curl_client, base);
}

/* While it runs */

static bool is_answer(unsigned status)
{
	return status >= 200;
}

/* A head begins anew with every redirect and after every 1xx. */
static void begin_head(struct curl_exchange *x, str line)
{
	uint64_t status = 0;

	str_split(&line, ' ');
	str_to_u64(str_take(line, 3), 999, &status);
	x->coming = (unsigned)status;
	x->status = 0;
}

static bool is_end_of_head(str line)
{
	return str_eq(line, S("\r\n")) || str_eq(line, S("\n"));
}

static size_t on_header(char *p, size_t size, size_t n, void *exchange)
{
	struct curl_exchange *x = exchange;
	str line = { p, size * n };

	x->head_bytes += line.n;
	if (x->head_bytes > HEAD_BYTES_MAX)
		return 0;
	if (str_has_prefix(line, S("HTTP/")))
		begin_head(x, line);
	else if (is_end_of_head(line) && is_answer(x->coming))
		x->status = x->coming;
	return line.n;
}

static size_t on_body(char *p, size_t size, size_t n, void *exchange)
{
	struct curl_exchange *x = exchange;

	x->body_bytes += size * n;
	return x->body_bytes <= ANSWER_BYTES_MAX ? size * n : 0;
}

/* Before each request, redirected ones included: nothing of it is sent yet. */
static int on_request(void *exchange, char *ip, char *local_ip, int port, int local_port)
{
	struct curl_exchange *x = exchange;
	char *scheme = NULL;
	bool is_encrypted;

	client_of(&x->base)->curl.curl_easy_getinfo(x->easy, CURLINFO_SCHEME, &scheme);
	is_encrypted = scheme && str_eq_nocase(str_from_cstr(scheme), S("https"));
	x->is_downgraded = x->was_encrypted && !is_encrypted;
	x->was_encrypted = is_encrypted;
	return x->is_downgraded ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Beginning */

static bool add_line(struct curl_exchange *x, const char *line)
{
	struct curl_slist *longer = client_of(&x->base)->curl.curl_slist_append(x->headers, line);

	if (longer)
		x->headers = longer;
	return longer;
}

/* An empty value has to be written "name;". */
static bool add_header(struct curl_exchange *x, const struct http_post_header *h)
{
	size_t n = h->name.n + 2 + h->value.n + 1;
	char *line = xalloc(n);
	bool is_added;

	snprintf(line, n, h->value.n ? "%s: %s" : "%s;", h->name.p, h->value.p);
	is_added = add_line(x, line);
	xfree(line);
	return is_added;
}

/* "name:" leaves out what libcurl would add: it would ask for leave to send a long body, and call a body
 * without a type a form. */
static bool add_headers(struct curl_exchange *x)
{
	const struct http_post *post = &x->base.post;

	for (size_t i = 0; i < post->n_headers; i++) {
		if (!add_header(x, &post->headers[i]))
			return false;
	}
	return add_line(x, "Expect:") && add_line(x, "Content-Type:");
}

static bool set_options(struct curl_exchange *x)
{
	const struct curl_client *c = client_of(&x->base);
	const struct http_post *post = &x->base.post;
	CURLcode e = CURLE_OK;

#define SET(option, value) (e = e ? e : c->curl.curl_easy_setopt(x->easy, option, value))
	SET(CURLOPT_URL, post->url.p);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	SET(CURLOPT_POSTREDIR, (long)(CURL_REDIR_POST_301 | CURL_REDIR_POST_302));
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's yes is no answer */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)(post->timeout_ms ? post->timeout_ms : 1));
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.n);
	SET(CURLOPT_POSTFIELDS, post->body.p);
	SET(CURLOPT_HTTPHEADER, x->headers);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_PREREQFUNCTION, on_request);
	SET(CURLOPT_PREREQDATA, x);
	SET(CURLOPT_ERRORBUFFER, x->base.words);
	SET(CURLOPT_PRIVATE, x);
	if (c->ca_file)
		SET(CURLOPT_CAINFO, c->ca_file);
#undef SET
	return e == CURLE_OK;
}

static bool prepare(struct curl_exchange *x)
{
	x->easy = client_of(&x->base)->curl.curl_easy_init();
	return x->easy && add_headers(x) && set_options(x);
}

/* Ending */

static const char *error_of(struct curl_exchange *x, CURLcode e)
{
	long system_error = 0;

	client_of(&x->base)->curl.curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &system_error);
	switch (e) {
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_ERROR_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_ERROR_DNS;
	case CURLE_COULDNT_CONNECT:
		return system_error == ECONNREFUSED ? HTTP_ERROR_REFUSED : HTTP_ERROR_UNREACHABLE;
	case CURLE_PROXY:
		return HTTP_ERROR_UNREACHABLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return HTTP_ERROR_CERTIFICATE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		return HTTP_ERROR_TLS;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return HTTP_ERROR_LOST;
	case CURLE_TOO_MANY_REDIRECTS:
		return HTTP_ERROR_REDIRECT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return x->coming ? HTTP_ERROR_REDIRECT : HTTP_ERROR_PROTOCOL;
	case CURLE_ABORTED_BY_CALLBACK:
		return x->is_downgraded ? HTTP_ERROR_REDIRECT : HTTP_ERROR_SYSTEM;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return HTTP_ERROR_SYSTEM;
	default:
		return HTTP_ERROR_PROTOCOL;
	}
}

static bool is_redirect(unsigned status)
{
	return status / 100 == 3;
}

static void set_error(struct curl_exchange *x, CURLcode e)
{
	const struct curl_library *curl = &client_of(&x->base)->curl;
	const char *words = curl->curl_easy_strerror(e);

	x->base.error = error_of(x, e);
	if (x->is_downgraded)
		words = "a redirect from https to http";
	else if (x->base.words[0])
		return;
	snprintf(x->base.words, sizeof(x->base.words), "%s", words);
}

static void close_exchange(struct curl_exchange *x)
{
	const struct curl_client *c = client_of(&x->base);

	if (x->easy)
		c->curl.curl_easy_cleanup(x->easy);
	c->curl.curl_slist_free_all(x->headers);
	x->easy = NULL;
	x->headers = NULL;
}

/* Off the multi handle. An answer whose body is late, cut or too long is an answer, unless it sent us
 * elsewhere. */
static void finish(struct curl_exchange *x, CURLcode e)
{
	if (e == CURLE_OK || (x->status && !is_redirect(x->status)))
		x->base.status = x->status;
	else
		set_error(x, e);
	close_exchange(x);
	http_exchange_finish(&x->base);
}

static void fail(struct curl_exchange *x)
{
	x->base.error = HTTP_ERROR_SYSTEM;
	close_exchange(x);
	http_exchange_finish(&x->base);
}

/* The thread */

static void take_post(struct curl_client *c, struct curl_exchange *x)
{
	if (!prepare(x) || c->curl.curl_multi_add_handle(c->multi, x->easy) != CURLM_OK) {
		fail(x);
		return;
	}
	list_push_back(&c->running, &x->running);
}

static void take_posts(struct curl_client *c)
{
	struct http_exchange *x = atomic_exchange_explicit(&c->posted, NULL, memory_order_acquire);
	struct http_exchange *oldest = NULL;

	while (x) {
		struct http_exchange *older = x->next;

		x->next = oldest;
		oldest = x;
		x = older;
	}
	while (oldest) {
		x = oldest;
		oldest = x->next;
		take_post(c, container_of(x, struct curl_exchange, base));
	}
}

static void remove_exchange(struct curl_client *c, struct curl_exchange *x)
{
	c->curl.curl_multi_remove_handle(c->multi, x->easy);
	list_remove(&x->running);
}

static void finish_those_that_are_done(struct curl_client *c)
{
	CURLMsg *m;
	int n_left;

	while ((m = c->curl.curl_multi_info_read(c->multi, &n_left))) {
		struct curl_exchange *x = NULL;
		CURLcode e = m->data.result;

		c->curl.curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		remove_exchange(c, x); /* m is gone with it */
		finish(x, e);
	}
}

static void break_off(struct curl_client *c)
{
	while (!list_is_empty(&c->running)) {
		struct curl_exchange *x =
			container_of(c->running.next, struct curl_exchange, running);

		remove_exchange(c, x);
		close_exchange(x);
	}
}

static void *thread_main(void *client)
{
	struct curl_client *c = client;
	int n_running;

	pthread_setname_np(pthread_self(), "http-client");
	while (!atomic_load_explicit(&c->is_over, memory_order_acquire)) {
		take_posts(c);
		c->curl.curl_multi_perform(c->multi, &n_running);
		finish_those_that_are_done(c);
		c->curl.curl_multi_poll(c->multi, NULL, 0, POLL_MS, NULL);
	}
	break_off(c);
	return NULL;
}

/* With all signals blocked: they belong to the main thread. */
static bool start_thread(struct curl_client *c)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->is_started = pthread_create(&c->thread, NULL, thread_main, c) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return c->is_started;
}

/* The loop's side */

static void start(struct http_exchange *x)
{
	struct curl_client *c = client_of(x);
	struct http_exchange *head = atomic_load_explicit(&c->posted, memory_order_relaxed);

	if (!c->is_started && !start_thread(c)) {
		fail(container_of(x, struct curl_exchange, base));
		return;
	}
	do {
		x->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&c->posted, &head, x, memory_order_release,
							memory_order_relaxed));
	if (!head)
		c->curl.curl_multi_wakeup(c->multi);
}

static void end(struct http_exchange *x)
{
}

static bool open_multi(struct curl_client *c, const struct http_client_options *o)
{
	long n = (long)o->n_posts_max;

	c->multi = c->curl.curl_multi_init();
	return c->multi &&
	       c->curl.curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, n) == CURLM_OK &&
	       c->curl.curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, n) == CURLM_OK;
}

static bool init(struct http_client *base, const struct http_client_options *o, const char **why)
{
	struct curl_client *c = container_of(base, struct curl_client, base);

	list_init(&c->running);
	if (!curl_library_load(&c->curl, why))
		return false;
	if (!open_multi(c, o)) {
		*why = "libcurl has no memory or descriptors";
		return false;
	}
	if (o->ca_file) {
		c->ca_file = xalloc(strlen(o->ca_file) + 1);
		memcpy(c->ca_file, o->ca_file, strlen(o->ca_file) + 1);
	}
	return true;
}

static void fini(struct http_client *base)
{
	struct curl_client *c = container_of(base, struct curl_client, base);

	if (c->is_started) {
		atomic_store_explicit(&c->is_over, true, memory_order_release);
		c->curl.curl_multi_wakeup(c->multi);
		pthread_join(c->thread, NULL);
	}
	c->curl.curl_multi_cleanup(c->multi);
	xfree(c->ca_file);
}

#else

struct curl_client {
	struct http_client base;
};
struct curl_exchange {
	struct http_exchange base;
};

static bool init(struct http_client *c, const struct http_client_options *o, const char **why)
{
	*why = "this build has no libcurl";
	return false;
}

static void fini(struct http_client *c)
{
}

static void start(struct http_exchange *x)
{
	NEVER("there is no client");
}

static void end(struct http_exchange *x)
{
}

#endif

const struct http_client_ops kernel_http_client_ops = {
	.client_bytes = sizeof(struct curl_client),
	.exchange_bytes = sizeof(struct curl_exchange),
	.init = init,
	.fini = fini,
	.start = start,
	.end = end,
};
