/* upgrade.h: GET /app/{key}: from an HTTP request to a WebSocket connection. */
#ifndef SERVER_UPGRADE_H
#define SERVER_UPGRADE_H

#include "server/http.h"

void upgrade_handle(const struct http_call *call);

#endif
