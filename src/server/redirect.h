/* redirect.h: the answer of the plain HTTP port beside a TLS port. */
#ifndef SERVER_REDIRECT_H
#define SERVER_REDIRECT_H

#include "server/http.h"

/* 308 to the same path and query of https://, at the port of the clients' listener, whatever was
 * asked. 400 for a Host header that names no host. */
void redirect_handle(const struct http_call *call);

#endif
