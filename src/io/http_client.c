/* http_client.c: what a post is in every world: looked at, copied, and told about once.
 *
 * Finished exchanges are pushed on a lock-free stack; the push that finds it empty hands the loop a
 * job (the knock), whose done() tells all of them. So an answer needs no mechanism of its own to come
 * back, and a hundred that come at once wake the loop once.
 *
 * Header lines are written by joining texts, so a text with a line end in it would be a header of
 * somebody else's choice. Names and values are therefore looked at here, for all worlds, and what
 * frames the body is ours alone. */
#include "io/http_client.h"

#include "base/check.h"
#include "base/mem.h"
#include "io/http_client_priv.h"

/* Looking */

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool has_control_or_blank(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_control(s.p[i]) || s.p[i] == ' ')
			return true;
	}
	return false;
}

static bool is_scheme(str *url, str scheme)
{
	if (!str_eq_nocase(str_take(*url, scheme.n), scheme))
		return false;
	*url = str_skip(*url, scheme.n);
	return true;
}

/* user:password@host:port, host:port or [v6]:port, as far as it stands before the path. */
static str host_and_port(str url)
{
	size_t n = 0;

	while (n < url.n && url.p[n] != '/' && url.p[n] != '?' && url.p[n] != '#')
		n++;
	url = str_take(url, n);
	while (n > 0 && url.p[n - 1] != '@')
		n--;
	return str_skip(url, n);
}

/* An empty port is the scheme's own. */
static bool is_host_and_port(str s)
{
	size_t n = s.n && s.p[0] == '[' ? str_find_char(s, ']') + 1 : str_find_char(s, ':');
	str port = str_skip(s, n + 1);
	uint64_t number;

	if (n == 0 || n > s.n || (n < s.n && s.p[n] != ':'))
		return false;
	return port.n == 0 || (str_to_u64(port, UINT16_MAX, &number) && number > 0);
}

bool http_client_is_url(str url)
{
	return !has_control_or_blank(url) &&
	       (is_scheme(&url, S("https://")) || is_scheme(&url, S("http://"))) &&
	       is_host_and_port(host_and_port(url));
}

str http_client_host(str url)
{
	if (!is_scheme(&url, S("https://")))
		is_scheme(&url, S("http://"));
	return host_and_port(url);
}

/* RFC 9110, 5.6.2 */
static bool is_token(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      str_find_char(S("!#$%&'*+-.^_`|~"), c) < 15))
			return false;
	}
	return s.n > 0;
}

static bool is_framing(str name)
{
	return str_eq_nocase(name, S("Content-Length")) ||
	       str_eq_nocase(name, S("Transfer-Encoding"));
}

bool http_client_is_header(str name, str value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (is_control(value.p[i]) && value.p[i] != '\t')
			return false;
	}
	return is_token(name) && !is_framing(name);
}

static bool is_good(const struct http_post *post)
{
	for (size_t i = 0; i < post->n_headers; i++) {
		if (!http_client_is_header(post->headers[i].name, post->headers[i].value))
			return false;
	}
	return http_client_is_url(post->url);
}

/* Exchanges */

static size_t text_bytes(const struct http_post *post)
{
	size_t n = post->url.n + 1 + post->body.n + 1;

	for (size_t i = 0; i < post->n_headers; i++)
		n += post->headers[i].name.n + 1 + post->headers[i].value.n + 1;
	return n;
}

static str copy(char **to, str s)
{
	str copied = { *to, s.n };

	if (s.n)
		memcpy(*to, s.p, s.n);
	(*to)[s.n] = '\0';
	*to += s.n + 1;
	return copied;
}

/* The headers, then all texts, in one block. */
static void copy_post(struct http_exchange *x, const struct http_post *post)
{
	size_t n = post->n_headers;
	struct http_post_header *headers = xalloc(n * sizeof(*headers) + text_bytes(post));
	char *to = (char *)(headers + n);

	for (size_t i = 0; i < n; i++) {
		headers[i].name = copy(&to, post->headers[i].name);
		headers[i].value = copy(&to, post->headers[i].value);
	}
	x->post = *post;
	x->post.url = copy(&to, post->url);
	x->post.body = copy(&to, post->body);
	x->post.headers = headers;
}

static void exchange_free(struct http_exchange *x)
{
	list_remove(&x->link);
	x->client->n_posts--;
	x->client->ops->end(x);
	xfree((void *)x->post.headers);
	xfree(x);
}

static void tell(struct http_exchange *x)
{
	uint64_t took_ns = loop_clock(x->client->loop)->mono_ns - x->start_ns;
	struct http_post post = x->post;
	struct http_result r = { .status = x->status,
				 .error = x->error,
				 .words = x->error ? x->words : "",
				 .took_ms = (unsigned)(took_ns / 1000000) };

	post.on_done(post.user, &r);
	exchange_free(x);
}

static void on_knock(struct offload_job *knock)
{
	struct http_client *c = container_of(knock, struct http_client, knock);
	struct http_exchange *x =
		atomic_exchange_explicit(&c->finished, NULL, memory_order_acq_rel);
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
		tell(x);
	}
}

void http_exchange_finish(struct http_exchange *x)
{
	struct http_client *c = x->client;
	struct http_exchange *head = atomic_load_explicit(&c->finished, memory_order_relaxed);

	do {
		x->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&c->finished, &head, x, memory_order_acq_rel, memory_order_relaxed));
	if (!head) /* the knock has been answered: acquired from on_knock */
		offload_finish(&c->knock);
}

err http_client_post(struct http_client *c, const struct http_post *post)
{
	struct http_exchange *x;

	if (!is_good(post))
		return ERR_SYNTAX;
	if (c->n_posts >= c->n_posts_max)
		return ERR_LIMIT;
	x = xcalloc(1, c->ops->exchange_bytes);
	x->client = c;
	x->start_ns = loop_clock(c->loop)->mono_ns;
	copy_post(x, post);
	list_push_back(&c->exchanges, &x->link);
	c->n_posts++;
	c->ops->start(x);
	return OK;
}

/* Clients */

struct http_client *http_client_new(struct loop *l, const struct http_client_options *o,
				    const char **why)
{
	const struct http_client_ops *ops = l->ops->http_client;
	struct http_client *c = xcalloc(1, ops->client_bytes);

	c->ops = ops;
	c->loop = l;
	c->n_posts_max = o->n_posts_max;
	list_init(&c->exchanges);
	c->knock = (struct offload_job){ .loop = l, .done = on_knock };
	if (ops->init(c, o, why))
		return c;
	xfree(c);
	return NULL;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	c->ops->fini(c);
	offload_withdraw(&c->knock);
	while (!list_is_empty(&c->exchanges))
		exchange_free(container_of(c->exchanges.next, struct http_exchange, link));
	xfree(c);
}
