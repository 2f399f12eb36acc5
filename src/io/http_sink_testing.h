/* http_sink_testing.h: a server on threads of its own that takes requests and does with them what their
 * path says:
 *
 *     /200 or any status    answers with it, and two bytes
 *     /to/307 and others    answers with it, and redirects to `location`
 *     /silent               nothing, and keeps the connection
 *     /lost                 ends the connection
 *     /junk                 something that is no HTTP
 *     /huge                 200, and ten megabytes
 *     /cut                  200, and less than was announced, for ever
 *     /long                 header lines without an end
 *
 * To CONNECT it says yes, and ends the connection. */
#ifndef IO_HTTP_SINK_TESTING_H
#define IO_HTTP_SINK_TESTING_H

#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { SINK_CONNECTIONS_MAX = 64, SINK_REQUEST_MAX = 8192 };

struct sink;
struct sink_connection {
	struct sink *sink;
	int fd;
	pthread_t thread;
};

struct sink {
	uint16_t port; /* on 127.0.0.1 */
	char location[128];
	atomic_uint n_connections, n_requests;
	int fd;
	void *tls; /* SSL_CTX; NULL: plain */
	atomic_bool is_over;
	pthread_t thread;
	struct sink_connection connections[SINK_CONNECTIONS_MAX];
	pthread_mutex_t lock;	     /* over the rest */
	char last[SINK_REQUEST_MAX]; /* request, whole */
};

/* certificate_path, key_path: NULL for http. */
struct sink *sink_new(const char *certificate_path, const char *key_path);
void sink_free(struct sink *s);
/* The last request, head and body, into out[SINK_REQUEST_MAX]. */
str sink_last(struct sink *s, char *out);

#endif
