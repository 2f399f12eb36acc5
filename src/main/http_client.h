/* http_client.h: one HTTP exchange of a command: a request out, a whole answer in, and what came
 * instead of one if something else is at the other end. */
#ifndef MAIN_HTTP_CLIENT_H
#define MAIN_HTTP_CLIENT_H

#include "base/arena.h"
#include "main/client.h"

enum http_outcome {
	HTTP_ANSWERED,
	HTTP_UNREACHABLE, /* no connection; for the caller to set */
	HTTP_SILENT,	  /* nothing, or not all, in time */
	HTTP_HUNG_UP,	  /* the stream ended before the answer did */
	HTTP_IS_HTTP2,	  /* frames of HTTP/2 */
	HTTP_IS_OTHER,	  /* bytes of something else */
};

struct http_answer {
	enum http_outcome outcome;
	unsigned status;
	unsigned minor;	  /* HTTP/1.minor */
	str head;	  /* with the status line, without the empty line */
	str body;	  /* as far as it was kept */
	bool keeps_alive; /* another request may follow */
	unsigned ms;	  /* from the request's end to the answer's */
};

enum { HTTP_CLIENT_BODY_MAX = 64 << 10 };

struct http_question {
	str method;
	str target; /* path and query; the path of the URL comes before it */
	str lines;  /* further header lines, each with its CRLF */
	str body;
	bool is_last; /* asks for the connection's end */
};

/* False: the peer took no more; it may have answered all the same. */
bool http_client_ask(struct client *c, const struct client_url *u, const struct http_question *q);
/* Everything of it is copied into a. wait_ms is for the whole answer. */
void http_client_read(struct client *c, unsigned wait_ms, struct arena *a, struct http_answer *out);
/* The same up to the end of the head, which stays in c->in; *head_bytes is its length. */
void http_client_read_head(struct client *c, unsigned wait_ms, struct arena *a,
			   struct http_answer *out, size_t *head_bytes);
/* The value of the first header of that name, any case; p is NULL when there is none. */
str http_answer_header(const struct http_answer *a, str name);

#endif
