/* http_priv.h: what http.c (reading), http_answer.c (writing) and upgrade.c share. */
#ifndef SERVER_HTTP_PRIV_H
#define SERVER_HTTP_PRIV_H

#include "server/http.h"

/* What every routed answer carries: any page of any origin may read it. */
#define HTTP_CORS_VARY                                                                             \
	"vary: origin, access-control-request-method, access-control-request-headers\r\n"
#define HTTP_CORS_ORIGIN "access-control-allow-origin: *\r\n"
#define HTTP_CORS_LINES S(HTTP_CORS_VARY HTTP_CORS_ORIGIN)

struct http_reply {
	unsigned status;
	const char *content_type; /* NULL: none */
	str lines;		  /* ready header lines before the CORS ones */
	str cors;		  /* ready header lines, empty for unrouted paths */
	str allow;		  /* methods; empty: no such header */
	str body;		  /* of the answer to a GET when HEAD was asked */
};

/* From now until its answer: how the request wants to be answered. */
void http_note_manner(struct conn *c, const struct http_request *r);
/* Queues the answer, then ends the stream or arms the deadline for the next request. */
void http_reply(struct conn *c, const struct http_reply *reply);
/* For what is not a request, or one that we do not wait for: no body, no more of this connection. */
void http_refuse(struct conn *c, unsigned status);
/* head and body as one message; frees head. NULL: memory is short. */
struct msg *http_message(struct buf *head, str body);

#endif
