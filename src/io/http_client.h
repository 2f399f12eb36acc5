/* http_client.h: POST requests outwards, to servers that others run: webhooks.
 *
 * In the kernel's world libcurl carries them, on a thread of its own, so that neither a name that
 * takes long to resolve nor a handshake ever holds up a loop. In the simulator the world's own
 * receiver answers (sim.h). Either way the outcome comes back to the loop that the client belongs to, in
 * one of its turns; no function here waits for the network, and all are for that loop's thread.
 *
 * Every request ends, at the latest when its time is over. What the answer says besides its status
 * is read and thrown away, up to a limit. Certificates are verified. Redirects are followed ten times
 * at most, never from https to http; 301, 302, 307 and 308 are asked again by POST with the same body.
 * A proxy is used where the environment names one (https_proxy, http_proxy, all_proxy, no_proxy). */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include "base/err.h"
#include "base/str.h"
#include "io/loop.h"

struct http_client;

struct http_client_options {
	unsigned n_posts_max; /* on their way at the same time */
	const char *ca_file;  /* PEM: whom we trust; NULL: whom the system trusts */
};

/* NULL: *why is a static text. Loads libraries, so call it before the sandbox is entered; the thread
 * starts with the first post. */
struct http_client *http_client_new(struct loop *l, const struct http_client_options *o,
				    const char **why);
/* What is on its way is broken off: no on_done comes any more. Not within on_done. NULL is fine. */
void http_client_free(struct http_client *c);

/* Why there was no answer. */
#define HTTP_ERROR_TIMEOUT "timeout"	     /* the time was over */
#define HTTP_ERROR_DNS "dns"		     /* the host's name leads nowhere */
#define HTTP_ERROR_REFUSED "refused"	     /* nobody listens there */
#define HTTP_ERROR_UNREACHABLE "unreachable" /* no way to the host, or to the proxy */
#define HTTP_ERROR_CERTIFICATE "certificate" /* somebody whom we do not trust */
#define HTTP_ERROR_TLS "tls"		     /* no handshake */
#define HTTP_ERROR_LOST "lost"		     /* the connection ended before the answer */
#define HTTP_ERROR_PROTOCOL "protocol"	     /* what came is no HTTP */
#define HTTP_ERROR_REDIRECT "redirect"	     /* too many, or to where we do not follow */
#define HTTP_ERROR_SYSTEM "system"	     /* no thread, memory or descriptors */

struct http_result {
	unsigned status;   /* of the answer; 0: there was none */
	const char *error; /* an HTTP_ERROR_ if there was none, else NULL */
	const char *words; /* more about the error, valid during the call; "": nothing */
	unsigned took_ms;  /* from http_client_post on */
};

struct http_post_header {
	str name, value;
};

struct http_post {
	str url; /* http:// or https://; may carry user:password@ */
	/* In this order, besides Host, Accept and Content-Length; a name may be there twice. */
	const struct http_post_header *headers;
	size_t n_headers;
	str body;
	unsigned timeout_ms; /* for everything, from here to the answer */
	void *user;
	/* In one of the loop's turns, never within http_client_post; may post again. */
	void (*on_done)(void *user, const struct http_result *r);
};

/* Everything of the post is copied. OK; ERR_LIMIT: n_posts_max are on their way; ERR_SYNTAX: the URL
 * or a header is none (a line end in it, above all). */
err http_client_post(struct http_client *c, const struct http_post *post);

/* Could a post have this URL, this header? For who reads configurations. */
bool http_client_is_url(str url);
bool http_client_is_header(str name, str value);
/* Host and port of a URL, as far as it names one: what may be told to everybody. */
str http_client_host(str url);

#endif
