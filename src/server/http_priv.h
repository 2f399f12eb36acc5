/* http_priv.h: what http.c (reading), http_answer.c (writing) and upgrade.c share. */
#ifndef SERVER_HTTP_PRIV_H
#define SERVER_HTTP_PRIV_H

#include "server/http.h"

/* Header lines about other origins (cors.h). */
enum http_cors {
	HTTP_CORS_NONE, /* of a path that is not routed */
	HTTP_CORS_ANSWER,
	HTTP_CORS_PREFLIGHT,
};

struct http_reply {
	unsigned status;
	const char *content_type; /* NULL: none */
	str lines;		  /* ready header lines before the CORS ones */
	enum http_cors cors;
	str allow; /* methods; empty: no such header */
	str body;  /* of the answer to a GET when HEAD was asked */
};

/* From now until its answer: how the request wants to be answered. */
void http_note_manner(struct conn *c, const struct http_request *r);
void http_put_cors(const struct conn *c, enum http_cors cors, struct buf *b);
/* Queues the answer, then ends the stream or arms the deadline for the next request. */
void http_reply(struct conn *c, const struct http_reply *reply);
/* 429: the client has asked too often. */
void http_answer_over_rate(struct conn *c);
/* For what is not a request, or one that we do not wait for: no body, no more of this
 * connection. */
void http_refuse(struct conn *c, unsigned status);
/* 503: memory is short for what was asked. */
void http_reply_busy(struct conn *c);
/* head and body as one message; frees head. NULL: memory is short. */
struct msg *http_message(struct buf *head, str body);

#endif
