/* http.h: the HTTP side of a connection: from bytes to requests, from answers to bytes.
 *
 * A request that lies whole in the input is handled where it lies; only an incomplete one owns
 * memory (struct http_state), within the limits and deadlines of the options; a body in pieces is
 * kept only for a signed route, and only if its head is signed. Routes are rows of routes.def. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "codec/http1.h"
#include "server/conn.h"

/* What a route's handler sees. Everything is valid during the call only; scratch memory is the
 * worker's arena. */
struct http_call {
	struct conn *conn;
	struct worker *worker;
	const struct http_request *request;
	str body;	       /* empty if it was not kept */
	size_t body_bytes;     /* its length in any case */
	bool lacks_body;       /* it was not kept */
	bool is_followed;      /* further bytes had come with it */
	str segments[4];       /* the route's {parameters}, decoded */
	const struct app *app; /* signed routes: who signed */
};

/* Handles input: takes bytes from *in until all are taken, or the connection awaits the hub,
 * changes its phase or ends. */
void http_feed(struct conn *c, str *in);
/* A new connection, or one whose last answer was sent: the deadline of the phase is armed. */
void http_begin(struct conn *c);
/* The timer of a CONN_HTTP connection ran out. */
void http_on_timer(struct conn *c);
/* Frees what an incomplete request owns. */
void http_discard(struct conn *c);
/* An answer is written, or will never be: frees what was noted for it. Harmless twice. */
void http_forget_manner(struct conn *c);

#define HTTP_PLAIN_TEXT "text/plain; charset=utf-8"

/* Answers. Keep-alive, HEAD and CORS are taken care of. content_type NULL: none. extra: ready
 * header lines "Name: value\r\n" or empty. */
void http_answer(const struct http_call *call, unsigned status, const char *content_type, str extra,
		 str body);
void http_answer_json(const struct http_call *call, unsigned status, str body);
/* {"error":text,"code":code,"status":status} */
void http_answer_error(const struct http_call *call, unsigned status, const char *code, str text);
/* 503 with Retry-After: memory is short for what was asked, or its body was not kept. */
void http_answer_busy(const struct http_call *call);
/* The hub's answer to the request that c awaits (bits of c remember how to answer). Takes over
 * the reference to its body. */
void http_on_hub_answer(struct conn *c, const struct to_worker_answer *a);
/* The same for a page that needs its counts (api_operator.c); takes them over. */
void http_on_counted(struct conn *c, const struct to_worker_counted *m);

#endif
